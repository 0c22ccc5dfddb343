# SPDX-License-Identifier: GPL-2.0
"""Tests of make bench: what it makes of the spinner's report, what it refuses, and that a missed bound is one.

    python3 -m unittest tests.bench.test_cost
"""

import contextlib
import io
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from tests.bench.config import BadConfiguration
from tests.bench.cost import __main__ as command
from tests.bench.cost import config, document, figures, interrupt, measure, pictures, profile, store, table
from tests.bench.cost.config import DEFAULT, FLOOR, OURS, THEIRS, Case, Setup, Wish
from tests.bench.cost.figures import BadReport, Figure, Result, Spin, Window
from tests.bench.cost.paths import PATHS

LOOP = figures.LOOP
# Of a hundred million instructions, packets took one fifth.
BUSY = f"window 100000000 {80_000_000 // LOOP} 10000\nwindow 100000000 {79_000_000 // LOOP} 10000\ninterrupts 50 20000"


def result(ours: float = 600, theirs: float = 1000, off: float = 595, missing: str = "") -> Result:
    """Return a run in which tc-drop was measured at 64 and 1500 bytes."""
    wish = Wish(paths=("tc-drop",))
    run = Result(wish, {"guest kernel": "6.1.0"})
    costs = {(OURS, DEFAULT): ours, (OURS, "off"): off, (THEIRS, ""): theirs, (FLOOR, ""): 300}
    for case in wish.cases():
        cost = costs[case.driver, case.quality]
        lost = missing if (case.driver, case.quality) == (OURS, DEFAULT) else ""
        run.figures.append(Figure(case, Setup(), [] if lost else [cost * 0.99, cost, cost * 1.01], 0.01, lost))
    return run


def several(cost: float) -> Result:
    """Return the run with eight queues in addition, with which a packet has another cost."""
    run, more = result(), result(ours=cost)
    run.wish = replace(run.wish, queues=(1, 8))
    run.figures += [replace(one, setup=Setup(queues=8)) for one in more.figures]
    return run


def verdict(run: Result) -> bool:
    """Return whether the run would pass."""
    with contextlib.redirect_stdout(io.StringIO()):
        return command.show(run)


class ConfigurationTest(unittest.TestCase):
    """Bad wishes get one line."""

    def test_defaults(self) -> None:
        self.assertEqual(config.read({}), Wish())

    def test_wishes(self) -> None:
        wish = config.read({"PATHS": "tc-drop udp-closed", "SIZES": "64", "RINGS": "1024", "QUEUES": "2 4", "QUALITY": "full",
                            "INIT": "off", "KERNEL": "6.12"})
        self.assertEqual(wish, Wish("6.12", ("tc-drop", "udp-closed"), (64,), (1024,), (2, 4), ("full",), (False,)))
        self.assertEqual(len(wish.setups()), 2)

    def test_everything(self) -> None:
        wish = config.read({"FULL": "1", "QUEUES": "1"})
        self.assertEqual((wish.sizes, wish.rings, wish.queues), ((64, 512, 1500), (256, 1024), (1,)))
        self.assertEqual(len(wish.setups()), 4)

    def test_minutes(self) -> None:
        self.assertEqual(config.read({"MINUTES": "7.5"}).minutes, 7.5)

    def test_refusals(self) -> None:
        for name, value in (("MINUTES", "soon"), ("PATHS", "tc-dorp"), ("SIZES", "9000"), ("RINGS", "300"), ("QUEUES", "3"), ("QUALITY", "best"),
                            ("INIT", "maybe"), ("FULL", "2"), ("PATHS", "tc-drop tc-drop")):
            with self.subTest(name=name), self.assertRaisesRegex(BadConfiguration, f"^{name}={value}"):
                config.read({name: value})

    def test_floor_is_beside_what_receives(self) -> None:
        self.assertEqual([case.driver for case in Wish(paths=("udp-tx",), sizes=(64,)).cases()], [OURS, THEIRS])
        self.assertEqual(Wish(paths=("tc-drop",), sizes=(64,)).cases()[0], Case(PATHS["floor"], 64, FLOOR))


