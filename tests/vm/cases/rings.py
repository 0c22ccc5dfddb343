# SPDX-License-Identifier: GPL-2.0
"""ethtool -G changes the rings under load: no content changes, no packet is lost unseen, and what cannot be is refused."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect, transfer
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 300
CONTENT = 20_000_000
LARGEST = {"rx_queue_size": "1024"}
POWERS = ((64, 64), (1024, 256), (256, 128), (512, 64), (128, 256))
# A zone's stash; see Documentation/driver.rst.
STASH = 64


def card(pairs: int = 1, **properties: str) -> dict:
    """Describe a card with a receive ring that can be larger than it is by default."""
    return {"NICS": [Nic(queues=pairs, properties={**LARGEST, **properties})], "CPUS": pairs, "pairs": pairs}


VARIANTS = {
    "split": {**card(), "steps": POWERS, "no": (100,)},
    "packed": {**card(packed="on"), "steps": ((100, 99), *POWERS), "no": ()},
    "pairs": {**card(2), "steps": POWERS, "no": (100,)},
}


def run(vm: VM, net: Link, pairs: int, steps: tuple[tuple[int, int], ...], no: tuple[int, ...]) -> None:
    expect.equal("ethtool -g: largest, current", rings(vm, net), ((1024, 256), (1024, 256)))
    for size in (0, 1, 32, 2048, *no):
        refused(vm, net, f"rx {size}")
        refused(vm, net, f"tx {size}")
    changes = net.sysfs("carrier_changes")
    for step in steps:
        under_flood(vm, net, pairs, step)
    content(vm, net, steps)
    expect.equal("changes of the carrier", net.sysfs("carrier_changes"), changes)
    while_down(vm, net)
    net.expect_identity()
    net.ping_guest()
    net.ping_host()


def rings(vm: VM, net: Link) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return what `ethtool -g` says: the largest (receive, transmit) rings, and those in use."""
    output = vm.run(f"ethtool -g {net.interface}")
    rx, tx = (re.findall(rf"^{name}:\s*(\d+)", output, re.MULTILINE) for name in ("RX", "TX"))
    return (int(rx[0]), int(tx[0])), (int(rx[1]), int(tx[1]))


def refused(vm: VM, net: Link, what: str) -> None:
    """A size that cannot be is an error with a reason, and changes nothing."""
    before = rings(vm, net)
    output = vm.run(f"ethtool -G {net.interface} {what} 2>&1 && echo done || true")
    expect.contains(f"ethtool -G {what}", output, "error")
    expect.equal(f"rings after {what} was refused", rings(vm, net), before)
    expect.equal("queues that were reset", resets(net), 0)


def resets(net: Link) -> int:
    counters = net.counters()
    return counters["rx_resets"] + counters["tx_resets"]


def under_flood(vm: VM, net: Link, pairs: int, step: tuple[int, int]) -> None:
    """The rings change while packets pour in: each that the card was given is received, but for one per queue.

    When a ring is full, QEMU holds the next packet, and throws it away when the queue is reset.
    """
    rx, tx = step
    settle(net)
    given, before = net.delivered_by_host(), net.counters()
    with Flood(net, 64, flows=16):
        vm.run(f"sleep 0.3; ethtool -G {net.interface} rx {rx} tx {tx}; sleep 0.3")
    settle(net)
    expect.equal("rings", rings(vm, net)[1], step)
    after = net.expect_identity()
    lost = net.delivered_by_host() - given - (after["rx_frames"] - before["rx_frames"])
    expect.progress(f"rx {rx} tx {tx}: {after['rx_frames'] - before['rx_frames']:,} packets, {lost} lost, "
                    f"{after['tx_drop_reset'] - before['tx_drop_reset']} of the guest's own dropped")
    expect.at_least("packets lost", lost, 0)
    expect.at_most("packets lost", lost, pairs)
    expect.equal("rx_posted", after["rx_posted"], pairs * rx)
    expect.equal("rx_post_fail", after["rx_post_fail"], 0)
    expect.eventually("stashes are no larger than they should be", lambda: max(stashes(vm)) <= STASH, True)


def stashes(vm: VM) -> list[int]:
    """Return how many pages each zone's stash holds."""
    return [int(line.split()[1]) for line in vm.run(f"cat {DEBUGFS}/zones/*/stats | grep -w now_stash").splitlines()]


def content(vm: VM, net: Link, steps: tuple[tuple[int, int], ...]) -> None:
    """Content goes over in both directions while the rings change again and again."""
    commands = "; ".join(f"ethtool -G {net.interface} rx {rx} tx {tx} && echo changed; sleep 0.5" for rx, tx in steps)
    vm.run(f"rm -f /tmp/stop; (while [ ! -e /tmp/stop ]; do {commands}; done; echo end) > /tmp/changes 2>&1 &")
    transfer.to_guest(vm, net, CONTENT)
    transfer.to_host(vm, net, CONTENT)
    vm.run("touch /tmp/stop")
    expect.eventually("the last change", lambda: "end" in vm.run("cat /tmp/changes"), True, 30)
    *output, _ = vm.run("cat /tmp/changes").split()
    expect.equal("what ethtool has said", set(output), {"changed"})
    expect.at_least("changes", len(output), len(steps))


def while_down(vm: VM, net: Link) -> None:
    """A change while the interface is down is shown at once, and is in force when it comes up, and again."""
    vm.run(f"ip link set {net.interface} down; ethtool -G {net.interface} rx 512 tx 64")
    expect.equal("rings while down", rings(vm, net), ((1024, 256), (512, 64)))
    for _ in range(2):
        vm.run(f"ip link set {net.interface} up")
        expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        expect.equal("rings after down and up", rings(vm, net), ((1024, 256), (512, 64)))
        net.ping_guest()
        expect.equal("rx_posted", net.counters()["rx_posted"] % 512, 0)
        vm.run(f"ip link set {net.interface} down")
    vm.run(f"ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
