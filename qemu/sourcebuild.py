# SPDX-License-Identifier: GPL-2.0
"""Kernels built from a Debian source package: allnoconfig + config/base.config + config/<flavour>.config.

The build happens in a work directory of the cache. An interrupted build is continued by the next one; a finished one
leaves the image, the modules and what `make M=` needs, and the work directory goes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from qemu import SetupError, store
from qemu.packages import Archive, run

CONFIG = Path(__file__).parent / "config"
SPACE = 5000  # MiB: the source is 1.7 GiB, the objects of a debug kernel are as much again
RECIPE = "1"  # to be changed with whatever changes the directory's content
PROGRESS = 30  # seconds between two lines that say that the build goes on

# What an external module needs of a kernel tree, as directories and as single files. Host programs under scripts/ are
# built; objtool checks every object, and the linker script and Module.symvers are results of the build.
KDIR_TREES = ("include", "arch/x86/include", "scripts", "tools/lib/python", "tools/docs")
KDIR_FILES = (".config", "Makefile", "Module.symvers", "System.map", "arch/x86/Makefile*", "arch/x86/Kbuild",
              "arch/x86/module.lds", "tools/objtool/objtool")
KDIR_NOT = shutil.ignore_patterns("*.o", "*.a", ".*.cmd", "include-prefixes")


def fragments(flavour: str) -> str:
    """Return the configuration of @flavour: base.config and what the flavour adds to it."""
    return "".join((CONFIG / f"{name}.config").read_text() for name in ("base", flavour))


def recipe(flavour: str) -> str:
    """Return what decides, beside the table, how the result looks: modules must match the kernel's compiler."""
    return f"sourcebuild {RECIPE} gcc {run('gcc', '-dumpfullversion')} {fragments(flavour)}"


def make(archive: Archive, package: str, flavour: str, directory: Path) -> None:
    """Build the kernel in the source package @package of @archive, and leave the result in @directory."""
    store.require_space(SPACE, f"building kernel {directory.parent.name}")
    work = directory.with_name(f"{directory.name}.work")
    _unpack(archive, package, work)
    source = work / package
    _configure(source, work, fragments(flavour))
    log = work / "build.log"
    print(f"building {package} ({flavour}): some ten minutes; log {log}", flush=True)
    _build(source, log)
    with store.new_directory(directory) as root:
        _install(source, root)
        shutil.copy(log, root)
    shutil.rmtree(work)


def _unpack(archive: Archive, package: str, work: Path) -> None:
    """Unpack the source into @work, from the installed package or, where it is not installed, a downloaded one."""
    if work.is_dir():
        return
    with store.new_directory(work) as root:
        tarball = Path(f"/usr/src/{package}.tar.xz")
        if archive.suite or not tarball.exists():
            print(f"fetching {package}", flush=True)
            archive.unpack([package], root)
            tarball = root / f"usr/src/{package}.tar.xz"
        print(f"unpacking {tarball}", flush=True)
        run("tar", "--extract", "--file", tarball, "--directory", root)
        shutil.rmtree(root / "usr", ignore_errors=True)
        if not (root / package / "Makefile").exists():
            raise SetupError(f"{tarball} holds no kernel source")


def _configure(source: Path, work: Path, wanted: str) -> None:
    """Write .config, and refuse it where the kernel did not take an entry: a debug kernel that checks nothing lies."""
    fragment = work / "fragment.config"
    fragment.write_text(wanted)
    run("make", f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig", cwd=source)
    accepted = set((source / ".config").read_text().splitlines())
    lost = [line for line in wanted.splitlines() if line.startswith("CONFIG_") and line not in accepted]
    if lost:
        raise SetupError(f"{source.name} does not accept {', '.join(lost)} (qemu/config: a missing dependency?)")


def _build(source: Path, log: Path) -> None:
    """Run make, with all of its output in @log and a sign of life now and then."""
    # make must not outlive the lock that this process holds.
    command = ["setpriv", "--pdeathsig", "TERM", "--", "make", f"-j{os.cpu_count()}", "bzImage", "modules"]
    start = last = time.monotonic()
    files = 0
    with log.open("w") as output, subprocess.Popen(command, cwd=source, text=True, stdout=subprocess.PIPE,
                                                   stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            output.write(line)
            files += line.startswith(("  CC ", "  AS ", "  HOSTCC "))
            if time.monotonic() - last >= PROGRESS:
                last = time.monotonic()
                print(f"  {last - start:5.0f} s: {files} files compiled", flush=True)
    if process.returncode:
        kept = shutil.copy(log, store.root() / f"failed-{source.name}.log")
        raise SetupError(f"building {source.name} failed: {_first_error(log)} (log: {kept})")


def _first_error(log: Path) -> str:
    """Return the line of a build log that says what went wrong."""
    lines = log.read_text(errors="replace").splitlines() or ["no output"]
    return next((line for line in lines if "error:" in line or "***" in line), lines[-1]).strip()


def _install(source: Path, root: Path) -> None:
    """Copy what is needed to boot the kernel and to build modules for it from @source to @root."""
    release = (source / "include/config/kernel.release").read_text().strip()
    shutil.copy(source / "arch/x86/boot/bzImage", root / "bzImage")
    run("make", f"INSTALL_MOD_PATH={root}", "modules_install", cwd=source)
    modules = root / "lib/modules" / release
    for link in ("build", "source"):  # they name the work directory, which will not last
        (modules / link).unlink(missing_ok=True)
    kdir = root / "kdir"
    for tree in KDIR_TREES:
        if (source / tree).is_dir():
            shutil.copytree(source / tree, kdir / tree, symlinks=True, ignore=KDIR_NOT)
    for pattern in KDIR_FILES:
        for path in source.glob(pattern):
            target = kdir / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    content = {"release": release, "image": "bzImage", "kdir": "kdir", "modules": f"lib/modules/{release}"}
    (root / "kernel.json").write_text(json.dumps(content, indent=2) + "\n")
