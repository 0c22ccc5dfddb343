# SPDX-License-Identifier: GPL-2.0
"""What ethtool sets beside the rings: up to which size packets are copied, and of what quality pages have to be."""

import re

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
TIMEOUT = 160
FRAMES = 5
RING = 256
# What is copied with each limit, and what is lent.
LIMITS = {0: ((), (64,)), 256: ((64, 256), (257, 1500)), 1500: ((257, 1500), (1501,))}
LONGEST = 4096
DEFAULT = {"quality-reliable", "quality-canary", "quality-sentinel"}
# The flag, and the lie that it catches.
CAUGHT = {"canary": "overrun_last", "sentinel": "unwritten"}


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm) as liar:
        liar.up()
        # The device cannot reset a queue alone, so that its rings are as large as they are.
        refused(liar, f"-G {liar.interface} rx {RING // 2}")
        expect.contains("rings", liar.vm.run(f"ethtool -g {liar.interface}").partition("Current")[2], f"\t{RING}\n")
        copybreak(liar)
        expect.equal("flags at first", flags(liar), DEFAULT)
        for flag, lie in CAUGHT.items():
            quality(liar, flag, lie)
        fills(liar)
        liar.expect_balance()


def copybreak(liar: Liar) -> None:
    """A limit is what it says, to the byte; one that cannot be changes nothing."""
    expect.equal("rx-copybreak at first", tunable(liar), 256)
    for limit, (copied, lent) in LIMITS.items():
        liar.vm.run(f"ethtool --set-tunable {liar.interface} rx-copybreak {limit}")
        expect.equal("rx-copybreak", tunable(liar), limit)
        for counter, sizes in (("rx_copied", copied), ("rx_lent", lent)):
            for size in sizes:
                expect.equal(f"packets of {size} bytes with a limit of {limit}", arrive(liar, size), {counter: FRAMES})
    refused(liar, f"--set-tunable {liar.interface} rx-copybreak {LONGEST + 1}")
    refused(liar, f"--set-tunable {liar.interface} tx-copybreak 100")
    refused(liar, f"--get-tunable {liar.interface} tx-copybreak")
    expect.equal("rx-copybreak after that", tunable(liar), 1500)
    liar.vm.run(f"ethtool --set-tunable {liar.interface} rx-copybreak 256")


def quality(liar: Liar, flag: str, lie: str) -> None:
    """A lie is caught or not, as the flag says, also by the zone that the next start makes."""
    counter = f"page_violation_{flag}"
    for value, caught in (("off", 0), ("on", 1)):
        liar.vm.run(f"ethtool --set-priv-flags {liar.interface} quality-{flag} {value}")
        expect.equal(f"quality-{flag} {value}: flags", flags(liar), DEFAULT if caught else DEFAULT - {f"quality-{flag}"})
        # What is in the ring was posted under the other word.
        round_the_ring(liar)
        expect.equal(f"{counter}, quality-{flag} {value}", told(liar, lie).get(counter, 0), caught)
        liar.vm.run(f"ip link set {liar.interface} down; ip link set {liar.interface} up")
        expect.equal(f"{counter}, quality-{flag} {value}, after down and up", told(liar, lie).get(counter, 0), caught)


def fills(liar: Liar) -> None:
    """Pages that are filled carry traffic as any other."""
    for fill in ("poison on", "zero on", "nocache on", "zero off", "poison off", "nocache off"):
        liar.vm.run(f"ethtool --set-priv-flags {liar.interface} quality-{fill}")
        before = liar.counters()
        round_the_ring(liar)
        moved = liar.moved(before)
        expect.equal(f"violations with {fill}", {name for name in moved if "violation" in name or "drop" in name}, set())
    expect.equal("flags in the end", flags(liar), DEFAULT)


def round_the_ring(liar: Liar) -> None:
    """Let each buffer be used, and posted again; two buffers of a page may be posted at different times."""
    before = liar.counters()
    liar.set_frame(header() + ethernet(liar.mac(), 1500))
    for _ in range(2 * RING // 64):
        liar.tell("receive 0 64")
    expect.eventually("rx_delivered", lambda: liar.moved(before).get("rx_delivered", 0), 2 * RING)


def arrive(liar: Liar, size: int) -> dict[str, int]:
    """Let packets arrive; return what became of them."""
    before = liar.counters()
    liar.receive(header() + ethernet(liar.mac(), size), count=FRAMES)
    expect.eventually("rx_delivered", lambda: liar.moved(before).get("rx_delivered", 0), FRAMES)
    return {name: value for name, value in liar.moved(before).items() if name in ("rx_copied", "rx_lent")}


def told(liar: Liar, lie: str) -> dict[str, int]:
    """Tell a lie about a frame; return which counters have moved."""
    before = liar.counters()
    liar.set_frame(header() + ethernet(liar.mac(), 1500))
    liar.tell(f"lie rx {lie}", "receive 0")
    expect.eventually("rx_frames", lambda: liar.moved(before).get("rx_frames", 0), 1)
    return guest.settled(lambda: liar.moved(before))


def tunable(liar: Liar) -> int:
    """Return up to which size packets are copied."""
    return int(re.search(r"rx-copybreak: (\d+)", liar.vm.run(f"ethtool --get-tunable {liar.interface} rx-copybreak"))[1])


def flags(liar: Liar) -> set[str]:
    """Return the private flags that are on."""
    return set(re.findall(r"^(\S+) *: on", liar.vm.run(f"ethtool --show-priv-flags {liar.interface}"), re.MULTILINE))


def refused(liar: Liar, words: str) -> None:
    try:
        liar.vm.run(f"ethtool {words}")
    except GuestError:
        return
    raise expect.Failure(f"ethtool {words}", "an error", "success")
