# SPDX-License-Identifier: GPL-2.0
"""What the flood needs done in the guest: a driver on each card, a reader, and failing allocations."""

from dataclasses import dataclass
from pathlib import Path

from qemu import SetupError
from qemu.vm import VM

from tests.bench import compiler
from tests.bench.samples import Samples
from tests.bench.traffic import PORT, Line

SINK = "/usr/bin/sink"
LABYRINTH = "/sys/kernel/debug/labyrinth"


@dataclass(frozen=True)
class Card:
    """A network card of the guest with a driver bound to it."""

    device: str  # as in /sys/bus/virtio/devices
    interface: str
    driver: str
    line: Line


def build_sink(directory: Path) -> Path:
    """Compile the reader; static, since the guest has only the libraries of its own tools."""
    return compiler.build(Path(__file__).with_name("sink.c"), directory, "-static")


def bind(vm: VM, line: Line, driver: str) -> Card:
    """Bind the guest's end of `line` to `driver`, give it its address and return it.

    The in-tree driver takes every card when it is loaded, so that is where each card is looked up.
    """
    names = vm.run(f"""
        modprobe virtio_net && modprobe {driver} || exit
        find_interface() {{
            for net in /sys/class/net/*; do
                [ "$(cat $net/address)" = {line.nic.mac} ] && basename $net
            done
        }}
        interface=$(find_interface)
        [ -n "$interface" ] || {{ echo "no card has the address {line.nic.mac}"; exit 1; }}
        device=$(basename $(readlink /sys/class/net/$interface/device))
        at=/sys/bus/virtio/devices/$device
        if [ $(basename $(readlink $at/driver)) != {driver} ]; then
            echo $device > $at/driver/unbind || exit
            echo $device > /sys/bus/virtio/drivers/{driver}/bind || exit
            interface=$(find_interface)
            [ -n "$interface" ] || {{ echo "{driver} made no interface of $device"; exit 1; }}
        fi
        ip address add {line.guest}/24 dev $interface && ip link set $interface up || exit
        echo $device $interface""").split()[-2:]
    return Card(*names, driver, line)


def start_sink(vm: VM, card: Card, interval_ms: int) -> None:
    """Start the reader and return when its first sample is there."""
    vm.run(f"""
        rm -f /tmp/sink.tsv
        {SINK} --interface {card.interface} --port {PORT} --interval {interval_ms} --output /tmp/sink.tsv \\
            > /tmp/sink.err 2>&1 &
        echo $! > /tmp/sink.pid
        for i in $(seq 100); do
            [ -s /tmp/sink.tsv ] && exit
            sleep 0.05
        done
        cat /tmp/sink.err; exit 1""")


def stop_sink(vm: VM) -> Samples:
    """Stop the reader once it has had time to read the last packets, and return what it saw."""
    text = vm.run("""
        sleep 0.3
        pid=$(cat /tmp/sink.pid)
        kill $pid || { cat /tmp/sink.err; exit 1; }
        while [ -e /proc/$pid/exe ] 2>/dev/null; do sleep 0.02; done
        cat /tmp/sink.tsv""", timeout=60)
    return Samples.parse(text)


def start_failures(vm: VM, card: Card, after: float, seconds: float) -> None:
    """Let every atomic allocation of the card's driver fail, `after` seconds from now and for `seconds`."""
    vm.run(f"""
        ls {LABYRINTH}/zones/{card.device}-rx*/inject > /tmp/zones || exit
        inject() {{
            for zone in $(cat /tmp/zones); do echo "$1" > $zone || exit; done
            cut -d' ' -f1 /proc/uptime
        }}
        (sleep {after}; inject "every 1"; sleep {seconds}; inject off) > /tmp/failures 2>&1 &""")


def stop_failures(vm: VM) -> tuple[float, float]:
    """Return when the failures began and ended, in seconds since the guest booted."""
    text = vm.run("""
        for i in $(seq 100); do
            [ $(wc -l < /tmp/failures) -ge 2 ] && break
            sleep 0.1
        done
        cat /tmp/failures""")
    try:
        begin, end = map(float, text.split())
    except ValueError:
        raise SetupError(f"the failures could not be switched on and off: {text.strip() or 'no answer'}") from None
    return begin, end


def start_iperf(vm: VM) -> None:
    """Start iperf3's server for one transfer and return when it listens; between two it does not."""
    vm.run("""
        iperf3 --server --one-off > /tmp/iperf3.log 2>&1 &
        for i in $(seq 100); do
            ss -tln | grep -q :5201 && exit
            sleep 0.05
        done
        cat /tmp/iperf3.log; exit 1""")


def counters(vm: VM, card: Card) -> dict[str, int]:
    """Return what `ethtool -S` says about the card."""
    lines = (line.strip().rpartition(": ") for line in vm.run(f"ethtool -S {card.interface}").splitlines())
    return {name: int(value) for name, _, value in lines if value.isdecimal()}
