# SPDX-License-Identifier: GPL-2.0
"""No page can be what the zone asks for (its device reaches the first page of memory only): fail_quality."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
PAGE = 4096


def run(vm: VM, _net: Link) -> None:
    with Hog(vm, dma_mask=PAGE - 1) as hog:
        moved = hog.tell(*everywhere("request"))
        expect.equal("failures", causes(moved), {"fail_quality": TOTAL, **FAILED})
        expect.equal("violation_dma", moved.get("violation_dma"), TOTAL)
        expect.equal("quarantined", moved.get("quarantined"), TOTAL)
        expect.equal("taken", moved.get("taken"), TOTAL)
        for record in hog.expect_records("fail_quality"):
            expect.equal("there is memory", "open" in [p.verdict for p in record.passages], True)
