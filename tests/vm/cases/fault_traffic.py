# SPDX-License-Identifier: GPL-2.0
"""One in a hundred atomic allocations fails, whoever makes it: traffic goes on, the ring stays full, and nothing is lost.

Both requests for pages and those in slabs fail. A reader that stops now and then keeps pages from coming back at once, so
that new ones are needed all the time. With LONG=1, 5 million packets.
"""

from pathlib import Path

from qemu import BUILD
from qemu.vm import VM
from tests.bench.guest import SINK, build_sink
from tests.faults import guest
from tests.vm import effort, expect
from tests.vm import ending as common
from tests.vm.link import Link
from tests.vm.quota import Quota
from tests.vm.traffic import DEBUG_RATE, PORT, flood_until

DRIVERS = ("labnet",)
FLAVOUR = "debug"
TIMEOUT = effort.choose(300, 3600)
PERCENT = 1
SIZES = (64, 1500)
PACKETS = effort.choose(20_000, 5_000_000)
AT_ONCE = effort.choose(10_000, 50_000)  # of one size, then those of the other
SECONDS = 600
# More than a debug kernel can take: its polls have a thread, so that the scheduler leaves programs some time.
RATE = effort.choose(DEBUG_RATE, 4 * DEBUG_RATE)
READER = f"""
{SINK} --interface {{interface}} --port {PORT} --interval 1000 --output /dev/null > /dev/null 2>&1 &
echo $! > /tmp/reader
(while kill -STOP $!; do sleep 0.7; kill -CONT $!; sleep 0.3; done) > /dev/null 2>&1 &
"""


def files() -> dict[str, Path]:
    return {SINK: build_sink(BUILD / "bench"), **guest.files()}


def run(vm: VM, net: Link) -> None:
    quota = Quota(vm, "fault_traffic", "packets", PACKETS)
    if not quota.left:
        return
    guest.prepare(vm)
    vm.run(f"echo {int(RATE > DEBUG_RATE)} > /sys/class/net/{net.interface}/threaded")
    before, start = net.counters(), net.received()
    with guest.share(vm, PERCENT):
        vm.run(READER.format(interface=net.interface))
        while quota.goes_on(net.received() - start):
            for size in SIZES:
                flood_until(net, size, AT_ONCE, SECONDS, RATE)
        vm.run("kill -KILL $(cat /tmp/reader)")
    counters = net.expect_identity()
    moved = {name: value - before.get(name, 0) for name, value in counters.items()}
    judge(moved, *guest.failed(vm))
    expect.at_least("rx_posted_min (buffers in the ring at its worst)", counters["rx_posted_min"], net.ring_size() - 1)
    net.ping_guest()
    net.ping_host()
    guest.expect_no_leak(vm)
    common.check(vm, net.driver)
    quota.passed(moved["rx_frames"])


def judge(moved: dict[str, int], slabs: int, pages: int) -> None:
    """Expect that allocations failed, and that packets arrived all the same."""
    zone = sum(value for name, value in moved.items() if name.startswith("page_fail_"))
    drops = {name: value for name, value in moved.items() if name.startswith("rx_drop_") and value}
    expect.progress(f"{slabs:,} requests in slabs and {pages:,} for pages failed, {zone:,} of those the driver's; "
                    f"{moved['rx_delivered']:,} of {moved['rx_frames']:,} packets delivered, dropped: {drops}")
    expect.at_least("requests in slabs that failed", slabs, 1)
    expect.at_least("the driver's requests for a page that failed", zone, 1)
    expect.at_least("packets delivered", moved["rx_delivered"], moved["rx_frames"] // 2)
