# SPDX-License-Identifier: GPL-2.0
"""The modules load, drive the card and unload again, twenty times, and leave no page behind."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link

LOAD = False
TIMEOUT = 240
TIMES = 20


def run(vm: VM, net: Link) -> None:
    for time in range(1, TIMES + 1):
        net.load()
        net.ping_guest(count=1)
        # The last round is left to the common ending, which looks more closely.
        if time < TIMES:
            unload(vm, net)
        if time % 5 == 0:
            expect.progress(f"{time} of {TIMES}")


def unload(vm: VM, net: Link) -> None:
    vm.run(f"rmmod {net.driver}")
    if net.driver == "labnet":
        expect.contains("books of the destroyed zones", vm.run(f"cat {DEBUGFS}/destroyed"), "balance 0\n")
        vm.run("rmmod labyrinth")
