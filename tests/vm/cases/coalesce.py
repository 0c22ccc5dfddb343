# SPDX-License-Identifier: GPL-2.0
"""Interrupt moderation: what ethtool sets is what the card is told, again after a reset; it may choose for itself.

The card is one of labyrinth_liar, which remembers what it is told.
"""

import re
import struct

from qemu.vm import VM, GuestError
from tests.liar import guest
from tests.liar.guest import Liar, ethernet, header
from tests.vm import expect
from tests.vm.link import Link

DRIVERS = ("labnet",)
LOAD = False
CPUS = 2
PAIRS = 2
TIMEOUT = 200
CONTROL = (*guest.DEFAULT, "CTRL_VQ", "MQ")
# The class of the commands, and the commands.
CLASS, TX, RX, QUEUE = 6, 0, 1, 2
NOTHING = {"rx-usecs": "0", "rx-frames": "0", "tx-usecs": "0", "tx-frames": "0"}
WANTED = {"rx-usecs": "50", "rx-frames": "20", "tx-usecs": "30", "tx-frames": "10"}
# The kernel's profiles for DIM: microseconds, all with the same number of packets.
PROFILES, PROFILE_PACKETS = (1, 8, 64, 128, 256), 256
BURSTS = 400


def run(vm: VM, _net: Link) -> None:
    vm.run("modprobe labnet")
    with Liar(vm, features=CONTROL, pairs=PAIRS) as card:
        card.up()
        refused(card, "-c")
        refused(card, "-C", "rx-usecs 50")
    with Liar(vm, features=(*CONTROL, "NOTF_COAL"), pairs=PAIRS) as card:
        card.up()
        all_queues(card)
    with Liar(vm, features=(*CONTROL, "VQ_NOTF_COAL"), pairs=PAIRS) as card:
        card.up()
        each_queue(card)
        adaptive(card)


def all_queues(card: Liar) -> None:
    """Two commands, one per direction, and both again after a reset."""
    expect.equal("moderation at first", shown(card), NOTHING)
    expect.equal("commands about it at first", told(card), [])
    ethtool(card, "-C", *words(WANTED))
    expect.equal("moderation", shown(card), WANTED)
    expect.equal("what the card was told", told(card), [(TX, 10, 30), (RX, 20, 50)])
    restart(card)
    expect.equal("what it was told after down and up", told(card)[2:], [(TX, 10, 30), (RX, 20, 50)])
    refused(card, "-C", "adaptive-rx on")
    refused(card, "--per-queue", "queue_mask 1 --coalesce rx-usecs 7")
    # The card takes one direction and not the other: both are as they were.
    card.tell(f"answer {CLASS} {RX} ERR")
    refused(card, "-C", "tx-usecs 31 rx-usecs 51")
    expect.equal("moderation after a refusal", shown(card), WANTED)
    expect.equal("what the card was told last about sending", [one for one in told(card) if one[0] == TX][-1], (TX, 10, 30))
    card.tell("answer reset")


def each_queue(card: Liar) -> None:
    """All queues at once are told one by one, and one can be different, after a reset as well."""
    ethtool(card, "-C", *words(WANTED))
    both = {0: (20, 50), 1: (10, 30), 2: (20, 50), 3: (10, 30)}
    expect.equal("queues", queues(card), both)
    ethtool(card, "--per-queue", "queue_mask 0x2 --coalesce rx-usecs 77 rx-frames 7")
    expect.equal("queues, the second pair apart", queues(card), both | {2: (7, 77)})
    expect.equal("moderation of the first pair", shown(card), WANTED)
    already = len(told(card))
    restart(card)
    expect.at_least("commands after down and up", len(told(card)) - already, 2 * PAIRS)
    expect.equal("queues after down and up", queues(card), both | {2: (7, 77)})
    refused(card, "--per-queue", "queue_mask 0x4 --coalesce rx-usecs 7")


def adaptive(card: Liar) -> None:
    """Under traffic the driver chooses for the queue that has it; what is set afterwards holds."""
    ethtool(card, "-C", "adaptive-rx on")
    card.set_frame(header() + ethernet(card.mac()))
    card.vm.run(f"i=0; while [ $i -lt {BURSTS} ]; do echo 'receive 0 5' > {card.path}/command; i=$((i + 1)); done")
    expect.eventually("a profile of DIM", lambda: queues(card)[0][0], PROFILE_PACKETS)
    ethtool(card, "-C", "adaptive-rx off")
    packets, usecs = queues(card)[0]
    expect.equal("one of DIM's profiles", (packets, usecs in PROFILES), (PROFILE_PACKETS, True))
    expect.equal("what ethtool shows", (shown(card)["rx-frames"], shown(card)["rx-usecs"]), (str(packets), str(usecs)))
    ethtool(card, "-C", "rx-usecs 5 rx-frames 6")
    card.vm.run(f"i=0; while [ $i -lt {BURSTS} ]; do echo 'receive 0 5' > {card.path}/command; i=$((i + 1)); done")
    expect.equal("the first queue, no longer adaptive", queues(card)[0], (6, 5))


def ethtool(card: Liar, option: str, *rest: str) -> str:
    return card.vm.run(f"ethtool {option} {card.interface} {' '.join(rest)}")


def words(values: dict[str, str]) -> list[str]:
    return [f"{name} {value}" for name, value in values.items()]


def refused(card: Liar, option: str, *rest: str) -> None:
    try:
        ethtool(card, option, *rest)
    except GuestError:
        return
    raise expect.Failure(f"ethtool {option} {' '.join(rest)}", "an error", "success")


def shown(card: Liar) -> dict[str, str]:
    found = dict(re.findall(r"^(\S+):\s+(\d+)$", ethtool(card, "-c"), re.MULTILINE))
    return {name: found.get(name, "") for name in NOTHING}


def told(card: Liar) -> list[tuple[int, ...]]:
    """Return the commands about moderation: which one, for which queue if it says that, packets, microseconds."""
    return [(one.command, *struct.unpack("<HxxII" if one.command == QUEUE else "<II", one.data))
            for one in card.commands() if one.kind == CLASS]


def queues(card: Liar) -> dict[int, tuple[int, int]]:
    """Return what the card was told last about each queue: packets and microseconds."""
    return {one[1]: (one[2], one[3]) for one in told(card) if one[0] == QUEUE}


def restart(card: Liar) -> None:
    card.vm.run(f"ip link set {card.interface} down; ip link set {card.interface} up")
