# SPDX-License-Identifier: GPL-2.0
"""An XDP program that could not see every frame as it is gets refused, and nothing changes."""

from qemu.vm import VM, GuestError, Nic
from tests.vm import expect, xdp
from tests.vm.link import Link

DRIVERS = ("labnet",)
# What fits into one buffer with 256 bytes before the packet, and one more.
LIMIT = 3502
NICS = [Nic(), Nic("net1", tap="tap1", properties={"ctrl_guest_offloads": "off"}),
        Nic("net2", tap="tap2", properties={"ctrl_guest_offloads": "off", "guest_csum": "off"})]
files = xdp.files


def run(vm: VM, net: Link) -> None:
    mtu(vm, net)
    fixed, plain = (Link(vm, nic, net.driver) for nic in NICS[1:])
    for other in (fixed, plain):
        other.find()
        vm.run(f"ip link set {other.interface} up")
    xdp.expect_refused(fixed, "Operation not supported", "udp", xdp.PASS)
    # Without offloads there is nothing to turn off.
    with xdp.Program(plain, "udp", xdp.PASS):
        net.ping_guest()


def mtu(vm: VM, net: Link) -> None:
    """The packet size has to suit the program, whichever comes first."""
    vm.run(f"ip link set {net.interface} mtu {LIMIT + 1}")
    xdp.expect_refused(net, "Invalid argument", "udp", xdp.PASS)
    vm.run(f"ip link set {net.interface} mtu {LIMIT}")
    with xdp.Program(net, "udp", xdp.PASS):
        try:
            got = vm.run(f"ip link set {net.interface} mtu {LIMIT + 1}")
        except GuestError as error:
            got = error.output
        expect.contains("ip link set mtu", got, "Invalid argument")
        expect.equal("mtu", net.sysfs("mtu"), str(LIMIT))
        net.ping_guest()
