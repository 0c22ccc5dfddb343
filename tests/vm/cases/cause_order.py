# SPDX-License-Identifier: GPL-2.0
"""More than one page is offered to a zone: labyrinth_register_page() refuses it under fail_order."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        moved = hog.tell(*everywhere("register"))
        expect.equal("counters that have moved", moved, {"fail_order": TOTAL, **FAILED})
        expect.equal("records: nothing was asked of the allocator", hog.failures(), [])
        hog.expect_answered()
