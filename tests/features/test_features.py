# SPDX-License-Identifier: GPL-2.0
"""The comparison of features, without a guest."""

import tempfile
import unittest
from pathlib import Path

from qemu import TOP, RunError
from tests.features import bits
from tests.features.bits import NUMBERS, Reasons
from tests.features.table import Card, lacking, table

TABLE = """
``CSUM``         used   the device completes checksums
``GUEST_TSO4``   used   large TCP packets: refused
                        without ``GUEST_CSUM`` or ``MRG_RXBUF``
``CTRL_VLAN``    no     VLAN filters
"""
CSUM, GUEST_CSUM, TSO4, MERGEABLE, VLAN = (NUMBERS[word] for word in
                                           ("CSUM", "GUEST_CSUM", "GUEST_TSO4", "MRG_RXBUF", "CTRL_VLAN"))


class ReasonsTest(unittest.TestCase):
    """What Documentation says."""

    def setUp(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".rst") as file:
            file.write(TABLE)
            file.flush()
            self.reasons = Reasons(Path(file.name))

    def test_not_used(self) -> None:
        """A bit that the driver never takes has a reason."""
        self.assertEqual(self.reasons.why(VLAN, []), "VLAN filters")

    def test_used(self) -> None:
        """There is none for a bit that is called used."""
        self.assertEqual(self.reasons.why(CSUM, []), "")

    def test_condition(self) -> None:
        """There is one where a bit that it needs is missing, on that card alone."""
        self.assertIn("large", self.reasons.why(TSO4, [GUEST_CSUM]))
        self.assertIn("large", self.reasons.why(TSO4, [MERGEABLE]))
        self.assertEqual(self.reasons.why(TSO4, [GUEST_CSUM, MERGEABLE]), "")

    def test_unknown(self) -> None:
        """There is none for a bit that the table does not have."""
        self.assertEqual(self.reasons.why(NUMBERS["RING_PACKED"], []), "")

    def test_real_table(self) -> None:
        """The real table can be read, conditions included."""
        real = Reasons(TOP / "Documentation/driver.rst")
        self.assertTrue(real.why(TSO4, [GUEST_CSUM]))
        self.assertEqual(real.why(CSUM, []), "")

    def test_no_table(self) -> None:
        """A document without a table is an error, not a lack of reasons."""
        with tempfile.NamedTemporaryFile("w") as file, self.assertRaises(RunError):
            Reasons(Path(file.name))


class CompareTest(unittest.TestCase):
    """What the two drivers have."""

    def test_lacking(self) -> None:
        """What labnet lacks is found on each card, and what it has more is none of it."""
        cards = [Card("a", {CSUM, VLAN}, {CSUM, VLAN}, {CSUM}), Card("b", {CSUM, TSO4}, {CSUM}, {TSO4})]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(TABLE)
            file.flush()
            found = list(lacking(cards, Reasons(Path(file.name))))
        self.assertEqual(found, [("CSUM (b)", ""), ("CTRL_VLAN (a)", "VLAN filters")])

    def test_table(self) -> None:
        """A cell has a letter for each of the three."""
        lines = list(table([Card("a", {CSUM}, {CSUM}, set())]))
        self.assertEqual(lines[-1].split(), ["0", "CSUM", "ov."])


class ReadTest(unittest.TestCase):
    """What QEMU and the guest say."""

    def test_offered(self) -> None:
        """Names that are known, QEMU's own words, and bits that it has no word for."""
        status = {"host-features": {"unknown-dev-features": 1 << 40, "dev-features": ["VIRTIO_NET_F_CSUM: text"],
                                    "transports": ["VIRTIO_F_IOMMU_PLATFORM: text", "VIRTIO_RING_F_EVENT_IDX: text"]}}
        self.assertEqual(bits.offered(status), {0, 29, 33, 40})

    def test_offered_unknown_word(self) -> None:
        """A word that nobody knows is an error: a bit must not get lost."""
        with self.assertRaises(RunError):
            bits.offered({"host-features": {"dev-features": ["VIRTIO_NET_F_NEW: text"], "transports": []}})

    def test_negotiated(self) -> None:
        """The first digit is bit 0; what are no digits is an error."""
        self.assertEqual(bits.negotiated("1" + "0" * 62 + "1\n"), {0, 63})
        with self.assertRaises(RunError):
            bits.negotiated("")


if __name__ == "__main__":
    unittest.main()
