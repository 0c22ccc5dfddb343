# SPDX-License-Identifier: GPL-2.0
"""The command line; see the package."""

import argparse
import os
import shutil
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, kunit, network
from qemu.kernels import Kernel
from tests.coverage import guest, report
from tests.vm import runner

LIMIT = 90  # percent of the lines
FLAVOUR = "coverage"  # of the kernel
PAGE = "Documentation/testing.rst"  # says why what is left is left
KUNIT = "kunit"  # all suites together
# Cases that count nothing, or take longer than they show, with the reason.
LEFT_OUT = {
    "soak": "nothing but more packets than flood has",
    "no_debugfs": "without debugfs nobody can fetch the counters",
    "transport.iommu": "the kernel has no driver for QEMU's IOMMU",
}


@dataclass(frozen=True)
class Plan:
    """What is to be counted, and where it goes."""

    kernel: Kernel
    farm: Path
    directory: Path  # of this very build: one directory for each case that has passed
    names: list[str]


def runs(case: runner.Case, kernel: Kernel) -> bool:
    """Whether the case runs on @kernel, which has all that cases for debug kernels use, but for checks."""
    return case.declared("FLAVOUR", None) == "debug" or case.kernel(kernel.name) == kernel.name


def default(kernel: Kernel) -> list[str]:
    """Return everything that runs on @kernel."""
    cases = [case.name for case in runner.find(rare=True) if runs(case, kernel)]
    return [KUNIT, *(name for name in cases if not {name, name.partition(".")[0]} & set(LEFT_OUT))]


def chosen(names: list[str], kernel: Kernel) -> list[str]:
    """Return what the words @names stand for."""
    cases = [name for name in names if name != KUNIT]
    found = [case for case in (runner.find(cases) if cases else [])]
    for case in found:
        if not runs(case, kernel):
            raise SetupError(f"{case.name} does not run on {kernel.name}, but on {case.kernel(kernel.name)}")
    return [*([KUNIT] if KUNIT in names else []), *(case.name for case in found)]


def attempt(name: str, plan: Plan) -> str:
    """Run one case and keep what it has counted, if it has passed; return what it complains about."""
    unfinished = plan.directory / f"{name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    complaint = _run(name, plan, partial(guest.fetch, farm=plan.farm, target=unfinished))
    if not complaint and not guest.fetched(unfinished):
        complaint = f"the guest has counted nothing: {guest.COUNTERS} has no files of the modules"
    if not complaint:
        unfinished.rename(plan.directory / name)
    return complaint


def _run(name: str, plan: Plan, afterwards: runner.Afterwards) -> str:
    """Run one case, or the suites; return what it complains about."""
    if name == KUNIT:
        bad = [result for result in kunit.run(plan.kernel.name, farm=plan.farm, afterwards=afterwards) if not result.ok]
        return "\n".join(f"{result.suite}.{result.case}: {result.message}" for result in bad)
    result = runner.run(runner.find([name])[0], plan.kernel, modules_from=plan.farm, afterwards=afterwards)
    return "" if result.ok else f"{result.outcome}: {result.message}\nlog: {result.log}"


def work(plan: Plan) -> list[str]:
    """Run what has not passed yet, and return a line for each that still has not."""
    start, bad = time.monotonic(), []
    for number, name in enumerate(plan.names, 1):
        if (plan.directory / name).is_dir():
            continue
        complaint = attempt(name, plan)
        print(f"[{time.monotonic() - start:5.0f} s, {number} of {len(plan.names)}] {'FAIL' if complaint else 'pass'}  {name}",
              flush=True)
        print("".join(f"         {line}\n" for line in complaint.splitlines()), end="", flush=True)
        if complaint:
            bad.append(f"not passed, and not counted: {name}: {complaint.partition(chr(10))[0]}")
    return bad


def prepare(kernel: Kernel, names: list[str], fresh: bool) -> Plan:
    """Build the modules, and forget what those of another build have counted."""
    farm = guest.build(kernel)
    home = BUILD / "coverage" / kernel.name / "counters"
    directory = home / guest.identity(farm)
    for old in home.glob("*"):
        if fresh or old != directory:
            shutil.rmtree(old)
    directory.mkdir(parents=True, exist_ok=True)
    return Plan(kernel, farm, directory, chosen(names, kernel) if names else default(kernel))


def conclude(plan: Plan) -> tuple[list[str], float]:
    """Write the reports; return the table, and the percentage of lines that were run."""
    counted = [name for name in plan.names if (plan.directory / name).is_dir()]
    output = BUILD / "coverage" / plan.kernel.name
    files = report.measure([plan.directory / name for name in counted], plan.farm, plan.kernel.kdir, output)
    lines = [f"kernel {plan.kernel.release}, {len(counted)} of {len(plan.names)} cases", *report.table(files)]
    unexplained = report.left(files, report.explained((TOP / PAGE).read_text()))
    if plan.names == default(plan.kernel):
        lines += ["", f"and {PAGE} does not say why:", *(unexplained or ["nothing"])]
    (output / "coverage.json").write_text(report.document(plan.kernel.release, counted, files))
    (output / "coverage.txt").write_text("\n".join(lines) + "\n")
    return [*lines, f"written to {output.relative_to(TOP)}: coverage.txt, coverage.json, index.html"], report.share(files)


def judge(share: float, bad: list[str], some: bool) -> int:
    """Say whether enough was run, and return the exit status; @some cases alone need not run so much."""
    print(f"{share:.1f} % of the lines were run, {'at least' if share >= LIMIT else 'less than'} {LIMIT} %")
    return 1 if bad or (not some and share < LIMIT) else 0


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.coverage", description="which lines the tests run")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{KUNIT} and all that run on this kernel by default")
    parser.add_argument("--kernel", default=os.environ.get("KERNEL") or "6.1",
                        help="the version; 6.1 where there is no such kernel that counts (default %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="forget what was counted before")
    options = parser.parse_args()
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the cases need tap devices (modprobe tun)")
    plan = prepare(kernels.get(kernels.flavoured(options.kernel, FLAVOUR)), options.cases, options.fresh)
    network.enter()
    bad = work(plan)
    lines, share = conclude(plan)
    print(*lines, *bad, sep="\n")
    return judge(share, bad, bool(options.cases))


if __name__ == "__main__":
    command.run(main, interrupted="interrupted; the same command goes on from here")
