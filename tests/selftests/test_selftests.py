# SPDX-License-Identifier: GPL-2.0
"""The kernel's tests: what is made of their words, without a guest.

    python3 -m unittest tests.selftests.test_selftests
"""

import unittest

from qemu import SetupError
from tests.selftests import __main__ as command
from tests.selftests.results import FAIL, LOST, PASS, SKIP, WHOLE, Outcome, Row, parse, rows, table

GOOD = """TAP version 13
1..4
ok 1 queues.get_queues
# Exception| Traceback (most recent call last):
# Exception|   File "queues.py", line 3, in addremove
# Exception| NlError: Operation not supported
not ok 2 queues.addremove.two
ok 3 queues.check_xsk # SKIP AF_XDP not supported
# Check| At queues.py, line 9, in check_down:
# Check failed 3 != 4 queues after down
not ok 4 queues.check_down
# Totals: pass:1 fail:2 xfail:0 xpass:0 skip:1 error:0
status 1
"""
DRIVERS = ("virtio_net", "labnet")


class Parsing(unittest.TestCase):
    """What a test prints."""

    def test_complete(self) -> None:
        """Each case has its outcome; a skipped one has its reason, a failed one what it has said."""
        cases = parse(GOOD)
        self.assertEqual({case: outcome.kind for case, outcome in cases.items()},
                         {"get_queues": PASS, "addremove.two": FAIL, "check_xsk": SKIP, "check_down": FAIL})
        self.assertEqual(cases["check_xsk"].reason, "AF_XDP not supported")
        self.assertIn("NlError", cases["addremove.two"].reason)
        self.assertNotIn("NlError", cases["check_down"].reason)

    def test_cut(self) -> None:
        """A test that ends before its last case is lost as a whole, whatever passed before."""
        cases = parse("\n".join(GOOD.splitlines()[:3] + ["status 124"]))
        self.assertEqual(cases["get_queues"].kind, PASS)
        self.assertEqual(cases[WHOLE].kind, LOST)
        self.assertIn("took too long after 1 of 4", cases[WHOLE].reason)

    def test_silent(self) -> None:
        """So is one that cannot begin, that announces no case, or whose guest has died."""
        for output, problem in (("Traceback\nImportError: yaml\nstatus 1", ""), ("TAP version 13\n1..0\nstatus 0", ""),
                                ("", "panic")):
            self.assertEqual([outcome.kind for outcome in parse(output, problem).values()], [LOST], output)

    def test_guest(self) -> None:
        """What is wrong with the guest afterwards is a failure, even if all cases have passed."""
        self.assertEqual(parse(GOOD, "pages are missing")[WHOLE], Outcome(FAIL, "pages are missing"))


class Table(unittest.TestCase):
    """Two drivers side by side."""

    def setUp(self) -> None:
        """Let labnet fail in what virtio_net can do, and the other way round."""
        ours, theirs = parse(GOOD), parse(GOOD)
        theirs["addremove.two"] = Outcome(PASS)
        theirs["get_queues"] = Outcome(FAIL, "no")
        self.rows = rows({("queues.py", "virtio_net"): theirs, ("queues.py", "labnet"): ours})

    def test_worse(self) -> None:
        """What counts is what passes with one and not with the other."""
        self.assertEqual([row.case for row in self.rows if row.worse("labnet", "virtio_net")], ["addremove.two"])
        self.assertEqual([row.case for row in self.rows if row.worse("virtio_net", "labnet")], ["get_queues"])

    def test_absent(self) -> None:
        """A case that one driver's test never came to has not passed."""
        row = Row("ping.py", "test_v4", {"virtio_net": Outcome(PASS)})
        self.assertTrue(row.worse("labnet", "virtio_net"))

    def test_lines(self) -> None:
        """Each row gives the reason in one line, and the sums count each kind of outcome."""
        lines = list(table(self.rows, DRIVERS))
        self.assertRegex(lines[2], r"^queues.py  addremove.two +pass +fail +NlError: Operation not supported$")
        self.assertRegex(lines[4], r"^queues.py  check_down +fail +fail +Check failed 3 != 4 queues after down$")
        self.assertEqual(lines[-2:], ["virtio_net: 1 pass, 2 fail, 1 skip", "labnet: 1 pass, 2 fail, 1 skip"])


class Choosing(unittest.TestCase):
    """The command line."""

    def test_names(self) -> None:
        """An unknown test is refused."""
        self.assertEqual(command.chosen(["b.py"], ["a.py", "b.py"]), ["b.py"])
        self.assertEqual(command.chosen([], ["a.py", "b.py"]), ["a.py", "b.py"])
        with self.assertRaisesRegex(SetupError, "unknown test 'c.py'"):
            command.chosen(["c.py"], ["a.py"])


if __name__ == "__main__":
    unittest.main()
