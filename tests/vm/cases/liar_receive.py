# SPDX-License-Identifier: GPL-2.0
"""Whatever a device says of a received frame: it is dropped or delivered, counted under its name, and no page is lost.

The lies are rows of tests/liar/lies.c; what has to become of each is here.
"""

from dataclasses import dataclass, field
from typing import Any

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
TIMEOUT = 600

# The page is quarantined later, when the other half of it has left the ring.
DAMAGED = {"rx_drop_damaged": 1}
DAMAGED_SENTINEL = {**DAMAGED, "page_violation_sentinel": 1}
DELIVERED = {"rx_delivered": 1}
# Frames that are written to too late.
LATE = 20
# Frames that are copied, that are lent, and that are in six buffers of half a page.
SIZES = (64, 1500, 9000)
# A device without MRG_RXBUF: a buffer is a chain of three pages, and a long frame is in one.
PAGES, RING = 3, 256
DRIVER_OK = 4  # of the device status
# Seconds: a device that broke again and again is restarted later and later.
LONGEST = 40
CHAIN: dict[str, Any] = {"features": ("MAC", "MTU", "STATUS", "VERSION_1"), "config": {guest.MTU: (9000).to_bytes(2, "little")}}
VARIANTS = {"": {"chain": False}, "chain": {"chain": True}}
# What may not move unless it is said to.
WATCHED = ("rx_drop_", "rx_delivered", "rx_broken", "rx_post_fail", "tx_broken", "tx_timeouts", "page_violation_",
           "page_wrong_state", "tx_drop_")


@dataclass(frozen=True)
class Lie:
    """What becomes of the frame on which a lie is told.

    @long: of one in six buffers, where that is another matter: buffers that follow and that nobody has announced are
    frames of their own, without a virtio header that makes sense.
    """

    moved: dict[str, int] = field(default_factory=dict)
    long: dict[str, int] | None = None
    sizes: tuple[int, ...] = SIZES


SHORT = Lie({"rx_drop_short": 1}, {"rx_drop_short": 1, "rx_drop_buffers": 5})
LONG, HEADER = Lie({"rx_drop_long": 1}), Lie({"rx_drop_header": 1})
BUFFERS = Lie({"rx_drop_buffers": 1}, {"rx_drop_buffers": 6})
BROKEN = Lie({"rx_broken": 1}, sizes=(64, 9000))

LIES = {
    "len_none": SHORT, "len_short": SHORT, "len_more": LONG, "len_pages": LONG, "len_most": LONG,
    "id_range": BROKEN, "id_most": BROKEN,
    "unwritten": Lie(DAMAGED_SENTINEL, sizes=(64, 1500)),
    "overrun": Lie({**DAMAGED, "page_violation_canary": 1}),
    "overrun_last": Lie({**DAMAGED, "page_violation_canary": 1}),
    "quiet": Lie(DELIVERED, sizes=(64,)), "hdr_len": Lie(DELIVERED),
    "buffers_none": BUFFERS, "buffers_many": BUFFERS, "buffers_missing": Lie({"rx_drop_buffers": 1}), "garbage": BUFFERS,
    "csum_start": HEADER, "csum_offset": HEADER, "gso_type": HEADER, "gso_size": HEADER, "gso_tcp": HEADER,
    "held": Lie(),
}
# What is another matter in chains. Nobody looks at what a frame did not fill, and the number of buffers says nothing.
SHORT_CHAIN, ANY_NUMBER = Lie({"rx_drop_short": 1}), Lie(DELIVERED)
CHAIN_LIES = LIES | {
    "len_none": SHORT_CHAIN, "len_short": SHORT_CHAIN, "len_pages": Lie(DELIVERED), "garbage": HEADER,
    "buffers_none": ANY_NUMBER, "buffers_many": ANY_NUMBER, "buffers_missing": ANY_NUMBER,
    "overrun": Lie({**DAMAGED, "page_violation_canary": 1}, {**DAMAGED, "page_violation_canary": PAGES}),
    "overrun_last": Lie({**DAMAGED, "page_violation_canary": 1}, sizes=SIZES[-1:]),
}
# Told in other ways than once: see below.
OTHERS = {"id_other", "twice", "jump_ahead", "jump_back", "late"}


def run(vm: VM, _net: Link, chain: bool) -> None:
    vm.run("modprobe labnet")
    with Liar(vm, **(CHAIN if chain else {})) as liar:
        liar.up()
        lies = CHAIN_LIES if chain else LIES
        words = vm.run(f"cut -d ' ' -f 1 {guest.DEBUGFS}/lies").split()
        expect.equal("lies that nothing is expected of", set(words) - set(LIES) - OTHERS, set())
        complaints = [complaint for name, lie in lies.items() for complaint in told(liar, name, lie)]
        for size in SIZES:
            complaints += guest.attempt(f"late {size}", lambda size=size: late(liar, size))
        # The last: a driver that believes these posts buffers twice, which then are completed twice, without a lie.
        complaints += guest.attempt("wrong_id", lambda: wrong_id(liar))
        complaints += guest.attempt("jumps", lambda: jumps(liar))
        complaints += guest.attempt("interrupts", lambda: interrupts(liar))
        expect.at_least("page_quarantined", liar.counters()["page_quarantined"], 1)
        liar.expect_balance()
    expect.equal("lies that were not taken as they have to be", complaints, [])


