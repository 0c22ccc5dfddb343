# SPDX-License-Identifier: GPL-2.0
"""What of a flow is hashed can be chosen: with ports, flows spread over the queues; with addresses alone, they do not."""

import socket

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import PORT, settle

DRIVERS = ("labnet",)
CPUS = 2
PAIRS = 2
NICS = [Nic(queues=PAIRS, properties={"rss": "on", "hash": "on", "rx_queue_size": "1024"})]
TIMEOUT = 160
PORTS = range(22000, 22064)
# Packets that nobody sends here, of the host's ARP.
OTHERS = 8
ADDRESSES, ALL = {"IP SA", "IP DA"}, {"IP SA", "IP DA", "L4 bytes 0 & 1 [TCP/UDP src port]", "L4 bytes 2 & 3 [TCP/UDP dst port]"}


def run(vm: VM, net: Link) -> None:
    net.ping_guest(count=1)
    for flow, wanted in (("tcp4", ALL), ("udp4", ALL), ("tcp6", ALL), ("udp6", ALL)):
        expect.equal(f"fields of {flow} at first", fields(vm, net, flow), wanted)
    expect.at_least("packets of the queue that got fewer, with ports", min(shares(net)), 1)

    change(vm, net, "udp4", "sd")
    expect.equal("fields of udp4", fields(vm, net, "udp4"), ADDRESSES)
    expect.equal("fields of tcp4, which are others", fields(vm, net, "tcp4"), ALL)
    expect.equal("queues of flows that differ in ports only", queues_used(net), 1)
    # The device forgets it when it is reset.
    vm.run(f"ip link set {net.interface} down; ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    expect.equal("queues after down and up", queues_used(net), 1)

    for flow, what, why in (("udp4", "s", "one address"), ("tcp4", "fn", "ports without addresses"), ("sctp4", "sd", "SCTP"),
                            ("tcp6", "r", "to discard it")):
        refused(vm, net, flow, what, why)
    change(vm, net, "udp4", "sdfn")
    expect.equal("queues of flows, with ports again", queues_used(net), PAIRS)
    net.expect_identity()
    net.ping_guest()


def fields(vm: VM, net: Link, flow: str) -> set[str]:
    """Return the fields that ethtool shows for a flow."""
    text = vm.run(f"ethtool -n {net.interface} rx-flow-hash {flow}")
    return {line.strip() for line in text.splitlines()[1:] if line.strip()}


def change(vm: VM, net: Link, flow: str, what: str) -> None:
    expect.equal(f"what ethtool -N has to say about {flow} {what}",
                 vm.run(f"ethtool -N {net.interface} rx-flow-hash {flow} {what} 2>&1").strip(), "")


def refused(vm: VM, net: Link, flow: str, what: str, why: str) -> None:
    """What the card cannot do is an error, and changes nothing."""
    flows = ("tcp4", "udp4", "tcp6", "udp6")
    before = {one: fields(vm, net, one) for one in flows}
    # Its exit status is 0 all the same.
    output = vm.run(f"ethtool -N {net.interface} rx-flow-hash {flow} {what} 2>&1 || true")
    expect.contains(f"rx-flow-hash {flow} {what} ({why})", output, "Cannot change")
    expect.equal(f"fields after {why} was refused", {one: fields(vm, net, one) for one in flows}, before)


def shares(net: Link) -> list[int]:
    """Send one datagram from each of many ports; return how many each queue got."""
    before = net.counters()
    for port in PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind((net.host, port))
            out.sendto(b"hash", (net.guest, PORT))
    settle(net)
    after = net.counters()
    got = [after[name] - before[name] for name in (f"rx{queue}_frames" for queue in range(PAIRS))]
    expect.at_least("packets received", sum(got), len(PORTS))
    return got


def queues_used(net: Link) -> int:
    """Return how many queues got more than what nobody sent."""
    return sum(share > OTHERS for share in shares(net))
