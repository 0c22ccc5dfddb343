# SPDX-License-Identifier: GPL-2.0
"""A million packets of 64 and of 1500 bytes are received, and every one of them is accounted for."""

from qemu.vm import VM
from tests.vm import effort, expect
from tests.vm.link import Link
from tests.vm.traffic import flood_until

TIMEOUT = 400
PACKETS = 1_000_000
SIZES = (64, 1500)


def run(vm: VM, net: Link) -> None:
    packets = PACKETS // effort.patience(vm.kernel) ** 2
    for size in SIZES:
        given, received = net.delivered_by_host(), net.received()
        flood_until(net, size, packets, seconds=180)
        given, received = net.delivered_by_host() - given, net.received() - received
        expect.at_least(f"packets of {size} bytes received", received, packets)
        expect.equal(f"packets of {size} bytes received, of those that the card was given", received, given)
    if net.driver == "labnet":
        counters = net.expect_identity()
        expect.at_least("page_stocked_irq (pages taken by the interrupt handler)", counters["page_stocked_irq"], 1)
    net.ping_guest()
