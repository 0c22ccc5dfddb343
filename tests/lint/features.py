# SPDX-License-Identifier: GPL-2.0
"""The table of features in Documentation/driver.rst, against the driver's own list."""

import re
from collections.abc import Iterator

from tests.lint.tree import Finding, Tree

DOCUMENT = "Documentation/driver.rst"
SOURCE = "drivers/net/labnet/features.c"
LIST = re.compile(r"^#define LABNET_FEATURES\(X\)((?:.*\\\n)*.*\n)", re.MULTILINE)
ROW = re.compile(r"^``([\w*]+)`` +(used|no)\b")


def features(tree: Tree) -> Iterator[Finding]:
    """Documentation/driver.rst calls those features used that the driver knows, and no others"""
    if not {DOCUMENT, SOURCE} <= set(tree.files):
        yield Finding(DOCUMENT, 1, f"this or {SOURCE} does not exist")
        return
    found = LIST.search("\n".join(tree.lines(SOURCE)) + "\n")
    known = set(re.findall(r"\bX\((\w+)", found[1])) if found else set()
    if not known:
        yield Finding(SOURCE, 1, "no list LABNET_FEATURES that can be read here")
    rows = {match[1]: (number, match[2]) for number, line in tree.numbered(DOCUMENT) if (match := ROW.match(line))}
    for name in sorted(known - set(rows)):
        yield Finding(DOCUMENT, 1, f"the table of features has no {name}")
    for name, (number, word) in rows.items():
        if word != ("used" if name in known else "no"):
            yield Finding(DOCUMENT, number, f"{name}: '{word}', but the driver has it {'' if name in known else 'not '}in its list")
