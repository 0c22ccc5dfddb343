# SPDX-License-Identifier: GPL-2.0
"""The command line; see the package."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, modules, network
from tests.selftests import guest, image, results
from tests.selftests.results import NOT_RUN, WHOLE, Outcome

DRIVERS = ("virtio_net", "labnet")
OUTPUT = BUILD / "selftests"
DEVMEM = "needs a card that separates headers from data, and puts data where only the reader may look"
# Tests that cannot show anything here, with the reason.
LEFT_OUT = {
    "hw/devmem.py": DEVMEM, "hw/iou-zcrx.py": DEVMEM, "hw/nk_devmem.py": DEVMEM, "hw/userns_devmem.py": DEVMEM,
    "hw/nk_qlease.py": DEVMEM, "psp.py": "needs a card that encrypts (PSP)",
    "netpoll_basic.py": "needs bpftrace, which is larger than all the rest",
    "hw/pp_alloc_fail.py": "needs a page pool to fail, and a kernel that injects failures",
    "shaper.py": "needs a card that shapes what it sends: the kernel here is without",
}


def chosen(names: list[str], known: list[str]) -> list[str]:
    """Return the tests of these names, or all."""
    for name in names:
        if name not in known:
            raise SetupError(f"unknown test {name!r}: there are {', '.join(known)}")
    return [name for name in known if not names or name in names]


def work(tests: list[str], drivers: tuple[str, ...], archive: Path) -> dict[tuple[str, str], dict[str, Outcome]]:
    """Run the tests with each driver, and return the outcomes of their cases."""
    kernel = kernels.get(image.KERNEL)
    start, found = time.monotonic(), {}
    for test in tests:
        for driver in drivers:
            if test in LEFT_OUT:
                found[test, driver] = {WHOLE: Outcome(NOT_RUN, LEFT_OUT[test])}
                continue
            output, problem = guest.run(test, driver, kernel, archive)
            path = OUTPUT / driver / f"{test}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(output + problem)
            found[test, driver] = cases = results.parse(output, problem)
            passed = sum(outcome.kind == results.PASS for outcome in cases.values())
            print(f"[{time.monotonic() - start:5.0f} s] {test} with {driver}: {passed} of {len(cases)} passed", flush=True)
    return found


def report(found: list[results.Row], drivers: tuple[str, ...]) -> int:
    """Print and write the table; return how many cases pass on virtio_net and not on labnet."""
    lines = list(results.table(found, drivers))
    worse = [row for row in found if row.worse("labnet", "virtio_net")] if drivers == DRIVERS else []
    if drivers == DRIVERS:
        lines += [f"{len(worse)} cases pass on virtio_net and not on labnet"]
        lines += [f"  {row.test} {row.case}: {row.kind('labnet')}" for row in worse]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "selftests.txt").write_text("\n".join(lines) + "\n")
    (OUTPUT / "selftests.json").write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
    print(*lines, f"written to {OUTPUT.relative_to(TOP)}", sep="\n")
    return len(worse)


def main() -> int:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.selftests", description="the kernel's tests of network drivers")
    parser.add_argument("tests", nargs="*", metavar="TEST", help="as in ping.py or hw/csum.py; all by default")
    parser.add_argument("--drivers", nargs="+", choices=DRIVERS, default=DRIVERS, help="(default both)")
    parser.add_argument("--list", action="store_true", help="name the tests")
    options = parser.parse_args()
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the cards need tap devices (modprobe tun)")
    directory = image.get()
    tests = chosen(options.tests, (directory / "tests").read_text().split())
    if options.list:
        print(*(f"{test:<26} {LEFT_OUT.get(test, '')}".rstrip() for test in tests), sep="\n")
        return 0
    modules.build(kernels.get(image.KERNEL))
    network.enter()
    drivers = tuple(options.drivers)
    return 1 if report(results.rows(work(tests, drivers, directory / "system.cpio")), drivers) else 0


if __name__ == "__main__":
    command.run(main)
