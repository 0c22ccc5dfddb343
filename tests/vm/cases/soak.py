# SPDX-License-Identifier: GPL-2.0
"""What the page layer catches: each of 6,000 planted defects, and nothing in 12,000,000 cycles without any.

The module labyrinth_bench does the work while it is loaded; here its report is judged.
"""

import re
from typing import Any

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
TIMEOUT = 480
DEFECTS = 1000
KINDS = ("poison", "zero", "canary", "sentinel", "reference_stocked", "reference_retired")
CYCLES = {"unfilled": 10_000_000, "poison": 1_000_000, "zero": 1_000_000}
VARIANTS: dict[str, dict[str, Any]] = {
    "planted": {"mode": "planted", "words": f"defects={DEFECTS}"},
    "clean": {"mode": "clean", "words": f"cycles={CYCLES['unfilled']} filled={CYCLES['poison']}"},
}


def run(vm: VM, _net: Link, mode: str, words: str) -> None:
    vm.run(f"modprobe labyrinth_bench mode={mode} {words}", timeout=400)
    report = vm.run("cat /sys/kernel/debug/labyrinth_bench")
    vm.run("rmmod labyrinth_bench")
    expect.equal("last line of the report", report.splitlines()[-1], "end")
    expect.equal("false alarms", report.count("false alarm"), 0)
    found = {name: numbers(rest) for name, rest in re.findall(rf"^{mode} (\S+) (.*)$", report, re.MULTILINE)}
    {"planted": planted, "clean": clean}[mode](found)


def planted(found: dict[str, dict[str, int]]) -> None:
    """Every defect is caught under its own name, and its page put into quarantine."""
    expect.equal("kinds of defects", tuple(found), KINDS)
    for kind, got in found.items():
        expect.equal(f"{kind}: defects planted", got["defects"], DEFECTS)
        expect.equal(f"{kind}: caught", got["caught"], DEFECTS)
        expect.equal(f"{kind}: quarantined", got["quarantined"], DEFECTS)
        expect.equal(f"{kind}: violations under another name", got["others"], 0)
        sound(kind, got)
    expect.progress(f"{DEFECTS * len(KINDS):,} defects of {len(KINDS)} kinds planted and caught")


def clean(found: dict[str, dict[str, int]]) -> None:
    """Nothing is caught where nothing is wrong, in cycles that use every way back into the zone."""
    expect.equal("cycles without a defect", {kind: got["cycles"] for kind, got in found.items()}, CYCLES)
    for kind, got in found.items():
        expect.equal(f"{kind}: violations", got["violations"], 0)
        expect.equal(f"{kind}: quarantined", got["quarantined"], 0)
        expect.at_most(f"{kind}: cycles without a page", got["dry"], CYCLES[kind] // 100)
        expect.at_least(f"{kind}: pages recycled", got["recycled"], CYCLES[kind] // 2)
        expect.at_least(f"{kind}: pages verified in the stash", got["from_stash"], CYCLES[kind] // 100)
        expect.at_least(f"{kind}: pages audited", got["audits"], CYCLES[kind] // 1000)
        sound(kind, got)
    expect.progress(f"{sum(CYCLES.values()):,} cycles, no violation")


def sound(kind: str, got: dict[str, int]) -> None:
    """Whatever was planted, the books are right."""
    expect.equal(f"{kind}: illegal changes of state", got["wrong_state"], 0)
    expect.equal(f"{kind}: balance", got["balance"], 0)


def numbers(text: str) -> dict[str, int]:
    """Read "<word> <number> <word> <number>..."."""
    words = text.split()
    return {word: int(number) for word, number in zip(words[::2], words[1::2], strict=True)}
