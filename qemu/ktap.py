# SPDX-License-Identifier: GPL-2.0
"""Read what KUnit prints to the kernel log, and believe only what is complete.

The kernel log is the source, not the `results` file in debugfs: 6.1 keeps 512 bytes of a case's output there, and a
longer case loses its verdict. The log is also what is left of a guest that died in the middle of a suite. Its shape:

        KTAP version 1
        # Subtest: labyrinth_quality
        1..2
        # poison_verify: EXPECTATION FAILED at quality_kunit.c:60
        Expected bad == 0, but ...
        not ok 1 poison_verify
        ok 2 zero
    not ok 1 labyrinth_quality
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# The time, and the task or CPU where the kernel prints that too.
PREFIX = re.compile(r"^\[ *\d+\.\d+\](\[ *[TC]\d+\])? ")
SUBTEST = re.compile(r"^ {4}# Subtest: (\S+)$")
PLAN = re.compile(r"^ {4}1\.\.(\d+)$")
CASE = re.compile(r"^ {4}(ok|not ok) (\d+) (?:- )?(\S+)(?: # SKIP ?(.*))?$")
SUITE = re.compile(r"^(ok|not ok) \d+ (?:- )?(\S+)(?: # SKIP ?(.*))?$")
DETAIL = re.compile(r"^ {4,}\S")
DETAILS_KEPT = 40


@dataclass(frozen=True)
class Result:
    """One case's verdict. A case that was skipped has checked nothing, so it is not ok."""

    suite: str
    case: str
    ok: bool
    message: str = ""


@dataclass
class _Suite:
    """A suite that has begun in the log."""

    name: str
    plan: int | None = None
    verdict: str | None = None
    numbers: list[int] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def add_case(self, verdict: str, number: int, case: str, skipped: str | None) -> None:
        """Record a case, with what was printed since the one before as its explanation."""
        message = "\n".join(self.details[-DETAILS_KEPT:]) if verdict == "not ok" else ""
        if skipped is not None:
            message = f"skipped: {skipped or 'no reason given'}"
        self.results.append(Result(self.name, case, verdict == "ok" and skipped is None, message))
        self.numbers.append(number)
        self.details.clear()

    def finish(self) -> list[Result]:
        """Return the results, and one more failure where the suite as a whole cannot be believed."""
        problem = self._problem()
        return self.results + ([Result(self.name, "(suite)", False, problem)] if problem else [])

    def _problem(self) -> str:
        if self.verdict is None:
            last = self.results[-1].case if self.results else "its beginning"
            return "\n".join([f"no verdict: the log ends after {last}", *self.details[-DETAILS_KEPT:]])
        if self.plan is None:
            return "no plan: it is unknown how many cases there are"
        if not self.plan:
            return "the suite has no cases"
        if self.numbers != list(range(1, self.plan + 1)):
            return f"{self.plan} cases were announced, these reported: {self.numbers}"
        if self.verdict == "not ok" and all(result.ok for result in self.results):
            return "\n".join(["the suite failed although its cases passed", *self.details[-DETAILS_KEPT:]])
        return ""


def parse(log: str) -> list[Result]:
    """Return the results of all suites in a kernel log."""
    return [result for suite in _suites(log) for result in suite.finish()]


def _suites(log: str) -> Iterator[_Suite]:
    """Yield the suites in the log; whatever else the kernel printed meanwhile does not matter."""
    suite: _Suite | None = None
    for line in log.splitlines():
        line = PREFIX.sub("", line).rstrip()
        if match := SUBTEST.match(line):
            if suite:
                yield suite
            suite = _Suite(match[1])
        elif suite is None:
            continue
        elif match := PLAN.match(line):
            suite.plan = int(match[1])
        elif match := CASE.match(line):
            suite.add_case(match[1], int(match[2]), match[3], match[4])
        elif (match := SUITE.match(line)) and match[2] == suite.name:
            suite.verdict = match[1]
            yield suite
            suite = None
        elif DETAIL.match(line):
            suite.details.append(line[4:])
    if suite:
        yield suite
