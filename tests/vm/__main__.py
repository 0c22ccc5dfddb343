# SPDX-License-Identifier: GPL-2.0
"""The command line of the VM cases; see the package."""

import argparse
import os

from qemu import SetupError, command, kernels, modules, network
from tests.vm import runner


def main() -> int:
    """Run the cases that the command line asks for; 0 when there were some and all passed."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.vm", description="run cases in guests")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all by default")
    parser.add_argument("--driver", choices=runner.DRIVERS, default="labnet", help="(default %(default)s)")
    parser.add_argument("--kernel", default=os.environ.get("KERNEL") or "6.1", help="(default %(default)s)")
    parser.add_argument("--list", action="store_true", help="name the cases and say what they are about")
    options = parser.parse_args()
    cases = runner.find(options.cases)
    if options.list:
        for case in cases:
            print(f"{case.name:<22} {(case.module.__doc__ or '').strip().splitlines()[0]}")
        return 0
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the cases need tap devices (modprobe tun)")
    # Kernels are fetched over the network, of which nothing is left after enter().
    found = {name: kernels.get(name) for name in {case.kernel(options.kernel) for case in cases}}
    for kernel in found.values():
        if options.driver == "labnet":
            modules.build(kernel)
    network.enter()
    return _run([(case, found[case.kernel(options.kernel)]) for case in cases], options.driver)


def _run(cases: list[tuple[runner.Case, kernels.Kernel]], driver: str) -> int:
    results = []
    for case, kernel in cases:
        if not case.suits(driver):
            print(f"{'n/a':<5}  {case.name}: about what only labnet has")
            continue
        result = runner.run(case, kernel, driver)
        print(f"{result.outcome:<5}  {case.name}  {result.seconds:.1f} s", flush=True)
        if not result.ok:
            for line in [*result.message.splitlines(), f"log: {result.log}"]:
                print(f"       {line}", flush=True)
        results.append(result)
    failed = sum(not result.ok for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 0 if results and not failed else 1


if __name__ == "__main__":
    command.run(main)
