# SPDX-License-Identifier: GPL-2.0
"""How results are counted: nothing that has shown nothing counts as passed."""

import contextlib
import io
import unittest

from qemu import SetupError
from tests import check
from tests.vm.runner import Result


def quietly(function, *arguments):
    """Call @function; return what it returns and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        value = function(*arguments)
    return value, output.getvalue()


class Counting(unittest.TestCase):
    """The last line and the exit status."""

    def test_status(self) -> None:
        good, bad = Result("vm", "x", "pass"), Result("vm", "y", "lost", "the guest hangs\nconsole: ...")
        for passed, failed, status in ((3, 0, 0), (0, 0, 1), (3, 1, 1), (0, 1, 1)):
            got, text = quietly(check.summarise, [bad] * failed + [good] * passed)
            self.assertEqual((got, text.splitlines()[-1]), (status, f"{passed} passed, {failed} failed"))
            self.assertEqual(text.splitlines()[:-1], ["lost  vm: y: the guest hangs"] * failed)

    def test_lost_is_no_success(self) -> None:
        for outcome, ok in (("pass", True), ("fail", False), ("lost", False), ("", False)):
            self.assertEqual(Result("vm", "x", outcome).ok, ok)

    def test_report_of_a_failure(self) -> None:
        _, text = quietly(check.report, Result("vm", "x", "fail", "a: wanted 1, got 2"), 5.0)
        self.assertIn("a: wanted 1, got 2", text)

    def test_group_that_cannot_run(self) -> None:
        def broken():
            yield Result("vm", "first", "pass")
            raise SetupError("no kernel")

        results = list(check.guarded("vm", broken()))
        self.assertEqual([result.ok for result in results], [True, False])
        self.assertIn("no kernel", results[1].message)


class Unittests(unittest.TestCase):
    """Python's own tests become results."""

    def outcomes(self, test) -> list[str]:
        """Run @test as the only one of a class and return the outcomes."""
        made_up = type("MadeUp", (unittest.TestCase,), {"test": test})
        collector = check.Collector()
        unittest.TestSuite([made_up("test")]).run(collector)
        return [result.outcome for result in collector.results]

    def test_outcomes(self) -> None:
        self.assertEqual(self.outcomes(lambda self: None), ["pass"])
        self.assertEqual(self.outcomes(lambda self: self.fail("no")), ["fail"])
        self.assertEqual(self.outcomes(lambda self: 1 // 0), ["fail"])
        self.assertEqual(self.outcomes(lambda self: self.skipTest("no tun")), ["fail"])


class Selection(unittest.TestCase):
    """Names on the command line."""

    def test_names(self) -> None:
        self.assertEqual(check.select([])[0], list(check.GROUPS))
        self.assertEqual(check.select(["harness"]), (["harness"], []))
        groups, cases = check.select(["ping"])
        self.assertEqual((groups, [case.name for case in cases]), (["vm"], ["ping"]))
        groups, cases = check.select(["kunit", "tcp_content"])
        self.assertEqual(groups, ["kunit", "vm"])
        self.assertEqual([case.name for case in cases], ["tcp_content.plain", "tcp_content.injected"])
        with self.assertRaises(SetupError):
            check.select(["vm", "no-such-case"])
