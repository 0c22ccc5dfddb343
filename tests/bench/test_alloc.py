# SPDX-License-Identifier: GPL-2.0
"""Tests of the page layer's benchmark: what it subtracts, what it refuses, and that a missed goal is one.

    python3 -m unittest tests.bench.test_alloc
"""

import contextlib
import io
import re
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from tests.bench import alloc, tradeoff

LOOP = 8


def text(known: int = 100, **costs: float) -> str:
    """Return a guest's report in which each operation costs 50 instructions, stocking and a turn 150, but for @costs."""
    costs = {"stock": 150, "turn": 150, **costs}
    lines = [f"calibration empty 1024 {1024 * LOOP} {1024 * LOOP}",
             f"calibration known 1024 {1024 * (LOOP + known)} {1024 * (LOOP + known)}", "known 100"]
    operations = ("take_stash", "post", "inspect", "lend", "poll_begin", "put_page", "take_recycled", "turn", "untake",
                  "alloc_pages", "stock", "retire", "take_reserve", "take_reserve_low")
    for quality in alloc.QUALITIES:
        for zones in (alloc.ONE, alloc.MANY):
            for operation in operations:
                ticks = int(1024 * (LOOP + costs.get(operation, 50)))
                lines.append(f"cost {operation} {quality:#x} {zones} 1024 {ticks - 1024} {ticks} {ticks + 2048}")
    lines += [f"yardstick {name} 1024 {1024 * (LOOP + 7)}" for name in ("alloc_free", "page_pool_direct")]
    return "\n".join([*lines, "end"])


class ParseTest(unittest.TestCase):
    """What is made of the guest's report."""

    def test_loop_is_subtracted(self) -> None:
        report = alloc.parse(text(lend=61))
        self.assertEqual(report.cost("lend", alloc.DEFAULT), 61)
        self.assertEqual(report.costs["lend", alloc.OFF, alloc.ONE].spread, 3)
        self.assertEqual(report.yardsticks["alloc_free"].median, 7)

    def test_incomplete_report_is_refused(self) -> None:
        with self.assertRaisesRegex(alloc.BadReport, "not complete"):
            alloc.parse(text().removesuffix("end"))

    def test_missing_quality_is_refused(self) -> None:
        with self.assertRaisesRegex(alloc.BadReport, "quality 0x7f"):
            alloc.parse(re.sub(r"cost stock 0x7f 1 .*\n", "", text()))

    def test_clock_that_counts_time_is_refused(self) -> None:
        with self.assertRaisesRegex(alloc.BadReport, "does not count instructions"):
            alloc.parse(text(known=37))


def ways(success: int = tradeoff.REQUESTS, **cost: int) -> str:
    """Return a report in which each request takes 102 ticks, 2 of them the clock's, but for @cost; @success of the reserve."""
    lines = ["tradeoff nothing thread plenty 1024 2:1024"]
    for level in tradeoff.LEVELS:
        for source in tradeoff.SOURCES:
            for context in (context for context in tradeoff.CONTEXTS if tradeoff.legal(source, context)):
                got = success if source == "reserve" else tradeoff.REQUESTS
                high = cost.get(f"{source}_{level}", 100) + 2
                lines.append(f"tradeoff {source} {context} {level} {got} 102:1000 {high}:24")
    return "\n".join([*lines, "end"])


class TradeoffTest(unittest.TestCase):
    """The ways to a page while memory goes."""

    def test_percentiles(self) -> None:
        way = next(way for way in tradeoff.parse(ways(stash_floor=500)) if (way.source, way.level) == ("stash", "floor"))
        self.assertEqual([way.percentile(share) for share in tradeoff.PERCENTILES.values()], [100, 500, 500, 500])
        self.assertEqual(way.percentile(1000 / 1024), 100)
        self.assertEqual(way.success, 100)

    def test_tables(self) -> None:
        found = tradeoff.parse(ways())
        self.assertEqual([len(table.rows) for table in tradeoff.tables(found)], [16] * len(tradeoff.LEVELS))
        self.assertEqual(tradeoff.overview(found).rows[0], ["GFP_KERNEL, thread", *["100 %, 100"] * len(tradeoff.LEVELS)])

    def test_goals(self) -> None:
        self.assertTrue(all(met for _, met in tradeoff.goals(tradeoff.parse(ways()))))
        missed = [name for name, met in tradeoff.goals(tradeoff.parse(ways(success=1023))) if not met]
        self.assertEqual(missed, ["reserve: every request has led to a page"])
        slower = tradeoff.parse(re.sub(r"(tradeoff stash \w+ floor \d+) .*", r"\1 132:1024", ways()))
        self.assertEqual([met for name, met in tradeoff.goals(slower) if name.startswith("stash: medians")], [False])

    def test_bad_reports_are_refused(self) -> None:
        for text, why in ((ways().removesuffix("end"), "not complete"), (ways().replace("nothing", "stash", 1), "clock"),
                          (re.sub(r"tradeoff stash hardirq floor .*\n", "", ways()), "stash"),
                          (ways().replace("102:1000", "102:999", 1), "1023 values")):
            with self.assertRaisesRegex(tradeoff.BadTradeoff, why):
                tradeoff.parse(text)


class GoalTest(unittest.TestCase):
    """A goal is met or missed."""

    def verdict(self, **costs: float) -> bool:
        with contextlib.redirect_stdout(io.StringIO()):
            return alloc.show(alloc.parse(text(**costs)))

    def test_met(self) -> None:
        self.assertTrue(self.verdict())
        self.assertTrue(self.verdict(take_recycled=80, take_stash=120, stock=1150, alloc_pages=1000))

    def test_missed(self) -> None:
        self.assertFalse(self.verdict(take_recycled=81))
        self.assertFalse(self.verdict(take_stash=121))
        self.assertFalse(self.verdict(stock=1151, alloc_pages=1000))

    def test_many_zones_cost_more(self) -> None:
        worse = re.sub(rf"cost take_stash {alloc.DEFAULT:#x} {alloc.MANY} .*",
                       f"cost take_stash {alloc.DEFAULT:#x} {alloc.MANY} 1024 {1024 * (LOOP + 52)}", text())
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertFalse(alloc.show(alloc.parse(worse)))


class DocumentTest(unittest.TestCase):
    """Only what stands between the marks is replaced."""

    def test_replaces_between_the_marks(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "page.rst"
            path.write_text("before\n\n.. measured begins\n\nold\n\n.. measured ends\n\nafter\n")
            alloc.document(alloc.parse(text()), path, SimpleNamespace(release="6.1"))
            new = path.read_text()
        self.assertTrue(new.startswith("before\n") and new.endswith("\nafter\n"))
        self.assertNotIn("old", new)
        self.assertIn("stocking above alloc_pages()", new)

    def test_refuses_a_page_without_marks(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "page.rst"
            path.write_text("nothing\n")
            with self.assertRaisesRegex(alloc.RunError, "marks"):
                alloc.document(alloc.parse(text()), path, SimpleNamespace(release="6.1"))


if __name__ == "__main__":
    unittest.main()
