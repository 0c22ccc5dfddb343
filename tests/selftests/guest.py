# SPDX-License-Identifier: GPL-2.0
"""A guest for one test: two cards on one bridge, the first under test, the second in a network namespace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qemu import BUILD, network
from qemu.kernels import Kernel
from qemu.vm import VM, GuestError, Lost, Nic
from tests.selftests import image
from tests.vm import ending, expect
from tests.vm.link import Link

QUEUES = 4
CPUS = 2
# Of tests that want more: so many processors, and queues in use, where some processors have to be free of interrupts.
MORE = {"hw/rss_ctx.py": (4, 4), "hw/rss_drv.py": (4, 4), "hw/toeplitz.py": (4, 2)}
MEMORY = "1536M"
BRIDGE = "br0"
# Tests send frames of 9000 bytes between the cards.
MTU = 9216
REMOTE_DRIVER = "virtio_net"
LIMIT = 900  # seconds for one test, all its cases: gro.py has more than a hundred
LOCAL = {"4": "192.0.2.1", "6": "2001:db8:1::1"}
REMOTE = {"4": "192.0.2.2", "6": "2001:db8:1::2"}
LENGTHS = {"4": 24, "6": 64}
PREFIX = "2001:db8:2::/64"  # behind the card, for containers

# The tests find their programs and the kernel's modules where a Debian system has them. A network namespace made there
# is mounted, for which the system's root has to be a mount of its own.
CHROOT = """
set -e
mount --bind /debian /debian
cd /debian
mkdir -p usr/lib/modules
mount -t proc proc proc
mount --rbind /sys sys
mount --bind /dev dev
mount -t tmpfs run run
mount -t tmpfs tmp tmp
mount --bind /usr/lib/modules usr/lib/modules
mount -t bpf bpf sys/fs/bpf
"""
# Duplicate addresses are not looked for: the remote end's would not be usable for seconds.
ADDRESSES = """
set -e
ip netns add remote
ip link set {remote} netns remote
{commands}
for run in "" "ip netns exec remote"; do $run ip link set lo up; done
ip -n remote route add {prefix} via {gateway}
"""
# An emulated guest is slow: what depends on time is then expected to fail.
TEST = """
cd /{directory}
NETIF={local} LOCAL_V4={v4} LOCAL_V6={v6} REMOTE_V4={remote_v4} REMOTE_V6={remote_v6} REMOTE_TYPE=netns REMOTE_ARGS=remote \
LOCAL_PREFIX_V6={prefix} KSFT_MACHINE_SLOW=yes \
timeout -k 10 {limit} python3 {name} 2>&1
echo "status $?"
"""


def run(test: str, driver: str, kernel: Kernel, archive: Path) -> tuple[str, str]:
    """Run one test with @driver; return what it has printed, and what is wrong with the guest afterwards."""
    cpus, queues = MORE.get(test, (CPUS, CPUS))
    log = BUILD / "logs" / "selftests" / driver / f"{test.replace('/', '-')}.log"
    with _cards() as nics:
        try:
            with VM(kernel, nics=nics, memory=MEMORY, cpus=cpus, files=_modules(kernel), archives=[archive], log=log) as vm:
                local = _prepare(vm, nics, driver)
                _inside(vm, f"ethtool -L {local} combined {queues}")
                return _run(vm, test, local), _ending(vm, driver)
        except (Lost, GuestError, expect.Failure) as problem:
            return "", f"{problem}\nlog: {log}"


def _modules(kernel: Kernel) -> dict[str, Path]:
    """Return all of the kernel's modules: which of them a test asks for is hardly to be found out."""
    return {f"/usr/lib/modules/{kernel.release}/{path.relative_to(kernel.modules)}": path for path in kernel.modules.rglob("*.ko")}


@contextmanager
def _cards() -> Iterator[list[Nic]]:
    """Yield two cards with everything that QEMU has, whose tap devices are on one bridge."""
    properties = {"rss": "on", "hash": "on", "host_mtu": str(MTU)}
    nics = [Nic(name=f"net{number}", tap=f"tap{number}", queues=QUEUES, properties=properties) for number in range(2)]
    try:
        for number, nic in enumerate(nics):
            network.tap(nic.tap, f"10.11.{number}.1/24", QUEUES)
        network.bridge(BRIDGE, [nic.tap for nic in nics], MTU)
        yield nics
    finally:
        for name in (BRIDGE, *(nic.tap for nic in nics)):
            network.remove(name)


def _prepare(vm: VM, nics: list[Nic], driver: str) -> str:
    """Make the Debian system usable, drive the cards, and give them addresses; return the name of the one under test."""
    vm.run(CHROOT)
    # The kernel itself loads modules that somebody asks for.
    vm.run(f"depmod && modprobe {REMOTE_DRIVER} && command -v modprobe > /proc/sys/kernel/modprobe")
    local, remote = (Link(vm, nic, driver) for nic in nics)
    local.find()
    remote.find()
    if driver != REMOTE_DRIVER:
        _bind(vm, local, driver)
    commands = []
    for run, interface, addresses in (("", local.interface, LOCAL), ("ip netns exec remote ", remote.interface, REMOTE)):
        commands += [f"{run}ip link set {interface} mtu 1500 up"]
        commands += [f"{run}ip address add {addresses[version]}/{LENGTHS[version]} dev {interface} {'nodad' * (version == '6')}"
                     for version in addresses]
    _inside(vm, ADDRESSES.format(remote=remote.interface, commands="\n".join(commands), prefix=PREFIX, gateway=LOCAL["6"]))
    expect.eventually("carrier", lambda: local.sysfs("carrier"), "1")
    return local.interface


def _bind(vm: VM, link: Link, driver: str) -> None:
    """Take a card away from the driver that has it, and give it to @driver."""
    device = link.device()
    vm.run(f"modprobe {driver}\n"
           f"echo {device} > /sys/bus/virtio/drivers/{REMOTE_DRIVER}/unbind\n"
           f"echo {device} > /sys/bus/virtio/drivers/{driver}/bind")
    link.find()


def _run(vm: VM, test: str, local: str) -> str:
    directory, _, name = f"{image.LINUX}/{image.TESTS}/{test}".rpartition("/")
    script = TEST.format(directory=directory, name=name, local=local, limit=LIMIT, v4=LOCAL["4"], v6=LOCAL["6"],
                         remote_v4=REMOTE["4"], remote_v6=REMOTE["6"], prefix=PREFIX)
    return _inside(vm, script, LIMIT + 60)


def _inside(vm: VM, script: str, timeout: float = 60) -> str:
    """Run a script in the Debian system."""
    return vm.run(f"chroot /debian /bin/bash <<'SCRIPT'\n{script}\nSCRIPT", timeout)


def _ending(vm: VM, driver: str) -> str:
    """Return what is wrong with the guest after the test, as after each case of tests/vm."""
    try:
        ending.check(vm, driver)
    except (expect.Failure, GuestError) as problem:
        return str(problem)
    return ""
