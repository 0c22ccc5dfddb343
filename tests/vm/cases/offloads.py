# SPDX-License-Identifier: GPL-2.0
"""Receive offloads are switched at run time: without rx-gro-hw no packet is longer than the MTU, after a restart as well."""

import re
import socket

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
PORT = 5003
SIZE = 4_000_000
ETHERNET = 14


def run(vm: VM, net: Link) -> None:
    longest = int(net.sysfs("mtu")) + ETHERNET
    expect.equal("offloads at first", offloads(vm, net), {"rx-checksumming": "on", "rx-gro-hw": "on"})
    expect.at_least("bytes per packet with rx-gro-hw", mean(vm, net), longest + 1)
    vm.run(f"ethtool -K {net.interface} rx-gro-hw off")
    expect.equal("offloads", offloads(vm, net), {"rx-checksumming": "on", "rx-gro-hw": "off"})
    expect.at_most("bytes per packet without rx-gro-hw", mean(vm, net), longest)
    vm.run(f"ip link set {net.interface} down; ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    expect.at_most("bytes per packet without rx-gro-hw after down and up", mean(vm, net), longest)
    # Without checksums there is nothing to merge: the core switches both.
    vm.run(f"ethtool -K {net.interface} rx off rx-gro-hw on")
    expect.equal("offloads", offloads(vm, net), {"rx-checksumming": "off", "rx-gro-hw": "off"})
    expect.at_most("bytes per packet without offloads", mean(vm, net), longest)
    vm.run(f"ethtool -K {net.interface} rx on rx-gro-hw on")
    expect.equal("offloads at last", offloads(vm, net), {"rx-checksumming": "on", "rx-gro-hw": "on"})
    expect.at_least("bytes per packet with rx-gro-hw again", mean(vm, net), longest + 1)
    net.expect_identity()


def offloads(vm: VM, net: Link) -> dict[str, str]:
    """Return what `ethtool -k` says about receive offloads: on or off, whatever was asked for."""
    text = vm.run(f"ethtool -k {net.interface}")
    return {name: re.search(rf"^{name}: (\w+)", text, re.MULTILINE)[1] for name in ("rx-checksumming", "rx-gro-hw")}


def mean(vm: VM, net: Link) -> float:
    """Send something over TCP to the guest; return the mean length of the packets that its driver got."""
    vm.run(f"nc -l -p {PORT} < /dev/null > /dev/null 2>&1 &")
    expect.eventually("the guest listens", lambda: f":{PORT} " in vm.run("ss -Hltn"), True)
    before = net.counters()
    with socket.create_connection((net.guest, PORT), timeout=60) as channel:
        channel.sendall(bytes(SIZE))
        channel.shutdown(socket.SHUT_WR)
        channel.recv(1)
    after = net.counters()
    expect.at_least("bytes received", after["rx_bytes"] - before["rx_bytes"], SIZE)
    return (after["rx_bytes"] - before["rx_bytes"]) / (after["rx_frames"] - before["rx_frames"])
