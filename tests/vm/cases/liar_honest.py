# SPDX-License-Identifier: GPL-2.0
"""A device of labyrinth_liar that does not lie is a network card like any other: for TCP, ping, offloads and commands."""

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
TIMEOUT = 600

OFFLOADS = ("CSUM", "GUEST_CSUM", "HOST_TSO4", "HOST_TSO6", "GUEST_TSO4", "GUEST_TSO6")
RINGS = ("INDIRECT_DESC", "EVENT_IDX")
CONTROL = ("CTRL_VQ", "CTRL_RX", "CTRL_VLAN", "CTRL_MAC_ADDR", "MQ", "RSS")
# The kinds of cards over which the rest is repeated.
KINDS = {
    "plain": ("MAC", "VERSION_1"),
    "legacy": ("MAC",),
    "legacy, mergeable": ("MAC", "MRG_RXBUF"),
    "mergeable": guest.DEFAULT,
    "rings": guest.DEFAULT + RINGS,
    "offloads": guest.DEFAULT + RINGS + OFFLOADS,
    "hash": (*guest.DEFAULT, "CTRL_VQ", "HASH_REPORT"),
}
HERE, THERE = "10.12.0.1", "10.12.0.2"
# VIRTIO_NET_HDR_F_DATA_VALID, and a datagram from there to here for a port that nobody has, with a wrong checksum.
VALID = 2
DATAGRAM = bytes.fromhex("4500002000004000401126b3" "0a0c00020a0c0001" "0fa00009000c0001" "78787878")
# Writes that make no sense.
NONSENSE = {
    "control": ("", "add", "remove nobody", "remove", "add x features=1-", "add x features=128", "add x features=33",
                "add x size=3", "add x size=2048", "add x pairs=0", "add x pairs=65", "add x config=0:1", "add x config=99:00",
                "add x hue=1", "add a", "add a/b", "add 0123456789abcdef", "remove a quietly", "add x size"),
    "a/command": ("", "receive", "receive 1", "receive x", "receive 0 0 0", "wire", "wire nobody", "config 0", "config 0 123", "config 99 00",
                  "answer 1 1", "answer 256 * OK", "answer 1 1 YES", "answer 1 1 OK 0", "sing", "lie rx", "lie ex len_none", "lie rx nothing", "lie tx overrun", "lie rx len_none x",
                  "random", "random x", "give-up 1", "stubborn 2", "deaf", "interrupt 3 1", "interrupt 0"),
    "a/flood": ("", "0", "x 1", "0 x", "1 1 1"),
}


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm, "a") as a:
        a.up()
        refuses_nonsense(a)
        delivers(a)
    with Liar(vm, "a", features=(*guest.DEFAULT, "GUEST_CSUM")) as a:
        a.up(HERE)
        checksums(a)
    for name, features in KINDS.items():
        expect.progress(name)
        carries(vm, name, features)
    obeys(vm)


def refuses_nonsense(a: Liar) -> None:
    """A bad write fails with EINVAL and changes nothing."""
    before = a.status()
    for file, lines in NONSENSE.items():
        for line in lines:
            try:
                a.vm.run(f"echo '{line}' > {guest.DEBUGFS}/{file}")
            except GuestError:
                continue
            raise expect.Failure(f"'{line}' to {file}", "an error", "none")
    expect.equal("status after nonsense", a.status(), before)
    expect.equal("devices after nonsense", a.vm.run(f"ls {guest.DEBUGFS}").split(), ["a", "control", "lies"])


def delivers(a: Liar) -> None:
    """What is injected arrives as it is; what does not fit is said."""
    before = a.counters()
    for size in (14, 60, 1514, 3712, 3713, 9000, 65000):
        a.receive(header() + ethernet(a.mac(), size))
    a.receive(header() + ethernet(a.mac()), count=20)
    moved = guest.settled(lambda: a.moved(before))
    for counter in ("rx_frames", "rx_delivered"):
        expect.equal(counter, moved[counter], 27)
    expect.equal("rx_bytes", moved["rx_bytes"], 14 + 60 + 1514 + 3712 + 3713 + 9000 + 65000 + 20 * 64)
    expect.equal("dropped frames", {name: value for name, value in moved.items() if "drop" in name or "violation" in name}, {})
    try:
        a.receive(b"short")
    except GuestError:
        return
    raise expect.Failure("a frame without a virtio header", "an error", "none")


