# SPDX-License-Identifier: GPL-2.0
"""Documents: what they name is there, and each can be found from the index."""

import re
from collections.abc import Iterator

from tests.lint.tree import Finding, Tree

INDEX = "Documentation/index.rst"
LICENCE = ".. SPDX-License-Identifier: GPL-2.0"
# A file of the project, as `path` or ``path`` or behind a directive.
PATH = re.compile(r"(?:`|:: )((?:drivers|include|qemu|tests|Documentation)/[\w./-]*\w)(?=`|$| )")
README_LINES = 120


def documents(tree: Tree) -> Iterator[Finding]:
    """Documents name only files that exist, start with their licence and are in the index; README.md is short"""
    pages = tree.matching("Documentation/", ".rst")
    for path in [*pages, *tree.matching("README.md")]:
        for number, line in tree.numbered(path):
            for name in PATH.findall(line):
                if not (tree.root / name).exists():
                    yield Finding(path, number, f"there is no {name}")
    for path in pages:
        if next(iter(tree.lines(path)), "") != LICENCE:
            yield Finding(path, 1, f"does not start with '{LICENCE}'")
    yield from _index(tree, pages)
    size = len(tree.lines("README.md")) if "README.md" in tree.files else 0
    if not 0 < size <= README_LINES:
        yield Finding("README.md", max(size, 1), f"{size} lines: there has to be one of at most {README_LINES}")


def _index(tree: Tree, pages: list[str]) -> Iterator[Finding]:
    """Each page is listed in the index, and each that is listed exists."""
    if INDEX not in pages:
        yield Finding(INDEX, 1, "there is no such file")
        return
    listed = {word for line in tree.lines(INDEX) if re.fullmatch(r" {3}[\w-]+", line) for word in [line.strip()]}
    present = {path.removeprefix("Documentation/").removesuffix(".rst") for path in pages} - {"index"}
    for name in sorted(present - listed):
        yield Finding(INDEX, 1, f"does not list {name}")
    for name in sorted(listed - present):
        yield Finding(INDEX, 1, f"lists {name}, which does not exist")
