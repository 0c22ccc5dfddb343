# SPDX-License-Identifier: GPL-2.0
"""All that can happen to a card under a flood happens again and again, in random order: it works, and no memory is gone.

With LONG=1 each thing alone as well, hundreds of times. A debug kernel looks for what nobody points to any more, to the byte.
"""

import re
from collections.abc import Callable

from qemu.vm import VM, Nic
from tests.faults import guest as faults
from tests.vm import effort, expect, xdp
from tests.vm import ending as common
from tests.vm.cases import suspend
from tests.vm.link import Link
from tests.vm.quota import Quota
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
CPUS = 2
NICS = [Nic(queues=2)]
TIMEOUT = effort.choose(300, 7200)
SHUFFLED = effort.choose(25, 1000)
# Bytes by which the kernel's own caches may grow: a page lost in each of 1,000 rounds is more, or a ring in each of 25.
ONCE = effort.choose(1 << 20, 3 << 20)
MEMORY = "512M"
RATE = 20_000  # packets in a second; a debug kernel gets fewer
files = xdp.files


def load(vm: VM, net: Link) -> None:
    """The modules are loaded and unloaded."""
    vm.run("rmmod labnet labyrinth")
    net.load()


def up(vm: VM, net: Link) -> None:
    """The interface goes down and up."""
    flags = f"/sys/class/net/{net.interface}/flags"  # written by the shell itself: no program to start, 1,000 times
    vm.run(f"set -e; echo 0x1002 > {flags}; echo 0x1003 > {flags}")


def bind(vm: VM, net: Link) -> None:
    """The driver loses the card and gets it again."""
    driver, device = "/sys/bus/virtio/drivers/labnet", net.device()
    vm.run(f"echo {device} > {driver}/unbind; echo {device} > {driver}/bind")
    net.configure()


def channels(vm: VM, net: Link) -> None:
    """One pair of queues, and two again."""
    for pairs in (1, 2):
        vm.run(f"ethtool -L {net.interface} combined {pairs}")


def rings(vm: VM, net: Link) -> None:
    """Smaller rings, and those of before again."""
    for rx, tx in ((128, 64), (256, 256)):
        vm.run(f"ethtool -G {net.interface} rx {rx} tx {tx}")


def program(vm: VM, net: Link) -> None:
    """An XDP program comes and goes."""
    with xdp.Program(net, "pass"):
        vm.run("true")


def sleep(vm: VM, _net: Link) -> None:
    """The machine falls asleep and wakes up."""
    suspend.sleep(vm)


def unplug(vm: VM, net: Link) -> None:
    """The card is pulled out, and plugged in again."""
    vm.qmp("device_del", id=net.nic.name)
    # The card's inner part goes as well, and has no name.
    while vm.wait_event("DEVICE_DELETED", 60).get("device") != net.nic.name:
        pass
    expect.eventually("the interface exists", net.present, False)
    vm.qmp("device_add", driver="virtio-net-pci", id=net.nic.name, netdev=net.nic.name, mac=net.nic.mac, mq=True, vectors=6)
    net.configure()


Action = Callable[[VM, Link], None]
ACTIONS: dict[str, Action] = {"load": load, "up": up, "bind": bind, "channels": channels, "rings": rings, "xdp": program,
                              "sleep": sleep, "unplug": unplug}
ROUNDS = {"load": 300, "up": 1000, "bind": 300, "channels": 300, "rings": 300, "xdp": 300, "sleep": 50, "unplug": 100}
ALONE = {name: {"names": [name], "rounds": rounds} for name, rounds in ROUNDS.items()}
ALONE["sleep"]["CPUS"] = 1  # see suspend.py
VARIANTS = {**effort.choose({}, ALONE), "shuffled": {"names": list(ACTIONS), "rounds": SHUFFLED}}


def run(vm: VM, net: Link, names: list[str], rounds: int) -> None:
    share = Quota(vm, f"wear {' '.join(names)}", "rounds", rounds)
    if not share.left:
        return
    for name in names:  # once, so that what the kernel allocates at the first time does not count
        ACTIONS[name](vm, net)
    kept, chance, debug = held(vm), effort.dice(), effort.patience(vm.kernel) > 1
    given, number = net.delivered_by_host(), 0
    if debug:
        faults.forget_leaks(vm)
    while share.goes_on(number):
        name, number = chance.choice(names), number + 1
        vm.run(f"echo 'round {number}: {name}' > /dev/kmsg")
        under_flood(vm, net, ACTIONS[name])
        if number % 5 == 0:
            works(net)
        if number % 50 == 0:
            expect.progress(f"{number} of {share.left}; {held(vm) - kept:,} bytes more than in the beginning")
    works(net)
    grown, given = held(vm) - kept, net.delivered_by_host() - given
    expect.progress(f"{number} rounds, {given:,} packets: {grown:,} bytes more than in the beginning")
    if debug:  # whose own records of each page and object come and go
        faults.expect_no_leak(vm)
    else:
        expect.at_most(f"bytes more than before {number} rounds", grown, ONCE)
    net.ping_guest()
    common.check(vm, net.driver)
    share.passed(number)


def under_flood(vm: VM, net: Link, action: Action) -> None:
    """Do something while packets pour in."""
    given = net.delivered_by_host()
    with Flood(net, 64, rate=RATE):
        expect.eventually("the flood has begun", lambda: net.delivered_by_host() > given, True, 60)
        action(vm, net)


def works(net: Link) -> None:
    """The card works, and each packet that it has received is accounted for."""
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    settle(net)
    net.ping_host(count=1)
    net.expect_identity()


def held(vm: VM) -> int:
    """Return how much memory the kernel holds that it cannot give back."""
    text = vm.run("echo 3 > /proc/sys/vm/drop_caches; sleep 0.5; cat /proc/meminfo")
    sizes = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+)", text, re.MULTILINE)}
    return 1024 * sum(sizes[name] for name in ("SUnreclaim", "PageTables", "KernelStack", "Percpu", "VmallocUsed"))
