# SPDX-License-Identifier: GPL-2.0
"""One guest whose instructions are counted, its cards, and what a packet costs on each way."""

import contextlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from qemu import BUILD, TOP, network
from qemu.kernels import Kernel
from qemu.vm import VM, GuestError
from tests.bench import compiler, guest, traffic
from tests.bench.alloc import ICOUNT
from tests.bench.cost.config import FLOOR, OURS, QUALITIES, THEIRS, Case, Setup
from tests.bench.cost.figures import BadReport, Figure, Spin, check_clock, costs
from tests.bench.traffic import PORT, DatagramLine, Line, TapLine

OUTPUT = BUILD / "bench"
DRIVERS = {OURS: "labnet", THEIRS: "virtio_net", FLOOR: "labyrinth_floor"}
PROGRAMS = ("bench/spinner.c", "bench/sender.c", "bench/sink.c", "xdp/xdp.c")
SCRIPT = Path(__file__).with_name("guest.sh")
# Microseconds of the guest's time. Packets come to it in bursts, so that they share the cost of an interrupt as
# they do under load: 5 ms of a path's rate are 100 or 200 of them, which the smallest ring has room for.
INTERVAL = 5000
TCP_INTERVAL = 500  # TCP waits for its answers
BITS = 2_000_000_000  # TCP: bits per second of the guest's time, all streams together, which leaves some for the spinner
FLOWS = 8  # of one queue
MANY_FLOWS = 32  # of each of several: so many that the host's hash gives every queue about as much
WINDOWS, TICKS = 9, 100_000_000
ALONE_WINDOWS, ALONE_TICKS = 5, 200_000_000
LEAST, LEAST_WINDOWS = 500, 5  # packets, or KB, in a window, and such windows: fewer make no figure
SETTLE = 0.2  # seconds after which the last packet has arrived
# The part of the packets that has to take the path that is measured.
FAITH = 0.97
# The part of its even share that a queue has to receive at least.
SHARE = 0.25
# Counters of a queue's packets, as labnet and two generations of virtio_net call them.
QUEUE_COUNTER = re.compile(r"^ *rx(?:_queue_)?(\d+)_(?:frames|packets): (\d+)$", re.MULTILINE)
TIMEOUT = 120.0


class Missing(Exception):
    """A figure cannot be measured; str() says why."""


def build_programs() -> tuple[Path, dict[str, Path]]:
    """Compile the host's generator and the guest's programs; return the first, and the guest's files."""
    built = [compiler.build(TOP / "tests" / name, OUTPUT, "-static", "-pthread") for name in PROGRAMS]
    return traffic.build(OUTPUT), {f"/usr/bin/{path.name}": path for path in built} | {"/guest.sh": SCRIPT}


