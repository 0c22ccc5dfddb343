# SPDX-License-Identifier: GPL-2.0
"""A standby card has a master, which sends over the primary card while there is one, and over the standby otherwise."""

import re

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import PREFIX, Link

MAC = "52:54:00:00:5b:01"
NICS = [Nic(mac=MAC, properties={"failover": "on"})]
LOAD = False
TIMEOUT = 160
PINGS = 5
# The primary: another make, as net_failover wants it, whose cable leads nowhere.
PRIMARY = f"vmxnet3,netdev=nowhere,id=primary,mac={MAC}"
VARIANTS = {
    "alone": {"primary": False},
    # A kernel of our own has no driver for it.
    "primary": {"primary": True, "KERNEL": "6.1", "EXTRA_ARGS": ("-netdev", "hubport,id=nowhere,hubid=7", "-device", PRIMARY)},
}


def run(vm: VM, net: Link, primary: bool) -> None:
    vm.run(f"modprobe {net.driver}")
    expect.eventually("the master", lambda: len(members(vm)), 2)
    master, standby = names(vm)
    expect.equal("what the standby's name is to be made of", vm.run(f"cat /sys/class/net/{standby}/phys_port_name").strip(),
                 "sby")
    net.interface = standby
    vm.run(f"echo 1 > /proc/sys/net/ipv6/conf/{master}/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/{standby}/disable_ipv6\n"
           f"ip address add {net.guest}/{PREFIX} dev {master}; ip link set {master} up")
    expect.eventually("carrier of the master", lambda: vm.run(f"cat /sys/class/net/{master}/carrier").strip(), "1")
    over_standby(vm, net, standby)
    if primary:
        over_primary(vm, net, standby)
    # Nothing keeps the driver, and the master goes with it.
    vm.run(f"rmmod {net.driver}")
    expect.equal("interfaces left of the pair", [name for name in members(vm) if name in (master, standby)], [])


def members(vm: VM) -> list[str]:
    """Return the interfaces that have the card's address."""
    return vm.run(f'for i in /sys/class/net/*; do [ "$(cat $i/address)" = {MAC} ] && basename $i; done; true').split()


def names(vm: VM) -> tuple[str, str]:
    """Return the names of master and standby."""
    found = members(vm)
    standby = [name for name in found if "master" in vm.run(f"ls /sys/class/net/{name}")]
    expect.equal("interfaces with a master", len(standby), 1)
    [master] = set(found) - set(standby)
    return master, standby[0]


def sent(vm: VM, interface: str) -> int:
    return int(vm.run(f"cat /sys/class/net/{interface}/statistics/tx_packets"))


def over_standby(vm: VM, net: Link, standby: str) -> None:
    before = sent(vm, standby)
    net.ping_guest(count=PINGS)
    net.ping_host(count=PINGS)
    expect.at_least("packets sent over the standby", sent(vm, standby) - before, 2 * PINGS)


def over_primary(vm: VM, net: Link, standby: str) -> None:
    """The primary is preferred while it is there; when it goes, the standby is there at once."""
    vm.run("modprobe vmxnet3")
    expect.eventually("interfaces with the address", lambda: len(members(vm)), 3)
    [primary] = [name for name in members(vm) if re.search("vmxnet3", vm.run(f"ethtool -i {name}"))]
    expect.eventually("carrier of the primary", lambda: vm.run(f"cat /sys/class/net/{primary}/carrier || true").strip(), "1")
    before, others = sent(vm, primary), sent(vm, standby)
    vm.run(f"ping -q -n -c {PINGS} -i 0.2 -W 1 {net.host} || true")
    expect.at_least("packets sent over the primary", sent(vm, primary) - before, 1)
    expect.equal("packets sent over the standby meanwhile", sent(vm, standby) - others, 0)
    # While it is there, net_failover lets nothing in that the standby receives.
    vm.run("rmmod vmxnet3")
    over_standby(vm, net, standby)
