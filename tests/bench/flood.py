# SPDX-License-Identifier: GPL-2.0
"""The flood: two drivers in one guest under the same rain of UDP packets, in turns.

    make flood                          or, when everything is set up:
    python3 -m tests.bench.flood [--driver NAME] [--reference NAME] [--rounds N] [--rate N]

One guest has two virtio network cards, one bound to labnet, one to the in-tree driver. Turns
alternate, so that whatever else the machine does meanwhile hits both. Then TCP both ways, and then
the flood on labnet once more while every atomic allocation fails for a third of the time. Results
are written to build/flood/: result.json with all samples, report.html with the pictures.

Exit status: 0; 1 when labnet's counters contradict each other, when it delivered nothing, when it was slower
in every round, or when the guest's kernel complained; 2 for a configuration that makes no sense; 3 when the run could not finish.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from qemu import BUILD, TOP, command, kernels, modules, network
from qemu.kernels import Kernel
from qemu.vm import VM, GuestError, Lost

from tests.bench import compare, config, guest, report, traffic
from tests.bench.config import Configuration
from tests.bench.guest import Card
from tests.bench.samples import Account, Result, Transfer, Turn
from tests.bench.table import spread_text, tables

OUTPUT = BUILD / "flood"
LOG = BUILD / "logs/flood.log"


class Bench:
    """One run: a guest with two cards, and what is measured on them."""

    def __init__(self, wish: Configuration, kernel: Kernel) -> None:
        self.wish, self.kernel = wish, kernel
        labels = (wish.driver, wish.reference)
        if wish.driver == wish.reference:  # what this benchmark's own error is
            labels = (f"{wish.driver} 1", f"{wish.reference} 2")
        self.result = Result(wish, labels, versions(kernel))
        self._began = time.monotonic()

    def run(self) -> Result:
        """Measure everything and return it."""
        generator, sink = traffic.build(OUTPUT), guest.build_sink(OUTPUT)
        make = traffic.TapLine if network.have_tun() else traffic.DatagramLine
        lines = [make(number) for number in range(2)]
        if os.getloadavg()[0] > 0.7 * (os.cpu_count() or 1):
            self._note(f"this machine is busy with other work (load average {os.getloadavg()[0]:.1f}): rates are rough")
        self._say(f"booting {self.kernel.release} with two network cards")
        with VM(self.kernel, nics=[line.nic for line in lines], memory=self.wish.memory, cpus=self.wish.cpus,
                log=LOG, files={guest.SINK: sink}) as vm:
            self.vm, self.generator = vm, generator
            self.result.versions["accelerator"] = vm.command_line()[vm.command_line().index("-accel") + 1]
            self.cards = [guest.bind(vm, line, driver) for line, driver in
                          zip(lines, (self.wish.driver, self.wish.reference))]
            self._floods()
            self._tcp()
            self._failures()
            self.result.counters = guest.counters(vm, self.cards[0])
            self.result.warnings = vm.warnings()
        return self.result

    def _floods(self) -> None:
        """Flood both cards in turns."""
        for number in range(1, self.wish.rounds + 1):
            for size in self.wish.sizes:
                for label, card in self._order(number):
                    turn = self._turn(label, card, size, number)
                    account = Account.of(turn)
                    self._say(f"round {number} of {self.wish.rounds}, {size:4} bytes, {label:<12} "
                              f"{account.socket / account.seconds:9,.0f} packets/s read")

    def _order(self, number: int) -> list[tuple[str, Card]]:
        """Return the cards and their labels for one round; who is first changes every round."""
        pairs = list(zip(self.result.labels, self.cards))
        return pairs if number % 2 else pairs[::-1]

    def _turn(self, label: str, card: Card, size: int, number: int, fail: bool = False) -> Turn:
        """Flood one card once; with `fail`, every atomic allocation fails in the middle third."""
        seconds = self.wish.injection_seconds if fail else self.wish.duration
        window = None
        guest.start_sink(self.vm, card, self.wish.sample_ms)
        if fail:
            guest.start_failures(self.vm, card, after=seconds / 3, seconds=seconds / 3)
        count = card.line.flood(self.generator, traffic.Flood(size, self.wish.rate, seconds, self.wish.flows))
        if fail:
            window = guest.stop_failures(self.vm)
        turn = Turn(label, size, number, count, guest.stop_sink(self.vm), window)
        self.result.turns.append(turn)
        return turn

    def _tcp(self) -> None:
        """Let iperf3 fill each card in both directions."""
        if isinstance(self.cards[0].line, traffic.DatagramLine):
            self._note("TCP was not measured: without /dev/net/tun the host has no network stack in front of the guest")
            return
        for number in range(1, self.wish.tcp_rounds + 1):
            for reverse, direction in ((False, "to the guest"), (True, "from the guest")):
                for label, card in self._order(number):
                    guest.start_iperf(self.vm)
                    rate = traffic.tcp(card.line, self.wish.tcp_seconds, reverse)
                    self.result.tcp.append(Transfer(label, direction, number, rate))
                    self._say(f"round {number} of {self.wish.tcp_rounds}, TCP {direction}, {label:<12} "
                              f"{rate / 1e6:9,.0f} Mbit/s")

    def _failures(self) -> None:
        """Flood our own card once more, while its allocations fail."""
        if self.wish.driver == self.wish.reference:
            self._note(f"allocations were not made to fail: {self.wish.driver} has no switch for it")
            return
        for size in self.wish.sizes:
            turn = self._turn(self.result.labels[0], self.cards[0], size, 1, fail=True)
            rates = [f"{phase.rate('socket_packets'):,.0f} {phase.name}" for phase in compare.phases(turn)]
            self._say(f"allocations fail, {size:4} bytes, {turn.label}: {', '.join(rates)} packets/s read")

    def _note(self, text: str) -> None:
        self.result.notes.append(text)
        self._say(text)

    def _say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._began:5.1f} s] {text}", flush=True)


def versions(kernel: Kernel) -> dict[str, str]:
    """Return what was measured with what."""
    return {
        "labyrinth": _first_line("git", "-C", str(TOP), "describe", "--always", "--dirty"),
        "guest kernel": kernel.release,
        "host kernel": os.uname().release,
        "host processors": str(os.cpu_count()),
        "QEMU": _first_line("qemu-system-x86_64", "--version"),
        "iperf3": _first_line("iperf3", "--version"),
        "compiler": _first_line("gcc", "--version"),
    }


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def verdict(result: Result) -> tuple[list[str], bool]:
    """Return the run's verdict in lines, and whether it passed."""
    ours = result.labels[0]
    turns = [turn for turn in result.turns if turn.label == ours]
    accounts = [Account.of(turn) for turn in turns]
    total = Account.total(accounts)
    dropped = sum(total.dropped.values())
    broken = [(turn, account) for turn, account in zip(turns, accounts) if account.balance]
    outcome = f"BROKEN in {len(broken)} of {len(turns)} turns" if broken else f"holds in each of {len(turns)} turns"
    lines = [f"identity of {ours}: received {total.received:,} = delivered {total.delivered:,} + dropped {dropped:,}: "
             f"{outcome}"]
    lines += [f"  {turn.size} bytes, round {turn.number}{', allocations failing' if turn.window else ''}: "
              f"{account.received:,} received, {account.balance:+,} unaccounted for" for turn, account in broken]
    if not total.delivered:
        lines.append(f"{ours} delivered NOTHING")
    if result.warnings:
        lines.append(f"the guest's kernel COMPLAINED {len(result.warnings)} times, first: {result.warnings[0].strip()}")
    return lines + race(result), bool(total.delivered) and not broken and not result.warnings


