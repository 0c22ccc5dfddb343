# SPDX-License-Identifier: GPL-2.0
"""Free memory is below the minimum watermark and above the atomic floor: GFP_NOWAIT is refused under fail_watermark, and
GFP_ATOMIC answers."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TIMES, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
APPEND = "init_on_alloc=0"


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        # Not through requests, whose pages the polls would find in the stash.
        moved = hog.tell("poll task 1")
        expect.equal("failures while there is memory", causes(moved), {})
        expect.equal("granted_nowait while there is memory", moved.get("granted_nowait"), 1)

        moved = hog.tell("take all nowait", *everywhere("starve"), "give all")
        expect.equal("failures in the atomic window", causes(moved), {"fail_watermark": TOTAL, **FAILED})
        expect.equal("granted_atomic in the atomic window", moved.get("granted_atomic"), TOTAL)
        expect.equal("granted_nowait in the atomic window", moved.get("granted_nowait"), None)
        for context, times in TIMES.items():
            expect.equal(f"attempts_{context}: GFP_NOWAIT, then GFP_ATOMIC", moved.get(f"attempts_{context}"), 2 * times)
        expect.equal("records: it is not the end yet", hog.failures(), [])

        moved = hog.tell("poll task 1")
        expect.equal("granted_nowait once there is memory again", moved.get("granted_nowait"), 1)
