# SPDX-License-Identifier: GPL-2.0
"""The table: a row for each bit, a column for each card, and what labnet lacks."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.features.bits import Reasons, name


@dataclass(frozen=True)
class Card:
    """What is known about one card: sets of bits."""

    kind: str
    offered: set[int]
    theirs: set[int]
    ours: set[int]

    def cell(self, number: int) -> str:
        """Return three letters for a bit: offered, taken by virtio_net, taken by labnet."""
        sets = zip("ovl", (self.offered, self.theirs, self.ours))
        return "".join(letter if number in bits else "." for letter, bits in sets)


def table(cards: list[Card]) -> Iterator[str]:
    """Return the lines of the table."""
    width = max(5, *(len(card.kind) for card in cards))
    yield "o: the device offers it, v: virtio_net takes it, l: labnet takes it"
    yield ""
    yield "bit                      " + " ".join(f"{card.kind:>{width}}" for card in cards)
    for number in sorted(set.union(*(card.offered | card.theirs | card.ours for card in cards))):
        cells = " ".join(f"{card.cell(number):>{width}}" for card in cards)
        yield f"{number:2} {name(number):<21} {cells}".rstrip()


def lacking(cards: list[Card], reasons: Reasons) -> Iterator[tuple[str, str]]:
    """Return what labnet lacks and virtio_net has, "<bit>: <cards>", and the reason, which is empty if there is none."""
    found: dict[tuple[int, str], list[str]] = {}
    for card in cards:
        for number in sorted(card.theirs - card.ours):
            found.setdefault((number, reasons.why(number, card.ours)), []).append(card.kind)
    for (number, why), kinds in sorted(found.items()):
        yield f"{name(number)} ({'all cards' if len(kinds) == len(cards) else ', '.join(kinds)})", why
