# SPDX-License-Identifier: GPL-2.0
"""Where a packet's instructions go: exact counts by function, with labnet and with the in-tree driver.

    make profile PATHS=tc-drop          or, when everything is set up:
    PATHS="tc-drop udp-tx" SIZES=64 python3 -m tests.bench.cost.profile

A plugin for QEMU (stepcount.c) counts each instruction of the guest while make bench's figure is measured. The
guest's own table of symbols says which function it belongs to. Nothing is sampled. What is not shown below
`LEAST` instructions per packet is in build/bench/profile-*.tsv.
"""

import bisect
import collections
import re
import time
from pathlib import Path

from qemu import command, kernels, modules, network
from tests.bench import compiler, traffic
from tests.bench.config import BadConfiguration
from tests.bench.cost import config
from tests.bench.cost.config import FLOOR, OURS, THEIRS, Case, Wish
from tests.bench.cost.figures import BadReport, Figure, Spin
from tests.bench.cost.measure import OUTPUT, Guest, boot
from tests.bench.cost.table import row_name
from tests.bench.table import NOTHING, Table

SOURCE = Path(traffic.__file__).with_name("stepcount.c")
STEPS = OUTPUT / "steps.txt"
LEAST = 5.0
PROGRAMS = "(programs)"  # everything outside of the kernel, the spinner among it
KERNEL_SPACE = 1 << 63

# Functions with their modules, and instructions per packet.
Profile = dict[str, float]


class Symbols:
    """The guest's table of functions."""

    def __init__(self, text: str) -> None:
        found = sorted((int(address, 16), name + (f" [{module}]" if module else "")) for address, name, module in
                       re.findall(r"^([0-9a-f]+) [tTwW] (\S+)(?:\s+\[(\w+)\])?$", text, re.MULTILINE))
        if not found or not found[-1][0]:
            raise BadReport("the guest has no addresses in /proc/kallsyms")
        self._addresses, self._names = zip(*found)

    def name(self, address: int) -> str:
        """Return the function that an address is in."""
        if address < KERNEL_SPACE:
            return PROGRAMS
        index = bisect.bisect_right(self._addresses, address) - 1
        return self._names[index] if index >= 0 else f"{address:#x}"


class ProfiledGuest(Guest):
    """A guest whose steps are counted while the spinner runs."""

    def spin(self, *arguments: str | int) -> Spin:
        """Run the spinner with marks around its windows."""
        STEPS.unlink(missing_ok=True)
        self.last = super().spin(*arguments, options="--mark")
        return self.last

    def profile(self, case: Case) -> tuple[Figure, Profile]:
        """Measure one case, and return where its instructions went."""
        figure = self.measure(case)
        if figure.missing:
            return figure, {}
        symbols = Symbols(self.vm.run("cat /proc/kallsyms"))
        return figure, fold(STEPS.read_text(), symbols, self.last.count / case.path.unit)


def fold(steps: str, symbols: Symbols, packets: float) -> Profile:
    """Return instructions per packet by function, most first."""
    found: collections.Counter[str] = collections.Counter()
    for line in steps.splitlines():
        address, count = line.split()
        found[symbols.name(int(address, 16))] += int(count)
    return {name: count / packets for name, count in found.most_common()}


def compare(case: Case, ours: Profile, theirs: Profile) -> Table:
    """Return the functions that matter to one of the two, and which driver spends more in them."""
    table = Table(f"{row_name(case)}: instructions per {case.path.unit_words}", ["", OURS, THEIRS, "difference"])
    kernel = [{name: count for name, count in one.items() if name != PROGRAMS} for one in (ours, theirs)]
    names = sorted({*ours, *theirs} - {PROGRAMS}, key=lambda name: -max(ours.get(name, 0), theirs.get(name, 0)))
    for name in names:
        pair = [one.get(name, 0) for one in kernel]
        if max(pair) >= LEAST:
            table.rows.append(_row(name, pair))
    table.rows.append(_row("the kernel, all functions", [sum(one.values()) for one in kernel]))
    return table


def _row(name: str, pair: list[float]) -> list[str]:
    cells = [f"{count:,.1f}" if count else NOTHING for count in pair]
    return [name, *cells, f"{pair[0] - pair[1]:+,.1f}"]


def run(wish: Wish) -> None:
    """Profile both drivers on each way that is wished for."""
    kernel, setup = kernels.get(wish.kernel), wish.setups()[0]
    cases = [case for case in wish.cases() if case.driver != FLOOR and case.quality in ("", wish.qualities[0])]
    plugin = compiler.build(SOURCE, OUTPUT, "-shared", "-fPIC")
    profiles: dict[tuple[str, int], dict[str, Profile]] = collections.defaultdict(dict)
    began = time.monotonic()
    with boot(kernel, setup, cases, ProfiledGuest, ["-plugin", f"file={plugin},output={STEPS}"]) as machine:
        for case in cases:
            figure, profile = machine.profile(case)
            print(f"[{time.monotonic() - began:5.0f} s] {case.path.name} {case.size or ''} {case.driver}: "
                  f"{figure.missing or f'{figure.spread.median:,.1f}'}", flush=True)
            profiles[case.path.name, case.size][case.driver] = profile
            if case.driver == THEIRS:
                found = profiles[case.path.name, case.size]
                save(case, found)
                print(f"\n{compare(case, found.get(OURS, {}), found[THEIRS]).text()}\n")


def save(case: Case, found: dict[str, Profile]) -> None:
    """Write all functions to a file of tab-separated values."""
    names = dict.fromkeys(name for profile in found.values() for name in profile)
    lines = ["\t".join(["function", *found])]
    lines += ["\t".join([name, *(f"{profile.get(name, 0):.3f}" for profile in found.values())]) for name in names]
    (OUTPUT / f"profile-{case.path.name}-{case.size}.tsv").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Answer the environment."""
    wish = config.read()
    kernels.find(wish.kernel)
    if len(wish.setups()) > 1:
        raise BadConfiguration("RINGS, QUEUES, INIT: a profile is of one guest, give one word each")
    if not network.inside():
        modules.build(kernels.get(wish.kernel))
    network.enter()
    run(wish)
    return 0


if __name__ == "__main__":
    command.run(main)
