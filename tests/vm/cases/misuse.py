# SPDX-License-Identifier: GPL-2.0
"""A consumer that gives a page away twice, or never, is told so once, with the page; nothing is freed or handed out twice."""

from qemu.vm import VM
from tests.hog.guest import Hog
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link

DRIVERS = ("labnet",)
LOAD = False
TWICE, FORGOTTEN = 3, 2


def run(vm: VM, _net: Link) -> None:
    hog = Hog(vm)
    with hog:
        for verb in ("retire", "lend", "untake", "quarantine"):
            moved = hog.tell(f"{verb} task {TWICE}")
            expect.equal(f"illegal changes of state, {verb}", moved.get("wrong_state"), TWICE)
        expect.equal("warnings of illegal changes", said(vm, "cannot go from retired to retired"), 1)
        hog.tell(f"forget napi {FORGOTTEN}")
        expect.equal("pages still posted", table(vm, "zones/hog/ledger")["posted"], FORGOTTEN)
        hog.expect_answered()
    expect.equal("pages reported as leaked, taken by the hog", said(vm, "leaked, taken at .*"), FORGOTTEN)
    expect.equal("warnings of books that do not balance", said(vm, f"{FORGOTTEN} still posted"), 1)


def ending(vm: VM, _driver: str) -> None:
    """The books of the zone that is gone name what was forgotten and no more; nothing else was complained about."""
    destroyed = table(vm, "destroyed")
    expect.equal("pages never released", destroyed["taken"] - destroyed["released"], FORGOTTEN)
    expect.equal("pages posted for ever", destroyed["posted"], FORGOTTEN)
    expect.equal("balance of destroyed zones", destroyed["balance"], 0)
    vm.run("rmmod labyrinth")
    headings = [line for line in vm.warnings() if "WARNING:" in line]
    expect.equal("warnings on the console", len(headings), 2)
    for heading, place in zip(headings, ("labyrinth_ledger_refuse", "labyrinth_zone_destroy"), strict=True):
        expect.contains("where a warning came from", heading, place)


def said(vm: VM, words: str) -> int:
    """Return how many lines of the kernel log have @words, a regular expression."""
    return int(vm.run(f"dmesg | grep -c 'labyrinth: hog: .*{words}' || true"))


def table(vm: VM, name: str) -> dict[str, int]:
    """Read a file of "<word> <number>" lines from the page layer's debugfs."""
    return {word: int(number) for word, number in (line.split() for line in vm.run(f"cat {DEBUGFS}/{name}").splitlines())}
