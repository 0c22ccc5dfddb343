# SPDX-License-Identifier: GPL-2.0
"""What the kernel's netlink family "netdev" says about an interface: statistics of queues, queues, NAPIs."""

from pathlib import Path

from qemu import BUILD, TOP
from tests.bench import compiler
from tests.vm.link import Link

TOOL = "/usr/bin/genl"
# As in linux/netdev.h, which the machine that the tests run on may be too old to have.
QUEUE_GET, NAPI_GET, QSTATS_GET = 10, 11, 12
RX, TX = 0, 1
QUEUE = {1: "id", 2: "ifindex", 3: "type", 4: "napi-id"}
NAPI = {1: "ifindex", 2: "id", 3: "irq", 4: "pid"}
QSTATS = {1: "ifindex", 2: "queue-type", 3: "queue-id", 8: "rx-packets", 9: "rx-bytes", 10: "tx-packets",
          11: "tx-bytes", 12: "rx-alloc-fail", 28: "tx-hw-gso-packets", 30: "tx-hw-gso-wire-packets", 33: "tx-stop",
          34: "tx-wake"}
PER_QUEUE = "4=1"


def files() -> dict[str, Path]:
    """Return what a case needs in its guest."""
    return {TOOL: compiler.build(TOP / "tests/genl/genl.c", BUILD / "genl", "-static")}


def total(net: Link) -> dict[str, int]:
    """Return the statistics of all queues together, those that are not in use included."""
    [stats] = _ask(net, QSTATS_GET, QSTATS, f"1={net.sysfs('ifindex')}")
    return stats


def per_queue(net: Link) -> dict[tuple[int, int], dict[str, int]]:
    """Return the statistics of each queue in use, by direction and number."""
    found = _ask(net, QSTATS_GET, QSTATS, f"1={net.sysfs('ifindex')}", PER_QUEUE)
    return {(one["queue-type"], one["queue-id"]): one for one in found}


def queues(net: Link) -> list[dict[str, int]]:
    """Return what is known about each queue."""
    return _ask(net, QUEUE_GET, QUEUE, f"2={net.sysfs('ifindex')}")


def napis(net: Link) -> list[dict[str, int]]:
    """Return what is known about each NAPI that has a number."""
    return _ask(net, NAPI_GET, NAPI, f"1={net.sysfs('ifindex')}")


def _ask(net: Link, command: int, names: dict[int, str], *attributes: str) -> list[dict[str, int]]:
    """Return the attributes of each message of the answer, by name; one without a name keeps its number."""
    lines = net.vm.run(f"{TOOL} netdev {command} {' '.join(attributes)}").splitlines()
    return [{names.get(int(number), number): int(value) for number, value in (word.split("=") for word in line.split())}
            for line in lines]
