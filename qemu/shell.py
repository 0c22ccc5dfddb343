# SPDX-License-Identifier: GPL-2.0
"""A guest to look around in: the driver is loaded, the card is up, and the console has a shell.

    python3 -m qemu.shell [--driver virtio_net] [KERNEL]

Ctrl-D, or poweroff -f, ends it.
"""

import argparse
import os
import sys
import termios

from qemu import BUILD, SetupError, command, kernels, modules, network
from qemu.vm import VM, Nic

HOST, GUEST = "10.11.0.1", "10.11.0.2"
CONFIGURE = """
modprobe {driver} || exit
interface=$(basename $(dirname $(grep -l {mac} /sys/class/net/*/address)))
ip address add {guest}/24 dev $interface
ip link set $interface up
dmesg -n 4
"""
START_SHELL = "touch /run/ready"


def main() -> None:
    """Boot the guest and leave the terminal to it."""
    parser = argparse.ArgumentParser(prog="python3 -m qemu.shell", description="a guest with a shell")
    parser.add_argument("kernel", nargs="?", default="6.1", help="a kernel of qemu.kernels (default %(default)s)")
    parser.add_argument("--driver", default="labnet", help="what drives the card (default %(default)s)")
    options = parser.parse_args()
    if not sys.stdin.isatty():
        raise SetupError("the guest's shell needs a terminal")
    if not network.have_tun():
        raise SetupError("no /dev/net/tun: the guest's card needs a tap device (modprobe tun)")
    kernel = kernels.get(options.kernel)
    modules.build(kernel)
    network.enter()
    network.tap("tap0", f"{HOST}/24")
    settings = termios.tcgetattr(sys.stdin)
    try:
        _converse(VM(kernel, nics=[Nic()], cpus=os.cpu_count() or 1, log=BUILD / "logs/shell.log", interactive=True),
                  options.driver)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)


def _converse(machine: VM, driver: str) -> None:
    """Configure the guest's card and wait until the guest is switched off."""
    with machine as vm:
        vm.run(CONFIGURE.format(driver=driver, mac=vm.nics[0].mac, guest=GUEST))
        print(f"guest {GUEST} with {driver}, host {HOST}; Ctrl-D ends it", flush=True)
        vm.run(START_SHELL)
        vm.wait()


if __name__ == "__main__":
    command.run(main)
