# SPDX-License-Identifier: GPL-2.0
"""Every atomic allocation fails for five seconds of flood: the ring stays full, and then all is well again.

A program that does not read what it has asked for keeps pages from coming back, so that new ones are
needed all the time.
"""

import time

from qemu.vm import VM
from tests.vm import expect, hoarder
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
SECONDS = 5
COUNTERS = ("page_fail_injected", "rx_frames", "rx_delivered")

files = hoarder.files


def run(vm: VM, net: Link) -> None:
    ring = net.ring_size()
    with Flood(net, 1500, flows=1):
        time.sleep(1)
        net.inject("every 1")
        expect.equal("what inject says", vm.run(f"cat {DEBUGFS}/zones/*/inject").split(), ["next", "0", "every", "1"])
        before = net.counters()
        hoarder.start(net)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            expect.at_least("rx_posted while every allocation fails", net.counters()["rx_posted"], ring - 1)
            time.sleep(0.5)
        during = net.counters()
        net.inject("off")
        time.sleep(1)
    settle(net)
    failed, received, delivered = (during[name] - before[name] for name in COUNTERS)
    expect.progress(f"{failed:,} failures; of {received:,} frames received, {delivered:,} were delivered")
    expect.at_least("page_fail_injected", failed, 1)
    expect.at_least("frames received while every allocation failed", received, 1)
    after = net.expect_identity()
    expect.at_least("rx_posted_min (buffers in the ring at its worst)", after["rx_posted_min"], ring - 1)
    net.ping_guest(count=10)
    net.ping_host(count=10)
