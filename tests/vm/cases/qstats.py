# SPDX-License-Identifier: GPL-2.0
"""The kernel's statistics of queues are the driver's own; what they have counted outlives the queues."""

from pathlib import Path

from qemu.vm import VM, Nic
from tests.vm import expect, hoarder, netdev
from tests.vm.link import Link
from tests.vm.netdev import RX, TX
from tests.vm.traffic import Flood, settle
from tests.vm.transfer import to_host

DRIVERS = ("labnet",)
SINCE = "6.12"
CPUS = 2
PAIRS = 2
NICS = [Nic(queues=PAIRS)]
TIMEOUT = 200
FLOWS = 64
PACKETS = 1000
# The smallest ring, and pings as fast as they come, of which byte queue limits hold none back.
FULL = """
ethtool -G {interface} tx 64
for limit in /sys/class/net/{interface}/queues/tx-*/byte_queue_limits/limit_min; do
	[ ! -e "$limit" ] || echo 10000000 > "$limit"  # not every kernel has limits
done
"""
# What TCP sends, and the most of it that is in one packet.
SIZE = 2_000_000
SEGMENT = 1460
SENT = "cat /sys/class/net/{interface}/statistics/tx_packets"
PINGS = "ping -n -q -c 500 -l 500 -s 1400 -S 4000000 -w 1 {host} > /dev/null || true"
# A socket keeps all that comes: more than a zone may have.
ROOM = 400_000_000
PAGES = "echo 100000 100000 100000 > /proc/sys/net/ipv4/udp_mem"


def files() -> dict[str, Path]:
    return {**hoarder.files(), **netdev.files()}


def run(vm: VM, net: Link) -> None:
    with Flood(net, 64, rate=20_000, flows=FLOWS):
        expect.eventually("every queue has received something", lambda: receiving(net), True, 60)
    settle(net)
    run_dry(vm, net)
    fill(vm, net)
    segments(vm, net)
    net.ping_host()
    queues, sums, counters = quiet(net)
    expect.equal("queues", sorted(queues), [(kind, queue) for kind in (RX, TX) for queue in range(PAIRS)])
    for queue in range(PAIRS):
        same(f"rx{queue}", queues[RX, queue], wanted_rx(counters, f"rx{queue}_", f"rx{queue}_page_"))
        same(f"tx{queue}", queues[TX, queue], wanted_tx(counters, f"tx{queue}_"))
    same("all queues", sums, wanted_rx(counters, "rx_", "page_") | wanted_tx(counters, "tx_"))
    for queue in range(PAIRS):
        expect.at_least(f"rx-packets of queue {queue}", queues[RX, queue]["rx-packets"], PACKETS)

    # A queue that is not in use is asked no more, but what it has counted stays.
    vm.run(f"ethtool -L {net.interface} combined 1")
    fewer, after, counters = quiet(net)
    expect.equal("queues of one pair", sorted(fewer), [(RX, 0), (TX, 0)])
    same("all queues, one pair in use", after, wanted_rx(counters, "rx_", "page_") | wanted_tx(counters, "tx_"))
    expect.at_least("rx-packets, one pair in use", after["rx-packets"], sums["rx-packets"])
    net.expect_identity()


def run_dry(vm: VM, net: Link) -> None:
    """A zone has as many pages as it may, and none to copy to: whoever has many of these is not dropped for it before."""
    vm.run(PAGES)
    hoarder.start(net, ROOM)
    with Flood(net, 64, rate=20_000, flows=FLOWS):
        expect.eventually("there was no page", lambda: net.counters()["page_dry"] > 0, True, 60)
    hoarder.end(vm)
    settle(net)


def fill(vm: VM, net: Link) -> None:
    """A transmit ring is full, and the stack has to wait."""
    vm.run(FULL.format(interface=net.interface))

    def stopped() -> bool:
        vm.run(PINGS.format(host=net.host))
        return net.counters()["tx_stops"] > 0
    expect.eventually("a transmit ring was full", stopped, True, 60)


def segments(vm: VM, net: Link) -> None:
    """What the device takes apart counts as the packets that it becomes: here at least as many as the content needs."""
    before = vm.run(SENT.format(interface=net.interface))
    to_host(vm, net, SIZE)
    counters = net.counters()
    expect.at_least("tx_gso_frames", counters["tx_gso_frames"], 1)
    expect.at_least("packets of each of these frames", counters["tx_gso_packets"] / counters["tx_gso_frames"], 2)
    sent = int(vm.run(SENT.format(interface=net.interface))) - int(before)
    expect.at_least("packets that the interface has sent", sent, SIZE // SEGMENT)


def receiving(net: Link) -> bool:
    counters = net.counters()
    return all(counters[f"rx{queue}_delivered"] >= PACKETS for queue in range(PAIRS))


def quiet(net: Link) -> tuple[dict[tuple[int, int], dict[str, int]], dict[str, int], dict[str, int]]:
    """Return what the kernel and the driver say, while nothing changes in between."""
    for _ in range(20):
        before = net.counters()
        found = netdev.per_queue(net), netdev.total(net)
        if relevant(before) == relevant(net.counters()):
            return *found, before
    raise expect.Failure("counters stand still", "at some time", "never")


def relevant(counters: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in counters.items() if name.startswith(("rx_", "tx_"))}


def wanted_rx(counters: dict[str, int], queue: str, page: str) -> dict[str, int]:
    received = ("delivered", "xdp_drop", "xdp_tx", "xdp_redirect")
    return {"rx-packets": sum(counters[queue + name] for name in received), "rx-bytes": counters[queue + "bytes"],
            "rx-alloc-fail": counters[page + "dry"] + counters[queue + "drop_no_skb"]}


def wanted_tx(counters: dict[str, int], queue: str) -> dict[str, int]:
    packets = counters[queue + "frames"] - counters[queue + "gso_frames"] + counters[queue + "gso_packets"]
    return {"tx-packets": packets, "tx-bytes": counters[queue + "bytes"],
            "tx-hw-gso-packets": counters[queue + "gso_frames"], "tx-hw-gso-wire-packets": counters[queue + "gso_packets"],
            "tx-stop": counters[queue + "stops"], "tx-wake": counters[queue + "wakes"]}


def same(what: str, got: dict[str, int], wanted: dict[str, int]) -> None:
    expect.equal(f"statistics of {what}", {name: got.get(name) for name in wanted}, wanted)
