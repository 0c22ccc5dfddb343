# SPDX-License-Identifier: GPL-2.0
"""Keeps what an interface of the guest receives, so that its pages do not come back before they shall."""

from types import TracebackType

from qemu.vm import VM

# A queue that lets nothing out for longer than any case lasts, behind an interface that leads nowhere.
KEEP = """
set -e
modprobe -a dummy sch_ingress sch_netem cls_matchall act_mirred
ip link add keep type dummy
echo 1 > /proc/sys/net/ipv6/conf/keep/disable_ipv6 || true
ip link set keep up
tc qdisc add dev keep root netem delay 250s limit {most}
tc qdisc add dev {interface} ingress
tc filter add dev {interface} ingress matchall action mirred egress redirect dev keep
"""


class Keeper:
    """Keeps the first @most frames that arrive in its `with` block, until they are let go."""

    def __init__(self, vm: VM, interface: str, most: int = 200_000) -> None:
        self._vm, self._interface, self._most = vm, interface, most

    def __enter__(self) -> "Keeper":
        self._vm.run(KEEP.format(interface=self._interface, most=self._most))
        return self

    def __exit__(self, *_: BaseException | TracebackType | type[BaseException] | None) -> None:
        self._vm.run(f"tc qdisc delete dev {self._interface} ingress; ip link delete keep")
