# SPDX-License-Identifier: GPL-2.0
"""Small traffic to the guest, and when each piece of it was sent and answered.

    python3 -m tests.pressure.prober --to ADDRESS --interface NAME --seconds N --output FILE

Three flows: numbered datagrams that nobody answers (control), requests over one TCP connection that come back as they
are, as what somebody types into a shell does (echo), and pings. Nothing waits for anything else: a request is sent when
it is due, whether the one before was answered or not. SIGTERM ends it early. FILE is JSON; see Probes.
"""

import argparse
import json
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

CONTROL_PORT, ECHO_PORT = 9001, 9002
REQUEST = 64  # bytes
SOL_RAW, ICMP_FILTER = 255, 1  # of <linux/icmp.h>; Python has no names for them


@dataclass
class Probes:
    """What was sent when, by the host's monotonic clock; answers are by number, None where there was none."""

    control: list[float] = field(default_factory=list)
    echo: list[float] = field(default_factory=list)
    echoed: list[float | None] = field(default_factory=list)
    ping: list[float] = field(default_factory=list)
    pinged: list[float | None] = field(default_factory=list)
    queue: list[tuple[float, int]] = field(default_factory=list)  # when, and what the queue had dropped by then
    ended: float = 0.0


class Prober:
    """Sends all three flows until it is told to stop."""

    def __init__(self, address: str, interface: str) -> None:
        self.probes = Probes()
        self._interface = interface
        self._stopped = False
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.connect((address, CONTROL_PORT))
        self._echo = socket.create_connection((address, ECHO_PORT), timeout=10)
        self._echo.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._ping.connect((address, 0))
        self._ping.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", ~1 & 0xffffffff))  # nothing but echo replies
        for one in (self._control, self._echo, self._ping):
            one.setblocking(False)
        self._bytes = 0  # of answers over TCP

    def stop(self, *_: object) -> None:
        """End the run soon."""
        self._stopped = True

    def run(self, seconds: float, rates: dict[str, float]) -> Probes:
        """Send for `seconds`, so much per second of each flow, and return what became of it."""
        senders: dict[str, Callable[[float], None]] = {
            "control": self._send_control, "echo": self._send_echo, "ping": self._send_ping, "queue": self._look}
        begin = time.monotonic()
        due = dict.fromkeys(senders, begin)
        while not self._stopped and time.monotonic() < begin + seconds:
            self._receive(max(min(due.values()) - time.monotonic(), 0))
            for name, send in senders.items():
                while due[name] <= time.monotonic():
                    send(time.monotonic())
                    due[name] += 1 / rates[name]
        self.probes.ended = time.monotonic()
        return self.probes

    def _send_control(self, now: float) -> None:
        _send(self._control, struct.pack("!I", len(self.probes.control)))
        self.probes.control.append(now)

    def _send_echo(self, now: float) -> None:
        _send(self._echo, bytes(REQUEST))
        self.probes.echo.append(now)
        self.probes.echoed.append(None)

    def _send_ping(self, now: float) -> None:
        _send(self._ping, echo_request(len(self.probes.ping)))
        self.probes.ping.append(now)
        self.probes.pinged.append(None)

    def _look(self, now: float) -> None:
        """Write down what the queue in front of the guest has dropped."""
        for line in Path("/proc/self/net/dev").read_text().splitlines():
            name, _, fields = line.partition(":")
            if name.strip() == self._interface:
                self.probes.queue.append((now, int(fields.split()[11])))

    def _receive(self, wait: float) -> None:
        ready, _, _ = select.select([self._echo, self._ping], [], [], wait)
        now = time.monotonic()
        if self._echo in ready:
            self._receive_echo(now)
        if self._ping in ready:
            self._receive_ping(now)

    def _receive_echo(self, now: float) -> None:
        try:
            data = self._echo.recv(1 << 16)
        except OSError:  # the connection is gone; what was sent stays unanswered
            data = b""
        if not data:
            self._stopped = True
        before, self._bytes = self._bytes // REQUEST, self._bytes + len(data)
        for number in range(before, self._bytes // REQUEST):
            self.probes.echoed[number] = now

    def _receive_ping(self, now: float) -> None:
        try:
            packet = self._ping.recv(2048)
        except OSError:
            return
        kind, _, _, _, number = struct.unpack_from("!BBHHH", packet, 4 * (packet[0] & 15))
        if kind == 0 and number < len(self.probes.pinged):
            self.probes.pinged[number] = self.probes.pinged[number] or now


def _send(channel: socket.socket, data: bytes) -> None:
    """Send, or not: that a guest is dead is what is being measured."""
    try:
        channel.send(data)
    except OSError:
        pass


def echo_request(number: int) -> bytes:
    """Return an ICMP echo request."""
    packet = struct.pack("!BBHHH", 8, 0, 0, 0, number) + bytes(56)
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xffff)
    return packet[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + packet[4:]


def main() -> None:
    """Answer the command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.pressure.prober")
    parser.add_argument("--to", required=True)
    parser.add_argument("--interface", required=True, help="that leads there, whose queue is looked at")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--output", type=Path, required=True)
    for name, rate in (("control", 500.0), ("echo", 20.0), ("ping", 10.0), ("queue", 10.0)):
        parser.add_argument(f"--{name}", type=float, default=rate, help="per second (default %(default)g)")
    options = parser.parse_args()
    prober = Prober(options.to, options.interface)
    signal.signal(signal.SIGTERM, prober.stop)
    print("ready", flush=True)
    rates = {name: getattr(options, name) for name in ("control", "echo", "ping", "queue")}
    probes = prober.run(options.seconds, rates)
    options.output.write_text(json.dumps(asdict(probes)))


if __name__ == "__main__":
    main()
