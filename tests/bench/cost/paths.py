# SPDX-License-Identifier: GPL-2.0
"""The ways of a packet that are measured: how each is made in the guest, and how one sees that packets take it.

The scripts know the names of two cards: packets come in by $in, and leave by $out where they leave. $far is
an address behind $out that nobody has, $far_mac its neighbour entry, so that the host drops what is sent there.
"""

from dataclasses import dataclass

# Words of /proc/net/snmp.
_UDP = "awk '/^Udp: [0-9]/ {{ print ${} }}' /proc/net/snmp"
# Where packets go out as well: a burst has to fit into the other card's ring, or some are dropped there.
_SLOWLY = 20_000
_TO_FAR = "ip neigh replace $far lladdr $far_mac nud permanent dev $out"


@dataclass(frozen=True)
class Path:
    """One way of packets through the guest."""

    name: str
    words: str
    traffic: str  # "flood" of the host's generator, "sender" in the guest, or "tcp to" or "tcp from" the guest
    begin: str  # what to do in the guest before; fails where the driver cannot do it
    end: str
    # Prints how many packets have taken this way: a flood that takes another one must not be measured as this one.
    count: str
    counter: str = "in rx_packets"  # a card, and the statistic that the cost is divided by
    sized: bool = True
    receives: bool = True
    rate: int = 40_000  # packets per second of the guest's time that come in
    unit: float = 1.0  # of the counter: the figure is instructions per so many
    segments: bool = False  # the host cuts TCP into frames of the link's size, as a network's other end does

    @property
    def unit_words(self) -> str:
        """What the figure is per."""
        return "packet" if self.unit == 1 else "KB"


def _xdp(name: str, words: str, program: str, **more: str | int) -> Path:
    return Path(name, words, "flood", f"start_xdp {program}", "stop_xdp", **more)


def _tcp(name: str, words: str, direction: str, segments: bool = False) -> Path:
    counter = "out rx_bytes" if direction == "to" else "out tx_bytes"
    return Path(name, words, f"tcp {direction}", "start iperf3 --server --one-off", "stop iperf3", f"statistic {counter}",
                counter, sized=False, receives=direction == "to", unit=1024, segments=segments)


_ALL = (
    Path("floor", "posted again, untouched", "flood", "true", "true", "statistic in rx_packets"),
    _xdp("xdp-drop", "XDP_DROP", "$in drop", count="not_in_stack"),
    Path("tc-drop", "tc ingress drop", "flood",
         "modprobe -qa sch_ingress cls_matchall act_gact; tc qdisc add dev $in ingress && tc filter add dev $in parent ffff: matchall action drop",
         "tc qdisc del dev $in ingress || true",
         "tc -s filter show dev $in parent ffff: | sed -n 's/.*dropped \\([0-9]*\\),.*/\\1/p'"),
    Path("udp-closed", "UDP, closed port", "flood", "true", "true", _UDP.format(3)),
    Path("udp-socket", "UDP, read by a program", "flood",
         "start sink --interface $in --port $port --interval 60000 --output /tmp/sink.tsv", "stop sink", _UDP.format(2)),
    _tcp("tcp-rx", "TCP from the host, 64 KB at a time", "to"),
    _tcp("tcp-rx-1500", "TCP from a network, 1500 bytes at a time", "to", segments=True),
    _xdp("xdp-redirect", "XDP_REDIRECT to the second card", "$in redirect $out",
         count="statistic out tx_packets", rate=_SLOWLY),
    Path("ip-forward", "IP forwarding to the second card", "flood",
         f"{_TO_FAR} && echo 1 > /proc/sys/net/ipv4/ip_forward", "echo 0 > /proc/sys/net/ipv4/ip_forward",
         "statistic out tx_packets", rate=_SLOWLY),
    Path("udp-tx", "UDP from the guest", "sender", _TO_FAR, "true", _UDP.format(5), "out tx_packets", receives=False),
    _tcp("tcp-tx", "TCP from the guest", "from"),
)
PATHS = {path.name: path for path in _ALL}
