# SPDX-License-Identifier: GPL-2.0
"""A consumer that is no network card: its timer stocks the zone in hard interrupt, two threads use the pages up."""

import time
from typing import Any

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import DEBUGFS, Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
TIMEOUT = 420
PAGES = 20_000
# Two seconds on an idle machine; a busy one with an emulated debug kernel needs minutes.
PATIENCE = 300
POISON = 0x01
# One clear line each, and no module.
BAD = ("period_us=19", "period_us=1000001", "pages=0", "hold_ms=10001", "quality=0x80")
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "inject": {"inject": "every 3"},
    "poison": {"quality": POISON},
    "refuse": {"bad": BAD},
}
RESULT = "/sys/kernel/debug/labyrinth_consumer"
ZONE = f"{DEBUGFS}/zones/consumer"


def run(vm: VM, _net: Link, inject: str = "", quality: int | None = None, bad: tuple[str, ...] = ()) -> None:
    if bad:
        refuse(vm, bad)
    words = f"pages={PAGES}" + (f" quality={quality:#x}" if quality is not None else "")
    load = f"modprobe labyrinth_consumer {words}"
    # In one script, so that not many pages have been processed before the first failure.
    vm.run(f"{load} && echo {inject} > {ZONE}/inject" if inject else load)
    result = finish(vm)
    stats = table(vm, f"{ZONE}/stats")
    expect.progress(f"{result['processed']:,} pages, {result['dropped']:,} dropped; stocked in interrupt "
                    f"{stats['stocked_irq']:,}, recycled {stats['recycled']:,}, audits {stats['audits']:,}; {failures(stats)}")
    expect.equal("pages processed", result["processed"], PAGES)
    expect.equal("pages whose pattern was damaged", result["pattern_errors"], 0)
    expect.at_least("pages retired", result["retired"], PAGES // 16)
    judge(stats, failing=bool(inject))
    vm.run("rmmod labyrinth_consumer")
    said = vm.run("dmesg | grep 'labyrinth_consumer: ' | tail -n 1").strip()
    expect.contains("the module's last line", said, f"{PAGES} pages processed, {result['dropped']} dropped, 0 pattern errors")


def refuse(vm: VM, bad: tuple[str, ...]) -> None:
    """Load the module with parameters that make no sense: each is refused with one line that names it."""
    for words in bad:
        said = vm.run(f"dmesg -c > /dev/null; modprobe labyrinth_consumer {words} 2> /dev/null && exit 1; "
                      "dmesg | grep labyrinth_consumer: ").strip().splitlines()
        expect.equal(f"lines printed for {words}", len(said), 1)
        expect.contains(f"line printed for {words}", said[0], words)


def finish(vm: VM) -> dict[str, int]:
    """Wait until all pages are processed and all lent pages are back; return the module's own numbers."""
    deadline = time.monotonic() + PATIENCE
    while not (result := table(vm, RESULT))["done"]:
        if time.monotonic() > deadline:
            raise expect.Failure("consumer", f"{PAGES:,} pages within {PATIENCE} s", result)
        time.sleep(0.5)
    expect.eventually("pages lent when nobody holds any", lambda: table(vm, f"{ZONE}/ledger")["lent"], 0)
    expect.eventually("balance of the zone", lambda: table(vm, f"{ZONE}/ledger")["balance"], 0)
    return table(vm, RESULT)


def judge(stats: dict[str, int], failing: bool) -> None:
    """Expect the zone's counters to tell what has happened, and no violation of any quality."""
    expect.at_least("pages stocked in hard interrupt", stats["stocked_irq"], 1)
    expect.at_least("pages recycled", stats["recycled"], 1)
    expect.at_least("pages audited", stats["audits"], PAGES // 16)
    expect.equal("illegal changes of state", stats["wrong_state"], 0)
    expect.equal("violations", positive(stats, "violation_"), {})
    attempts = sum(stats[f"attempts_{context}"] for context in ("irq", "napi", "task"))
    failed = sum(failures(stats).values()) - stats["fail_order"]
    expect.equal("requests == pages granted + failures", attempts, stats["granted_nowait"] + stats["granted_atomic"] + failed)
    if failing:
        expect.at_least("requests that were made to fail", stats["fail_injected"], attempts // 4)
    else:
        expect.equal("requests that were made to fail", stats["fail_injected"], 0)


def failures(stats: dict[str, int]) -> dict[str, int]:
    """Return the causes for which requests failed, and how many each."""
    return positive(stats, "fail_")


def positive(stats: dict[str, int], prefix: str) -> dict[str, int]:
    """Return the counters of one kind that have counted anything."""
    return {name: count for name, count in stats.items() if name.startswith(prefix) and count}


def table(vm: VM, path: str) -> dict[str, int]:
    """Read a file of "<word> <number>" lines."""
    return {word: int(number) for word, number in (line.split() for line in vm.run(f"cat {path}").splitlines())}
