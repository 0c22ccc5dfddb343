# SPDX-License-Identifier: GPL-2.0
"""A device that breaks whenever it is started is restarted less and less often; one that works in between, soon each time. A
restart that fails is tried again."""

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
TIMEOUT = 300

# Seconds of the guest's, and how many restarts there may be: after 0.1, 0.2, 0.4 seconds and so on, there are seven.
SECONDS, MOST, LEAST = 15, 9, 3
# The longest time between two restarts is ten seconds.
LONGEST = 40
# How often a device breaks that receives so many frames in between, and for how many seconds the guest may then be without
# it. If each break made the next one longer, the last one would last for six seconds.
BREAKS, FRAMES, SOON = 7, 100, 4


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm) as liar:
        liar.up()
        liar.set_frame(header() + ethernet(liar.mac()))
        now_and_then(liar)
        again_and_again(liar)
        in_vain(liar)
        liar.expect_balance()


def again_and_again(liar: Liar) -> None:
    """No kick is taken: the driver finds the receive queue broken as soon as it has filled it."""
    before = restarts(liar)
    liar.tell("deaf 1", "receive 0")
    liar.vm.run(f"sleep {SECONDS}", timeout=60 + SECONDS)
    count = restarts(liar) - before
    expect.progress(f"{count} restarts in {SECONDS} s")
    expect.at_least(f"restarts in {SECONDS} s", count, LEAST)
    expect.at_most(f"restarts in {SECONDS} s", count, MOST)
    liar.tell("deaf 0")
    expect.eventually("frames are received again", lambda: received(liar), True, LONGEST)
    liar.expect_delivered()


def now_and_then(liar: Liar) -> None:
    """A buffer that no ring has breaks the queue, a while after the last time."""
    longest = 0.0
    for _ in range(BREAKS):
        before = restarts(liar)
        liar.tell("lie rx id_range", "receive 0")
        start = uptime(liar)
        expect.eventually("rx_broken", lambda before=before: restarts(liar), before + 1)
        expect.eventually("frames are received again", lambda: received(liar), True, LONGEST)
        longest = max(longest, uptime(liar) - start)
        liar.tell(f"receive 0 {FRAMES}")
    expect.progress(f"at most {longest:.1f} s without a device")
    expect.at_most("seconds of the guest's without a device", longest, SOON)


def in_vain(liar: Liar) -> None:
    """The device breaks, and takes its features back when it is restarted, for a while."""
    liar.tell("stubborn 1", "lie rx id_range", "receive 0")
    expect.eventually("restarts that failed", lambda: failures(liar), True, LONGEST)
    expect.equal("carrier", liar.vm.run(f"cat /sys/class/net/{liar.interface}/carrier").strip(), "0")
    liar.tell("stubborn 0")
    expect.eventually("frames are received again", lambda: received(liar), True, LONGEST)
    liar.expect_delivered()


def failures(liar: Liar) -> bool:
    """Whether a restart has failed, and the one after it."""
    return int(liar.vm.run("dmesg | grep -c 'cannot start the device' || true")) >= 2


def restarts(liar: Liar) -> int:
    """Return how often a queue was found broken."""
    counters = liar.counters()
    return counters["rx_broken"] + counters["tx_broken"]


def received(liar: Liar) -> bool:
    """Whether a frame is delivered now."""
    before = liar.counters()["rx_delivered"]
    try:
        liar.tell("receive 0")
    except GuestError:  # the driver is not ready
        return False
    return guest.settled(lambda: liar.counters()["rx_delivered"]) > before


def uptime(liar: Liar) -> float:
    """Return the guest's own time in seconds."""
    return float(liar.vm.run("cut -d ' ' -f 1 /proc/uptime"))
