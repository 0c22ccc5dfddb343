# SPDX-License-Identifier: GPL-2.0
"""What the tests need in a guest, as one archive in the cache: a small Debian system with Python, and the tests.

The system is of the suite that the kernel comes from, since the tests expect tools that are as new as the kernel. No
package is installed: they are unpacked into a directory, in which the guest works with chroot.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from qemu import SetupError, kernels, store
from qemu.packages import Archive, run

KERNEL = "7.2"
RECIPE = "2"  # to be changed with whatever changes the archive's content
SPACE = 1500  # MiB: the kernel's source package, the system unpacked and packed
PACKAGES = ("base-files", "bash", "bpftool", "coreutils", "dash", "ethtool", "grep", "iperf3", "iproute2", "iputils-ping", "kmod",
            "procps", "python3", "python3-yaml", "sed", "socat", "tcpdump")
# For the programs that some tests need: the kernel's and libbpf's declarations.
HEADERS = ("libbpf-dev", "linux-libc-dev")
# What nobody reads in a guest.
USELESS = ("boot", "usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "usr/lib/systemd",
           "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/systemd", "var/cache")
# Where the tests are in the kernel's source, and in the guest's Debian below LINUX.
TESTS = "tools/testing/selftests/drivers/net"
SOURCES = (TESTS, "tools/testing/selftests/net/lib", "tools/testing/selftests/net/lib.sh",
           "tools/testing/selftests/kselftest.h", "tools/net/ynl", "Documentation/netlink")
LINUX = "linux"
# Programs of the tests that consist of one file.
PROGRAMS = ("tools/testing/selftests/net/lib/csum", "tools/testing/selftests/net/lib/gro",
            "tools/testing/selftests/net/lib/xdp_helper", f"{TESTS}/napi_id_helper", f"{TESTS}/so_txtime")
# One that talks to the kernel through code which is made from the description of a netlink family.
TOEPLITZ, YNL = f"{TESTS}/hw/toeplitz", "tools/net/ynl"
FAMILY = ("--spec", "Documentation/netlink/specs/ethtool.yaml", "--user-header", "linux/ethtool_netlink.h",
          "--exclude-op", "stats-get")
# The kernel's generator of that code, without the package that would check the description: it is the kernel's own.
GENERATOR = """
import runpy, sys, types
sys.modules["jsonschema"] = types.SimpleNamespace(validate=lambda *_: None)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def get() -> Path:
    """Return the directory with the archive system.cpio and the list of tests, made where the cache does not have it."""
    state = f"{RECIPE} {PACKAGES} {HEADERS} {USELESS} {SOURCES} {PROGRAMS} {FAMILY}"
    directory = store.root() / "selftests" / f"{KERNEL}_{hashlib.sha256(state.encode()).hexdigest()[:12]}"
    with store.lock("selftests"):
        if not directory.is_dir():
            store.require_space(SPACE, "a guest's Debian for the kernel's tests")
            with store.new_directory(directory) as unfinished:
                _make(unfinished)
    return directory


def _make(directory: Path) -> None:
    entry = kernels.find(KERNEL)
    archive = Archive(entry.suite)
    archive.update()
    debian, headers = directory / "debian", directory / "headers"
    for path, packages in ((debian, archive.closure(PACKAGES)), (headers, HEADERS)):
        path.mkdir()
        print(f"fetching {len(packages)} packages of {entry.suite}", flush=True)
        archive.unpack(list(packages), path)
    for name in USELESS:
        shutil.rmtree(debian / name, ignore_errors=True)
    _add_tests(archive, entry.package, debian / LINUX)
    _compile(debian / LINUX, headers / "usr/include")
    (directory / "tests").write_text("\n".join(_tests(debian / LINUX / TESTS)) + "\n")
    _pack(directory)
    for path in (debian, headers):
        shutil.rmtree(path)


def _add_tests(archive: Archive, package: str, target: Path) -> None:
    """Take the tests, and what they are made of, out of the kernel's source package."""
    target.mkdir()
    print(f"fetching {package} for its tests", flush=True)
    archive.unpack([package], target)
    tarball = target / f"usr/src/{package}.tar.xz"
    run("tar", "--extract", "--file", tarball, "--directory", target, "--strip-components=1",
        *(f"{package}/{source}" for source in SOURCES))
    shutil.rmtree(target / "usr")


def _compile(linux: Path, headers: Path) -> None:
    """Build what can be built from a single file. What fails is absent, and the tests that need it say so."""
    include = [f"-I{linux}/tools/testing/selftests", f"-I{headers}", f"-I{headers}/x86_64-linux-gnu"]
    for program in PROGRAMS:
        run("gcc", "-static", "-O2", *include, "-o", linux / program, linux / f"{program}.c")
    _compile_toeplitz(linux, include)
    for source in sorted(linux.rglob("*.bpf.c")):
        run("clang", "-O2", "-g", "--target=bpf", *include, "-c", source, "-o", source.with_suffix(".o"))


def _compile_toeplitz(linux: Path, include: list[str]) -> None:
    """Build the program of hw/toeplitz.py, with the package that reads YAML from the guest's system."""
    generated = linux / YNL / "generated"
    (linux / "MAINTAINERS").touch()  # that is how the generator knows the top of the kernel's source
    for kind, name in (("--header", "ethtool-user.h"), ("--source", "ethtool-user.c")):
        run("env", f"PYTHONPATH={linux.parent}/usr/lib/python3/dist-packages", sys.executable, "-c", GENERATOR,
            f"{YNL}/pyynl/ynl_gen_c.py", "--mode", "user", kind, "-o", generated / name, *FAMILY, cwd=linux)
    run("gcc", "-static", "-O2", "-D_GNU_SOURCE", *include, f"-I{linux}/{YNL}/lib", f"-I{generated}", "-o", linux / TOEPLITZ,
        linux / f"{TOEPLITZ}.c", linux / f"{YNL}/lib/ynl.c", generated / "ethtool-user.c")


def _tests(directory: Path) -> list[str]:
    """Return the names of the tests, as in "ping.py" or "hw/csum.py": the programs in Python that run cases."""
    names = [*directory.glob("*.py"), *directory.glob("hw/*.py")]
    return sorted(str(path.relative_to(directory)) for path in names if "ksft_run(" in path.read_text())


def _pack(directory: Path) -> None:
    """Write the archive, in the kernel's format for what it unpacks while it boots."""
    names = "\n".join(str(path.relative_to(directory)) for path in sorted((directory / "debian").rglob("*")))
    with (directory / "system.cpio").open("wb") as output:
        done = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=directory,
                              input=f"debian\n{names}".encode(), stdout=output, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise SetupError(f"cpio: {done.stderr.decode(errors='replace').strip()}")
