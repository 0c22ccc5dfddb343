# SPDX-License-Identifier: GPL-2.0
"""The tables of Documentation/statistics.rst, made of the lists that the drivers themselves are made of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lint.style import PUBLIC_HEADER
from tests.lint.tree import Finding, Tree

DOCUMENT = "Documentation/statistics.rst"
DRIVER_HEADER = "drivers/net/labnet/counters.h"
# What `ethtool -S` puts before each list's names, in its totals.
PREFIXES = {"LABYRINTH_COUNTERS": "page_", "LABNET_RX_COUNTERS": "rx_", "LABNET_TX_COUNTERS": "tx_",
            "LABNET_CTRL_COUNTERS": "ctrl_"}

DEFINITION = re.compile(r"^#define (\w+_COUNTERS)\(X\)((?:.*\\\n)*.*\n)", re.MULTILINE)
COUNTER = re.compile(r'\bX\((\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)')
BEGIN = re.compile(r"^\.\. begin (\w+)$")


@dataclass(frozen=True)
class Counter:
    """One counter of a list."""

    name: str
    meaning: str


@dataclass(frozen=True)
class CounterList:
    """One X-macro list."""

    name: str
    path: str
    line: int
    counters: tuple[Counter, ...]

    def table(self) -> list[str]:
        """Return the list as a table in reStructuredText."""
        rows = [(f"``{PREFIXES.get(self.name, '')}{one.name}``", one.meaning) for one in self.counters]
        widths = [max(len(row[column]) for row in [*rows, ("counter", "meaning")]) for column in range(2)]
        rule = "  ".join("=" * width for width in widths)
        body = [f"{name:<{widths[0]}}  {meaning}" for name, meaning in [("counter", "meaning"), *rows]]
        return [rule, body[0], rule, *body[1:], rule]


def lists(tree: Tree) -> list[CounterList]:
    """Return every list of counters in the headers."""
    return [one for path in (PUBLIC_HEADER, DRIVER_HEADER) for one in _parse(path, "\n".join(tree.lines(path)) + "\n")]


def _parse(path: str, text: str) -> Iterator[CounterList]:
    for found in DEFINITION.finditer(text):
        body = found[2].replace("\\\n", " ")
        counters = tuple(Counter(name, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', words)))
                         for name, words in COUNTER.findall(body))
        yield CounterList(found[1], path, text[:found.start()].count("\n") + 1, counters)


def render(tree: Tree) -> list[str]:
    """Return the document's lines with the tables as they have to be; all else as it is."""
    tables = {one.name: one.table() for one in lists(tree)}
    result: list[str] = []
    skipping = ""
    for line in tree.lines(DOCUMENT):
        begin = BEGIN.match(line)
        if line == f".. end {skipping}":
            skipping = ""
        if not skipping:
            result.append(line)
        if begin and begin[1] in tables:
            skipping = begin[1]
            result += ["", *tables[skipping], ""]
    return result


def write(tree: Tree) -> bool:
    """Make the tables again; return whether that has changed the document."""
    before, after = tree.lines(DOCUMENT), render(tree)
    if before != after:
        (tree.root / DOCUMENT).write_text("\n".join(after) + "\n", encoding="utf-8")
    return before != after


def statistics(tree: Tree) -> Iterator[Finding]:
    """Documentation/statistics.rst explains every counter, in the drivers' own words"""
    if DOCUMENT not in tree.files:
        yield Finding(DOCUMENT, 1, "there is no such file")
        return
    lines = tree.lines(DOCUMENT)
    for one in lists(tree):
        if not one.counters:
            yield Finding(one.path, one.line, f"{one.name} has no counter that can be read here")
        for marker in (f".. begin {one.name}", f".. end {one.name}"):
            if lines.count(marker) != 1:
                yield Finding(DOCUMENT, 1, f"{one.name} of {one.path} has not exactly one marker '{marker}'")
    for number, (now, wanted) in enumerate(zip(lines, render(tree)), 1):
        if now != wanted:
            yield Finding(DOCUMENT, number, f"out of date, run python3 -m tests.lint --write: wanted '{wanted}'")
            return
    if len(lines) != len(render(tree)):
        yield Finding(DOCUMENT, len(lines), "out of date, run python3 -m tests.lint --write")
