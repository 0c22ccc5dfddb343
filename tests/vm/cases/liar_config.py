# SPDX-License-Identifier: GPL-2.0
"""A device that says nonsense of itself is used without what makes no sense, or refused with one error; nothing breaks."""

from dataclasses import dataclass

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import BITS, Liar
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
TIMEOUT = 600

CONTROL = (*guest.DEFAULT, "CTRL_VQ", "CTRL_RX", "MQ", "RSS", "HASH_REPORT", "MTU", "SPEED_DUPLEX", "GUEST_ANNOUNCE")


@dataclass(frozen=True)
class Nonsense:
    """What a device says in its configuration space, and which features the driver does not take then."""

    config: dict[int, bytes]
    refused: frozenset[str] = frozenset()


def word(value: int) -> bytes:
    """Return a number of two bytes."""
    return value.to_bytes(2, "little")


NONSENSE = {
    "MTU 0": Nonsense({guest.MTU: word(0)}, frozenset({"MTU"})),
    "MTU 67": Nonsense({guest.MTU: word(67)}, frozenset({"MTU"})),
    "MTU 65535": Nonsense({guest.MTU: word(65535)}),
    "no queue pairs": Nonsense({guest.MAX_PAIRS: word(0)}, frozenset({"MQ", "RSS"})),
    "65535 queue pairs": Nonsense({guest.MAX_PAIRS: word(65535)}, frozenset({"MQ", "RSS"})),
    "status 0xffff": Nonsense({guest.STATUS: word(0xFFFF)}),
    "MAC 0": Nonsense({guest.MAC: bytes(6)}),
    "MAC multicast": Nonsense({guest.MAC: bytes.fromhex("010203040506")}),
    "MAC broadcast": Nonsense({guest.MAC: b"\xff" * 6}),
    "speed": Nonsense({guest.SPEED: b"\xff" * 4, guest.DUPLEX: b"\x77"}),
    "no key": Nonsense({guest.RSS_KEY_SIZE: b"\0"}, frozenset({"RSS", "HASH_REPORT"})),
    "no table": Nonsense({guest.RSS_TABLE: word(0)}, frozenset({"RSS", "HASH_REPORT"})),
    "large table": Nonsense({guest.RSS_TABLE: word(65535), guest.RSS_KEY_SIZE: b"\xff"}),
    "no hashes": Nonsense({guest.HASH_TYPES: bytes(4)}),
    "all hashes": Nonsense({guest.HASH_TYPES: b"\xff" * 4}),
}


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    complaints = []
    for name, nonsense in NONSENSE.items():
        complaints += guest.attempt(name, lambda nonsense=nonsense: says(vm, nonsense))
    for look in (missing, alone, changes, stubborn, bare):
        complaints += guest.attempt(look.__name__, lambda look=look: look(vm))
    expect.equal("what was not taken as it has to be", complaints, [])


def says(vm: VM, nonsense: Nonsense) -> None:
    """Make a device that says nonsense, and use it."""
    with Liar(vm, features=CONTROL, config=nonsense.config) as liar:
        liar.up()
        expect.equal("features refused", set(CONTROL) - liar.taken(), set(nonsense.refused))
        expect.equal("a multicast address, or none", liar.mac()[0] & 1 or not any(liar.mac()), False)
        vm.run(f"ethtool {liar.interface}; ethtool -l {liar.interface}; ethtool -x {liar.interface} || true")
        liar.expect_delivered()
        liar.expect_balance()


def missing(vm: VM) -> None:
    """A device with fewer queues than it says cannot be brought up, and says so; it can be removed."""
    with Liar(vm, features=CONTROL, config={guest.MAX_PAIRS: word(8)}) as liar:
        liar.find()
        refuses_up(liar)
        refuses_up(liar)


def alone(vm: VM) -> None:
    """Every feature bit without those that it needs, and all of them at once."""
    # With STANDBY there is one more interface: see the case failover.
    bits = [bit for bit in BITS if bit != "STANDBY"]
    for bit in bits:
        with Liar(vm, features=[bit]) as liar:
            expect.equal(f"{bit} alone: features taken that were not offered", liar.taken() - {bit}, set())
            liar.up()
            liar.expect_delivered()
    with Liar(vm, features=bits) as liar:
        liar.up()
        liar.expect_delivered()


def changes(vm: VM) -> None:
    """The configuration space changes while the device runs; and it gives up."""
    with Liar(vm, features=CONTROL) as liar:
        liar.up()
        for offset, data in ((guest.STATUS, word(0xFFFF)), (guest.MTU, word(0)), (guest.MAX_PAIRS, word(0)), (guest.MAC, bytes(6)),
                             (guest.SPEED, b"\xff" * 4), (guest.RSS_TABLE, word(0)), (guest.STATUS, word(1))):
            liar.configure(offset, data)
            liar.expect_delivered()
        # Nobody looks at it while the interface is down, and it counts once it is up.
        vm.run(f"ip link set {liar.interface} down")
        liar.configure(guest.STATUS, word(0))
        vm.run(f"ip link set {liar.interface} up")
        expect.equal("carrier", vm.run(f"cat /sys/class/net/{liar.interface}/carrier").strip(), "0")
        liar.configure(guest.STATUS, word(1))
        liar.expect_delivered()
        for _ in range(3):
            before = int(liar.queues()[0]["kicks"])
            liar.tell("give-up")
            expect.eventually("the driver begins anew", lambda: liar.number("status"), 15)
            expect.at_least("kicks", int(liar.queues()[0]["kicks"]), before)
            liar.expect_delivered()


def stubborn(vm: VM) -> None:
    """A device that takes its features back is not used; once it does not, it is."""
    unused(vm, "stubborn")
    with Liar(vm) as liar:
        liar.up()
        liar.tell("stubborn 1")
        vm.run(f"ip link set {liar.interface} down")
        refuses_up(liar)
        liar.tell("stubborn 0")
        liar.up()
        liar.expect_delivered()


def bare(vm: VM) -> None:
    """A device without a configuration space is not used, and that is said."""
    unused(vm, "bare")
    expect.equal("lines of the kernel's log", vm.run("dmesg | grep -c 'device has no configuration space'").strip(), "1")


def unused(vm: VM, kind: str) -> None:
    """Expect that a device of that kind has no interface."""
    vm.run(f"echo add x {kind}=1 > {guest.DEBUGFS}/control")
    device = dict(line.split(" ", 1) for line in vm.run(f"cat {guest.DEBUGFS}/x/status").splitlines())["device"]
    expect.equal(f"a {kind} device has an interface", vm.run(f"ls /sys/bus/virtio/devices/{device}/net 2> /dev/null || true"), "")
    vm.run(f"echo remove x > {guest.DEBUGFS}/control")


def refuses_up(liar: Liar) -> None:
    """Expect that the interface cannot be brought up."""
    try:
        liar.vm.run(f"ip link set {liar.interface} up")
    except GuestError:
        return
    raise expect.Failure(f"ip link set {liar.interface} up", "an error", "none")
