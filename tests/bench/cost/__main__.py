# SPDX-License-Identifier: GPL-2.0
"""What a packet costs the guest, in instructions, with labnet and with the in-tree driver.

    make bench                          or, when everything is set up:
    python3 -m tests.bench.cost [--document [PART]]

Each way of packets, each frame size and each driver is measured in a guest whose instructions are counted.
Results are written to build/bench/: result.json with all samples, and pictures. With --document the tables
of Documentation/performance.rst are replaced by what has just been measured; with a PART, the tables of that part
are, which compare guests. With MINUTES the run ends after that time, and the same command goes on where it ended.

Exit status: 0; 1 when a bound was missed; 2 for a configuration that makes no sense; 3 when the run could not
finish, or did not count instructions.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from qemu import command, kernels, modules, network
from tests.bench.cost import config, document, figures, measure, pictures, store, table
from tests.bench.cost.figures import Result
from tests.bench.cost.store import Store
from tests.bench.flood import versions



def save(result: Result) -> Path:
    """Write everything that was measured to result.json."""
    found = [store.as_dict(one) for one in result.figures]
    bounds = [{"bound": one.words, "most": one.most, "measured": one.measured, "outcome": one.outcome}
              for one in figures.verdicts(result)]
    measure.OUTPUT.mkdir(parents=True, exist_ok=True)
    path = measure.OUTPUT / "result.json"
    path.write_text(json.dumps({"versions": result.versions, "unit": "guest instructions", "figures": found,
                                "bounds": bounds, "warnings": result.warnings}, indent=1) + "\n")
    return path


def show(result: Result) -> bool:
    """Print the tables and the bounds; return whether none is missed and no kernel has complained."""
    for one in table.tables(result):
        print(f"\n{one.text()}")
    print()
    found = figures.verdicts(result)
    for one in found:
        got = "no figure" if one.measured is None else f"{one.measured:.3f}"
        print(f"{one.outcome:<7}  {one.words}: {got}, at most {one.most:.2f}")
    if result.warnings:
        print(f"the guest's kernel COMPLAINED {len(result.warnings)} times, first: {result.warnings[0].strip()}")
    return not result.warnings and all(one.outcome == "met" for one in found)


def run(wish: config.Wish, kept: Store | None) -> tuple[Result, bool]:
    """Measure everything that is wished for and not kept; return also whether that is all."""
    kernel, began = kernels.get(wish.kernel), time.monotonic()
    result = Result(wish, versions(kernel), kept.load() if kept else [])
    wanted = [(setup, case) for setup in wish.setups() for case in wish.cases()]
    done = {(one.setup, one.case) for one in result.figures}

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)

    def over() -> bool:
        return bool(wish.minutes) and time.monotonic() - began > 60 * wish.minutes

    for setup in wish.setups():
        cases = [case for one, case in wanted if one == setup and (one, case) not in done]
        if not cases or over():
            continue
        say(f"booting {kernel.release}: {setup.words()}; {len(done)} of {len(wanted)} figures are done")
        found, warnings = measure.run(kernel, setup, cases, say, over)
        result.figures += found
        result.warnings += warnings
        done |= {(one.setup, one.case) for one in found}
        save(result)
        if kept:
            kept.save(result.figures)
    result.figures = [one for pair in wanted for one in result.figures if (one.setup, one.case) == pair]
    say(f"{len(result.figures)} of {len(wanted)} figures are done")
    return result, len(result.figures) == len(wanted)


def main() -> int:
    """Answer the command line and the environment."""
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench.cost", description=(__doc__ or "").splitlines()[0],
        epilog="Environment: KERNEL, PATHS, SIZES, RINGS, QUEUES, QUALITY, INIT, FULL=1, MINUTES. An unknown word lists the known.")
    parser.add_argument("--document", nargs="?", const="", metavar="PART",
                        help="put the tables into Documentation/performance.rst, those that compare guests into a part of it")
    options = parser.parse_args()
    wish = config.read()
    kernels.find(wish.kernel)
    if not network.inside():
        print(f"building the modules for {wish.kernel}", flush=True)
        modules.build(kernels.get(wish.kernel))
    network.enter()
    kept = Store(measure.OUTPUT / f"figures-{wish.kernel}.json",
                 {"kernel": kernels.get(wish.kernel).release, "sources": store.fingerprint()}) if wish.minutes else None
    result, complete = run(wish, kept)
    met = show(result)
    pictures.draw(result, measure.OUTPUT)
    if options.document is not None:
        document.write(result, options.document)
    print(f"\nall samples and pictures: {os.path.relpath(measure.OUTPUT)}")
    if not complete:
        print("there is more to measure: the same command goes on", file=sys.stderr)
        return command.UNFINISHED
    return 0 if met else command.FAILED


if __name__ == "__main__":
    command.run(main)
