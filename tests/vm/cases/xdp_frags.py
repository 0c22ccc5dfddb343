# SPDX-License-Identifier: GPL-2.0
"""XDP programs see packets of several buffers or pages if they say that they can: passed, dropped, cut, sent back whole."""

import random
import socket
import subprocess

from qemu.vm import VM, Nic
from tests.vm import expect, xdp
from tests.vm.cases import xdp_forward
from tests.vm.link import Link
from tests.vm.traffic import PORT

DRIVERS = ("labnet",)
MTU = 9000
# Datagrams in one, two and three buffers of the ring.
SIZES = (1400, 5000, 8900)
COUNT = 500
# More than what the third buffer holds of the longest datagram, so that cutting it off frees a page.
CUT = 2000
SEED = 20
# Long packets come in several buffers, or in one of several pages.
VARIANTS = {"": {}, "chain": {"NICS": [Nic(properties={"mrg_rxbuf": "off", "host_mtu": "9000"})]}}
files = xdp.files


def run(vm: VM, net: Link) -> None:
    subprocess.run(["ip", "link", "set", net.nic.tap, "mtu", str(MTU)], check=True)
    vm.run(f"ip link set {net.interface} mtu {MTU}")
    xdp.expect_refused(net, "Invalid argument", "udp", xdp.PASS)
    with xdp.Program(net, "udp", xdp.PASS, frags=True):
        before = net.counters()
        for size in SIZES:
            net.ping_guest(size=size)
        expect.at_least("frames in several buffers that were passed on",
                        net.expect_identity()["rx_lent"] - before["rx_lent"], 15)
        send(net, "rx_xdp_pass")
    with xdp.Program(net, "udp", xdp.DROP, frags=True):
        send(net, "rx_xdp_drop")
    with xdp.Program(net, "tail", CUT, frags=True):
        send(net, "rx_xdp_pass")
        net.ping_guest(size=SIZES[-1])
    with xdp.Program(net, "reflect", frags=True):
        for size in SIZES:
            echo(net, size)
    expect.equal("frames that no program could see", net.expect_identity()["rx_drop_xdp"], 0)
    expect.eventually("pages that are still lent", lambda: xdp_forward.lent(vm), 0)


def send(net: Link, counter: str) -> None:
    """Send datagrams of all sizes; each is counted as @counter."""
    before = net.counters()[counter]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        for number in range(COUNT):
            channel.sendto(bytes(SIZES[number % len(SIZES)]), (net.guest, PORT))
    expect.eventually(f"datagrams that {counter} has counted",
                      lambda: net.counters()[counter] - before >= COUNT, True)
    net.expect_identity()


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
