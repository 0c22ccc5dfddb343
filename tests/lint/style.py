# SPDX-License-Identifier: GPL-2.0
"""Style, as the kernel's checkpatch.pl and kernel-doc see it, and as shellcheck and pyflakes do."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from qemu import SetupError
from tests.lint import tools
from tests.lint.tree import Finding, Tree

CODE = ("drivers/", "include/", "tests/")
PUBLIC_HEADER = "include/linux/labyrinth.h"
COMPLAINT = re.compile(r"^(.+?):(\d+): (?:ERROR|WARNING|CHECK):([A-Z0-9_]+): (.*)$")
DOC_COMPLAINT = re.compile(r"^(.+?):(\d+): (?:warning|error): (.*)$")
SHELL_COMPLAINT = re.compile(r"^(.+?):(\d+):\d+: (.*)$")


@dataclass(frozen=True)
class Exemption:
    """A type of checkpatch.pl's complaints that is not ours: in which files, on which lines, and why."""

    kind: str
    files: str
    reason: str
    lines: str = ""  # what the line has to look like


X_LIST = r"^#define \w+\(X\)"
X_ROW = r"^#define \w+_(ENUM|NAME|FIELD|BIT|ROW)\("
COMPAT, TRACE = "include/compat/*", "include/trace/events/*"
# Programs of user space, of which checkpatch.pl has not heard.
PROGRAMS = "tests/bench/[gqs]*.[ch] tests/pressure/*.c tests/genl/*.c"

EXEMPTIONS = (
    Exemption("FILE_PATH_CHANGES", "*", "there is no MAINTAINERS file outside of the kernel"),
    Exemption("NETWORKING_BLOCK_COMMENT_STYLE", "*", "the exception for net/ is gone from coding-style.rst"),
    Exemption("COMPLEX_MACRO", "*", "an X-macro list is no expression: parentheses would break it", X_LIST),
    Exemption("COMPLEX_MACRO", "*", "a row that an X-macro list is expanded to is no expression", X_ROW),
    Exemption("MACRO_ARG_REUSE", "*", "the argument of an X-macro list is a macro's name, not a value", X_LIST),
    Exemption("TRAILING_SEMICOLON", "*", "a field of a struct that is made of an X-macro list ends in one", X_ROW),
    Exemption("BRACKET_SPACE", "*", "the row is a designated initialiser, not an index", X_ROW),
    Exemption("LONG_LINE_STRING", "tests/*", "a line of a report is one string, so that it can be searched for"),
    Exemption("OPEN_ENDED_LINE", TRACE, "TRACE_EVENT is written like this everywhere"),
    Exemption("PARENTHESIS_ALIGNMENT", TRACE, "TRACE_EVENT is written like this everywhere"),
    Exemption("LINUX_VERSION_CODE", COMPAT, "this is the place for it, and the only one: see layering"),
    Exemption("CONSTANT_COMPARISON", COMPAT, "both sides of a comparison of versions are constants"),
    Exemption("CAMELCASE", COMPAT, "_Generic is a word of the language", r"_Generic"),
    Exemption("SPACING", COMPAT, "neither _Generic nor __has_include_next is known to checkpatch.pl"),
    Exemption("MACRO_ARG_REUSE", COMPAT, "_Generic evaluates one of its branches only", r"pgdat_kswapd_failures"),
    Exemption("MACRO_ARG_REUSE", COMPAT, "one of the two branches is evaluated only", r"dev_kfree_skb_any_reason"),
    Exemption("INDENTED_LABEL", COMPAT, "a branch of _Generic is no label"),
    Exemption("PREFER_KERNEL_TYPES", PROGRAMS, "user space has the C library's types"),
    Exemption("CAMELCASE", PROGRAMS, "formats of the C library", r"\b(PRI|SCN)[dux]\d+"),
    Exemption("VOLATILE", PROGRAMS, "the C library's way for signal handlers", r"sig_atomic_t"),
    Exemption("TRAILING_STATEMENTS", PROGRAMS, "command line options, one per line as in a table", r"^\s*(case '.'|default):"),
    Exemption("QUOTED_WHITESPACE_BEFORE_NEWLINE", PROGRAMS, "in a list of separators it means something", r"strtok|strc?spn"),
    Exemption("EMBEDDED_FUNCTION_NAME", PROGRAMS, "words for people that are functions' names by accident"),
    Exemption("SPLIT_STRING", PROGRAMS, "the help text"),
)


