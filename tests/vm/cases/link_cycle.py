# SPDX-License-Identifier: GPL-2.0
"""The interface goes down and up again and again while packets pour in."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

TIMES = 20


def run(vm: VM, net: Link) -> None:
    with Flood(net, 64):
        for _ in range(TIMES):
            vm.run(f"ip link set {net.interface} down; sleep 0.1; ip link set {net.interface} up; sleep 0.3")
        before = net.received()
        vm.run("sleep 1")
        expect.at_least("packets received after the last time", net.received() - before, 1)
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    settle(net)
    if net.driver == "labnet":
        net.expect_identity()
    net.ping_guest()
    net.ping_host()
