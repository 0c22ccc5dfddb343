# SPDX-License-Identifier: GPL-2.0
"""Each allocation of an operation fails once: it works all the same or fails as a whole, and can be repeated; nothing is lost.

With LONG=1 each allocation has its turn, else the first ones, which are mostly the driver's own, and some of the others.
"""

import re
from dataclasses import dataclass

from qemu.vm import VM, Lost, Nic
from tests.faults import guest
from tests.vm import effort, expect
from tests.vm import ending as common
from tests.vm.link import PREFIX, Link

DRIVERS = ("labnet",)
FLAVOUR = "debug"
CPUS = 2
NICS = [Nic(queues=2)]
TIMEOUT = effort.choose(600, 3600)
FIRST, EVERY = 40, 7
MOST = 1_000_000
# ENOMEM, and what the kernel says where there is no memory for an interface's files below /proc/sys.
NO_MEMORY = (12, 105)
# The kernel itself is not ready for everything: an interrupt for whose files in /proc there was no memory works, but when it is
# freed there is a warning that they are not there. So a warning must not be the end; any other is found in the ending.
APPEND = "panic_on_warn=0"
KNOWN = re.compile(r"WARNING: .* at remove_proc_entry\+|Call Trace:")
files = guest.files


@dataclass(frozen=True)
class Operation:
    """What is done while an allocation fails, and what leads there from a card that works."""

    command: str  # of failnth
    before: str = ""
    after: str = ""  # a failure
    reports: bool = True  # a failure to who asked for it; a card that does not wake up is down, and that is all


OPERATIONS = {
    "probe": Operation("write /sys/bus/virtio/drivers/labnet/bind {device}",
                       before="echo {device} > /sys/bus/virtio/drivers/labnet/unbind"),
    "open": Operation("write /sys/class/net/{interface}/flags 0x1003", before="ip link set {interface} down"),
    "channels": Operation("channels {interface} 2", before="ethtool -L {interface} combined 1",
                          after="ethtool -l {interface} | grep -c 'Combined:.*1$' > /dev/null"),
    "xdp": Operation("xdp {interface}"),
    "resume": Operation("write /sys/module/labyrinth_sleeper/parameters/sleep {interface}", reports=False),
}
RARE = True
VARIANTS = {name: {"names": [name]} for name in OPERATIONS}
# The console tells which allocation it was, should the guest not survive it. What has failed is repeated without a fault.
ATTEMPT = """
echo 'allocation {nth} of {what} fails' > /dev/kmsg
set -e
{before}
failnth {nth} {command} | tee /tmp/ended
read left errno < /tmp/ended
if [ $errno != 0 ]; then
    {after}
    failnth 0 {command} | grep -qx '0 0'
fi
{usable}
"""
# The stack may have lost a route in the attempt; that is mended without touching the driver.
USABLE = """
tries=0
until ping -n -q -c 1 -W 1 {host} > /dev/null 2>&1; do
    ip address flush dev {interface}
    ip address add {guest}/{prefix} dev {interface}
    ip link set {interface} up
    tries=$((tries + 1))
    [ $tries -lt 20 ]
done
"""


def run(vm: VM, net: Link, names: list[str]) -> None:
    vm.run("modprobe labyrinth_sleeper; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
    guest.prepare(vm)
    words = {"interface": net.interface, "device": net.device(), "guest": net.guest, "host": net.host, "prefix": PREFIX}
    for name in names:
        sweep(vm, name, words)
    net.ping_guest()
    guest.expect_no_leak(vm)


def sweep(vm: VM, what: str, words: dict[str, object]) -> None:
    """Let allocations of an operation fail, one after another, until there are no more of them."""
    for _ in range(2):  # the first time leaves something behind that need not be allocated again
        left, error = attempt(vm, what, words, MOST)
        expect.equal(f"errno of {what} without a failure", error, 0)
    count, injected, failed = MOST - left, 0, 0
    for nth in choose(count):
        left, error = attempt(vm, what, words, nth)
        if left:
            break
        expect.equal(f"errno of {what}, allocation {nth}, is none or says so", (error in (0, *NO_MEMORY), error), (True, error))
        injected, failed = injected + 1, failed + (error != 0)
    expect.progress(f"{what}: {count} allocations, {injected} of them failed, {failed} times {what} with them")
    expect.at_least(f"failed allocations of {what}", injected, min(FIRST, count // 2))
    expect.at_least(f"times that {what} failed", failed, OPERATIONS[what].reports)


def attempt(vm: VM, what: str, words: dict[str, object], nth: int) -> tuple[int, int]:
    """Let the allocation fail; return what is left of its number, and how the operation ended."""
    operation = OPERATIONS[what]
    before, command, after = (text.format(**words) for text in (operation.before, operation.command, operation.after))
    script = ATTEMPT.format(nth=nth, what=what, before=before, command=command, after=after or ":", usable=USABLE.format(**words))
    try:
        left, error = vm.run(script, timeout=120).split()[-2:]
    except Lost as lost:
        raise Lost(f"allocation {nth}: {lost}") from lost
    return int(left), int(error)


def choose(count: int) -> list[int]:
    """Return which allocations fail."""
    if effort.LONG:
        return list(range(1, MOST))
    return [*range(1, FIRST + 1), *range(FIRST + EVERY, count + 1, EVERY)]


def ending(vm: VM, driver: str) -> None:
    """As always, but for what the kernel says about itself."""
    common.check(vm, driver, KNOWN)
