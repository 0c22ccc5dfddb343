# SPDX-License-Identifier: GPL-2.0
"""The figures that earlier goes of a long run have left, so that it can be measured a few minutes at a time.

They are kept per kernel, and only for the driver and the programs that they were measured with.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from qemu import TOP
from tests.bench.cost.config import Case, Setup
from tests.bench.cost.figures import Figure
from tests.bench.cost.paths import PATHS

# What makes figures differ, beside the kernel.
SOURCES = ("drivers", "include", "tests/bench/cost/paths.py", "tests/bench/cost/measure.py", "tests/bench/generator.c")


def fingerprint(top: Path = TOP) -> str:
    """Return a word that is another one when something has changed that figures depend on."""
    found = hashlib.sha256()
    for name in SOURCES:
        path = top / name
        for file in sorted(one for one in path.rglob("*.[ch]") if one.is_file()) if path.is_dir() else [path]:
            found.update(str(file.relative_to(top)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


class Store:
    """A file with figures, each of which was measured."""

    def __init__(self, path: Path, state: dict[str, str]) -> None:
        self._path, self._state = path, state

    def load(self) -> list[Figure]:
        """Return what is kept; nothing if it was measured with something else."""
        try:
            kept = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return []
        return [read(one) for one in kept["figures"]] if kept["state"] == self._state else []

    def save(self, found: Iterable[Figure]) -> None:
        """Keep these. One that is missing is not kept: it may be there the next time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"state": self._state, "figures": [
            as_dict(one) for one in found if not one.missing]}, indent=1) + "\n")


def as_dict(one: Figure) -> dict[str, object]:
    """Return a figure in words and numbers."""
    return {"path": one.case.path.name, "size": one.case.size, "driver": one.case.driver, "quality": one.case.quality,
            "setup": dataclasses.asdict(one.setup), "per": one.case.path.unit_words, "samples": one.samples,
            "interrupts": one.interrupts, "missing": one.missing}


def read(words: dict) -> Figure:
    """Return the figure that as_dict() has described."""
    case = Case(PATHS[words["path"]], words["size"], words["driver"], words["quality"])
    return Figure(case, Setup(**words["setup"]), words["samples"], words["interrupts"], words["missing"])
