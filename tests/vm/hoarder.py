# SPDX-License-Identifier: GPL-2.0
"""A program in the guest that reads nothing: its socket keeps what was delivered, up to its limit."""

from pathlib import Path

from qemu import BUILD
from qemu.vm import VM
from tests.bench.guest import SINK, build_sink
from tests.vm.link import Link
from tests.vm.traffic import PORT

# It writes to its output as soon as its socket is there, however long that takes under a flood.
OUTPUT = "/tmp/hoarder"
START = f"""
rm -f {OUTPUT}
{SINK} --interface {{interface}} --port {PORT} --interval 1000 {{options}} --output {OUTPUT} > /dev/null 2>&1 &
until [ -s {OUTPUT} ]; do
	kill -0 $! || exit
	sleep 0.05
done
kill -STOP $!
"""


def files() -> dict[str, Path]:
    """Return the files that the guest needs for it."""
    return {SINK: build_sink(BUILD / "bench")}


def start(net: Link, room: int = 0) -> None:
    """Start it, with a socket that keeps so many bytes, or as many as usual."""
    net.vm.run(START.format(interface=net.interface, options=f"--buffer {room}" if room else ""))


def end(vm: VM) -> None:
    """End it: what its socket has kept is freed."""
    vm.run("killall -9 sink")
