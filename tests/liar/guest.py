# SPDX-License-Identifier: GPL-2.0
"""Devices of labyrinth_liar in a guest: what a case tells them, what the driver has sent, and what became of it.

    with Liar(vm, "a", features=["MAC", "STATUS", "VERSION_1", "MRG_RXBUF", "CTRL_VQ"]) as a:
        a.up()
        a.receive(header(a) + frame(a.mac))

tests/liar/main.c has the rest.
"""

import base64
import re
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from qemu.vm import VM, GuestError, Lost
from tests.vm import expect

DEBUGFS = "/sys/kernel/debug/labyrinth_liar"
ZONES = "/sys/kernel/debug/labyrinth/zones"
PEER = bytes.fromhex("020000000001")

# Feature bits, as virtio 1.3 calls them.
BITS = {name: bit for bit, name in {
    0: "CSUM", 1: "GUEST_CSUM", 2: "CTRL_GUEST_OFFLOADS", 3: "MTU", 5: "MAC", 7: "GUEST_TSO4", 8: "GUEST_TSO6", 9: "GUEST_ECN",
    10: "GUEST_UFO", 11: "HOST_TSO4", 12: "HOST_TSO6", 13: "HOST_ECN", 14: "HOST_UFO", 15: "MRG_RXBUF", 16: "STATUS",
    17: "CTRL_VQ", 18: "CTRL_RX", 19: "CTRL_VLAN", 20: "CTRL_RX_EXTRA", 21: "GUEST_ANNOUNCE", 22: "MQ", 23: "CTRL_MAC_ADDR",
    28: "INDIRECT_DESC", 29: "EVENT_IDX", 32: "VERSION_1", 35: "IN_ORDER", 40: "RING_RESET", 50: "DEVICE_STATS",
    51: "HASH_TUNNEL", 52: "VQ_NOTF_COAL", 53: "NOTF_COAL", 54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO",
    57: "HASH_REPORT", 59: "GUEST_HDRLEN", 60: "RSS", 61: "RSC_EXT", 62: "STANDBY", 63: "SPEED_DUPLEX",
    65: "GUEST_UDP_TUNNEL_GSO", 66: "GUEST_UDP_TUNNEL_GSO_CSUM", 67: "HOST_UDP_TUNNEL_GSO", 68: "HOST_UDP_TUNNEL_GSO_CSUM",
}.items()}

# Where members of struct virtio_net_config are.
MAC, STATUS, MAX_PAIRS, MTU, SPEED, DUPLEX = 0, 6, 8, 10, 12, 16
RSS_KEY_SIZE, RSS_TABLE, HASH_TYPES = 17, 18, 20

DEFAULT = ("MAC", "MRG_RXBUF", "STATUS", "VERSION_1")


@dataclass(frozen=True)
class Sent:
    """A frame that the driver has transmitted; of a long one, @packet has only the beginning."""

    pair: int
    length: int  # virtio header included
    header: bytes
    packet: bytes


@dataclass(frozen=True)
class Command:
    """A control command that the driver has given; -1 as @verdict stands for no answer."""

    kind: int  # the class
    command: int
    verdict: int
    length: int
    data: bytes


