# SPDX-License-Identifier: GPL-2.0
"""Where a page of labnet has been: nothing by default; its last changes of state once the page layer's history is on."""

import re

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link

DRIVERS = ("labnet",)
HISTORY = "/sys/module/labyrinth/parameters/history"
CHANGES = 4
CHANGE = re.compile(r"^    (\d+) ms ago cpu \d+ to (\w+) by \S+ \[(labyrinth|labnet)\]", re.MULTILINE)


def run(vm: VM, net: Link) -> None:
    expect.equal("changes remembered by default", [change for page in pages(vm) for change in page], [])
    vm.run(f"echo 1 > {HISTORY}; ip link set {net.interface} down; ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    net.ping_guest(count=10, size=1400)
    remembered = pages(vm)
    expect.at_least("pages, of which each is two buffers", len(remembered), net.ring_size() // 2)
    for page in remembered:
        expect.at_least("changes of a page", len(page), 1)
        expect.at_most("changes of a page", len(page), CHANGES)
        ages = [age for age, _state in page]
        expect.equal("ages of changes, oldest first", ages, sorted(ages, reverse=True))
    states = {state for page in remembered for _age, state in page}
    expect.equal("states entered by pages of a ring that has received", states & {"stocked", "posted", "lent"},
                 {"stocked", "posted", "lent"})
    refuse(vm)


def pages(vm: VM) -> list[list[tuple[int, str]]]:
    """Return the remembered changes (age, state entered) of each page that a zone has."""
    text = vm.run(f"cat {DEBUGFS}/zones/*/pages")
    parts = re.split(r"^page ", text, flags=re.MULTILINE)[1:]
    return [[(int(age), state) for age, state, _module in CHANGE.findall(part)] for part in parts]


def refuse(vm: VM) -> None:
    """A word that is no switch changes nothing."""
    expect.equal("history after a bad word", vm.run(f"echo perhaps > {HISTORY} 2> /dev/null && exit 1; cat {HISTORY}").strip(), "Y")
