# SPDX-License-Identifier: GPL-2.0
"""The ways to a page while memory is taken away: how often each leads to one, and what each request costs.

Part of tests.bench.alloc. labyrinth_bench.ko times 1024 requests of each kind one by one, in each context where
they are legal, at five levels of free memory; instructions are counted as there.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from qemu import RunError
from tests.bench.table import Table

REQUESTS = 1024
SOURCES = ("GFP_KERNEL", "GFP_NOWAIT", "GFP_ATOMIC", "reserve", "stash", "recycled")
CONTEXTS = ("thread", "softirq", "hardirq")
LEVELS = {"plenty": "nothing is taken away", "low": "between the marks min and low: kswapd is awake",
          "min": "below min, a quarter of the atomic window is gone", "window": "three quarters of the atomic window are gone",
          "floor": "the atomic window is gone"}
# The marks of the page allocator far enough apart for a batch of requests to fit between two of them.
MIN_FREE_KB = 16384
MEMORY = "256M"
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


class BadTradeoff(RunError):
    """The guest's report is not what it has to be; str() says in what respect."""


@dataclass(frozen=True)
class Way:
    """Requests of one kind at one level: how many led to a page, and the instructions of each, sorted."""

    source: str
    context: str
    level: str
    got: int
    instructions: list[int]

    @property
    def success(self) -> float:
        """The share of requests that led to a page, in %."""
        return 100 * self.got / len(self.instructions)

    def percentile(self, share: float) -> int:
        """Return the instructions that at least @share of the requests did not exceed."""
        return self.instructions[max(0, -int(-share * len(self.instructions) // 1) - 1)]


def legal(source: str, context: str) -> bool:
    """Whether a request may be made in the context: who may sleep needs a thread."""
    return source != "GFP_KERNEL" or context == "thread"


def parse(text: str) -> list[Way]:
    """Read the guest's report; what the clock itself takes is subtracted."""
    lines = [line.split() for line in text.splitlines()]
    if not lines or lines[-1] != ["end"]:
        raise BadTradeoff("the report is not complete")
    ways = [_way(words[1:]) for words in lines if words[0] == "tradeoff"]
    clock = next((way.percentile(0.5) for way in ways if way.source == "nothing"), None)
    if clock is None:
        raise BadTradeoff("the clock was not measured")
    found = [Way(way.source, way.context, way.level, way.got, [ticks - clock for ticks in way.instructions])
             for way in ways if way.source != "nothing"]
    wanted = {(source, context, level) for source in SOURCES for context in CONTEXTS for level in LEVELS if legal(source, context)}
    missing = wanted - {(way.source, way.context, way.level) for way in found}
    if missing or len(found) != len(wanted):
        raise BadTradeoff(f"{len(found)} ways were measured, not {len(wanted)}: {min(missing, default='one twice')}")
    return found


def _way(words: list[str]) -> Way:
    source, context, level, got, *values = words
    ticks = [int(value) for word in values for value in [word.partition(":")[0]] * int(word.partition(":")[2])]
    if len(ticks) != REQUESTS or ticks != sorted(ticks):
        raise BadTradeoff(f"{source} in {context} at {level}: {len(ticks)} values, or not in order")
    return Way(source, context, level, int(got), ticks)


def tables(ways: list[Way]) -> list[Table]:
    """Return a table for each level of free memory."""
    found = []
    for level, words in LEVELS.items():
        table = Table(f"{level}: {words}", ["", "success, %", *PERCENTILES])
        table.rows = [[f"{way.source}, {way.context}", f"{way.success:.1f}",
                       *(f"{way.percentile(share):,}" for share in PERCENTILES.values())]
                      for way in _in_order(ways) if way.level == level]
        found.append(table)
    return found


def overview(ways: list[Way]) -> Table:
    """Return one table of all levels: success and median."""
    table = Table("success, median of instructions", ["", *LEVELS])
    for source in SOURCES:
        for context in (context for context in CONTEXTS if legal(source, context)):
            cells = [_cell(ways, source, context, level) for level in LEVELS]
            table.rows.append([f"{source}, {context}", *cells])
    return table


def _cell(ways: list[Way], source: str, context: str, level: str) -> str:
    way = next(way for way in ways if (way.source, way.context, way.level) == (source, context, level))
    return f"{way.success:.0f} %, {way.percentile(0.5):,}"


def _in_order(ways: list[Way]) -> list[Way]:
    return sorted(ways, key=lambda way: (list(LEVELS).index(way.level), SOURCES.index(way.source), CONTEXTS.index(way.context)))


def goals(ways: list[Way]) -> list[tuple[str, bool]]:
    """Return what has to hold: what the page layer has kept is there at every level, at the same price."""
    found = []
    for source in ("reserve", "stash", "recycled"):
        mine = [way for way in ways if way.source == source]
        found.append((f"{source}: every request has led to a page", all(way.got == REQUESTS for way in mine)))
        medians = [way.percentile(0.5) for way in mine]
        found.append((f"{source}: medians of {min(medians)} to {max(medians)} whatever context and level",
                      max(medians) <= 1.05 * min(medians)))
    return found


def save(ways: list[Way], path: Path) -> None:
    """Write everything that was measured."""
    path.write_text(json.dumps([asdict(way) for way in ways]) + "\n")


def draw(ways: list[Way], directory: Path, say: Callable[[Path], object]) -> None:
    """Draw success and cost over the levels, a column for each context."""
    import matplotlib.pyplot as plt  # only who draws waits for it

    from tests.bench.pictures import CAUSES, OURS, STYLE, THEIRS, WIDTH

    colours = dict(zip(SOURCES, ("#999999", CAUSES[1], THEIRS, CAUSES[4], CAUSES[2], OURS)))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, len(CONTEXTS), figsize=(WIDTH, 5.6), sharex=True, sharey="row")
        for (above, below), context in zip(axes.T, CONTEXTS):
            above.set_title(context)
            for source in (source for source in SOURCES if legal(source, context)):
                line = [way for way in _in_order(ways) if (way.source, way.context) == (source, context)]
                shift = 0.06 * (SOURCES.index(source) - 2.5)
                places = [place + shift for place in range(len(line))]
                above.plot(places, [way.success for way in line], "o-", color=colours[source], markersize=4, label=source)
                medians = [way.percentile(0.5) for way in line]
                reach = [[0] * len(line), [way.percentile(0.999) - median for way, median in zip(line, medians)]]
                below.errorbar(places, medians, reach, fmt="o-", color=colours[source], markersize=4, linewidth=1.4)
            below.set_yscale("log")
            below.set_xticks(range(len(LEVELS)), LEVELS, rotation=30)
        axes[0][0].set_ylabel("success, %")
        axes[1][0].set_ylabel("instructions: median, p99.9")
        entries = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels())}
        figure.legend(entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(SOURCES), fontsize=9)
        for suffix in (".svg", ".png"):
            path = directory / f"tradeoff{suffix}"
            figure.savefig(path, dpi=110, metadata={"Date": None} if suffix == ".svg" else None)
            say(path)
        plt.close(figure)
