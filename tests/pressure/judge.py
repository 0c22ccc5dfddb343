# SPDX-License-Identifier: GPL-2.0
"""What a trial means: how the small flows fared while memory was short, what was lost, and which bounds hold.

All times are seconds by the guest's clock, to which the host's are converted: the two differ by the least difference
between sending and arrival that was seen, which errs by the fastest packet's way.
"""

import math
import statistics
from dataclasses import dataclass, field

from tests.pressure.record import Kill, Trial

# Milliseconds between two datagrams of the control flow; a pause beyond that is the sender's own.
CONTROL_PACE = 0.002
RATE_WINDOW = 0.1  # seconds over which a rate is measured
FULL = 0.95  # of the rate in the quiet: full rate
PING_PATIENCE = 1.0  # seconds after which a ping is lost
# What says that this machine has too much other work for a trial to show anything: a round trip in the quiet, in
# milliseconds; and how long QEMU's threads had to wait for a processor, in seconds per second.
DISTURBED = 100
CROWDED = 0.45


@dataclass(frozen=True)
class Trips:
    """Round trips in milliseconds; an unanswered one has taken as long as was waited for it."""

    median: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Trips":
        """Return the percentiles of at least one value."""
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[math.ceil(0.99 * len(ordered)) - 1], ordered[-1])


@dataclass(frozen=True)
class Bound:
    """Something that has to be true of a driver under pressure."""

    name: str
    holds: bool
    measured: str


@dataclass
class Findings:
    """What is known about one trial."""

    label: str
    scenario: str
    driver: str
    protected: bool
    outcome: str
    panic: str
    begin: float  # of the shortage
    end: float
    control_sent: int
    control_delivered: int
    silence_ms: float
    sender_pause_ms: float  # the longest pause of the sender itself: how noisy this machine was
    waited: tuple[float, float]  # by QEMU for a processor, before and during the shortage; in seconds per second
    quiet: Trips
    quiet_trips: list[float]
    quiet_lost: int  # control packets
    short: Trips
    ping_sent: int
    ping_lost: int
    kills: list[Kill]
    reports: int
    back_ms: float | None  # None: never
    free_least_kb: int
    softirq_share: float  # of one processor, while memory was short
    drops: dict[str, int]
    unexplained: int | None  # packets that nobody has counted, or has counted without a cause; None: nobody knows
    bounds: list[Bound] = field(default_factory=list)

    @property
    def control_share(self) -> float:
        """Return the part of the control flow that arrived, in percent."""
        return 100 * self.control_delivered / max(self.control_sent, 1)

    @property
    def disturbed(self) -> bool:
        """Whether this machine was too busy. How the guest fared while memory was short has no say in this."""
        return self.quiet_lost > 0 or self.quiet.p99 > DISTURBED or max(self.waited) > CROWDED

    @property
    def driver_kills(self) -> int:
        """Return how many processes were killed because the driver asked for memory."""
        return sum(bool(kill.driver) for kill in self.kills)


def judge(trial: Trial) -> Findings:
    """Work out what a trial means."""
    shift = offset(trial)
    begin, end = _window(trial)
    control = _control(trial, shift, begin, end)
    quiet = tuple(time + shift for time in trial.quiet)
    calm = _control(trial, shift, *quiet)
    pings = [answer is not None and answer - sent <= PING_PATIENCE for sent, answer
             in zip(trial.probes.ping, trial.probes.pinged) if begin <= sent + shift < end]
    drops, unexplained = _losses(trial)
    times = trial.log.times()
    free = [row for time, row in zip(times, trial.log.column("free_kb")) if begin <= time < end]
    quiet_trips = _echoes(trial, shift, *quiet)
    return Findings(
        trial.label, trial.scenario, trial.driver, trial.protected, trial.outcome, _panic(trial), begin, end,
        control_sent=len(control), control_delivered=sum(arrival is not None for _, arrival in control),
        silence_ms=1e3 * silence(control, begin, end), sender_pause_ms=1e3 * _pause(control),
        waited=trial.waited, quiet=Trips.of(quiet_trips), quiet_trips=quiet_trips, quiet_lost=sum(arrival is None for _, arrival in calm),
        short=Trips.of(_echoes(trial, shift, begin, end)),
        ping_sent=len(pings), ping_lost=pings.count(False), kills=trial.console.kills, reports=trial.console.reports,
        back_ms=_back(trial, quiet, end), free_least_kb=int(min(free, default=0)),
        softirq_share=_softirq(trial, begin, end), drops=drops, unexplained=unexplained)


def bind(findings: list[Findings]) -> None:
    """Fill in the bounds of all trials. The quiet is the same in all of a driver's, so they are taken together."""
    for found in findings:
        quiet = [trip for one in findings if one.driver == found.driver for trip in one.quiet_trips]
        found.bounds = bounds(found, Trips.of(quiet).p99)


def bounds(found: Findings, quiet_p99: float) -> list[Bound]:
    """Return what has to hold, and whether it does."""
    lives = found.outcome == "alive"
    back = found.back_ms
    return [
        Bound("the guest lives", lives, found.outcome),
        Bound("the driver causes no OOM kill", not found.driver_kills and "[" not in found.panic,
              f"{found.driver_kills} killed{', then the panic' if '[' in found.panic else ''}"),
        Bound("99 % of control delivered", found.control_share >= 99, f"{found.control_share:.1f} %"),
        Bound("no silence over 100 ms", found.silence_ms <= 100, f"{found.silence_ms:.0f} ms"),
        Bound("round trips: p99 under 3 x quiet", found.short.p99 < 3 * quiet_p99, f"{found.short.p99 / quiet_p99:.1f} x"),
        Bound("each loss has a count and a cause", found.unexplained == 0,
              "unknown" if found.unexplained is None else f"{found.unexplained:,} have none"),
        Bound("bulk is back within 100 ms", back is not None and back <= 100,
              "never" if back is None else f"{back:.0f} ms"),
    ]


