# SPDX-License-Identifier: GPL-2.0
"""Large packets in a UDP tunnel cross a bridge in one piece, from a card that has merged them to one that will split them.

Both cards are of labyrinth_liar.
"""

import struct

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, header
from tests.vm import expect
from tests.vm.cases.uso import added, forwarded, TO
from tests.vm.link import Link

DRIVERS = ("labnet",)
# Kernels have such features since 6.17; of these, make check has this one anyway.
KERNEL = "7.2-debug"
LOAD = False
TUNNEL = tuple(f"{side}_UDP_TUNNEL_GSO{what}" for side in ("GUEST", "HOST") for what in ("", "_CSUM"))
OFFLOADS = ("HOST_TSO4", "HOST_TSO6", "HOST_USO", "GUEST_TSO4", "GUEST_TSO6", "GUEST_USO4", "GUEST_USO6")
FEATURES = (*guest.DEFAULT, "CSUM", "GUEST_CSUM", *OFFLOADS, *TUNNEL)
NEEDS_CSUM, TUNNEL_CSUM, GSO_TCP4, GSO_TUNNEL4 = 1, 8, 1, 0x20
ETHERNET, IP, UDP, VXLAN, TCP = 14, 20, 8, 8, 20
# From the start of the packet: the tunnel's UDP, and the IP and TCP inside.
OUTER = ETHERNET + IP
INNER = OUTER + UDP + VXLAN + ETHERNET
HEADERS = INNER + IP + TCP
SEGMENT, SEGMENTS = 1000, 4
VIRTIO = 24


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe -a labnet bridge")
    with Liar(vm, "a", features=FEATURES) as a, Liar(vm, "b", features=FEATURES) as b:
        expect.equal("features refused", set(FEATURES) - a.taken(), set())
        expect.equal("bytes of the virtio header", a.number("header"), VIRTIO)
        a.up()
        b.up()
        vm.run(f"ip link add bridge0 type bridge; ip link set {a.interface} master bridge0\n"
               f"ip link set {b.interface} master bridge0; echo 1 > /proc/sys/net/ipv6/conf/bridge0/disable_ipv6\n"
               "ip link set bridge0 up")
        for done, flags in enumerate((NEEDS_CSUM, NEEDS_CSUM | TUNNEL_CSUM)):
            a.receive(packet(flags))
            sent = forwarded(b, done + 1)[-1]
            expect.equal("flags, kind, size of segments, checksum", struct.unpack_from("<BBxxHHH", sent.header),
                         (flags, GSO_TCP4 | GSO_TUNNEL4, SEGMENT, INNER + IP, 16))
            expect.equal("where tunnel and content begin", struct.unpack_from("<HH", sent.header, VIRTIO - 4), (OUTER, INNER))
            expect.equal("length", sent.length, VIRTIO + HEADERS + SEGMENT * SEGMENTS)
        split(vm, a, b)
        vm.run("ip link delete bridge0")
        nonsense(a)
    needs(vm)


def split(vm: VM, a: Liar, b: Liar) -> None:
    """What the card is not to split any more the stack does."""
    vm.run(f"ethtool -K {b.interface} tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off")
    before = len(forwarded(b, 2))
    a.receive(packet(NEEDS_CSUM))
    for segment in forwarded(b, before + SEGMENTS)[before:]:
        expect.equal("kind of a segment that the stack made", segment.header[1], 0)
        expect.equal("length of it", segment.length, VIRTIO + HEADERS + SEGMENT)


def nonsense(card: Liar) -> None:
    """A tunnel that begins behind what is in it is dropped, and so is one of both kinds of IP."""
    for kind, outer in ((GSO_TUNNEL4, INNER + 1), (0x60, OUTER)):
        before = card.counters()
        card.receive(packet(NEEDS_CSUM, kind, outer))
        expect.eventually("rx_drop_header", lambda before=before: card.moved(before).get("rx_drop_header", 0), 1)
        card.expect_delivered()


def needs(vm: VM) -> None:
    """Without segmentation of every kind, or without a place for it, nothing of the sort is taken."""
    for lacks, taken in (("GUEST_USO6", TUNNEL[2:]), ("HOST_TSO6", TUNNEL[:2]), ("MRG_RXBUF", TUNNEL[2:])):
        with Liar(vm, "c", features=(*(name for name in FEATURES if name != lacks),)) as card:
            expect.equal(f"taken without {lacks}", card.taken() & set(TUNNEL), set(taken))


def packet(flags: int, kind: int = GSO_TUNNEL4, outer: int = OUTER) -> bytes:
    """Return TCP in VXLAN for somebody behind the bridge: checksums that are open are those of pseudo headers."""
    content = tcp(bytes(SEGMENT * SEGMENTS))
    inner = TO + guest.PEER + b"\x08\x00" + content
    length = UDP + VXLAN + len(inner)
    pseudo = added(addresses() + struct.pack(">BBH", 0, 17, length)) if flags & TUNNEL_CSUM else 0
    udp = struct.pack(">HHHH", 1000, 4789, length, pseudo)
    frame = TO + guest.PEER + b"\x08\x00" + ip(17, udp + struct.pack(">II", 0x08000000, 42 << 8) + inner)
    return header(flags=flags, gso_type=GSO_TCP4 | kind, hdr_len=HEADERS, gso_size=SEGMENT, csum_start=INNER + IP,
                  csum_offset=16, more=bytes(10) + struct.pack("<HH", outer, INNER)) + frame


def addresses() -> bytes:
    return bytes((10, 13, 0, 1, 10, 13, 0, 2))


def tcp(payload: bytes) -> bytes:
    """Return an IP packet of one large TCP segment."""
    pseudo = added(addresses() + struct.pack(">BBH", 0, 6, TCP + len(payload)))
    return ip(6, struct.pack(">HHIIBBHHH", 1000, 2000, 1, 1, 0x50, 0x10, 1000, pseudo, 0) + payload)


def ip(protocol: int, content: bytes) -> bytes:
    """Return an IP packet."""
    head = bytearray(struct.pack(">BBHHHBBH", 0x45, 0, IP + len(content), 1, 0, 64, protocol, 0) + addresses())
    struct.pack_into(">H", head, 10, ~added(bytes(head)) & 0xffff)
    return bytes(head) + content
