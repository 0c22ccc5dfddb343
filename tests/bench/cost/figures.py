# SPDX-License-Identifier: GPL-2.0
"""What was measured: windows, figures, and the bounds that the project sets itself."""

from dataclasses import dataclass, field

from qemu import RunError
from tests.bench.cost.config import DEFAULT, FLOOR, OURS, THEIRS, Case, Setup, Wish
from tests.bench.samples import Spread

LOOP = 10_000  # instructions of the spinner's loop, without its few of bookkeeping
BOOKKEEPING = 0.05


class BadReport(RunError):
    """The guest's report is not what it has to be; str() says in what respect."""


@dataclass(frozen=True)
class Window:
    """What the spinner saw between two stamps."""

    ticks: int  # the guest's instructions,
    loops: int  # those of them that nobody wanted, in loops of the spinner,
    count: int  # and how much the path's counter grew


@dataclass
class Spin:
    """One run of the spinner."""

    windows: list[Window]
    interrupts: int
    count: int  # while these interrupts came

    @classmethod
    def parse(cls, text: str) -> "Spin":
        """Read what the spinner has printed."""
        windows, last = [], None
        for words in (line.split() for line in text.splitlines()):
            if words[:1] == ["window"] and len(words) == 4:
                windows.append(Window(*map(int, words[1:])))
            elif words[:1] == ["interrupts"] and len(words) == 3:
                last = tuple(map(int, words[1:]))
            else:
                raise BadReport(f"the spinner said {' '.join(words)!r}")
        if not windows or not last:
            raise BadReport("the spinner's report is not complete")
        return cls(windows, *last)

    @property
    def per_loop(self) -> float:
        """The guest's instructions per loop: when nothing else runs, those of a loop and of the kernel's clock."""
        loops = sum(window.loops for window in self.windows)
        return sum(window.ticks for window in self.windows) / loops if loops else float("inf")


def check_clock(alone: Spin) -> None:
    """Refuse a guest whose clock does not count instructions, or that is busy without packets."""
    if not LOOP <= alone.per_loop <= LOOP * (1 + BOOKKEEPING):
        raise BadReport(f"a loop of {LOOP} instructions was measured as {alone.per_loop:.1f} ticks: the guest's clock "
                        "does not count instructions, or the guest is not idle")


def costs(spin: Spin, per_loop: float, unit: float) -> list[float]:
    """Return instructions per `unit` of the counter, one for each window: what the spinner has lost."""
    return [unit * (window.ticks - window.loops * per_loop) / window.count for window in spin.windows]


@dataclass(frozen=True)
class Figure:
    """One case in one setup: its samples, or why there are none."""

    case: Case
    setup: Setup
    samples: list[float] = field(default_factory=list)
    interrupts: float = 0.0  # per unit
    missing: str = ""

    @property
    def spread(self) -> Spread:
        """Instructions per unit."""
        return Spread.of(self.samples)


@dataclass
class Result:
    """Everything that one run measured."""

    wish: Wish
    versions: dict[str, str]
    figures: list[Figure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # of the guests' kernels

    def find(self, setup: Setup, path: str, size: int, driver: str, quality: str = "") -> Figure | None:
        """Return one figure, if it was measured or tried."""
        wanted = (setup, path, size, driver, quality)
        return next((one for one in self.figures if wanted == (
            one.setup, one.case.path.name, one.case.size, one.case.driver, one.case.quality)), None)


def ratio(one: Figure | None, other: Figure | None) -> Spread | None:
    """Return how much `one` costs in units of `other`; the spread is the widest that the samples allow."""
    if not one or not other or one.missing or other.missing:
        return None
    mine, theirs = one.spread, other.spread
    return Spread(mine.median / theirs.median, mine.least / theirs.most, mine.most / theirs.least)


# The most that labnet with default quality may cost, in units of virtio_net, as shipped: by kernel, path and size.
_BOUNDS = {("6.1", "xdp-drop"): 0.40, ("6.12", "xdp-drop"): 0.38, ("7.2", "xdp-drop"): 0.65,
           ("6.1", "tc-drop"): 0.68, ("6.12", "tc-drop"): 0.66, ("7.2", "tc-drop"): 0.80,
           ("6.1", "udp-closed"): 0.87, ("6.12", "udp-closed"): 0.87, ("7.2", "udp-closed"): 0.90}
_BOUNDS_64 = {("6.1", "udp-tx"): 0.95, ("6.12", "udp-tx"): 0.95, ("7.2", "udp-tx"): 0.95}
BOUNDS = {(kernel, path, size): most for (kernel, path), most in _BOUNDS.items() for size in (64, 1500)} | {
    (kernel, path, 64): most for (kernel, path), most in _BOUNDS_64.items()}
# The most that default quality may cost, as a part of what the packet costs without any.
QUALITY_BOUND = 0.03
# The most that a packet may cost more with several queues, as a part of what it costs with one.
QUEUES_BOUND = 0.03


@dataclass(frozen=True)
class Verdict:
    """A bound, and what was measured; None where there is no figure."""

    words: str
    most: float
    measured: float | None

    @property
    def outcome(self) -> str:
        """Whether it is met."""
        if self.measured is None:
            return "MISSING"
        return "met" if self.measured <= self.most else "MISSED"


def verdicts(result: Result) -> list[Verdict]:
    """Return the bounds that concern what the run was asked for. They are about the setup that guests really have."""
    if Setup() not in result.wish.setups():
        return []
    return [*_against_theirs(result), *_qualities(result), *_queues(result)]


def _against_theirs(result: Result) -> list[Verdict]:
    found = []
    for (kernel, path, size), most in BOUNDS.items():
        ours = result.find(Setup(), path, size, OURS, DEFAULT)
        if kernel == result.wish.kernel and ours:
            part = ratio(ours, result.find(Setup(), path, size, THEIRS))
            found.append(Verdict(f"{path}, {size} bytes, {OURS} / {THEIRS}", most, part.median if part else None))
    return found


def _qualities(result: Result) -> list[Verdict]:
    off = [one for one in result.figures if one.setup == Setup() and one.case.quality == "off"
           and one.case.path.name in ("tc-drop", "udp-closed", "udp-socket")]
    return [_surcharge("default quality / none", QUALITY_BOUND,
                       result.find(Setup(), one.case.path.name, one.case.size, OURS, DEFAULT), one) for one in off]


def _queues(result: Result) -> list[Verdict]:
    several = [one for one in result.figures if one.setup.queues > 1 and one.setup == Setup(queues=one.setup.queues)
               and one.case.quality == DEFAULT and one.case.path.traffic == "flood"]
    return [_surcharge(f"{one.setup.queues} queues / one", QUEUES_BOUND, one,
                       result.find(Setup(), one.case.path.name, one.case.size, OURS, DEFAULT)) for one in several]


def _surcharge(words: str, most: float, dear: Figure | None, cheap: Figure | None) -> Verdict:
    """Return the bound on how much more one costs than the other."""
    part, case = ratio(dear, cheap), (dear or cheap).case
    return Verdict(f"{case.path.name}, {case.size} bytes, {words} - 1", most, part.median - 1 if part else None)


__all__ = ["FLOOR", "BadReport", "Figure", "Result", "Spin", "Verdict", "Window", "check_clock", "costs", "ratio",
           "verdicts"]