def silence(control: list[tuple[float, float | None]], begin: float, end: float) -> float:
    """Return the longest time without an arrival, less what the sender's own pauses in it explain.

    @control: when each datagram was sent, and when it arrived
    """
    longest, last, before, paused = 0.0, begin, begin, 0.0
    for sent, arrival in [*control, (end, end)]:
        paused = max(paused, sent - before - CONTROL_PACE)
        before = sent
        if arrival is not None:
            longest = max(longest, arrival - last - max(paused, 0))
            last, paused = arrival, 0.0
    return longest


def offset(trial: Trial) -> float:
    """Return what to add to the host's clock to get the guest's."""
    sent = trial.probes.control
    first = sent[0] if sent else 0.0
    early = [arrival - sent[number] for number, arrival in trial.log.arrivals.items()
             if number < len(sent) and sent[number] < trial.quiet[1]]
    if not early:
        raise ValueError(f"{trial.label}: nothing arrived in the guest before memory was short (first sent: {first:.1f})")
    return min(early)


def _window(trial: Trial) -> tuple[float, float]:
    """Return when the shortage began and ended; if the guest did not live to see its end, when it would have."""
    marks = trial.log.marks
    if "begin" not in marks:
        raise ValueError(f"{trial.label}: the shortage never began")
    return marks["begin"], marks.get("end", marks["begin"] + trial.seconds)


def _control(trial: Trial, shift: float, begin: float, end: float) -> list[tuple[float, float | None]]:
    return [(sent + shift, trial.log.arrivals.get(number)) for number, sent in enumerate(trial.probes.control)
            if begin <= sent + shift < end]


def _pause(control: list[tuple[float, float | None]]) -> float:
    sent = [time for time, _ in control]
    return max((after - before for before, after in zip(sent, sent[1:])), default=0.0)


def _echoes(trial: Trial, shift: float, begin: float, end: float) -> list[float]:
    """Return the round trips of the requests that were sent in the window, in milliseconds."""
    probes = trial.probes
    found = [1e3 * ((answer or probes.ended) - sent) for sent, answer in zip(probes.echo, probes.echoed)
             if begin <= sent + shift < end]
    if not found:
        raise ValueError(f"{trial.label}: no request was sent between {begin:.1f} and {end:.1f}")
    return found


def delivered(trial: Trial) -> list[float]:
    """Return the packets that the driver had delivered, at each sample.

    What `ip -s link` calls received is what labnet has delivered; with virtio_net it includes what it has dropped.
    """
    received = trial.log.column("link_rx_packets")
    if trial.driver == "labnet":
        return received
    return [packets - dropped for packets, dropped in zip(received, trial.log.column("link_rx_dropped"))]


def _back(trial: Trial, quiet: tuple[float, ...], end: float) -> float | None:
    """Return how many milliseconds after the shortage the packets came at full rate again; None if they never did."""
    if "end" not in trial.log.marks or trial.outcome != "alive":
        return None
    times, values, log = trial.log.times(), delivered(trial), trial.log

    def rate(begin: float, end: float) -> float:
        return (log.value_at(times, values, end) - log.value_at(times, values, begin)) / (end - begin)

    full = FULL * rate(*quiet)
    for time in [end, *(time for time in times if time > end)]:
        if time + RATE_WINDOW <= times[-1] and rate(time, time + RATE_WINDOW) >= full:
            return 1e3 * (time - end)
    return None


def _softirq(trial: Trial, begin: float, end: float) -> float:
    times, ticks = trial.log.times(), trial.log.column("softirq_ticks")
    spent = trial.log.value_at(times, ticks, end) - trial.log.value_at(times, ticks, begin)
    return spent / 100 / (end - begin)


def _losses(trial: Trial) -> tuple[dict[str, int], int | None]:
    """Return where packets were lost, and how many of them without a count or a cause."""
    log = trial.log
    drops = {"host: no buffer in the ring, or the guest too slow": trial.host.refused}
    causes = {name: log.grown(name) for name in log.names if name.startswith("rx_drop_")}
    dropped = log.grown_column("link_rx_dropped")
    if causes:
        drops |= {f"driver: {name.removeprefix('rx_drop_').replace('_', ' ')}": count for name, count in causes.items()}
        frames, known = log.grown("rx_frames"), log.grown("rx_delivered") + sum(causes.values())
        nameless = 0
    else:
        drops["driver: no cause given"] = dropped
        frames = known = log.grown_column("link_rx_packets")
        nameless = dropped
    room, memory = log.grown_column("udp_no_room"), log.grown_column("udp_no_memory")
    drops |= {"stack: no room in the socket": room, "stack: no memory": memory,
              "stack: other": log.grown_column("udp_errors") - room - memory}
    drops = {name: count for name, count in drops.items() if count}
    if trial.outcome != "alive":
        return drops, None
    strayed = trial.host.offered - trial.host.refused - frames
    return drops, abs(strayed) + abs(frames - known) + nameless


def _panic(trial: Trial) -> str:
    console = trial.console
    if not console.panic:
        return ""
    asked = f", asked for by [{console.panic_driver}]" if console.panic_driver else ""
    return f"{console.panic}{asked}"
