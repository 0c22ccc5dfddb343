# SPDX-License-Identifier: GPL-2.0
"""The KTAP reader against good, failing, truncated and crashed kernel logs.

    python3 -m unittest tests.harness.test_ktap
"""

import unittest

from qemu.ktap import Result, parse

GOOD = """\
[    3.100000] labyrinth: loaded
[    3.200000]     KTAP version 1
[    3.200100]     # Subtest: quality
[    3.200200]     1..2
[    3.200300]     ok 1 poison
[    3.200400] virtio_net virtio1 eth0: renamed from eth1
[    3.200500]     ok 2 zero
[    3.200600] # quality: pass:2 fail:0 skip:0 total:2
[    3.200700] # Totals: pass:2 fail:0 skip:0 total:2
[    3.200800] ok 1 quality
"""

FAILING = """\
[    3.2][  T101]     KTAP version 1
[    3.2][  T101]     # Subtest: quality
[    3.2][  T101]     1..2
[    3.2][  T102]     # poison: EXPECTATION FAILED at quality_kunit.c:60
[    3.2][  T102]     Expected bad == 0, but
[    3.2][  T102]         bad == 7 (0x7)
[    3.2][  T101]     not ok 1 poison
[    3.2][  T101]     ok 2 zero
[    3.2][  T101] not ok 1 quality
"""

PARAMETERS = """\
    KTAP version 1
    # Subtest: quality
    # module: labyrinth_kunit
    1..1
        KTAP version 1
        # Subtest: poison
        ok 1 pattern 0x00
        ok 2 pattern 0xff
    # poison: pass:2 fail:0 skip:0 total:2
    ok 1 poison
ok 1 quality
"""


def without(log: str, *words: str) -> str:
    """Return @log without the lines that contain one of @words."""
    return "".join(line for line in log.splitlines(keepends=True) if not any(word in line for word in words))


class Parse(unittest.TestCase):
    """What parse() makes of a log."""

    def failures(self, log: str) -> list[Result]:
        """Return the verdicts that are not ok."""
        return [result for result in parse(log) if not result.ok]

    def test_good(self) -> None:
        """Every case passes, whatever else the kernel prints in between."""
        self.assertEqual(parse(GOOD), [Result("quality", "poison", True), Result("quality", "zero", True)])

    def test_old_style_dash(self) -> None:
        """Older kernels put a dash before the name."""
        self.assertEqual(self.failures(GOOD.replace("ok 1 ", "ok 1 - ").replace("ok 2 ", "ok 2 - ")), [])

    def test_failing(self) -> None:
        """A failed case carries the expectation's text, and is the only failure."""
        failure, = self.failures(FAILING)
        self.assertEqual((failure.suite, failure.case), ("quality", "poison"))
        self.assertIn("quality_kunit.c:60", failure.message)
        self.assertIn("bad == 7", failure.message)

    def test_two_suites(self) -> None:
        """One suite's failure does not spill into the next."""
        results = parse(FAILING + GOOD.replace("quality", "ledger"))
        self.assertEqual([(result.suite, result.ok) for result in results],
                         [("quality", False), ("quality", True), ("ledger", True), ("ledger", True)])

    def test_parameters(self) -> None:
        """A case's parameters are not cases."""
        self.assertEqual(parse(PARAMETERS), [Result("quality", "poison", True)])

    def test_skipped(self) -> None:
        """A skipped case is not a passed one, and says why."""
        failure, = self.failures(GOOD.replace("ok 2 zero", "ok 2 zero # SKIP needs two nodes"))
        self.assertEqual((failure.case, failure.message), ("zero", "skipped: needs two nodes"))

    def test_case_missing(self) -> None:
        """Fewer cases than announced, in the middle or at the end, are a failure."""
        for case in ("poison", "zero"):
            failure, = self.failures(without(GOOD, f" {case}"))
            self.assertEqual(failure.case, "(suite)")
            self.assertIn("2 cases were announced", failure.message)

    def test_case_twice(self) -> None:
        """A case that reports twice is as bad as one that does not."""
        self.assertEqual(len(self.failures(GOOD.replace("ok 2 zero", "ok 1 poison"))), 1)

    def test_no_plan(self) -> None:
        """Without a plan nobody knows whether anything is missing."""
        failure, = self.failures(without(GOOD, "1..2"))
        self.assertIn("no plan", failure.message)

    def test_no_cases(self) -> None:
        """A suite of nothing is a failure."""
        failure, = self.failures(without(GOOD, " poison", " zero").replace("1..2", "1..0"))
        self.assertIn("no cases", failure.message)

    def test_truncated(self) -> None:
        """A log that ends within a suite is a failure wherever it ends."""
        lines = GOOD.splitlines()
        for end in range(3, len(lines)):
            failure = self.failures("\n".join(lines[:end]))[-1]
            self.assertIn("no verdict", failure.message)

    def test_crashed(self) -> None:
        """A guest that dies in a case names the case before it."""
        crash = "[    3.3] BUG: unable to handle page fault\n[    3.3] Kernel panic - not syncing: Fatal exception\n"
        failure, = self.failures("".join(GOOD.splitlines(keepends=True)[:5]) + crash)
        self.assertIn("ends after poison", failure.message)

    def test_crashed_before_next(self) -> None:
        """A suite without its end is a failure even if another one follows."""
        failure, = self.failures(without(GOOD, "ok 1 quality") + GOOD.replace("quality", "ledger"))
        self.assertEqual(failure.suite, "quality")

    def test_suite_fails_alone(self) -> None:
        """A suite whose set-up fails counts, although no case of it did."""
        failure, = self.failures(GOOD.replace("] ok 1 quality", "] not ok 1 quality"))
        self.assertEqual(failure.case, "(suite)")

    def test_nothing(self) -> None:
        """A log without suites has no results; it is the caller who knows that there should be some."""
        self.assertEqual(parse("[    1.0] Linux version 6.1\n"), [])


if __name__ == "__main__":
    unittest.main()
