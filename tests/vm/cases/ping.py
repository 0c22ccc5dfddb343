# SPDX-License-Identifier: GPL-2.0
"""Packets of all kinds of sizes go both ways, fragments too."""

from qemu.vm import VM
from tests.vm.link import Link

SIZES = (56, 1400, 8000)


def run(_vm: VM, net: Link) -> None:
    for size in SIZES:
        net.ping_guest(size=size)
        net.ping_host(size=size)
    if net.driver == "labnet":
        net.expect_identity()
