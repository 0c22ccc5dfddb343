# SPDX-License-Identifier: GPL-2.0
"""All memory that is free belongs to a CMA area, which kernel requests must not use: they fail under fail_cma.

Distribution kernels for virtual machines have no CMA, hence a kernel of our own.
"""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
KERNEL = "6.1-debug"
LOAD = False
MEMORY = "1G"
APPEND = "cma=64M"
TIMEOUT = 300
CMA = 64 << 20 >> 12
# In portions: this kernel looks so closely at each page that nothing else would get to run for half a minute.
TAKE_ALL = ["take 8192", "wait 10"] * 32 + ["take all"]


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        hog.expect_answered()
        expect.at_least("free CMA pages before", sum(p.number["cma"] for p in hog.map().passages), CMA * 3 // 4)
        moved = hog.tell(*TAKE_ALL, *everywhere("squeeze"), "give all", timeout=200)
        expect.equal("failures while only CMA is free", causes(moved), {"fail_cma": TOTAL, **FAILED})
        for record in hog.expect_records("fail_cma"):
            passage = max(record.passages, key=lambda p: p.number["cma"])
            expect.equal("verdict on the zone with CMA", passage.verdict, "closed (only CMA is free)")
            expect.at_least("free pages, CMA included", passage.number["free"], CMA * 3 // 4)
            expect.at_most("usable pages above the floor", passage.above("floor"), 0)
        hog.expect_answered()
