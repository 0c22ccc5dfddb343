# SPDX-License-Identifier: GPL-2.0
"""Make a Debian machine ready: install the packages that are missing, and see that the disk has room.

    python3 -m qemu.setup
"""

import os
import shutil
import subprocess
from pathlib import Path

from qemu import BUILD, SetupError, cache, command

# Everything that the build, the harness, the tests and the benchmark call. Kernels are not installed: qemu.kernels
# fetches them into the cache.
PACKAGES = (
    # building modules and kernels
    "make", "gcc", "libc6-dev", "bc", "bison", "flex", "libelf-dev", "libssl-dev", "perl", "xz-utils", "dwarves",
    # the guest
    "qemu-system-x86", "busybox-static", "cpio", "kmod", "util-linux", "e2fsprogs",
    # the network, and what is sent over it
    "iproute2", "iputils-ping", "ethtool", "iperf3",
    # reports and lint
    "git", "python3", "python3-matplotlib", "shellcheck", "pyflakes3", "clang", "sparse", "patch", "gcovr",
)

# MiB that have to be free, beside the packages: Debian's kernel unpacked; modules, initramfs, logs and reports. A
# kernel that is built from source asks for its room itself.
CACHE_SPACE = 500
BUILD_SPACE = 500
PACKAGE_SPACE = 1500


def provide(packages: tuple[str, ...] = PACKAGES) -> None:
    """Install those of `packages` that are missing, without asking anything."""
    absent = missing(packages)
    require_space(with_packages=bool(absent))
    if not absent:
        print(f"setup: all {len(packages)} packages are installed")
        return
    if not shutil.which("apt-get"):
        raise SetupError(f"no apt-get here; install these yourself: {' '.join(absent)}")
    print(f"setup: installing {' '.join(absent)}", flush=True)
    try:
        _install(absent)
    except SetupError:
        # There may be no package lists yet, or old ones that name versions which the archive no longer has.
        _apt_get("update", "--error-on=any")
        _install(absent)
    left = missing(packages)
    if left:
        raise SetupError(f"apt-get reported success but these are not installed: {' '.join(left)}")
    print(f"setup: all {len(packages)} packages are installed")


def missing(packages: tuple[str, ...]) -> list[str]:
    """Return those of `packages` that dpkg does not know as installed."""
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                              capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SetupError(f"no dpkg-query: this is no Debian; install these yourself: {' '.join(packages)}") from error
    lines = (line.split() for line in done.stdout.splitlines())
    installed = {words[0] for words in lines if words[1:] == ["installed"]}
    return [package for package in packages if package not in installed]


def require_space(with_packages: bool) -> None:
    """Refuse to begin where the disk would fill up half-way; needs on one file system add up."""
    needs = [(cache(), CACHE_SPACE), (BUILD, BUILD_SPACE)]
    if with_packages:
        needs.append((Path("/var/cache/apt"), PACKAGE_SPACE))
    systems: dict[int, tuple[Path, int]] = {}
    for path, space in needs:
        parent = _existing(path)
        first, total = systems.get(parent.stat().st_dev, (path, 0))
        systems[parent.stat().st_dev] = (first, total + space)
    for path, space in systems.values():
        free = shutil.disk_usage(_existing(path)).free >> 20
        if free < space:
            raise SetupError(f"too little disk space: {space} MiB are needed at {path}, {free} MiB are free")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _install(packages: list[str]) -> None:
    _apt_get("install", "--yes", "--no-install-recommends", *packages)


def _apt_get(*arguments: str) -> None:
    """Run apt-get as root; its last complaint becomes the error."""
    command = [*_as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "--quiet",
               "-o", "DPkg::Lock::Timeout=300", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "sudo:"))]
    reason = (lines or done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
    raise SetupError(f"apt-get {arguments[0]} failed: {reason}")


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise SetupError("packages are missing and there is no sudo: run make setup as root")
    return ["sudo", "--non-interactive"]


if __name__ == "__main__":
    command.run(provide)
