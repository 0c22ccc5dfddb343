# SPDX-License-Identifier: GPL-2.0
"""One deliberate bug: a patch that says in its head what is wrong, which test has to catch it, and what the test says then.

    What: one sentence
    Caught-by: vm CASE, or kunit SUITE
    Says: a regular expression for the failure's message, so that no other failure is taken for it
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from qemu import SetupError

DIRECTORY = Path(__file__).parent
HEAD = re.compile(r"^(What|Caught-by|Says): (.+)$", re.MULTILINE)
GROUPS = ("vm", "kunit")


@dataclass(frozen=True)
class Mutant:
    """A patch."""

    name: str
    path: Path
    what: str
    group: str  # of the test
    test: str
    says: str

    def apply(self, tree: Path) -> None:
        """Put the bug into the sources below @tree, all of it or nothing."""
        for words in (["--dry-run"], []):
            self._patch(tree, "--forward", *words)

    def revert(self, tree: Path) -> None:
        """Take the bug out again."""
        self._patch(tree, "--reverse")

    def _patch(self, tree: Path, *words: str) -> None:
        command = ["patch", "--strip=1", "--batch", "--quiet", "--no-backup-if-mismatch", "--reject-file=-", *words,
                   f"--input={self.path}"]
        try:
            done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise SetupError("patch is missing: run make setup") from error
        if done.returncode:
            complaint = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
            raise SetupError(f"{self.path.name} does not apply: {complaint[0]}")


def read(path: Path) -> Mutant:
    """Return the mutant in a patch."""
    words = dict(HEAD.findall(path.read_text().partition("\n--- ")[0]))
    group, _, test = words.get("Caught-by", "").partition(" ")
    if len(words) != 3 or group not in GROUPS or not test:
        raise SetupError(f"{path.name}: its head has to say What:, Caught-by: vm CASE or kunit SUITE, and Says:")
    return Mutant(path.stem, path, words["What"], group, test, words["Says"])


def find(names: list[str], directory: Path = DIRECTORY) -> list[Mutant]:
    """Return the mutants of these names, or all."""
    found = [read(path) for path in sorted(directory.glob("*.patch"))]
    for name in names:
        if name not in [mutant.name for mutant in found]:
            raise SetupError(f"unknown mutant {name!r}: there are {', '.join(mutant.name for mutant in found)}")
    return [mutant for mutant in found if not names or mutant.name in names]
