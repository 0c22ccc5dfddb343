# SPDX-License-Identifier: GPL-2.0
"""Everything that is tested, one line per case; the last line counts them.

    python3 -m tests.check [NAME...]

A name is a group (lint, harness, kunit, vm, debug) or a case of the group vm. The group debug is some of these
cases on a debug kernel. The exit status is 0 only if something ran and all of it passed.
"""

import contextlib
import os
import sys
import time
import unittest
from collections.abc import Iterator
from dataclasses import replace

from qemu import TOP, SetupError, command, kernels, kunit, modules, network
from qemu.qmp import QMPError
from tests.lint import compilers, tools
from tests.lint.checks import CHECKS
from tests.lint.checks import run as run_check
from tests.lint.tree import Tree
from tests.vm import runner
from tests.vm.runner import Result

GROUPS = ("lint", "harness", "kunit", "vm", "debug")
# Where the tests of what is not the driver are: of the harness, the benchmarks, the lint.
UNITTESTS = ("tests/harness", "tests/bench", "tests/features", "tests/pressure", "tests/coverage", "tests/selftests", "tests/lint")
KUNIT_KERNEL = "6.1-debug"
# The newest kernel, made to notice mistakes, and what is worth its slowness each time; make check-all does the rest.
DEBUG_KERNEL = "7.2-debug"
DEBUG_CASES = ["ping", "suspend.one_cpu"]


class Collector(unittest.TestResult):
    """Makes a Result of each unittest. A skipped one has failed: it has shown nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[Result] = []
        self._start = 0.0

    def startTest(self, test: unittest.TestCase) -> None:
        """Remember when it began."""
        super().startTest(test)
        self._start = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:
        """Called by unittest."""
        self._add(test, "pass", "")

    def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
        """Called by unittest."""
        self._add(test, "fail", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: tuple | None) -> None:
        """Called by unittest for each part of a test, which as a whole reports no failure then."""
        if err:
            self._add(subtest, "fail", self._exc_info_to_string(err, test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """Called by unittest."""
        self._add(test, "fail", f"skipped: {reason}")

    def addExpectedFailure(self, test: unittest.TestCase, err: tuple) -> None:
        """Called by unittest."""
        self._add(test, "fail", "is expected to fail, which shows nothing")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """Called by unittest."""
        self.addExpectedFailure(test, ())

    def _add(self, test: unittest.TestCase, outcome: str, message: str) -> None:
        name = test.id().removeprefix("tests.")
        self.results.append(Result("harness", name, outcome, message.strip(), time.monotonic() - self._start))


def harness() -> Iterator[Result]:
    """Run the tests of the harness itself."""
    for directory in UNITTESTS:
        suite = unittest.defaultTestLoader.discover(str(TOP / directory), top_level_dir=str(TOP))
        for part in _parts(suite):
            collector = Collector()
            part.run(collector)
            yield from collector.results


def lint() -> Iterator[Result]:
    """Check the sources without running them."""
    tree = Tree(TOP)
    for name in CHECKS:
        start = time.monotonic()
        complaints = "\n".join(run_check(name, tree))
        yield Result("lint", name, "fail" if complaints else "pass", complaints, time.monotonic() - start)


def _parts(suite: unittest.TestSuite) -> Iterator[unittest.TestSuite]:
    """Split a suite so far that each part is one class, whose fixtures work and whose results come soon."""
    tests = list(suite)
    if any(isinstance(test, unittest.TestCase) for test in tests):
        yield suite
        return
    for test in tests:
        yield from _parts(test)


def unit() -> Iterator[Result]:
    """Run the KUnit suites."""
    for result in kunit.run(KUNIT_KERNEL):
        yield Result(f"kunit {result.suite}", result.case, "pass" if result.ok else "fail", result.message)


def guests(cases: list[runner.Case], default: str) -> Iterator[Result]:
    """Run the cases that need a whole guest."""
    found = {name: kernels.get(name) for name in {case.kernel(default) for case in cases}}
    for kernel in found.values():
        modules.build(kernel)
    for case in cases:
        yield runner.run(case, found[case.kernel(default)])


def debug() -> Iterator[Result]:
    """Run a few of the cases on a debug kernel."""
    for result in guests(runner.find(DEBUG_CASES), DEBUG_KERNEL):
        yield replace(result, case=f"{result.case} on {DEBUG_KERNEL}")


def guarded(group: str, results: Iterator[Result]) -> Iterator[Result]:
    """Pass @results on; what keeps the group from running is one more failure, not the end of everything."""
    try:
        yield from results
    except (SetupError, QMPError) as problem:
        yield Result(group, "(set-up)", "fail", str(problem))


def report(result: Result, elapsed: float) -> None:
    """Print one line for a result, and what is known about it where it has not passed."""
    took = f"  ({result.seconds:.1f} s)" if result.seconds >= 0.1 else ""
    print(f"[{elapsed:4.0f} s] {result.outcome}  {result.suite}: {result.case}{took}", flush=True)
    if result.ok:
        return
    lines = result.message.splitlines() + ([f"log: {result.log}"] if result.log else [])
    print("\n".join(f"         {line}" for line in lines), flush=True)


def summarise(results: list[Result]) -> int:
    """Print what has not passed once more and the last line; return the exit status: nothing that ran is no success."""
    bad = [result for result in results if not result.ok]
    for result in bad:
        why = result.message.partition("\n")[0]
        print(f"{result.outcome}  {result.suite}: {result.case}: {why}")
    print(f"{len(results) - len(bad)} passed, {len(bad)} failed", flush=True)
    return 0 if results and not bad else 1


def select(names: list[str]) -> tuple[list[str], list[runner.Case]]:
    """Return the groups and the guest cases that @names stand for; no name stands for everything."""
    groups = [group for group in GROUPS if group in names or not names]
    wanted = [name for name in names if name not in GROUPS]
    if "vm" in groups:
        runner.find(wanted)  # only to refuse unknown names
        return groups, runner.find()
    if wanted:
        return [*groups, "vm"], runner.find(wanted)
    return groups, []


def fetch(groups: list[str], cases: list[runner.Case], default: str) -> None:
    """Get what comes over the network while there is one. What fails here fails its group later, and is told there."""
    special = {"kunit": [KUNIT_KERNEL], "debug": [DEBUG_KERNEL], "harness": [KUNIT_KERNEL, DEBUG_KERNEL], "lint": [compilers.KERNEL]}
    wanted = {case.kernel(default) for case in cases} | {name for group in groups for name in special.get(group, [])}
    for name in sorted(wanted):
        kernels.find(name)  # an unknown kernel is the caller's mistake
        with contextlib.suppress(SetupError):
            kernels.get(name)
    if "lint" in groups:
        with contextlib.suppress(SetupError):
            tools.kernel_scripts()


def main(names: list[str]) -> int:
    """Run what @names select, or everything."""
    groups, cases = select(names)
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the tests need tap devices (modprobe tun)")
    kernel = os.environ.get("KERNEL") or "6.1"
    fetch(groups, cases, kernel)
    # From here on there is no network but our own.
    network.enter()
    makers = {"lint": lint, "kunit": unit, "harness": harness, "debug": debug, "vm": lambda: guests(cases, kernel)}
    start, results = time.monotonic(), []
    for group in groups:
        for result in guarded(group, makers[group]()):
            report(result, time.monotonic() - start)
            results.append(result)
    return summarise(results)


if __name__ == "__main__":
    command.run(lambda: main(sys.argv[1:]))
