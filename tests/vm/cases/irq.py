# SPDX-License-Identifier: GPL-2.0
"""The kernel knows the interrupt of each receive queue where it has one of its own, and leaves it on the CPU that somebody chose."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect, netdev
from tests.vm.link import Link

DRIVERS = ("labnet",)
SINCE = "6.12"
CPUS = 2
PAIRS = 2
# Of 6 vectors one is for the configuration and one for each virtqueue; with fewer, all virtqueues share one.
VARIANTS = {
    "own": {"NICS": [Nic(queues=PAIRS)], "own": True},
    "shared": {"NICS": [Nic(queues=PAIRS, properties={"vectors": "5"})], "own": False},
    "intx": {"NICS": [Nic(queues=PAIRS, properties={"vectors": "0"})], "own": False},
}
# The first kernel that remembers the CPU (netif_set_affinity_auto).
REMEMBERS = (6, 15)
RESTARTS = ("ip link set {0} down; ip link set {0} up", "ethtool -L {0} combined 1; ethtool -L {0} combined 2")

files = netdev.files


def run(vm: VM, net: Link, own: bool) -> None:
    release = tuple(int(word) for word in vm.run("uname -r").split(".")[:2])
    right(vm, net, own)
    for restart in RESTARTS:
        if own and release >= REMEMBERS:
            move(vm, net)
        before = affinities(vm, net)
        vm.run(restart.format(net.interface))
        expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        right(vm, net, own)
        if release >= REMEMBERS:
            expect.equal("CPUs of the interrupts after a restart", affinities(vm, net), before)
    net.expect_identity()
    net.ping_guest()
    net.ping_host()


def right(vm: VM, net: Link, own: bool) -> None:
    """What the kernel tells is what /proc/interrupts has; or it tells nothing, and all queues have one."""
    named = re.findall(rf"^ *(\d+):.* {net.device()}-rx(\d+)$", vm.run("cat /proc/interrupts"), re.MULTILINE)
    expect.equal("receive queues with an interrupt of their own", sorted(int(queue) for _, queue in named),
                 list(range(PAIRS)) if own else [])
    expect.equal("interrupts that the kernel tells", told(net), {int(queue): int(irq) for irq, queue in named})


def told(net: Link) -> dict[int, int]:
    """Return the interrupt of each receive queue, as far as it is known."""
    irqs = {napi["id"]: napi["irq"] for napi in netdev.napis(net) if "irq" in napi}
    return {queue["id"]: irqs[queue["napi-id"]] for queue in netdev.queues(net)
            if queue["type"] == netdev.RX and queue.get("napi-id") in irqs}


def affinities(vm: VM, net: Link) -> dict[int, str]:
    """Return the CPUs of each queue's interrupt."""
    return {queue: vm.run(f"cat /proc/irq/{irq}/smp_affinity_list").strip() for queue, irq in told(net).items()}


def move(vm: VM, net: Link) -> None:
    """Give each queue the other CPU. The kernel is told by a work of its own."""
    before = affinities(vm, net)
    for queue, irq in told(net).items():
        vm.run(f"echo {1 - int(before[queue])} > /proc/irq/{irq}/smp_affinity_list; sleep 0.5")
    expect.equal("queues whose interrupt has moved", [queue for queue, cpu in affinities(vm, net).items() if cpu != before[queue]],
                 list(range(PAIRS)))
