# SPDX-License-Identifier: GPL-2.0
"""The kinds of cards: between them they offer every bit that this QEMU knows, and lack each that others need."""

from qemu.vm import Nic

# The control queue, and all that needs it: virtio_net refuses a card that offers one without the other.
CONTROL = ("ctrl_vq", "ctrl_rx", "ctrl_rx_extra", "ctrl_vlan", "ctrl_mac_addr", "ctrl_guest_offloads", "guest_announce")
KINDS: dict[str, dict[str, str]] = {
    "plain": {},
    "legacy": {"disable-modern": "on"},
    "packed": {"packed": "on"},
    "platform": {"iommu_platform": "on", "disable-legacy": "on"},
    "rss": {"rss": "on", "hash": "on"},
    "rsc": {"guest_rsc_ext": "on"},
    "mtu": {"host_mtu": "1400"},
    "speed": {"speed": "1000", "duplex": "full"},
    "standby": {"failover": "on"},
    "small": {"mrg_rxbuf": "off"},
    "jumbo": {"mrg_rxbuf": "off", "host_mtu": "9000"},
    "noctrl": dict.fromkeys(CONTROL, "off"),
    "nocsum": {"csum": "off", "guest_csum": "off"},
    "noring": {"indirect_desc": "off", "event_idx": "off", "queue_reset": "off"},
}
# Those with several queue pairs.
PAIRS = {"rss": 2}
SLOT = 0x10


def nics() -> dict[str, Nic]:
    """Return a card of each kind. Its slot on the PCI bus tells the guest which one it is."""
    return {kind: Nic(name=kind, tap=f"tap{number}", queues=PAIRS.get(kind, 1),
                      properties={**properties, "addr": f"{SLOT + number:#x}"})
            for number, (kind, properties) in enumerate(KINDS.items())}


def address(kind: str) -> str:
    """Return the card's PCI address."""
    return f"0000:00:{SLOT + list(KINDS).index(kind):02x}.0"
