# SPDX-License-Identifier: GPL-2.0
"""The table of all cases on all kernels: what is kept, what is done again, what makes it fail.

    python3 -m unittest tests.harness.test_matrix
"""

import io
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path

from tests import matrix
from tests.matrix import Cell, State


class Matrix(unittest.TestCase):
    """Cells that need no guest."""

    def setUp(self) -> None:
        """Make an empty directory, and two cells."""
        directory = tempfile.TemporaryDirectory(prefix="matrix-")
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "build/state.json"
        self.ran: list[str] = []
        self.outcomes = {"ping 6.1": ("pass", ""), "ping 7.2": ("fail", "wanted 1, got 2\nlog: here.log")}
        self.cells = [Cell(*name.split(), run=lambda name=name: self.run_cell(name)) for name in self.outcomes]

    def run_cell(self, name: str) -> tuple[str, str]:
        """Stand for a guest."""
        self.ran.append(name)
        return self.outcomes[name]

    def work(self, sources: str = "a") -> str:
        """Do what is left to do, and return the table."""
        state = State(self.path, sources)
        with redirect_stdout(io.StringIO()):
            matrix.work(self.cells, state)
        return matrix.table(self.cells, state.results)

    def test_table(self) -> None:
        """A cell that has not passed names its log."""
        self.assertEqual(self.work().splitlines(), ["case  6.1        7.2", "ping  pass       fail", "fail  ping 7.2: wanted 1, got 2",
                                                    "      log: here.log", "1 passed, 1 failed"])

    def test_resume(self) -> None:
        """What was found is not looked for again, but what was lost is."""
        self.work()
        self.outcomes["ping 7.2"] = ("lost", "panic")
        self.work()
        self.assertEqual(self.ran, ["ping 6.1", "ping 7.2"])
        self.ran.clear()
        self.path.unlink()
        self.work()
        self.work()
        self.assertEqual(self.ran, ["ping 6.1", "ping 7.2", "ping 7.2"])

    def test_other_sources(self) -> None:
        """Other sources, other results."""
        self.work()
        self.work("b")
        self.assertEqual(len(self.ran), 4)

    def test_not_run(self) -> None:
        """An empty cell is no success."""
        self.assertIn("0 passed, 2 failed", matrix.table(self.cells, {}))

    def test_own_kernel(self) -> None:
        """A case that needs a kernel has one cell, the others one for each kernel."""
        found = [matrix.kernels.Kernel(name, name, Path(), Path(), Path(), "") for name in ("6.1", "6.1-rt", "6.1-debug")]
        todo = [cell.name for cell in matrix.cells(found, matrix.runner.find(["ping", "preempt_rt", "fault_traffic"]), True)]
        self.assertEqual(sorted(todo), ["fault_traffic 6.1-debug", "kunit 6.1-debug", "ping 6.1", "ping 6.1-debug", "ping 6.1-rt",
                                        "preempt_rt 6.1-rt"])


if __name__ == "__main__":
    unittest.main()