def race(result: Result) -> list[str]:
    """Return a line for each ratio. They are news, not errors: a machine's seconds do not make a run fail."""
    ours, theirs = result.labels
    lines = []
    for name, ratio in compare.rates(result).items():
        outcome = "met" if ratio.median >= 1 else "unclear" if ratio.most >= 1 else "MISSED"
        lines.append(f"{outcome:<7}  {name}: {ours} / {theirs} = {spread_text(ratio, 2)}, at least 1.00")
    return lines


def show(result: Result) -> None:
    """Print the tables, the ratios and the driver's own counters."""
    print()
    for table in tables(result):
        print(f"{table.text()}\n")
    for one in compare.comparisons(result):
        if not one.saturated:
            print(f"{one.size}-byte frames: the generator was the limit, not the guest: raise --rate")
    print(f"ethtool -S of {result.labels[0]}, what is not 0:")
    for name, value in result.counters.items():
        if value and not re.match(r"(rx|tx)\d+_", name):
            print(f"  {name}: {value:,}")
    print()


def save(result: Result) -> Path:
    """Write everything to result.json and return its path."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / "result.json"
    path.write_text(json.dumps(dataclasses.asdict(result), separators=(",", ":")))
    return path


def prepare() -> tuple[Configuration, Kernel]:
    """Read the configuration and get the kernel and the modules ready: all that needs the outer network."""
    wish = config.read(sys.argv[1:])
    kernels.find(wish.kernel)
    kernel = kernels.get(wish.kernel)
    if not network.inside() and not wish.in_tree:
        print(f"building the modules for {kernel.release}", flush=True)
        modules.build(kernel)
    return wish, kernel


def _reason(problem: Exception) -> str:
    """Return the one line of an error that says most."""
    if isinstance(problem, GuestError):  # a script's last words, not the script
        words = problem.output.strip().splitlines() or ["a script said nothing"]
        return f"in the guest: {words[-1]} (status {problem.status})"
    return str(problem).partition("\n")[0]


def main() -> int:
    """Run the benchmark; return the exit status."""
    try:
        wish, kernel = prepare()
        network.enter()
        result = Bench(wish, kernel).run()
    except (Lost, GuestError, traffic.TrafficError, ValueError) as problem:
        print(f"error: the run could not finish: {_reason(problem)} (logs: {LOG}, {LOG.with_suffix('.qemu')})",
              file=sys.stderr)
        return command.UNFINISHED
    lines, passed = verdict(result)
    data, page = save(result), report.write(result, OUTPUT, lines, passed)
    show(result)
    print("\n".join(lines))
    print(f"report: {page}\ndata:   {data}")
    return 0 if passed else command.FAILED


if __name__ == "__main__":
    command.run(main)
