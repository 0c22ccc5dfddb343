# SPDX-License-Identifier: GPL-2.0
"""ethtool and ip see an ordinary network card: names, rings, channels, link state, MAC address, MTU."""

import re
import subprocess

from qemu.vm import VM, GuestError
from tests.vm import expect
from tests.vm.link import Link

MAC = "52:54:00:12:34:56"
MTU = 1400


def run(vm: VM, net: Link) -> None:
    names(vm, net)
    rings_and_channels(vm, net)
    link_state(vm, net)
    mac_address(vm, net)
    mtu(vm, net)


def names(vm: VM, net: Link) -> None:
    info = dict(re.findall(r"^(\S+): (.*)$", vm.run(f"ethtool -i {net.interface}"), re.MULTILINE))
    expect.equal("ethtool -i: driver", info.get("driver"), net.driver)
    expect.equal("ethtool -i: bus-info", info.get("bus-info"), net.address())
    # Names of interfaces are made of this path, and so would change with the driver.
    parent = vm.run(f"basename $(readlink /sys/class/net/{net.interface}/device)").strip()
    expect.equal("device that the interface belongs to", parent, net.device())


def rings_and_channels(vm: VM, net: Link) -> None:
    for option, word in (("-g", "RX"), ("-g", "TX"), ("-l", "Combined")):
        output = vm.run(f"ethtool {option} {net.interface}")
        numbers = [int(number) for number in re.findall(rf"^{word}:\s*(\d+)", output, re.MULTILINE)]
        expect.equal(f"ethtool {option}: how often {word} (maximum, current)", len(numbers), 2)
        expect.at_least(f"ethtool {option}: current {word}", numbers[1], 1)
        expect.at_most(f"ethtool {option}: current {word}", numbers[1], numbers[0])


def link_state(vm: VM, net: Link) -> None:
    for up, carrier, word in ((False, "0", "no"), (True, "1", "yes")):
        vm.qmp("set_link", name=net.nic.name, up=up)
        expect.eventually(f"carrier after set_link up={up}", lambda: net.sysfs("carrier"), carrier)
        expect.contains("ethtool", vm.run(f"ethtool {net.interface}"), f"Link detected: {word}")
    net.ping_guest()


def mac_address(vm: VM, net: Link) -> None:
    vm.run(f"ip link set {net.interface} address {MAC}")
    expect.equal("address after ip link set", net.sysfs("address"), MAC)
    # The host has to learn the new address, and the card to accept it.
    subprocess.run(["ip", "neighbour", "flush", "dev", net.nic.tap], check=True)
    net.ping_guest()
    shown = subprocess.run(["ip", "neighbour", "show", net.guest], check=True, capture_output=True, text=True).stdout
    expect.contains("the host's neighbour entry of the guest", shown, MAC)


def mtu(vm: VM, net: Link) -> None:
    vm.run(f"ip link set {net.interface} mtu {MTU}")
    expect.equal("mtu after ip link set", net.sysfs("mtu"), str(MTU))
    vm.run(f"ping -n -M do -c 1 -W 5 -s {MTU - 28} {net.host}")
    try:
        vm.run(f"ping -n -M do -c 1 -W 2 -s {MTU - 27} {net.host}")
    except GuestError as error:
        expect.contains("ping with one byte too many", error.output, "message too long")
        return
    raise expect.Failure("a packet larger than the MTU, not to be fragmented", "an error", "an answer")
