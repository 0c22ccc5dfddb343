# SPDX-License-Identifier: GPL-2.0
"""What a debug kernel gets more of, and how chance is repeated.

    python3 -m unittest tests.harness.test_effort
"""

import io
import os
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from qemu.kernels import Kernel
from tests.vm import effort, runner


def kernel(name: str) -> Kernel:
    """Return a kernel of which only the name matters."""
    return Kernel(name, name, Path(), Path(), Path(), "")


class Effort(unittest.TestCase):
    """Without any guest."""

    def test_memory(self) -> None:
        """A small guest grows for a debug kernel, and for no other."""
        wanted = {("256M", "6.1-debug"): "512M", ("256M", "6.1"): "256M", ("1G", "7.2-debug"): "1G", ("768M", "7.2-debug"): "768M"}
        self.assertEqual({(size, name): effort.memory(size, kernel(name)) for size, name in wanted}, wanted)

    def test_patience(self) -> None:
        """Only a debug kernel is waited for."""
        self.assertEqual([effort.patience(kernel(name)) for name in ("7.2", "6.1-rt")], [1, 1])
        self.assertGreater(effort.patience(kernel("6.1-debug")), 1)

    def test_seed(self) -> None:
        """The seed is told, and gives the same again."""
        with redirect_stdout(io.StringIO()) as told:
            first = effort.dice().random()
        seed = told.getvalue().strip().removeprefix("SEED=")
        with mock.patch.dict(os.environ, SEED=seed), redirect_stdout(io.StringIO()):
            self.assertEqual(effort.dice().random(), first)

    def test_rare(self) -> None:
        """A case that takes long runs where it is named, or all are wanted."""
        rare = {case.name for case in runner.find(["fault_nth"])}
        self.assertIn("fault_nth.open", rare)
        self.assertFalse(rare & {case.name for case in runner.find()})
        self.assertLessEqual(rare, {case.name for case in runner.find(rare=True)})

    def test_flavour(self) -> None:
        """A case that needs a debug kernel has one, whichever kernel is tested."""
        case = runner.find(["fault_traffic"])[0]
        self.assertEqual([case.kernel(name) for name in ("6.1", "6.12", "7.2")], ["6.1-debug", "6.1-debug", "7.2-debug"])


if __name__ == "__main__":
    unittest.main()
