# SPDX-License-Identifier: GPL-2.0
"""One in a hundred atomic allocations fails, whoever makes it: traffic goes on, the ring stays full, and nothing is lost.

Both requests for pages and those in slabs fail. A reader that stops now and then keeps pages from coming back at once, so
that new ones are needed all the time.
"""

from pathlib import Path

from qemu import BUILD
from qemu.vm import VM
from tests.bench.guest import SINK, build_sink
from tests.faults import guest
from tests.vm import effort, expect
from tests.vm.link import Link
from tests.vm.traffic import PORT, flood_until

DRIVERS = ("labnet",)
FLAVOUR = "debug"
TIMEOUT = effort.choose(300, 3600)
PERCENT = 1
SIZES = (64, 1500)
PACKETS = effort.choose(10_000, 2_500_000)  # of each size
SECONDS = effort.choose(600, 8000)
READER = f"""
{SINK} --interface {{interface}} --port {PORT} --interval 1000 --output /dev/null > /dev/null 2>&1 &
echo $! > /tmp/reader
(while kill -STOP $!; do sleep 0.7; kill -CONT $!; sleep 0.3; done) > /dev/null 2>&1 &
"""


def files() -> dict[str, Path]:
    return {SINK: build_sink(BUILD / "bench"), **guest.files()}


def run(vm: VM, net: Link) -> None:
    guest.prepare(vm)
    before = net.counters()
    with guest.share(vm, PERCENT):
        vm.run(READER.format(interface=net.interface))
        for size in SIZES:
            flood_until(net, size, PACKETS, SECONDS)
        vm.run("kill -KILL $(cat /tmp/reader)")
    counters = net.expect_identity()
    moved = {name: value - before.get(name, 0) for name, value in counters.items()}
    failed = sum(value for name, value in moved.items() if name.startswith("page_fail_"))
    expect.progress(f"{failed:,} requests for a page failed, {moved['rx_drop_no_page']:,} packets were dropped for want of one, "
                    f"{moved['rx_drop_no_skb']:,} for want of an skb, {moved['rx_delivered']:,} delivered")
    expect.at_least("requests for a page that failed", failed, 1)
    expect.at_least("packets delivered", moved["rx_delivered"], len(SIZES) * PACKETS // 2)
    expect.at_least("rx_posted_min (buffers in the ring at its worst)", counters["rx_posted_min"], net.ring_size() - 1)
    net.ping_guest()
    net.ping_host()
    guest.expect_no_leak(vm)
