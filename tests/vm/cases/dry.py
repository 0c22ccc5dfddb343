# SPDX-License-Identifier: GPL-2.0
"""A zone at its limit, since nobody gives a page back: small packets are delivered all the same, large ones are dropped.

A buffer that has lost a page to the quarantine is missing until there are pages again.
"""

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.keep import Keeper
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
# A zone may have an eighth of it, which are 7,000 pages; frames that use them up, so many at a time.
MEMORY = "256M"
FLOOD, FLOODS = 5000, 40
LARGE, AT_ONCE = 40, 20
# Kinds of frames that are flows of their own.
OTHERS = range(0x88B6, 0x88BA)
# A buffer of a device without MRG_RXBUF is a chain of three pages, and a long packet is in all of them.
PAGES, RING, LONG = 3, 256, 9000
CHAIN = ("MAC", "MTU", "STATUS", "VERSION_1")


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm) as liar:
        liar.up()
        with Keeper(vm, liar.interface):
            use_up(liar)
            copies(liar)
        expect.equal("large packets in the end", arrive(liar, 1500, LARGE).get("rx_delivered", 0), LARGE)
        liar.expect_balance()
    with Liar(vm, features=CHAIN, config={guest.MTU: LONG.to_bytes(2, "little")}) as liar:
        liar.up()
        with Keeper(vm, liar.interface):
            use_up(liar)
            chains(liar)
        # The ring is filled by a poll, which comes with a packet at the latest.
        expect.equal("long packets in the end", arrive(liar, LONG, LARGE).get("rx_delivered", 0), LARGE)
        expect.eventually("rx_posted in the end", lambda: liar.counters()["rx_posted"], RING // PAGES)
        liar.expect_balance()


def use_up(liar: Liar) -> None:
    """Let frames of all lengths arrive until there is no page more: most of them are copied, into many pages."""
    liar.set_frame(header() + ethernet(liar.mac(), 1500))
    liar.vm.run(f"ethtool --set-tunable {liar.interface} rx-copybreak 4096")
    for _ in range(FLOODS):
        liar.vm.run(f"echo 0 {FLOOD} > {liar.path}/flood")
        counters = liar.counters()
        if counters["page_dry"]:
            break
    expect.at_least("page_fail_limit", counters["page_fail_limit"], 1)
    liar.vm.run(f"ethtool --set-tunable {liar.interface} rx-copybreak 256")


def copies(liar: Liar) -> None:
    """Small packets need a page for many of them, or none."""
    small = {name: AT_ONCE for name in ("rx_frames", "rx_copied", "rx_delivered")}
    expect.equal("small packets", arrive(liar, 64, AT_ONCE), small)
    moved = arrive(liar, 1500, LARGE)
    dropped = moved.get("rx_drop_hoard", 0) + moved.get("rx_drop_no_page", 0)
    expect.equal("large packets of who has many pages, dropped", dropped, LARGE)
    # Of 256 holders, these are four, or nearly so many.
    others = [arrive(liar, 1500, AT_ONCE, kind) for kind in OTHERS]
    expect.at_least("large packets of others dropped", sum(moved.get("rx_drop_no_page", 0) for moved in others), 2 * AT_ONCE)
    expect.equal("large packets of others delivered", [moved.get("rx_delivered", 0) for moved in others], [0] * len(OTHERS))
    expect.equal("small packets after that", arrive(liar, 64, AT_ONCE), small)


def chains(liar: Liar) -> None:
    """A damaged page leaves the ring, and the rest of its chain does: no other page is to be had."""
    expect.equal("rx_posted", liar.counters()["rx_posted"], RING // PAGES)
    liar.tell("lie rx overrun")
    expect.equal("a long packet in damaged pages", arrive(liar, LONG, 1, OTHERS[0]), {"rx_frames": 1, "rx_drop_damaged": 1})
    expect.equal("rx_posted then", liar.counters()["rx_posted"], RING // PAGES - 1)
    expect.equal("small packets after that", arrive(liar, 64, AT_ONCE).get("rx_delivered", 0), AT_ONCE)


def arrive(liar: Liar, size: int, count: int, kind: int = 0x88B5) -> dict[str, int]:
    """Let packets of a kind arrive, one or so many times AT_ONCE; return what became of them."""
    before = liar.counters()
    liar.set_frame(header() + ethernet(liar.mac(), size, kind))
    for _ in range(max(count // AT_ONCE, 1)):
        liar.tell(f"receive 0 {min(count, AT_ONCE)}")
    expect.eventually("rx_frames", lambda: liar.moved(before).get("rx_frames", 0), count, 30)
    # The driver goes on looking for a page.
    return guest.settled(lambda: fate(liar.moved(before)))


def fate(moved: dict[str, int]) -> dict[str, int]:
    """Return the counters that say what became of packets."""
    return {name: value for name, value in moved.items() if name in ("rx_frames", "rx_copied", "rx_delivered") or "rx_drop" in name}
