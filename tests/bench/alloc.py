# SPDX-License-Identifier: GPL-2.0
"""What the page layer costs: guest instructions per operation, exact; and the ways to a page while memory goes.

    python3 -m tests.bench.alloc [--document]

QEMU counts the guest's instructions and makes each last one nanosecond (-icount shift=0); the guest's cycle
counter then counts instructions. labyrinth_bench.ko performs each operation 1024 times with interrupts off,
nine times over. The loop around it, which is measured as well, is subtracted. Results are written to
build/bench/alloc.json, and with --document into the tables of Documentation/performance-pages.rst. Then, in a
guest of its own, each way to a page is tried while memory is taken away (tests.bench.tradeoff).

Exit status: 0; 1 when a goal was missed; 2 for a configuration that makes no sense; 3 when the run could
not finish, or did not count instructions.
"""

import argparse
import json
import os
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from qemu import BUILD, TOP, RunError, command, kernels, modules
from qemu.kernels import Kernel
from qemu.vm import VM
from tests.bench import tradeoff
from tests.bench.flood import versions
from tests.bench.table import Table

OUTPUT = BUILD / "bench/alloc.json"
TRADEOFF = BUILD / "bench/tradeoff.json"
LOGS = BUILD / "logs"
DOCUMENT = TOP / "Documentation/performance-pages.rst"
# Single-threaded, or nothing is exact. QEMU counts one instruction for each byte that "rep movsb" moves; so the guest
# is told that it is slow, and uses other ways, as it would if it really were.
ICOUNT = ["-accel", "tcg,thread=single", "-cpu", "max,-erms,-fsrm,-cx16", "-icount", "shift=0,sleep=on"]
TIMEOUT = 900.0
# Bits of the qualities as in include/linux/labyrinth.h, in the order of the columns.
QUALITIES = {0x00: "off", 0x01: "POISON", 0x02: "ZERO", 0x04: "CL_ALIGN", 0x08: "RELIABLE", 0x10: "NOCACHE",
             0x20: "CANARY", 0x40: "SENTINEL", 0x68: "default", 0x7f: "all"}
OFF, DEFAULT, ALL = 0x00, 0x68, 0x7f
ONE, MANY = 1, 64
# How far the cost with 64 zones may be from the cost with one.
TOLERANCE = 0.03


class BadReport(RunError):
    """The guest's report is not what it has to be; str() says in what respect."""


@dataclass(frozen=True)
class Cost:
    """Instructions of one operation: the median of the samples, and how far they are apart."""

    median: float
    spread: float
    samples: list[float]


@dataclass
class Report:
    """What the guest has measured, the loop subtracted."""

    loop: float  # instructions of the loop around each operation
    known: float  # instructions measured for a loop of known length,
    length: int  # and its length
    costs: dict[tuple[str, int, int], Cost] = field(default_factory=dict)  # by operation, quality and zones
    yardsticks: dict[str, Cost] = field(default_factory=dict)

    def cost(self, operation: str, quality: int, zones: int = ONE) -> float:
        """Return the median of one of the guest's measurements."""
        return self.costs[operation, quality, zones].median


@dataclass(frozen=True)
class Row:
    """One line of the table: what it says, and how it follows from what the guest has measured."""

    name: str
    cost: Callable[[Report, int, int], float]


def _plain(operation: str) -> Callable[[Report, int, int], float]:
    return lambda report, quality, zones: report.cost(operation, quality, zones)


def _difference(operation: str, without: str) -> Callable[[Report, int, int], float]:
    return lambda report, quality, zones: report.cost(operation, quality, zones) - report.cost(without, quality, zones)


def _sum(*operations: str) -> Callable[[Report, int, int], float]:
    return lambda report, quality, zones: sum(report.cost(operation, quality, zones) for operation in operations)


TAKE_RECYCLED = Row("take, recycled", _plain("take_recycled"))
TAKE_STASH = Row("take, from the stash", _plain("take_stash"))
STOCKING = Row("stocking above alloc_pages()", _difference("stock", "alloc_pages"))
ROWS = (
    TAKE_RECYCLED,
    Row("lend", _plain("lend")),
    Row("lend and take again", _difference("turn", "put_page")),
    TAKE_STASH,
    Row("take, from the reserve", _plain("take_reserve")),
    Row("  less than half left", _plain("take_reserve_low")),
    Row("stock, in hard interrupt", _plain("stock")),
    Row("alloc_pages() alone", _plain("alloc_pages")),
    STOCKING,
    Row("post", _plain("post")),
    Row("inspect", _plain("inspect")),
    Row("post and inspect", _sum("post", "inspect")),
    Row("put back unused", _plain("untake")),
    Row("retire", _plain("retire")),
    Row("begin a poll", _plain("poll_begin")),
)
GOALS = ((TAKE_RECYCLED, 80), (TAKE_STASH, 120), (STOCKING, 150))
YARDSTICKS = {
    "alloc_free": "alloc_pages() and __free_page(), the same page again and again",
    "page_pool_direct": "page_pool: alloc and put, through the consumer's own cache",
    "page_pool_ring": "page_pool: alloc and put, through the ring, as from another context",
}


