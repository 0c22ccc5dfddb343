# SPDX-License-Identifier: GPL-2.0
"""The card is taken from the driver under a flood, and given back."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood

TIMES = 3


def run(vm: VM, net: Link) -> None:
    device = net.device()
    for _ in range(TIMES):
        with Flood(net, 64):
            expect.eventually("packets arrive", lambda: net.received() > 0, True)
            vm.run(f"echo {device} > /sys/bus/virtio/drivers/{net.driver}/unbind")
            expect.equal("the interface exists", net.present(), False)
            vm.run(f"echo {device} > /sys/bus/virtio/drivers/{net.driver}/bind")
            net.configure()
        net.ping_guest()
        net.ping_host()
