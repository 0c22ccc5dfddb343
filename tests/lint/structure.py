# SPDX-License-Identifier: GPL-2.0
"""Structure: which file may know of what, and how long things may get."""

import ast
import re
from collections.abc import Iterator

from tests.lint.style import CODE, PUBLIC_HEADER
from tests.lint.tree import Finding, Tree

# The page layer knows nothing of networking.
PAGE_LAYER = ("drivers/labyrinth/", "include/trace/events/labyrinth.h", PUBLIC_HEADER)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
NETWORK = re.compile(r"^(net/|(uapi/)?linux/(net|skb|if_|ether|ethtool|rtnetlink|virtio_net|inet|ip\.|ipv6|in\.|in6\.|"
                     r"tcp|udp|icmp|socket|filter\.|bpf))")
VERSION = re.compile(r"\b(LINUX_VERSION_CODE|KERNEL_VERSION)\b")
COMPAT = "include/compat/"
COMPAT_LINES = 400

FUNCTION_LINES = 80
SOURCE_LINES = 700
SUITE_LINES = 900  # a suite is read case by case
HEADER_LINES = 500
PYTHON_FUNCTION_LINES = 50


def layering(tree: Tree) -> Iterator[Finding]:
    """The page layer includes no network header, and only include/compat knows kernel versions and stays small"""
    for path in (path for path in tree.files if path.startswith(PAGE_LAYER)):
        for number, line in tree.numbered(path):
            included = INCLUDE.match(line)
            if included and NETWORK.match(included[1]):
                yield Finding(path, number, f"the page layer includes <{included[1]}>")
    for path in tree.matching(*CODE, ".c", ".h"):
        for number, line in tree.numbered(path):
            if not path.startswith(COMPAT) and (word := VERSION.search(line)):
                yield Finding(path, number, f"{word[1]} outside of {COMPAT}")
    yield from _compat_size(tree)


def _compat_size(tree: Tree) -> Iterator[Finding]:
    files = tree.matching(COMPAT)
    total = sum(len(tree.lines(path)) for path in files)
    if total >= COMPAT_LINES:
        longest = max(files, key=lambda path: len(tree.lines(path)))
        yield Finding(longest, 1, f"{COMPAT} has {total} lines, {COMPAT_LINES} are too many: drop a kernel")


def length(tree: Tree) -> Iterator[Finding]:
    """Functions and files are short enough to be read at once"""
    for path in tree.matching(*CODE, ".c", ".h"):
        limit = HEADER_LINES if path.endswith(".h") else SUITE_LINES if path.endswith("_kunit.c") else SOURCE_LINES
        lines = tree.lines(path)
        if len(lines) > limit and path != PUBLIC_HEADER:
            yield Finding(path, limit + 1, f"{len(lines)} lines, more than {limit}")
        for first, last in c_functions(lines):
            if last - first + 1 > FUNCTION_LINES:
                yield Finding(path, first, f"a function of {last - first + 1} lines, more than {FUNCTION_LINES}")
    for path in tree.matching(".py"):
        yield from _python_functions(path, "\n".join(tree.lines(path)))


def c_functions(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Return the first and the last line, from 1, of each function in kernel style: its braces are in column 0."""
    begin = head = 0
    for number, line in enumerate(lines, 1):
        if line == "{" and not begin:
            begin = head or number
        elif line.startswith("}"):
            if begin:
                yield begin, number
            begin = head = 0
        elif begin:
            continue
        elif not line or line.startswith(("#", " *", "/*", "//")) or line.endswith(";"):
            head = 0
        else:
            head = head or number


def _python_functions(path: str, text: str) -> Iterator[Finding]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError as error:
        yield Finding(path, error.lineno or 1, f"no Python: {error.msg}")
        return
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > PYTHON_FUNCTION_LINES:
                yield Finding(path, node.lineno, f"{node.name}() has {size} lines, more than {PYTHON_FUNCTION_LINES}")


def manual(tree: Tree) -> Iterator[Finding]:
    """At least half of the public header is documentation"""
    lines = tree.lines(PUBLIC_HEADER)
    written = [line for line in lines if line.strip()]
    comments = sum(_comment_lines(written))
    if 2 * comments < len(written):
        yield Finding(PUBLIC_HEADER, 1, f"{comments} of {len(written)} lines are comments, less than half")


def _comment_lines(lines: list[str]) -> Iterator[bool]:
    """Say of each line whether it is nothing but comment."""
    inside = False
    for line in lines:
        text = line.strip()
        comment = inside or text.startswith(("/*", "//"))
        if text.startswith("/*") or inside:
            inside = "*/" not in text
        yield comment