def parse(text: str) -> Report:
    """Read the guest's report; each line is words and the ticks of all samples."""
    lines = [line.split() for line in text.splitlines()]
    if not lines or lines[-1] != ["end"]:
        raise BadReport("the report is not complete")
    calibration = {words[1]: statistics.median(map(int, words[3:])) / int(words[2])
                   for words in lines if words[0] == "calibration"}
    length = next(int(words[1]) for words in lines if words[0] == "known")
    loop = calibration["empty"]
    report = Report(loop, calibration["known"] - loop, length)
    for words in lines:
        if words[0] == "cost":
            report.costs[words[1], int(words[2], 16), int(words[3])] = _cost(words[4:], loop)
        elif words[0] == "yardstick":
            report.yardsticks[words[1]] = _cost(words[2:], loop)
    _check(report)
    return report


def _cost(words: list[str], loop: float) -> Cost:
    operations, *ticks = map(int, words)
    samples = [count / operations - loop for count in ticks]
    return Cost(statistics.median(samples), max(samples) - min(samples), samples)


def _check(report: Report) -> None:
    """Refuse a clock that does not count instructions, and a report with holes."""
    if abs(report.known - report.length) > 0.01 * report.length:
        raise BadReport(f"{report.length} instructions were measured as {report.known:.2f} ticks: "
                        "the guest's clock does not count instructions")
    for quality in QUALITIES:
        if ("stock", quality, ONE) not in report.costs:
            raise BadReport(f"nothing was measured for quality {quality:#x}")


def measure(kernel: Kernel, mode: str, prepare: str = "true", memory: str = "512M") -> str:
    """Boot a guest whose instructions are counted, and return its report."""
    with VM(kernel, log=LOGS / f"bench-{mode}.log", accelerator=ICOUNT, memory=memory) as vm:
        vm.run(f"{prepare} && modprobe labyrinth_bench mode={mode}", timeout=TIMEOUT)
        text = vm.run("cat /sys/kernel/debug/labyrinth_bench")
        vm.run("rmmod labyrinth_bench && rmmod labyrinth")
        if vm.warnings():
            raise BadReport(f"the guest's kernel complains: {vm.warnings()[0]}")
    return text


def tables(report: Report) -> list[Table]:
    """Return all tables in the order in which they should be read."""
    return [_by_quality(report), _by_zones(report), _yardsticks(report)]


def _by_quality(report: Report) -> Table:
    table = Table("instructions per operation", ["", *QUALITIES.values()])
    for row in ROWS:
        table.rows.append([row.name, *(f"{row.cost(report, quality, ONE):.0f}" for quality in QUALITIES)])
    return table


def _by_zones(report: Report) -> Table:
    columns = [(quality, zones) for quality in (OFF, DEFAULT, ALL) for zones in (ONE, MANY)]
    table = Table("zones in turns", ["", *(f"{QUALITIES[quality]}, {zones}" for quality, zones in columns), "ratio"])
    for row in ROWS:
        costs = [row.cost(report, quality, zones) for quality, zones in columns]
        worst = max((many / one for one, many in zip(costs[::2], costs[1::2])), key=lambda ratio: abs(ratio - 1))
        table.rows.append([row.name, *(f"{cost:.1f}" for cost in costs), f"{worst:.3f}"])
    return table


def _yardsticks(report: Report) -> Table:
    table = Table("the kernel's own ways", ["", "instructions"])
    for name, words in YARDSTICKS.items():
        cost = report.yardsticks.get(name)
        table.rows.append([words, f"{cost.median:.0f}" if cost else "not in this kernel"])
    return table


def goals(report: Report) -> list[tuple[str, float, float]]:
    """Return the project's goals: what, the limit, and what was measured with default quality."""
    found = [(f"{row.name}, default quality", float(limit), row.cost(report, DEFAULT, ONE)) for row, limit in GOALS]
    for row in (TAKE_RECYCLED, TAKE_STASH, STOCKING):
        one, many = (row.cost(report, DEFAULT, zones) for zones in (ONE, MANY))
        found.append((f"{row.name}, {MANY} zones", one * (1 + TOLERANCE), many))
    return found


