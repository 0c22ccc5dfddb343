# SPDX-License-Identifier: GPL-2.0
"""Requests fail because somebody wants them to: fail_injected, and exactly as often as asked for."""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, ZONE, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False


def run(vm: VM, _net: Link) -> None:
    with Hog(vm) as hog:
        hog.expect_answered()
        vm.run(f"echo next {TOTAL} > {ZONE}/inject")
        moved = hog.tell(*everywhere("request"), *everywhere("request"))
        expect.equal("failures after next", causes(moved), {"fail_injected": TOTAL, **FAILED})
        expect.equal("pages taken after next", moved.get("taken"), TOTAL)
        for record in hog.expect_records("fail_injected"):
            expect.equal("there is memory", "open" in [p.verdict for p in record.passages], True)

        vm.run(f"echo every 3 > {ZONE}/inject")
        moved = hog.tell("request irq 300")
        expect.equal("failures while every third is to fail", causes(moved), {"fail_injected": 100, "failed_irq": 100})
        vm.run(f"echo off > {ZONE}/inject")
        hog.expect_answered()
