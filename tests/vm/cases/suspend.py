# SPDX-License-Identifier: GPL-2.0
"""The machine sleeps (ACPI S3) and wakes up: the card goes on with all its queues, addresses, pages and counters."""

from concurrent.futures import ThreadPoolExecutor

from qemu.vm import VM, Nic
from tests.vm import expect, transfer
from tests.vm.link import DEBUGFS, Link

PAIRS = 2
NICS = [Nic(queues=PAIRS)]
# Waking up, the firmware starts every other CPU to count it, and leaves it spinning on a lock that it never gets, beside
# its own code, until the kernel takes it over. QEMU without KVM translates that code anew each time, and may hold up
# the first CPU so much that a debug kernel stands still for seconds, once for a minute: such a kernel has one CPU.
VARIANTS = {"": {"CPUS": PAIRS, "pairs": PAIRS}, "one_cpu": {"CPUS": 1, "pairs": 1}}
TIMEOUT = 300
TIMES = 2
CONTENT = 5_000_000


def run(vm: VM, net: Link, pairs: int) -> None:
    # The console stays awake: a guest that does not wake up says how far it came.
    vm.run("echo N > /sys/module/printk/parameters/console_suspend")
    for _ in range(TIMES):
        before = net.received()
        zones = vm.run(f"ls -i {DEBUGFS}/zones 2> /dev/null || true")
        sleep(vm)
        expect.equal("zones after waking up", vm.run(f"ls -i {DEBUGFS}/zones 2> /dev/null || true"), zones)
        expect.eventually("carrier", lambda: net.sysfs("carrier"), "1")
        expect.equal("queue pairs after waking up", net.channels(), (pairs, pairs))
        net.ping_guest()
        net.ping_host()
        expect.at_least("packets received, since before the sleep", net.received() - before, 10)
    transfer.to_guest(vm, net, CONTENT)
    transfer.to_host(vm, net, CONTENT)
    while_down(vm, net)
    if net.driver == "labnet":
        net.expect_identity()


def while_down(vm: VM, net: Link) -> None:
    """An interface that is down when the machine falls asleep is down afterwards, and can be brought up."""
    vm.run(f"ip link set {net.interface} down")
    sleep(vm)
    expect.equal("operstate after waking up", net.sysfs("operstate"), "down")
    net.configure()
    net.ping_guest()


def sleep(vm: VM) -> None:
    """Suspend the guest to memory, and wake it up: its answer comes when it is awake again."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        night = pool.submit(vm.run, "echo mem > /sys/power/state")
        vm.wait_event("SUSPEND")
        vm.qmp("system_wakeup")
        vm.wait_event("WAKEUP")
        night.result()
    vm.run("dmesg | grep -q 'PM: suspend exit' && dmesg -c > /dev/null")
