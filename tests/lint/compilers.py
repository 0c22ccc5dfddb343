# SPDX-License-Identifier: GPL-2.0
"""What two compilers and sparse have to say about the modules, with the kernel's own extra warnings (W=1)."""

import re
from collections.abc import Iterator
from pathlib import Path

from qemu import SetupError, kernels, modules
from tests.lint import tools
from tests.lint.tree import Finding, Tree

# The kernel whose headers are used. Sparse knows neither __has_include nor its sibling: with this kernel's headers the
# answer to each such question in include/compat is no.
KERNEL = "6.1"
SPARSE = "-Wsparse-error '-D__has_include(x)=0' '-D__has_include_next(x)=0'"
# The kernel was configured for gcc: options that clang does not know are left out. A member of the hardware's task state
# is not aligned in the kernel's own header, which W=1 has clang say in each file.
AS_CLANG = ("CONFIG_CC_IS_GCC=", "CONFIG_CC_IS_CLANG=y", "CONFIG_RETHUNK=", "CONFIG_FTRACE_MCOUNT_USE_CC=",
            "CONFIG_INIT_STACK_ALL_ZERO=", "CONFIG_OBJTOOL=")
CLANG_FLAGS = "-Wno-unknown-warning-option -Wno-address-of-packed-member"
COMPLAINT = re.compile(r"^(.+?):(\d+)(?::\d+)?: (?:fatal )?(?:warning|error): (.*)$")


def gcc(tree: Tree) -> Iterator[Finding]:
    """gcc and sparse have no complaint about the modules, W=1"""
    tools.require("sparse")
    yield from _complaints(tree, "lint-gcc", "C=1", f"CF={SPARSE}", "KCFLAGS=-Werror")


def clang(tree: Tree) -> Iterator[Finding]:
    """clang has no complaint about the modules, W=1"""
    tools.require("clang")
    yield from _complaints(tree, "lint-clang", "CC=clang", *AS_CLANG, f"KCFLAGS=-Werror {CLANG_FLAGS}")


def _complaints(tree: Tree, name: str, *words: str) -> Iterator[Finding]:
    """Build the modules in a farm of their own. A file with a complaint is not finished: the next run repeats it."""
    kernel = kernels.get(KERNEL)
    try:
        modules.build_tree(name, kernel.kdir, tree.root, tests=False, words=("--keep-going", "W=1", *words))
    except modules.BuildError as error:
        found = sorted(set(_findings(modules.farm(name))), key=lambda finding: (finding.path, finding.line))
        if not found:
            raise SetupError(str(error)) from error
        yield from found


def _findings(farm: Path) -> Iterator[Finding]:
    for line in (farm / "build.log").read_text(errors="replace").splitlines():
        if match := COMPLAINT.match(line):
            yield Finding(match[1].removeprefix(f"{farm}/"), int(match[2]), match[3])
