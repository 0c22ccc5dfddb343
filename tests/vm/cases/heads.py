# SPDX-License-Identifier: GPL-2.0
"""No struct sk_buff is to be had, and none comes back: who has many is refused first; what is dropped costs no page."""

import struct
from collections import Counter

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.keep import Keeper
from tests.vm.link import Link

DRIVERS = ("labnet",)
FLAVOUR = "debug"
RARE = True
LOAD = False
TIMEOUT = 160
# Each request of a slab fails that may not wait.
FAULT = """
set -e
cd /sys/kernel/debug/failslab
echo 0 > verbose
echo -1 > times
echo {percent} > probability
"""
RING = 256
# The driver has 256, the kernel 64 more for this CPU. A flow gets no more of them than it leaves for the others.
HEADS, MOST = 256, 320
MANY, SOME, AT_ONCE = 400, 5, 20
OTHERS = range(2, 10)
LARGE, LONG = 1500, 9000
LONGEST = 64_000


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm) as liar:
        liar.up()
        with Keeper(vm, liar.interface):
            vm.run(FAULT.format(percent=100))
            moved = arrive(liar, flow(liar, 1), MANY)
            expect.at_least("frames of the first flow", moved["rx_delivered"], HEADS // 2)
            expect.at_most("frames of the first flow", moved["rx_delivered"], MOST * 3 // 4)
            expect.equal("its others, dropped as hoarded", moved["rx_drop_hoard"], MANY - moved["rx_delivered"])
            # Of 256 holders these are eight, or nearly so many, and seldom the first one.
            others = [arrive(liar, flow(liar, number), SOME).get("rx_delivered", 0) for number in OTHERS]
            expect.at_least("other flows without a loss", others.count(SOME), len(OTHERS) // 2)
            moved = arrive(liar, ethernet(liar.mac()), MANY)
            expect.at_least("small frames dropped", moved.get("rx_drop_no_skb", 0), MANY - HEADS)
            expect.equal("small frames", moved["rx_drop_no_skb"] + moved["rx_delivered"], MANY)
            for size in (LARGE, LONG):
                # The page of a frame that was dropped is soon back; until then its flow has more than is left.
                dropped: Counter[str] = Counter()
                for number in OTHERS:
                    dropped.update(arrive(liar, flow(liar, size + number, size), SOME))
                expect.equal(f"frames of {size} bytes", dropped["rx_drop_no_skb"] + dropped["rx_drop_hoard"], SOME * len(OTHERS))
                expect.at_least("frames of flows that have none", dropped["rx_drop_no_skb"], 1)
            expect.eventually("rx_posted", lambda: liar.counters()["rx_posted"], RING)
            vm.run(FAULT.format(percent=0))
        works(liar)
        liar.expect_balance()


def works(liar: Liar) -> None:
    """Expect that frames of all sizes are delivered, and the ring is full."""
    for size in (64, LARGE, LONG, LONGEST):
        expect.equal("frames in the end", arrive(liar, flow(liar, 1, size), AT_ONCE // 5), {"rx_delivered": AT_ONCE // 5})
    expect.eventually("rx_posted in the end", lambda: liar.counters()["rx_posted"], RING)


def flow(liar: Liar, number: int, size: int = LARGE) -> bytes:
    """Return a frame of IPv4 between other hosts for each number."""
    return (ethernet(liar.mac(), 14, 0x0800) + struct.pack("!BBHHHBBHII", 0x45, 0, size - 14, 1, 0, 64, 17, 0, number, number)
            ).ljust(size, b"\0")


def arrive(liar: Liar, frame: bytes, count: int) -> dict[str, int]:
    """Let frames arrive; return what became of them."""
    before = liar.counters()
    liar.set_frame(header() + frame)
    for _ in range(max(count // AT_ONCE, 1)):
        liar.tell(f"receive 0 {min(count, AT_ONCE)}")
    expect.eventually("rx_frames", lambda: liar.moved(before).get("rx_frames", 0), count, 30)
    return guest.settled(lambda: fate(liar.moved(before)))


def fate(moved: dict[str, int]) -> dict[str, int]:
    """Return the counters that say what became of frames."""
    return {name: value for name, value in moved.items() if name == "rx_delivered" or "rx_drop" in name}
