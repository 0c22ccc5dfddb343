# SPDX-License-Identifier: GPL-2.0
"""Each datagram of a flood ends as an XDP program says, and is counted there; all else goes on to the stack."""

from qemu.vm import VM
from tests.vm import expect, xdp
from tests.vm.link import Link
from tests.vm.traffic import flood_until

DRIVERS = ("labnet",)
TIMEOUT = 240
PACKETS = 50_000
UNKNOWN = 77
EVENT = "/sys/kernel/tracing/events/xdp/xdp_exception"
# What a page that leaves the zone is counted as, one of these.
TAKES = ("page_recycled", "page_from_stash", "page_from_reserve", "page_from_commons", "page_granted_nowait")
VARIANTS = {
    "pass": {"verdict": xdp.PASS, "counter": "rx_xdp_pass"},
    "drop": {"verdict": xdp.DROP, "counter": "rx_xdp_drop"},
    "aborted": {"verdict": xdp.ABORTED, "counter": "rx_xdp_aborted"},
    "unknown": {"verdict": UNKNOWN, "counter": "rx_xdp_aborted"},
}
files = xdp.files


def run(vm: VM, net: Link, verdict: int, counter: str) -> None:
    with xdp.Program(net, "udp", verdict):
        net.ping_guest()
        # Whole pages take the place of the halves that were in the ring.
        flood_until(net, 64, 2 * net.ring_size(), seconds=30)
        before = net.counters()
        for size in (64, 1500):
            flood_until(net, size, PACKETS, seconds=90)
        after = net.expect_identity()
        count = {name: after[name] - before[name] for name in after}
        expect.at_least(f"datagrams that {counter} has counted", count[counter], 2 * PACKETS)
        # What else came, ARP say, was passed on.
        others = count["rx_frames"] - count[counter]
        expect.at_most("frames that it has not counted", others, 100)
        expect.equal("frames that went on to the stack", count["rx_delivered"],
                     count["rx_frames"] if verdict == xdp.PASS else others)
        net.ping_guest()
        net.ping_host()
        if verdict not in (xdp.PASS, xdp.DROP):
            trace(vm, net)
    if verdict == xdp.DROP:
        taken = sum(count[name] for name in TAKES)
        expect.at_most("pages taken out of the zone for frames that were dropped", taken, 100)
    # Without the program, datagrams are for the stack again.
    stale = net.expect_identity()[counter]
    flood_until(net, 64, 1000, seconds=30)
    expect.equal(f"{counter} without a program", net.expect_identity()[counter], stale)
    net.ping_guest()


def trace(vm: VM, net: Link) -> None:
    """Expect each failure of the program to be one event of the kernel's own tracepoint."""
    vm.run(f"echo 1 > {EVENT}/enable; echo > {EVENT}/../../../trace")
    flood_until(net, 64, 100, seconds=30)
    lines = vm.run(f"echo 0 > {EVENT}/enable; grep -c xdp_exception {EVENT}/../../../trace || true")
    expect.at_least("events xdp_exception", int(lines), 100)
