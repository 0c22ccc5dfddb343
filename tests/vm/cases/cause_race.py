# SPDX-License-Identifier: GPL-2.0
"""Memory comes back between a failure and the look at its reason: fail_race. A real race of two CPUs, so it takes tries.

One CPU takes all memory of a node and gives some back, again and again; the other asks meanwhile. Most
of its failures find the node empty; some find the memory that was given back just then. The guest's
programs live on the other node.
"""

from qemu.vm import VM
from tests.hog.guest import COMMAND, ZONE, Hog, expect_plausible
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
APPEND = "init_on_alloc=0"
EXTRA_ARGS = ("-object", "memory-backend-ram,id=m0,size=256M", "-object", "memory-backend-ram,id=m1,size=256M",
              "-numa", "node,nodeid=0,cpus=0-1,memdev=m0", "-numa", "node,nodeid=1,memdev=m1")
NODE = 1
TIMEOUT = 240
LONGEST = 120
START = f"""
touch /run/breathe
while [ -e /run/breathe ]; do
	taskset 2 echo '{"; ".join(["take all", "give 1024"] * 100)}' > {COMMAND}
done > /dev/null 2>&1 &
"""
STOP = "rm -f /run/breathe; sleep 1"
# As many requests at a time as a zone remembers failures.
ASK = f"""
now() {{ read -r uptime _ < /proc/uptime; echo "${{uptime%.*}}"; }}
end=$(($(now) + {LONGEST}))
until grep -q fail_race {ZONE}/failures; do
	[ "$(now)" -lt $end ] || {{ echo 'no race in {LONGEST} s'; exit 1; }}
	echo 'request task 8' > {COMMAND}
done
"""


def run(vm: VM, _net: Link) -> None:
    with Hog(vm, node=NODE) as hog:
        hog.expect_answered()
        before = hog.stats()
        vm.run(START)
        try:
            vm.run(ASK, timeout=LONGEST + 30)
        finally:
            vm.run(STOP)
        after = hog.stats()
        moved = {name for name in after if after[name] != before[name] and name.startswith("fail")}
        # There need not be any at the end of the node's memory: a race may be the first failure.
        expect.equal("failures, those apart that found the node empty", moved - {"fail_node"}, {"fail_race", "failed_task"})
        expect_record(hog)
        hog.tell("give all")
        hog.expect_answered()


def expect_record(hog: Hog) -> None:
    """Expect the record of a race to show the memory that came too late."""
    record = next(record for record in hog.failures() if record.cause == "fail_race")
    expect.equal("context of the race", record.context, "task")
    expect.contains("function that asked", record.site, "hog_request")
    expect_plausible(record.passages)
    above = [passage.above("floor") for passage in record.passages if passage.node == NODE]
    expect.at_least("usable pages of the node above the floor", max(above), 1)
    expect.progress(f"failure {record.number} was a race: {max(above)} pages above the floor a moment later")
