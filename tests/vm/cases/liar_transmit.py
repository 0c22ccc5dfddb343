# SPDX-License-Identifier: GPL-2.0
"""Whatever a device says of transmitted frames, or does not say: the driver goes on transmitting, and forgets no frame."""

import re

from qemu.vm import VM
from tests.liar import guest
from tests.liar.guest import Liar
from tests.vm import ending as common
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
TIMEOUT = 600

HERE, NOBODY = "10.12.0.1", "10.12.0.9"
# A length says nothing about what was sent.
HARMLESS = ("len_none", "len_more", "len_pages", "len_most")
BROKEN = ("id_range", "id_most", "id_other", "twice", "jump_ahead", "jump_back")
# More than the ring and byte queue limits let through.
MANY = 2000


def run(vm: VM, _net: Link) -> None:
    # A queue that hangs is a warning of the kernel's.
    vm.run("echo 0 > /proc/sys/kernel/panic_on_warn; modprobe labnet")
    with Liar(vm) as liar:
        liar.up(HERE)
        vm.run(f"ip neighbour replace {NOBODY} lladdr 02:00:00:00:00:01 dev {liar.interface} nud permanent")
        transmits(liar)
        complaints = []
        for names, look in ((HARMLESS, harmless), (BROKEN, breaks), (("deaf",), deaf), (("held", "quiet"), hangs)):
            for name in names:
                complaints += guest.attempt(name, lambda look=look, name=name: look(liar, name))
        liar.expect_balance()
    expect.equal("lies that were not taken as they have to be", complaints, [])


def ending(vm: VM, driver: str) -> None:
    """The kernel warns of a hanging queue once, and of nothing else."""
    common.check(vm, driver, re.compile(r"dev_watchdog|NETDEV WATCHDOG|Call Trace:"))
    expect.at_most("warnings", len([line for line in vm.warnings() if "WARNING:" in line]), 1)


def send(liar: Liar, count: int) -> None:
    """Let the guest send datagrams that nobody answers, as fast as it can."""
    liar.vm.run(f"ping -n -q -c {count} -l {count} -w 1 {NOBODY} > /dev/null || true")


def transmits(liar: Liar) -> None:
    """Expect that frames are transmitted and completed."""
    def go() -> bool:
        before, done = liar.number("transmitted"), liar.counters()["tx_frames"]
        send(liar, 3)
        return liar.number("transmitted") - before >= 3 and liar.counters()["tx_frames"] > done
    expect.eventually("frames are transmitted", go, True, 30)


def harmless(liar: Liar, name: str) -> None:
    """Lies about what does not matter change nothing."""
    before = liar.counters()
    liar.tell(f"lie tx {name} 3")
    send(liar, 3)
    moved = guest.settled(lambda: liar.moved(before))
    expect.equal(f"{name}: counters of what went wrong", bad(moved), {})
    transmits(liar)


def breaks(liar: Liar, name: str) -> None:
    """A completion of what was never sent: that is noticed, and the device restarted, once."""
    before = liar.counters()
    liar.tell(f"lie tx {name}")
    send(liar, 3)
    expect.eventually(f"{name}: tx_broken", lambda: liar.moved(before).get("tx_broken", 0), 1)
    transmits(liar)
    liar.expect_delivered()
    moved = bad(liar.moved(before))
    # Frames that were in the ring, or came meanwhile, are lost with it.
    for lost in ("tx_drop_post", "tx_drop_reset"):
        moved.pop(lost, None)
    expect.equal(f"{name}: counters of what went wrong", moved, {"tx_broken": 1})


def deaf(liar: Liar, _name: str) -> None:
    """A device that takes no kick is restarted."""
    before = liar.counters()
    liar.tell("deaf 1")
    send(liar, 2)
    liar.tell("deaf 0")
    send(liar, 2)
    transmits(liar)
    liar.expect_delivered()
    moved = bad(liar.moved(before))
    expect.at_least("restarts", moved.get("tx_broken", 0) + moved.get("rx_broken", 0), 1)


def hangs(liar: Liar, name: str) -> None:
    """Frames that are never completed, or without an interrupt: the queue works again, at the latest after a timeout."""
    liar.tell(f"lie tx {name} {MANY}")
    send(liar, MANY)
    liar.tell("lie tx none")
    transmits(liar)
    liar.expect_delivered()


def bad(moved: dict[str, int]) -> dict[str, int]:
    """Return the counters that are about what went wrong."""
    return {name: value for name, value in moved.items()
            if name.startswith(("tx_drop", "tx_broken", "tx_timeouts", "rx_broken", "rx_drop", "page_violation"))}