def checkpatch(tree: Tree) -> Iterator[Finding]:
    """C sources pass checkpatch.pl --strict, but for a list of exemptions with their reasons"""
    files = tree.matching(*CODE, ".c", ".h")
    command = [tools.require("perl"), tools.kernel_scripts() / "checkpatch.pl", "--no-tree", "--strict", "--terse",
               "--no-summary", "--show-types", "--file", *files]
    if not files:
        raise SetupError("there is no C source to check")
    # It leaves a file where it runs, and judges some things by the path: so it runs beside the sources.
    with tempfile.TemporaryDirectory(prefix="checkpatch-") as name:
        for top in {path.split("/")[0] for path in files}:
            (Path(name) / top).symlink_to(tree.root / top)
        done = tools.call(*command, cwd=Path(name))
    complaints = [match for line in done.stdout.splitlines() if (match := COMPLAINT.match(line))]
    if done.returncode and not complaints:
        raise SetupError(f"checkpatch.pl failed: {(done.stderr or done.stdout).strip()[:200]}")
    for path, line, kind, text in (match.groups() for match in complaints):
        if not _exempt(kind, path, tree.lines(path)[int(line) - 1]):
            yield Finding(path, int(line), f"{kind}: {text}")


def _exempt(kind: str, path: str, line: str) -> bool:
    return any(kind == one.kind and any(fnmatch(path, files) for files in one.files.split()) and re.search(one.lines, line) for one in EXEMPTIONS)


def kernel_doc(tree: Tree) -> Iterator[Finding]:
    """The public header's comments are well-formed kernel-doc: every parameter, member and return value is named"""
    script = tools.kernel_scripts() / "kernel-doc"
    done = tools.call(tools.require("perl"), script, "-none", "-v", PUBLIC_HEADER, cwd=tree.root)
    complaints = [match for line in done.stderr.splitlines() if (match := DOC_COMPLAINT.match(line))]
    if done.returncode and not complaints:
        raise SetupError(f"kernel-doc failed: {done.stderr.strip()[:200]}")
    for path, line, text in (match.groups() for match in complaints):
        yield Finding(path, int(line), text)


def shell(tree: Tree) -> Iterator[Finding]:
    """Shell scripts pass shellcheck"""
    program = tools.require("shellcheck")
    scripts = [path for path in tree.files if _is_shell(tree, path)]
    if not scripts:
        return
    done = tools.call(program, "--format=gcc", *scripts, cwd=tree.root)
    complaints = [match for line in done.stdout.splitlines() if (match := SHELL_COMPLAINT.match(line))]
    if done.returncode and not complaints:
        raise SetupError(f"shellcheck failed: {done.stderr.strip()[:200]}")
    for path, line, text in (match.groups() for match in complaints):
        yield Finding(path, int(line), text)


def python(tree: Tree) -> Iterator[Finding]:
    """Python has no name that is undefined or unused: pyflakes"""
    done = tools.call(tools.require("pyflakes3"), *tree.matching(".py"), cwd=tree.root)
    complaints = [match for line in done.stdout.splitlines() if (match := SHELL_COMPLAINT.match(line))]
    if done.returncode and not complaints:
        raise SetupError(f"pyflakes failed: {(done.stderr or done.stdout).strip()[:200]}")
    for path, line, text in (match.groups() for match in complaints):
        yield Finding(path, int(line), text)


def _is_shell(tree: Tree, path: str) -> bool:
    first = next(iter(tree.lines(path)), "")
    return path.endswith(".sh") or re.match(r"#!.*\b(ba|da)?sh\b", first) is not None
