# SPDX-License-Identifier: GPL-2.0
"""A device that takes no command is used as far as it goes, each refusal is said; what asked for one hears so and is undone."""

import re

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar
from tests.vm import expect, xdp
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
PAIRS = 2
VLAN = 5
FEATURES = (*guest.DEFAULT, "CTRL_VQ", "CTRL_RX", "CTRL_VLAN", "CTRL_MAC_ADDR", "MQ", "RSS", "HASH_REPORT", "NOTF_COAL",
            "GUEST_CSUM", "CTRL_GUEST_OFFLOADS")
# What is told to a device that starts, as it is said where it does not take it.
SAID = ("cannot set up hashes", f"cannot start {PAIRS} queue pairs", "cannot switch receive offloads off", "cannot set MAC address",
        "cannot set receive mode 0", "cannot set receive mode 1", f"cannot receive VLAN {VLAN}", "cannot moderate interrupts")
# The same as classes and commands; hashes are not asked for again.
TOLD = {(4, 0), (5, 0), (1, 0), (1, 1), (0, 0), (0, 1), (2, 0), (6, 0), (6, 1)}
files = xdp.files


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet; modprobe 8021q")
    with Liar(vm, features=FEATURES, pairs=PAIRS) as liar:
        liar.up()
        expect.equal("features refused", set(FEATURES) - liar.taken(), set())
        vm.run(f"ip link add link {liar.interface} name vlan type vlan id {VLAN}; ethtool -K {liar.interface} rx off\n"
               f"ethtool -C {liar.interface} rx-usecs 50 rx-frames 20")
        expect.equal("queue pairs", channels(liar), PAIRS)
        hashes(liar)
        starts(liar)
        asks(liar)
        begins_anew(liar)
        programs(liar)
        liar.expect_balance()


def hashes(liar: Liar) -> None:
    """The table that it does not take is not shown either; one that somebody has set stays when the number of pairs changes."""
    before = liar.vm.run(f"ethtool -x {liar.interface}")
    liar.tell("answer 4 1 ERR")
    refused(liar, f"ethtool -X {liar.interface} equal 1")
    expect.equal("table and key after a refusal", liar.vm.run(f"ethtool -x {liar.interface}"), before)
    liar.tell("answer reset")
    liar.vm.run(f"ethtool -X {liar.interface} equal 1")
    table = liar.vm.run(f"ethtool -x {liar.interface}").partition("RX flow hash")[2]
    expect.equal("the table is another one", table in before, False)
    liar.vm.run(f"ethtool -L {liar.interface} combined 1; ethtool -L {liar.interface} combined {PAIRS}")
    expect.equal("the table is the same", table in liar.vm.run(f"ethtool -x {liar.interface}"), True)
    liar.vm.run(f"ethtool -X {liar.interface} default")


def starts(liar: Liar) -> None:
    """It starts with what it begins with: one queue pair."""
    liar.tell("answer * * ERR")
    expect.equal("what is said of that before", said(liar), [])
    restart(liar)
    expect.equal("what is said when nothing is taken", set(said(liar)), set(SAID))
    expect.equal("queue pairs", channels(liar), 1)
    liar.expect_delivered()


def asks(liar: Liar) -> None:
    """Who asks for something is told that it is refused, and all stays as it is."""
    for words in (f"ethtool -L {liar.interface} combined {PAIRS}", f"ethtool -C {liar.interface} rx-usecs 51",
                  f"ip link set {liar.interface} address 02:00:00:00:00:99"):
        before = liar.vm.run(state(liar))
        refused(liar, words)
        expect.equal(f"what there is after {words}", liar.vm.run(state(liar)), before)
        liar.expect_delivered()


def begins_anew(liar: Liar) -> None:
    """Once it takes commands it is told everything."""
    liar.tell("answer reset")
    already = liar.number("commanded")
    liar.vm.run(f"ethtool -L {liar.interface} combined {PAIRS}")
    expect.equal("queue pairs", channels(liar), PAIRS)
    new = guest.settled(lambda: liar.number("commanded")) - already
    last = liar.commands()[-new:]
    expect.equal("what it is told", {(one.kind, one.command) for one in last}, TOLD)
    expect.equal("verdicts", {one.verdict for one in last}, {0})
    liar.expect_delivered()


def programs(liar: Liar) -> None:
    """No program without an end to the offloads; an end to the program all the same when they do not come back."""
    liar.tell("answer 5 0 ERR")
    xdp.expect_refused(liar, "Invalid argument", "udp", xdp.PASS)
    liar.expect_delivered()
    liar.tell("answer reset")
    with xdp.Program(liar, "udp", xdp.PASS):
        liar.expect_delivered()
        liar.tell("answer 5 0 ERR")
    expect.contains("the kernel's log", liar.vm.run("dmesg"), "cannot turn offloads on again")
    liar.expect_delivered()


def state(liar: Liar) -> str:
    """Return a script that prints what a refusal has to leave alone."""
    return f"ethtool -l {liar.interface}; ethtool -c {liar.interface}; cat /sys/class/net/{liar.interface}/address"


def said(liar: Liar) -> list[str]:
    """Return what the kernel's log says about refusals."""
    words = "|".join(SAID)
    return re.findall(rf"{liar.interface}: ({words})", liar.vm.run("dmesg"))


def channels(liar: Liar) -> int:
    """Return how many queue pairs are in use."""
    return int(re.findall(r"^Combined:\s*(\d+)", liar.vm.run(f"ethtool -l {liar.interface}"), re.MULTILINE)[1])


def restart(liar: Liar) -> None:
    liar.vm.run(f"ip link set {liar.interface} down; ip link set {liar.interface} up")


def refused(liar: Liar, words: str) -> None:
    try:
        liar.vm.run(words)
    except GuestError:
        return
    raise expect.Failure(words, "an error", "success")
