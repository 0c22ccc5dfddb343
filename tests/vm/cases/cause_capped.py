# SPDX-License-Identifier: GPL-2.0
"""The interrupt handler stops at its cap while its zone still lacks pages: capped. It is no failure."""

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
# The stash for this ring is larger than the cap: an interrupt that finds it empty cannot fill it.
NICS = [Nic(properties={"rx_queue_size": "1024"})]
SECONDS = 60


def run(_vm: VM, net: Link) -> None:
    before = net.counters()
    with Flood(net, 1500):
        expect.eventually("page_capped has moved", lambda: net.counters()["page_capped"] > before["page_capped"], True, SECONDS)
    settle(net)
    after = net.expect_identity()
    moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    expect.progress(f"page_capped {moved['page_capped']}, page_stocked_irq {moved.get('page_stocked_irq', 0)}")
    # Each capped interrupt has stocked as much as it may.
    expect.at_least("page_stocked_irq", moved.get("page_stocked_irq", 0), 2 * moved["page_capped"])
    failures = {name for name in moved if name.startswith(("page_fail_", "page_failed_"))}
    expect.equal("failures", failures, set())
