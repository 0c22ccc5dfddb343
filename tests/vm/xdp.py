# SPDX-License-Identifier: GPL-2.0
"""XDP programs in the guest: tests/xdp/xdp.c assembles, attaches and holds them."""

from pathlib import Path

from qemu import BUILD, TOP
from qemu.vm import VM, GuestError
from tests.bench import compiler
from tests.vm import expect
from tests.vm.link import Link

TOOL = "/usr/bin/xdp"
# What a program returns, as in linux/bpf.h.
ABORTED, DROP, PASS = 0, 1, 2


def files() -> dict[str, Path]:
    """Return what a case needs in its guest."""
    return {TOOL: compiler.build(TOP / "tests/xdp/xdp.c", BUILD / "xdp", "-static")}


class Program:
    """A program that is attached as long as its `with` block: its name and argument are those of the tool."""

    def __init__(self, net: Link, *words: object, frags: bool = False) -> None:
        self._vm, self._interface = net.vm, net.interface
        self._command = " ".join([TOOL, *(["--frags"] if frags else []), net.interface, *map(str, words)])
        self._pid = ""

    def __enter__(self) -> "Program":
        self._pid = self._vm.run(f"""
            : > /tmp/xdp.out
            {self._command} > /tmp/xdp.out 2> /tmp/xdp.err &
            pid=$!
            while ! grep -q attached /tmp/xdp.out; do
                [ -e /proc/$pid ] || {{ cat /tmp/xdp.err; exit 1; }}
                sleep 0.05
            done
            echo $pid""").strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._vm.run(f"kill {self._pid}; while [ -e /proc/{self._pid}/exe ]; do sleep 0.02; done 2> /dev/null")
        # The link is freed by a work of the kernel.
        expect.eventually(f"program of {self._interface}", lambda: attached(self._vm, self._interface), False)


def attached(vm: VM, interface: str) -> bool:
    """Whether a program is attached to the interface, as ip sees it."""
    return "xdp" in vm.run(f"ip link show {interface}").split("mtu")[1]


def expect_refused(net: Link, reason: str, *words: object) -> None:
    """Expect that a program cannot be attached, with that reason, and is not."""
    try:
        with Program(net, *words):
            got = "attached"
    except GuestError as error:
        got = error.output
    expect.contains(f"attaching {' '.join(map(str, words))}", got, reason)
    expect.equal("a program is attached", attached(net.vm, net.interface), False)
