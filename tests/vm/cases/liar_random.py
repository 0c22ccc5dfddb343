# SPDX-License-Identifier: GPL-2.0
"""Thousands of received frames with lies at random: every one is delivered or dropped, and no page is lost.

The seed is printed. LIAR_SEED=<number> repeats a run, LIAR_COUNT=<number> makes it longer, up to 1000000 frames:

    LONG=1 LIAR_SEED=7 LIAR_COUNT=1000000 python3 -m tests.vm liar_random

The same seed means the same lies in the same order for each direction, of frames of the same lengths. When the driver
looks at them is another matter.
"""

import os
import random
import re

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import ending as common
from tests.vm import effort, expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
COUNT = min(int(os.environ.get("LIAR_COUNT", "20000")), 1_000_000)
# A restart takes a tenth of a second and more, and there is one for some hundred frames.
TIMEOUT = 240 + COUNT // 100
# Not among the short cases: a run takes many minutes.
VARIANTS = effort.choose({}, {"": {}, "debug": {"KERNEL": "6.1-debug"}})
STEP = 10_000
NOBODY = "10.12.0.9"


def run(vm: VM, _net: Link) -> None:
    seed = int(os.environ.get("LIAR_SEED", random.randrange(1 << 32)))
    expect.progress(f"LIAR_SEED={seed} LIAR_COUNT={COUNT}")
    # Transmit queues that hang are part of this, and a warning of the kernel's.
    vm.run("echo 0 > /proc/sys/kernel/panic_on_warn; modprobe labnet")
    with Liar(vm) as liar:
        liar.up("10.12.0.1")
        vm.run(f"ip neighbour replace {NOBODY} lladdr 02:00:00:00:00:01 dev {liar.interface} nud permanent")
        liar.set_frame(header() + ethernet(liar.mac(), 1500))
        liar.tell(f"random {seed}")
        vm.run(f"(while [ ! -e /tmp/quiet ]; do ping -n -q -c 20 -l 20 -w 1 {NOBODY}; done; touch /tmp/end) > /dev/null 2>&1 &")
        for done in range(0, COUNT, STEP):
            vm.run(f"echo 0 {min(STEP, COUNT - done)} > {liar.path}/flood", timeout=TIMEOUT)
            expect.progress(f"{done + STEP:,} frames, {liar.number('told'):,} lies")
        liar.tell("random off")
        # Whoever waits for counters to stand still has to stop sending.
        vm.run("touch /tmp/quiet; until [ -e /tmp/end ]; do sleep 0.1; done")
        judge(liar)


def judge(liar: Liar) -> None:
    """What has to hold after all this."""
    expect.eventually("the driver is ready", lambda: liar.number("status"), 15, 30)
    liar.expect_delivered()
    counters = guest.settled(liar.counters, 1)
    ended = sum(value for name, value in counters.items() if name.startswith(("rx_drop_", "rx_delivered")))
    expect.equal("rx_frames == rx_delivered + sum of rx_drop_*", ended, counters["rx_frames"])
    expect.equal("page_wrong_state", counters["page_wrong_state"], 0)
    for name in ("rx_drop_short", "rx_drop_long", "rx_drop_buffers", "rx_drop_header", "rx_drop_damaged", "rx_delivered"):
        expect.at_least(name, counters[name], COUNT // 1000)
    expect.equal("rx_posted", counters["rx_posted"], 256)
    liar.expect_balance()
    expect.progress(f"{counters['rx_frames']:,} frames for the driver, {counters['rx_delivered']:,} delivered, "
                    f"{counters['rx_broken'] + counters['tx_broken']} rings broken, {counters['tx_timeouts']} hung")


def ending(vm: VM, driver: str) -> None:
    """The kernel warns of a hanging queue once, and of nothing else."""
    common.check(vm, driver, re.compile(r"dev_watchdog|NETDEV WATCHDOG|Call Trace:"))
    expect.at_most("warnings", len([line for line in vm.warnings() if "WARNING:" in line]), 1)