def checksums(a: Liar) -> None:
    """A datagram with a wrong checksum is dropped, unless the device has said that the checksum is right."""
    for flags, count in ((0, "InCsumErrors"), (VALID, "NoPorts")):
        before = udp(a)
        a.receive(header(flags) + ethernet(a.mac(), 14, 0x0800) + DATAGRAM)
        expect.eventually(f"{count} with flags {flags}", lambda before=before, count=count: udp(a)[count] - before[count], 1)


def udp(a: Liar) -> dict[str, int]:
    """Return what the guest has counted of UDP."""
    names, values = (line.split()[1:] for line in a.vm.run("grep Udp: /proc/net/snmp").splitlines())
    return dict(zip(names, map(int, values), strict=True))


def carries(vm: VM, name: str, features: tuple[str, ...]) -> None:
    """Two devices that are wired to each other carry ping and TCP, byte by byte."""
    with Liar(vm, "a", features=features) as a, Liar(vm, "b", features=features) as b:
        a.tell("wire b")
        b.tell("wire a")
        a.up(HERE)
        b.find()
        vm.run("set -e; mkdir -p /var/run; ip netns add there\n"
               f"ip link set {b.interface} netns there\n"
               f"ip -n there address add {THERE}/24 dev {b.interface}\n"
               f"ip -n there link set {b.interface} up")
        expect.equal(f"{name}: features refused", set(features) - a.taken(), set())
        vm.run(f"ping -n -c 3 -i 0.2 -W 5 {THERE} > /dev/null")
        # The end of its own input would end the receiver: so there is none.
        vm.run("set -e; head -c 1000000 /dev/urandom > /tmp/from; mkfifo /tmp/endless\n"
               "ip netns exec there nc -l -p 99 <> /tmp/endless > /tmp/to &\n"
               f"sleep 1; nc {THERE} 99 < /tmp/from > /dev/null\n"
               "wait; cmp /tmp/from /tmp/to; rm /tmp/from /tmp/to /tmp/endless", timeout=120)
        longest = max(frame.length - len(frame.header) for frame in a.sent())
        expect.equal(f"{name}: there are frames of more than one segment", longest > 1514, "HOST_TSO4" in features)
        for liar in (a, b):
            status = liar.status()
            expect.equal(f"{name}: unsuited", status["unsuited"], "0")
        a.expect_balance()
        b.expect_balance()
        vm.run("ip netns del there")
        expect.eventually("interfaces are back", lambda: b.find() != "", True, 60)


def obeys(vm: VM) -> None:
    """Commands are remembered with their data, and answered as a case has said."""
    with Liar(vm, "a", features=guest.DEFAULT + CONTROL, pairs=4) as a:
        a.up()
        expect.equal("queue pairs in use", vm.run(f"ethtool -l {a.interface} | tail -4 | grep -c 'Combined:.*2'").strip(), "1")
        vm.run(f"ip link set {a.interface} address 02:00:00:00:00:77")
        [last] = [command for command in a.commands() if (command.kind, command.command) == (1, 1)][-1:]
        expect.equal("data of MAC_ADDR_SET", (last.data.hex(), last.verdict), ("020000000077", 0))
        a.tell("answer 1 1 ERR")
        try:
            vm.run(f"ip link set {a.interface} address 02:00:00:00:00:78")
        except GuestError:
            expect.equal("verdict", a.commands()[-1].verdict, 1)
        else:
            raise expect.Failure("a refused address", "an error", "none")
        a.tell("answer reset")
        a.configure(guest.STATUS, b"\0\0")
        expect.eventually("carrier", lambda: vm.run(f"cat /sys/class/net/{a.interface}/carrier").strip(), "0")
        a.configure(guest.STATUS, b"\1\0")
        expect.eventually("carrier", lambda: vm.run(f"cat /sys/class/net/{a.interface}/carrier").strip(), "1")
        a.receive(header() + ethernet(a.mac()), pair=1)
        expect.eventually("a frame to the second queue", lambda: a.counters()["rx1_delivered"], 1)
