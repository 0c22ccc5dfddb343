# SPDX-License-Identifier: GPL-2.0
"""XDP programs send datagrams back, and from one card to another: they arrive whole, and every page comes back."""

import random
import socket
from pathlib import Path

from qemu.vm import VM, Nic
from tests.vm import expect, xdp
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import PORT, Flood, flood_until, settle

DRIVERS = ("labnet",)
TIMEOUT = 300
CPUS = 2
NICS = [Nic(), Nic("net1", tap="tap1")]
SIZES = (1, 18, 300, 1472)
PACKETS = 50_000
SEED = 20
files = xdp.files


def run(vm: VM, net: Link) -> None:
    with xdp.Program(net, "reflect"):
        for size in SIZES:
            echo(net, size)
        flood(net, "rx_xdp_tx", "rx_xdp_tx_fail")
        counters = net.counters()
        expect.equal("frames sent by the program", counters["tx_xdp_frames"], counters["rx_xdp_tx"])
        expect.equal("frames that found no room", counters["tx_xdp_refused"], counters["rx_xdp_tx_fail"])
        net.ping_guest()
    other = second(vm, net)
    with xdp.Program(net, "redirect-udp", other.interface):
        redirect(net, other)
        interrupted(vm, net, other)
    # The ledgers' law is part of every case's ending; that nothing is lent any more is not.
    expect.eventually("pages that are still lent", lambda: lent(vm), 0)


def second(vm: VM, net: Link) -> Link:
    """Return the card that frames are redirected to."""
    other = Link(vm, NICS[1], net.driver)
    other.find()
    vm.run(f"echo 1 > /proc/sys/net/ipv6/conf/{other.interface}/disable_ipv6; ip link set {other.interface} up")
    expect.eventually("carrier", lambda: other.sysfs("carrier"), "1")
    return other


def echo(net: Link, size: int) -> None:
    """Send datagrams of random content; each has to come back as it was."""
    content = random.Random(SEED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.settimeout(10)
        channel.connect((net.guest, PORT))
        for _ in range(50):
            data = content.randbytes(size)
            channel.send(data)
            expect.equal(f"{size} bytes that came back", channel.recv(1 << 16), data)


def flood(net: Link, good: str, bad: str) -> None:
    """Flood; every frame is counted as forwarded or as one that found no room."""
    before = net.counters()
    for size in (64, 1500):
        flood_until(net, size, PACKETS, seconds=90)
    after = net.expect_identity()
    ended = sum(after[name] - before[name] for name in (good, bad))
    expect.at_least(f"datagrams in {good} and {bad}", ended, 2 * PACKETS)
    expect.at_least(f"datagrams in {good}", after[good] - before[good], PACKETS)


def redirect(net: Link, other: Link) -> None:
    """What leaves the second card is what the first one has redirected."""
    before, arrived = other.counters(), tap_received(other)
    flood(net, "rx_xdp_redirect", "rx_xdp_redirect_fail")
    after = other.counters()
    sent = after["tx_xdp_frames"] - before["tx_xdp_frames"]
    counters = net.counters()
    expect.equal("frames that the second card took or refused", sent + after["tx_xdp_refused"] - before["tx_xdp_refused"],
                 counters["rx_xdp_redirect"])
    expect.eventually("frames that arrived at the host", lambda: tap_received(other) - arrived, sent)
    expect.eventually("frames of the second card that are transmitted",
                      lambda: other.counters()["tx_frames"] - before["tx_frames"], sent)


def interrupted(vm: VM, net: Link, other: Link) -> None:
    """The second card goes down and up under the flood."""
    with Flood(net, 1500):
        for _ in range(10):
            vm.run(f"ip link set {other.interface} down; sleep 0.1; ip link set {other.interface} up; sleep 0.2")
    settle(net)
    counters = net.expect_identity()
    expect.at_least("frames that found the second card down", counters["rx_xdp_redirect_fail"], 1)
    net.ping_guest()


def tap_received(net: Link) -> int:
    """Return how many frames the host has got from the card."""
    line = next(line for line in Path("/proc/self/net/dev").read_text().splitlines() if line.strip().startswith(net.nic.tap))
    return int(line.partition(":")[2].split()[1])


def lent(vm: VM) -> int:
    """Return how many pages of all zones are lent."""
    return sum(map(int, vm.run(f"cat {DEBUGFS}/zones/*/ledger | sed -n 's/^lent //p'").split()))
