# SPDX-License-Identifier: GPL-2.0
"""The driver is unloaded in the middle of a flood."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood

TIMES = 3


def run(vm: VM, net: Link) -> None:
    for _ in range(TIMES):
        with Flood(net, 1500):
            expect.eventually("packets arrive", lambda: net.received() > 0, True)
            vm.run(f"rmmod {net.driver}")
        net.load()
        net.ping_guest()
    with Flood(net, 64):
        vm.run(f"sleep 1; rmmod {net.driver}")
