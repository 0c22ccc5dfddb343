# SPDX-License-Identifier: GPL-2.0
"""The card is pulled out of the running machine under a flood, and plugged in again."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood


def run(vm: VM, net: Link) -> None:
    with Flood(net, 64):
        expect.eventually("packets arrive", lambda: net.received() > 0, True)
        vm.qmp("device_del", id=net.nic.name)
        vm.wait_event("DEVICE_DELETED")
        expect.eventually("the interface exists", net.present, False)
    vm.qmp("device_add", driver="virtio-net-pci", id=net.nic.name, netdev=net.nic.name, mac=net.nic.mac)
    net.configure()
    net.ping_guest()
    net.ping_host()
