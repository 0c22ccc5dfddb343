# SPDX-License-Identifier: GPL-2.0
"""TCP transfers of random content between host and guest: what arrives has to be what was sent."""

import hashlib
import random
import socket
import time

from qemu.vm import VM
from tests.vm import expect
from tests.vm.link import Link

CHUNK = 100_000
PORT = 5001
SEED = 20
LIMIT = 170.0
STEP = 20_000_000


def to_guest(vm: VM, net: Link, size: int) -> None:
    """Send @size bytes to the guest, which sums them up."""
    vm.run(f"rm -f /tmp/sum; (nc -l -p {PORT} < /dev/null | sha256sum > /tmp/sum.new; mv /tmp/sum.new /tmp/sum) "
           "> /dev/null 2>&1 &")
    expect.eventually("the guest listens", lambda: f":{PORT} " in vm.run("ss -Hltn"), True)
    sent, content = hashlib.sha256(), random.Random(SEED)
    watch = Progress("to the guest", size)
    with socket.create_connection((net.guest, PORT), timeout=LIMIT) as channel:
        while watch.total < size:
            data = content.randbytes(CHUNK)
            sent.update(data)
            channel.sendall(data)
            watch.count(len(data))
    arrived = "cat /tmp/sum 2>/dev/null | cut -d ' ' -f 1"
    expect.eventually("SHA-256 of what arrived in the guest", lambda: vm.run(arrived).strip(), sent.hexdigest(), 60)


def to_host(vm: VM, net: Link, size: int) -> None:
    """Let the guest send @size bytes to the host."""
    sent = vm.run(f"dd if=/dev/urandom of=/tmp/content bs={CHUNK} count={size // CHUNK} 2> /dev/null\n"
                  "sha256sum /tmp/content").split()[0]
    received, watch = hashlib.sha256(), Progress("to the host", size)
    with socket.create_server((net.host, PORT)) as server:
        server.settimeout(30)
        vm.run(f"nc {net.host} {PORT} < /tmp/content > /dev/null 2>&1 &")
        channel, _ = server.accept()
        with channel:
            channel.settimeout(30)
            while data := channel.recv(1 << 16):
                received.update(data)
                watch.count(len(data))
    expect.equal("bytes that arrived at the host", watch.total, size)
    expect.equal("SHA-256 of what arrived at the host", received.hexdigest(), sent)


class Progress:
    """Says now and then how much has gone over, and refuses to wait for ever."""

    def __init__(self, direction: str, size: int) -> None:
        self.total = 0
        self._direction, self._size, self._start = direction, size, time.monotonic()

    def count(self, size: int) -> None:
        """Add @size bytes."""
        before, self.total = self.total, self.total + size
        seconds = time.monotonic() - self._start
        if seconds > LIMIT:
            raise expect.Failure(f"bytes {self._direction} in {LIMIT:g} s", f"{self._size:,}", self.total)
        if before // STEP != self.total // STEP:
            expect.progress(f"{self._direction}: {self.total / 1e6:.0f} of {self._size / 1e6:.0f} MB, "
                            f"{self.total / 1e6 / seconds:.0f} MB/s")
