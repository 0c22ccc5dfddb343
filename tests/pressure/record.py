# SPDX-License-Identifier: GPL-2.0
"""What one trial has left behind: the observer's lines, the console's words, and the host's own counts.

Times are seconds since the guest booted, by the guest's clock.
"""

import bisect
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.pressure.prober import Probes

# As in observer.c.
SAMPLE = ("time", "free_kb", "softirq_ticks", "link_rx_packets", "link_rx_dropped", "udp_in", "udp_no_port", "udp_errors",
          "udp_no_room", "udp_no_memory")
TICKS = 100  # per second: of /proc/stat
STAMP = r"\[ *(\d+\.\d+)\] "
INVOKED = re.compile(STAMP + r"(\S+) invoked oom-killer")
KILLED = re.compile(STAMP + r".*Killed process \d+ \((.*?)\)")
PANIC = re.compile(STAMP + r"Kernel panic - not syncing: (.*)")
DRIVER = re.compile(r"\[(virtio_net|labnet|labyrinth)\]")
REPORTED = re.compile(r"page allocation failure: order:")


@dataclass
class Log:
    """What the observer has written."""

    samples: list[list[float]] = field(default_factory=list)  # columns as in SAMPLE
    names: list[str] = field(default_factory=list)  # of the driver's counters
    driver: list[list[float]] = field(default_factory=list)  # time, and a value for each name
    arrivals: dict[int, float] = field(default_factory=dict)  # of the control flow, by number
    marks: dict[str, float] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Log":
        """Read the lines; a last one that was cut off by the guest's end does not count."""
        log = cls()
        for line in text.split("\n")[:-1]:
            kind, *fields = line.split("\t")
            try:
                log._add(kind, fields)
            except ValueError:
                raise ValueError(f"the observer wrote {line[:80]!r}") from None
        return log

    def _add(self, kind: str, fields: list[str]) -> None:
        match kind:
            case "S" if len(fields) == len(SAMPLE):
                self.samples.append([float(field) for field in fields])
            case "N":
                self.names = fields
            case "D" if len(fields) == len(self.names) + 1:
                self.driver.append([float(field) for field in fields])
            case "A":
                self.arrivals |= {int(number): float(time) for number, _, time in (f.partition(":") for f in fields)}
            case "M" if len(fields) == 2:
                self.marks[fields[0]] = float(fields[1])
            case _:
                raise ValueError

    def times(self) -> list[float]:
        """Return the times of the samples."""
        return [row[0] for row in self.samples]

    def column(self, name: str) -> list[float]:
        """Return a column of the samples."""
        index = SAMPLE.index(name)
        return [row[index] for row in self.samples]

    def counter(self, name: str) -> list[float]:
        """Return a counter of the driver, at the times of `driver`; zeros where it has no such counter."""
        if name not in self.names:
            return [0.0] * len(self.driver)
        index = self.names.index(name) + 1
        return [row[index] for row in self.driver]

    def grown(self, name: str) -> int:
        """Return how much a counter of the driver has grown from its first value to the last that is known."""
        values = self.counter(name)
        return int(values[-1] - values[0]) if values else 0

    def grown_column(self, name: str) -> int:
        """Return how much a column of the samples has grown."""
        values = self.column(name)
        return int(values[-1] - values[0]) if values else 0

    def value_at(self, times: list[float], values: list[float], time: float) -> float:
        """Return what `values` were at `time`: what lies between two samples has grown evenly."""
        after = min(max(bisect.bisect_left(times, time), 1), len(times) - 1)
        begin, end = times[after - 1], times[after]
        share = min(max((time - begin) / (end - begin), 0.0), 1.0)
        return values[after - 1] + share * (values[after] - values[after - 1])


@dataclass(frozen=True)
class Kill:
    """One process that the OOM killer has ended."""

    time: float
    victim: str
    invoker: str  # the process that asked for memory
    driver: str  # the network driver in whose code that was, or ""


@dataclass(frozen=True)
class Console:
    """What the guest's kernel has said."""

    kills: list[Kill]
    panic: str  # its reason, or "" while the guest lives
    panic_time: float
    panic_driver: str  # the network driver that had asked for memory, or ""
    reports: int  # of failed allocations

    @classmethod
    def parse(cls, lines: Iterable[str]) -> "Console":
        """Read the console's lines; who asked is in the report that comes before a kill or a panic."""
        kills: list[Kill] = []
        invoker, driver, panic, reports = "", "", ("", 0.0), 0
        for line in lines:
            if found := INVOKED.search(line):
                invoker, driver = found[2], ""
            elif found := KILLED.search(line):
                kills.append(Kill(float(found[1]), found[2], invoker, driver))
            elif found := PANIC.search(line):
                panic = (found[2], float(found[1]))
                break  # what follows is the panic's own trace
            driver = driver or _driver(line)
            reports += bool(REPORTED.search(line))
        return cls(kills, *panic, driver if panic[0] else "", reports)


def _driver(line: str) -> str:
    """Return the network driver that a line of a trace names; the list of all modules names every one of them."""
    found = None if "Modules linked in" in line else DRIVER.search(line)
    return found[1] if found else ""


@dataclass(frozen=True)
class Host:
    """What the host has counted from the beginning of the traffic to its end."""

    offered: int  # to the queue in front of the guest, all flows
    refused: int  # of these, what the queue had no room for


@dataclass
class Trial:
    """One guest: what was done to it, and all that is known of what it did."""

    scenario: str
    driver: str
    protected: bool
    outcome: str = "alive"  # or panicked, or hung
    log: Log = field(default_factory=Log)
    console: Console = field(default_factory=lambda: Console([], "", 0.0, "", 0))
    probes: Probes = field(default_factory=Probes)
    host: Host = Host(0, 0)
    quiet: tuple[float, float] = (0.0, 0.0)  # by the host's clock
    seconds: float = 0.0  # how long the shortage is nominally
    # How long QEMU waited for a processor per second, before and while memory was short: this machine's other work.
    waited: tuple[float, float] = (0.0, 0.0)

    @property
    def label(self) -> str:
        """Name the trial."""
        return f"{self.scenario}, {self.driver}, {'protected' if self.protected else 'ordinary'} processes"
