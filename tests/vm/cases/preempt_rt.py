# SPDX-License-Identifier: GPL-2.0
"""PREEMPT_RT: nothing is taken in true hard interrupt, and the threads that interrupts are there stock the queue.

The consumer's timer is a hard interrupt even there: each of its requests is refused and counted as such.
"""

from qemu.vm import VM
from tests.vm import expect
from tests.vm.cases import consumer
from tests.vm.link import Link
from tests.vm.traffic import Flood

KERNEL = "6.1-rt"
DRIVERS = ("labnet",)
CPUS = 2
TIMEOUT = 300
PAGES = 5_000


def run(vm: VM, net: Link) -> None:
    net.ping_guest()
    with Flood(net, 1500, flows=1):
        vm.run("sleep 3")
    counters = net.expect_identity()
    expect.equal("page_stocked_irq", counters["page_stocked_irq"], 0)
    expect.at_least("page_stocked_task (by the interrupt's thread)", counters["page_stocked_task"], 1)
    expect.equal("page_fail_rt_irq", counters["page_fail_rt_irq"], 0)
    vm.run(f"modprobe labyrinth_consumer pages={PAGES}")
    consumer.finish(vm)
    stats = consumer.table(vm, f"{consumer.ZONE}/stats")
    expect.equal("pages the timer took in hard interrupt", stats["stocked_irq"], 0)
    expect.at_least("requests refused in hard interrupt", stats["fail_rt_irq"], 1)
    expect.equal("requests refused == requests in hard interrupt", stats["fail_rt_irq"], stats["attempts_irq"])
    vm.run("rmmod labyrinth_consumer")