class SpinTest(unittest.TestCase):
    """What is made of the spinner's report."""

    def test_costs(self) -> None:
        spin = Spin.parse(BUSY)
        self.assertEqual(figures.costs(spin, LOOP, 1), [2000, 2100])
        self.assertEqual((spin.interrupts, spin.count), (50, 20000))

    def test_clock_costs_nothing(self) -> None:
        """What the kernel does without packets is no packet's cost."""
        self.assertAlmostEqual(figures.costs(Spin([Window(1_010_000, 100, 10)], 0, 10), 1.01 * LOOP, 1)[0], 0)

    def test_refusals(self) -> None:
        for text in ("", "window 1 2 3", "interrupts 1 2", f"{BUSY}\nspinner: cannot", "window 1 2"):
            with self.subTest(text=text), self.assertRaises(BadReport):
                Spin.parse(text)

    def test_clock_that_counts_time_is_refused(self) -> None:
        figures.check_clock(Spin([Window(100 * LOOP + 300, 100, 0)], 0, 0))
        for ticks in (37 * LOOP, 120 * LOOP):
            with self.subTest(ticks=ticks), self.assertRaisesRegex(BadReport, "does not count instructions"):
                figures.check_clock(Spin([Window(ticks, 100, 0)], 0, 0))


class FakeGuest(measure.Guest):
    """A guest in which 20,000 packets arrived, of which some took the way that is measured."""

    def __init__(self, taken: int, windows: list[int]) -> None:
        self.vm = SimpleNamespace(run=lambda script, timeout=0: "")
        self.setup, self.per_loop, self._counted = Setup(), LOOP, iter([(100, 50), (20100, 50 + taken)])
        self._windows = windows
        card = SimpleNamespace(interface="eth0", device="virtio1", line=SimpleNamespace(host="10.11.0.1"))
        self.cards = {OURS: [card, card]}

    def spin(self, *_: object, **__: object) -> Spin:
        """Each packet cost 2000 instructions."""
        return Spin([Window(100_000_000, (100_000_000 - 2000 * count) // LOOP, count) for count in self._windows], 50, 20000)

    def _counts(self, case: Case) -> tuple[int, int]:
        return next(self._counted)

    def _traffic(self, case: Case) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext()


class GuestTest(unittest.TestCase):
    """A figure is one only if enough packets came and took the way that it is about."""

    CASE = Case(PATHS["tc-drop"], 64, OURS, DEFAULT)

    def test_figure(self) -> None:
        figure = FakeGuest(20000, [5000] * 5 + [3]).measure(self.CASE)
        self.assertEqual((figure.samples, figure.interrupts, figure.missing), ([2000] * 5, 0.0025, ""))

    def test_another_way(self) -> None:
        self.assertEqual(FakeGuest(19000, [5000] * 5).measure(self.CASE).missing, "only 19000 of 20000 took this way")

    def test_too_few_packets(self) -> None:
        self.assertIn("only 4 windows", FakeGuest(20000, [5000] * 4 + [499] * 5).measure(self.CASE).missing)


class SharesTest(unittest.TestCase):
    """A flood of several queues is one of all of them."""

    def test_each_has_its_part(self) -> None:
        measure.check_shares([])
        measure.check_shares([1000, 2000, 3000, 1200])

    def test_one_stands_still(self) -> None:
        with self.assertRaisesRegex(measure.Missing, "queue 2 received 40 of 6040 packets"):
            measure.check_shares([3000, 2000, 40, 1000])

    def test_counters(self) -> None:
        for text in ("     rx0_frames: 5\n     rx1_frames: 6\n     rx_frames: 11", "     rx_queue_0_packets: 5\n rx_queue_1_packets: 6",
                     "     rx0_packets: 5\n     rx0_xdp_packets: 7\n     rx1_packets: 6"):
            self.assertEqual(measure.QUEUE_COUNTER.findall(text), [("0", "5"), ("1", "6")])


class VerdictTest(unittest.TestCase):
    """A bound is met, missed, or has no figure; only the first passes."""

    def test_met(self) -> None:
        self.assertEqual([one.outcome for one in figures.verdicts(result())], ["met"] * 4)
        self.assertTrue(verdict(result()))

    def test_missed(self) -> None:
        self.assertFalse(verdict(result(theirs=880)))

    def test_quality_is_too_dear(self) -> None:
        self.assertFalse(verdict(result(off=580)))

    def test_many_queues_are_too_dear(self) -> None:
        for cost, outcome in ((615, "met"), (620, "MISSED")):
            run = several(cost)
            self.assertEqual([(one.words, one.outcome) for one in figures.verdicts(run) if "queues" in one.words],
                             [(f"tc-drop, {size} bytes, 8 queues / one - 1", outcome) for size in (64, 1500)])

    def test_missing_is_not_met(self) -> None:
        run = result(missing="not supported: no XDP")
        self.assertEqual({one.outcome for one in figures.verdicts(run)}, {"MISSING"})
        self.assertFalse(verdict(run))

    def test_kernel_complained(self) -> None:
        run = result()
        run.warnings.append("[ 1.0] BUG: x")
        self.assertFalse(verdict(run))

    def test_bounds_are_about_guests_as_shipped(self) -> None:
        run = result()
        run.wish = Wish(init_on_alloc=(False,))
        self.assertEqual(figures.verdicts(run), [])


class ShowTest(unittest.TestCase):
    """The tables, the pictures and the page say what was measured."""

    def test_table(self) -> None:
        text = table.tables(result())[0].text()
        self.assertRegex(text, r"(?m)^tc-drop, 64 bytes +300 +600 +0\.010 +1,000 +0\.010 +0\.600 \(0\.588 - 0\.612\)$")

    def test_missing(self) -> None:
        text = table.tables(result(missing="xdp: not supported: the driver has none"))[0].text()
        self.assertRegex(text, r"(?m)^tc-drop, 64 bytes +300 +not supported +- +1,000 +0\.010 +-$")

    def test_qualities(self) -> None:
        self.assertRegex(table.tables(result())[1].text(), r"tc-drop, 64 bytes +600 +595 +1\.008")

    def test_queues(self) -> None:
        text = next(one.text() for one in table.tables(several(615)) if one.title.startswith("by queues"))
        self.assertRegex(text, r"tc-drop, 64 bytes +600 +615 +1,000 +1,000 +1\.025 +1\.000")

    def test_guests(self) -> None:
        run, more = result(), result(ours=500)
        run.wish = replace(run.wish, init_on_alloc=(True, False))
        run.figures += [replace(one, setup=Setup(init_on_alloc=False)) for one in more.figures]
        text = table.summaries(run)[0].text()
        self.assertRegex(text, r"(?m)^ring of 256, 1 queue, init_on_alloc=1, 64 bytes +0\.600$")
        self.assertRegex(text, r"(?m)^ring of 256, 1 queue, init_on_alloc=0, 1500 bytes +0\.500$")

    def test_pictures_of_a_run_with_holes(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            for path in pictures.draw(result(missing="not supported"), Path(name)):
                self.assertGreater(path.stat().st_size, 1000)

    def test_document(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            page = Path(name) / "page.rst"
            page.write_text(".. measured on 6.1 begins\nold\n.. measured on 6.1 ends\n\n.. measured on 6.12 begins\nkept\n")
            document.write(result(), path=page)
            text = page.read_text()
        self.assertIn("0.600", text)
        self.assertNotIn("old", text)
        self.assertIn("kept", text)


class InterruptTest(unittest.TestCase):
    """One long call among thousands is seen."""

    SYMBOLS = "ffffffff81000000 T vring_interrupt\nffffffff81000090 t next\nffffffffc0000000 t labnet_rx_interrupt\t[labnet]\n"

    def test_percentiles(self) -> None:
        found = interrupt.Calls.of("quiet", OURS, [60] * 1978 + [200] * 20 + [900, 30_000])
        self.assertEqual((found.median, found.p99, found.p999, found.most), (60, 200, 200, 30_000))
        self.assertIn("30,000", interrupt.table([found], "6.1").text())

    def test_too_few(self) -> None:
        with self.assertRaisesRegex(BadReport, "only 999 interrupts"):
            interrupt.Calls.of("quiet", OURS, [60] * 999)

    def test_span(self) -> None:
        self.assertEqual(interrupt.span(self.SYMBOLS, "labnet_rx_interrupt"),
                         (0xffffffffc0000000, 0xffffffff81000000, 0xffffffff81000090))
        with self.assertRaisesRegex(BadReport, "no address of skb_recv_done"):
            interrupt.span(self.SYMBOLS, "skb_recv_done")


class StoreTest(unittest.TestCase):
    """A run that is interrupted goes on where it ended, and does not mix what cannot be mixed."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "figures.json"

    def test_figures_come_back(self) -> None:
        run = several(600)
        store.Store(self.path, {"kernel": "6.1.0"}).save(run.figures)
        self.assertEqual(store.Store(self.path, {"kernel": "6.1.0"}).load(), run.figures)

    def test_nothing_of_another_driver(self) -> None:
        store.Store(self.path, {"sources": "a"}).save(result().figures)
        self.assertEqual(store.Store(self.path, {"sources": "b"}).load(), [])

    def test_what_is_missing_is_measured_again(self) -> None:
        store.Store(self.path, {}).save(result(missing="the machine is too busy").figures)
        self.assertEqual({one.case.driver for one in store.Store(self.path, {}).load() if not one.case.quality}, {THEIRS, FLOOR})
        self.assertNotIn(DEFAULT, {one.case.quality for one in store.Store(self.path, {}).load()})

    def test_fingerprint(self) -> None:
        for name in store.SOURCES:
            path = self.path.parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if "." in path.name:
                path.write_text("a")
            else:
                path.mkdir()
        before = store.fingerprint(self.path.parent)
        (self.path.parent / "drivers/a.c").write_text("a")
        self.assertNotEqual(store.fingerprint(self.path.parent), before)


class ProfileTest(unittest.TestCase):
    """Steps are counted for the function that they are in."""

    SYMBOLS = profile.Symbols("ffffffff81000000 T first\nffffffff81000100 t second\nffffffffc0000000 t rx_poll\t[labnet]\n"
                              "ffffffff81000080 d data\n")

    def test_fold(self) -> None:
        steps = "ffffffff81000000 100\nffffffff81000090 50\nffffffff81000100 20\nffffffffc0000010 600\n401000 1000\n"
        self.assertEqual(profile.fold(steps, self.SYMBOLS, 10), {
            profile.PROGRAMS: 100, "rx_poll [labnet]": 60, "first": 15, "second": 2})

    def test_compare(self) -> None:
        case = Case(PATHS["tc-drop"], 64, OURS, DEFAULT)
        text = profile.compare(case, {"a": 50, profile.PROGRAMS: 900, "tiny": 1}, {"a": 20, "b": 30}).text()
        self.assertRegex(text, r"(?m)^a +50\.0 +20\.0 +\+30\.0$")
        self.assertRegex(text, r"(?m)^b +- +30\.0 +-30\.0$")
        self.assertRegex(text, r"(?m)^the kernel, all functions +51\.0 +50\.0 +\+1\.0$")
        self.assertNotIn("tiny", text)

    def test_hidden_addresses_are_refused(self) -> None:
        with self.assertRaisesRegex(BadReport, "no addresses"):
            profile.Symbols("0000000000000000 T first\n")


if __name__ == "__main__":
    unittest.main()
