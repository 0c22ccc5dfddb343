# SPDX-License-Identifier: GPL-2.0
"""UDP datagrams are merged for a socket that asks for it, soon after it does, and for no other."""

from pathlib import Path

from qemu import BUILD
from qemu.vm import VM
from tests.bench.guest import SINK, build_sink
from tests.bench.samples import Samples
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import PORT, Flood, settle

SIZE = 1000
PAYLOAD = SIZE - 42
# A burst is in one poll or in a few, so that there is something to be merged.
BURST = 64
RATE = 100 * BURST
# So many that most of them come after GRO was asked for the first time.
PACKETS = 6000
# Datagrams in one, on average: with a burst cut in eight pieces there would still be so many.
MERGED = 4


def files() -> dict[str, Path]:
    return {SINK: build_sink(BUILD / "bench")}


def run(vm: VM, net: Link) -> None:
    net.ping_guest(count=1)
    expect.equal("bytes in a datagram, nobody asks for more", mean(vm, net, ""), PAYLOAD)
    expect.at_least("bytes in a datagram that GRO has merged", mean(vm, net, "--merged"), MERGED * PAYLOAD)
    expect.equal("bytes in a datagram, nobody asks any more", mean(vm, net, ""), PAYLOAD)
    if net.driver == "labnet":
        net.expect_identity()


def mean(vm: VM, net: Link, options: str) -> float:
    """Let a program read a flood; return how long its datagrams were on average."""
    vm.run(f"""
        rm -f /tmp/sink.tsv
        {SINK} --interface {net.interface} --port {PORT} --interval 60000 --output /tmp/sink.tsv {options} > /tmp/sink.err 2>&1 &
        echo $! > /tmp/sink.pid
        for i in $(seq 100); do [ -s /tmp/sink.tsv ] && exit; sleep 0.05; done
        cat /tmp/sink.err; exit 1""")
    start = net.received()
    with Flood(net, SIZE, RATE, flows=1, burst=BURST):
        expect.eventually(f"{PACKETS} packets have come", lambda: net.received() - start >= PACKETS, True, 60)
    settle(net)
    samples = Samples.parse(vm.run("""
        pid=$(cat /tmp/sink.pid)
        kill $pid
        while [ -e /proc/$pid/exe ] 2>/dev/null; do sleep 0.02; done
        cat /tmp/sink.tsv"""))
    packets, size = samples.delta("socket_packets"), samples.delta("socket_bytes")
    expect.at_least("datagrams that the program has read", packets, 1)
    expect.progress(f"{options or 'plain'}: {size:,.0f} bytes in {packets:,.0f} datagrams")
    return size / packets
