# SPDX-License-Identifier: GPL-2.0
"""A frame that the driver drops has a reason which the kernel's tools see: the card was not ready."""

import re

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
TRACE = "/sys/kernel/tracing"
REASON = "DEV_READY"
# So many, and so fast, that some of them come while the card is broken, however long it takes to break it.
PINGS = "for n in 1 2 3; do ping -q -n -c 200 -i 0.01 -W 1 {host} || true; done"


def run(vm: VM, net: Link) -> None:
    expect.equal("frames dropped by a card that works", dropped(vm, f"ping -q -n -c 3 -i 0.2 {net.host}"), 0)
    before = net.counters()
    # The card is broken until the driver restarts it, a tenth of a second after it has noticed.
    found = dropped(vm, f"({PINGS.format(host=net.host)}) & modprobe labyrinth_breaker interface={net.interface}; "
                        "rmmod labyrinth_breaker; wait")
    counted = net.counters()["tx_drop_post"] - before["tx_drop_post"]
    expect.at_least("tx_drop_post", counted, 1)
    # What was in the ring when the card was restarted has no counter.
    expect.at_least(f"frames dropped for {REASON}", found, counted)
    net.expect_identity()
    net.ping_host()


def dropped(vm: VM, what: str) -> int:
    """Return how many frames were dropped for that reason while something was done."""
    event = f"{TRACE}/events/skb/kfree_skb/enable"
    text = vm.run(f"echo > {TRACE}/trace; echo 1 > {event}\n{what}\necho 0 > {event}; cat {TRACE}/trace")
    expect.contains("the trace", text, "# tracer")
    return len(re.findall(rf"kfree_skb: .*reason: {REASON}$", text, re.MULTILINE))
