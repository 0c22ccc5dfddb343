# SPDX-License-Identifier: GPL-2.0
"""The one connection of a case: a tap device on the host's side, a network card on the guest's."""

import re
import subprocess

from qemu.vm import VM, Nic
from tests.vm import expect

HOST = "10.11.0.1"
GUEST = "10.11.0.2"
PREFIX = 24
DEBUGFS = "/sys/kernel/debug/labyrinth"


class Link:
    """What a case calls `net`: the card under test, its driver, and what both sides know about it."""

    def __init__(self, vm: VM, nic: Nic, driver: str) -> None:
        self.vm, self.nic, self.driver = vm, nic, driver
        self.host, self.guest = HOST, GUEST
        self.interface = ""

    def load(self) -> None:
        """Load the driver under test and make the card usable."""
        self.vm.run(f"modprobe {self.driver}")
        self.configure()

    def configure(self) -> None:
        """Wait for the card's interface, give it the guest's address, and bring it up.

        IPv6 is off because its neighbour discovery sends packets that no case has asked for.
        """
        self.find()
        self.vm.run(f"echo 1 > /proc/sys/net/ipv6/conf/{self.interface}/disable_ipv6 || true\n"
                    f"ip address replace {self.guest}/{PREFIX} dev {self.interface}\n"
                    f"ip link set {self.interface} up")
        expect.eventually("carrier", lambda: self.sysfs("carrier"), "1")

    def find(self) -> None:
        """Wait for the card's interface and note its name."""
        expect.eventually(f"the guest has an interface {self.nic.mac}", lambda: bool(self._find()), True)
        self.interface = self._find()

    def _find(self) -> str:
        """Return the name of the card's interface; it is empty while there is none."""
        return self.vm.run(f'for i in /sys/class/net/*; do [ "$(cat $i/address)" = {self.nic.mac} ] && basename $i; '
                           "done; true").strip()

    def sysfs(self, name: str) -> str:
        """Return what the guest's /sys/class/net/<interface> says about the card."""
        return self.vm.run(f"cat /sys/class/net/{self.interface}/{name}").strip()

    def present(self) -> bool:
        """Whether the interface that configure() has found still exists."""
        return bool(self.vm.run(f"ls -d /sys/class/net/{self.interface} 2> /dev/null || true"))

    def device(self) -> str:
        """Return the name of the card on the virtio bus, as in virtio1."""
        return self.vm.run(f"basename /sys/bus/pci/devices/{self.address()}/virtio*").strip()

    def address(self) -> str:
        """Return the card's PCI address, as in 0000:00:03.0."""
        path = self.vm.run(f"readlink -f /sys/class/net/{self.interface}")
        return re.findall(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", path)[-1]

    def features(self) -> set[int]:
        """Return the numbers of the feature bits that are negotiated."""
        bits = self.vm.run(f"cat /sys/bus/virtio/devices/{self.device()}/features").strip()
        return {number for number, bit in enumerate(bits) if bit == "1"}

    def counters(self) -> dict[str, int]:
        """Return what `ethtool -S` prints."""
        text = self.vm.run(f"ethtool -S {self.interface}")
        return {name: int(value) for name, value in re.findall(r"^\s*(\S+): (\d+)$", text, re.MULTILINE)}

    def received(self) -> int:
        """Return how many packets the guest's driver says it has received."""
        if self.driver == "labnet":
            return self.counters()["rx_frames"]
        return int(self.sysfs("statistics/rx_packets"))

    def delivered_by_host(self) -> int:
        """Return how many packets QEMU has read from the tap device: what the card was given."""
        with open("/proc/self/net/dev", encoding="ascii") as file:
            for line in file:
                name, _, fields = line.partition(":")
                if name.strip() == self.nic.tap:
                    return int(fields.split()[9])
        raise expect.Failure("tap devices of the host", self.nic.tap, "none of that name")

    def ring_size(self) -> int:
        """Return the size of the receive ring that is in use."""
        current = self.vm.run(f"ethtool -g {self.interface}").partition("Current hardware settings:")[2]
        return int(re.search(r"^RX:\s*(\d+)", current, re.MULTILINE)[1])

    def channels(self) -> tuple[int, int]:
        """Return how many queue pairs there may be, and how many are in use."""
        output = self.vm.run(f"ethtool -l {self.interface}")
        most, current = re.findall(r"^Combined:\s*(\d+)", output, re.MULTILINE)
        return int(most), int(current)

    def inject(self, what: str) -> None:
        """Let atomic allocations of every zone fail: "next N", "every N" or "off"."""
        self.vm.run(f"set -e; for zone in {DEBUGFS}/zones/*; do echo {what} > $zone/inject; done")

    def expect_identity(self) -> dict[str, int]:
        """Expect that each received packet has ended in one way: delivered, dropped, or with an XDP program."""
        counters = self.counters()
        ended = sum(value for name, value in counters.items()
                    if name.startswith(("rx_drop_", "rx_xdp_")) and name != "rx_xdp_pass")
        expect.equal("rx_frames == rx_delivered + sum of rx_drop_* + sum of rx_xdp_*, rx_xdp_pass apart",
                     counters["rx_delivered"] + ended, counters["rx_frames"])
        return counters

    def ping_guest(self, count: int = 5, size: int = 56, pattern: str = "") -> None:
        """Ping from the host; every packet has to come back. @pattern: its content, repeated; in hexadecimal digits."""
        self._expect_all_back("host -> guest", size, _host_ping(count, size, self.guest, pattern))

    def ping_host(self, count: int = 5, size: int = 56) -> None:
        """Ping from the guest; every packet has to come back."""
        output = self.vm.run(f"ping -n -c {count} -i 0.2 -W 5 -s {size} {self.host} || true", timeout=30 + 6 * count)
        self._expect_all_back("guest -> host", size, output)

    def _expect_all_back(self, direction: str, size: int, output: str) -> None:
        found = re.search(r"([\d.]+)% packet loss", output)
        if not found:
            raise expect.Failure(f"ping {direction}, {size} bytes", "a count of lost packets", output.strip()[-200:])
        expect.equal(f"lost packets in %, ping {direction}, {size} bytes", float(found[1]), 0.0)


def _host_ping(count: int, size: int, address: str, pattern: str = "") -> str:
    content = ["-p", pattern] if pattern else []
    done = subprocess.run(["ping", "-n", "-c", str(count), "-i", "0.2", "-W", "5", "-s", str(size), *content, address],
                          capture_output=True, text=True, timeout=30 + 6 * count, check=False)
    return done.stdout + done.stderr
