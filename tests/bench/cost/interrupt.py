# SPDX-License-Identifier: GPL-2.0
"""What the interrupt handler of a receive queue costs, call by call: median, p99, p99.9 and maximum, in instructions.

    make bench-interrupt                or, when everything is set up:
    python3 -m tests.bench.cost.interrupt [--document]

A plugin for QEMU (stepcalls.c) counts the instructions of every call of the handler that the virtqueue's interrupt
calls, from its first one until the caller goes on. Nothing is sampled. Packets are not held back to make bursts, so
that there are many interrupts. Of the loads, some only make interrupts, and some make the handler stock all that it
may: nobody gives pages back, so that each interrupt finds a deficit.

Exit status: 0; 1 when a bound was missed; 2 for a configuration that makes no sense; 3 when the run could not finish.
"""

import argparse
import contextlib
import json
import math
import re
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from qemu import command, kernels, modules, network
from tests.bench import compiler, traffic
from tests.bench.alloc import rst
from tests.bench.cost import config, document
from tests.bench.cost.config import DEFAULT, OURS, THEIRS, Case, Setup
from tests.bench.cost.figures import BadReport
from tests.bench.cost.measure import OUTPUT, TIMEOUT, Guest, boot
from tests.bench.cost.paths import PATHS
from tests.bench.flood import versions
from tests.bench.table import Table
from tests.bench.traffic import PORT, Flood

SOURCE = Path(traffic.__file__).with_name("stepcalls.c")
CALL, CALLS = OUTPUT / "call.txt", OUTPUT / "calls.txt"
HANDLERS = {OURS: "labnet_rx_interrupt", THEIRS: "skb_recv_done"}
CALLER = "vring_interrupt"
WINDOWS = 12
# Until there are so many calls, in so many goes: how many packets share an interrupt is the machine's choice.
ENOUGH, GOES = 2000, 6
FEWEST = 1000  # calls: of fewer, there is no 99.9th percentile
# What a program that does not read may hoard: less than the guest has, more than is sent.
HOARD = 200_000_000
# At most so many instructions may interrupts be off for, whatever the load: 16 pages, each with the way of the page
# allocator that is taken when memory is short.
BOUND = 40_000


@dataclass(frozen=True)
class Load:
    """What comes in, and whether somebody reads it."""

    words: str
    rate: int  # packets per second of the guest's time
    size: int
    read: bool = True
    quality: str = DEFAULT


LOADS = (Load("4,000 packets/s", 4000, 64), Load("40,000 packets/s, 1500 bytes", 40_000, 1500),
         Load("5,000 packets/s that nobody reads", 5000, 1500, read=False),
         Load("the same, all qualities", 5000, 1500, read=False, quality="full"))


@dataclass(frozen=True)
class Calls:
    """The calls of one handler under one load, in instructions."""

    load: str
    driver: str
    count: int
    median: float
    p99: int
    p999: int
    most: int

    @classmethod
    def of(cls, load: str, driver: str, values: list[int]) -> "Calls":
        """Return the percentiles; raises BadReport where there are too few calls."""
        if len(values) < FEWEST:
            raise BadReport(f"{load}, {driver}: only {len(values)} interrupts, not {FEWEST}")
        ordered = sorted(values)
        p99, p999 = (ordered[math.ceil(part * len(ordered)) - 1] for part in (0.99, 0.999))
        return cls(load, driver, len(ordered), statistics.median(ordered), p99, p999, ordered[-1])


def span(kallsyms: str, handler: str) -> tuple[int, int, int]:
    """Return the addresses of a handler, of its caller, and of what is behind the caller."""
    symbols = sorted((int(address, 16), name) for address, name in
                     re.findall(r"^([0-9a-f]+) [tTwW] (\S+)", kallsyms, re.MULTILINE))
    first = {name: address for address, name in reversed(symbols)}
    if not first.get(handler) or not first.get(CALLER):
        raise BadReport(f"the guest has no address of {handler} or {CALLER} in /proc/kallsyms")
    return first[handler], first[CALLER], next(address for address, _ in symbols if address > first[CALLER])