def told(liar: Liar, name: str, lie: Lie) -> list[str]:
    """Tell a lie of frames of several sizes; each time an honest frame comes through afterwards."""
    return [complaint for size in lie.sizes
            for complaint in guest.attempt(f"{name} {size}", lambda size=size: tell(liar, name, lie, size))]


def tell(liar: Liar, name: str, lie: Lie, size: int) -> None:
    wanted = lie.long if size == SIZES[-1] and lie.long else lie.moved
    before, resets = liar.counters(), liar.number("resets")
    liar.set_frame(header() + ethernet(liar.mac(), size))
    liar.tell(f"lie rx {name}", "receive 0")
    for counter, value in wanted.items():
        expect.eventually(counter, lambda counter=counter: liar.moved(before).get(counter, 0), value)
    expect.equal("counters that have moved", guest.settled(lambda: watched(liar.moved(before))), wanted)
    restarted(liar, before, resets)
    liar.expect_delivered()
    full(liar)


def watched(moved: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in moved.items() if name.startswith(WATCHED)}


def restarted(liar: Liar, before: dict[str, int], resets: int) -> None:
    """Expect the driver to have restarted the device if its receive queue broke, which it does in its own time."""
    if liar.moved(before).get("rx_broken"):
        expect.eventually("restarted: the driver is ready again", lambda: ready(liar, resets), True, LONGEST)


def ready(liar: Liar, resets: int) -> bool:
    """Whether the device has been reset more often than @resets, and may be used."""
    status = liar.status()
    return int(status["resets"]) > resets and bool(int(status["status"]) & DRIVER_OK)


def full(liar: Liar) -> None:
    """Expect the driver to have posted a full ring."""
    ring = RING if "MRG_RXBUF" in liar.taken() else RING // PAGES
    expect.eventually("rx_posted", lambda: liar.counters()["rx_posted"], ring)


def wrong_id(liar: Liar) -> None:
    """The number of a buffer that is posted, but was not written: the driver sees a completion without a write."""
    # Of a chain all descriptors but one have numbers that no buffer has.
    other = DAMAGED_SENTINEL if "MRG_RXBUF" in liar.taken() else {"rx_broken": 1}
    for name, wanted in (("id_other", other), ("twice", DAMAGED_SENTINEL | DELIVERED)):
        before, resets = liar.counters(), liar.number("resets")
        liar.set_frame(header() + ethernet(liar.mac()))
        liar.tell(f"lie rx {name}", "receive 0")
        moved = guest.settled(lambda before=before: watched(liar.moved(before)))
        expect.equal(f"{name}: counters that have moved", moved, wanted)
        restarted(liar, before, resets)
        liar.expect_delivered()
        full(liar)


def jumps(liar: Liar) -> None:
    """An index that jumps makes completions of nothing: each is counted and dropped, and the ring is full afterwards."""
    for name, most in (("jump_ahead", 257), ("jump_back", 65536)):
        before, resets = liar.counters(), liar.number("resets")
        liar.set_frame(header() + ethernet(liar.mac()))
        liar.tell(f"lie rx {name}", "receive 0")
        expect.eventually("frames", lambda before=before: liar.moved(before).get("rx_frames", 0) > 1, True)
        moved = guest.settled(lambda before=before: liar.moved(before), 1)
        expect.at_most(f"{name}: frames", moved["rx_frames"], most)
        accounted(moved)
        # Where something was written too late, a completion of nothing is a frame.
        expect.at_most(f"{name}: frames delivered", moved.get("rx_delivered", 0), 1 + LATE * len(SIZES))
        restarted(liar, before, resets)
        liar.expect_delivered()
        full(liar)


def late(liar: Liar, size: int) -> None:
    """Buffers that are written to again, before the driver has looked or after: whatever is in them now, nothing is lost."""
    before = liar.counters()
    liar.set_frame(header() + ethernet(liar.mac(), size))
    liar.tell(f"lie rx late {LATE}", f"receive 0 {LATE}")
    accounted(guest.settled(lambda: liar.moved(before)))
    before = liar.counters()
    liar.tell(*["receive 0 20"] * 13)
    moved = guest.settled(lambda: watched(liar.moved(before)))
    expect.equal("honest frames, once around the ring", moved, {"rx_delivered": 260})
    full(liar)


def accounted(moved: dict[str, int]) -> None:
    """Expect every frame to have been delivered or dropped."""
    ended = sum(value for key, value in moved.items() if key.startswith("rx_drop_") or key == "rx_delivered")
    expect.equal("frames that were delivered or dropped", ended, moved["rx_frames"])


def interrupts(liar: Liar) -> None:
    """Interrupts without work do nothing."""
    before = liar.counters()
    liar.tell("interrupt 0 2000", "interrupt 1 2000")
    expect.equal("counters that have moved", watched(liar.moved(before)), {})
    liar.expect_delivered()
