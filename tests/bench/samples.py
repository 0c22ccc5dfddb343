# SPDX-License-Identifier: GPL-2.0
"""What one turn measured: the reader's samples, and the account of where every packet went."""

import re
import statistics
from dataclasses import dataclass, field

from tests.bench.config import Configuration
from tests.bench.traffic import HostCount


@dataclass(frozen=True)
class Samples:
    """Running totals, one row per sample; the column "time" is in seconds since the guest booted."""

    columns: list[str]
    rows: list[list[float]]

    @classmethod
    def parse(cls, text: str) -> "Samples":
        """Read what the program sink has written."""
        lines = [line.split("\t") for line in text.splitlines()]
        if len(lines) < 3 or lines[0][0] != "time":
            raise ValueError(f"no samples, but {text[:80]!r}")
        columns, rows = lines[0], lines[1:]
        if any(len(row) != len(columns) for row in rows):
            raise ValueError("the driver's counters changed their number during the turn")
        return cls(columns, [[float(row[0]), *map(int, row[1:])] for row in rows])

    def column(self, name: str) -> list[float]:
        """Return one counter's running totals; zeros where the driver has no such counter."""
        if name not in self.columns:
            return [0] * len(self.rows)
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def matching(self, pattern: str) -> list[str]:
        """Return the columns whose whole name matches the regular expression."""
        return [name for name in self.columns if re.fullmatch(pattern, name)]

    def delta(self, name: str) -> int:
        """Return how much a counter grew during the turn."""
        values = self.column(name)
        return int(values[-1] - values[0])

    def rate(self, name: str) -> tuple[list[float], list[float]]:
        """Return a counter's growth per second between samples, and the middle of each interval.

        Time 0 is the last sample before anything arrived.
        """
        times, values = self.column("time"), self.column(name)
        zero = self.start()
        middles, rates = [], []
        for i in range(1, len(times)):
            if times[i] - times[i - 1] < 0.01:
                continue  # the last sample may follow the one before at once
            middles.append((times[i] + times[i - 1]) / 2 - zero)
            rates.append((values[i] - values[i - 1]) / (times[i] - times[i - 1]))
        return middles, rates

    def start(self) -> float:
        """Return the time of the last sample before the first packet."""
        times, packets = self.column("time"), self.column("link_rx_packets")
        before = [time for time, count in zip(times, packets) if count == packets[0]]
        return before[-1]


@dataclass(frozen=True)
class Turn:
    """One flood on one card."""

    label: str  # the driver; where it is compared with itself, numbered
    size: int
    number: int  # the round, from 1
    host: HostCount
    samples: Samples
    window: tuple[float, float] | None = None  # when every atomic allocation failed, on the samples' clock


@dataclass(frozen=True)
class Account:
    """Where every packet of one or more turns went. All counts are packets."""

    sent: int
    queue_dropped: int
    received: int
    delivered: int
    dropped: dict[str, int]  # by the driver, by cause
    socket: int
    overflow: int
    seconds: float

    @property
    def strayed(self) -> int:
        """What left the host's queue and did not come to the driver (negative: packets that nobody here sent)."""
        return self.sent - self.queue_dropped - self.received

    @property
    def stack_lost(self) -> int:
        """What the driver delivered and neither the socket nor its overflow has seen."""
        return self.delivered - self.socket - self.overflow

    @property
    def balance(self) -> int:
        """Received minus delivered minus dropped: 0, or the driver has lost count."""
        return self.received - self.delivered - sum(self.dropped.values())

    @classmethod
    def of(cls, turn: Turn) -> "Account":
        """Return the account of one turn."""
        samples = turn.samples
        received, delivered, dropped = _driver(samples)
        return cls(sent=turn.host.sent, queue_dropped=turn.host.dropped, received=received, delivered=delivered,
                   dropped=dropped, socket=samples.delta("socket_packets"),
                   overflow=samples.delta("udp_RcvbufErrors"), seconds=turn.host.seconds)

    @classmethod
    def total(cls, accounts: list["Account"]) -> "Account":
        """Return the sum of several accounts."""
        causes = dict.fromkeys(cause for account in accounts for cause in account.dropped)
        return cls(
            **{name: sum(getattr(account, name) for account in accounts)
               for name in ("sent", "queue_dropped", "received", "delivered", "socket", "overflow", "seconds")},
            dropped={cause: sum(account.dropped.get(cause, 0) for account in accounts) for cause in causes})


def _driver(samples: Samples) -> tuple[int, int, dict[str, int]]:
    """Return what the driver says it received, delivered and dropped by cause.

    labnet counts each by itself, so the three can contradict each other and the identity proves
    something. Other drivers have no count of what they delivered: it is what they did not drop.
    """
    if "rx_delivered" in samples.columns:
        causes = {name.removeprefix("rx_drop_"): samples.delta(name) for name in samples.matching(r"rx_drop_\w+")}
        return samples.delta("rx_frames"), samples.delta("rx_delivered"), causes
    received, dropped = samples.delta("link_rx_packets"), samples.delta("link_rx_dropped")
    return received, received - dropped, {"no cause given": dropped} if dropped else {}


@dataclass(frozen=True)
class Spread:
    """The median of some values, and the least and the greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Transfer:
    """One TCP stream."""

    label: str
    direction: str
    number: int  # the round, from 1
    bits_per_second: float


@dataclass
class Result:
    """Everything that one run measured."""

    configuration: Configuration
    labels: tuple[str, str]  # the driver that the run is about, and the one to compare with
    versions: dict[str, str]
    turns: list[Turn] = field(default_factory=list)
    tcp: list[Transfer] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)  # the driver's own, at the end
    warnings: list[str] = field(default_factory=list)  # of the guest's kernel
    notes: list[str] = field(default_factory=list)
