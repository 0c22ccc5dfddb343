# SPDX-License-Identifier: GPL-2.0
"""XDP programs come and go under a flood: the link stays, buffers have the room that programs need, offloads return."""

import subprocess

from qemu.vm import VM
from tests.vm import expect, transfer, xdp
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMEOUT = 300
TIMES = 20
# With what the kernel itself puts there, this needs nearly all of the 256 bytes before a packet.
HEADER = 208
SIZE = 10_000_000
files = xdp.files


def run(vm: VM, net: Link) -> None:
    changes = net.sysfs("carrier_changes")
    for size in (64, 1500):
        with Flood(net, size):
            for _ in range(TIMES):
                with xdp.Program(net, "head", HEADER):
                    vm.run("sleep 0.05")
        settle(net)
    expect.at_least("frames that programs have seen", seen(net)["rx_xdp_pass"], 1000)
    expect.equal("host leaves checksums open", host_leaves_checksums(net), True)
    with xdp.Program(net, "head", HEADER):
        expect.equal("host leaves checksums open for a program", host_leaves_checksums(net), False)
        transfer.to_guest(vm, net, SIZE)
        seen(net)
    expect.equal("changes of the carrier", net.sysfs("carrier_changes"), changes)
    restart(vm, net)
    transfer.to_guest(vm, net, SIZE)
    net.expect_identity()


def restart(vm: VM, net: Link) -> None:
    """A program stays when the interface goes down and up, and has what it needs again."""
    with xdp.Program(net, "head", HEADER):
        before = seen(net)["rx_xdp_pass"]
        vm.run(f"ip link set {net.interface} down; ip link set {net.interface} up")
        expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        net.ping_guest(size=1400)
        expect.at_least("frames that the program has seen since", seen(net)["rx_xdp_pass"] - before, 5)
        expect.equal("host leaves checksums open after a restart", host_leaves_checksums(net), False)
    with xdp.Program(net, "head", HEADER):
        vm.run(f"ip link set {net.interface} down")
    vm.run(f"ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    expect.equal("host leaves checksums open", host_leaves_checksums(net), True)


def seen(net: Link) -> dict[str, int]:
    """Return the counters; no program may have failed, nor have been spared a frame that it could not see."""
    counters = net.expect_identity()
    expect.equal("frames without room for a header", counters["rx_xdp_aborted"], 0)
    expect.equal("frames that no program could see", counters["rx_drop_xdp"], 0)
    return counters


def host_leaves_checksums(net: Link) -> bool:
    """Whether the host's stack sends checksums through the tap that somebody else has to complete."""
    features = subprocess.run(["ethtool", "-k", net.nic.tap], check=True, capture_output=True, text=True).stdout
    return "tx-checksumming: on" in features
