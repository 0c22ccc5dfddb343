# SPDX-License-Identifier: GPL-2.0
"""The pictures of a run, drawn by matplotlib: one file each as PNG and as SVG."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")  # no display is needed, or present

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

from tests.bench import compare  # noqa: E402
from tests.bench.samples import Account, Result, Samples, Turn  # noqa: E402
from tests.bench.table import cause  # noqa: E402

# Okabe and Ito's colours, which people who do not see red and green apart can tell apart.
OURS, THEIRS = "#0072B2", "#E69F00"
WINDOW = "#F3E3E8"
CAUSES = ("#D55E00", "#CC79A7", "#009E73", "#F0E442", "#56B4E9", "#999999")
FATES = {"read by the program": "#0072B2", "no room in the socket's buffer": "#56B4E9", "lost in the stack": "#CC79A7",
         "dropped by the driver": "#D55E00", "dropped by the host's queue": "#D9D9D9"}
STYLE = {
    "font.size": 10.0, "axes.titlesize": 11.0, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#666666", "axes.axisbelow": True,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#E5E5E5", "grid.linewidth": 0.8,
    "legend.frameon": False, "figure.constrained_layout.use": True, "figure.facecolor": "white",
    "savefig.bbox": "tight",  # legends lie outside the axes
    "svg.fonttype": "path",  # so that the picture looks the same where the font is missing
    "svg.hashsalt": "flood",
}
WIDTH = 9.0  # inches


def draw(result: Result, directory: Path) -> dict[str, Path]:
    """Draw what the run has figures for, into `directory`; return the SVG files by the picture's name."""
    pictures = {"rate": _rates, "packets": _packets, "ratio": _ratios}
    if any(turn.window for turn in result.turns):
        pictures["failing"] = _failing
    files = {}
    with plt.rc_context(STYLE):
        for name, function in pictures.items():
            figure = function(result)
            files[name] = directory / f"{name}.svg"
            figure.savefig(files[name], metadata={"Date": None})
            figure.savefig(directory / f"{name}.png", dpi=110)
            plt.close(figure)
    return files


def _rates(result: Result) -> Figure:
    """Packets per second that the program read, over time: a thin line per round, a thick one for their median."""
    sizes = result.configuration.sizes
    figure, axes = plt.subplots(1, len(sizes), figsize=(WIDTH, 3.4), squeeze=False, sharey=True)
    for axis, size in zip(axes[0], sizes):
        for label, colour in zip(result.labels, (OURS, THEIRS)):
            turns = [turn for turn in result.turns if not turn.window and (turn.size, turn.label) == (size, label)]
            _plot_rounds(axis, turns, label, colour, result.configuration.duration)
        axis.set_title(f"{size}-byte frames")
        axis.set_xlabel("seconds since the flood began")
        scales(axis)
    axes[0][0].set_ylabel("packets/s read by the program")
    axes[0][0].set_ylim(bottom=0)
    legend(figure, axes)
    return figure


def _plot_rounds(axis: Axes, turns: list[Turn], label: str, colour: str, seconds: float) -> None:
    grid = np.arange(0.05, seconds, 0.1)
    curves = [np.interp(grid, *turn.samples.rate("socket_packets")) for turn in turns]
    for curve in curves:
        axis.plot(grid, curve, color=colour, linewidth=0.7, alpha=0.35)
    axis.plot(grid, np.median(curves, axis=0), color=colour, linewidth=2.2, label=label)


def _packets(result: Result) -> Figure:
    """Where the packets went: one bar per driver and size, all packets sent being 100 %."""
    bars = [(f"{one.size} bytes, {label}", one.accounts[label])
            for one in compare.comparisons(result) for label in one.drivers]
    figure, axis = plt.subplots(figsize=(WIDTH, 1.3 + 0.42 * len(bars)))
    left = np.zeros(len(bars))
    for fate, colour in FATES.items():
        shares = np.array([100 * _fates(account)[fate] / max(account.sent, 1) for _, account in bars])
        if not shares.any() and fate != "dropped by the driver":
            continue
        axis.barh([name for name, _ in bars], shares, left=left, color=colour, height=0.62, label=fate)
        _write_shares(axis, left, shares, dark=colour == FATES["read by the program"])
        left += shares
    axis.invert_yaxis()
    axis.set_xlim(0, 100)
    axis.set_xlabel("% of the packets sent")
    axis.grid(False)
    axis.tick_params(axis="y", length=0)
    legend(figure, np.array([axis]))
    return figure


