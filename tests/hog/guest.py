# SPDX-License-Identifier: GPL-2.0
"""The hog in a guest: what a case tells it, and what became of the zone's counters."""

from collections.abc import Mapping
from types import TracebackType

from qemu.vm import VM
from tests.hog.passages import Failure, Map, Passage, read_failures, read_map
from tests.vm import expect
from tests.vm.link import DEBUGFS

COMMAND = "/sys/kernel/debug/labyrinth_hog/command"
ZONE = f"{DEBUGFS}/zones/hog"
# How often a case asks in each context: numbers that cannot be mistaken for each other, whose sum is within the eight
# failures that a zone remembers.
TIMES = {"irq": 3, "napi": 2, "task": 1}
TOTAL = sum(TIMES.values())
# Failures by context, where each of TIMES has failed.
FAILED = {f"failed_{context}": times for context, times in TIMES.items()}

Counters = dict[str, int]


def everywhere(verb: str) -> list[str]:
    """Return the commands that do something as often as TIMES says in each context."""
    return [f"{verb} {context} {times}" for context, times in TIMES.items()]


def causes(moved: Mapping[str, int]) -> Counters:
    """Return what is about failures: every fail_* and failed_*."""
    return {name: value for name, value in moved.items() if name.startswith(("fail_", "failed_"))}


class Hog:
    """The module, from its loading to its end. @parameters are the module's; memory is all given back in the end.

    The page layer has no commons here: pages that all zones share would answer what is meant to fail.
    """

    def __init__(self, vm: VM, **parameters: int) -> None:
        self._vm = vm
        self._parameters = " ".join(f"{name}={value}" for name, value in parameters.items())

    def __enter__(self) -> "Hog":
        # Commands are carried out with real-time priority, which is not to be suspended now and then.
        self._vm.run("echo -1 > /proc/sys/kernel/sched_rt_runtime_us\n"
                     f"modprobe labyrinth commons=0; modprobe labyrinth_hog {self._parameters}")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is None:
            self._expect_books()
            self._vm.run("rmmod labyrinth_hog")
        elif self._vm.alive():
            # There is a complaint already.
            self._vm.run("rmmod labyrinth_hog || true")

    def tell(self, *commands: str, timeout: float = 60) -> Counters:
        """Give commands, all of them in one write; return the counters that have moved, and by how much."""
        before = self.stats()
        self._vm.run(f"echo '{'; '.join(commands)}' > {COMMAND}", timeout)
        after = self.stats()
        return {name: after[name] - before[name] for name in after if after[name] != before[name]}

    def stats(self) -> Counters:
        """Return the zone's counters."""
        words = (line.split() for line in self._vm.run(f"cat {ZONE}/stats").splitlines())
        return {name: int(value) for name, value in words if not name.startswith(("now_", "low_", "high_"))}

    def failures(self) -> list[Failure]:
        """Return the failures that the zone remembers, oldest first."""
        return read_failures(self._vm.run(f"cat {ZONE}/failures"))

    def map(self) -> Map:
        """Return the map of memory."""
        return read_map(self._vm.run(f"cat {DEBUGFS}/map"))

    def expect_records(self, cause: str) -> list[Failure]:
        """Expect the last failures to be those of everywhere(), with one cause; return them."""
        records = self.failures()[-TOTAL:]
        expect.equal("causes in failures", [record.cause for record in records], [cause] * TOTAL)
        wanted = [context for context, times in TIMES.items() for _ in range(times)]
        expect.equal("contexts in failures", [record.context for record in records], wanted)
        expect.equal("numbers of the failures", [r.number - records[0].number for r in records], list(range(TOTAL)))
        expect.equal("times of the failures are in order", [r.when for r in records], sorted(r.when for r in records))
        for record in records:
            expect.equal("module that asked", record.module, "labyrinth_hog")
            expect.contains("function that asked", record.site, "hog_")
            expect_plausible(record.passages)
        return records

    def expect_answered(self) -> None:
        """Expect requests to be answered in every context: there is memory again."""
        moved = self.tell(*everywhere("request"))
        expect.equal("failures while there is memory", causes(moved), {})
        for context, times in TIMES.items():
            expect.equal(f"stocked_{context} while there is memory", moved.get(f"stocked_{context}"), times)

    def expect_identity(self) -> None:
        """Expect that every request ended as a page or under a cause, and each failure in a context."""
        stats = self.stats()
        asked = sum(value for name, value in stats.items() if name.startswith("attempts_"))
        failed = sum(value for name, value in stats.items() if name.startswith("fail_"))
        expect.equal("sum of attempts_* == granted_* + sum of fail_* (without fail_order)", asked,
                     stats["granted_nowait"] + stats["granted_atomic"] + failed - stats["fail_order"])
        expect.equal("sum of failed_* == sum of fail_*",
                     sum(value for name, value in stats.items() if name.startswith("failed_")), failed)

    def _expect_books(self) -> None:
        """Expect no request and no page to be lost, once the hog has let go."""
        self.tell("give all")
        self.expect_identity()
        ledger = dict(line.split() for line in self._vm.run(f"cat {ZONE}/ledger").splitlines())
        expect.equal("balance of the hog's zone", ledger["balance"], "0")


def expect_plausible(passages: list[Passage]) -> None:
    """Expect what holds for any passage at any time."""
    expect.at_least("passages recorded", len(passages), 1)
    for passage in passages:
        number, where = passage.number, f"node {passage.node} zone {passage.zone}"
        half = number["min"] - number["min"] // 2
        expect.equal(f"{where}: floor", number["floor"], half - half // 4)
        marks = [number[name] for name in ("floor", "min", "low", "high", "managed")]
        expect.equal(f"{where}: floor <= min <= low <= high <= managed", marks, sorted(marks))
        expect.at_most(f"{where}: free pages", number["free"], number["managed"])
        expect.equal(f"{where}: verdict", passage.verdict, verdict(passage))


def verdict(passage: Passage) -> str:
    """Return the words that Documentation/map.rst promises for a passage with these numbers."""
    for mark, words in (("low", "open"), ("min", "open (low)"), ("floor", "atomic only")):
        if passage.above(mark) > 0:
            return words
    if passage.usable > passage.number["floor"]:
        return "closed (lowmem_reserve)"
    if passage.number["free"] > passage.number["floor"] + passage.number["protect"]:
        return "closed (only CMA is free)"
    return "closed (at the floor)"
