# SPDX-License-Identifier: GPL-2.0
"""The counters of a guest's modules: built into them, and fetched from the guest's kernel.

The kernel keeps what a module has counted when it is unloaded, and adds it to what it counts when it is loaded again.
"""

import base64
import hashlib
import io
import tarfile
from pathlib import Path

from qemu import SetupError, modules
from qemu.kernels import Kernel
from qemu.vm import VM

# The two modules, not what the tests bring along.
DRIVERS = ("drivers/labyrinth", "drivers/net/labnet")
COUNTERS = "/sys/kernel/debug/gcov"

# Every file in debugfs says that it is empty, which tar believes.
FETCH = """
set -e
cd {counters}{farm} 2> /dev/null || exit 0
for name in {drivers}; do
    mkdir -p /tmp/gcov/$name
    for file in $name/*.gcda; do [ ! -e $file ] || cat $file > /tmp/gcov/$file; done
done
tar -c -z -f - -C /tmp/gcov . | base64
rm -r /tmp/gcov
"""


def build(kernel: Kernel) -> Path:
    """Build the modules so that they count, and return the farm."""
    farm = modules.build_tree(f"coverage-{kernel.name}", kernel.kdir, words=["GCOV_PROFILE=y"])
    if not notes(farm):
        raise SetupError(f"modules for {kernel.name} do not count: has this kernel CONFIG_GCOV_KERNEL?")
    return farm


def notes(farm: Path) -> list[Path]:
    """Return what the compiler has written about each object of the two modules, for gcov."""
    return [note for driver in DRIVERS for note in sorted((farm / driver).glob("*.gcno"))]


def identity(farm: Path) -> str:
    """Return a name for this very build: counters of another one mean nothing here."""
    digest = hashlib.sha256()
    for note in notes(farm):
        digest.update(note.read_bytes())
    return digest.hexdigest()[:12]


def fetch(vm: VM, farm: Path, target: Path) -> None:
    """Write the guest's counters below @target, in the directories of the sources; nothing where it has none."""
    archive = base64.b64decode("".join(vm.run(FETCH.format(counters=COUNTERS, farm=farm, drivers=" ".join(DRIVERS))).split()))
    if not archive:
        return
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        for member in content.getmembers():
            if member.isfile():
                path = target / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.extractfile(member).read())


def fetched(target: Path) -> bool:
    """Whether there are counters below @target: of both modules, or of the page layer, which KUnit loads alone."""
    return any((target / DRIVERS[0]).glob("*.gcda"))
