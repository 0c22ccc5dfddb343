# SPDX-License-Identifier: GPL-2.0
"""100 MB of random content go over TCP in each direction and arrive unchanged.

With injected failures one atomic allocation in twenty fails: packets may be dropped and sent again,
but what arrives is the same.
"""

from qemu.vm import VM
from tests.vm import expect, transfer
from tests.vm.link import Link

TIMEOUT = 400
VARIANTS = {"plain": {"injection": ""}, "injected": {"injection": "every 20"}}
SIZE = 100_000_000


def run(vm: VM, net: Link, injection: str) -> None:
    if injection and net.driver == "labnet":
        net.inject(injection)
    transfer.to_guest(vm, net, SIZE)
    transfer.to_host(vm, net, SIZE)
    if net.driver != "labnet":
        return
    counters = net.expect_identity()
    if injection:
        expect.at_least("page_fail_injected", counters["page_fail_injected"], 1)
        net.inject("off")
