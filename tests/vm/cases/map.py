# SPDX-License-Identifier: GPL-2.0
"""The map says what /proc/zoneinfo says, and its words follow the hog: open, low, atomic only, closed.

The guest has two nodes. The hog eats one of them, so that programs can look at the map meanwhile.
"""

import re

from qemu.vm import VM
from tests.hog.guest import Hog, expect_plausible
from tests.hog.passages import Map, Passage
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
APPEND = "init_on_alloc=0"
EXTRA_ARGS = ("-object", "memory-backend-ram,id=m0,size=256M", "-object", "memory-backend-ram,id=m1,size=256M",
              "-numa", "node,nodeid=0,cpus=0,memdev=m0", "-numa", "node,nodeid=1,memdev=m1")
NODE, ZONE = 1, "DMA32"
# Marks far apart, so that what the guest does by itself cannot cross one.
MIN_FREE_KB = 65536
# Pages that may come or go between two looks, and how many may move between the free ones and the CPUs' own lists.
TOLERANCE = 512
MOVABLE = 2048
ZONEINFO = {"free": r"pages free +(\d+)", "cma": r"nr_free_cma +(\d+)", "managed": r"managed +(\d+)", "min": r"min +(\d+)",
            "low": r"low +(\d+)", "high": r"high +(\d+)"}
MOVING = ("free", "pcp")
TRIES = 20
NORMAL = 2  # ZONE_NORMAL, which GFP_ATOMIC prefers, as an index of lowmem_reserve: after DMA and DMA32


def run(vm: VM, _net: Link) -> None:
    vm.run(f"echo {MIN_FREE_KB} > /proc/sys/vm/min_free_kbytes")
    with Hog(vm, node=NODE) as hog:
        same_as_zoneinfo(vm, hog.map())
        words(hog)


def same_as_zoneinfo(vm: VM, found: Map) -> None:
    """Compare every value with what the kernel itself prints."""
    wanted = zoneinfo(vm.run("cat /proc/zoneinfo"))
    blocks = buddyinfo(vm.run("cat /proc/buddyinfo"))
    expect.equal("passages", {(p.node, p.zone) for p in found.passages}, set(wanted))
    expect_plausible(found.passages)
    for passage in found.passages:
        key = (passage.node, passage.zone)
        for name, value in wanted[key].items():
            what = f"{name} of node {passage.node} zone {passage.zone}"
            if name in MOVING:
                expect.at_most(f"difference of {what}", abs(passage.number[name] - value), MOVABLE)
            else:
                expect.equal(what, passage.number[name], value)
        together = sum(passage.number[name] - wanted[key][name] for name in MOVING)
        expect.at_most(f"difference of {key}: free pages and those on the CPUs' lists", abs(together), TOLERANCE)
        expect.equal(f"orders of {key}", len(passage.blocks), len(blocks[key]))
        expect.at_most(f"difference of {key}: free pages and the sum of all blocks",
                       abs(sum(n << order for order, n in enumerate(passage.blocks)) - passage.number["free"]), TOLERANCE)
        expect_picture(passage)


def zoneinfo(text: str) -> dict[tuple[int, str], dict[str, int]]:
    """Return, for each zone of the allocator that has pages and serves the kernel, what the map shows, too."""
    result = {}
    for part in re.split(r"^(?=Node )", text, flags=re.MULTILINE)[1:]:
        head = re.match(r"Node (\d+), zone +(\S+)", part)
        values = {name: int(found[1]) for name, pattern in ZONEINFO.items() if (found := re.search(rf"^ +{pattern}$", part, re.M))}
        if not values.get("managed") or head[2] in ("Movable", "Device"):
            continue
        values["protect"] = int(re.search(r"protection: \((.*)\)", part)[1].split(", ")[NORMAL])
        lists = re.findall(r"^ +count: +(\d+)$", part, re.MULTILINE)
        expect.at_least(f"CPUs' lists of {head[0]}", len(lists), 1)
        values["pcp"] = sum(map(int, lists))
        result[int(head[1]), head[2]] = values
    return result


def buddyinfo(text: str) -> dict[tuple[int, str], list[int]]:
    """Return the numbers of free blocks of each zone of the allocator."""
    lines = re.findall(r"^Node (\d+), zone +(\S+) +(.*)$", text, re.MULTILINE)
    return {(int(node), zone): [int(word) for word in numbers.split()] for node, zone, numbers in lines}


def expect_picture(passage: Passage) -> None:
    """Expect the picture to be drawn to scale, and no mark to be missing that no later one covers."""
    last = len(passage.picture) - 1
    expect.equal("right end of the picture", passage.scale, 2 * (passage.number["high"] + passage.number["protect"]))
    column = {letter: min((passage.number[name] + passage.number["protect"]) * last // passage.scale, last)
              for letter, name in (("h", "high"), ("l", "low"), ("m", "min"), ("F", "floor"))}
    drawn = {}
    for letter, place in column.items():
        drawn[place] = letter
    length = min(passage.usable * last // passage.scale, last) + (passage.usable > 0)
    wanted = "".join(drawn.get(place, "#" if place < length else ".") for place in range(last + 1))
    expect.equal(f"picture of node {passage.node} zone {passage.zone}", passage.picture, wanted)


def words(hog: Hog) -> None:
    """Take page by page what the next word needs, look, and give all back."""
    look(hog, "open")
    lower(hog)
    look(hog, "open (low)")
    eat(hog, "take all nowait", "min")
    look(hog, "atomic only")
    eat(hog, "take all", "floor")
    passage = look(hog, "closed (at the floor)")
    expect.at_most("free pages of a closed passage", passage.above("floor"), 0)
    hog.tell("give all")
    look(hog, "open")
    hog.expect_answered()


def lower(hog: Hog) -> None:
    """Bring free memory between the minimum and the low mark; kswapd reclaims meanwhile, and CPUs fill their lists."""
    for _ in range(TRIES):
        passage = hog.map().passage(NODE, ZONE)
        aim = (passage.number["low"] + passage.number["min"]) // 2 + passage.number["protect"]
        if passage.above("low") > 0:
            hog.tell(f"take {passage.usable - aim}")
        elif passage.above("min") <= 0:
            hog.tell(f"give {aim - passage.usable}")
        else:
            return
    raise expect.Failure("free memory between min and low", f"within {TRIES} tries", passage)


def eat(hog: Hog, command: str, mark: str) -> None:
    """Take all that a request can get, and again what others give back before anybody can look."""
    for _ in range(TRIES):
        hog.tell(command)
        if hog.map().passage(NODE, ZONE).above(mark) <= 0:
            return
    raise expect.Failure(f"pages above {mark} after {command}", f"none within {TRIES} tries", hog.map().passage(NODE, ZONE))


def look(hog: Hog, word: str) -> Passage:
    """Expect the passage to be as the word says, and to be drawn so."""
    found = hog.map()
    expect_plausible(found.passages)
    passage = found.passage(NODE, ZONE)
    expect.equal(f"verdict on node {NODE} zone {ZONE} with {passage.number}", passage.verdict, word)
    expect_picture(passage)
    return passage
