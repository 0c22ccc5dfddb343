# SPDX-License-Identifier: GPL-2.0
"""The modules load, drive the card and unload again, twenty times, and leave no page behind. A bad parameter is refused."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link

LOAD = False
TIMEOUT = 240
TIMES = 20
MOST = 65536


def run(vm: VM, net: Link) -> None:
    if net.driver == "labnet":
        refused(vm)
    for time in range(1, TIMES + 1):
        net.load()
        net.ping_guest(count=1)
        # The last round is left to the common ending, which looks more closely.
        if time < TIMES:
            unload(vm, net)
        if time % 5 == 0:
            expect.progress(f"{time} of {TIMES}")


def refused(vm: VM) -> None:
    """More pages for all zones than there may be: one line says so, and nothing is loaded."""
    vm.run(f"! modprobe labyrinth commons={MOST + 1} 2> /dev/null")
    expect.equal("what the kernel's log says of it", vm.run("dmesg | grep -c 'labyrinth: commons'").strip(), "1")
    expect.contains("the kernel's log", vm.run("dmesg"), f"labyrinth: commons={MOST + 1} is more than {MOST}")
    expect.equal("the module is there", vm.run("ls -d /sys/module/labyrinth 2> /dev/null || true"), "")


def unload(vm: VM, net: Link) -> None:
    vm.run(f"rmmod {net.driver}")
    if net.driver == "labnet":
        expect.contains("books of the destroyed zones", vm.run(f"cat {DEBUGFS}/destroyed"), "balance 0\n")
        vm.run("rmmod labyrinth")
