# SPDX-License-Identifier: GPL-2.0
"""The kernels that Labyrinth is tested with, each fetched or built when it is first asked for.

    python3 -m qemu.kernels list
    python3 -m qemu.kernels get [--refresh] NAME

A kernel stays in the cache as it is until its recipe changes (its line in the table, its configuration, the compiler) or
`--refresh` asks the archive for a newer one: a test run must not turn into a kernel build because the archive moved.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from qemu import SetupError, command, prebuilt, sourcebuild, store
from qemu.packages import Archive


@dataclass(frozen=True)
class Entry:
    """One line of the table: a kernel's name, what it is for, and the Debian package that it comes from.

    The flavours `cloud` and `rt` are Debian's own builds, for virtual machines and with PREEMPT_RT; every other flavour
    is built here from the source package, with the configuration config/base.config + config/<flavour>.config.
    """

    name: str
    flavour: str
    package: str
    suite: str | None = None  # None: the suites that the machine follows itself
    append: str = ""  # what this kernel needs on its command line


# Debug kernels stop at the first warning. Interrupts are routed without ACPI, for the reason that debug.config gives.
DEBUG_BOOT = "panic_on_warn=1 page_owner=on page_poison=1 kmemleak=on acpi=noirq"

KERNELS = (
    Entry("6.1", "cloud", "linux-headers-cloud-amd64"),
    Entry("6.1-rt", "rt", "linux-headers-rt-amd64"),
    Entry("6.1-debug", "debug", "linux-source-6.1", append=DEBUG_BOOT),
    Entry("6.1-coverage", "coverage", "linux-source-6.1"),
    Entry("6.12", "cloud", "linux-headers-cloud-amd64", suite="bookworm-backports"),
    Entry("7.2", "release", "linux-source-7.2", suite="sid"),
    Entry("7.2-debug", "debug", "linux-source-7.2", suite="sid", append=f"{DEBUG_BOOT} kunit.autorun=1"),
)

KEPT = 2  # finished kernels of one name in the cache


@dataclass(frozen=True)
class Kernel:
    """A kernel that is ready to be booted and to build modules for."""

    name: str
    release: str  # what uname -r says in the guest
    image: Path  # bzImage
    kdir: Path  # for make -C kdir M=...
    modules: Path  # lib/modules/<release>
    append: str  # command line words that this kernel needs


def find(name: str) -> Entry:
    """Return the table's line for @name."""
    for entry in KERNELS:
        if entry.name == name:
            return entry
    raise SetupError(f"unknown kernel {name!r}: there are {', '.join(entry.name for entry in KERNELS)}")


def flavoured(name: str, flavour: str) -> str:
    """Return the kernel of that flavour and of the same version as @name, or else the first of that flavour."""
    version = find(name).name.partition("-")[0]
    names = [entry.name for entry in KERNELS if entry.flavour == flavour]
    return next((found for found in names if found.partition("-")[0] == version), names[0])


def get(name: str, refresh: bool = False) -> Kernel:
    """Return the kernel @name, fetched or built where the cache does not have it."""
    entry = find(name)
    home = store.root() / "kernels" / name
    with store.lock(f"kernels/{name}"):
        directory = None if refresh else _cached(entry, home)
        return _load(entry, directory or _make(entry, home))


def _recipe(entry: Entry) -> str:
    """Return a hash over all that decides what a kernel is, except the package's version."""
    maker = prebuilt if entry.flavour in prebuilt.FLAVOURS else sourcebuild
    text = f"{entry.package} {entry.suite} {maker.recipe(entry.flavour)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _cached(entry: Entry, home: Path) -> Path | None:
    """Return the newest kernel in the cache that was made by today's recipe."""
    made = [path for path in home.glob(f"*_{_recipe(entry)}") if path.is_dir()]
    return max(made, key=lambda path: path.stat().st_mtime, default=None)


def _make(entry: Entry, home: Path) -> Path:
    """Fetch or build the kernel that the archive offers now."""
    archive = Archive(entry.suite)
    archive.update()
    version = archive.version(entry.package)
    if not version.startswith(entry.name.partition("-")[0] + "."):
        raise SetupError(f"kernel {entry.name} is not to be had: {entry.package} of this machine is {version}")
    directory = home / f"{version}_{_recipe(entry)}"
    if not directory.is_dir():
        if entry.flavour in prebuilt.FLAVOURS:
            prebuilt.make(archive, entry.package, directory)
        else:
            sourcebuild.make(archive, entry.package, entry.flavour, directory)
    directory.touch()  # it is the newest again, even if it was made before another one
    _forget(home)
    return directory


def _forget(home: Path) -> None:
    """Remove what was never finished, and all kernels but the newest: another checkout may use the one before."""
    paths = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
    finished = [path for path in paths if (path / "kernel.json").exists()]
    for path in paths:
        if path not in finished[-KEPT:]:
            shutil.rmtree(path)


def _load(entry: Entry, directory: Path) -> Kernel:
    """Describe the kernel in @directory, whose maker left a list of its parts there."""
    parts = json.loads((directory / "kernel.json").read_text())
    return Kernel(name=entry.name, release=parts["release"], image=directory / parts["image"], kdir=directory / parts["kdir"],
                  modules=directory / parts["modules"], append=entry.append)


def main() -> None:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m qemu.kernels", description="kernels to test with")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name the kernels and say which are in the cache")
    getter = commands.add_parser("get", help="fetch or build a kernel and say where its parts are")
    getter.add_argument("name")
    getter.add_argument("--refresh", action="store_true", help="take the newest version that the archive offers")
    options = parser.parse_args()
    if options.command == "list":
        for entry in KERNELS:
            made = _cached(entry, store.root() / "kernels" / entry.name)
            print(f"{entry.name:<12} {entry.flavour:<8} {entry.package:<26} {made.name if made else 'not made yet'}")
        return
    kernel = get(options.name, options.refresh)
    for field in ("name", "release", "image", "kdir", "modules", "append"):
        print(f"{field:<8} {getattr(kernel, field)}")


if __name__ == "__main__":
    command.run(main)
