# SPDX-License-Identifier: GPL-2.0
"""The number of queue pairs changes under load: the link stays up, those in use receive, the others hold no page.

The card has more pairs than the guest has CPUs. A change for which there is no memory leaves everything as it was.
"""

import re
import socket
import threading

from qemu.vm import VM, GuestError, Nic
from tests.vm import effort, expect
from tests.vm.link import DEBUGFS, Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
CPUS = 4
PAIRS = 4
MEMORY = "256M"
NICS = [Nic(queues=2 * PAIRS, properties={"rx_queue_size": "1024"})]
TIMEOUT = 300
STEPS = (1, 3, 2, 4, 1, 4)
FLOWS = 128
PORT = 5002


def run(vm: VM, net: Link) -> None:
    expect.equal("ethtool -l: combined (maximum, current)", net.channels(), (PAIRS, PAIRS))
    refused(vm, net, "0", PAIRS)
    refused(vm, net, str(PAIRS + 1), PAIRS)
    changes = net.sysfs("carrier_changes")
    with Connection(vm, net), Flood(net, 64, rate=20_000, flows=FLOWS):
        for pairs in STEPS:
            vm.run(f"ethtool -L {net.interface} combined {pairs}")
            in_use(vm, net, pairs)
    settle(net)
    while_down(vm, net)
    short_of_memory(vm, net)
    expect.equal("changes of the carrier, but for one down and up", int(net.sysfs("carrier_changes")), int(changes) + 2)
    net.expect_identity()
    net.ping_guest()
    net.ping_host()


def in_use(vm: VM, net: Link, pairs: int) -> None:
    """@pairs are in use: each of them receives, and nothing is left of the others."""
    expect.equal("channels", net.channels(), (PAIRS, pairs))
    zones(vm, net, pairs)
    for queue in range(pairs, PAIRS):
        expect.equal(f"rx{queue}_posted", net.counters()[f"rx{queue}_posted"], 0)
    before = net.counters()
    expect.eventually("each queue in use receives", lambda: receiving(net, before)[:pairs], [True] * pairs, 60)
    expect.equal("the others receive", receiving(net, before)[pairs:], [False] * (PAIRS - pairs))
    expect.equal("carrier", net.sysfs("carrier"), "1")


def receiving(net: Link, before: dict[str, int]) -> list[bool]:
    """Say of each queue whether it has received anything since @before."""
    after = net.counters()
    return [after[name] > before[name] for name in (f"rx{queue}_frames" for queue in range(PAIRS))]


def zones(vm: VM, net: Link, pairs: int) -> None:
    expect.equal("zones", vm.run(f"ls {DEBUGFS}/zones").split(), [f"{net.device()}-rx{queue}" for queue in range(pairs)])


def refused(vm: VM, net: Link, pairs: str, stays: int) -> None:
    """A number that cannot be is an error, and changes nothing."""
    try:
        vm.run(f"ethtool -L {net.interface} combined {pairs}")
    except GuestError:
        expect.equal(f"channels after {pairs} were refused", net.channels(), (PAIRS, stays))
        zones(vm, net, stays)
        return
    raise expect.Failure(f"ethtool -L {net.interface} combined {pairs}", "an error", "success")


def while_down(vm: VM, net: Link) -> None:
    """A change while the interface is down is in force when it comes up."""
    vm.run(f"ip link set {net.interface} down; ethtool -L {net.interface} combined 1; ip link set {net.interface} up")
    expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
    expect.equal("channels after down and up", net.channels(), (PAIRS, 1))
    zones(vm, net, 1)


def short_of_memory(vm: VM, net: Link) -> None:
    """Three more rings of 512 pages need 6 MiB and more: with less, nothing happens; with enough, it works."""
    vm.run("mkdir -p /fill; mount -t tmpfs -o size=100% none /fill; sync; echo 3 > /proc/sys/vm/drop_caches")
    free = int(re.search(r"MemFree: +(\d+)", vm.run("cat /proc/meminfo"))[1])
    vm.run(f"dd if=/dev/zero of=/fill/up bs=1k count={free - 7_000} 2> /dev/null")
    frames = net.counters()["rx_frames"]
    refused(vm, net, str(PAIRS), 1)
    net.ping_guest()
    expect.at_least("packets received", net.counters()["rx_frames"] - frames, 5)
    expect.equal("complaints of a device that was restarted", vm.run("dmesg | grep 'cannot run' || true"), "")
    vm.run(f"rm /fill/up; umount /fill; ethtool -L {net.interface} combined {PAIRS}")
    zones(vm, net, PAIRS)


class Connection:
    """A TCP connection from the host to the guest, which echoes: it has to survive everything that is done meanwhile."""

    def __init__(self, vm: VM, net: Link) -> None:
        vm.run(f"nc -l -p {PORT} -e cat > /dev/null 2>&1 &")
        expect.eventually("the guest listens", lambda: f":{PORT} " in vm.run("ss -Hltn"), True)
        self._socket = socket.create_connection((net.guest, PORT), timeout=30 * effort.patience(vm.kernel))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk)
        self.rounds, self.problem = 0, ""

    def __enter__(self) -> "Connection":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()
        if kind is None:
            expect.equal("what happened to the connection", self.problem, "")
            expect.at_least("words that the guest has echoed", self.rounds, 10)

    def _talk(self) -> None:
        try:
            while not self._stop.wait(0.1):
                self._socket.sendall(b"word")
                if self._socket.recv(4, socket.MSG_WAITALL) != b"word":
                    raise OSError("the guest has hung up")
                self.rounds += 1
        except OSError as error:
            self.problem = str(error)
