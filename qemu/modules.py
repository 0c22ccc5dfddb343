# SPDX-License-Identifier: GPL-2.0
"""Build the modules for a kernel, in a farm of symbolic links.

kbuild writes its output beside the sources. So that several kernels can be built side by side and
the checkout stays clean, each kernel gets a directory of links to the sources, build/modules/NAME,
and is built there.

    python3 -m qemu.modules [--kdir DIRECTORY] [--install] [KERNEL]
"""

import argparse
import os
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, store

# What kbuild reads, from the top of the checkout. Tests bring modules of their own.
SOURCES = ("Kbuild", "drivers", "include", "tests")
SUFFIXES = (".c", ".h", ".S")
NAMES = ("Kbuild", "Makefile")


class BuildError(SetupError):
    """The compiler refused; str() is its first complaint and where to read the rest."""


def farm(name: str) -> Path:
    """Return the directory in which modules for the kernel `name` are built."""
    return BUILD / "modules" / name


def find(directory: Path) -> list[Path]:
    """Return the modules that were built in the farm `directory`."""
    return sorted(directory.rglob("*.ko"))


def build(kernel: "kernels.Kernel", sources: Path = TOP) -> Path:
    """Build all modules for `kernel` and return the farm."""
    return build_tree(kernel.name, kernel.kdir, sources)


def build_tree(name: str, kdir: Path, sources: Path = TOP, tests: bool = True, words: Sequence[str] = ()) -> Path:
    """Build the modules, those of the tests among them or not, for a prepared kernel tree and return the farm.

    @words go to make: who gives any has a farm of its own, so that nobody else finds what was built with them.
    """
    if not (kdir / "Makefile").exists():
        raise SetupError(f"{kdir} is no prepared kernel tree (there is no Makefile)")
    if not (sources / "Kbuild").exists():
        raise SetupError(f"{sources} has no Kbuild: nothing to build")
    target = farm(name)
    log = target / "build.log"
    # Of two builds in one farm each would find the other's half-written files; other checkouts have their own.
    with store.lock(f"modules-{name}-{zlib.crc32(str(target).encode()):08x}"):
        _link(sources, target)
        with log.open("w") as output:
            done = subprocess.run(_make(kdir, target, "modules", tests, words), stdout=output, stderr=subprocess.STDOUT,
                                  env=_environment(), check=False)
        if done.returncode:
            raise BuildError(f"modules for {name} do not build: {_complaint(log)} (log: {log})")
    return target


def install(kdir: Path, target: Path) -> None:
    """Install the farm's modules where the kernel of `kdir` looks for them (below INSTALL_MOD_PATH)."""
    if subprocess.run(_make(kdir, target, "modules_install", False), env=_environment(), check=False).returncode:
        raise BuildError("make modules_install failed")


def _make(kdir: Path, target: Path, goal: str, tests: bool, words: Sequence[str] = ()) -> list[str]:
    # Type information (BTF) would need pahole where the headers bring a vmlinux, as those of 6.12 do; nobody reads it.
    return ["make", "--no-print-directory", f"-j{os.cpu_count()}", "-C", str(kdir), f"M={target}",
            f"LABYRINTH_TESTS={'y' if tests else 'n'}", "CONFIG_DEBUG_INFO_BTF_MODULES=", *words, goal]


def _environment() -> dict[str, str]:
    """The environment without the flags of the make that may have called us: kbuild is another project."""
    return {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "KERNEL", "KDIR")}


def _link(sources: Path, target: Path) -> None:
    """Make `target` a tree of links to the sources that kbuild reads, without those that are gone."""
    target.mkdir(parents=True, exist_ok=True)
    for path in target.rglob("*"):
        if path.is_symlink() and not path.exists():
            _forget(path)
    for source in files_of(sources):
        link = target / source.relative_to(sources)
        if link.is_symlink() and os.readlink(link) == str(source):
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(source)


def _forget(link: Path) -> None:
    """Remove a link to a source that is gone, and the module that may have been made of it."""
    link.unlink()
    for suffix in (".o", ".ko", ".mod", ".mod.c", ".mod.o"):
        link.with_suffix(suffix).unlink(missing_ok=True)


def files_of(sources: Path) -> list[Path]:
    """Return the files below @sources that kbuild reads."""
    found = []
    for name in SOURCES:
        path = sources / name
        candidates = path.rglob("*") if path.is_dir() else [path]
        found += [file for file in candidates if file.suffix in SUFFIXES or file.name in NAMES]
    return [file for file in found if file.is_file()]


def _complaint(log: Path) -> str:
    """Return the line of a build log that a person would look for first."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if "error:" in line or "ERROR:" in line]
    return (errors or [line for line in lines if "***" in line] or lines[-1:] or ["no output"])[0].strip()


def main() -> None:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m qemu.modules", description="build the modules")
    parser.add_argument("kernel", nargs="?", default="6.1", help="a kernel of qemu.kernels (default %(default)s)")
    parser.add_argument("--kdir", type=Path, help="a prepared kernel tree to build for instead")
    parser.add_argument("--install", action="store_true", help="install what was built")
    options = parser.parse_args()
    if options.kdir:
        kdir, name = options.kdir.resolve(), _release(options.kdir)
    else:
        kernel = kernels.get(options.kernel)
        kdir, name = kernel.kdir, kernel.name
    target = build_tree(name, kdir, tests=not options.install)
    if options.install:
        install(kdir, target)
    for module in find(target):
        print(module.relative_to(TOP))


def _release(kdir: Path) -> str:
    """Return the release of a prepared kernel tree; farms of such trees are named after it."""
    try:
        return (kdir / "include/config/kernel.release").read_text().strip()
    except OSError as error:
        raise SetupError(f"{kdir} is no prepared kernel tree (there is no include/config/kernel.release)") from error


if __name__ == "__main__":
    command.run(main)
