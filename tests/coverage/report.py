# SPDX-License-Identifier: GPL-2.0
"""From counters to a table: gcov-tool adds up what the cases have left, gcovr says what it means for the sources."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from qemu import SetupError
from tests.coverage import guest

# Of the section that says why lines are not run.
HEADING = "What is not run"
# In the kernel's style a function's name is in a line that is not indented.
FUNCTION = re.compile(r"(?:[a-z_][\w ]*[ *])?([a-z_]\w*)\([^;]*$")
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
    functions: tuple[tuple[int, str], ...] = ()  # first lines, in order, and names

    @property
    def covered(self) -> int:
        """Return how many lines were run."""
        return self.lines - len(self.missing)

    def missing_in(self) -> dict[str, tuple[int, ...]]:
        """Return the lines that were never run, by the name of the function that they are in."""
        found: dict[str, tuple[int, ...]] = {}
        for line in self.missing:
            name = next((name for first, name in reversed(self.functions) if first <= line), "")
            found[name] = (*found.get(name, ()), line)
        return found


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
    return [parse(file, (farm / file["file"]).read_text()) for file in json.loads(details.read_text())["files"]]


def parse(file: dict, source: str) -> Coverage:
    """Read what gcovr says about one file."""
    lines = [line for line in file["lines"] if not line["gcovr/noncode"] and not line["gcovr/excluded"]]
    branches = [branch for line in lines for branch in line["branches"]]
    return Coverage(file["file"], len(lines), tuple(line["line_number"] for line in lines if not line["count"]),
                    len(branches), sum(branch["count"] > 0 for branch in branches),
                    functions(source))


def functions(source: str) -> tuple[tuple[int, str], ...]:
    """Return the first line of each function, and its name: gcov does not know those that were always inlined."""
    begins = ((number, FUNCTION.match(line)) for number, line in enumerate(source.splitlines(), 1))
    return tuple((number, found[1]) for number, found in begins if found)


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
    return [*lines, "", "never run:", *left(files)]


def left(files: list[Coverage], explained: set[str] | None = None) -> list[str]:
    """Return the lines that nothing has run, but for those of functions that are @explained."""
    return [f"{file.file}: {name}(): {ranges(numbers)}" for file in files for name, numbers in file.missing_in().items()
            if name not in (explained or ())]


def explained(page: str) -> set[str]:
    """Return the functions for which a page of the documentation says why some of their lines are not run."""
    section = re.search(rf"^{HEADING}\n[-=]+\n(.*?)(?=^[^\n]+\n[-=]{{3,}}$|\Z)", page, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"``(\w+)\(\)``", section[1])) if section else set()


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
