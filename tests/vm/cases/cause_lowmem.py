# SPDX-License-Identifier: GPL-2.0
"""vm.lowmem_reserve_ratio holds all of ZONE_DMA back: it is full of free pages, and requests fail under fail_lowmem."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
APPEND = "init_on_alloc=0"
RATIO = "/proc/sys/vm/lowmem_reserve_ratio"


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        before = vm.run(f"cat {RATIO}").strip()
        vm.run(f"echo 1 1 1 > {RATIO}")
        hog.expect_answered()
        moved = hog.tell("take all", *everywhere("squeeze"), "give all")
        expect.equal("failures while ZONE_DMA is held back", causes(moved), {"fail_lowmem": TOTAL, **FAILED})
        for record in hog.expect_records("fail_lowmem"):
            expect.equal("passages", [passage.zone for passage in record.passages], ["DMA32", "DMA"])
            dma32, dma = record.passages
            expect.equal("verdict on DMA32", dma32.verdict, "closed (at the floor)")
            expect.equal("verdict on DMA", dma.verdict, "closed (lowmem_reserve)")
            withheld = dma.usable - dma.number["floor"]
            managed = dma.number["managed"] + dma32.number["managed"]
            expect.at_least("pages held back, more than 1/64 of all", withheld, managed // 64 + 1)
        # With the kernel's own ratio the same shortage is an ordinary one.
        vm.run(f"echo {before} > {RATIO}")
        hog.expect_answered()
        moved = hog.tell("take all", *everywhere("squeeze"), "give all")
        expect.equal("failures with the kernel's ratio", causes(moved), {"fail_floor": TOTAL, **FAILED})
        hog.expect_answered()
