# SPDX-License-Identifier: GPL-2.0
"""Somebody else calls the polls: threads of the kernel, or readers that poll the card while they wait for packets."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect, netdev
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle
from tests.vm.transfer import to_guest, to_host

DRIVERS = ("labnet",)
CPUS = 2
PAIRS = 2
NICS = [Nic(queues=PAIRS)]
TIMEOUT = 240
VARIANTS = {"threaded": {"how": "threaded"}, "busy": {"how": "busy"}, "shown": {"how": "shown", "SINCE": "6.12"}}
PACKETS = 2000
FLOWS = 64
SIZE = 2_000_000
# How long a reader polls at most before it sleeps, in microseconds.
BUSY = 2000
ATTEMPTS = 10
# The first kernel that keeps the numbers of polls (netif_napi_add_config).
KEEPS = (6, 13)

files = netdev.files


def run(vm: VM, net: Link, how: str) -> None:
    {"threaded": threaded, "busy": busy, "shown": shown}[how](vm, net)
    net.expect_identity()
    net.ping_guest()
    net.ping_host()


def threaded(vm: VM, net: Link) -> None:
    """Each queue is polled by a thread, which has the CPU time to show for it; a restart changes nothing."""
    for restart in (False, True):
        vm.run(f"echo 1 > /sys/class/net/{net.interface}/threaded")
        if restart:
            vm.run(f"ip link set {net.interface} down; ip link set {net.interface} up")
            expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        expect.equal("threaded", net.sysfs("threaded"), "1")
        before = ticks(vm, net)
        expect.equal("threads, one per queue and direction", len(before), 2 * PAIRS)
        flood(net)
        expect.at_least("clock ticks of the threads under the flood", sum(ticks(vm, net).values()) - sum(before.values()), 1)
    vm.run(f"echo 0 > /sys/class/net/{net.interface}/threaded")
    before = ticks(vm, net)
    flood(net)
    expect.equal("clock ticks of the threads when softirqs poll again", ticks(vm, net), before)
    send_home(vm, net)


def send_home(vm: VM, net: Link) -> None:
    """Threads can be given up while a queue is not in use; while all are down the kernel refuses, and does not wait."""
    threaded = f"/sys/class/net/{net.interface}/threaded"
    vm.run(f"echo 1 > {threaded}; ethtool -L {net.interface} combined 1")
    vm.run(f"echo 0 > {threaded}")
    vm.run(f"ethtool -L {net.interface} combined {PAIRS}; echo 1 > {threaded}; ip link set {net.interface} down")
    vm.run(f"! echo 0 > {threaded}")
    vm.run(f"ip link set {net.interface} up; echo 0 > {threaded}")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")


def ticks(vm: VM, net: Link) -> dict[str, int]:
    """Return the CPU time of each thread that polls the card, by its number: fields 14 and 15 of its stat."""
    text = vm.run("cat /proc/[0-9]*/stat 2> /dev/null || true")
    found = re.findall(rf"^(\d+) \(napi/{net.interface}-\d*\) (.*)$", text, re.MULTILINE)
    return {pid: int(rest.split()[11]) + int(rest.split()[12]) for pid, rest in found}


def flood(net: Link) -> None:
    before = net.counters()
    with Flood(net, 64, rate=20_000, flows=FLOWS):
        expect.eventually("every queue receives", lambda: receiving(net, before), True, 60)
    settle(net)


def receiving(net: Link, before: dict[str, int]) -> bool:
    after = net.counters()
    return all(after[name] - before[name] >= PACKETS for name in (f"rx{queue}_delivered" for queue in range(PAIRS)))


def busy(vm: VM, net: Link) -> None:
    """Readers poll the card themselves: the kernel counts what they got that way, and the content is right."""
    vm.run(f"echo {BUSY} > /proc/sys/net/core/busy_read; echo {BUSY} > /proc/sys/net/core/busy_poll")
    before = busy_packets(vm)
    # Whether a reader has to wait, and something comes just then, is a matter of luck where the processor is busy.
    for _ in range(ATTEMPTS):
        to_guest(vm, net, SIZE)
        to_host(vm, net, SIZE)
        if busy_packets(vm) > before:
            return
    expect.at_least("BusyPollRxPackets", busy_packets(vm) - before, 1)


def busy_packets(vm: VM) -> int:
    """Return how many packets readers have found by polling, as the kernel counts them."""
    lines = [line.split() for line in vm.run("grep ^TcpExt: /proc/net/netstat").splitlines()]
    return int(dict(zip(*lines))["BusyPollRxPackets"])


def shown(vm: VM, net: Link) -> None:
    """The kernel knows which poll serves each queue in use, and its number stays, as far as the kernel keeps numbers."""
    first = polls(net)
    expect.equal("queues that a poll is known of", sorted(first), list(range(PAIRS)))
    expect.equal("different polls", len(set(first.values())), PAIRS)
    known = {napi["id"] for napi in netdev.napis(net)}
    expect.equal("polls that the kernel does not know", set(first.values()) - known, set())
    vm.run(f"ip link set {net.interface} down")
    expect.equal("queues that a poll is known of, while down", polls(net), {})
    vm.run(f"ip link set {net.interface} up; ethtool -L {net.interface} combined 1")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    one = polls(net)
    expect.equal("queues that a poll is known of, with one pair", sorted(one), [0])
    if keeps_numbers(vm):
        expect.equal("number of the first queue's poll", one[0], first[0])


def keeps_numbers(vm: VM) -> bool:
    """Whether this kernel gives a queue's poll its old number when it is there again."""
    return tuple(int(word) for word in vm.run("uname -r").split(".")[:2]) >= KEEPS


def polls(net: Link) -> dict[int, int]:
    """Return the number of each receive queue's poll."""
    return {queue["id"]: queue["napi-id"] for queue in netdev.queues(net)
            if queue["type"] == netdev.RX and "napi-id" in queue}