def document(report: Report, path: Path, kernel: Kernel) -> None:
    """Replace what stands between the marks in the document by what was measured now."""
    replace(path, "measured", [f"Measured on {kernel.release}:", *(rst(table) for table in tables(report))])


def replace(path: Path, mark: str, blocks: list[str]) -> None:
    """Replace what stands between the marks @mark in a document."""
    text = path.read_text()
    new, count = re.subn(rf"(?s)(\.\. {mark} begins\n).*(\.\. {mark} ends\n)",
                         lambda found: found[1] + "\n" + "\n\n".join(blocks) + "\n\n" + found[2], text)
    if count != 1:
        raise RunError(f"{path}: the marks of the measured part are missing")
    path.write_text(new)


def rst(table: Table) -> str:
    """Return a table as a simple table of reStructuredText."""
    rows = [[table.title, *table.header[1:]], *([row[0].strip() or "-", *row[1:]] for row in table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
             for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def save(report: Report, kernel: Kernel) -> None:
    """Write everything that was measured."""
    costs = [{"operation": operation, "quality": QUALITIES[quality], "zones": zones, "median": cost.median,
              "spread": cost.spread, "samples": cost.samples} for (operation, quality, zones), cost in report.costs.items()]
    yardsticks = {name: {"median": cost.median, "spread": cost.spread} for name, cost in report.yardsticks.items()}
    content = {"versions": versions(kernel), "unit": "guest instructions per operation", "loop": report.loop,
               "known": {"length": report.length, "measured": report.known}, "costs": costs, "yardsticks": yardsticks,
               "goals": [{"name": name, "limit": limit, "measured": got} for name, limit, got in goals(report)]}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(content, indent=1) + "\n")


def show(report: Report) -> bool:
    """Print the calibration, the tables and the goals; return whether all goals are met."""
    print(f"calibration: {report.length} instructions were measured as {report.known:.2f}; the loop around each "
          f"operation, {report.loop:.2f}, is subtracted")
    worst = max(report.costs, key=lambda key: report.costs[key].spread / report.costs[key].median)
    print(f"largest spread of {len(report.costs)} x 9 samples: {worst[0]}, quality {QUALITIES[worst[1]]}: "
          f"{report.costs[worst].spread:.2f} of {report.costs[worst].median:.1f} instructions")
    for table in tables(report):
        print(f"\n{table.text()}")
    print()
    for name, limit, got in goals(report):
        print(f"{'met   ' if got <= limit else 'MISSED'}  {name}: {got:.1f} of at most {limit:.1f}")
    return all(got <= limit for _, limit, got in goals(report))


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.alloc", description=(__doc__ or "").splitlines()[0],
                                     epilog="Environment: KERNEL (of qemu.kernels).")
    parser.add_argument("--document", action="store_true", help=f"put the tables into {DOCUMENT.relative_to(TOP)}")
    options = parser.parse_args()
    kernel = kernels.get(os.environ.get("KERNEL") or "6.1")
    modules.build(kernel)
    print(f"booting {kernel.release}, instructions counted", flush=True)
    report = parse(measure(kernel, "cost"))
    save(report, kernel)
    met = show(report)
    print(f"\nall samples: {OUTPUT.relative_to(TOP)}\n\nbooting it again, to take its memory away", flush=True)
    ways = tradeoff.parse(measure(kernel, "tradeoff", f"echo {tradeoff.MIN_FREE_KB} > /proc/sys/vm/min_free_kbytes",
                                  tradeoff.MEMORY))
    met &= show_ways(ways)
    if options.document:
        document(report, DOCUMENT, kernel)
        replace(DOCUMENT, "tradeoff", [f"Measured on {kernel.release}:", rst(tradeoff.overview(ways))])
    return 0 if met else command.FAILED


def show_ways(ways: list[tradeoff.Way]) -> bool:
    """Print and draw the ways to a page; return whether all goals are met."""
    for table in tradeoff.tables(ways):
        print(f"\n{table.text()}")
    print()
    for name, met in tradeoff.goals(ways):
        print(f"{'met   ' if met else 'MISSED'}  {name}")
    tradeoff.save(ways, TRADEOFF)
    print(f"\nall requests: {TRADEOFF.relative_to(TOP)}")
    tradeoff.draw(ways, TRADEOFF.parent, lambda path: print(f"picture: {path.relative_to(TOP)}"))
    return all(met for _, met in tradeoff.goals(ways))


if __name__ == "__main__":
    command.run(main)
