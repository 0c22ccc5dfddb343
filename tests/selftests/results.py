# SPDX-License-Identifier: GPL-2.0
"""What the tests print, and the table that is made of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

RESULT = re.compile(r"^(ok|not ok) (\d+) (\S+)(?: # (\w+) ?(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)$")
STATUS = re.compile(r"^status (\d+)$")
WHOLE = "(test)"  # the case that stands for a test as a whole
PASS, FAIL, SKIP, XFAIL, LOST, NOT_RUN = "pass", "fail", "skip", "xfail", "lost", "not run"
NOTHING = "-"  # nothing is to be said of a test as a whole
TIMEOUT_STATUS = 124


@dataclass(frozen=True)
class Outcome:
    """How a case ended, and why, where it has not passed."""

    kind: str
    reason: str = ""


def parse(output: str, problem: str = "") -> dict[str, Outcome]:
    """Return the outcome of each case in what a test has printed; a @problem of the guest is one more case.

    Only what is complete is believed: a test that ended before the last case that it has announced is lost.
    """
    cases: dict[str, Outcome] = {}
    details: list[str] = []
    plan, status = None, None
    for line in output.splitlines():
        if match := PLAN.match(line):
            plan = int(match[1])
        elif match := STATUS.match(line):
            status = int(match[1])
        elif match := RESULT.match(line):
            cases[match[3].partition(".")[2] or match[3]] = _outcome(match, details)
            details = []
        else:
            details.append(line.removeprefix("# "))
    if problem:
        cases[WHOLE] = Outcome(FAIL if cases else LOST, problem)
    elif not plan or len(cases) < plan:
        cases[WHOLE] = Outcome(LOST, _unfinished(plan, len(cases), status, details))
    return cases


def _outcome(match: re.Match[str], details: list[str]) -> Outcome:
    word, reason = match[4] or "", match[5] or ""
    if word in ("SKIP", "XFAIL"):
        return Outcome(word.lower(), reason)
    return Outcome(PASS) if match[1] == "ok" else Outcome(FAIL, "\n".join(details))


def _unfinished(plan: int | None, seen: int, status: int | None, details: list[str]) -> str:
    how = "took too long" if status == TIMEOUT_STATUS else f"ended with status {status}"
    return "\n".join([f"{how} after {seen} of {plan or 'nobody knows how many'} cases", *details])


@dataclass(frozen=True)
class Row:
    """One case with each driver."""

    test: str
    case: str
    outcomes: dict[str, Outcome]  # by driver

    def kind(self, driver: str) -> str:
        """Return how it ended with @driver; a case that a driver's test never came to is lost."""
        absent = NOTHING if self.case == WHOLE else LOST
        return self.outcomes[driver].kind if driver in self.outcomes else absent

    def worse(self, driver: str, than: str) -> bool:
        """Whether the case passes with the driver @than, and not with @driver."""
        return self.kind(than) == PASS and self.kind(driver) != PASS

    def why(self) -> str:
        """Return one line about why it has not passed, of the last driver that has a reason."""
        reasons = [_first(outcome.reason) for outcome in self.outcomes.values() if outcome.reason]
        return reasons[-1] if reasons else ""


def _first(reason: str) -> str:
    """Return the line of a reason that says most: the check that has failed, or the last line of a traceback."""
    lines = [line.removeprefix("Exception|").strip() for line in reason.splitlines()]
    lines = [line for line in lines if line]
    telling = [line for line in lines if line.startswith(("Check failed", "STDERR:"))]
    if any(line.startswith("Traceback") for line in lines):
        telling = telling or lines[-1:]
    return (telling or lines or [""])[0]


def rows(results: dict[tuple[str, str], dict[str, Outcome]]) -> list[Row]:
    """Return the rows of the table from the outcomes by test and driver."""
    found: dict[tuple[str, str], dict[str, Outcome]] = {}
    for (test, driver), cases in results.items():
        for case, outcome in cases.items():
            found.setdefault((test, case), {})[driver] = outcome
    return [Row(test, case, outcomes) for (test, case), outcomes in found.items()]


def table(found: list[Row], drivers: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of the table and below it how many cases ended how."""
    test, case = (max(map(len, column)) for column in zip(*((row.test, row.case) for row in found)))
    columns = "  ".join(f"{driver:<10}" for driver in drivers)
    yield f"{'test':<{test}}  {'case':<{case}}  {columns}  why not"
    for row in found:
        kinds = "  ".join(f"{row.kind(driver):<10}" for driver in drivers)
        yield f"{row.test:<{test}}  {row.case:<{case}}  {kinds}  {row.why()[:100]}".rstrip()
    yield ""
    for driver in drivers:
        kinds = [row.kind(driver) for row in found]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in (PASS, FAIL, LOST, XFAIL, SKIP, NOT_RUN) if kind in kinds)
        yield f"{driver}: {counts}"
