# SPDX-License-Identifier: GPL-2.0
"""What must not be in a repository: where somebody's files are, and where somebody's packages come from."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from qemu import SetupError
from qemu.packages import run
from tests.lint import tools
from tests.lint.tree import Finding, Tree

# Directories of people and of workplaces. A guest has a /root, but nothing in it.
PERSONAL = re.compile(r"(?<![\w./$}])/(root|home/\w+|Users/\w+|work|mnt|media|workspace)/\w")
# Hosts below the distribution's names for archives, whichever mirror it is.
ARCHIVE = re.compile(r"\b[\w-]+\.(debian|ubuntu)\.(org|net|com)\b|https?://[^\s/]+/(debian|ubuntu)\b")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def privacy(tree: Tree) -> Iterator[Finding]:
    """No file names a path of this machine or the host of a package archive"""
    places, hosts = _places(tree), _hosts()
    for path in tree.files:
        for number, line in tree.numbered(path):
            if (found := PERSONAL.search(line)) or any(place in line for place in places):
                yield Finding(path, number, f"a path of one machine: {found[0] if found else line.strip()[:60]}")
            if ARCHIVE.search(line) or any(host in line for host in hosts):
                yield Finding(path, number, "the address of a package archive")


def _places(tree: Tree) -> list[str]:
    """Return where this checkout and this user's files are; short names mean other things as well."""
    return [str(path) for path in (tree.root.resolve(), Path.home()) if len(path.parts) > 2]


def _hosts() -> list[str]:
    """Return the hosts from which this machine gets its packages."""
    tools.require("apt-get")
    try:
        addresses = run("apt-get", "indextargets", "--format", "$(SITE)").split()
    except SetupError as error:
        raise SetupError(f"cannot ask apt-get for its archives: {error}") from error
    hosts = {urlsplit(address).hostname for address in addresses}
    return sorted(host for host in hosts if host and host not in LOOPBACK)
