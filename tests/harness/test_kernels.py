# SPDX-License-Identifier: GPL-2.0
"""How kernels are fetched and built: what a bad machine or an interrupted run leads to. Nothing here needs the network.

    python3 -m unittest tests.harness.test_kernels
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from qemu import TOP, SetupError, kernels, prebuilt, sourcebuild, store
from qemu.packages import Archive

# A source tree whose configuration takes whatever it is offered, except CONFIG_LOST.
FAKE_SOURCE = "allnoconfig:\n\tgrep -v LOST $(KCONFIG_ALLCONFIG) >.config\n"

# What a kernel has to have that is to find mistakes, as its .config says it, and what has to be asked for at boot.
NOTICES = ("KASAN", "KFENCE", "PROVE_LOCKING", "DEBUG_ATOMIC_SLEEP", "DEBUG_OBJECTS", "PAGE_OWNER", "PAGE_POISONING",
           "DEBUG_KMEMLEAK", "DMA_API_DEBUG", "DEBUG_NET", "DEBUG_LIST", "UBSAN", "FAULT_INJECTION", "FAIL_PAGE_ALLOC", "FAILSLAB",
           "FAULT_INJECTION_DEBUG_FS", "KUNIT")
ASKED = ("panic_on_warn=1", "page_owner=on", "page_poison=1", "kmemleak=on")


class InCache(unittest.TestCase):
    """Gives each test an empty cache."""

    def setUp(self) -> None:
        """Make the cache."""
        directory = tempfile.TemporaryDirectory(prefix="labyrinth-test-")
        self.addCleanup(directory.cleanup)
        self.cache = Path(directory.name)
        patch = mock.patch.dict(os.environ, LABYRINTH_CACHE=directory.name)
        patch.start()
        self.addCleanup(patch.stop)

    def refused(self, words: str) -> "unittest.case._AssertRaisesContext[SetupError]":
        """Expect one line of error with @words in it."""
        return self.assertRaisesRegex(SetupError, f"^[^\n]*{words}[^\n]*$")


class Store(InCache):
    """The cache's directory."""

    def test_space(self) -> None:
        """What does not fit is not begun."""
        with self.refused("testing needs 1000000000 MiB"):
            store.require_space(10 ** 9, "testing")

    def test_no_cache(self) -> None:
        """A cache that cannot be made is the user's to choose again."""
        (self.cache / "file").touch()
        with mock.patch.dict(os.environ, LABYRINTH_CACHE=str(self.cache / "file/below")), self.refused("LABYRINTH_CACHE"):
            store.root()

    def test_new_directory(self) -> None:
        """A directory appears with everything in it, whatever an interrupted run left behind."""
        (self.cache / "it.unfinished").mkdir()
        (self.cache / "it.unfinished/rubbish").touch()
        with store.new_directory(self.cache / "it") as unfinished:
            (unfinished / "part").touch()
            self.assertFalse((self.cache / "it").exists())
        self.assertEqual([path.name for path in self.cache.rglob("*")], ["it", "part"])

    def test_failed_directory(self) -> None:
        """A failure leaves nothing."""
        with self.refused("cannot write .*No space"), store.new_directory(self.cache / "it") as unfinished:
            (unfinished / "part").touch()
            raise OSError(28, "No space left on device")
        self.assertEqual(list(self.cache.iterdir()), [])

    def test_lock(self) -> None:
        """Who comes second waits for the first."""
        second = [sys.executable, "-c", "from qemu import store\nwith store.lock('it'): print('entered')"]
        with store.lock("it"):
            process = subprocess.Popen(second, cwd=TOP, stdout=subprocess.PIPE, text=True)
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(2)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(output.splitlines(), ["waiting for another process that prepares it", "entered"])


