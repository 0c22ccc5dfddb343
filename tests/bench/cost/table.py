# SPDX-License-Identifier: GPL-2.0
"""The tables of a run: one for each guest, a row for each way and size, a column for each driver."""

from dataclasses import replace

from tests.bench.cost.config import DEFAULT, FLOOR, OURS, THEIRS, Case, Setup
from tests.bench.cost.figures import Figure, Result, ratio
from tests.bench.samples import Spread
from tests.bench.table import NOTHING, Table

MISSING = "not supported"


def tables(result: Result) -> list[Table]:
    """Return all tables: for each guest the costs, then what the qualities cost."""
    found = []
    for setup in dict.fromkeys(one.setup for one in result.figures):
        found.append(_costs(result, setup))
        if len(result.wish.qualities) > 1:
            found.append(_qualities(result, setup))
    return [table for table in [*found, *summaries(result)] if table.rows]


def summaries(result: Result) -> list[Table]:
    """Return the tables that compare guests, if there are several: by queues, and a row for each guest."""
    found = []
    if len(result.wish.queues) > 1:
        found += [_queues(result, setup) for setup in dict.fromkeys(replace(one.setup, queues=1) for one in result.figures)]
    if len(result.wish.setups()) > len(result.wish.queues):
        found += [_guests(result, sized) for sized in (True, False)]
    return [table for table in found if table.rows]


def _costs(result: Result, setup: Setup) -> Table:
    quality = main_quality(result)
    ours = OURS if quality == DEFAULT else f"{OURS}, quality {quality}"
    table = Table(f"instructions per packet; {setup.words()}",
                  ["", FLOOR, ours, "irq", THEIRS, "irq", f"{OURS} / {THEIRS}"])
    for case in rows(result):
        mine = result.find(setup, case.path.name, case.size, OURS, case.quality)
        theirs = result.find(setup, case.path.name, case.size, THEIRS)
        floor = result.find(setup, "floor", case.size, FLOOR) if case.path.traffic == "flood" else None
        table.rows.append([row_name(case), _median(floor), *_cells(mine), *_cells(theirs), spread_text(ratio(mine, theirs))])
    return table


def _qualities(result: Result, setup: Setup) -> Table:
    """What each quality costs, and how much that is of the cost without any."""
    names = list(result.wish.qualities)
    compared = [name for name in names if name != "off"] if "off" in names else []
    table = Table(f"{OURS}, by quality; {setup.words()}", ["", *names, *(f"{name} / off" for name in compared)])
    for case in rows(result):
        found = {name: result.find(setup, case.path.name, case.size, OURS, name) for name in names}
        if case.path.receives:
            table.rows.append([row_name(case), *(_median(found[name]) for name in names),
                               *(spread_text(ratio(found[name], found["off"])) for name in compared)])
    return table


def _queues(result: Result, setup: Setup) -> Table:
    """What a packet costs with more queues, and how much that is of the cost with the first number of them."""
    numbers = result.wish.queues
    table = Table(f"by queues; ring of {setup.ring}, init_on_alloc={int(setup.init_on_alloc)}", [
        "", *(f"{driver}, {number}" for driver in (OURS, THEIRS) for number in numbers),
        *(f"{driver}, {numbers[-1]} / {numbers[0]}" for driver in (OURS, THEIRS))])
    for case in rows(result):
        costs = {driver: [result.find(replace(setup, queues=number), case.path.name, case.size, driver,
                                      case.quality if driver == OURS else "") for number in numbers]
                 for driver in (OURS, THEIRS)}
        table.rows.append([row_name(case), *(_median(one) for found in costs.values() for one in found),
                           *(_part(ratio(found[-1], found[0])) for found in costs.values())])
    return table


def _guests(result: Result, sized: bool) -> Table:
    """How much labnet costs in units of virtio_net: a row for each guest and size, a column for each way."""
    cases = [case for case in rows(result) if bool(case.size) == sized]
    names = list(dict.fromkeys(case.path.name for case in cases))
    table = Table(f"{OURS} / {THEIRS}", ["", *names])
    for setup in dict.fromkeys(one.setup for one in result.figures):
        for size in dict.fromkeys(case.size for case in cases):
            found = {case.path.name: ratio(result.find(setup, case.path.name, size, OURS, case.quality),
                                           result.find(setup, case.path.name, size, THEIRS))
                     for case in cases if case.size == size}
            words = f"{setup.words()}, {size} bytes" if size else setup.words()
            table.rows.append([words, *(_part(found.get(name)) for name in names)])
    return table


def main_quality(result: Result) -> str:
    """Return the quality that labnet is compared with others in."""
    return DEFAULT if DEFAULT in result.wish.qualities else result.wish.qualities[0]


def rows(result: Result) -> list[Case]:
    """Return the rows: what was measured of labnet, in one quality."""
    cases = dict.fromkeys(one.case for one in result.figures if one.case.driver == OURS)
    seen: dict[tuple[str, int], Case] = {}
    for case in cases:
        key = (case.path.name, case.size)
        if key not in seen or case.quality == main_quality(result):
            seen[key] = case
    return list(seen.values())


def row_name(case: Case) -> str:
    """Return the first cell of a row."""
    size = f", {case.size} bytes" if case.size else ""
    unit = ", per KB" if case.path.unit != 1 else ""
    return f"{case.path.name}{size}{unit}"


def spread_text(spread: Spread | None) -> str:
    """Return "median (least - most)" of a ratio."""
    return f"{spread.median:.3f} ({spread.least:.3f} - {spread.most:.3f})" if spread else NOTHING


def _part(spread: Spread | None) -> str:
    return f"{spread.median:.3f}" if spread else NOTHING


def _cells(figure: Figure | None) -> list[str]:
    """Return the cost, and the interrupts beside it."""
    if not figure:
        return [NOTHING, NOTHING]
    return [_median(figure), NOTHING if figure.missing else f"{figure.interrupts:.3f}"]


def _median(figure: Figure | None) -> str:
    if not figure:
        return NOTHING
    if not figure.missing:
        return f"{figure.spread.median:,.0f}"
    return MISSING if MISSING in figure.missing else "MISSING"
