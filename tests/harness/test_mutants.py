# SPDX-License-Identifier: GPL-2.0
"""Each mutant applies to the sources as they are; a patch or a test that is not what it should be is told from one that is.

    python3 -m unittest tests.harness.test_mutants
"""

import tempfile
import unittest
from pathlib import Path

from qemu import TOP, SetupError
from tests.mutants import __main__ as command
from tests.mutants import mutant as mutants
from tests.vm import runner

PATCH = "What: one is two\nCaught-by: vm ping\nSays: wanted 1\n\n--- a/drivers/a.c\n+++ b/drivers/a.c\n@@ -1 +1 @@\n-one\n+two\n"


class Mutants(unittest.TestCase):
    """Patches, without any guest."""

    def setUp(self) -> None:
        """Make a tree of one file, and a mutant of it."""
        directory = tempfile.TemporaryDirectory(prefix="mutants-")
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        (self.root / "drivers").mkdir()
        (self.root / "one.patch").write_text(PATCH)
        self.source = self.root / "drivers/a.c"
        self.source.write_text("one\n")

    def one(self) -> mutants.Mutant:
        """Read the mutant."""
        return mutants.find([], self.root)[0]

    def test_all_apply(self) -> None:
        """Those that there are fit the sources, and their tests exist."""
        tree = self.root / "copy"
        command.copy_sources(tree)
        before = {path: path.read_bytes() for path in tree.rglob("*.[ch]")}
        found = mutants.find([])
        self.assertGreaterEqual(len(found), 10)
        for mutant in found:
            with self.subTest(mutant.name):
                mutant.apply(tree)
                mutant.revert(tree)
                self.assertEqual(before, {path: path.read_bytes() for path in tree.rglob("*.[ch]")})
                if mutant.group == "vm":
                    self.assertTrue(runner.find([mutant.test]))
                else:
                    self.assertIn(f'"{mutant.test}"', "".join(path.read_text() for path in (TOP / "drivers").rglob("*_kunit.c")))

    def test_patch(self) -> None:
        """It is put in and taken out."""
        self.one().apply(self.root)
        self.assertEqual(self.source.read_text(), "two\n")
        self.one().revert(self.root)
        self.assertEqual(self.source.read_text(), "one\n")

    def test_does_not_apply(self) -> None:
        """A patch that fits no more is an error, and changes nothing."""
        self.source.write_text("three\n")
        with self.assertRaisesRegex(SetupError, "^one.patch does not apply: "):
            self.one().apply(self.root)
        self.assertEqual([path.name for path in self.source.parent.iterdir()], ["a.c"])
        self.assertEqual(self.source.read_text(), "three\n")

    def test_head(self) -> None:
        """A patch says what it is."""
        for line in PATCH.splitlines(True)[:3]:
            (self.root / "one.patch").write_text(PATCH.replace(line, ""))
            with self.assertRaisesRegex(SetupError, "one.patch: its head has to say"):
                self.one()

    def test_verdict(self) -> None:
        """Only the failure that was foretold counts."""
        self.assertEqual(command.verdict(self.one(), True, "ping: wanted 1, got 2"), "caught")
        self.assertEqual(command.verdict(self.one(), True, "no answer\nin time"), "failed for another reason: no answer")
        self.assertEqual(command.verdict(self.one(), False, "wanted 1"), "NOT CAUGHT")

    def test_unknown(self) -> None:
        """The error names those that there are."""
        with self.assertRaisesRegex(SetupError, "unknown mutant 'two': there are one"):
            mutants.find(["two"], self.root)


if __name__ == "__main__":
    unittest.main()
