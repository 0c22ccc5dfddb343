# SPDX-License-Identifier: GPL-2.0
"""Pressure: two drivers in guests whose memory really runs out.

    make pressure                       or, when everything is set up:
    python3 -m tests.pressure [--driver NAME]

For each scenario (scenarios.py) there are four trials: the in-tree driver and labnet, each with ordinary processes and
with processes that the OOM killer may not touch. Results are written to build/pressure/: result.json with all samples,
report.html with the pictures. That a guest died, or a bound does not hold, is a result and stands in the table.

Exit status: 0 when all trials could be measured; 2 for a configuration that makes no sense, or when it could not begin;
3 when a trial could not be measured.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from qemu import BUILD, SetupError, command, kernels, modules, network
from qemu.kernels import Kernel
from qemu.qmp import QMPError
from qemu.vm import GuestError, Lost

from tests.bench import traffic
from tests.bench.flood import versions
from tests.pressure import config, report
from tests.pressure.config import Configuration
from tests.pressure.judge import Findings, bind, judge
from tests.pressure.record import Trial
from tests.pressure.table import broken, death, tables
from tests.pressure.trial import Laboratory, Unfit

OUTPUT = BUILD / "pressure"
ATTEMPTS = 3


def run(wish: Configuration, kernel: Kernel) -> tuple[list[Trial], list[Findings]]:
    """Run all trials, and say what became of each."""
    laboratory = Laboratory(wish, kernel, OUTPUT)
    pairs: list[tuple[Trial, Findings]] = []
    for scenario in wish.scenarios:
        try:
            pairs += scene(laboratory, scenario)
        except Unfit as reason:
            print(reason)
    if not pairs:
        raise SetupError(f"no scenario can be run with {kernel.release}")
    trials, findings = ([pair[i] for pair in pairs] for i in range(2))
    bind(findings)
    return trials, findings


def scene(laboratory: Laboratory, scenario: str) -> list[tuple[Trial, Findings]]:
    """Run the trials of one scenario."""
    pairs = []
    for protected in (False, True):
        for driver in laboratory.wish.drivers:
            trial, found = calm(lambda: laboratory.run(scenario, driver, protected))
            pairs.append((trial, found))
            print(f"{found.label}: {death(found)}; {found.control_share:.1f} % of control delivered, "
                  f"silence {found.silence_ms:.0f} ms", flush=True)
    return pairs


def calm(attempt: Callable[[], Trial]) -> tuple[Trial, Findings]:
    """Run a trial, again if this machine had too much other work meanwhile; the last attempt counts anyway."""
    for _ in range(ATTEMPTS - 1):
        trial = attempt()
        found = judge(trial)
        if not found.disturbed:
            return trial, found
        print(f"        {found.label}: this machine was too busy (before memory was short: round trips up to "
              f"{found.quiet.most:.0f} ms, {found.quiet_lost} control packets lost; QEMU waited for a processor for "
              f"{found.waited[0]:.2f} and {found.waited[1]:.2f} s per second); again", flush=True)
    trial = attempt()
    return trial, judge(trial)


def show(findings: list[Findings]) -> None:
    """Print the tables, and which bounds do not hold."""
    for table in tables(findings):
        print(f"\n{table.text()}")
    print()
    for line in broken(findings):
        print(line)


def save(trials: list[Trial], findings: list[Findings], wish: Configuration, used: dict[str, str]) -> Path:
    """Write everything to result.json and return its path."""
    path = OUTPUT / "result.json"
    everything = {"configuration": dataclasses.asdict(wish), "versions": used,
                  "findings": [dataclasses.asdict(one) for one in findings],
                  "trials": [dataclasses.asdict(one) for one in trials]}
    path.write_text(json.dumps(everything, separators=(",", ":")))
    return path


def prepare() -> tuple[Configuration, Kernel]:
    """Read the configuration and get the kernel and the modules ready: all that needs the outer network."""
    wish = config.read(sys.argv[1:])
    kernels.find(wish.kernel)
    kernel = kernels.get(wish.kernel)
    if not network.inside():
        print(f"building the modules for {kernel.release}", flush=True)
        modules.build(kernel)
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: this needs a tap device (modprobe tun)")
    return wish, kernel


def main() -> int:
    """Run the trials; return the exit status."""
    try:
        wish, kernel = prepare()
        network.enter()
        if os.getloadavg()[0] > 0.7 * (os.cpu_count() or 1):
            print(f"this machine is busy with other work (load average {os.getloadavg()[0]:.1f}): times are rough")
        trials, findings = run(wish, kernel)
    except (Lost, GuestError, QMPError, traffic.TrafficError, ValueError) as problem:
        print(f"error: the run could not finish: {problem}\nlogs: {OUTPUT}/logs", file=sys.stderr)
        return command.UNFINISHED
    used = versions(kernel)
    data, page = save(trials, findings, wish, used), report.write(findings, trials, wish, used, OUTPUT)
    show(findings)
    print(f"report: {page}\ndata:   {data}")
    return 0


if __name__ == "__main__":
    command.run(main)
