# SPDX-License-Identifier: GPL-2.0
"""Memory is taken down to the atomic floor: requests fail under fail_floor, in the context that they come from.

One variant asks a zone that has no ledger yet, whose entries need memory, too.
"""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
APPEND = "init_on_alloc=0"  # the hog is in a hurry
VARIANTS = {"": {"warm": True}, "fresh": {"warm": False}}


def run(vm: VM, _net: Link, warm: bool) -> None:
    with Hog(vm) as hog:
        if warm:
            hog.expect_answered()
        # Nothing waits here: kswapd does not get to run, nor to give up.
        moved = hog.tell("take all", *everywhere("squeeze"), "give all")
        expect.equal("failures at the floor", causes(moved), {"fail_floor": TOTAL, **FAILED})
        expect.equal("given up", [node.given_up for node in hog.map().nodes], [False])
        for record in hog.expect_records("fail_floor"):
            for passage in record.passages:
                expect.at_most(f"usable pages of {passage.zone} above the floor", passage.above("floor"), 0)
        hog.expect_answered()
