# SPDX-License-Identifier: GPL-2.0
"""A private network: a namespace of the harness' own, and tap devices in it.

Nothing that a test sends can reach the machine's real network, because there is no route to it from
a fresh network namespace. Inside, the harness is root and needs no privilege outside.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from qemu import SetupError

TUN = Path("/dev/net/tun")
# Names the namespace that enter() started from, so that the second run knows it has arrived.
_MARK = "LABYRINTH_OUTER_NETWORK"


def have_tun() -> bool:
    """Whether tap devices can be made here; without them Nic(backend="dgram") is what is left."""
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError:
        return False
    return True


def inside() -> bool:
    """Whether this process already lives in a namespace that enter() made."""
    outer = os.environ.get(_MARK)
    return outer is not None and outer != _namespace()


def enter() -> None:
    """Run the calling program again inside a private user and network namespace.

    Returns only in the second run. Call it first thing: what was done before is done twice.
    """
    if inside():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.environ[_MARK] = _namespace()
    unshare = _unshare()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.orig_argv[1:]])


def tap(name: str, address: str, queues: int = 1) -> str:
    """Create the tap device `name` with the host's address (as in "10.11.0.1/24") and return its name.

    IPv6 is off on it: its neighbour discovery would send packets that no test has asked for, and
    tests count to the packet.
    """
    _ip("tuntap", "add", "dev", name, "mode", "tap", "vnet_hdr", *(["multi_queue"] if queues > 1 else []))
    Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    _ip("address", "add", address, "dev", name)
    _ip("link", "set", name, "up")
    return name


def bridge(name: str, taps: Sequence[str], mtu: int) -> None:
    """Connect devices that tap() has made, so that the cards behind them see each other, with frames up to @mtu."""
    _ip("link", "add", name, "type", "bridge")
    Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    for tap_name in taps:
        _ip("link", "set", tap_name, "mtu", str(mtu), "master", name)
    _ip("link", "set", name, "mtu", str(mtu), "up")


def remove(name: str) -> None:
    """Remove a device that tap() or bridge() made; one that is gone already is no error."""
    subprocess.run(["ip", "link", "delete", name], stderr=subprocess.DEVNULL, check=False)


def _namespace() -> str:
    return os.readlink("/proc/self/ns/net")


def _unshare() -> list[str]:
    """The command that makes the namespace: without privileges if possible, else as root."""
    if not shutil.which("unshare"):
        raise SetupError("no unshare (package util-linux): cannot make a private network")
    for flags in ("-Urn", "-n"):
        if subprocess.run(["unshare", flags, "true"], capture_output=True, check=False).returncode == 0:
            return ["unshare", flags]
    raise SetupError("cannot make a network namespace: run as root or enable kernel.unprivileged_userns_clone")


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
