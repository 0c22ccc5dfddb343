# SPDX-License-Identifier: GPL-2.0
"""The command line of the checks; see the package."""

import argparse

from qemu import TOP, command
from tests.lint import counters
from tests.lint.checks import CHECKS, find, run
from tests.lint.tree import Tree


def main() -> int:
    """Run the checks that the command line asks for; 0 when there were some and nothing was found."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.lint", description="check the sources without running them")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="all by default")
    parser.add_argument("--list", action="store_true", help="name the checks and say what they insist on")
    parser.add_argument("--write", action="store_true", help=f"make the tables of {counters.DOCUMENT} again")
    options = parser.parse_args()
    if options.list:
        for name, check in CHECKS.items():
            print(f"{name:<14} {(check.__doc__ or '').strip()}")
        return 0
    for name in options.checks:
        find(name)
    tree = Tree(TOP)
    if options.write:
        print(f"{counters.DOCUMENT}: {'written' if counters.write(tree) else 'up to date'}")
        return 0
    verdicts = [_report(name, run(name, tree)) for name in options.checks or CHECKS]
    print(f"{sum(verdicts)} passed, {len(verdicts) - sum(verdicts)} failed")
    return 0 if all(verdicts) else 1


def _report(name: str, complaints: list[str]) -> bool:
    print(f"{'fail' if complaints else 'pass'}  lint: {name}", flush=True)
    for complaint in complaints:
        print(f"      {complaint}", flush=True)
    return not complaints


if __name__ == "__main__":
    command.run(main)
