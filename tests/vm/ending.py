# SPDX-License-Identifier: GPL-2.0
"""How every case ends: the page layer's books balance, the modules unload, the console is clean."""

import re

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import DEBUGFS

# Pages that are on their way through the worker at this instant make a ledger that does not balance yet.
QUIET = 10.0


def check(vm: VM, driver: str, expected: re.Pattern[str] | None = None) -> None:
    """Perform the common ending for a guest whose network cards were driven by @driver.

    Lines of the console that look like what is @expected are no cause for suspicion.
    """
    if driver == "labnet":
        _expect_balance(vm)
        _expect_nothing_left(vm)
    else:
        vm.run(f"[ ! -d /sys/module/{driver} ] || rmmod {driver}")
    lines = [line for line in vm.warnings() if not (expected and expected.search(line))]
    expect.equal("suspicious lines on the console", lines, [])


def _expect_balance(vm: VM) -> None:
    """The law of conservation, in each zone that lives: taken = the sum of all states a page can be in."""
    for zone in vm.run(f"ls {DEBUGFS}/zones 2>/dev/null || true").split():
        name = f"zones/{zone}/ledger"
        expect.eventually(f"balance of zone {zone}", lambda: _table(vm, name)["balance"], 0, QUIET)
        ledger = _table(vm, name)
        words = ("stocked", "posted", "lent", "retired", "quarantined", "released")
        expect.equal(f"sum of the states in zone {zone}", sum(ledger[word] for word in words), ledger["taken"])


def _expect_nothing_left(vm: VM) -> None:
    """Once the driver is gone, every page that was ever taken has been released."""
    vm.run("[ ! -d /sys/module/labnet ] || rmmod labnet")
    if vm.run("ls -d /sys/module/labyrinth 2>/dev/null || true"):
        destroyed = _table(vm, "destroyed")
        expect.at_least("zones destroyed", destroyed["zones"], 1)
        expect.at_least("pages taken by destroyed zones", destroyed["taken"], 1)
        expect.equal("pages released by destroyed zones", destroyed["released"], destroyed["taken"])
        expect.equal("balance of destroyed zones", destroyed["balance"], 0)
        vm.run("rmmod labyrinth")
    expect.equal("modules left", vm.run("lsmod | grep -E '^(labnet|labyrinth) ' || true"), "")


def _table(vm: VM, name: str) -> dict[str, int]:
    """Read a file of "<word> <number>" lines from debugfs."""
    lines = (line.split() for line in vm.run(f"cat {DEBUGFS}/{name}").splitlines())
    return {word: int(number) for word, number in lines}
