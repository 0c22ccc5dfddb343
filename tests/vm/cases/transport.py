# SPDX-License-Identifier: GPL-2.0
"""Every kind of virtio network card that QEMU can be: packets and content go both ways, and the books are right."""

import subprocess
from typing import Any

from qemu.vm import VM, Nic
from tests.vm import expect, transfer
from tests.vm.link import Link

TIMEOUT = 200
SIZES = (56, 1400)
CONTENT = 5_000_000
# Behind an IOMMU, and with bounce buffers, the device reaches only what the DMA API has mapped.
IOMMU = {"EXTRA_ARGS": ("-machine", "q35", "-device", "intel-iommu"),
         "APPEND": "intel_iommu=on iommu.passthrough=0 iommu.strict=1"}
BOUNCE = {"APPEND": "swiotlb=force"}
# What virtio_net does otherwise: see Documentation/driver.rst.
OURS = {"DRIVERS": ("labnet",)}

# Bits of virtio_config.h and virtio_net.h.
CSUM, GUEST_CSUM, GUEST_TSO4, MRG_RXBUF, CTRL_VQ, MQ, CTRL_MAC_ADDR, MTU = 0, 1, 7, 15, 17, 22, 23, 3
ANY_LAYOUT, INDIRECT_DESC, EVENT_IDX, VERSION_1, ACCESS_PLATFORM, RING_PACKED = 27, 28, 29, 32, 33, 34

# A script, and a word that it has to print: else the card is not what it is meant to be.
INTERRUPTS = ("grep $device /proc/interrupts", "MSI")
JUMBO = ("cat /sys/class/net/$interface/mtu", "9000")


def card(*, on: tuple[int, ...] = (), off: tuple[int, ...] = (), queues: int = 1, machine: dict[str, Any] | None = None,
         shows: tuple[str, str] = INTERRUPTS, **properties: str) -> dict[str, Any]:
    """Describe a card by QEMU's @properties for it, the bits that are negotiated for it or not, and what else it shows."""
    names = {name.replace("_", "-") if name.startswith(("disable", "page")) else name: value
             for name, value in properties.items()}
    return {"NICS": [Nic(queues=queues, properties=names)], "CPUS": queues, "on": on, "off": off, "shows": shows,
            **(machine or {})}


VARIANTS = {
    "legacy": card(disable_modern="on", off=(VERSION_1,)),
    "legacy_small": card(disable_modern="on", mrg_rxbuf="off", off=(VERSION_1, MRG_RXBUF)),
    "legacy_split_header": card(disable_modern="on", any_layout="off", off=(VERSION_1, ANY_LAYOUT)),
    "modern": card(disable_legacy="on", on=(VERSION_1,)),
    "packed": card(packed="on", on=(RING_PACKED,)),
    "packed_plain": card(packed="on", indirect_desc="off", event_idx="off", on=(RING_PACKED,),
                         off=(INDIRECT_DESC, EVENT_IDX)),
    "no_indirect": card(indirect_desc="off", off=(INDIRECT_DESC,)),
    "no_event_idx": card(event_idx="off", off=(EVENT_IDX,)),
    "page_per_vq": card(page_per_vq="on", on=(VERSION_1,)),
    "shared_vector": card(vectors="2", queues=2, on=(MQ,)),
    "intx": card(vectors="0", queues=2, on=(MQ,), shows=(INTERRUPTS[0], "IO-APIC")),
    "small_buffers": card(mrg_rxbuf="off", off=(MRG_RXBUF, GUEST_TSO4), machine=OURS),
    "big": card(mrg_rxbuf="off", host_mtu="9000", disable_legacy="on", on=(MTU, VERSION_1), off=(MRG_RXBUF,), shows=JUMBO),
    "big_legacy": card(mrg_rxbuf="off", host_mtu="9000", disable_modern="on", on=(MTU, ANY_LAYOUT),
                       off=(MRG_RXBUF, VERSION_1), shows=JUMBO),
    "big_split_header": card(mrg_rxbuf="off", host_mtu="9000", disable_modern="on", any_layout="off", on=(MTU,),
                             off=(MRG_RXBUF, VERSION_1, ANY_LAYOUT), shows=JUMBO),
    "big_packed": card(mrg_rxbuf="off", host_mtu="9000", packed="on", on=(MTU, RING_PACKED), off=(MRG_RXBUF,),
                       shows=JUMBO),
    "big_no_indirect": card(mrg_rxbuf="off", host_mtu="9000", indirect_desc="off", on=(MTU,),
                            off=(MRG_RXBUF, INDIRECT_DESC), shows=JUMBO),
    "jumbo": card(host_mtu="9000", on=(MTU,), shows=JUMBO),
    "iommu": card(disable_legacy="on", iommu_platform="on", on=(ACCESS_PLATFORM,), machine=IOMMU,
                  shows=("cat /sys/bus/pci/devices/$address/iommu_group/type", "DMA\n")),
    "swiotlb": card(disable_legacy="on", iommu_platform="on", on=(ACCESS_PLATFORM,), machine=BOUNCE,
                    shows=("[ $(cat /sys/kernel/debug/swiotlb/io_tlb_used) -gt 100 ] && echo bounced", "bounced")),
    "no_guest_csum": card(guest_csum="off", off=(GUEST_CSUM, GUEST_TSO4)),
    "no_csum": card(csum="off", off=(CSUM,)),
    "no_guest_tso": card(guest_tso4="off", on=(GUEST_CSUM,), off=(GUEST_TSO4,)),
    "no_ctrl": card(ctrl_vq="off", off=(CTRL_VQ, CTRL_MAC_ADDR)),
    "mq_no_ctrl": card(ctrl_vq="off", queues=2, off=(CTRL_VQ, MQ)),
}


def run(vm: VM, net: Link, on: tuple[int, ...], off: tuple[int, ...], shows: tuple[str, str]) -> None:
    negotiated(net, on, off)
    script, word = shows
    names = f"device={net.device()} address={net.address()} interface={net.interface}\n"
    expect.contains(f"output of {script}", vm.run(names + script), word)
    for size in (*SIZES, largest(net)):
        net.ping_guest(size=size)
        net.ping_host(size=size)
    transfer.to_guest(vm, net, CONTENT)
    transfer.to_host(vm, net, CONTENT)
    if net.driver == "labnet":
        counters = net.expect_identity()
        expect.equal("rx_post_fail", counters["rx_post_fail"], 0)
        expect.equal("tx_drop_post", counters["tx_drop_post"], 0)


def largest(net: Link) -> int:
    """Let the host use the card's MTU, too, and return what a ping of that size carries."""
    mtu = net.sysfs("mtu")
    subprocess.run(["ip", "link", "set", net.nic.tap, "mtu", mtu], check=True)
    return int(mtu) - 28


def negotiated(net: Link, on: tuple[int, ...], off: tuple[int, ...]) -> None:
    """The card is what it is meant to be: else the rest would show nothing."""
    bits = net.features()
    expect.equal("bits that are negotiated", [bit for bit in on if bit in bits], list(on))
    expect.equal("bits that are negotiated, but should not be", [bit for bit in off if bit in bits], [])
