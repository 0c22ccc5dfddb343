# SPDX-License-Identifier: GPL-2.0
"""What an XDP program writes before a packet reaches tc, with packets of every size."""

from qemu.vm import VM, GuestError
from tests.vm import expect, xdp
from tests.vm.link import Link

DRIVERS = ("labnet",)
FILTER = "/sys/fs/bpf/mark"
OTHER_MARK = 1
# Shorter and longer than what is copied.
SIZES = (56, 1400)
files = xdp.files


def run(vm: VM, net: Link) -> None:
    """The filter drops what has no mark, or another one: only marked pings are answered."""
    vm.run(f"mount -t bpf bpf /sys/fs/bpf && {xdp.TOOL} --pin {FILTER}")
    vm.run(f"modprobe -qa sch_ingress cls_bpf; tc qdisc add dev {net.interface} clsact && "
           f"tc filter add dev {net.interface} ingress bpf direct-action object-pinned {FILTER}")
    expect.equal("ping without a mark is answered", answered(vm, net), False)
    with xdp.Program(net, "meta"):
        for size in SIZES:
            net.ping_guest(size=size)
    with xdp.Program(net, "meta", OTHER_MARK):
        expect.equal("ping with another mark is answered", answered(vm, net), False)
    net.expect_identity()


def answered(vm: VM, net: Link) -> bool:
    """Whether the guest gets an answer to a ping."""
    try:
        vm.run(f"ping -n -c 2 -i 0.2 -W 1 {net.host}")
    except GuestError:
        return False
    return True
