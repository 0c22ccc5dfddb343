# SPDX-License-Identifier: GPL-2.0
"""The card puts each flow into the queue that `ethtool -x` says, and tells the hash that was computed here as well.

The hash is Toeplitz' as in the specification, over addresses and ports, with the guest's key.
"""

import re
import socket
from collections import Counter

from qemu.vm import VM, GuestError, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import PORT, settle

DRIVERS = ("labnet",)
CPUS = 4
PAIRS = 4
# QEMU, which does this in software, stops for good when the ring of a queue is full that a packet was not read for: the
# rings have room for all that is sent.
NICS = [Nic(queues=PAIRS, properties={"rss": "on", "hash": "on", "rx_queue_size": "1024"})]
TIMEOUT = 200
TABLE = 128
FLOWS = range(21000, 21064)
PACKETS = 10
# These are looked at one by one, with more packets than others may send meanwhile.
SINGLE = FLOWS[::16]
# Packets that nobody sends here, of the host's ARP.
OTHERS = 8
KEY = bytes(range(7, 47))
# SKF_AD_OFF + SKF_AD_RXHASH: where classic BPF finds the hash of the skb.
RXHASH = 0xfffff000 + 32


def run(vm: VM, net: Link) -> None:
    expect.equal("rx-hashing", re.findall("^receive-hashing: (.*)$", vm.run(f"ethtool -k {net.interface}"), re.MULTILINE),
                 ["on"])
    expect.equal("the table at first", shown(vm, net)[1], [entry % PAIRS for entry in range(TABLE)])
    # The host keeps few packets while it does not know the guest's address.
    net.ping_guest(count=1)
    spread(vm, net)
    for words, queues in (("equal 2", [0, 1]), ("weight 0 1 0 3", [1, 3]), (f"hkey {KEY.hex(':')}", [1, 3])):
        vm.run(f"ethtool -X {net.interface} {words}")
        expect.equal(f"queues in the table after {words}", sorted(set(shown(vm, net)[1])), queues)
        spread(vm, net)
    expect.equal("the key", shown(vm, net)[0], KEY)
    restarts(vm, net)
    report(vm, net)
    net.expect_identity()
    net.ping_guest()


def shown(vm: VM, net: Link) -> tuple[bytes, list[int]]:
    """Return the key and the table that `ethtool -x` shows."""
    text = vm.run(f"ethtool -x {net.interface}")
    rows = re.findall(r"^ +\d+: +([\d ]+)$", text, re.MULTILINE)
    key = re.search(r"^RSS hash key:\n([0-9a-f:]+)$", text, re.MULTILINE)[1]
    return bytes.fromhex(key.replace(":", "")), [int(word) for row in rows for word in row.split()]


def toeplitz(key: bytes, data: bytes) -> int:
    """Return the hash: the sum of the key's 32 bits from each bit on that is set in the data."""
    number, value = int.from_bytes(key, "big"), 0
    for bit in range(8 * len(data)):
        if data[bit // 8] & (0x80 >> bit % 8):
            value ^= number >> (8 * len(key) - 32 - bit) & 0xffffffff
    return value


def flow_hash(net: Link, key: bytes, port: int) -> int:
    """Return the hash of the packets that send() sends from @port."""
    addresses = socket.inet_aton(net.host) + socket.inet_aton(net.guest)
    return toeplitz(key, addresses + port.to_bytes(2, "big") + PORT.to_bytes(2, "big"))


def send(net: Link, port: int, count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((net.host, port))
        for _ in range(count):
            out.sendto(b"hash", (net.guest, PORT))


def spread(vm: VM, net: Link) -> None:
    """Each queue receives the flows that its entries of the table stand for, and no others."""
    key, table = shown(vm, net)
    queues = {port: table[flow_hash(net, key, port) % TABLE] for port in FLOWS}
    for ports in (FLOWS, *([port] for port in SINGLE)):
        before = net.counters()
        for port in ports:
            send(net, port, PACKETS)
        settle(net)
        after = net.counters()
        wanted = Counter(queues[port] for port in ports)
        for queue in range(PAIRS):
            got = after[f"rx{queue}_frames"] - before[f"rx{queue}_frames"]
            flows = f"packets of {len(ports)} flows from port {ports[0]} on in queue {queue}"
            expect.at_least(flows, got, wanted[queue] * PACKETS)
            expect.at_most(flows, got, wanted[queue] * PACKETS + OTHERS)


def restarts(vm: VM, net: Link) -> None:
    """Table and key are the same after down and up; a table that names a queue which would go keeps it."""
    before = shown(vm, net)
    vm.run(f"ip link set {net.interface} down; ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    expect.equal("key and table after down and up", shown(vm, net), before)
    spread(vm, net)
    try:
        vm.run(f"ethtool -L {net.interface} combined 2")
    except GuestError:
        expect.equal("channels", net.channels(), (PAIRS, PAIRS))
    else:
        raise expect.Failure("ethtool -L combined 2, with a table that names queue 3", "an error", "success")
    vm.run(f"ethtool -X {net.interface} default && ethtool -L {net.interface} combined 2")
    expect.equal("the table for two queues", shown(vm, net)[1], [entry % 2 for entry in range(TABLE)])
    spread(vm, net)


def report(vm: VM, net: Link) -> None:
    """The stack has the hash from the card before it makes one itself: a filter for this hash alone finds the packets."""
    wanted = flow_hash(net, shown(vm, net)[0], FLOWS[0])
    # Classic BPF: load the skb's hash; if it is the one, match, else do not.
    program = f"4,32 0 0 {RXHASH},21 0 1 {wanted},6 0 0 {0xffffffff},6 0 0 0"
    vm.run(f"modprobe -a sch_ingress cls_bpf act_gact; tc qdisc add dev {net.interface} ingress && "
           f"tc filter add dev {net.interface} ingress protocol ip bpf bytecode '{program}' action drop")
    for port, matches in ((FLOWS[0], PACKETS), (FLOWS[1], PACKETS)):
        send(net, port, PACKETS)
        settle(net)
        counts = re.findall(r"Sent \d+ bytes (\d+) pkt", vm.run(f"tc -s filter show dev {net.interface} ingress"))
        expect.equal(f"packets with the hash of port {FLOWS[0]}, after some from port {port}", int(counts[0]), matches)
    vm.run(f"tc qdisc delete dev {net.interface} ingress")
