# SPDX-License-Identifier: GPL-2.0
"""Tests of the benchmark's own judgement: what it refuses, what it counts, and that a lost packet fails it.

    python3 -m unittest tests.bench.test_bench
"""

import dataclasses
import unittest

from tests.bench import compare, config, flood, table
from tests.bench.config import BadConfiguration, Configuration
from tests.bench.samples import Account, Result, Samples, Transfer, Turn
from tests.bench.traffic import HostCount

COLUMNS = ["time", "socket_packets", "link_rx_packets", "link_rx_dropped", "udp_RcvbufErrors"]
OURS = ["rx_frames", "rx_delivered", "rx_drop_no_page", "rx_drop_short", "page_fail_injected"]


def samples(*rows: list[float]) -> Samples:
    """Return samples of labnet, with all its columns."""
    return Samples(COLUMNS + OURS, list(rows))


# 100 packets before any failure, 30 of 100 dropped while memory fails, 100 after.
FAILING = samples([10.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [10.1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                  [11.1, 100, 100, 0, 0, 100, 100, 0, 0, 0], [12.1, 170, 200, 0, 0, 200, 170, 30, 0, 60],
                  [13.1, 265, 300, 0, 5, 300, 270, 30, 0, 60], [13.6, 265, 300, 0, 5, 300, 270, 30, 0, 60])
HOST = HostCount(sent=500, dropped=200, seconds=3.0)


def result(*turns: Turn, **changes: object) -> Result:
    """Return a run that consists of `turns`."""
    run = Result(Configuration(sizes=(64,), rounds=1), ("labnet", "virtio_net"), {"guest kernel": "6.1"}, list(turns))
    return dataclasses.replace(run, **changes)


class ConfigurationTest(unittest.TestCase):
    """Bad wishes get one line."""

    def test_defaults(self) -> None:
        self.assertEqual(config.read([], {}), Configuration())

    def test_wishes(self) -> None:
        wish = config.read(["--rounds", "3"], {"DURATION": "2.5", "SIZES": "64, 512", "KERNEL": "7.2"})
        self.assertEqual((wish.rounds, wish.duration, wish.sizes, wish.kernel), (3, 2.5, (64, 512), "7.2"))

    def test_refusals(self) -> None:
        wishes = [("DURATION", value) for value in ("soon", "0", "nan", "1e9")]
        wishes += [("SIZES", value) for value in ("59", "1515", "64 64", "big", ",", "-64")]
        for name, value in wishes:
            with self.subTest(name=name, value=value), self.assertRaisesRegex(BadConfiguration, f"^{name}={value}"):
                config.read([], {name: value})


class SamplesTest(unittest.TestCase):
    """What sink has written is read, or refused."""

    def test_parse(self) -> None:
        parsed = Samples.parse("time\ta\n1.5\t2\n2.5\t4\n")
        self.assertEqual(parsed.rows, [[1.5, 2], [2.5, 4]])
        self.assertEqual(parsed.delta("a"), 2)

    def test_refusals(self) -> None:
        for text in ("", "time\ta\n1.0\t2\n", "sink: cannot bind\n\n\n", "time\ta\n1.0\t2\n2.0\t3\t4\n"):
            with self.subTest(text=text), self.assertRaises(ValueError):
                Samples.parse(text)

    def test_rate_starts_with_the_flood(self) -> None:
        times, rates = FAILING.rate("rx_frames")
        self.assertAlmostEqual(times[1], 0.5)
        self.assertAlmostEqual(rates[1], 100)


class AccountTest(unittest.TestCase):
    """Each packet has one place."""

    def test_labnet(self) -> None:
        account = Account.of(Turn("labnet", 64, 1, HOST, FAILING))
        self.assertEqual((account.received, account.delivered), (300, 270))
        self.assertEqual(account.dropped, {"no_page": 30, "short": 0})
        self.assertEqual((account.strayed, account.stack_lost, account.balance), (0, 0, 0))

    def test_other_driver(self) -> None:
        plain = Samples(COLUMNS, [[1.0, 0, 0, 0, 0], [2.0, 80, 100, 10, 5]])
        account = Account.of(Turn("virtio_net", 64, 1, HOST, plain))
        self.assertEqual((account.received, account.delivered, account.dropped), (100, 90, {"no cause given": 10}))
        self.assertEqual((account.stack_lost, account.balance), (5, 0))

    def test_phases(self) -> None:
        parts = compare.phases(Turn("labnet", 64, 1, HOST, FAILING, window=(11.15, 12.05)))
        self.assertEqual([part.counts["rx_frames"] for part in parts], [100, 100, 100])
        self.assertEqual([part.counts["rx_drop_no_page"] for part in parts], [0, 30, 0])
        self.assertAlmostEqual(parts[2].seconds, 1.0)


class VerdictTest(unittest.TestCase):
    """The run fails when it should."""

    def setUp(self) -> None:
        self.turn = Turn("labnet", 64, 1, HOST, FAILING, window=(11.15, 12.05))

    def test_passes(self) -> None:
        lines, passed = flood.verdict(result(self.turn))
        self.assertTrue(passed)
        self.assertIn("received 300 = delivered 270 + dropped 30: holds in each of 1 turns", lines[0])

    def test_one_packet_is_missing(self) -> None:
        rows = [list(row) for row in FAILING.rows]
        rows[-1][FAILING.columns.index("rx_delivered")] -= 1
        lines, passed = flood.verdict(result(dataclasses.replace(self.turn, samples=samples(*rows))))
        self.assertFalse(passed)
        self.assertIn("BROKEN in 1 of 1 turns", lines[0])
        self.assertIn("+1 unaccounted for", lines[1])

    def test_nothing_delivered(self) -> None:
        quiet = dataclasses.replace(self.turn, samples=samples(*FAILING.rows[:2]))
        lines, passed = flood.verdict(result(quiet))
        self.assertFalse(passed)
        self.assertIn("delivered NOTHING", lines[-1])

    def test_kernel_complained(self) -> None:
        self.assertFalse(flood.verdict(result(self.turn, warnings=["[ 1.0] BUG: x"]))[1])

    def test_slower_in_every_round(self) -> None:
        for rates, outcome in (((9, 12, 11), "met"), ((9, 9, 11), "unclear"), ((9, 9, 9.9), "MISSED")):
            run = result(self.turn)
            run.tcp = [Transfer(label, "to the guest", number, rate) for number, mine in enumerate(rates)
                       for label, rate in zip(run.labels, (mine, 10.0))]
            lines, passed = flood.verdict(run)
            self.assertTrue(passed)
            self.assertRegex(lines[-1], rf"^{outcome} +TCP to the guest: labnet / virtio_net = ")

    def test_table_of_failures(self) -> None:
        text = "\n".join(one.text() for one in table.tables(result(self.turn)))
        self.assertRegex(text, r"(?m)^ *dropped: no page, packets/s +0 +30 +0$")
        self.assertRegex(text, r"(?m)^pages refused: injected, pages/s +0 +60 +0$")
        self.assertNotIn("short", text)


if __name__ == "__main__":
    unittest.main()
