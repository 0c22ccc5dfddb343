# SPDX-License-Identifier: GPL-2.0
"""What a card costs a guest in memory while nothing arrives: labnet and the in-tree driver, on equal rings.

    make bench-memory                   or, when everything is set up:
    python3 -m tests.bench.memory [--document]

One card is given to each driver in turns. What each says of its receive memory is noted once the card is up, after
floods and after a TCP stream, and beside it how many free pages the guest has less than before the driver had the card:
there everything counts, whoever allocated it. Environment: KERNEL, RINGS (one size). Results are written to build/bench/memory.json; --document puts the table into
Documentation/memory.rst.

Exit status: 0; 1 when a bound was missed; 2 for a configuration that makes no sense; 3 when the run could not finish.
"""

import argparse
import json
import os
import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from qemu import BUILD, TOP, SetupError, command, kernels, modules, network
from qemu.vm import VM
from tests.bench import guest, traffic
from tests.bench.alloc import rst
from tests.bench.config import BadConfiguration
from tests.bench.cost.config import RINGS
from tests.bench.flood import versions
from tests.bench.table import Table
from tests.bench.traffic import Flood, TapLine

OURS, THEIRS = "labnet", "virtio_net"
DRIVERS = (OURS, THEIRS)
STATES = ("card is up", "after a UDP flood, 1500 bytes", "after a flood of 64 and 1500 bytes", "after TCP, 64 KB at a time")
BOUND = 2.0  # the most receive memory that labnet may have, in units of virtio_net
ROUNDS = 1  # after one that only warms up: slab caches keep what they have once needed
RATE, SECONDS = 20_000, 3
PAGE = 4  # KB
DOCUMENT = TOP / "Documentation/memory.rst"

# Free pages, those on the processors' lists included, once a second has changed next to nothing.
FREE = r"""
free() { awk '/pages free/ { sum += $3 } /count:/ { sum += $2 } END { print sum }' /proc/zoneinfo; }
last=$(free)
for i in $(seq 20); do
    sleep 1
    now=$(free)
    [ $((now - last)) -ge -4 ] && [ $((now - last)) -le 4 ] && break
    last=$now
done
echo $now
"""
UNBIND = """
for device in /sys/bus/virtio/devices/*; do
    [ "$(cat $device/device)" = 0x0001 ] || continue
    [ ! -e $device/driver ] || echo ${device##*/} > $device/driver/unbind
done
"""
BIND = UNBIND + """
for device in /sys/bus/virtio/devices/*; do
    [ "$(cat $device/device)" = 0x0001 ] || continue
    echo ${device##*/} > /sys/bus/virtio/drivers/$driver/bind || exit
    interface=$(ls $device/net)
done
ip address add $address/24 dev $interface && ip link set $interface up || exit
ping -n -c 2 -W 5 $host > /dev/null || exit
echo $interface
"""
# What each driver says itself of its receive buffers: pages, or bytes of one buffer.
SAYS = {OURS: f"awk '/^(stocked|posted|lent) / {{ sum += $2 }} END {{ print sum * 4096 }}' {guest.LABYRINTH}/zones/*/ledger",
        THEIRS: "cat /sys/class/net/$interface/queues/rx-0/virtio_net/mergeable_rx_buffer_size"}


@dataclass
class Result:
    """KB that the guest has less, and KB of receive buffers by the driver's own word, by driver and state."""

    ring: int
    versions: dict[str, str]
    used: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {one: {s: [] for s in STATES} for one in DRIVERS})
    said: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {one: {s: [] for s in STATES} for one in DRIVERS})

    def ratio(self, state: str) -> float:
        """Return labnet's receive memory in units of virtio_net's."""
        return _ratio(self.said, state)

    def missed(self) -> list[str]:
        """Return the states in which labnet has too much."""
        return [state for state in STATES if self.ratio(state) > BOUND]

    def table(self) -> Table:
        """Return everything, a row per state."""
        table = Table(f"KB, ring of {self.ring}", ["", *(f"{part}, {name}" for part in ("receive memory", "in all")
                                                         for name in (*DRIVERS, "ratio"))])
        for state in STATES:
            row = [state]
            for part in (self.said, self.used):
                row += [*(f"{statistics.median(part[driver][state]):,.0f}" for driver in DRIVERS), f"{_ratio(part, state):.2f}"]
            table.rows.append(row)
        return table


def _ratio(part: dict[str, dict[str, list[float]]], state: str) -> float:
    return statistics.median(part[OURS][state]) / statistics.median(part[THEIRS][state])


