# SPDX-License-Identifier: GPL-2.0
"""Tables of what the trials mean, for a terminal and for a page."""

from collections import Counter

from tests.bench.table import NOTHING, Table
from tests.pressure.judge import Findings, Trips
from tests.pressure.record import Kill
from tests.pressure.scenarios import SCENARIOS


def tables(findings: list[Findings]) -> list[Table]:
    """Return one table for each scenario, and one of the bounds."""
    found = [_scenario(name, [one for one in findings if one.scenario == name])
             for name in dict.fromkeys(one.scenario for one in findings)]
    return [*found, _bounds(findings)]


def column(one: Findings) -> str:
    """Return what a trial's column is called."""
    return f"{one.driver}{', protected' if one.protected else ''}"


def death(one: Findings) -> str:
    """Return how a guest ended, in words."""
    return f"{one.outcome}: {one.panic}" if one.panic else one.outcome


def killed(kills: list[Kill]) -> list[str]:
    """Return one line for each process that asked for memory until others were killed."""
    by = Counter((kill.invoker, kill.driver) for kill in kills)
    return [f"{invoker or 'unknown'}{f' [{driver}]' if driver else ''} {count}"
            for (invoker, driver), count in by.items()]


def _scenario(name: str, findings: list[Findings]) -> Table:
    table = Table(SCENARIOS[name].title, ["", *map(column, findings)])

    def row(words: str, cells: list[str]) -> None:
        table.rows.append([words, *cells])

    row("guest", [one.outcome for one in findings])
    row("control flow: delivered, %", [f"{one.control_share:.1f}" for one in findings])
    row("  lost, of all sent", [f"{one.control_sent - one.control_delivered:,} of {one.control_sent:,}"
                                for one in findings])
    row("  longest silence, ms", [f"{one.silence_ms:.0f}" for one in findings])
    row("  (longest pause of the sender, ms)", [f"{one.sender_pause_ms:.0f}" for one in findings])
    row("ssh-like, quiet: p50 / p99 / max, ms", [_trips(one.quiet) for one in findings])
    row("QEMU waited for a processor, s per s", [f"{one.waited[0]:.2f}, {one.waited[1]:.2f}"
                                                 f"{' (crowded)' if one.disturbed else ''}" for one in findings])
    row("ssh-like, short: p50 / p99 / max, ms", [_trips(one.short) for one in findings])
    row("pings lost", [f"{one.ping_lost} of {one.ping_sent}" for one in findings])
    row("processes killed for want of memory", [f"{len(one.kills)}" for one in findings])
    for line in dict.fromkeys(line.rpartition(" ")[0] for one in findings for line in killed(one.kills)):
        row(f"  asked for by {line}", [_number(killed(one.kills), line) for one in findings])
    row("bulk back at full rate after, ms", [NOTHING if one.back_ms is None else f"{one.back_ms:.0f}" for one in findings])
    row("least free memory, MB", [f"{one.free_least_kb / 1024:.1f}" for one in findings])
    row("time in softirq, % of a processor", [f"{100 * one.softirq_share:.0f}" for one in findings])
    row("reports of failed allocations", [f"{one.reports}" for one in findings])
    row("packets lost, whole trial", [f"{sum(one.drops.values()):,}" for one in findings])
    for cause in dict.fromkeys(cause for one in findings for cause in one.drops):
        row(f"  {cause}", [f"{one.drops[cause]:,}" if cause in one.drops else NOTHING for one in findings])
    row("  without a count or a cause", ["unknown" if one.unexplained is None else f"{one.unexplained:,}"
                                         for one in findings])
    return table


def _number(lines: list[str], who: str) -> str:
    return next((line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == who), NOTHING)


def _trips(trips: Trips) -> str:
    return f"{trips.median:.1f} / {trips.p99:.0f} / {trips.most:.0f}"


def _bounds(findings: list[Findings]) -> Table:
    """Return which bounds hold: in how many of a driver's trials, and what was measured where one does not."""
    drivers = list(dict.fromkeys(one.driver for one in findings))
    table = Table("Bounds", ["", *(f"{driver}: holds in" for driver in drivers)])
    calm = [one for one in findings if not one.disturbed]
    for name in (bound.name for bound in findings[0].bounds):
        cells = []
        for driver in drivers:
            mine = [bound for one in calm if one.driver == driver for bound in one.bounds if bound.name == name]
            cells.append(f"{sum(bound.holds for bound in mine)} of {len(mine)}")
        table.rows.append([name, *cells])
    if len(calm) < len(findings):
        crowded = [sum(one.disturbed for one in findings if one.driver == driver) for driver in drivers]
        table.rows.append(["(trials on a crowded machine, not counted)", *map(str, crowded)])
    return table


def broken(findings: list[Findings]) -> list[str]:
    """Return one line for each trial in which a bound does not hold."""
    lines = []
    for one in findings:
        missed = [f"{bound.name} ({bound.measured})" for bound in one.bounds if not bound.holds]
        if missed:
            lines.append(f"{one.label}{' (crowded)' if one.disturbed else ''}: missed {'; '.join(missed)}")
    return lines
