# SPDX-License-Identifier: GPL-2.0
"""Reads what the page layer says about memory: the map and the records of failures (Documentation/map.rst)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PASSAGE = re.compile(r"passage node (\d+) zone (\S+): (.+)")
FAILURE = re.compile(r"failure (\d+) at (\d+\.\d{6}) s: (\w+) in (irq|napi|task) on cpu (\d+) by (\S+)(?: \[(\w+)\])?")
KSWAPD = re.compile(r"node (\d+): kswapd has failed (\d+) times in a row(, it has given up)?")
PICTURE = re.compile(r"  0 \[([.#Fmlh]{60})\] (\d+)")
# The numbers of a passage, in the order in which they are printed.
NUMBERS = (("free", "cma", "pcp", "highatomic", "managed"), ("floor", "min", "low", "high", "protect"))


class Malformed(Exception):
    """A line is not as it is documented."""


@dataclass
class Passage:
    """One zone of the page allocator as an atomic request finds it; numbers are pages."""

    node: int
    zone: str
    verdict: str
    number: dict[str, int]
    blocks: list[int]
    picture: str = ""
    scale: int = 0

    @property
    def usable(self) -> int:
        """Free pages that are not CMA."""
        return max(self.number["free"] - self.number["cma"], 0)

    def above(self, mark: str) -> int:
        """Usable pages above a mark; what lowmem_reserve protects lies below every mark. May be negative."""
        return self.usable - self.number[mark] - self.number["protect"]


@dataclass
class Kswapd:
    """What the map says about a node's reclaimer."""

    node: int
    failures: int
    given_up: bool


@dataclass
class Map:
    """The file `map`, as far as it is about memory."""

    nodes: list[Kswapd] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)

    def passage(self, node: int, zone: str) -> Passage:
        """Return the only passage of that name."""
        found, = (p for p in self.passages if (p.node, p.zone) == (node, zone))
        return found


@dataclass
class Failure:
    """One record of the file `failures`."""

    number: int
    when: float
    cause: str
    context: str
    cpu: int
    site: str
    module: str
    passages: list[Passage] = field(default_factory=list)


def read_map(text: str) -> Map:
    """Read the file `map`; the last part, about the page layer's own zones, is left out."""
    result = Map()
    lines = iter(text.partition("\nzone ")[0].splitlines())
    for line in lines:
        if found := KSWAPD.fullmatch(line):
            result.nodes.append(Kswapd(int(found[1]), int(found[2]), bool(found[3])))
            continue
        passage = _passage(line, lines)
        passage.picture, passage.scale = _picture(next(lines, ""))
        result.passages.append(passage)
    return result


def read_failures(text: str) -> list[Failure]:
    """Read the file `failures`, oldest first."""
    result: list[Failure] = []
    lines = iter(text.splitlines())
    for line in lines:
        if found := FAILURE.fullmatch(line):
            result.append(Failure(int(found[1]), float(found[2]), found[3], found[4], int(found[5]), found[6], found[7] or ""))
        elif result:
            result[-1].passages.append(_passage(line, lines))
        else:
            raise Malformed(f"not the head of a failure: {line!r}")
    return result


def _passage(line: str, rest: Iterator[str]) -> Passage:
    """Read the four lines of a passage, of which @line is the first."""
    head = PASSAGE.fullmatch(line)
    if not head:
        raise Malformed(f"not the head of a passage: {line!r}")
    number: dict[str, int] = {}
    for names in NUMBERS:
        line = next(rest, "")
        found = re.fullmatch("  " + " ".join(rf"{name} (\d+)" for name in names), line)
        if not found:
            raise Malformed(f"not a line of {', '.join(names)}: {line!r}")
        number |= dict(zip(names, map(int, found.groups())))
    blocks = re.fullmatch(r"  blocks((?: \d+)+)", line := next(rest, ""))
    if not blocks:
        raise Malformed(f"not a line of blocks: {line!r}")
    return Passage(int(head[1]), head[2], head[3], number, [int(word) for word in blocks[1].split()])


def _picture(line: str) -> tuple[str, int]:
    found = PICTURE.fullmatch(line)
    if not found:
        raise Malformed(f"not a picture: {line!r}")
    return found[1], int(found[2])
