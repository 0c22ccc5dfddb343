# SPDX-License-Identifier: GPL-2.0
"""As cause_floor, but kswapd has found nothing to reclaim 16 times in a row and has given up: fail_kswapd."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
APPEND = "init_on_alloc=0"
# The hog's own failures wake kswapd, and the hog takes what it reclaims, until there is nothing left to reclaim.
PATIENCE = ["take all", "wait 100"] * 20


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        hog.expect_answered()
        expect.equal("pages of swap", vm.run("[ ! -e /proc/swaps ] || sed 1d /proc/swaps"), "")
        expect.equal("given up before", [node.given_up for node in hog.map().nodes], [False])
        vm.run("echo 3 > /proc/sys/vm/drop_caches")
        moved = hog.tell(*PATIENCE, *everywhere("squeeze"), "give all")
        expect.equal("failures once kswapd has given up", causes(moved), {"fail_kswapd": TOTAL, **FAILED})
        for record in hog.expect_records("fail_kswapd"):
            for passage in record.passages:
                expect.at_most(f"usable pages of {passage.zone} above the floor", passage.above("floor"), 0)
        # It stays so until somebody else reclaims something.
        expect.equal("given up", [node.given_up for node in hog.map().nodes], [True])
        hog.expect_answered()
