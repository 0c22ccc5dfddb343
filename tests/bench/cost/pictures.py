# SPDX-License-Identifier: GPL-2.0
"""The pictures of a run: what a packet costs with each driver, and the ratio of the two; each as PNG and as SVG."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter

from tests.bench.cost.config import FLOOR, OURS, THEIRS, Case, Setup
from tests.bench.cost.figures import BOUNDS, Figure, Result, ratio
from tests.bench.cost.table import main_quality, row_name, rows
from tests.bench.pictures import OURS as OURS_COLOUR
from tests.bench.pictures import STYLE, WIDTH
from tests.bench.pictures import THEIRS as THEIRS_COLOUR

FLOOR_COLOUR, BOUND_COLOUR = "#333333", "#D55E00"
FLOOR_WORDS = "floor: the buffer is posted again, untouched"
HEIGHT = 0.46  # inches of a row


def draw(result: Result, directory: Path) -> list[Path]:
    """Draw both pictures for each guest into `directory`; return the files."""
    files = []
    with plt.rc_context(STYLE | {"axes.grid.axis": "x"}):
        for setup in dict.fromkeys(one.setup for one in result.figures):
            for name, function in (("cost", _costs), ("ratio", _ratios)):
                figure = function(result, setup)
                stem = f"{name}-ring{setup.ring}-queues{setup.queues}{'' if setup.init_on_alloc else '-unzeroed'}"
                for suffix in (".svg", ".png"):
                    files.append(directory / f"{stem}{suffix}")
                    figure.savefig(files[-1], dpi=110, metadata={"Date": None} if suffix == ".svg" else None)
                plt.close(figure)
    return files


def _costs(result: Result, setup: Setup) -> Canvas:
    """Bars of instructions per packet, and beside them those per KB."""
    groups = {unit: [case for case in rows(result) if case.path.unit_words == unit] for unit in ("packet", "KB")}
    groups = {unit: cases for unit, cases in groups.items() if cases}
    canvas, axes = plt.subplots(len(groups), 1, figsize=(WIDTH, 1.4 + HEIGHT * len(rows(result))), squeeze=False,
                                height_ratios=[len(cases) + 1 for cases in groups.values()])
    for axis, (unit, cases) in zip(axes[:, 0], groups.items()):
        _bars(axis, result, setup, cases)
        axis.set_xlabel(f"guest instructions per {unit}")
    entries = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels())}
    entries = {label: entries[label] for label in (OURS, THEIRS, FLOOR_WORDS) if label in entries}
    canvas.legend(entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=9)
    return canvas


def _bars(axis: Axes, result: Result, setup: Setup, cases: list[Case]) -> None:
    for row, case in enumerate(cases):
        pair = ((OURS, case.quality, OURS_COLOUR, -0.2), (THEIRS, "", THEIRS_COLOUR, 0.2))
        for driver, quality, colour, shift in pair:
            figure = result.find(setup, case.path.name, case.size, driver, quality)
            _bar(axis, figure, row + shift, colour, driver)
        floor = result.find(setup, "floor", case.size, FLOOR)
        if floor and not floor.missing and case.path.traffic == "flood":
            axis.plot([floor.spread.median] * 2, [row - 0.4, row + 0.4], color=FLOOR_COLOUR, linewidth=1.6,
                      label=FLOOR_WORDS)
    axis.set_yticks(range(len(cases)), [row_name(case).removesuffix(", per KB") for case in cases])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(cases) - 0.4, -0.6)
    axis.margins(x=0.12)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _bar(axis: Axes, figure: Figure | None, where: float, colour: str, driver: str) -> None:
    if not figure or figure.missing:
        axis.annotate("not measured" if not figure or "not supported" not in figure.missing else "not supported",
                      (0, where), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color="#777777",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5}, zorder=3)
        return
    spread = figure.spread
    axis.barh(where, spread.median, height=0.36, color=colour, label=driver)
    axis.plot([spread.least, spread.most], [where, where], color="#333333", linewidth=1.2)
    axis.annotate(f"{spread.median:,.0f}", (spread.most, where), xytext=(4, 0), textcoords="offset points", va="center",
                  fontsize=8)


def _ratios(result: Result, setup: Setup) -> Canvas:
    """A dot for the ratio of the medians, a line for its spread, a mark for the bound."""
    cases = rows(result)
    canvas, axis = plt.subplots(figsize=(WIDTH, 1.2 + 0.3 * len(cases)))
    for row, case in enumerate(cases):
        part = ratio(result.find(setup, case.path.name, case.size, OURS, case.quality),
                     result.find(setup, case.path.name, case.size, THEIRS))
        if part:
            axis.plot([part.least, part.most], [row, row], color=OURS_COLOUR, linewidth=2.2)
            axis.plot(part.median, row, "o", color=OURS_COLOUR, markersize=6)
            axis.annotate(f"{part.median:.2f}", (part.median, row), xytext=(0, 6), textcoords="offset points", ha="center",
                          fontsize=8)
        most = BOUNDS.get((result.wish.kernel, case.path.name, case.size)) if setup == Setup() else None
        if most:
            axis.plot(most, row, "|", color=BOUND_COLOUR, markersize=13, markeredgewidth=2, label="the bound")
    axis.axvline(1, color="#666666", linewidth=1)
    axis.set_yticks(range(len(cases)), [row_name(case) for case in cases])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(cases) - 0.5, -0.9)
    axis.set_xlim(0, max(1.15, axis.get_xlim()[1]))
    quality = main_quality(result)
    axis.set_xlabel(f"cost with {OURS} (quality: {quality}) / cost with {THEIRS}      (left of the line: {OURS} is cheaper)")
    entries = dict(zip(*axis.get_legend_handles_labels()[::-1]))
    if entries:
        canvas.legend(entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9)
    return canvas
