# SPDX-License-Identifier: GPL-2.0
"""From counters to a table: gcov-tool adds up what the cases have left, gcovr says what it means for the sources."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from qemu import SetupError
from tests.coverage import guest

# Code that a header of the kernel makes of TRACE_EVENT is not ours.
EXCLUDED = r"(.+/)?include/trace/"


@dataclass(frozen=True)
class Coverage:
    """What is known about a file of the sources."""

    file: str
    lines: int
    missing: tuple[int, ...]  # the lines that were never run
    branches: int
    taken: int

    @property
    def covered(self) -> int:
        """Return how many lines were run."""
        return self.lines - len(self.missing)


def merge(parts: list[Path], target: Path) -> None:
    """Add up the counters in the directories @parts in @target, which does not exist yet."""
    shutil.copytree(parts[0], target)
    for part in parts[1:]:
        total = target.with_name(f"{target.name}.sum")
        _run("gcov-tool", "merge", str(target), str(part), "-o", str(total))
        shutil.rmtree(target)
        total.rename(target)


def measure(parts: list[Path], farm: Path, kdir: Path, output: Path) -> list[Coverage]:
    """Return what the counters in the directories @parts say, file by file; gcovr's own reports go to @output.

    The compiler ran in @kdir, from where gcov finds the kernel's headers.
    """
    if not parts:
        raise SetupError("nothing was counted: no case has passed")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gcov-", dir=output) as name:
        data = Path(name) / "data"
        merge(parts, data)
        for note in guest.notes(farm):
            path = data / note.relative_to(farm)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(note)
        details = output / "gcovr.json"
        _run("gcovr", "--root", str(farm), "--object-directory", str(kdir), "--exclude", EXCLUDED, "--json", str(details),
             "--html-details", str(output / "index.html"), str(data))
    return [parse(file) for file in json.loads(details.read_text())["files"]]


def parse(file: dict) -> Coverage:
    """Read what gcovr says about one file."""
    lines = [line for line in file["lines"] if not line["gcovr/noncode"] and not line["gcovr/excluded"]]
    branches = [branch for line in lines for branch in line["branches"]]
    return Coverage(file["file"], len(lines), tuple(line["line_number"] for line in lines if not line["count"]),
                    len(branches), sum(branch["count"] > 0 for branch in branches))


def share(files: list[Coverage]) -> float:
    """Return the percentage of lines that were run."""
    return percent(sum(file.covered for file in files), sum(file.lines for file in files))


def table(files: list[Coverage]) -> list[str]:
    """Return the table, and below it the lines that nothing has run."""
    width = max(map(len, [*(file.file for file in files), "file"]))
    lines = [f"{'file':<{width}}  {'lines':>6}  {'run':>6}  {'%':>5}  {'branches':>8}  {'taken':>6}  {'%':>5}"]
    total = Coverage("all", sum(file.lines for file in files), tuple(line for file in files for line in file.missing),
                     sum(file.branches for file in files), sum(file.taken for file in files))
    for file in [*files, total]:
        lines.append(f"{file.file:<{width}}  {file.lines:>6}  {file.covered:>6}  {percent(file.covered, file.lines):>5.1f}"
                     f"  {file.branches:>8}  {file.taken:>6}  {percent(file.taken, file.branches):>5.1f}")
    return [*lines, "", "never run:", *(f"{file.file}: {ranges(file.missing)}" for file in files if file.missing)]


def document(kernel: str, cases: list[str], files: list[Coverage]) -> str:
    """Return the same as JSON."""
    return json.dumps({"kernel": kernel, "cases": cases, "files": [asdict(file) for file in files]}, indent=1) + "\n"


def percent(part: int, whole: int) -> float:
    """Return a share; of nothing, everything was run."""
    return 100 * part / whole if whole else 100.0


def ranges(numbers: tuple[int, ...]) -> str:
    """Write sorted numbers as in "3, 7-9"."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} is missing: run make setup") from error
    if done.returncode:
        raise SetupError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
