# SPDX-License-Identifier: GPL-2.0
"""Floods: UDP packets from the host into the guest, from the benchmark's generator."""

import subprocess
import time
from types import TracebackType

from qemu import BUILD
from tests.bench.traffic import build
from tests.vm import effort, expect
from tests.vm.link import Link

# The discard port: nobody listens there, so packets go through the whole stack and are thrown away.
PORT = 9
FLOWS = 4
# More than an emulated guest can take; without any pace the generator would take the guest's CPU, too.
RATE = 100_000
# Less than a guest with a debug kernel can take: where there is always more to poll, each of its 100 ticks in a second
# goes on with that for a whole tick (since 6.4 softirqs no longer leave it to ksoftirqd), and no program ever runs.
DEBUG_RATE = 1000
# A flood ends with its block; this is only so that none can go on for ever.
LONGEST = 3600


class Flood:
    """A flood that lasts as long as its `with` block.

    @size is the frame's, with the Ethernet header; @burst packets at once; a debug kernel gets @most packets in a second.
    """

    def __init__(self, net: Link, size: int = 64, rate: int = RATE, flows: int = FLOWS, burst: int = 1,
                 most: int = DEBUG_RATE) -> None:
        if effort.patience(net.vm.kernel) > 1:
            rate = min(rate, most)
        words = {"interface": net.nic.tap, "to-mac": net.nic.mac, "from-ip": net.host, "to-ip": net.guest,
                 "to-port": PORT, "flows": flows, "size": size, "rate": rate, "burst": burst, "seconds": LONGEST}
        self._argv = [str(build(BUILD / "bench"))]
        self._argv += [text for name, value in words.items() for text in (f"--{name}", str(value))]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Flood":
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        assert self._process
        with self._process as generator:
            try:
                if kind is None:
                    self.expect_running()
            finally:
                generator.kill()

    def expect_running(self) -> None:
        """Expect that the generator has not given up."""
        assert self._process and self._process.stderr
        if self._process.poll() is not None:
            raise expect.Failure("the generator runs", "until it is stopped", self._process.stderr.read().strip())


def flood_until(net: Link, size: int, packets: int, seconds: float, most: int = DEBUG_RATE) -> None:
    """Flood until the guest has received @packets more than now; it has to manage that within @seconds."""
    start, began = net.received(), time.monotonic()
    seconds *= effort.patience(net.vm.kernel)
    with Flood(net, size, most=most) as flood:
        while (done := net.received() - start) < packets:
            flood.expect_running()
            if time.monotonic() - began > seconds:
                raise expect.Failure(f"packets of {size} bytes received in {seconds:g} s", f"{packets:,}", done)
            expect.progress(f"{size} bytes: {done:,} of {packets:,} packets")
            time.sleep(2)
    expect.progress(f"{size} bytes: {done:,} packets, {done / (time.monotonic() - began):,.0f}/s")
    settle(net)


def settle(net: Link) -> None:
    """Wait until all that was sent has arrived: nothing is read from the tap and nothing is received any more."""
    last = None
    for _ in range(100):
        now = (net.delivered_by_host(), net.received())
        if now == last:
            return
        last = now
        time.sleep(0.3)
    raise expect.Failure("packets stop arriving after the flood", "within 30 s", last)
