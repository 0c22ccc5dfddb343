# SPDX-License-Identifier: GPL-2.0
"""Large UDP packets cross a bridge in one piece, from a card that has merged them to one that will split them.

Both cards are of labyrinth_liar.
"""

import struct

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
SINCE = "6.12"
LOAD = False
USO = ("HOST_USO", "GUEST_USO4", "GUEST_USO6")
FEATURES = (*guest.DEFAULT, "CSUM", "GUEST_CSUM", *USO)
NEEDS_CSUM, GSO_UDP_L4 = 1, 5
ETHERNET, IP, UDP = 14, 20, 8
HEADERS = ETHERNET + IP + UDP
SEGMENT, SEGMENTS = 1000, 4
TO = bytes.fromhex("020000000099")


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe -a labnet bridge")
    with Liar(vm, "a", features=FEATURES) as a, Liar(vm, "b", features=FEATURES) as b:
        expect.equal("features refused", set(FEATURES) - a.taken(), set())
        a.up()
        b.up()
        vm.run(f"ip link add bridge0 type bridge; ip link set {a.interface} master bridge0\n"
               f"ip link set {b.interface} master bridge0; echo 1 > /proc/sys/net/ipv6/conf/bridge0/disable_ipv6\n"
               "ip link set bridge0 up")
        a.receive(packet())
        sent = forwarded(b, 1)
        expect.equal("kind and size of segments", struct.unpack_from("<xBxxH", sent[0].header), (GSO_UDP_L4, SEGMENT))
        expect.equal("length", sent[0].length, len(packet()))
        vm.run(f"ethtool -K {b.interface} tx-udp-segmentation off")
        a.receive(packet())
        for segment in forwarded(b, 1 + SEGMENTS)[1:]:
            expect.equal("kind of a segment that the stack made", segment.header[1], 0)
            expect.equal("length of it", segment.length, len(header(more=b"\0\0")) + HEADERS + SEGMENT)
        vm.run("ip link delete bridge0")
    with Liar(vm, "c", features=(*guest.DEFAULT, "HOST_USO", "GUEST_USO4")) as lonely:
        expect.equal("USO that is taken from a card without checksums", lonely.taken() & set(USO), set())
    with Liar(vm, "d", features=(*(name for name in FEATURES if name != "MRG_RXBUF"),)) as small:
        expect.equal("USO that is taken from a card with small buffers", small.taken() & set(USO), {"HOST_USO"})
    switched(vm)


def switched(vm: VM) -> None:
    """A card that can be told so merges packets only while the stack wants them."""
    with Liar(vm, "e", features=(*FEATURES, "CTRL_VQ", "CTRL_GUEST_OFFLOADS")) as card:
        card.up()
        for words, wanted in (("rx-gro-hw off", {"GUEST_CSUM"}), ("rx-gro-hw on", {"GUEST_CSUM", "GUEST_USO4", "GUEST_USO6"})):
            vm.run(f"ethtool -K {card.interface} {words}")
            expect.equal(f"offloads after {words}", offloads(card), wanted)


def offloads(card: Liar) -> set[str]:
    """Return the names of the receive offloads that the card was told to use: command 0 of class 5."""
    last = [one for one in card.commands() if (one.kind, one.command) == (5, 0)][-1]
    return {name for name, bit in guest.BITS.items() if int.from_bytes(last.data, "little") >> bit & 1}


def packet() -> bytes:
    """Return a large datagram for somebody behind the bridge: its checksum is that of the pseudo header."""
    payload = bytes(SEGMENT * SEGMENTS)
    here, there = bytes((10, 13, 0, 1)), bytes((10, 13, 0, 2))
    length = UDP + len(payload)
    ip = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, IP + length, 0, 0, 64, 17, 0, here, there))
    struct.pack_into(">H", ip, 10, ~added(bytes(ip)) & 0xffff)
    pseudo = added(here + there + struct.pack(">BBH", 0, 17, length))
    frame = TO + guest.PEER + b"\x08\x00" + bytes(ip) + struct.pack(">HHHH", 1000, 2000, length, pseudo) + payload
    return header(flags=NEEDS_CSUM, gso_type=GSO_UDP_L4, hdr_len=HEADERS, gso_size=SEGMENT,
                  csum_start=ETHERNET + IP, csum_offset=6) + frame


def added(data: bytes) -> int:
    """Return the sum of all words in one's complement."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def forwarded(card: Liar, count: int) -> list[guest.Sent]:
    """Return what the card has sent to TO, of which there are to be that many."""
    expect.eventually("frames forwarded", lambda: len([one for one in card.sent() if one.packet.startswith(TO)]), count)
    return [one for one in card.sent() if one.packet.startswith(TO)]
