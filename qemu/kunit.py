# SPDX-License-Identifier: GPL-2.0
"""Run the KUnit suites of the modules in a guest whose kernel has KUnit and every check that a driver can fail.

    python3 -m qemu.kunit [--kernel NAME] [SUITE...]

modprobe of a suite succeeds when its cases fail, so the verdicts come from the kernel log. The guest must also survive,
print no warning, unload everything and leak no memory: each of these is one more case of the suite "kunit".
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from qemu import BUILD, command, kernels, ktap, modules
from qemu.ktap import Result
from qemu.vm import VM, GuestError, Lost

OWN = "kunit"  # the suite of the runner's own verdicts
# All suites of a module run while it is loaded. KUnit itself ends a case after 300 seconds; this is only for a guest
# that hangs. On a busy machine with two cores the suites have needed more than five minutes.
LOAD_TIMEOUT = 1500
SUITES = "ls /sys/kernel/debug/kunit"

# kmemleak reports an object only when it is older than five seconds and two scans found no reference to it. Leaks are
# looked for twice: while the modules are there, so that the report names their functions, and after they are gone, with
# all the references that their variables held. What was reported once is not reported again.
# A kernel that counts lines (gcov) is not made to notice mistakes; any other one has to look for leaks.
CLEAR = "[ -d /sys/kernel/debug/gcov ] || echo clear > /sys/kernel/debug/kmemleak"
LEAKS = """
set -e
[ ! -d /sys/kernel/debug/gcov ] || exit 0
leaks=/sys/kernel/debug/kmemleak
[ -w $leaks ] || { echo "this kernel has no kmemleak"; exit 1; }
sleep 6; echo scan >$leaks; sleep 1; echo scan >$leaks
report=$(cat $leaks)
[ -z "$report" ] || { echo "$report"; echo clear >$leaks; exit 1; }
"""


def run(kernel: str = "6.1-debug", wanted: list[str] | None = None, farm: Path | None = None,
        afterwards: Callable[[VM], None] | None = None) -> list[Result]:
    """Return the verdict of every case (of the suites @wanted, where given) and of the runner's own checks.

    @farm is where the modules were built, by default from the sources as they are. @afterwards is done to the guest when
    all has been unloaded.
    """
    chosen = kernels.get(kernel)
    farm = farm or modules.build(chosen)
    tests = [module.stem for module in modules.find(farm) if module.stem.endswith("_kunit")]
    if not tests:
        return [Result(OWN, "suites", False, f"no *_kunit module was built for {kernel}: has it CONFIG_KUNIT?")]
    log = BUILD / "logs" / f"kunit-{kernel}.log"
    own, registered = _boot_and_load(VM(chosen, memory="512M", cpus=2, log=log, modules_from=farm), tests, afterwards)
    results = ktap.parse(log.read_text(errors="replace"))
    seen = {result.suite for result in results}
    own += [Result(suite, "(suite)", False, f"printed no result (log: {log})") for suite in sorted(registered - seen)]
    if wanted:
        own += [Result(suite, "(suite)", False, "there is no such suite") for suite in wanted if suite not in seen]
        results = [result for result in results if result.suite in wanted]
    return results + own


def _boot_and_load(vm: VM, tests: list[str], afterwards: Callable[[VM], None] | None) -> tuple[list[Result], set[str]]:
    """Run all of @tests in @vm; return the runner's own verdicts and the names of the suites that KUnit registered."""
    own: list[Result] = []
    registered: set[str] = set()
    try:
        with vm:
            vm.run(CLEAR)  # what the kernel lost while booting is not ours
            for test in tests:
                before = set(vm.run(SUITES).split())
                vm.run(f"modprobe {test}", LOAD_TIMEOUT)
                new = set(vm.run(SUITES).split()) - before
                registered |= new
                own.append(Result(OWN, f"load {test}", bool(new), "" if new else "the module has no suite"))
            own.append(_check(vm, "leaks", LEAKS))
            own.append(_check(vm, "unload", f"modprobe -r {' '.join(tests)}"))
            own.append(_check(vm, "leaks after unload", LEAKS))
            if afterwards:
                afterwards(vm)
    except Lost as lost:
        own.append(Result(OWN, "guest", False, str(lost)))
    except GuestError as error:
        own.append(Result(OWN, "guest", False, str(error)))
    warnings = vm.warnings()
    own.append(Result(OWN, "warnings", not warnings, "\n".join(warnings)))
    return own, registered


def _check(vm: VM, case: str, script: str) -> Result:
    """Run @script in the guest and make a verdict of how it ends."""
    try:
        vm.run(script, LOAD_TIMEOUT)
    except GuestError as error:
        return Result(OWN, case, False, error.output.strip() or str(error))
    return Result(OWN, case, True)


def report(results: list[Result]) -> str:
    """Return @results as KTAP, with the count of each outcome as its last line."""
    lines = ["KTAP version 1", f"1..{len(results)}"]
    for number, result in enumerate(results, 1):
        lines.append(f"{'ok' if result.ok else 'not ok'} {number} {result.suite}.{result.case}")
        lines += [f"# {line}" for line in result.message.splitlines()]
    passed = sum(result.ok for result in results)
    return "\n".join([*lines, f"# {passed} passed, {len(results) - passed} failed"])


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m qemu.kunit", description="run the KUnit suites in a guest")
    parser.add_argument("--kernel", default="6.1-debug", help="a kernel with KUnit (default %(default)s)")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="report on these suites only")
    options = parser.parse_args()
    results = run(options.kernel, options.suites)
    print(report(results))
    return 0 if results and all(result.ok for result in results) else 1


if __name__ == "__main__":
    command.run(main)
