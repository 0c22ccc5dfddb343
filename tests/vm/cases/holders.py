# SPDX-License-Identifier: GPL-2.0
"""Who has how many pages is told flow by flow: ports make flows, in a VLAN as well; fragments and what is no IP do not."""

import re
import struct

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import ZONES, Liar, ethernet, header
from tests.vm import expect
from tests.vm.keep import Keeper
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
# Long enough not to be copied.
SIZE = 1000
# Two frames share a page: of so many, one page at least is a flow's own.
FRAMES = 4
# Two flows are one holder once in 256 times, so many are never.
PORTS = range(2000, 2008)
IPV4, IPV6, VLAN, NO_IP = 0x0800, 0x86DD, 0x8100, 0x88B5
UDP = 17


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm) as liar:
        liar.up()
        to = liar.mac()
        plain = [ipv4(port) for port in PORTS]
        with Keeper(vm, liar.interface):
            flows = gained(liar, [ethernet(to, 14, IPV4) + packet for packet in plain])
            expect.at_least("holders of flows over IPv4", len(flows), 2)
            tagged = gained(liar, [ethernet(to, 14, VLAN) + struct.pack("!HH", 5, IPV4) + packet for packet in plain])
            expect.equal("holders of the same flows in a VLAN", tagged, flows)
            expect.at_least("holders of flows over IPv6",
                            len(gained(liar, [ethernet(to, 14, IPV6) + ipv6(port) for port in PORTS])), 2)
            expect.equal("holders of later fragments, whatever they begin with",
                         len(gained(liar, [ethernet(to, 14, IPV4) + ipv4(port, offset=100) for port in PORTS])), 1)
            expect.equal("holders of what is no IP",
                         len(gained(liar, [ethernet(to, 14, NO_IP) + port.to_bytes(SIZE, "big") for port in PORTS])), 1)
            expect.equal("pages of all holders", sum(held(liar).values()), lent(liar))
        expect.eventually("pages of all holders once they are let go", lambda: sum(held(liar).values()), 0)
        expect.equal("pages lent then", lent(liar), 0)
        liar.expect_balance()


def gained(liar: Liar, frames: list[bytes]) -> set[int]:
    """Let frames arrive, each several times; return whom their pages were lent to."""
    before = held(liar)
    done = liar.counters()["rx_lent"]
    for frame in frames:
        liar.receive(header() + frame, count=FRAMES)
    expect.eventually("frames lent", lambda: liar.counters()["rx_lent"] - done, FRAMES * len(frames))
    return {holder for holder, pages in guest.settled(lambda: held(liar)).items() if pages > before.get(holder, 0)}


def held(liar: Liar) -> dict[int, int]:
    """Return how many pages each holder has; the age is that of the first of them."""
    text = liar.vm.run(f"cat {ZONES}/{liar.device()}-rx0/holders")
    found = re.findall(r"^holder (\d+) pages (\d+) age \d+ ms$", text, re.MULTILINE)
    expect.equal("lines that make sense", len(found), len(text.splitlines()))
    return {int(holder): int(pages) for holder, pages in found}


def lent(liar: Liar) -> int:
    """Return how many pages are lent, as the ledger has it."""
    return int(liar.vm.run(f"awk '/^lent/ {{ print $2 }}' {ZONES}/{liar.device()}-rx0/ledger"))


def ports(port: int) -> bytes:
    """Return what UDP begins with, and some content."""
    return struct.pack("!HHHH", port, 9, 8 + SIZE, 0) + bytes(SIZE)


def ipv4(port: int, offset: int = 0) -> bytes:
    """Return a packet of UDP, or what looks like it in the midst of a packet."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28 + SIZE, 1, offset, 64, UDP, 0)
    return head + bytes((10, 12, 0, 2)) + bytes((10, 12, 0, 1)) + ports(port)


def ipv6(port: int) -> bytes:
    """Return a packet of UDP over IPv6."""
    return struct.pack("!IHBB", 6 << 28, 8 + SIZE, UDP, 64) + bytes(15) + b"\x02" + bytes(15) + b"\x01" + ports(port)
