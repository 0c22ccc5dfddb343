# SPDX-License-Identifier: GPL-2.0
"""What the turns of a run say together.

Two drivers at one size, over all rounds; and one driver before, while and after its allocations fail.
"""

import bisect
from dataclasses import dataclass

from tests.bench.samples import Account, Result, Samples, Spread, Turn

PHASES = ("before", "failing", "after")


@dataclass(frozen=True)
class Comparison:
    """Two drivers at one size, over all rounds. Dictionaries are by driver, lists by round."""

    size: int
    drivers: tuple[str, str]
    accounts: dict[str, Account]
    received: dict[str, list[float]]  # packets per second that the driver received
    read: dict[str, list[float]]  # packets per second that the program read

    @property
    def ratio(self) -> list[float]:
        """For each round, how many times as much the program read through the first driver as through the second."""
        return ratios(self.read, self.drivers)

    @property
    def saturated(self) -> bool:
        """Whether it was the guest, and not the generator, that limited both drivers."""
        return all(account.received < 0.95 * account.sent for account in self.accounts.values())


@dataclass(frozen=True)
class Phase:
    """A part of the turn in which allocations fail. Counts of packets in `seconds` of the guest's time."""

    name: str
    seconds: float
    counts: dict[str, int]

    def rate(self, counter: str) -> float:
        """Return a counter's growth per second."""
        return self.counts.get(counter, 0) / self.seconds if self.seconds else 0.0


def comparisons(result: Result) -> list[Comparison]:
    """Return one comparison for each size, in the order in which the sizes were measured."""
    plain = [turn for turn in result.turns if turn.window is None]
    labels = result.labels
    found = []
    for size in dict.fromkeys(turn.size for turn in plain):
        accounts = {label: [Account.of(turn) for turn in plain if turn.size == size and turn.label == label]
                    for label in labels}
        found.append(Comparison(
            size, labels,
            accounts={label: Account.total(rounds) for label, rounds in accounts.items()},
            received={label: [one.received / one.seconds for one in rounds] for label, rounds in accounts.items()},
            read={label: [one.socket / one.seconds for one in rounds] for label, rounds in accounts.items()}))
    return found


def transfers(result: Result) -> dict[str, dict[str, list[float]]]:
    """Return TCP's bits per second by direction and driver, as lists by round."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in sorted(result.tcp, key=lambda transfer: transfer.number):
        found.setdefault(one.direction, {}).setdefault(one.label, []).append(one.bits_per_second)
    return found


def ratios(rates: dict[str, list[float]], drivers: tuple[str, str]) -> list[float]:
    """Return, for each round, the first driver's rate divided by the second's."""
    ours, theirs = (rates[driver] for driver in drivers)
    return [mine / other for mine, other in zip(ours, theirs) if other]


def rates(result: Result) -> dict[str, Spread]:
    """Return, by what was moved, how many times as much the first driver moved as the second: one ratio per round."""
    found = {f"{one.size}-byte frames": one.ratio for one in comparisons(result)}
    found |= {f"TCP {direction}": ratios(moved, result.labels) for direction, moved in transfers(result).items()}
    return {name: spread(values) for name, values in found.items() if values}


def phases(turn: Turn) -> list[Phase]:
    """Split the turn in which allocations fail at the samples around the failures."""
    assert turn.window
    samples = turn.samples
    times = samples.column("time")
    begin = max(bisect.bisect_right(times, turn.window[0]) - 1, 0)
    end = min(bisect.bisect_left(times, turn.window[1]), len(times) - 1)
    rows = (times.index(samples.start()), begin, end, max(end, _last_arrival(samples)))
    return [_phase(samples, name, *pair) for name, pair in zip(PHASES, zip(rows, rows[1:]))]


def spread(values: list[float]) -> Spread:
    """Return median, least and greatest; zeros where nothing was measured."""
    return Spread.of(values) if values else Spread(0, 0, 0)


def _phase(samples: Samples, name: str, first: int, last: int) -> Phase:
    counts = {column: int(samples.column(column)[last] - samples.column(column)[first])
              for column in samples.columns if column != "time"}
    times = samples.column("time")
    return Phase(name, times[last] - times[first], counts)


def _last_arrival(samples: Samples) -> int:
    """Return the first sample that has seen all packets."""
    packets = samples.column("link_rx_packets")
    return packets.index(packets[-1])
