# SPDX-License-Identifier: GPL-2.0
"""Two buffers share a page; long packets get whole pages, and arrive in halves before; afterwards halves come back."""

import subprocess

from qemu.vm import VM
from tests.vm import expect, transfer
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import Flood, flood_until, settle

DRIVERS = ("labnet",)
# In one half, two, as many as an skb has fragments for, and more.
SIZES = (1400, 3000, 30_000, 64_000)
MTU = 65_000
CONTENT = 5_000_000
# What the driver writes into a buffer before the device does.
SENTINEL = "fe"
# More packets in one buffer than count as exceptions after a long one, and a ring of them.
PACKETS = 3000
# The page that copies go to, and one of which a half has gone.
BESIDES = 2


def run(vm: VM, net: Link) -> None:
    ring = net.ring_size()
    expect.at_most("pages in a ring that is new", posted(vm), ring // 2 + BESIDES)
    subprocess.run(["ip", "link", "set", net.nic.tap, "mtu", str(MTU)], check=True)
    vm.run(f"ip link set {net.interface} mtu {MTU}")
    for size in SIZES:
        restart(vm, net)
        net.ping_guest(size=size)
        net.ping_guest(size=size, pattern=SENTINEL)
    expect.equal("rx_drop_buffers", net.expect_identity()["rx_drop_buffers"], 0)

    transfer.to_guest(vm, net, CONTENT)
    expect.at_least("pages in a ring that has received long packets", posted(vm), ring * 3 // 4)
    flood_until(net, 1500, PACKETS, seconds=60)
    expect.at_most("pages in a ring that has received short packets again", posted(vm), ring // 2 + BESIDES)
    mixed(net)
    expect.at_most("pages in a ring that has received packets to copy and to lend", posted(vm), ring * 3 // 4)
    counters = net.expect_identity()
    # The first buffer of a long packet, and the one that is being added to it.
    expect.at_least("rx_posted_min", counters["rx_posted_min"], ring - 2)
    expect.equal("rx_drop_damaged", counters["rx_drop_damaged"], 0)


def posted(vm: VM) -> int:
    """Return how many pages the ring has: its buffers are in so many."""
    return int(vm.run(f"awk '/^posted/ {{ print $2 }}' {DEBUGFS}/zones/*/ledger"))


def restart(vm: VM, net: Link) -> None:
    """Make the ring anew: it is made of halves."""
    vm.run(f"ip link set {net.interface} down")
    net.configure()
    expect.at_most("pages in a ring that is new", posted(vm), net.ring_size() // 2 + BESIDES)


def mixed(net: Link) -> None:
    """Let packets that are copied and packets that are lent arrive in any order."""
    before = net.received()
    with Flood(net, 64, rate=10_000), Flood(net, 1500, rate=10_000):
        expect.eventually("packets of both sizes arrive", lambda: net.received() - before > PACKETS, True, 60)
    settle(net)
