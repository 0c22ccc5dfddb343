# SPDX-License-Identifier: GPL-2.0
"""Tests of make bench-memory: what it makes of the guest's free pages, and that too much is a missed bound.

    python3 -m unittest tests.bench.test_memory
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from qemu import SetupError
from tests.bench import memory
from tests.bench.memory import OURS, STATES, THEIRS, Result


def result(ours: float = 700, theirs: float = 400) -> Result:
    """Return a run in which each state was measured three times."""
    run = Result(256, {"guest kernel": "6.1.0"})
    for state in STATES:
        run.said[OURS][state] = [ours, ours + 4, ours - 400]
        run.said[THEIRS][state] = [theirs, theirs + 4, theirs - 4]
        run.used[OURS][state], run.used[THEIRS][state] = [1000], [500]
    return run


class ResultTest(unittest.TestCase):
    """Medians, a ratio, a bound."""

    def test_ratio_of_medians(self) -> None:
        self.assertEqual(result().ratio(STATES[0]), 700 / 400)
        self.assertEqual(result().missed(), [])

    def test_too_much_is_missed(self) -> None:
        run = result()
        run.said[OURS][STATES[-1]] = [801, 801, 801]
        self.assertEqual(run.missed(), [STATES[-1]])

    def test_table(self) -> None:
        rows = result().table().rows
        self.assertEqual([row[0] for row in rows], list(STATES))
        self.assertEqual(rows[0][1:], ["700", "400", "1.75", "1,000", "500", "2.00"])


class DocumentTest(unittest.TestCase):
    """The table goes between the marks, and only there."""

    def write(self, text: str) -> str:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "memory.rst"
            path.write_text(text)
            with mock.patch.object(memory, "DOCUMENT", path):
                memory.document(result(), "6.1")
            return path.read_text()

    def test_replaces(self) -> None:
        text = self.write("before\n.. measured on 6.1 begins\nold\n.. measured on 6.1 ends\nafter\n")
        self.assertIn(STATES[0], text)
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
        self.assertNotIn("old", text)

    def test_no_marks(self) -> None:
        with self.assertRaises(SetupError):
            self.write("nothing\n")


class CommandTest(unittest.TestCase):
    """A wish that makes no sense gets one line, and no guest."""

    def test_bad_ring(self) -> None:
        done = subprocess.run([sys.executable, "-m", "tests.bench.memory"], env=os.environ | {"RINGS": "257"},
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (2, "error: RINGS=257: give one of 256, 512, 1024\n"))


if __name__ == "__main__":
    unittest.main()
