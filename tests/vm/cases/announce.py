# SPDX-License-Identifier: GPL-2.0
"""Asked by the device to announce itself, the guest sends a gratuitous ARP, once, and says that it has done so."""

import socket
import time

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

ETH_P_ARP = 0x0806
# One round only: QEMU would ask again and again by itself.
ROUNDS = {"initial": 50, "max": 50, "rounds": 1, "step": 10}


def run(vm: VM, net: Link) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as tap:
        tap.bind((net.nic.tap, ETH_P_ARP))
        tap.settimeout(0.2)
        expect.equal("gratuitous ARP before", announcements(tap, net, 1), 0)
        vm.qmp("announce-self", **ROUNDS)
        expect.at_least("gratuitous ARP after announce-self", announcements(tap, net, 5), 1)
        # Whoever has not acknowledged sees the request again when the status changes for another reason.
        for up in (False, True):
            vm.qmp("set_link", name=net.nic.name, up=up)
            expect.eventually("carrier", lambda up=up: net.sysfs("carrier"), str(int(up)))
        expect.equal("gratuitous ARP after a change of the link", announcements(tap, net, 3), 0)
    net.ping_guest()


def announcements(tap: socket.socket, net: Link, seconds: float) -> int:
    """Return how many ARP packets in the next seconds ask for the address that they come from: the guest's."""
    address, count, end = socket.inet_aton(net.guest), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            packet = tap.recv(100)
        except TimeoutError:
            continue
        count += packet[28:32] == packet[38:42] == address
    return count
