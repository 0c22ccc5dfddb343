# SPDX-License-Identifier: GPL-2.0
"""A device goes away at any moment, announced or not: while it is bound, opened, busy, or has a command to answer.

A debug kernel finds nothing lost afterwards.
"""

import random

from qemu.vm import VM
from tests.faults import guest as faults
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import effort, expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
TIMEOUT = 600

FEATURES = (*guest.DEFAULT, "CTRL_VQ", "CTRL_RX", "CTRL_MAC_ADDR", "MQ")
SEED = 20
TIMES = 6
# What goes on in the guest meanwhile, in the background; {i} is the interface, {d} its files.
BUSY = {
    "nothing": "true",
    "opening": "for n in 1 2 3 4 5 6 7 8; do ip link set {i} down; ip link set {i} up; done",
    "receiving": "echo 0 1000000 > {d}/flood",
    "receiving lies": "echo random 1 > {d}/command; echo 0 1000000 > {d}/flood",
    "transmitting": "ping -n -q -l 5000 -c 5000 -w 1 10.12.0.9",
    "commands": "for n in 1 2 3 4 5 6 7 8 9; do ip link set {i} address 02:ee:00:00:01:0$n; done",
    "silence": "echo answer \\* \\* none > {d}/command; ip link set {i} address 02:ee:00:00:02:01",
    "channels": "for n in 1 2 1 2 1 2; do ethtool -L {i} combined $n; done",
    "statistics": "for n in 1 2 3 4 5 6 7 8 9; do ethtool -S {i}; cat /sys/kernel/debug/labyrinth/zones/*/stats; done",
    "unloading": "rmmod labnet",
}


def run(vm: VM, _net: Link) -> None:
    dice, debug = random.Random(SEED), effort.patience(vm.kernel) > 1
    if debug:
        faults.forget_leaks(vm)
    for name, script in BUSY.items():
        expect.progress(name)
        for _ in range(TIMES if name != "silence" else 2):
            vm.run("modprobe labnet")
            removed(vm, script, dice.uniform(0, 0.5), dice.random() < 0.5)
    binding(vm)
    if debug:
        faults.expect_no_leak(vm)


def removed(vm: VM, script: str, seconds: float, surprise: bool) -> None:
    liar = Liar(vm, features=FEATURES, pairs=2)
    liar.add()
    liar.up("10.12.0.1")
    vm.run(f"ip neighbour replace 10.12.0.9 lladdr 02:00:00:00:00:01 dev {liar.interface} nud permanent")
    liar.set_frame(header() + ethernet(liar.mac(), 1500))
    liar.tell("wire a")
    background = script.format(i=liar.interface, d=liar.path)
    vm.run(f"({background}) > /dev/null 2>&1 &\nsleep {seconds:.2f}\n"
           f"echo remove a{' surprise' if surprise else ''} > {guest.DEBUGFS}/control\nwait",
           timeout=60 * effort.patience(vm.kernel))
    expect.equal("devices that are left", vm.run(f"ls {guest.DEBUGFS}").split(), ["control", "lies"])


def binding(vm: VM) -> None:
    """Devices are removed while the driver is being loaded for them."""
    for _ in range(TIMES):
        vm.run("[ ! -d /sys/module/labnet ] || rmmod labnet")
        liars = [Liar(vm, name, features=FEATURES, pairs=2) for name in "abc"]
        for liar in liars:
            liar.add()
        vm.run("modprobe labnet &\n" + "\n".join(f"echo remove {liar.name} surprise > {guest.DEBUGFS}/control" for liar in liars)
               + "\nwait")