class Guest:
    """A guest with two cards for each driver, and one for the floor: packets come in by the first of the two."""

    def __init__(self, vm: VM, setup: Setup, lines: dict[str, list[Line]], generator: Path) -> None:
        self.vm, self.setup, self.generator = vm, setup, generator
        vm.run("echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6")
        self.cards = {driver: [guest.bind(vm, line, DRIVERS[driver]) for line in pair] for driver, pair in lines.items()}
        for driver, pair in self.cards.items():
            for card in pair:
                self._use_queues(card)
                # The host's own: nothing has to be asked for while instructions are counted. The floor answers nobody.
                vm.run(f"ip neigh replace {card.line.host} lladdr 02:00:00:00:00:01 nud permanent dev {card.interface}"
                       if isinstance(card.line, DatagramLine) or driver == FLOOR else f"ping -n -c 1 -W 5 {card.line.host}")
        self._calibrate()

    def _use_queues(self, card: guest.Card) -> None:
        """Let a card use all the queues that it has been given; the floor has one, whatever is asked for."""
        if self.setup.queues == 1 or card.driver == DRIVERS[FLOOR]:
            return
        self.vm.run(f"ethtool -l {card.interface} | tail -n 4 | grep -q '^Combined:[[:space:]]*{self.setup.queues}$' || "
                    f"ethtool -L {card.interface} combined {self.setup.queues}")

    def _calibrate(self) -> None:
        """Find out how fast the spinner is alone, and how fast the guest's clock runs."""
        begin = time.monotonic()
        alone = self.spin(self.cards[THEIRS][0].interface, "rx_packets", "nothing", ALONE_WINDOWS, ALONE_TICKS)
        check_clock(alone)
        self.per_loop = alone.per_loop
        self.speed = (ALONE_WINDOWS + 1) * ALONE_TICKS / 1e9 / (time.monotonic() - begin)

    def spin(self, interface: str, counter: str, interrupts: str, windows: int = WINDOWS, ticks: int = TICKS,
             options: str = "") -> Spin:
        """Run the spinner."""
        return Spin.parse(self.vm.run(
            f"spinner --counter /sys/class/net/{interface}/statistics/{counter} --interrupts {interrupts} "
            f"--windows {windows} --ticks {ticks} {options}", timeout=TIMEOUT))

    def measure(self, case: Case) -> Figure:
        """Measure one case."""
        try:
            with self._quality(case), self._path(case):
                return self.figure(case)
        except Missing as reason:
            return Figure(case, self.setup, missing=str(reason))

    def figure(self, case: Case) -> Figure:
        """Measure one case on its way; raises Missing."""
        which, counter = case.path.counter.split()
        card = self._pair(case)[which]
        before, shares = self._counts(case), self._shares(case)
        with self._traffic(case):
            spin = self.spin(card.interface, counter, f"{card.device}-")
        self.vm.run(f"sleep {SETTLE}")
        after = self._counts(case)
        check_shares([now - then for now, then in zip(self._shares(case), shares)])
        # On a busy machine the generator may have to wait for a processor while the guest goes on.
        spin.windows = [window for window in spin.windows if window.count >= LEAST * case.path.unit]
        if len(spin.windows) < LEAST_WINDOWS:
            raise Missing(f"only {len(spin.windows)} windows with {LEAST} {case.path.unit_words}s: the machine is too busy")
        total, taken = (now - then for now, then in zip(after, before))
        if taken < FAITH * total:
            raise Missing(f"only {taken} of {total} took this way")
        return Figure(case, self.setup, costs(spin, self.per_loop, case.path.unit),
                      case.path.unit * spin.interrupts / spin.count)

    def _pair(self, case: Case) -> dict[str, guest.Card]:
        return dict(zip(("in", "out"), self.cards[case.driver]))

    def _script(self, case: Case, script: str) -> str:
        """Run one of a path's scripts."""
        pair = self._pair(case)
        names = [f"{name}={card.interface}" for name, card in pair.items()]
        if "out" in pair:
            names += [f"far={self._far(case)}", "far_mac=02:00:00:00:00:77"]
        return self.vm.run(f". /guest.sh; {' '.join(names)} port={PORT}\n{script}")

    def _far(self, case: Case) -> str:
        return self._pair(case)["out"].line.host.rpartition(".")[0] + ".77"

    def _counts(self, case: Case) -> tuple[int, int]:
        """Return the path's counter, and how many packets have taken it."""
        words = self._script(case, f"statistic {case.path.counter}; {case.path.count}").split()
        if len(words) != 2:
            raise BadReport(f"{case.path.name}: its counters are {words}")
        return int(words[0]), int(words[1])

    def _shares(self, case: Case) -> list[int]:
        """Return how many packets each of several queues has received; none where the flood goes to one."""
        if self.setup.queues == 1 or case.path.traffic != "flood" or case.driver == FLOOR:
            return []
        found = dict(QUEUE_COUNTER.findall(self.vm.run(f"ethtool -S {self._pair(case)['in'].interface}")))
        return [int(found.get(str(queue), 0)) for queue in range(self.setup.queues)]

    @contextlib.contextmanager
    def _path(self, case: Case) -> Iterator[None]:
        try:
            self._script(case, case.path.begin)
        except GuestError as error:
            self._script(case, case.path.end)
            raise Missing((error.output.strip().splitlines() or ["not supported"])[-1]) from error
        try:
            yield
        finally:
            self._script(case, case.path.end)

    @contextlib.contextmanager
    def _quality(self, case: Case) -> Iterator[None]:
        """Give labnet's first card another quality for a while."""
        if not case.quality:
            yield
            return
        flags = " ".join(f"quality-{flag} {'on' if flag in QUALITIES[case.quality] else 'off'}"
                         for flag in QUALITIES["full"])
        for card in self.cards[case.driver]:
            self.vm.run(f"ethtool --set-priv-flags {card.interface} {flags}")
        yield

    @contextlib.contextmanager
    def _traffic(self, case: Case) -> Iterator[None]:
        """Let packets come, or go, until the figure is there."""
        if case.path.traffic == "sender":
            self._script(case, f"start sender --to $far --port $port --payload {case.size - 42} --batch 64 --pause 1600")
            try:
                yield
            finally:
                self._script(case, "stop sender")
            return
        command = self._flood(case) if case.path.traffic == "flood" else self._tcp(case)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as source:
            try:
                yield
                if source.poll() is not None:
                    raise traffic.TrafficError(f"{command[0]} ended early: {source.stderr.read().strip()}")
            finally:
                source.terminate()

    def _flood(self, case: Case) -> list[str]:
        line = self._pair(case)["in"].line
        to = self._far(case) if case.path.name == "ip-forward" else ""
        rate, queues = max(1, int(case.path.rate * self.speed)), self.setup.queues
        # One queue's bursts QEMU makes. Those of several are so long that each queue has as many packets at once.
        flood = traffic.Flood(case.size, rate, TIMEOUT, FLOWS, to) if queues == 1 else traffic.Flood(
            case.size, rate, TIMEOUT, MANY_FLOWS * queues, to, queues * case.path.rate * INTERVAL // 1_000_000)
        return line.command(self.generator, flood)

    def _tcp(self, case: Case) -> list[str]:
        """Return the command that keeps a TCP stream going; it sets up the host's end of the card first."""
        tap = self._pair(case)["out"].line.nic.tap
        switch = "off" if case.path.segments else "on"
        subprocess.run(["ethtool", "--features", tap, "tso", switch, "gso", switch], check=True, capture_output=True)
        return ["iperf3", "--client", self._pair(case)["out"].line.guest, "--time", f"{TIMEOUT:.0f}",
                "--bitrate", str(int(BITS * self.speed / self.setup.queues)), "--parallel", str(self.setup.queues),
                *(["--reverse"] if case.path.traffic == "tcp from" else [])]


def check_shares(shares: Sequence[int]) -> None:
    """Refuse a flood of several queues that one of them has not taken part in."""
    least = SHARE * sum(shares) / max(len(shares), 1)
    for queue, share in enumerate(shares):
        if share < least:
            raise Missing(f"queue {queue} received {share} of {sum(shares)} packets")


def _lines(setup: Setup, drivers: Sequence[str]) -> dict[str, list[Line]]:
    """Make the host's ends of the cards. QEMU can hold packets back for a burst where a card has one queue only."""
    numbers = iter(range(2 * len(drivers)))
    lines: dict[str, list[Line]] = {}
    for driver in drivers:
        first = DatagramLine(next(numbers)) if setup.queues == 1 else TapLine(next(numbers), setup.queues)
        lines[driver] = [first] if driver == FLOOR else [first, TapLine(next(numbers), setup.queues)]
    for line in (line for pair in lines.values() for line in pair):
        line.nic.properties |= {"rx_queue_size": str(setup.ring), "tx": "timer"}
    return lines


def _buffer(line: Line) -> list[str]:
    """Return QEMU's options that hold back what comes in by a card."""
    interval = INTERVAL if isinstance(line, DatagramLine) else TCP_INTERVAL
    return ["-object", f"filter-buffer,id=buffer-{line.nic.name},netdev={line.nic.name},queue=tx,interval={interval}"]


@contextlib.contextmanager
def boot(kernel: Kernel, setup: Setup, cases: Sequence[Case], machine: type[Guest] = Guest,
         extra: Sequence[str] = (), bursts: bool = True) -> Iterator[Guest]:
    """Boot a guest with all cards that the cases need; `extra` is for QEMU, which makes bursts of the packets or does not."""
    drivers = [driver for driver in DRIVERS if driver == THEIRS or any(case.driver == driver for case in cases)]
    generator, files = build_programs()
    lines = _lines(setup, drivers)
    flat = [line for pair in lines.values() for line in pair]
    buffers = [word for line in flat if bursts and line.nic.queues == 1 for word in _buffer(line)]
    try:
        # One processor runs; labnet has as many queues as there may be processors.
        with VM(kernel, nics=[line.nic for line in flat], cpus=setup.queues, files=files,
                append=f"init_on_alloc={int(setup.init_on_alloc)} maxcpus=1", accelerator=ICOUNT, extra_args=[*buffers, *extra],
                log=BUILD / "logs/bench.log") as vm:
            yield machine(vm, setup, lines, generator)
    finally:
        for line in flat:
            network.remove(line.nic.tap)


def run(kernel: Kernel, setup: Setup, cases: Sequence[Case], say: Callable[[str], None],
        over: Callable[[], bool] = lambda: False) -> tuple[list[Figure], list[str]]:
    """Boot a guest and measure all cases in it, until time is over; return the figures and the kernel's complaints."""
    figures = []
    with boot(kernel, setup, cases) as machine:
        say(f"alone, a loop takes {machine.per_loop:.1f} instructions; the guest runs {machine.speed:.2f} s per second")
        for case in cases:
            figures.append(machine.measure(case))
            say(line_of(figures[-1]))
            if over():
                break
        return figures, machine.vm.warnings()


def line_of(figure: Figure) -> str:
    """Return a figure as a line of progress."""
    case = figure.case
    name = f"{case.path.name:<12} {case.size or '-':>4}  {case.driver + (f', {case.quality}' if case.quality else ''):<15}"
    if figure.missing:
        return f"{name} MISSING: {figure.missing}"
    spread = figure.spread
    return (f"{name} {spread.median:8,.1f} ({spread.least:,.1f} - {spread.most:,.1f}) instructions/"
            f"{case.path.unit_words}, {figure.interrupts:.4f} interrupts")
