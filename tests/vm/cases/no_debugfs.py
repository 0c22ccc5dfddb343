# SPDX-License-Identifier: GPL-2.0
"""A kernel that grants no debugfs: the driver works as ever, and ethtool has the numbers."""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
APPEND = "debugfs=off"


def run(vm: VM, net: Link) -> None:
    expect.equal("file systems named debugfs that can be mounted",
                 vm.run("mount -t debugfs none /sys/kernel/debug 2> /dev/null && echo mounted || true"), "")
    net.ping_guest(count=20, size=1400)
    net.ping_host(count=20, size=1400)
    counters = net.expect_identity()
    expect.at_least("frames", counters["rx_frames"], 40)
    expect.at_least("pages stocked in hard interrupt", counters["page_stocked_irq"], 1)
    ring = net.ring_size()
    vm.run(f"ip link set {net.interface} down")
    counters = net.counters()
    expect.at_least("pages taken, of which each is two buffers", counters["page_taken"], ring // 2)
    expect.equal("pages released by an interface that is down", counters["page_released"], counters["page_taken"])


def ending(vm: VM, driver: str) -> None:
    """As every case ends, but for the books in debugfs."""
    vm.run(f"rmmod {driver} && rmmod labyrinth")
    expect.equal("suspicious lines on the console", vm.warnings(), [])
