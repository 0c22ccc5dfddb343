# SPDX-License-Identifier: GPL-2.0
"""The command line; see the package."""

import argparse
import os

from qemu import BUILD, TOP, SetupError, command, kernels, modules, network
from qemu.kernels import Kernel
from qemu.vm import VM
from tests.features import bits, cards
from tests.features.table import Card, lacking, table

DOCUMENT = TOP / "Documentation/driver.rst"
DRIVERS = ("virtio_net", "labnet")


def main() -> int:
    """Boot the guest, look, and print what was found."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.features", description="compare the drivers' features")
    parser.add_argument("--kernel", default=os.environ.get("KERNEL") or "6.1", help="(default %(default)s)")
    options = parser.parse_args()
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: without tap devices QEMU offers little (modprobe tun)")
    kernel = kernels.get(options.kernel)
    modules.build(kernel)
    network.enter()
    found = examine(kernel)
    lines, unexplained = report(kernel, found)
    path = BUILD / "features" / f"{kernel.name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(*lines, f"written to {path.relative_to(TOP)}", sep="\n")
    return command.FAILED if unexplained else 0


def examine(kernel: Kernel) -> list[Card]:
    """Ask QEMU, and each driver in turn."""
    nics = cards.nics()
    try:
        for number, nic in enumerate(nics.values()):
            network.tap(nic.tap, f"10.11.{number}.1/24", nic.queues)
        with VM(kernel, nics=list(nics.values()), log=BUILD / "logs/features.log") as vm:
            offered = {kind: bits.offered(vm.qmp("x-query-virtio-status", path=f"/machine/peripheral/{kind}/virtio-backend"))
                       for kind in nics}
            theirs, ours = (taken(vm, driver) for driver in DRIVERS)
            if warnings := vm.warnings():
                raise vm.lost(f"the guest complains: {warnings[0]}")
    finally:
        for nic in nics.values():
            network.remove(nic.tap)
    return [Card(kind, offered[kind], theirs[kind], ours[kind]) for kind in nics]


def taken(vm: VM, driver: str) -> dict[str, set[int]]:
    """Load a driver, and return the bits that it has taken from each card."""
    vm.run(f"modprobe {driver}")
    found = {}
    for kind in cards.KINDS:
        path = f"/sys/bus/pci/devices/{cards.address(kind)}/virtio*"
        bound = vm.run(f"basename $(readlink -f {path}/driver)").strip()
        if bound != driver:
            raise vm.lost(f"the card {kind} is driven by {bound!r}, not by {driver}")
        found[kind] = bits.negotiated(vm.run(f"cat {path}/features"))
    vm.run(f"rmmod {driver}")
    return found


def report(kernel: Kernel, found: list[Card]) -> tuple[list[str], int]:
    """Return the lines to print, and how many things labnet lacks without a reason."""
    lines = [f"kernel {kernel.release}", *table(found), ""]
    missing = list(lacking(found, bits.Reasons(DOCUMENT)))
    lines += [f"virtio_net has, labnet lacks: {what}: {why}" for what, why in missing if why]
    unexplained = [what for what, why in missing if not why]
    lines += [f"virtio_net has, labnet lacks, {DOCUMENT.name} does not say why: {what}" for what in unexplained]
    lines += [f"{len(missing)} things that labnet lacks, {len(unexplained)} of them without a reason"]
    return lines, len(unexplained)


if __name__ == "__main__":
    command.run(main)
