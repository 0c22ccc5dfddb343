# SPDX-License-Identifier: GPL-2.0
"""Guests that hang, panic, complain or refuse: the harness notices, in time, and calls it by the right name.

The cases are made up here; what is tested is the verdict. They use the in-tree driver, so that they
say nothing about ours.
"""

import os
import subprocess
import sys
import tempfile
import time
import types
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import qemu.vm
from qemu import BUILD, TOP, kernels, modules
from qemu.vm import VM, Lost
from tests.vm import ending, expect, runner
from tests.vm.expect import Failure

KERNEL = kernels.get(os.environ.get("KERNEL") or "6.1")
LOGS = BUILD / "logs/harness"


def verdict(run: Callable[..., None], driver: str = "virtio_net", modules_from: Path | None = None,
            **declared: Any) -> runner.Result:
    """Return the runner's verdict on a case that consists of @run and declares @declared."""
    module = types.ModuleType("made_up")
    vars(module).update(run=run, **declared)
    return runner.run(runner.Case("made_up", module, {}), KERNEL, driver, modules_from)


class Verdicts(unittest.TestCase):
    """Pass, fail or lost."""

    def test_pass(self) -> None:
        result = verdict(lambda vm, net: net.ping_guest(count=1))
        self.assertEqual((result.outcome, result.message), ("pass", ""))

    def test_failure_says_what_was_wanted(self) -> None:
        result = verdict(lambda vm, net: expect.equal("the answer", 41, 42))
        self.assertEqual(result.outcome, "fail")
        self.assertIn("the answer: wanted 42, got 41", result.message)

    def test_script_that_fails(self) -> None:
        result = verdict(lambda vm, net: vm.run("echo some words; exit 3"))
        self.assertEqual(result.outcome, "fail")
        self.assertIn("status 3", result.message)
        self.assertIn("some words", result.message)

    def test_mistake_in_the_case(self) -> None:
        result = verdict(lambda vm, net: 1 // 0)
        self.assertEqual(result.outcome, "fail")
        self.assertIn("ZeroDivisionError", result.message)

    def test_lost_packets(self) -> None:
        result = verdict(lambda vm, net: (vm.run(f"ip link set {net.interface} down"), net.ping_guest(count=1)))
        self.assertEqual(result.outcome, "fail")
        self.assertIn("lost packets", result.message)

    def test_warning_on_the_console(self) -> None:
        result = verdict(lambda vm, net: vm.run("echo '<4>WARNING: CPU: 0 PID: 1 at made_up.c:1' > /dev/kmsg"))
        self.assertEqual(result.outcome, "fail")
        self.assertIn("made_up.c:1", result.message)

    def test_panic(self) -> None:
        start = time.monotonic()
        result = verdict(lambda vm, net: vm.run("echo c > /proc/sysrq-trigger", timeout=60))
        self.assertEqual(result.outcome, "lost")
        self.assertIn("Kernel panic", result.message)
        self.assertIn(str(result.log), result.message)
        self.assertLess(time.monotonic() - start, 45, "a panic is noticed at once, not when the time is up")

    def test_script_that_hangs(self) -> None:
        result = verdict(lambda vm, net: vm.run("echo last words > /dev/kmsg; sleep 1000", timeout=3))
        self.assertEqual(result.outcome, "lost")
        self.assertIn("no answer in time", result.message)
        self.assertIn("last words", result.message)

    def test_case_that_hangs(self) -> None:
        result = verdict(lambda vm, net: time.sleep(1000), TIMEOUT=20)
        self.assertEqual(result.outcome, "lost")
        self.assertIn("did not end within 20 s", result.message)
        self.assertLess(result.seconds, 30)

    def test_guest_that_never_comes_up(self) -> None:
        with mock.patch.object(qemu.vm, "BOOT_TIMEOUT", 8.0):
            result = verdict(lambda vm, net: None, APPEND="rdinit=/usr/bin/cat")
        self.assertEqual(result.outcome, "lost")
        self.assertIn("while booting", result.message)
        self.assertLess(result.seconds, 30)

    def test_kernel_that_dies_once(self) -> None:
        words = ["console=ttyS0 panic=-1 rdinit=/none root=/none", "console=ttyS0 panic=-1"]
        with mock.patch.object(VM, "_append", side_effect=words):
            result = verdict(lambda vm, net: None)
        self.assertEqual((result.outcome, result.message), ("pass", ""))

    def test_kernel_that_dies_twice(self) -> None:
        result = verdict(lambda vm, net: None, APPEND="rdinit=/none root=/none")
        self.assertEqual(result.outcome, "lost")
        self.assertIn("while booting", result.message)
        self.assertIn("Kernel panic", result.message)

    def test_qemu_that_does_not_start(self) -> None:
        with self.assertRaisesRegex(Lost, "no-such-device"):
            with VM(KERNEL, log=LOGS / "no-start.log", extra_args=["-device", "no-such-device"]):
                pass


class ForeignModule(unittest.TestCase):
    """Modules that were built for another kernel."""

    def test_refused(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            self.make_foreign(Path(name))
            result = verdict(lambda vm, net: None, driver="labnet", modules_from=Path(name))
        self.assertEqual(result.outcome, "fail", result.message)
        self.assertIn("modprobe labnet", result.message)
        self.assertIn("version magic", result.message)

    def make_foreign(self, directory: Path) -> None:
        """Copy our modules and change what they say about the kernel they are for.

        A kernel with CONFIG_MODVERSIONS does not look at the release, hence a word after it as well.
        """
        built = modules.find(modules.build(KERNEL))
        self.assertTrue(built)
        magic = b"vermagic=" + KERNEL.release.encode() + b" SMP"
        for module in built:
            content = module.read_bytes()
            self.assertIn(magic, content)
            (directory / module.name).write_bytes(content.replace(magic, magic[:9] + b"0" + magic[10:-3] + b"UMP"))


class Books(unittest.TestCase):
    """The common ending does not let a page go that nobody has."""

    ZONE = "taken {taken}\nstocked 1\nposted 256\nlent 0\nretired 2\nquarantined 0\nreleased 41\nbalance {balance}\n"
    DESTROYED = "zones 1\ntaken 300\nreleased {released}\nbalance {balance}\n"

    def check(self, taken: int = 300, balance: int = 0, released: int = 300, left: int = 0) -> None:
        """Perform the ending with a guest whose debugfs says these numbers."""
        answers = {"ls ": "virtio1-rx0", "/ledger": self.ZONE.format(taken=taken, balance=balance),
                   "ls -d": "/sys/module/labyrinth",
                   "/destroyed": self.DESTROYED.format(released=released, balance=left)}

        class Guest:
            """Answers scripts by what they contain; the last match counts."""

            def run(self, script: str) -> str:
                """Answer one script."""
                return next((text for key, text in reversed(answers.items()) if key in script), "")

            def warnings(self) -> list[str]:
                """Nothing to complain about."""
                return []

        with mock.patch.object(ending, "QUIET", 0.0):
            ending.check(Guest(), "labnet")

    def test_balanced(self) -> None:
        self.check()

    def test_page_lost_in_a_zone(self) -> None:
        with self.assertRaisesRegex(Failure, "balance of zone"):
            self.check(taken=301, balance=1)

    def test_balance_is_computed_again(self) -> None:
        with self.assertRaisesRegex(Failure, "sum of the states"):
            self.check(taken=301, balance=0)

    def test_page_not_released(self) -> None:
        with self.assertRaisesRegex(Failure, "released by destroyed zones"):
            self.check(released=299, left=1)


class Orphans(unittest.TestCase):
    """No guest outlives the program that started it, however that ends."""

    PROGRAM = """
import os, signal
from qemu import BUILD, kernels
from qemu.vm import VM
with VM(kernels.get({kernel!r}), log=BUILD / "logs/harness/orphan.log") as vm:
    print(vm._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

    def test_killed(self) -> None:
        done = subprocess.run([sys.executable, "-c", self.PROGRAM.format(kernel=KERNEL.name)], cwd=TOP, text=True,
                              stdout=subprocess.PIPE, timeout=120, check=False)
        pid = int(done.stdout.split()[-1])
        for _ in range(50):
            if not running(pid):
                return
            time.sleep(0.1)
        self.fail(f"QEMU (process {pid}) still runs")


def running(pid: int) -> bool:
    """Whether the process still does anything; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