class Handlers(Guest):
    """A guest whose handlers are watched."""

    def calls(self, load: Load, driver: str) -> Calls:
        """Return the calls of one driver's handler under one load."""
        card, case = self.cards[driver][0], Case(PATHS["udp-socket"], load.size, driver, load.quality if driver == OURS else "")
        CALL.write_text(" ".join(f"{address:x}" for address in span(self.vm.run("cat /proc/kallsyms"), HANDLERS[driver])))
        found: list[int] = []
        flood = Flood(load.size, max(1, int(load.rate * self.speed)), TIMEOUT, 8)
        with self._quality(case), self._reader(load, case), _program(card.line.command(self.generator, flood)):
            for _ in range(GOES):
                CALLS.unlink(missing_ok=True)
                self.spin(card.interface, "rx_packets", f"{card.device}-", WINDOWS, options="--mark")
                found += map(int, CALLS.read_text().split())
                if len(found) >= ENOUGH:
                    break
        return Calls.of(load.words, driver, found)

    @contextlib.contextmanager
    def _reader(self, load: Load, case: Case) -> Iterator[None]:
        """Let a program read, or have all that comes and read nothing."""
        pages = HOARD // 4096
        self._script(case, f"""
            echo {HOARD} > /proc/sys/net/core/rmem_max
            echo {pages} {pages} {pages} > /proc/sys/net/ipv4/udp_mem
            start sink --interface $in --port {PORT} --interval 60000 --output /tmp/sink.tsv --buffer {HOARD}
            {'' if load.read else 'kill -STOP $(cat /tmp/sink.pid)'}""")
        try:
            yield
        finally:
            self._script(case, "kill -KILL $(cat /tmp/sink.pid); stop sink")


@contextlib.contextmanager
def _program(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def table(found: list[Calls], release: str) -> Table:
    """Return a table with a row for each load and driver."""
    made = Table(f"instructions per call of the handler, {release}", ["", "driver", "calls", "median", "p99", "p99.9", "maximum"])
    for one in found:
        made.rows.append([one.load, one.driver, *(f"{value:,.0f}" for value in (
            one.count, one.median, one.p99, one.p999, one.most))])
    return made


def run(name: str) -> list[Calls]:
    """Measure both drivers under each load."""
    kernel = kernels.get(name)
    plugin = compiler.build(SOURCE, OUTPUT, "-shared", "-fPIC")
    cases = [Case(PATHS["udp-socket"], 64, OURS, DEFAULT)]
    found = []
    with boot(kernel, Setup(), cases, Handlers, ["-plugin", f"file={plugin},call={CALL},output={CALLS}"], bursts=False) as guest:
        for load in LOADS:
            for driver in HANDLERS if load.quality == DEFAULT else (OURS,):
                found.append(guest.calls(load, driver))
                print(asdict(found[-1]), flush=True)
    return found


def main() -> int:
    """Answer the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.cost.interrupt", description=(__doc__ or "").splitlines()[0],
                                     epilog="Environment: KERNEL.")
    parser.add_argument("--document", action="store_true", help="put the table into Documentation/performance.rst")
    options = parser.parse_args()
    name = config.read().kernel
    kernels.find(name)
    kernel = kernels.get(name)
    if not network.inside():
        modules.build(kernel)
    network.enter()
    found = run(name)
    (OUTPUT / "interrupt.json").write_text(json.dumps({"versions": versions(kernel), "calls": [asdict(one) for one in found]},
                                                      indent=1) + "\n")
    made = table(found, kernel.release)
    print(f"\n{made.text()}\n")
    if options.document:
        document.replace(f"{name}, interrupts", [rst(made)])
    most = max(one.most for one in found if one.driver == OURS)
    print(f"{'met' if most <= BOUND else 'MISSED'}: {OURS}, the longest call: {most:,} instructions, at most {BOUND:,}")
    return 0 if most <= BOUND else command.FAILED


if __name__ == "__main__":
    command.run(main)
