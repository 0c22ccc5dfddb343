# SPDX-License-Identifier: GPL-2.0
"""The cases' way to fault injection in the guest, which a debug kernel has, and one that counts lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qemu import BUILD, TOP, kunit
from qemu.vm import VM
from tests.bench import compiler

FAILNTH = "/usr/bin/failnth"
# Requests for any size and any page, also those that may wait; no stack trace, since each is on purpose.
EVERYTHING = """
set -e
cd /sys/kernel/debug
for knob in failslab fail_page_alloc; do
    echo 0 > $knob/verbose
    echo N > $knob/ignore-gfp-wait
done
echo 0 > fail_page_alloc/min-order
echo N > fail_page_alloc/ignore-gfp-highmem
"""
# Only those that may not wait: what an interrupt does with them is the driver's business, while a program that cannot be
# started for want of memory says nothing about the driver.
SHARE = """
set -e
cd /sys/kernel/debug
for knob in failslab fail_page_alloc; do
    echo Y > $knob/ignore-gfp-wait
    echo {most} > $knob/times
    echo {percent} > $knob/probability
done
"""


# The kernel counts down from here, so that it is known how many requests have failed.
MOST = 1_000_000_000


def files() -> dict[str, Path]:
    """Return what a case needs in its guest."""
    return {FAILNTH: compiler.build(TOP / "tests/faults/failnth.c", BUILD / "faults", "-static")}


def prepare(vm: VM) -> None:
    """Let fail-nth count every request, and kmemleak report only what is lost from now on."""
    vm.run(EVERYTHING)
    forget_leaks(vm)


@contextmanager
def share(vm: VM, percent: int) -> Iterator[None]:
    """Let that share of the requests that may not wait fail, for pages and in slabs, whoever makes them."""
    vm.run(SHARE.format(percent=percent, most=MOST))
    try:
        yield
    finally:
        vm.run("for knob in failslab fail_page_alloc; do echo 0 > /sys/kernel/debug/$knob/probability; done")


def failed(vm: VM) -> tuple[int, int]:
    """Return how many requests the last share() has let fail, in slabs and for pages."""
    slabs, pages = vm.run("cat /sys/kernel/debug/failslab/times /sys/kernel/debug/fail_page_alloc/times").split()
    return MOST - int(slabs), MOST - int(pages)


def forget_leaks(vm: VM) -> None:
    """Let kmemleak report only what is lost from now on."""
    vm.run(kunit.CLEAR)


def expect_no_leak(vm: VM) -> None:
    """Expect that nothing is lost."""
    vm.run(kunit.LEAKS, timeout=600)
