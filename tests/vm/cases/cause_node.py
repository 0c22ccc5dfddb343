# SPDX-License-Identifier: GPL-2.0
"""A zone is bound to a NUMA node whose memory is out, while others have plenty: fail_node.

There are more nodes than a record has room for; the zone's own has to be among those recorded.
"""

from qemu.vm import VM
from tests.hog.guest import FAILED, TOTAL, Hog, causes, everywhere
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
NODES = 8
NODE = NODES - 1
MEMORY = f"{NODES * 128}M"
APPEND = "init_on_alloc=0"
EXTRA_ARGS = [word for node in range(NODES) for word in (
    "-object", f"memory-backend-ram,id=m{node},size=128M",
    "-numa", f"node,nodeid={node},memdev=m{node}" + (",cpus=0" if node == 0 else ""))]


def run(vm: VM, _net: Link) -> None:
    with Hog(vm, node=NODE) as hog:
        expect.equal("nodes", [node.node for node in hog.map().nodes], list(range(NODES)))
        hog.expect_answered()
        moved = hog.tell("take all", *everywhere("squeeze"), "give all")
        expect.equal("failures while the node is empty", causes(moved), {"fail_node": TOTAL, **FAILED})
        for record in hog.expect_records("fail_node"):
            for passage in record.passages:
                if passage.node == NODE:
                    expect.at_most(f"usable pages of {passage.zone} above the floor", passage.above("floor"), 0)
            expect.equal("the zone's node is recorded", NODE in {passage.node for passage in record.passages}, True)
            elsewhere = {passage.verdict for passage in record.passages if passage.node != NODE}
            expect.equal("another node has an open passage", "open" in elsewhere, True)
        hog.expect_answered()
