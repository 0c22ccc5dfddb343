# SPDX-License-Identifier: GPL-2.0
"""The card delivers what the interface wants: addresses, multicast groups and VLANs, after a restart as well.

QEMU's own word (query-rx-filter) is compared with what the guest was told, and frames that nobody wants stay out.
"""

import socket
from typing import Any

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import settle

DRIVERS = ("labnet",)
CPUS = 2
NICS = [Nic(queues=2)]
TIMEOUT = 200
GROUP = "01:00:5e:01:02:03"
MACVLAN = "52:54:00:aa:bb:01"
STRANGER = "52:54:00:aa:bb:02"
VLAN = 5
OTHER_VLAN = 6
# More than the driver's longest command has room for, and many more than QEMU has.
GROUPS = 700
FRAMES = 20
IPV4, VLAN_TAG = 0x0800, 0x8100


def run(vm: VM, net: Link) -> None:
    expect.eventually("modes at first", lambda: modes(vm, net), {"promiscuous": False, "multicast": "normal"})
    expect.equal("main-mac", filters(vm, net)["main-mac"], net.nic.mac)
    addresses(vm, net)
    vlans(vm, net)
    restarts(vm, net)
    promiscuous(vm, net)
    all_multicast(vm, net)
    too_many(vm, net)
    net.expect_identity()
    net.ping_guest()


def filters(vm: VM, net: Link) -> dict[str, Any]:
    """Return what QEMU says about the card's filters; by name it finds only the card's backend."""
    return next(card for card in vm.qmp("query-rx-filter") if card["name"] == net.nic.name)


def modes(vm: VM, net: Link) -> dict[str, Any]:
    """Return the modes in which more is delivered than is asked for."""
    return {name: filters(vm, net)[name] for name in ("promiscuous", "multicast")}


def comes_in(net: Link, to: str, vid: int = 0) -> bool:
    """Send frames to the card; return whether the driver gets them."""
    header = bytes.fromhex(to.replace(":", "")) + bytes(6)
    if vid:
        header += VLAN_TAG.to_bytes(2, "big") + vid.to_bytes(2, "big")
    frame = header + IPV4.to_bytes(2, "big") + bytes(60)
    settle(net)
    before = net.received()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((net.nic.tap, 0))
        for _ in range(FRAMES):
            out.send(frame)
    settle(net)
    # Other packets (ARP) may be on their way as well, but not so many.
    return net.received() - before >= FRAMES


def addresses(vm: VM, net: Link) -> None:
    """Unicast and multicast addresses that the stack adds come in, others do not."""
    for address in (MACVLAN, GROUP):
        expect.equal(f"frames to {address} come in before it is added", comes_in(net, address), False)
    vm.run(f"modprobe macvlan; ip maddress add {GROUP} dev {net.interface}\n"
           f"ip link add link {net.interface} name other address {MACVLAN} type macvlan && ip link set other up")
    told(vm, net)
    for address, wanted in ((net.nic.mac, True), (MACVLAN, True), (GROUP, True), (STRANGER, False)):
        expect.equal(f"frames to {address} come in", comes_in(net, address), wanted)


def told(vm: VM, net: Link) -> None:
    """The card knows what addresses() and vlans() have added."""
    expect.eventually("unicast-table", lambda: filters(vm, net)["unicast-table"], [MACVLAN])
    expect.eventually("the group is in multicast-table", lambda: GROUP in filters(vm, net)["multicast-table"], True)
    expect.equal("modes", modes(vm, net), {"promiscuous": False, "multicast": "normal"})


def vlans(vm: VM, net: Link) -> None:
    """A VLAN's frames come in as long as there is an interface for it."""
    expect.equal("frames of a VLAN come in without it", comes_in(net, net.nic.mac, VLAN), False)
    vm.run(f"modprobe 8021q; ip link add link {net.interface} name vlan type vlan id {VLAN} && ip link set vlan up")
    expect.equal("frames of the VLAN come in", comes_in(net, net.nic.mac, VLAN), True)
    expect.equal("frames of another VLAN come in", comes_in(net, net.nic.mac, OTHER_VLAN), False)


def restarts(vm: VM, net: Link) -> None:
    """A device that is reset is told everything again; what is changed while it is down is not forgotten."""
    for what in (f"ethtool -L {net.interface} combined 1",
                 f"ip link set {net.interface} down; ip link set {net.interface} up; ip link set vlan up; "
                 "ip link set other up"):
        vm.run(what)
        expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        told(vm, net)
        expect.equal(f"frames of the VLAN come in after {what}", comes_in(net, net.nic.mac, VLAN), True)
        expect.equal(f"frames to a stranger come in after {what}", comes_in(net, STRANGER), False)
    vm.run("ip link delete other; ip link delete vlan")
    expect.eventually("unicast-table after the end of macvlan", lambda: filters(vm, net)["unicast-table"], [])
    expect.equal("frames of the VLAN come in after its end", comes_in(net, net.nic.mac, VLAN), False)


def promiscuous(vm: VM, net: Link) -> None:
    for word, wanted in (("on", True), ("off", False)):
        vm.run(f"ip link set {net.interface} promisc {word}")
        expect.eventually(f"promiscuous {word}", lambda: filters(vm, net)["promiscuous"], wanted)
        expect.equal(f"frames to a stranger come in, promiscuous {word}", comes_in(net, STRANGER), wanted)


def all_multicast(vm: VM, net: Link) -> None:
    for word, wanted in (("on", "all"), ("off", "normal")):
        vm.run(f"ip link set {net.interface} allmulticast {word}")
        expect.eventually(f"multicast after allmulticast {word}", lambda: filters(vm, net)["multicast"], wanted)


def too_many(vm: VM, net: Link) -> None:
    """More groups than a command has room for: all multicast comes in, until there are fewer again."""
    groups = "".join(f"address {{0}} 239.2.{number >> 8}.{number & 255}/32 dev {net.interface} {{1}}\n"
                     for number in range(GROUPS))
    vm.run(f"echo {2 * GROUPS} > /proc/sys/net/ipv4/igmp_max_memberships; echo 1000000 > /proc/sys/net/core/optmem_max")
    for words, wanted in ((("add", "autojoin"), "all"), (("delete", ""), "normal")):
        vm.run(f"ip -batch - << end\n{groups.format(*words)}end")
        expect.eventually(f"multicast after {words[0]} of {GROUPS} groups", lambda: filters(vm, net)["multicast"], wanted)
    expect.equal("the group from before is in multicast-table", GROUP in filters(vm, net)["multicast-table"], True)
