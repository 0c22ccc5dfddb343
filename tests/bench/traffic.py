# SPDX-License-Identifier: GPL-2.0
"""The flood's way from the host to one network card of the guest, and the host's own count of it.

The packets come from generator.c, since the kept tool (trafgen, of Debian's netsniff-ng 0.6.8) cannot
hold a pace. Measured on two cores with 64-byte frames into a tap:

- As fast as they can, both are fast enough. With a small program that reads the tap's other end,
  trafgen offers 840,000 packets/s (1,100,000 through the queueing discipline), generator 580,000; on
  a busy machine 285,000 and 305,000. But either takes a core for itself then, and that is the
  guest's: in-tree virtio_net received 23,000 to 40,000 packets/s of trafgen's, 22,000 of generator's.
- At a pace, trafgen sends a whole second's packets in one burst and sleeps for the rest of the second:
  of 30,000 packets/s, the guest received some in the first tenth of each second and none in the other
  nine. The kernel's token bucket (tc's tbf on the tap) paces trafgen evenly, but let 75,000 to 98,000 of
  200,000 packets/s through, and the guest received 10,000 to 21,000. generator, asked for 150,000, offered
  all of them, and the guest received 66,000 to 77,000.
- Past the queueing discipline trafgen repeats what the tap has refused: a flood that waits for its
  victim. generator offers each packet once and counts the refused.
"""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from qemu import RunError, network
from qemu.vm import Nic

from tests.bench import compiler

PORT = 9000


class TrafficError(RunError):
    """A generator could not do its work; str() is one line."""


@dataclass(frozen=True)
class Flood:
    """What to send, and for how long."""

    size: int  # bytes of a frame, the Ethernet header included
    rate: int  # packets per second
    seconds: float
    flows: int
    to: str = ""  # an address behind the guest, in place of the guest's own
    burst: int = 1  # packets that leave one after the other


@dataclass(frozen=True)
class HostCount:
    """What the host knows about one flood."""

    sent: int  # offered to the queue in front of the guest
    dropped: int  # of these, what the queue had no room for
    seconds: float  # how long the generator took, by the host's clock


class Line:
    """A network card of the guest and the host's end of it: subnet 10.11.<number>.0/24, host .1, guest .2."""

    nic: Nic

    def __init__(self, number: int) -> None:
        self.host, self.guest = f"10.11.{number}.1", f"10.11.{number}.2"

    def way(self) -> list[str]:
        """Return the generator's options that lead into this line."""
        raise NotImplementedError

    def counters(self) -> tuple[int, int]:
        """Return how many packets left the queue in front of the guest, and how many it dropped."""
        raise NotImplementedError

    def flood(self, generator: Path, flood: Flood) -> HostCount:
        """Send the flood, wait until the queue in front of the guest stands still, and return the host's count."""
        _, dropped = self.counters()
        tally = self._generate(generator, flood)
        after = self.settled()
        return HostCount(int(tally["sent"] + tally["refused"]), after[1] - dropped, tally["seconds"])

    def command(self, generator: Path, flood: Flood) -> list[str]:
        """Return the command that sends the flood."""
        command = [generator, *self.way(), "--to-mac", self.nic.mac, "--from-ip", self.host, "--to-ip",
                   flood.to or self.guest, "--to-port", PORT, "--flows", flood.flows, "--size", flood.size,
                   "--rate", flood.rate, "--burst", flood.burst, "--seconds", flood.seconds]
        return [str(word) for word in command]

    def _generate(self, generator: Path, flood: Flood) -> dict[str, float]:
        done = subprocess.run(self.command(generator, flood), capture_output=True, text=True, check=False)
        if done.returncode:
            raise TrafficError(f"the generator ended with status {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def settled(self) -> tuple[int, int]:
        """Return the counters when they have not changed for a while: the last packets have arrived."""
        last = self.counters()
        for _ in range(50):
            time.sleep(0.1)
            now = self.counters()
            if now == last:
                return now
            last = now
        raise TrafficError("the queue in front of the guest is not empty 5 s after the flood")


class TapLine(Line):
    """A tap device: its queue drops what does not fit, and counts that."""

    def __init__(self, number: int, queues: int = 1) -> None:
        super().__init__(number)
        network.tap(f"tap{number}", f"{self.host}/24", queues)
        self.nic = Nic(f"net{number}", tap=f"tap{number}", queues=queues)

    def way(self) -> list[str]:
        """Lead into the tap."""
        return ["--interface", self.nic.tap]

    def counters(self) -> tuple[int, int]:
        """Return the tap's own: what goes out of it goes into the guest."""
        done = subprocess.run(["ip", "-json", "-statistics", "link", "show", self.nic.tap],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise TrafficError(f"no counters of {self.nic.tap}: {done.stderr.strip()}")
        sent = json.loads(done.stdout)[0]["stats64"]["tx"]
        return sent["packets"], sent["dropped"]


class DatagramLine(Line):
    """QEMU's dgram backend: every frame comes in a UDP datagram on loopback, with no host's stack behind it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.nic = Nic(f"net{number}", backend="dgram", local_port=21000 + 2 * number, remote_port=21001 + 2 * number)

    def way(self) -> list[str]:
        """Lead into QEMU's socket."""
        return ["--datagram", f"127.0.0.1:{self.nic.local_port}"]

    def counters(self) -> tuple[int, int]:
        """Return what waits in QEMU's socket, negative, in place of what has left it, and the socket's drops."""
        socket = re.search(rf"^ *\d+: 0100007F:{self.nic.local_port:04X} \S+ \S+ \w+:(\w+) .* (\d+) *$",
                           Path("/proc/net/udp").read_text(), re.MULTILINE)
        if not socket:
            raise TrafficError(f"QEMU does not listen on port {self.nic.local_port}")
        return -int(socket.group(1), 16), int(socket.group(2))


def tcp(line: Line, seconds: int, reverse: bool) -> float:
    """Return the bits per second that iperf3 moves to the guest, or from it (`reverse`)."""
    command = ["iperf3", "--client", line.guest, "--time", str(seconds), "--json", *(["--reverse"] if reverse else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    except subprocess.TimeoutExpired:
        raise TrafficError(f"iperf3 with {line.guest} has not ended {seconds + 30} s after its start") from None
    try:
        answer = json.loads(done.stdout)
        return float(answer["end"]["sum_received"]["bits_per_second"])
    except (ValueError, KeyError):
        reason = re.search(r'"error":\s*"(.*)"', done.stdout)
        raise TrafficError(f"iperf3 with {line.guest}: {reason.group(1) if reason else done.stderr.strip()}") from None


def build(directory: Path) -> Path:
    """Compile the generator and return it."""
    return compiler.build(Path(__file__).with_name("generator.c"), directory)
