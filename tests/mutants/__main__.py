# SPDX-License-Identifier: GPL-2.0
"""Put each deliberate bug into a copy of the sources, run the test that has to catch it, and print what came of it.

    python3 -m tests.mutants [NAME...]

The exit status is 0 only if every bug was caught, with the words that its patch foretells.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, kunit, modules, network
from tests.mutants import mutant as mutants
from tests.mutants.mutant import Mutant
from tests.vm import runner

KUNIT_KERNEL = "6.1-debug"
CAUGHT = "caught"


def copy_sources(target: Path) -> None:
    """Copy what the modules are built from: what is there already stays as it is, so that it is not built again."""
    wanted = {target / path.relative_to(TOP): path for path in modules.files_of(TOP)}
    for path in target.rglob("*"):
        if path.is_file() and path not in wanted:
            path.unlink()
    for path, source in wanted.items():
        content = source.read_bytes()
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


@contextmanager
def planted(mutant: Mutant, tree: Path, kernel: kernels.Kernel) -> Iterator[Path]:
    """Build the modules with the bug; it is gone afterwards."""
    mutant.apply(tree)
    try:
        yield modules.build_tree(f"mutant-{kernel.name}", kernel.kdir, tree)
    finally:
        mutant.revert(tree)


def verdict(mutant: Mutant, failed: bool, message: str) -> str:
    """Say what a test that ended so means."""
    if not failed:
        return "NOT CAUGHT"
    if not re.search(mutant.says, message):
        return f"failed for another reason: {message.partition(chr(10))[0]}"
    return CAUGHT


def try_one(mutant: Mutant, tree: Path, kernel: kernels.Kernel) -> str:
    """Return what came of one mutant."""
    try:
        with planted(mutant, tree, kernel) as farm:
            return verdict(mutant, *_test(mutant, kernel, farm))
    except (SetupError, modules.BuildError) as problem:
        return str(problem)


def _test(mutant: Mutant, kernel: kernels.Kernel, farm: Path) -> tuple[bool, str]:
    """Run the mutant's test; return whether it has failed, and what it says."""
    if mutant.group == "kunit":
        bad = [result for result in kunit.run(kernel.name, [mutant.test], farm) if not result.ok]
        return bool(bad), "\n".join(f"{result.suite}.{result.case}: {result.message}" for result in bad)
    results = [runner.run(case, kernel, modules_from=farm) for case in runner.find([mutant.test])]
    return any(not result.ok for result in results), "\n".join(result.message for result in results)


def main(names: list[str]) -> int:
    """Try the mutants of these names, or all."""
    chosen = mutants.find(names)
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the cases need tap devices (modprobe tun)")
    default = kernels.get(os.environ.get("KERNEL") or "6.1")
    found = {"vm": default, "kunit": kernels.get(KUNIT_KERNEL) if any(one.group == "kunit" for one in chosen) else default}
    network.enter()
    tree, lines, good = BUILD / "mutants", [], 0
    copy_sources(tree)
    for mutant in chosen:
        came_of_it = try_one(mutant, tree, found[mutant.group])
        good += came_of_it == CAUGHT
        lines.append(f"{mutant.name:<20} {mutant.group + ' ' + mutant.test:<24} {came_of_it}")
        print(lines[-1], f"\n{'':<20} {mutant.what}", flush=True)
    print("\n".join(["", *lines, f"{good} of {len(chosen)} caught"]))
    return 0 if chosen and good == len(chosen) else 1


if __name__ == "__main__":
    command.run(lambda: main(sys.argv[1:]))