class Kernels(InCache):
    """The table, and what the kernels are made of."""

    def test_unknown(self) -> None:
        """The error names those that there are."""
        with self.refused("unknown kernel '5.4': there are 6.1, .*6.1-debug"):
            kernels.get("5.4")

    def test_no_apt(self) -> None:
        """Without apt there is nothing to fetch with."""
        with mock.patch.dict(os.environ, PATH=str(self.cache)), self.refused("apt-get is missing"):
            kernels.get("6.1")

    def test_no_compiler(self) -> None:
        """Without a compiler nothing is built."""
        with mock.patch.dict(os.environ, PATH=str(self.cache)), self.refused("gcc is missing"):
            kernels.get("6.1-debug")

    def test_other_release(self) -> None:
        """A machine of another release has another kernel, which is not taken for the wanted one."""
        with mock.patch.object(Archive, "version", return_value="6.12.9-1"), self.refused("6.1 is not to be had"):
            kernels.get("6.1")

    def test_cached(self) -> None:
        """What is in the cache is used, without asking anybody."""
        home = self.cache / "kernels/6.1" / f"6.1.5-1_{kernels._recipe(kernels.find('6.1'))}"
        home.mkdir(parents=True)
        (home / "kernel.json").write_text('{"release": "6.1.0-5", "image": "vmlinuz", "kdir": "k", "modules": "m"}')
        with mock.patch.dict(os.environ, PATH=str(self.cache)):
            kernel = kernels.get("6.1")
        self.assertEqual((kernel.release, kernel.image), ("6.1.0-5", home / "vmlinuz"))

    def test_forget(self) -> None:
        """The cache keeps two kernels of a name, and nothing unfinished."""
        for time, name in enumerate(("oldest", "old", "new", "newer", "newest.work")):
            (self.cache / name).mkdir()
            if not name.endswith(".work"):
                (self.cache / name / "kernel.json").touch()
            os.utime(self.cache / name, (time, time))
        kernels._forget(self.cache)
        self.assertEqual(sorted(path.name for path in self.cache.iterdir()), ["new", "newer"])

    def test_recipe(self) -> None:
        """Another configuration or another compiler makes another kernel; other boot parameters do not."""
        entry = kernels.find("6.1-debug")
        recipe = kernels._recipe(entry)
        self.assertEqual(kernels._recipe(dataclasses.replace(entry, append="quiet")), recipe)
        with mock.patch.object(sourcebuild, "fragments", return_value="CONFIG_SMP=n"):
            self.assertNotEqual(kernels._recipe(entry), recipe)
        with mock.patch.object(sourcebuild, "run", return_value="99.1\n"):
            self.assertNotEqual(kernels._recipe(entry), recipe)

    def test_lost_entry(self) -> None:
        """A configuration that the kernel does not take as it is stops the build, by name."""
        (self.cache / "Makefile").write_text(FAKE_SOURCE)
        sourcebuild._configure(self.cache, self.cache, "# CONFIG_LOST=y in a comment\nCONFIG_KEPT=y\n")
        with self.refused("does not accept CONFIG_LOST=y "):
            sourcebuild._configure(self.cache, self.cache, "CONFIG_KEPT=y\nCONFIG_LOST=y\n")

    def test_failed_build(self) -> None:
        """A build that fails says what the compiler said, and keeps the log."""
        (self.cache / "Makefile").write_text("bzImage modules:\n\t@echo 'a.c:1: error: no such thing'; exit 1\n")
        with self.refused("a.c:1: error: no such thing .log: .*failed-"):
            sourcebuild._build(self.cache, self.cache / "build.log")
        self.assertTrue(list(self.cache.glob("failed-*.log")))

    def test_strange_headers(self) -> None:
        """Headers that would look for their other half in /usr/src are refused, not used."""
        headers = self.cache / "usr/src/linux-headers-6.1.0-5"
        headers.mkdir(parents=True)
        (headers / "Makefile").write_text("include /usr/lib/elsewhere/Makefile\n")
        with self.refused("not of the known form"):
            prebuilt._relocate(self.cache, "6.1.0-5")


class DebugKernels(unittest.TestCase):
    """Those that are really used."""

    def test_they_notice(self) -> None:
        """Each has everything that the list names: the finished kernel's own .config is asked, not the wish."""
        names = [entry.name for entry in kernels.KERNELS if entry.flavour == "debug"]
        self.assertEqual(names, ["6.1-debug", "7.2-debug"])
        for name in names:
            kernel = kernels.get(name)
            config = (kernel.kdir / ".config").read_text().splitlines()
            with self.subTest(name):
                self.assertEqual([option for option in NOTICES if f"CONFIG_{option}=y" not in config], [])
                self.assertEqual([word for word in ASKED if word not in kernel.append.split()], [])

    def test_flavoured(self) -> None:
        """A case that needs a debug kernel gets the one of the version that is tested, or else the first."""
        wanted = {"6.1": "6.1-debug", "6.1-debug": "6.1-debug", "7.2": "7.2-debug", "6.12": "6.1-debug"}
        self.assertEqual({name: kernels.flavoured(name, "debug") for name in wanted}, wanted)


if __name__ == "__main__":
    unittest.main()