class Liar:
    """A device, from its making to its end. @config maps offsets in the configuration space to bytes.

    The module is loaded with the first device of a guest; labnet has to be loaded by the case, before or after.
    """

    def __init__(self, vm: VM, name: str = "a", *, features: Iterable[str] = DEFAULT, pairs: int = 1, size: int = 256,
                 config: dict[int, bytes] | None = None) -> None:
        self.vm, self.name, self.path = vm, name, f"{DEBUGFS}/{name}"
        bits = ",".join(str(BITS[feature]) for feature in features)
        self._words = f"features={bits} pairs={pairs} size={size}"
        self._words += "".join(f" config={offset}:{data.hex()}" for offset, data in (config or {}).items())
        self.interface = ""

    def __enter__(self) -> "Liar":
        self.add()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        # A guest that is lost obeys no more, and what it says is the answer to something else.
        if not (kind and issubclass(kind, Lost)):
            self.remove()

    def add(self) -> None:
        """Make the device; a driver that is loaded binds to it at once."""
        self.vm.run(f"modprobe labyrinth_liar; echo add {self.name} {self._words} > {DEBUGFS}/control")

    def remove(self, surprise: bool = False) -> None:
        """Remove the device, if it is still there."""
        how = " surprise" if surprise else ""
        self.vm.run(f"[ ! -d {self.path} ] || echo remove {self.name}{how} > {DEBUGFS}/control")

    def up(self, address: str = "") -> None:
        """Find the interface and bring it up, with an address if one is given."""
        self.find()
        self.vm.run(f"echo 1 > /proc/sys/net/ipv6/conf/{self.interface}/disable_ipv6 || true\n"
                    + (f"ip address replace {address}/24 dev {self.interface}\n" if address else "")
                    + f"ip link set {self.interface} up")

    def find(self) -> str:
        """Note the interface's name and return it."""
        self.interface = self.vm.run(f"ls /sys/bus/virtio/devices/{self.device()}/net || true").strip()
        return self.interface

    def device(self) -> str:
        """Return the name on the virtio bus, as in virtio1."""
        return self.status()["device"]

    def status(self) -> dict[str, str]:
        """Return what the file status says, the queues apart."""
        text = self.vm.run(f"cat {self.path}/status")
        return dict(line.split(" ", 1) if " " in line else (line, "") for line in text.splitlines()
                    if not line.startswith("queue "))

    def number(self, word: str) -> int:
        """Return one of the numbers of the file status."""
        return int(self.status()[word])

    def queues(self) -> list[dict[str, str]]:
        """Return what the file status says about each queue."""
        found = re.findall(r"^queue (.*)$", self.vm.run(f"cat {self.path}/status"), re.MULTILINE)
        words = ("index name".split() + line.split()[2:] for line in found)
        return [{"index": line.split()[0], "name": line.split()[1], **dict(zip(word[2::2], word[3::2], strict=True))}
                for line, word in zip(found, words, strict=True)]

    def taken(self) -> set[str]:
        """Return the names of the feature bits that the driver has taken."""
        bits = set()
        for part in filter(None, self.status()["taken"].split(",")):
            first, _, last = part.partition("-")
            bits |= set(range(int(first), int(last or first) + 1))
        return {name for name, bit in BITS.items() if bit in bits}

    def tell(self, *commands: str) -> None:
        """Give commands, one after the other."""
        self.vm.run("set -e\n" + "\n".join(f"echo '{command}' > {self.path}/command" for command in commands))

    def set_frame(self, frame: bytes) -> None:
        """Choose what `receive` injects: virtio header and frame."""
        self.vm.run(f"echo {base64.b64encode(frame).decode()} | base64 -d > {self.path}/frame")

    def receive(self, frame: bytes, pair: int = 0, count: int = 1) -> None:
        """Let the driver receive a frame with its virtio header."""
        self.set_frame(frame)
        self.tell(f"receive {pair} {count}")

    def configure(self, offset: int, data: bytes) -> None:
        """Change the configuration space, and interrupt."""
        self.tell(f"config {offset} {data.hex()}")

    def sent(self) -> list[Sent]:
        """Return the last 64 frames that were transmitted, oldest first."""
        header, found = self.number("header"), []
        for line in self.vm.run(f"cat {self.path}/sent").splitlines():
            _number, pair, length, data = line.split(" ")
            raw = bytes.fromhex(data)
            found.append(Sent(int(pair), int(length), raw[:header], raw[header:]))
        return found

    def commands(self) -> list[Command]:
        """Return the last 64 control commands, oldest first."""
        found = []
        for line in self.vm.run(f"cat {self.path}/commands").splitlines():
            _number, *numbers, data = line.split(" ")
            found.append(Command(*map(int, numbers), bytes.fromhex(data)))
        return found

    def counters(self) -> dict[str, int]:
        """Return what `ethtool -S` prints."""
        text = self.vm.run(f"ethtool -S {self.interface}")
        return {name: int(value) for name, value in re.findall(r"^\s*(\S+): (\d+)$", text, re.MULTILINE)}

    def moved(self, before: dict[str, int]) -> dict[str, int]:
        """Return the counters that have changed since @before, and by how much."""
        return {name: value - before.get(name, 0) for name, value in self.counters().items() if value != before.get(name, 0)}

    def mac(self) -> bytes:
        """Return the interface's address."""
        return bytes.fromhex(self.vm.run(f"cat /sys/class/net/{self.interface}/address").strip().replace(":", ""))

    def expect_delivered(self, frame: bytes | None = None) -> None:
        """Expect an honest frame to be delivered, exactly once."""
        before = self.counters()["rx_delivered"]
        self.receive(frame or bytes(self.number("header")) + ethernet(self.mac()))
        expect.eventually("an honest frame is delivered: rx_delivered", lambda: self.counters()["rx_delivered"], before + 1)

    def expect_balance(self) -> None:
        """Expect that no page of the device's zones is lost."""
        for zone in self.vm.run(f"cd {ZONES} && ls -d {self.device()}-* || true").split():
            expect.eventually(f"balance of {zone}", lambda zone=zone: _ledger(self.vm, zone)["balance"], 0)


def _ledger(vm: VM, zone: str) -> dict[str, int]:
    return {word: int(number) for word, number in (line.split() for line in vm.run(f"cat {ZONES}/{zone}/ledger").splitlines())}


def attempt(name: str, look: Callable[[], Any]) -> list[str]:
    """Return what look() complains about: one lie that is believed does not keep the others from being told."""
    expect.progress(name)
    try:
        look()
    except (expect.Failure, GuestError) as failure:
        return [f"{name}: {failure}"]
    return []


def header(flags: int = 0, gso_type: int = 0, hdr_len: int = 0, gso_size: int = 0, csum_start: int = 0, csum_offset: int = 0,
           more: bytes = b"\0\0") -> bytes:
    """Return a virtio header. @more comes after the first ten bytes: num_buffers, which the device fills in, and so on."""
    return struct.pack("<BBHHHH", flags, gso_type, hdr_len, gso_size, csum_start, csum_offset) + more


def ethernet(to: bytes, size: int = 64, kind: int = 0x88B5) -> bytes:
    """Return a frame of a kind for experiments, which no protocol takes."""
    return (to + PEER + kind.to_bytes(2, "big")).ljust(size, b"\x5a")


def settled(look: Callable[[], Any], seconds: float = 0.3, patience: float = 60) -> Any:
    """Return what look() says once it says the same twice, @seconds apart: before @patience seconds have passed."""
    last, deadline = look(), time.monotonic() + patience
    while time.monotonic() < deadline:
        time.sleep(seconds)
        if (now := look()) == last:
            return now
        last = now
    raise expect.Failure("what has to stand still", f"the same twice within {patience:g} s", last)
