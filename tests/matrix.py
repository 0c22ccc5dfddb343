# SPDX-License-Identifier: GPL-2.0
"""Every case on every kernel, as a table; goes on where it was interrupted, as long as no source has changed.

    python3 -m tests.matrix [--fresh] [--kernels "NAME..."] [CASE...]

What has passed or failed is kept in build/matrix.json; what was lost is tried again.
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, kunit, modules, network
from tests.lint.tree import Tree
from tests.vm import runner

STATE = BUILD / "matrix.json"
KUNIT = "kunit"  # the row of all KUnit suites together
NOTHING = "-"


@dataclass(frozen=True)
class Cell:
    """One case on one kernel."""

    case: str
    kernel: str
    run: Callable[[], tuple[str, str]]  # to an outcome and a message

    @property
    def name(self) -> str:
        """Return what the cell is called in the file."""
        return f"{self.case} {self.kernel}"


class State:
    """The results so far of these very sources: name of a cell to outcome and message."""

    def __init__(self, path: Path, sources: str, fresh: bool = False) -> None:
        self._path, self._sources = path, sources
        self.results: dict[str, tuple[str, str]] = {}
        if path.exists() and not fresh:
            kept = json.loads(path.read_text())
            if kept["sources"] == sources:
                self.results = {name: (outcome, message) for name, (outcome, message) in kept["results"].items()
                                if outcome != "lost"}

    def add(self, name: str, outcome: str, message: str) -> None:
        """Note a result, at once on the disk."""
        self.results[name] = (outcome, message)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"sources": self._sources, "results": self.results}, indent=1))
        unfinished.rename(self._path)


def sources() -> str:
    """Return a hash of all that decides how a case ends."""
    digest = hashlib.sha256(os.environ.get("LONG", "").encode())
    for path in Tree(TOP).files:
        if not path.endswith((".rst", ".md")):
            digest.update(path.encode() + b"\0" + (TOP / path).read_bytes())
    return digest.hexdigest()


def cells(found: list[kernels.Kernel], cases: list[runner.Case], suites: bool) -> list[Cell]:
    """Return what there is to do, kernel by kernel. A case that chooses its kernel itself runs there only."""
    result = []
    for kernel in found:
        if suites and kernels.find(kernel.name).flavour == "debug":
            result.append(Cell(KUNIT, kernel.name, lambda kernel=kernel: _suites(kernel)))
        result += [Cell(case.name, kernel.name, lambda case=case, kernel=kernel: _guest(case, kernel)) for case in cases
                   if case.kernel(kernel.name) == kernel.name]
    return result


def _guest(case: runner.Case, kernel: kernels.Kernel) -> tuple[str, str]:
    result = runner.run(case, kernel)
    return result.outcome, result.message if result.ok else f"{result.message}\nlog: {result.log}"


def _suites(kernel: kernels.Kernel) -> tuple[str, str]:
    bad = [f"{result.suite}.{result.case}: {result.message}" for result in kunit.run(kernel.name) if not result.ok]
    return ("fail", "\n".join([*bad, f"log: {BUILD}/logs/kunit-{kernel.name}.log"])) if bad else ("pass", "")


def _all() -> list[str]:
    """Return the kernels to test with: the one that counts lines shows nothing that another would not."""
    return [entry.name for entry in kernels.KERNELS if entry.flavour != "coverage"]


def work(todo: list[Cell], state: State) -> None:
    """Fill the cells that are empty."""
    start = time.monotonic()
    for number, cell in enumerate(todo, 1):
        if cell.name in state.results:
            continue
        outcome, message = cell.run()
        state.add(cell.name, outcome, message)
        print(f"[{time.monotonic() - start:5.0f} s, {number} of {len(todo)}] {outcome}  {cell.name}", flush=True)
        if outcome != "pass":
            print("\n".join(f"         {line}" for line in message.splitlines()), flush=True)


def table(todo: list[Cell], results: dict[str, tuple[str, str]]) -> str:
    """Return the table, and below it where to read about what has not passed."""
    columns = list(dict.fromkeys(cell.kernel for cell in todo))
    rows = sorted({cell.case for cell in todo})
    width = max(map(len, [*rows, "case"]))
    lines = ["  ".join([f"{'case':<{width}}", *(f"{column:<9}" for column in columns)]).rstrip()]
    for row in rows:
        outcomes = [results.get(f"{row} {column}", (NOTHING, ""))[0] for column in columns]
        lines.append("  ".join([f"{row:<{width}}", *(f"{outcome:<9}" for outcome in outcomes)]).rstrip())
    bad = [cell for cell in todo if results.get(cell.name, ("lost", ""))[0] != "pass"]
    for cell in bad:
        outcome, message = results.get(cell.name, ("lost", "not run"))
        lines.append(f"{outcome}  {cell.name}: {message.partition(chr(10))[0]}")
        lines += [f"      {line}" for line in message.splitlines() if line.startswith("log: ")]
    lines.append(f"{len(todo) - len(bad)} passed, {len(bad)} failed")
    return "\n".join(lines)


def main() -> int:
    """Answer the command line; 0 when every cell has passed."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.matrix", description="every case on every kernel")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all by default, and KUnit")
    parser.add_argument("--kernels", default="", help="names, in one word; all by default")
    parser.add_argument("--fresh", action="store_true", help="forget what has been found before")
    options = parser.parse_args()
    suites = not options.cases or KUNIT in options.cases
    names = [name for name in options.cases if name != KUNIT]
    cases = runner.find(names) if names or not options.cases else []
    found = [kernels.get(name) for name in options.kernels.split() or _all()]
    for kernel in found:
        modules.build(kernel)
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the cases need tap devices (modprobe tun)")
    network.enter()
    state, todo = State(STATE, sources(), options.fresh), cells(found, cases, suites)
    work(todo, state)
    text = table(todo, state.results)
    (BUILD / "matrix.txt").write_text(f"{text}\n")
    print(text)
    return 0 if todo and all(state.results[cell.name][0] == "pass" for cell in todo) else 1


if __name__ == "__main__":
    command.run(main, interrupted="interrupted; the same command goes on from here")
