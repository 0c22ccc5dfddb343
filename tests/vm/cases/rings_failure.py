# SPDX-License-Identifier: GPL-2.0
"""Rings of another size for which there is no memory: an error, and reception goes on in the rings that there are."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 200
FAULTS = "/sys/kernel/debug/fail_page_alloc"
LARGE, SMALL = 1024, 512
# So many that their larger rings need 15 MiB and more.
PAIRS = 4
SAYS = "no memory for rings of that size"


def card(pairs: int = 1, **properties: str) -> list[Nic]:
    """Describe a card with large receive rings."""
    return [Nic(queues=pairs, properties={"rx_queue_size": str(LARGE), **properties})]


VARIANTS = {
    "pages": {"before": 64, "wanted": LARGE, "MEMORY": "256M", "NICS": card(PAIRS), "CPUS": PAIRS},
    # Blocks of pages are refused to ethtool itself: the pages are there, but not the ring.
    "ring": {"before": LARGE, "wanted": SMALL, "KERNEL": "6.1-debug", "NICS": card(packed="on")},
    "pieces": {"before": LARGE, "wanted": SMALL, "KERNEL": "6.1-debug", "NICS": card()},
}


def run(vm: VM, net: Link, before: int, wanted: int) -> None:
    if before != net.ring_size():
        vm.run(f"ethtool -G {net.interface} rx {before}")
    resets = net.counters()["rx_resets"]
    packed = "packed" in net.nic.properties
    with Flood(net, 64, rate=5000):
        output = short_of_pages(vm, net, wanted) if wanted > before else short_of_blocks(vm, net, wanted)
        expect.contains("what ethtool says", output, SAYS)
        frames = net.received()
        expect.eventually("packets arrive", lambda: net.received() > frames + 1000, True)
    settle(net)
    counters = net.expect_identity()
    # What a virtqueue gets in place of a ring in many pieces is a smaller one.
    if wanted > before or packed:
        expect.equal("size of the ring", net.ring_size(), before)
    queues = net.nic.queues
    expect.equal("rx_posted", counters["rx_posted"], queues * net.ring_size())
    expect.equal("queues that were reset", counters["rx_resets"] - resets, int(wanted < before))
    net.ping_guest()
    vm.run(f"ethtool -G {net.interface} rx {wanted}")
    expect.equal("size of the ring, once there is memory", net.ring_size(), wanted)
    expect.equal("rx_posted", net.counters()["rx_posted"], queues * wanted)
    net.ping_guest()


def short_of_pages(vm: VM, net: Link, wanted: int) -> str:
    """Ask for a ring while the guest has fewer free pages than it needs."""
    vm.run("mkdir -p /fill; mount -t tmpfs -o size=100% none /fill; sync; echo 3 > /proc/sys/vm/drop_caches")
    free = int(re.search(r"MemFree: +(\d+)", vm.run("cat /proc/meminfo"))[1])
    vm.run(f"dd if=/dev/zero of=/fill/up bs=1k count={free - 12_000} 2> /dev/null")
    output = vm.run(f"ethtool -G {net.interface} rx {wanted} 2>&1 || true")
    vm.run("rm /fill/up; umount /fill")
    return output


def short_of_blocks(vm: VM, net: Link, wanted: int) -> str:
    """Ask for a ring while no block of pages can be had."""
    vm.run(f"cd {FAULTS}; echo 1 > task-filter; echo 1 > min-order; echo 0 > ignore-gfp-wait; echo 0 > verbose; "
           "echo -1 > times; echo 100 > probability")
    ask = f"echo 1 > /proc/self/make-it-fail; exec ethtool -G {net.interface} rx {wanted}"
    output = vm.run(f"sh -c '{ask}' 2>&1 || true")
    vm.run(f"echo 0 > {FAULTS}/probability")
    return output
