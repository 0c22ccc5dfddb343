# SPDX-License-Identifier: GPL-2.0
"""Buffers of several pages: only those that a packet fills leave the ring, all of them or none when memory is short."""

import re
import socket
import subprocess
import time

from qemu.vm import VM, Nic
from tests.vm import expect, hoarder
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import PORT, Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 300
CARD = {"mrg_rxbuf": "off", "host_mtu": "9000", "rx_queue_size": "1024"}
# The packet in the first page, and in each further one; of these three have room for the card's MTU.
FIRST, LINK, PAGES = 3712, 4088, 3
# Ethernet, IP and ICMP.
HEADERS = 42
LONGEST = 9014
# The content is what the driver writes into a page before the device does.
SENTINEL = "fe"
SIZES = (512, 64, 256)
SECONDS = 3
# How often it may take until pages are missing.
ATTEMPTS = 12
# Each flow may always have a few pages: of so many flows these are more than there are in reserve.
FLOWS = 200
ROOM = 100_000_000
VARIANTS = {
    "modern": {"NICS": [Nic(properties=CARD)], "descriptors": PAGES, "sizes": SIZES},
    "packed": {"NICS": [Nic(properties={**CARD, "packed": "on"})], "descriptors": PAGES, "sizes": SIZES},
    # A device of old cannot reset a queue alone.
    "split_header": {"NICS": [Nic(properties={**CARD, "disable-modern": "on", "any_layout": "off"})],
                     "descriptors": 1 + PAGES, "sizes": ()},
}

files = hoarder.files


def run(vm: VM, net: Link, descriptors: int, sizes: tuple[int, ...]) -> None:
    subprocess.run(["ip", "link", "set", net.nic.tap, "mtu", net.sysfs("mtu")], check=True)
    full(vm, net, 1024 // descriptors)
    boundaries(net)
    for size in sizes:
        vm.run(f"ethtool -G {net.interface} rx {size}")
        full(vm, net, size // descriptors)
        net.ping_guest(size=LONGEST - HEADERS)
    buffers = net.ring_size() // descriptors
    shortage(vm, net, buffers)
    vm.run(f"ip link set {net.interface} down")
    net.configure()
    full(vm, net, buffers)
    taken(vm, net)
    net.ping_guest(size=LONGEST - HEADERS)
    net.ping_host(size=LONGEST - HEADERS)


def pages(vm: VM, state: str) -> int:
    """Return how many pages are in a state."""
    return int(re.search(rf"^{state}\s+(\d+)", vm.run(f"cat {DEBUGFS}/zones/*/ledger"), re.MULTILINE)[1])


def full(vm: VM, net: Link, buffers: int) -> None:
    """Expect so many buffers in the ring; to the pages of them the one that copies go to may come."""
    expect.eventually("rx_posted", lambda: net.counters()["rx_posted"], buffers)
    expect.at_least("pages in the ring", pages(vm, "posted"), PAGES * buffers)
    expect.at_most("pages in the ring", pages(vm, "posted"), PAGES * buffers + 1)


def boundaries(net: Link) -> None:
    """Packets that fill pages to the last byte, and one byte more, arrive whatever they hold."""
    for length in (FIRST, FIRST + LINK, LONGEST):
        for size in {length - 1, length, min(length + 1, LONGEST)}:
            net.ping_guest(size=size - HEADERS, count=2)
            net.ping_guest(size=size - HEADERS, count=2, pattern=SENTINEL)
    expect.equal("rx_drop_damaged", net.expect_identity()["rx_drop_damaged"], 0)


def taken(vm: VM, net: Link) -> None:
    """A packet has the pages that it fills, and no other."""
    expect.eventually("pages that are lent", lambda: pages(vm, "lent"), 0)
    hoarder.start(net, ROOM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        for size, each in ((FIRST - HEADERS, 1), (FIRST - HEADERS + 1, 2), (LONGEST - HEADERS, PAGES)):
            before = pages(vm, "lent")
            for _ in range(4):
                channel.sendto(bytes(size), (net.guest, PORT))
            expect.eventually(f"pages lent for 4 datagrams of {size} bytes",
                              lambda before=before: pages(vm, "lent") - before, 4 * each)
    hoarder.end(vm)


def shortage(vm: VM, net: Link, buffers: int) -> None:
    """A packet of three pages needs three others: without them it is dropped, and its buffer stays whole in the ring."""
    for _ in range(ATTEMPTS):
        moved = starve(vm, net, buffers)
        expect.progress(str(moved))
        if moved["rx_drop_no_page"]:
            break
        # The worker has kept up. What is there now would last for long: begin with new pages.
        vm.run(f"ip link set {net.interface} down")
        net.configure()
        full(vm, net, buffers)
    expect.at_least("frames for which there were no pages", moved["rx_drop_no_page"], 1)
    expect.at_most("takes in vain, one for a frame", moved["rx_drop_no_page"], moved["page_dry"])
    expect.at_least("rx_posted_min (buffers in the ring at its worst)", net.counters()["rx_posted_min"], buffers - 1)
    full(vm, net, buffers)
    net.ping_guest(size=LONGEST - HEADERS)


def starve(vm: VM, net: Link, buffers: int) -> dict[str, int]:
    """Let a socket keep what is delivered while every allocation fails, until it is full; return how far counters moved."""
    before = net.counters()
    with Flood(net, LONGEST, flows=FLOWS):
        net.inject("every 1")
        hoarder.start(net, ROOM)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            expect.at_least("rx_posted while every allocation fails", net.counters()["rx_posted"], buffers - 1)
            time.sleep(0.5)
        net.inject("off")
        hoarder.end(vm)
    settle(net)
    # What had been lent of a packet that was dropped has come back, too.
    expect.eventually("pages that are lent", lambda: pages(vm, "lent"), 0, 30)
    after = net.expect_identity()
    return {name: after[name] - before[name] for name in ("rx_frames", "rx_lent", "rx_drop_no_page", "page_dry")}
