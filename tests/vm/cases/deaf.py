# SPDX-License-Identifier: GPL-2.0
"""A queue of which the device hears no more works again without help: a transmit queue alone, if the device can do that.

The module labyrinth_breaker makes the queue deaf: see there for how.
"""

import re
from typing import Any

from qemu.vm import VM, Nic
from tests.vm import ending as common
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 200
VARIANTS = {
    "transmit": {"queue": 1, "alone": True},
    "transmit_device": {"queue": 1, "alone": False, "NICS": [Nic(properties={"queue_reset": "off"})]},
    "control": {"queue": 2, "alone": False},
}
# What the stack says of a transmit queue that hangs.
TIMED_OUT = re.compile(r"NETDEV WATCHDOG|WARNING: .* dev_watchdog\+|Call Trace:")
TRANSMIT = 1
# One socket, however large its buffer, may not have as much on its way as fills the ring.
SENDERS = 5


def run(vm: VM, net: Link, queue: int, alone: bool) -> None:
    changes = net.sysfs("carrier_changes")
    net.ping_guest()
    vm.run(f"modprobe labyrinth_breaker interface={net.interface} what=deaf queue={queue} && rmmod labyrinth_breaker")
    if queue == TRANSMIT:
        transmit(vm, net, alone)
    else:
        control(vm, net)
    net.ping_guest()
    net.ping_host()
    net.expect_identity()
    expect.equal("changes of the carrier", net.sysfs("carrier_changes"), changes)


def transmit(vm: VM, net: Link, alone: bool) -> None:
    """What hangs is noticed by the stack; reception goes on meanwhile. What was in the ring is counted."""
    with Flood(net, 64, rate=2000):
        vm.run(f"for i in $(seq {SENDERS}); do ping -q -c 400 -i 0.01 -W 1 -s 1400 -S 200000 {net.host} > /dev/null 2>&1 & done")
        expect.eventually("tx_timeouts", lambda: net.counters()["tx_timeouts"], 1, 60)
        before = net.received()
        expect.eventually("packets arrive", lambda: net.received() > before, True)
        expect.eventually("the card transmits", lambda: answered(vm, net), True, 60)
    settle(net)
    counters = net.counters()
    expect.equal("tx_timeouts", counters["tx_timeouts"], 1)
    expect.equal("tx_resets", counters["tx_resets"], int(alone))
    expect.equal("rx_resets", counters["rx_resets"], 0)
    expect.at_least("tx_drop_reset", counters["tx_drop_reset"], 1)
    log = vm.run("dmesg | grep hangs")
    expect.contains("the kernel's log", log, f"hangs, restarting the {'queue' if alone else 'device'}")


def answered(vm: VM, net: Link) -> bool:
    return " 0% packet loss" in vm.run(f"ping -n -q -c 1 -W 1 {net.host} || true")


def control(vm: VM, net: Link) -> None:
    """The command that was never answered is told again, with all others, when the device has been restarted."""
    told = filters(vm, net)
    expect.equal("promiscuous", told["promiscuous"], False)
    vm.run(f"ip link set {net.interface} promisc on")
    expect.eventually("ctrl_timeouts", lambda: net.counters()["ctrl_timeouts"], 1, 60)
    says = "no answer to control command 1/0, restarting the device"
    expect.contains("the kernel's log", vm.run("dmesg | grep 'control command'"), says)
    expect.eventually("what the device was told", lambda: filters(vm, net), {**told, "promiscuous": True}, 60)
    vm.run(f"ip link set {net.interface} promisc off")
    expect.eventually("what the device was told", lambda: filters(vm, net), told, 60)
    counters = net.counters()
    expect.equal("ctrl_timeouts", counters["ctrl_timeouts"], 1)
    expect.equal("ctrl_refused", counters["ctrl_refused"], 0)


def filters(vm: VM, net: Link) -> dict[str, Any]:
    """Return what QEMU says about the card's filters."""
    return next(card for card in vm.qmp("query-rx-filter") if card["name"] == net.nic.name)


def ending(vm: VM, driver: str) -> None:
    """As always, but for the stack's complaint about a queue that hangs."""
    common.check(vm, driver, TIMED_OUT)