class Guest:
    """A guest with one card, which drivers get in turns."""

    def __init__(self, vm: VM, line: TapLine, generator: Path, ring: int) -> None:
        self.vm, self.line, self.generator, self.ring = vm, line, generator, ring

    def measure(self, driver: str) -> dict[str, tuple[float, float]]:
        """Return (KB used, KB of receive buffers) in each state."""
        self.vm.run(f"{UNBIND}")
        before = self._free()
        interface = self.vm.run(f"driver={driver} address={self.line.guest} host={self.line.host}\n{BIND}").split()[-1]
        found = {}
        for state, busy in zip(STATES, (lambda: None, self._flood, self._mixed, self._tcp), strict=True):
            busy()
            found[state] = (PAGE * (before - self._free()), self._said(driver, interface))
        return found

    def _free(self) -> int:
        return int(self.vm.run(FREE, timeout=60))

    def _said(self, driver: str, interface: str) -> float:
        said = int(self.vm.run(f"interface={interface}; {SAYS[driver]}"))
        return (said if driver == OURS else said * self.ring) / 1024

    def _flood(self, size: int = 1500) -> None:
        self.line.flood(self.generator, Flood(size, RATE, SECONDS, 8))

    def _mixed(self) -> None:
        """Send long and short packets in turns: two generators share the line."""
        for _ in range(5):
            for size in (64, 1500):
                self.line.flood(self.generator, Flood(size, RATE, 0.2, 8))

    def _tcp(self) -> None:
        guest.start_iperf(self.vm)
        traffic.tcp(self.line, SECONDS, reverse=False)


def run(kernel: kernels.Kernel, ring: int) -> Result:
    """Boot a guest and measure both drivers in turns."""
    generator = traffic.build(BUILD / "bench")
    line = TapLine(0)
    line.nic.properties["rx_queue_size"] = str(ring)
    result = Result(ring, versions(kernel))
    try:
        with VM(kernel, nics=[line.nic], log=BUILD / "logs/memory.log") as vm:
            vm.run("echo 1 | tee /proc/sys/net/ipv6/conf/*/disable_ipv6; modprobe -a virtio_net labnet")
            machine = Guest(vm, line, generator, ring)
            for number in range(1 + ROUNDS):
                for driver in DRIVERS:
                    for state, (used, said) in machine.measure(driver).items():
                        print(f"round {number}  {driver:<10}  {state:<36} {used:8,.0f} KB, {said:,.0f} KB of buffers", flush=True)
                        if number:
                            result.used[driver][state].append(used)
                            result.said[driver][state].append(said)
    finally:
        network.remove(line.nic.tap)
    return result


def document(result: Result, kernel: str) -> None:
    """Put the table between the marks of this kernel."""
    text = f"\nMeasured on {result.versions['guest kernel']}:\n\n{rst(result.table())}\n\n"
    new, count = re.subn(rf"(?s)(\.\. measured on {re.escape(kernel)} begins\n).*(\.\. measured on {re.escape(kernel)} ends\n)",
                         lambda match: match[1] + text + match[2], DOCUMENT.read_text())
    if count != 1:
        raise SetupError(f"{DOCUMENT}: the marks of the part measured on {kernel} are missing")
    DOCUMENT.write_text(new)


def main() -> int:
    """Answer the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--document", action="store_true", help="put the table into Documentation/memory.rst")
    options = parser.parse_args()
    name, ring = os.environ.get("KERNEL") or "6.1", os.environ.get("RINGS") or RINGS[0]
    if ring not in RINGS:
        raise BadConfiguration(f"RINGS={ring}: give one of {', '.join(RINGS)}")
    kernels.find(name)
    kernel = kernels.get(name)
    if not network.inside():
        modules.build(kernel)
    network.enter()
    result = run(kernel, int(ring))
    print(f"\n{result.table().text()}\n")
    path = BUILD / "bench/memory.json"
    path.write_text(json.dumps({"versions": result.versions, "ring": result.ring, "unit": "KB", "used": result.used,
                                "receive_buffers": result.said, "missed": result.missed()}, indent=1) + "\n")
    if options.document:
        document(result, name)
    for state in result.missed():
        print(f"MISSED   receive memory, {state}: {result.ratio(state):.2f}, at most {BOUND:.2f}")
    return command.FAILED if result.missed() else 0


if __name__ == "__main__":
    command.run(main)
