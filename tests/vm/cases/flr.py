# SPDX-License-Identifier: GPL-2.0
"""Somebody else resets the card's PCI function: it works again, at once where the kernel tells drivers, else after a timeout."""

import re

from qemu.vm import VM, Nic
from tests.vm import ending as common
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
EXTRA_ARGS = ("-machine", "q35", "-device", "pcie-root-port,id=root,chassis=1,slot=1")
NICS = [Nic(properties={"bus": "root"})]
TIMEOUT = 200
# The first kernel that tells drivers of such a reset.
TELLS = (6, 14)
# What the stack says when a driver was not told, and the card has stopped to transmit.
TIMED_OUT = re.compile(r"NETDEV WATCHDOG|WARNING: .* dev_watchdog\+|Call Trace:")


def run(vm: VM, net: Link) -> None:
    directory = f"/sys/bus/pci/devices/{net.address()}"
    expect.contains("ways to reset the function", vm.run(f"cat {directory}/reset_method"), "flr")
    changes = net.sysfs("carrier_changes")
    vm.run(f"echo flr > {directory}/reset_method; echo 1 > {directory}/reset")
    if not tells(vm):
        # Large ones, so that they do not all fit into what may be on its way: only a queue that is full can hang.
        talk = f"ping -n -q -c 20 -i 0.05 -W 1 -s 1400 {net.host} | grep -c ' 0% packet loss' || true"
        expect.eventually("the card transmits again", lambda: vm.run(talk), "1\n", 60)
    net.ping_guest()
    net.ping_host()
    counters = net.expect_identity()
    expect.equal("whether there were timeouts", counters["tx_timeouts"] > 0, not tells(vm))
    expect.equal("changes of the carrier", net.sysfs("carrier_changes"), changes)


def tells(vm: VM) -> bool:
    """Whether this kernel tells drivers that their device has been reset."""
    return tuple(int(word) for word in vm.run("uname -r").split(".")[:2]) >= TELLS


def ending(vm: VM, driver: str) -> None:
    """As always, but for the stack's complaint where the driver was not told."""
    common.check(vm, driver, None if tells(vm) else TIMED_OUT)
