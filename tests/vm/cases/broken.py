# SPDX-License-Identifier: GPL-2.0
"""A virtqueue breaks, or the device gives up: that is noticed, said, and the card works again without help.

The module labyrinth_breaker breaks the card: see there for how.
"""

from qemu.vm import VM, Nic
from tests.vm import expect
from tests.vm.link import Link
from tests.vm.traffic import Flood, settle

DRIVERS = ("labnet",)
TIMES = 3
# A buffer of this one is a chain of three pages.
CHAIN = Nic(properties={"mrg_rxbuf": "off", "host_mtu": "9000"})
VARIANTS = {
    "queue": {"what": "queue", "says": "is broken, restarting the device"},
    "device": {"what": "device", "says": "the device asks for a reset"},
    "chain": {"what": "queue", "says": "is broken, restarting the device", "NICS": [CHAIN], "pages": 3},
}


def run(vm: VM, net: Link, what: str, says: str, pages: int = 1) -> None:
    changes = net.sysfs("carrier_changes")
    for time in range(1, TIMES + 1):
        if what == "device":
            # A driver that adds a buffer repairs the ring before the device looks at it: no traffic while it is broken.
            destroy(vm, net, what)
        with Flood(net, 64, rate=5000):
            if what == "queue":
                expect.eventually("the flood arrives", lambda: arriving(net), True, 20)
                destroy(vm, net, what)
            expect.eventually(f"the kernel's log says '{says}' once more", lambda: said(vm, says) >= time, True, 20)
            expect.eventually("packets arrive again", lambda: arriving(net), True, 20)
        settle(net)
        net.ping_guest()
        net.ping_host()
    counters = net.expect_identity()
    if what == "queue":
        expect.at_least("rx_broken + tx_broken", counters["rx_broken"] + counters["tx_broken"], TIMES)
    expect.equal("changes of the carrier", net.sysfs("carrier_changes"), changes)
    expect.equal("rx_posted", counters["rx_posted"], net.ring_size() // pages)


def destroy(vm: VM, net: Link, what: str) -> None:
    vm.run(f"modprobe labyrinth_breaker interface={net.interface} what={what} && rmmod labyrinth_breaker")


def said(vm: VM, words: str) -> int:
    """Return in how many lines of its log the kernel has said this."""
    return int(vm.run(f"dmesg | grep -c '{words}' || true"))


def arriving(net: Link) -> bool:
    """Whether packets arrive now."""
    before = net.received()
    net.vm.run("sleep 0.2")
    return net.received() > before
