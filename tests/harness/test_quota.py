# SPDX-License-Identifier: GPL-2.0
"""Tests of long cases in pieces."""

import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from qemu import SetupError
from tests.vm import quota


class Pieces(unittest.TestCase):
    """What one guest has done is not done again by the next."""

    def setUp(self) -> None:
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.module = Path(directory, "labnet.ko")
        self.module.write_bytes(b"one")
        self.vm = SimpleNamespace(kernel=SimpleNamespace(name="6.1"), modules_from=Path(directory))
        self.enterContext(mock.patch.object(quota, "STATE", Path(directory, "quota.json")))
        self.enterContext(mock.patch("tests.vm.expect.progress"))
        self.minutes(8)

    def minutes(self, minutes: float) -> None:
        """Let a guest have so much time."""
        self.enterContext(mock.patch.object(quota, "MINUTES", minutes))

    def quota(self, case: str = "wear up") -> quota.Quota:
        """Begin a guest."""
        return quota.Quota(self.vm, case, "rounds", 10)

    def test_the_rest(self) -> None:
        self.quota().passed(7)
        self.assertEqual(self.quota().left, 3)
        self.quota().passed(3)
        self.assertEqual(self.quota().left, 0)

    def test_more_than_wanted(self) -> None:
        self.quota().passed(12)
        self.assertEqual(self.quota().left, 0)

    def test_of_others(self) -> None:
        self.quota().passed(7)
        self.assertEqual(self.quota("wear load").left, 10)
        self.vm.kernel.name = "6.12"
        self.assertEqual(self.quota().left, 10)

    def test_other_modules(self) -> None:
        self.quota().passed(7)
        self.module.write_bytes(b"two")
        self.assertEqual(self.quota().left, 10)

    def test_without_minutes_nothing_is_kept(self) -> None:
        self.minutes(0)
        self.quota().passed(7)
        self.assertEqual(self.quota().left, 10)

    def test_goes_on(self) -> None:
        guest = self.quota()
        self.assertTrue(guest.goes_on(9))
        self.assertFalse(guest.goes_on(10))
        self.minutes(1e-9)
        self.assertFalse(self.quota().goes_on(0))
        self.minutes(0)
        self.assertTrue(self.quota().goes_on(0))

    def test_minutes(self) -> None:
        self.assertEqual([quota.minutes(text) for text in ("", "0", "2.5")], [0, 0, 2.5])
        for text in ("ten", "-1", "nan", "inf"):
            with self.subTest(text=text), self.assertRaisesRegex(SetupError, f"MINUTES={text}: "):
                quota.minutes(text)


if __name__ == "__main__":
    unittest.main()
