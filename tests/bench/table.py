# SPDX-License-Identifier: GPL-2.0
"""Tables of a run's figures, for a terminal and for a page."""

import html
from dataclasses import dataclass, field

from tests.bench import compare
from tests.bench.compare import Comparison
from tests.bench.samples import Account, Result, Spread, Turn

NOTHING = "-"


@dataclass
class Table:
    """Rows of text; the first column is left-aligned, the others right-aligned."""

    title: str
    header: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def text(self) -> str:
        """Return the table with aligned columns."""
        everything = [[self.title, *self.header[1:]], *self.rows]
        widths = [max(len(row[i]) for row in everything) for i in range(len(self.header))]
        lines = ["   ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
                 for row in everything]
        return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])

    def html(self) -> str:
        """Return the table as an HTML element."""
        def row(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(_cell(cell, tag) for cell in cells) + "</tr>"
        body = "\n".join(row(cells, "td") for cells in self.rows)
        return f"<table>\n<thead>{row([self.title, *self.header[1:]], 'th')}</thead>\n<tbody>{body}</tbody>\n</table>"


def tables(result: Result) -> list[Table]:
    """Return all tables of a run in the order in which they should be read."""
    found = [_comparison(one, result) for one in compare.comparisons(result)]
    if result.tcp:
        found.append(_tcp(result))
    return found + [_failing(turn) for turn in result.turns if turn.window]


def cause(counter: str) -> str:
    """Return a drop cause or a counter's name as words."""
    return counter.replace("_", " ")


def spread_text(spread: Spread, digits: int = 0) -> str:
    """Return "median (least - most)"."""
    return f"{spread.median:,.{digits}f} ({spread.least:,.{digits}f} - {spread.most:,.{digits}f})"


def _comparison(one: Comparison, result: Result) -> Table:
    wish = result.configuration
    ours, theirs = one.drivers
    title = f"{one.size}-byte frames, {wish.rounds} x {wish.duration:g} s"
    table = Table(title, ["", ours, theirs, f"{ours} / {theirs}"])
    accounts = [one.accounts[ours], one.accounts[theirs]]
    for name, value in _account_rows(accounts):
        table.rows.append([name, *value, ""])
    for name, rates in (("received by the driver", one.received), ("read by the program", one.read)):
        table.rows.append(_rate_row(f"{name}, packets/s", rates, one.drivers))
    return table


def _account_rows(accounts: list[Account]) -> list[tuple[str, list[str]]]:
    """Return the way of the packets, from the generator to the program, one column per account."""
    causes = dict.fromkeys(name for account in accounts for name, count in account.dropped.items() if count)

    def counts(values: list[int]) -> list[str]:
        return [f"{value:,}" for value in values]

    rows = [("sent by the generator, packets", counts([account.sent for account in accounts])),
            ("  dropped by the host's queue", counts([account.queue_dropped for account in accounts])),
            ("  lost between queue and driver", counts([account.strayed for account in accounts])),
            ("received by the driver", counts([account.received for account in accounts])),
            ("  dropped by the driver", counts([sum(account.dropped.values()) for account in accounts]))]
    for name in causes:
        rows.append((f"    {cause(name)}", [f"{account.dropped[name]:,}" if name in account.dropped else NOTHING
                                            for account in accounts]))
    return rows + [("delivered to the stack", counts([account.delivered for account in accounts])),
                   ("  lost in the stack", counts([account.stack_lost for account in accounts])),
                   ("  no room in the socket's buffer", counts([account.overflow for account in accounts])),
                   ("read by the program", counts([account.socket for account in accounts])),
                   ("seconds", [f"{account.seconds:.1f}" for account in accounts])]


def _tcp(result: Result) -> Table:
    ours, theirs = result.labels
    wish = result.configuration
    table = Table(f"TCP (iperf3), {wish.tcp_rounds} x {wish.tcp_seconds} s", ["", ours, theirs, f"{ours} / {theirs}"])
    for direction, rates in compare.transfers(result).items():
        millions = {label: [rate / 1e6 for rate in rounds] for label, rounds in rates.items()}
        table.rows.append(_rate_row(f"{direction}, Mbit/s", millions, result.labels))
    return table


def _rate_row(name: str, rates: dict[str, list[float]], drivers: tuple[str, str]) -> list[str]:
    """Return a row with both drivers' rates and their ratio."""
    return [name, *(spread_text(compare.spread(rates[driver])) for driver in drivers),
            spread_text(compare.spread(compare.ratios(rates, drivers)), 2)]


def _failing(turn: Turn) -> Table:
    """Return the turn's rates before, while and after every atomic allocation failed."""
    parts = compare.phases(turn)
    table = Table(f"{turn.size}-byte frames, allocations fail", ["", *(part.name for part in parts)])
    table.rows.append(["seconds", *(f"{part.seconds:.1f}" for part in parts)])
    drops = [name for name in turn.samples.matching(r"rx_drop_\w+") if turn.samples.delta(name)]
    failures = [name for name in turn.samples.matching(r"page_fail_\w+") if turn.samples.delta(name)]
    names = {"rx_frames": "received by the driver, packets/s", "rx_delivered": "delivered to the stack, packets/s"}
    names |= {name: f"  dropped: {cause(name.removeprefix('rx_drop_'))}, packets/s" for name in drops}
    names |= {"socket_packets": "read by the program, packets/s"}
    names |= {name: f"pages refused: {cause(name.removeprefix('page_fail_'))}, pages/s" for name in failures}
    for counter, words in names.items():
        table.rows.append([words, *(f"{part.rate(counter):,.0f}" for part in parts)])
    return table


def _cell(text: str, tag: str) -> str:
    depth = (len(text) - len(text.lstrip())) // 2
    style = f' style="padding-left:{0.6 + 1.2 * depth:.1f}em"' if depth else ""
    return f"<{tag}{style}>{html.escape(text.strip())}</{tag}>"
