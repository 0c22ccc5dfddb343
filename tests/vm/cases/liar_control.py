# SPDX-License-Identifier: GPL-2.0
"""Whatever becomes of a control command: whoever gave it hears so in time, the link goes on, and commands work again."""

import time

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
TIMEOUT = 600

FEATURES = (*guest.DEFAULT, "CTRL_VQ", "CTRL_RX", "CTRL_MAC_ADDR", "GUEST_ANNOUNCE")
HERE = "10.12.0.1"
# Class MAC, command ADDR_SET, which tells its giver what became of it.
SET = "1 1"
# Class ANNOUNCE, command ACK; the status is that the link is up, and the guest to announce itself. Kind of an ARP frame.
ANNOUNCED = (3, 0)
UP, ANNOUNCE, ETH_P_ARP = b"\1\0", b"\3\0", b"\x08\x06"
# What the driver may believe, what it must not, and what leaves it with a queue that is of no use any more.
BELIEVED = ("len_none", "len_more", "len_pages", "len_most", "quiet")
REFUSED = ("unwritten",)
BROKEN = ("id_range", "id_most", "id_other", "jump_ahead", "jump_back", "twice")
# The driver waits for five seconds; the machine may be busy.
LONGEST = 20


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm, features=FEATURES) as liar:
        liar.up(HERE)
        guest.settled(lambda: liar.number("commanded"))
        complaints = []
        steps = ((("verdicts",), verdicts), (BELIEVED, believed), (REFUSED, refused), (BROKEN, breaks), (("silence",), silence),
                 (("announce",), announces))
        for names, look in steps:
            for name in names:
                complaints += guest.attempt(name, lambda look=look, name=name: look(liar, name))
        liar.expect_balance()
    expect.equal("lies that were not taken as they have to be", complaints, [])


def change(liar: Liar) -> bool:
    """Change the address to another one. Return whether that was possible, and expect the address to be what was said.

    The driver has more to command afterwards, and that is over when this returns.
    """
    number = int.from_bytes(liar.mac()[-2:], "big") + 1
    wanted = bytes.fromhex("02ee0000") + number.to_bytes(2, "big")
    try:
        liar.vm.run(f"ip link set {liar.interface} address {wanted.hex(':')}")
    except GuestError:
        return False
    expect.equal("address", liar.mac(), wanted)
    guest.settled(lambda: liar.number("commanded"))
    return True


def believed(liar: Liar, name: str) -> None:
    """Lies about what does not matter change nothing."""
    liar.tell(f"lie control {name}")
    expect.equal("the address is changed", change(liar), True)


def refused(liar: Liar, name: str) -> None:
    """A command that was completed without a verdict has failed."""
    liar.tell(f"lie control {name}")
    expect.equal("the address is changed", change(liar), False)
    expect.equal("afterwards, the address is changed", change(liar), True)


def verdicts(liar: Liar, _name: str) -> None:
    """OK is OK, and nothing else is."""
    for verdict, good in (("OK", True), ("ERR", False), ("2", False), ("85", False), ("255", False)):
        liar.tell(f"answer {SET} {verdict}")
        expect.equal(f"verdict {verdict}: the address is changed", change(liar), good)
    liar.tell("answer reset")


def breaks(liar: Liar, name: str) -> None:
    """A completion of what was never commanded: commands work again without help."""
    liar.tell(f"lie control {name}")
    change(liar)
    liar.tell("lie control none")
    expect.eventually(f"{name}: commands work again", lambda: change(liar), True, LONGEST)
    expect.eventually(f"{name}: they go on working", lambda: change(liar) and change(liar), True, LONGEST)
    liar.expect_delivered()


def announces(liar: Liar, _name: str) -> None:
    """Asked to, the guest says where it is, once, and tells the device that it has done so, whatever that answers."""
    for verdict in ("OK", "ERR"):
        liar.tell(f"answer 3 0 {verdict}")
        before, frames = acknowledged(liar), announcements(liar)
        liar.configure(guest.STATUS, ANNOUNCE)
        expect.eventually(f"verdict {verdict}: acknowledgements", lambda before=before: acknowledged(liar) - before, 1)
        # A device takes its request back once it has its answer.
        liar.configure(guest.STATUS, UP)
        guest.settled(lambda: (liar.number("commanded"), liar.number("transmitted")))
        expect.equal(f"verdict {verdict}: acknowledgements in the end", acknowledged(liar) - before, 1)
        expect.equal(f"verdict {verdict}: announcements", announcements(liar) - frames, 1)
    liar.tell("answer reset")
    expect.equal("afterwards, the address is changed", change(liar), True)


def acknowledged(liar: Liar) -> int:
    """Return how many of the last commands are acknowledgements."""
    return sum((one.kind, one.command) == ANNOUNCED for one in liar.commands())


def announcements(liar: Liar) -> int:
    """Return how many of the last frames ask for the address that they come from."""
    arp = [one.packet[14:42] for one in liar.sent() if one.packet[12:14] == ETH_P_ARP]
    return sum(text[14:18] == text[24:28] for text in arp)


def silence(liar: Liar, _name: str) -> None:
    """Who waits for an answer that does not come does not wait long, and nobody else does; a new start brings commands back."""
    liar.tell("answer * * none")
    start = time.monotonic()
    expect.equal("the address is changed without an answer", change(liar), False)
    expect.at_most("seconds to wait for an answer", time.monotonic() - start, LONGEST)
    liar.expect_delivered()
    start = time.monotonic()
    expect.equal("the address is changed while a command is unanswered", change(liar), False)
    liar.tell("answer reset")
    liar.vm.run(f"ip link set {liar.interface} down; ip link set {liar.interface} up", timeout=100)
    expect.eventually("commands work again", lambda: change(liar), True, LONGEST)
    liar.expect_delivered()
