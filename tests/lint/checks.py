# SPDX-License-Identifier: GPL-2.0
"""All checks by name."""

from collections.abc import Callable, Iterator

from qemu import SetupError
from tests.lint import compilers, counters, features, privacy, prose, structure, style
from tests.lint.tree import Finding, Tree

CHECKS: dict[str, Callable[[Tree], Iterator[Finding]]] = {
    "checkpatch": style.checkpatch,
    "kernel-doc": style.kernel_doc,
    "shell": style.shell,
    "python": style.python,
    "gcc": compilers.gcc,
    "clang": compilers.clang,
    "layering": structure.layering,
    "length": structure.length,
    "manual": structure.manual,
    "statistics": counters.statistics,
    "features": features.features,
    "documents": prose.documents,
    "privacy": privacy.privacy,
}


def find(name: str) -> Callable[[Tree], Iterator[Finding]]:
    """Return the check of that name."""
    if name not in CHECKS:
        raise SetupError(f"unknown check {name!r}: there are {', '.join(CHECKS)}")
    return CHECKS[name]


def run(name: str, tree: Tree) -> list[str]:
    """Run one check; return what it complains about. That it could not be made is a complaint as well."""
    check = find(name)
    try:
        return [str(finding) for finding in check(tree)]
    except (SetupError, OSError) as problem:
        return [str(problem)]
