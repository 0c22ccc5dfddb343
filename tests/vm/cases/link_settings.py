# SPDX-License-Identifier: GPL-2.0
"""Speed and duplex are the card's until somebody sets them; what the card does not say can be set; timestamps are told."""

import re

from qemu.vm import VM, GuestError, Nic
from tests.vm import expect
from tests.vm.link import Link

LOAD = False
VARIANTS = {
    "told": {"NICS": [Nic(properties={"speed": "2500", "duplex": "full"})], "speed": "2500Mb/s", "duplex": "Full"},
    "silent": {"NICS": [Nic()], "speed": "Unknown!", "duplex": "Unknown! (255)"},
}
# What the stack does by itself, and the driver when it transmits.
TIMESTAMPS = {"software-transmit", "software-receive", "software-system-clock"}


def run(vm: VM, net: Link, speed: str, duplex: str) -> None:
    vm.run(f"modprobe {net.driver}")
    net.find()
    expect.equal("speed and duplex before the card is up", shown(vm, net), (speed, duplex))
    net.configure()
    expect.equal("speed and duplex at first", shown(vm, net), (speed, duplex))
    vm.run(f"ethtool -s {net.interface} speed 10000 duplex half")
    expect.equal("speed and duplex that were set", shown(vm, net), ("10000Mb/s", "Half"))
    try:
        vm.run(f"ethtool -s {net.interface} speed 1000 duplex full autoneg on advertise 0x20")
    except GuestError:
        expect.equal("speed and duplex after nonsense", shown(vm, net), ("10000Mb/s", "Half"))
    else:
        raise expect.Failure("modes to advertise, of a card that has none", "an error", "success")
    # The link comes back: the card's word counts again, if it has one.
    for up, carrier in ((False, "0"), (True, "1")):
        vm.qmp("set_link", name=net.nic.name, up=up)
        expect.eventually(f"carrier after set_link up={up}", lambda: net.sysfs("carrier"), carrier)
    expect.equal("speed after the link was down", shown(vm, net)[0], "10000Mb/s" if speed == "Unknown!" else speed)
    words = re.findall(r"^\t(\S+)", vm.run(f"ethtool -T {net.interface}"), re.MULTILINE)
    expect.equal("timestamps", TIMESTAMPS - set(words), set())


def shown(vm: VM, net: Link) -> tuple[str, str]:
    """Return speed and duplex as ethtool shows them."""
    text = vm.run(f"ethtool {net.interface}")
    return re.search(r"Speed: (.*)", text)[1], re.search(r"Duplex: (.*)", text)[1]
