# SPDX-License-Identifier: GPL-2.0
"""A zone never holds more pages than its limit says, whatever the limit: the next request fails under fail_limit."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
# A multiple of what one page of the ledger has room for, and less than one page's.
VARIANTS = {"": {"limit": 128}, "odd": {"limit": 10}}


def run(vm: VM, _net: Link, limit: int) -> None:
    with Hog(vm, limit=limit) as hog:
        moved = hog.tell(f"request task {limit}")
        expect.equal("pages within the limit", moved.get("stocked_task"), limit)
        expect.equal("failures within the limit", causes(moved), {})
        moved = hog.tell(*everywhere("request"))
        expect.equal("failures beyond the limit", causes(moved), {"fail_limit": TOTAL, **FAILED})
        hog.expect_records("fail_limit")
        # A page that comes back makes room for one.
        hog.tell("poll task 1")
        moved = hog.tell("request task 1")
        expect.equal("a page that is posted still counts", causes(moved), {"fail_limit": 1, "failed_task": 1})
