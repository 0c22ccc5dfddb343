# SPDX-License-Identifier: GPL-2.0
"""Eight queue pairs: each receives its part of many flows, in interrupts on a CPU of its own, and the sums are right."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import Flood, settle

PAIRS = 8
CPUS = PAIRS
NICS = [Nic(queues=PAIRS)]
TIMEOUT = 300
# So many that the host's hash leaves no queue without one.
FLOWS = 128
PACKETS = 2000


def run(vm: VM, net: Link) -> None:
    expect.equal("ethtool -l: combined (maximum, current)", net.channels(), (PAIRS, PAIRS))
    if net.driver != "labnet":
        net.ping_guest()
        return
    zones = vm.run(f"ls {DEBUGFS}/zones").split()
    expect.equal("zones", zones, [f"{net.device()}-rx{queue}" for queue in range(PAIRS)])
    reserves(vm, net)
    cpus(vm, net)
    flood(net)
    totals(net)
    net.ping_guest()
    net.ping_host()


def reserves(vm: VM, net: Link) -> None:
    """All queues may have a burst at once: their reserves and the one atomic window hold the pages of all rings."""
    kept = sum(map(int, vm.run(f"awk '/^now_reserve/ {{ print $2 }}' {DEBUGFS}/zones/*/stats").split()))
    window = sum(minimum - floor(minimum) for minimum in
                 map(int, vm.run("awk '$1 == \"min\" { print $2 }' /proc/zoneinfo").split()))
    expect.at_least(f"pages in reserve, and {window} that atomic requests alone may have", kept + window,
                    PAIRS * net.ring_size() // 2)


def floor(minimum: int) -> int:
    """Return the free pages at which atomic requests end, as the page allocator computes it."""
    half = minimum - minimum // 2
    return half - half // 4


def cpus(vm: VM, net: Link) -> None:
    """Each queue has a CPU for itself, whose interrupts it gets and whose packets it transmits."""
    for queue in range(PAIRS):
        for direction in ("rx", "tx"):
            number = vm.run(f"grep -w '{net.device()}-{direction}{queue}' /proc/interrupts").split(":")[0].strip()
            affinity = vm.run(f"cat /proc/irq/{number}/smp_affinity_list").strip()
            expect.equal(f"CPUs of the interrupt {direction}{queue}", affinity, str(queue))
        expect.equal(f"xps_cpus of queue {queue}", int(net.sysfs(f"queues/tx-{queue}/xps_cpus"), 16), 1 << queue)


def flood(net: Link) -> None:
    """Every queue gets its part, and nothing is lost between the host and the driver."""
    given, before = net.delivered_by_host(), net.counters()
    with Flood(net, 64, rate=50_000, flows=FLOWS):
        expect.eventually("every queue has received enough",
                          lambda: min(shares(before, net.counters())) >= PACKETS, True, 120)
    settle(net)
    after = net.counters()
    expect.progress(f"packets of the queues: {', '.join(f'{share:,}' for share in shares(before, after))}")
    expect.equal("packets received, of those that the card was given", after["rx_frames"] - before["rx_frames"],
                 net.delivered_by_host() - given)
    for queue in range(PAIRS):
        expect.at_least(f"interrupts of rx{queue}", after[f"rx{queue}_interrupts"], 1)


def shares(before: dict[str, int], after: dict[str, int]) -> list[int]:
    """Return how many packets each queue has received in between."""
    return [after[name] - before[name] for name in (f"rx{queue}_frames" for queue in range(PAIRS))]


def totals(net: Link) -> None:
    """Every total is the sum of the same numbers of all queues, and in each queue no packet is unaccounted for."""
    counters = net.expect_identity()
    parts = {name: sum(counters[part] for part in of_queues(name)) for name in counters
             if re.match("(rx|tx|page)_", name)}
    expect.at_least("totals", len(parts), 60)
    for name, part in parts.items():
        expect.equal(f"sum of {name} of all queues", part, counters[name])
    for queue in range(PAIRS):
        dropped = sum(value for name, value in counters.items() if name.startswith(f"rx{queue}_drop_"))
        expect.equal(f"rx{queue}_frames == rx{queue}_delivered + sum of rx{queue}_drop_*",
                     counters[f"rx{queue}_delivered"] + dropped, counters[f"rx{queue}_frames"])


def of_queues(total: str) -> list[str]:
    """Return the names of the counters of which @total is the sum: rx_frames -> rx0_frames; page_dry -> rx0_page_dry."""
    direction, _, rest = ("rx", "", total) if total.startswith("page_") else total.partition("_")
    return [f"{direction}{queue}_{rest}" for queue in range(PAIRS)]
