# SPDX-License-Identifier: GPL-2.0
"""The sources as the checks see them: names relative to the top of the checkout, and lines."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from qemu import SetupError

# Where there is no git to say what is ignored: a tree unpacked from an archive, or made by a test.
OUTPUT = ("build", "__pycache__")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it has to be, and where."""

    path: str
    line: int  # from 1
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Tree:
    """A checkout."""

    root: Path

    @cached_property
    def files(self) -> list[str]:
        """The files that are tracked, or would be if they were added now; what is ignored is nobody's business."""
        names = self._from_git() if (self.root / ".git").exists() else self._from_disk()
        return sorted(name for name in names if (self.root / name).is_file())

    def matching(self, *patterns: str) -> list[str]:
        """Return the files below one of the directories, or with one of the suffixes, in @patterns.

        A pattern that ends in a slash is a directory, one that begins with a dot is a suffix; anything else is a
        file's whole name. A file has to match one of each kind that is given.
        """
        directories = tuple(pattern for pattern in patterns if pattern.endswith("/"))
        suffixes = tuple(pattern for pattern in patterns if pattern.startswith("."))
        names = [pattern for pattern in patterns if pattern not in directories + suffixes]
        found = [path for path in self.files if (not directories or path.startswith(directories))
                 and (not suffixes or path.endswith(suffixes))]
        return [path for path in found if path in names] if names else found

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file without their ends; none of a file that is no text."""
        content = (self.root / path).read_bytes()
        return [] if b"\0" in content else content.decode(errors="replace").splitlines()

    def numbered(self, path: str) -> Iterator[tuple[int, str]]:
        """Return a file's lines with their numbers."""
        return enumerate(self.lines(path), 1)

    def _from_git(self) -> list[str]:
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError as error:
            raise SetupError("git is missing: run make setup") from error
        if done.returncode:
            raise SetupError(f"git ls-files: {done.stderr.decode(errors='replace').strip()}")
        return sorted(set(done.stdout.decode().split("\0")) - {""})

    def _from_disk(self) -> list[str]:
        names = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return [str(name) for name in names if not _is_output(name)]


def _is_output(name: PurePath) -> bool:
    return any(part in OUTPUT for part in name.parts)
