# SPDX-License-Identifier: GPL-2.0
"""On PREEMPT_RT no page can be had in a true hard interrupt: fail_rt_irq. The other contexts get theirs."""

from qemu.vm import VM
from tests.hog.guest import TIMES, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
KERNEL = "6.1-rt"
LOAD = False


def run(vm: VM, _net: Link) -> None:
    irqs = TIMES["irq"]
    with Hog(vm) as hog:
        moved = hog.tell(*everywhere("request"))
        expect.equal("failures", causes(moved), {"fail_rt_irq": irqs, "failed_irq": irqs})
        for context, times in TIMES.items():
            expect.equal(f"stocked_{context}", moved.get(f"stocked_{context}"), None if context == "irq" else times)
        records = [(record.cause, record.context) for record in hog.failures()]
        expect.equal("records", records, [("fail_rt_irq", "irq")] * irqs)
