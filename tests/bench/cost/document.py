# SPDX-License-Identifier: GPL-2.0
"""The tables of Documentation/performance.rst, one part for each kernel."""

import re
from pathlib import Path

from qemu import TOP, SetupError
from tests.bench.alloc import rst
from tests.bench.cost import figures, table
from tests.bench.cost.figures import Result, Verdict
from tests.bench.table import Table

DOCUMENT = TOP / "Documentation/performance.rst"


def write(result: Result, part: str = "", path: Path = DOCUMENT) -> None:
    """Replace what stands between the marks of this run's kernel, or of a part of it, by what was measured now."""
    kernel, verdicts = result.wish.kernel, figures.verdicts(result)
    found = table.summaries(result) if part else [*table.tables(result), *([_bounds(verdicts)] if verdicts else [])]
    replace(f"{kernel}, {part}" if part else kernel,
            [f"Measured on {result.versions['guest kernel']}:", *(rst(one) for one in found)], path)


def replace(mark: str, blocks: list[str], path: Path = DOCUMENT) -> None:
    """Replace what stands between the two marks of this name."""
    new, count = re.subn(rf"(?s)(\.\. measured on {re.escape(mark)} begins\n).*(\.\. measured on {re.escape(mark)} ends\n)",
                         lambda match: match[1] + "\n" + "\n\n".join(blocks) + "\n\n" + match[2], path.read_text())
    if count != 1:
        raise SetupError(f"{path}: the marks of the part measured on {mark} are missing")
    path.write_text(new)


def _bounds(verdicts: list[Verdict]) -> Table:
    bounds = Table("bound", ["", "at most", "measured", "outcome"])
    for one in verdicts:
        bounds.rows.append([one.words, f"{one.most:.2f}", "-" if one.measured is None else f"{one.measured:.3f}", one.outcome])
    return bounds
