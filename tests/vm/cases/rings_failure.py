# SPDX-License-Identifier: GPL-2.0
"""Rings of another size for which there is no memory: an error, and reception goes on in the rings that there are."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 200
LARGE, SMALL = 1024, 64
# So many that their larger rings need 15 MiB and more.
PAIRS = 4
CPUS = PAIRS
MEMORY = "256M"
NICS = [Nic(queues=PAIRS, properties={"rx_queue_size": str(LARGE)})]


def run(vm: VM, net: Link) -> None:
    vm.run(f"ethtool -G {net.interface} rx {SMALL}")
    resets = net.counters()["rx_resets"]
    with Flood(net, 64, rate=5000):
        expect.contains("what ethtool says", short_of_pages(vm, net), "no memory for rings of that size")
        frames = net.received()
        expect.eventually("packets arrive", lambda: net.received() > frames + 1000, True)
    settle(net)
    counters = net.expect_identity()
    expect.equal("size of the ring", net.ring_size(), SMALL)
    expect.equal("rx_posted", counters["rx_posted"], PAIRS * SMALL)
    expect.equal("queues that were reset", counters["rx_resets"], resets)
    net.ping_guest()
    vm.run(f"ethtool -G {net.interface} rx {LARGE}")
    expect.equal("size of the ring, once there is memory", net.ring_size(), LARGE)
    expect.equal("rx_posted", net.counters()["rx_posted"], PAIRS * LARGE)
    net.ping_guest()


def short_of_pages(vm: VM, net: Link) -> str:
    """Ask for a ring while the guest has fewer free pages than it needs."""
    vm.run("mkdir -p /fill; mount -t tmpfs -o size=100% none /fill; sync; echo 3 > /proc/sys/vm/drop_caches")
    free = int(re.search(r"MemFree: +(\d+)", vm.run("cat /proc/meminfo"))[1])
    vm.run(f"dd if=/dev/zero of=/fill/up bs=1k count={free - 12_000} 2> /dev/null")
    output = vm.run(f"ethtool -G {net.interface} rx {LARGE} 2>&1 || true")
    vm.run("rm /fill/up; umount /fill")
    return output
