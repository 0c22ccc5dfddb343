# SPDX-License-Identifier: GPL-2.0
"""Feature bits: their names and numbers, and the reasons that Documentation gives for those that labnet lacks."""

import re
from collections.abc import Iterable
from pathlib import Path

from qemu import RunError

# virtio 1.2, sections 5.1.3 and 6, and the legacy interface.
NAMES = {
    0: "CSUM", 1: "GUEST_CSUM", 2: "CTRL_GUEST_OFFLOADS", 3: "MTU", 5: "MAC", 6: "GSO", 7: "GUEST_TSO4",
    8: "GUEST_TSO6", 9: "GUEST_ECN", 10: "GUEST_UFO", 11: "HOST_TSO4", 12: "HOST_TSO6", 13: "HOST_ECN", 14: "HOST_UFO",
    15: "MRG_RXBUF", 16: "STATUS", 17: "CTRL_VQ", 18: "CTRL_RX", 19: "CTRL_VLAN", 20: "CTRL_RX_EXTRA",
    21: "GUEST_ANNOUNCE", 22: "MQ", 23: "CTRL_MAC_ADDR", 24: "NOTIFY_ON_EMPTY", 27: "ANY_LAYOUT", 28: "INDIRECT_DESC",
    29: "EVENT_IDX", 30: "BAD_FEATURE", 32: "VERSION_1", 33: "ACCESS_PLATFORM", 34: "RING_PACKED", 35: "IN_ORDER",
    36: "ORDER_PLATFORM", 37: "SR_IOV", 38: "NOTIFICATION_DATA", 40: "RING_RESET", 50: "DEVICE_STATS",
    51: "HASH_TUNNEL", 52: "VQ_NOTF_COAL", 53: "NOTF_COAL", 54: "GUEST_USO4", 55: "GUEST_USO6", 56: "HOST_USO",
    57: "HASH_REPORT", 59: "GUEST_HDRLEN", 60: "RSS", 61: "RSC_EXT", 62: "STANDBY", 63: "SPEED_DUPLEX",
    65: "GUEST_UDP_TUNNEL_GSO", 66: "GUEST_UDP_TUNNEL_GSO_CSUM", 67: "HOST_UDP_TUNNEL_GSO", 68: "HOST_UDP_TUNNEL_GSO_CSUM",
}
NUMBERS = {name: number for number, name in NAMES.items()}
# QEMU's words for some of them.
ALIASES = {"PROTOCOL_FEATURES": "BAD_FEATURE", "IOMMU_PLATFORM": "ACCESS_PLATFORM", "GUEST_RSC_EXT": "RSC_EXT"}
ROW = re.compile(r"^``(\w+)`` +(used|no) +(\S.*)$")
CONDITION = re.compile(r"without ((?:``\w+``(?:, | or )?)+)")


def name(number: int) -> str:
    """Return the name of a bit, or its number where it has none."""
    return NAMES.get(number, f"bit {number}")


def offered(status: dict) -> set[int]:
    """Return the bits that a card offers, from QEMU's answer to x-query-virtio-status."""
    features = status["host-features"]
    unknown = features.get("unknown-dev-features", 0)
    found = {number for number in range(64) if unknown >> number & 1}
    for text in [*features["dev-features"], *features["transports"]]:
        word = re.sub(r"^(VIRTIO_NET|VIRTIO_RING|VIRTIO|VHOST_USER|VHOST)_F_", "", text.partition(":")[0])
        number = NUMBERS.get(ALIASES.get(word, word))
        if number is None:
            raise RunError(f"QEMU speaks of a feature {word}, which is unknown here")
        found.add(number)
    return found


def negotiated(text: str) -> set[int]:
    """Return the bits that a driver has taken, from /sys/bus/virtio/devices/*/features: one digit for each."""
    digits = text.strip()
    if not re.fullmatch("[01]{64,}", digits):
        raise RunError(f"{digits!r} are no feature bits")
    return {number for number, digit in enumerate(digits) if digit == "1"}


class Reasons:
    """What the table of features in Documentation/driver.rst says about the bits that labnet does not take."""

    def __init__(self, document: Path) -> None:
        rows = (ROW.match(line) for line in joined(document.read_text(encoding="utf-8").splitlines()))
        self._rows = {row[1]: (row[2], row[3]) for row in rows if row}
        if not self._rows:
            raise RunError(f"{document}: no table of features that can be read")

    def why(self, number: int, taken: Iterable[int]) -> str:
        """Return why labnet does not take a bit on a card of which it has @taken others; empty if nothing says so."""
        word, text = self._rows.get(name(number), ("used", ""))
        if word == "no":
            return text
        found = CONDITION.search(text)
        needed = re.findall(r"\w+", found[1].replace(" or ", " ")) if found else []
        return text if any(NUMBERS[need] not in taken for need in needed) else ""


def joined(lines: list[str]) -> list[str]:
    """Return the lines of a table with those that continue a row appended to it."""
    found: list[str] = []
    for line in lines:
        if found and re.match(r" {20,}\S", line):
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found
