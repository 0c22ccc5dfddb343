# SPDX-License-Identifier: GPL-2.0
"""Two flows share pages, and one does not give its halves back: it alone is charged, also for pages that it shares."""

import re
import socket
from pathlib import Path

from qemu import BUILD
from qemu.vm import VM
from tests.bench.guest import SINK, build_sink
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import settle

DRIVERS = ("labnet",)
HOARDER, QUICK = 9000, 9
DATAGRAM = bytes(1400)
PAIRS = 200
HOARD = PAIRS // 2
# The ring's latest pages have not left it, and copies have a holder as well.
FEW = 3


def files() -> dict[str, Path]:
    return {SINK: build_sink(BUILD / "bench")}


def run(vm: VM, net: Link) -> None:
    vm.run(f"{SINK} --interface {net.interface} --port {HOARDER} --interval 1000 --output /dev/null > /dev/null 2>&1 &\n"
           "echo $! > /tmp/sink.pid; sleep 0.5; kill -STOP $(cat /tmp/sink.pid)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hoarder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as quick:
        for _ in range(PAIRS):
            # Who comes first is not to matter.
            hoarder.sendto(DATAGRAM, (net.guest, HOARDER))
            quick.sendto(DATAGRAM, (net.guest, QUICK))
            quick.sendto(DATAGRAM, (net.guest, QUICK))
            hoarder.sendto(DATAGRAM, (net.guest, HOARDER))
    settle(net)
    expect.eventually("holders with more than a few pages", lambda: [pages > FEW for pages in holders(vm)].count(True), 1)
    expect.at_least("pages of the one that gives nothing back", holders(vm)[0], HOARD)
    vm.run("kill -KILL $(cat /tmp/sink.pid)")
    expect.eventually("pages that are still lent", lambda: sum(holders(vm)), 0)
    net.expect_identity()


def holders(vm: VM) -> list[int]:
    """Return how many pages each holder has, the largest first."""
    text = vm.run(f"cat {DEBUGFS}/zones/*/holders")
    return sorted((int(pages) for pages in re.findall(r"^holder \d+ pages (\d+)", text, re.MULTILINE)), reverse=True)
