# SPDX-License-Identifier: GPL-2.0
"""A machine that is not ready: every complaint is one clear line and a status that is not 0."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from qemu import TOP, network


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the top of the checkout, with changes to its environment."""
    return subprocess.run([str(word) for word in command], cwd=TOP, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=60, check=False)


class Complaint(unittest.TestCase):
    """Base of those that expect one line."""

    def expect_complaint(self, done: subprocess.CompletedProcess[str], *words: str) -> None:
        """Expect a failed command whose standard error is a single line with @words in it."""
        self.assertNotEqual(done.returncode, 0, done.stdout)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])


class Packages(Complaint):
    """Installing what is missing."""

    PROVIDE = "import sys; from qemu import setup, SetupError\n" \
              "try: setup.provide(('no-such-package',))\n" \
              "except SetupError as problem: sys.exit(f'error: {problem}')"

    def test_no_apt(self) -> None:
        with self.path_with("dpkg-query") as path:
            self.expect_complaint(run(sys.executable, "-c", self.PROVIDE, PATH=path), "no apt-get", "no-such-package")

    def test_no_debian(self) -> None:
        with self.path_with() as path:
            done = run(sys.executable, "-m", "qemu.setup", PATH=path)
            self.expect_complaint(done, "no dpkg-query", "qemu-system-x86")

    def test_apt_fails(self) -> None:
        """What apt-get complains about is passed on. This one cannot reach any archive."""
        with self.path_with("dpkg-query", "env") as path:
            fake = Path(path) / "apt-get"
            fake.write_text("#!/bin/sh\necho 'E: Unable to locate package no-such-package' >&2\nexit 100\n")
            fake.chmod(0o755)
            self.expect_complaint(run(sys.executable, "-c", self.PROVIDE, PATH=path), "apt-get", "E: Unable to locate")

    def path_with(self, *tools: str) -> tempfile.TemporaryDirectory:
        """Return a directory for PATH that holds links to @tools only."""
        directory = tempfile.TemporaryDirectory()
        for tool in tools:
            Path(directory.name, tool).symlink_to(str(shutil.which(tool)))
        return directory


class Space(Complaint):
    """A disk that is too small."""

    def test_cache_too_small(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            done = in_mount(f"-t tmpfs -o size=8m none {name}", "-m", "qemu.setup", LABYRINTH_CACHE=name)
            self.expect_complaint(done, "too little disk space", "MiB are needed at", name)

    def test_no_room_for_a_kernel(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            done = in_mount(f"-t tmpfs -o size=8m none {name}", "-m", "qemu.kernels", "get", "6.1",
                            LABYRINTH_CACHE=name)
            self.expect_complaint(done, "MiB", name)


class Words(Complaint):
    """Names that do not exist."""

    def test_unknown_kernel(self) -> None:
        self.expect_complaint(run(sys.executable, "-m", "tests.vm", "--kernel", "0.0", "ping"), "unknown kernel '0.0'")
        self.expect_complaint(run(sys.executable, "-m", "tests.check", "ping", KERNEL="0.0"), "unknown kernel '0.0'")
        self.expect_complaint(run(sys.executable, "-m", "qemu.modules", "0.0"), "unknown kernel '0.0'")

    def test_unknown_case(self) -> None:
        self.expect_complaint(run(sys.executable, "-m", "tests.vm", "pong"), "unknown case 'pong'")
        self.expect_complaint(run(sys.executable, "-m", "tests.check", "pong"), "unknown case 'pong'")
        self.expect_complaint(run(sys.executable, "-m", "tests.check", "vm", "pong"), "unknown case 'pong'")

    def test_no_kernel_tree(self) -> None:
        self.expect_complaint(run(sys.executable, "-m", "qemu.modules", "--kdir", "/proc"), "/proc", "kernel tree")


class Device(Complaint):
    """A machine without tap devices."""

    @unittest.skipUnless(network.have_tun(), "this machine has no /dev/net/tun to hide")
    def test_no_tun(self) -> None:
        for module in ("tests.vm", "tests.check"):
            self.expect_complaint(in_mount("-t tmpfs none /dev/net", "-m", module, "ping"), "no /dev/net/tun")


def in_mount(what: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a mount namespace of its own, in which `mount @what` has been done."""
    script = f'mount {what} && exec "$@"'
    return run("unshare", "-Urm", "sh", "-c", script, "sh", sys.executable, *arguments, **environment)
