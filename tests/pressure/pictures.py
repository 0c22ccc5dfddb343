# SPDX-License-Identifier: GPL-2.0
"""The pictures of a run, one for each scenario: what memory, the control flow and the losses did over time."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.bench.pictures import OURS, STYLE, THEIRS, WIDTH, WINDOW, legend, scales
from tests.pressure.config import Configuration
from tests.pressure.judge import Findings, offset
from tests.pressure.record import Trial

COLOURS = {"labnet": OURS, "virtio_net": THEIRS}
BIN = 0.1  # seconds
DEATH = "#D55E00"

Pair = tuple[Trial, Findings]


def draw(pairs: list[Pair], directory: Path) -> dict[str, Path]:
    """Draw a picture for each scenario into `directory`; return the SVG files by the scenario's name."""
    files = {}
    with plt.rc_context({**STYLE, "svg.hashsalt": "pressure"}):
        for name in dict.fromkeys(trial.scenario for trial, _ in pairs):
            figure = _scenario([pair for pair in pairs if pair[0].scenario == name])
            files[name] = directory / f"{name}.svg"
            figure.savefig(files[name], metadata={"Date": None})
            figure.savefig(directory / f"{name}.png", dpi=110)
            plt.close(figure)
    return files


def _scenario(pairs: list[Pair]) -> Figure:
    """Three panels, one above the other, for ordinary processes on the left and for protected ones on the right."""
    sides = list(dict.fromkeys(trial.protected for trial, _ in pairs))
    figure, axes = plt.subplots(3, len(sides), figsize=(WIDTH, 7.2), squeeze=False, sharex="col", sharey="row")
    for panels, protected in zip(axes.T, sides):
        panels[0].set_title("processes that the OOM killer may not kill" if protected else "ordinary processes")
        mine = [pair for pair in pairs if pair[0].protected == protected]
        shortest = min(found.end - found.begin for _, found in mine)
        for panel in panels:
            panel.axvspan(0, shortest, color=WINDOW, linewidth=0, label="memory is being taken away")
        for trial, found in mine:
            _plot(panels, trial, found)
        for panel in panels:
            scales(panel)
        panels[2].set_xlabel("seconds since the shortage began")
    for panel, words in zip(axes[:, 0], ("free memory, MB", "control packets\narrived in 0.1 s", "packets lost\nin 0.1 s")):
        panel.set_ylabel(words)
    axes[0][0].set_ylim(bottom=0)
    axes[1][0].set_ylim(0, 1.6 * Configuration.control_rate * BIN)  # what comes late comes in a heap
    axes[2][0].set_yscale("symlog", linthresh=10)
    axes[2][0].set_ylim(0, 2 * Configuration.rate * BIN)
    legend(figure, axes)
    return figure


def _plot(panels: list[Axes], trial: Trial, found: Findings) -> None:
    style = {"color": COLOURS[trial.driver], "label": trial.driver,
             "linewidth": 2.0 if trial.driver == "labnet" else 1.4}
    log = trial.log
    last = log.samples[-1][0]
    panels[0].plot([time - found.begin for time in log.times()], [kb / 1024 for kb in log.column("free_kb")], **style)
    edges = np.arange(-2.0, max(found.end - found.begin + 2.5, 0), BIN)
    arrived, _ = np.histogram([time - found.begin for time in log.arrivals.values()], edges)
    panels[1].plot(edges[:-1] + BIN / 2, arrived, **style)
    panels[2].plot(edges[:-1] + BIN / 2, _lost(trial, found, edges), **style)
    for kill in trial.console.kills:
        if kill.driver:
            panels[1].plot(kill.time - found.begin, 2, "X", color=DEATH, markersize=9, zorder=5,
                           label="the driver has a process killed", clip_on=False)
    if trial.outcome != "alive":
        panels[1].plot(last - found.begin, 2, "o", color="black", markersize=9, zorder=5, label="the guest is dead",
                       clip_on=False)
    for panel in panels:
        panel.set_xlim(-2, found.end - found.begin + 2.5)


def _lost(trial: Trial, found: Findings, edges: np.ndarray) -> np.ndarray:
    """Return what the queue in front of the guest and the driver have dropped, between the edges."""
    shift = offset(trial) - found.begin
    host = np.interp(edges, [time + shift for time, _ in trial.probes.queue], [drops for _, drops in trial.probes.queue])
    driver = np.interp(edges, [time - found.begin for time in trial.log.times()], trial.log.column("link_rx_dropped"))
    return np.diff(host) + np.diff(driver)