def _fates(account: Account) -> dict[str, int]:
    return dict(zip(FATES, (account.socket, account.overflow, max(account.stack_lost, 0),
                            sum(account.dropped.values()), account.queue_dropped)))


def _write_shares(axis: Axes, left: np.ndarray, shares: np.ndarray, dark: bool) -> None:
    """Write each share into its part of the bar where it fits."""
    for row, (start, share) in enumerate(zip(left, shares)):
        if share >= 6:
            axis.text(start + share / 2, row, f"{share:.0f} %", ha="center", va="center", fontsize=9,
                      color="white" if dark else "#333333")


def _ratios(result: Result) -> Figure:
    """The ratio of the two drivers: a dot per round, a bar for the median, and a line where they are equal."""
    ours, theirs = result.labels
    rows = [(f"{one.size} bytes, read by the program", one.ratio) for one in compare.comparisons(result)]
    rows += [(f"TCP, {direction}", compare.ratios(rates, result.labels))
             for direction, rates in compare.transfers(result).items()]
    figure, axis = plt.subplots(figsize=(WIDTH, 1.1 + 0.45 * len(rows)))
    for row, (_, values) in enumerate(rows):
        axis.plot(values, [row] * len(values), "o", color=OURS, alpha=0.4, markersize=7, markeredgewidth=0)
        if values:
            median = float(np.median(values))
            axis.plot([median, median], [row - 0.28, row + 0.28], color=OURS, linewidth=2.5)
            axis.annotate(f"{median:.2f}", (median, row - 0.3), ha="center", va="bottom", fontsize=9,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    axis.axvline(1, color="#666666", linewidth=1)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.8)
    reach = max([0.25, *(1.15 * abs(value - 1) for _, values in rows for value in values)])
    axis.set_xlim(max(0, 1 - reach), 1 + reach)
    axis.set_xlabel(f"rate of {ours} / rate of {theirs}      (right of the line: {ours} is faster)")
    axis.grid(True, axis="x")
    axis.grid(False, axis="y")
    return figure


def _failing(result: Result) -> Figure:
    """The turns in which every atomic allocation fails for a while: rates above, failures by cause below."""
    turns = [turn for turn in result.turns if turn.window]
    figure, axes = plt.subplots(2, len(turns), figsize=(WIDTH, 5.6), squeeze=False, sharex="col", sharey="row")
    for (above, below), turn in zip(axes.T, turns):
        for axis in (above, below):
            begin, end = (moment - turn.samples.start() for moment in turn.window or ())
            axis.axvspan(begin, end, color=WINDOW, linewidth=0, label="every atomic allocation fails")
        above.set_title(f"{turn.size}-byte frames, {turn.label}")
        above.plot(*turn.samples.rate("rx_frames"), color="#999999", linewidth=2.6, label="received by the driver")
        above.plot(*turn.samples.rate("socket_packets"), color=OURS, linewidth=1.4, label="read by the program")
        _plot_causes(below, turn.samples)
        below.set_xlabel("seconds since the flood began")
        scales(above)
        scales(below)
    axes[0][0].set_ylabel("packets/s")
    axes[0][0].set_ylim(bottom=0)
    axes[1][0].set_ylabel("failures/s")
    axes[1][0].set_ylim(bottom=0)
    legend(figure, axes)
    return figure


def _plot_causes(axis: Axes, samples: Samples) -> None:
    """One line for each cause for which a page was refused or a packet dropped."""
    counters = [name for name in samples.matching(r"page_fail_\w+|rx_drop_\w+") if samples.delta(name)]
    for counter, colour in zip(counters, CAUSES):
        kind = "page refused: " if counter.startswith("page_fail_") else "packet dropped: "
        name = cause(counter.removeprefix("page_fail_").removeprefix("rx_drop_"))
        axis.plot(*samples.rate(counter), color=colour, linewidth=1.6, label=kind + name)
    if not counters:
        axis.text(0.02, 0.9, "nothing failed", transform=axis.transAxes, color="#666666")


def legend(figure: Figure, axes: np.ndarray) -> None:
    """One legend for all panels, each entry once."""
    entries = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=9)


def scales(axis: Axes) -> None:
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
