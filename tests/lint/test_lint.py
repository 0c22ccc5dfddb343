# SPDX-License-Identifier: GPL-2.0
"""Every check finds what it is there to find, and keeps quiet about what is right.

    python3 -m unittest tests.lint.test_lint
"""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from qemu import TOP, SetupError
from tests.lint import counters, features, structure, tools
from tests.lint.checks import CHECKS, find, run
from tests.lint.style import PUBLIC_HEADER
from tests.lint.tree import Tree

LICENCE = "/* SPDX-License-Identifier: GPL-2.0 */\n"
GOOD_C = "// SPDX-License-Identifier: GPL-2.0\n#include <linux/types.h>\n\nint one(void)\n{\n\treturn 1;\n}\n"
COUNTERS = '#define LABYRINTH_COUNTERS(X) \\\n\tX(taken, "pages taken") \\\n\tX(lost, "pages lost")\n'
RX = '#define LABNET_RX_COUNTERS(X) \\\n\tX(frames, "frames completed")\n'
PAGE = ".. SPDX-License-Identifier: GPL-2.0\n\n=====\nTitle\n=====\n"
# Put together here, so that this file does not name what it forbids.
SOMEBODY, ARCHIVE = "/ho" + "me/somebody/sources", "http://mirror.example/deb" + "ian/"


class Sample(unittest.TestCase):
    """A small tree made for one test."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="lint-")
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)

    def add(self, path: str, text: str) -> None:
        """Write a file of the tree."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def complaints(self, check: str) -> list[str]:
        """Run a check on the tree."""
        return run(check, Tree(self.root))

    def expect(self, check: str, *beginnings: str) -> None:
        """Expect exactly these complaints, by their beginnings."""
        found = self.complaints(check)
        self.assertEqual([text[:len(start)] for text, start in zip(found, beginnings)], list(beginnings), found)
        self.assertEqual(len(found), len(beginnings), found)


class Style(Sample):
    """Tools that others keep; what matters is that their complaints arrive, with the right place."""

    def test_checkpatch(self) -> None:
        self.add("drivers/good.c", GOOD_C)
        self.expect("checkpatch")
        self.add("drivers/bad.c", GOOD_C.replace("\treturn 1", "        return 1"))
        self.expect("checkpatch", "drivers/bad.c:6: CODE_INDENT:", "drivers/bad.c:6: LEADING_SPACE:")

    def test_checkpatch_exempts_lists_of_counters_only(self) -> None:
        self.add("include/list.h", LICENCE + COUNTERS)
        self.expect("checkpatch")
        self.add("include/list.h", LICENCE + "#define twice(a) ((a) + (a))\n")
        self.expect("checkpatch", "include/list.h:2: MACRO_ARG_REUSE:")

    def test_checkpatch_of_nothing(self) -> None:
        self.expect("checkpatch", "there is no C source")

    def test_checkpatch_leaves_nothing_behind(self) -> None:
        self.add("drivers/good.c", GOOD_C)
        self.expect("checkpatch")
        self.assertEqual([path.name for path in self.root.iterdir()], ["drivers"])

    def test_kernel_doc(self) -> None:
        text = f"{LICENCE}/**\n * one() - the number\n * @zone: of what\n */\nint one(int zone);\n"
        self.add(PUBLIC_HEADER, text)
        self.expect("kernel-doc", f"{PUBLIC_HEADER}:6: No description found for return value")
        self.add(PUBLIC_HEADER, text.replace(" */\nint", " *\n * Return: 1\n */\nint"))
        self.expect("kernel-doc")
        self.add(PUBLIC_HEADER, text.replace("@zone", "@place"))
        self.assertTrue(any("'zone' not described" in line for line in self.complaints("kernel-doc")))

    def test_shell(self) -> None:
        self.add("qemu/init", "#!/bin/sh\necho \"$HOME\"\n")
        self.add("qemu/other", "echo $HOME\n")
        self.expect("shell")
        self.add("qemu/init", "#!/bin/sh\n\necho $HOME\n")
        self.expect("shell", "qemu/init:3: ")

    def test_python(self) -> None:
        self.add("qemu/good.py", "import sys\n\nsys.exit()\n")
        self.expect("python")
        self.add("qemu/bad.py", "import sys\n\nexit(status)\n")
        self.expect("python", "qemu/bad.py:1: 'sys' imported but unused", "qemu/bad.py:3: undefined name 'status'")

    def test_missing_tools_are_named(self) -> None:
        self.add("qemu/init", "#!/bin/sh\n")
        self.add("drivers/good.c", GOOD_C)
        with mock.patch.dict(os.environ, {"PATH": str(self.root)}):
            self.expect("shell", "shellcheck is missing")
            self.expect("checkpatch", "perl is missing")
            self.expect("privacy", "apt-get is missing")

    def test_failing_tools(self) -> None:
        self.add("perl", "#!/bin/sh\necho broken >&2\nexit 1\n")
        (self.root / "perl").chmod(0o755)
        self.add("drivers/good.c", GOOD_C)
        tools.kernel_scripts()
        with mock.patch.dict(os.environ, {"PATH": f"{self.root}:{os.environ['PATH']}"}):
            self.expect("checkpatch", "checkpatch.pl failed: broken")
            self.expect("kernel-doc", "kernel-doc failed: broken")


class Structure(Sample):
    """Layers, lengths, and the share of documentation."""

    def test_network_headers(self) -> None:
        self.add("drivers/labyrinth/zone.c", "#include <linux/mm.h>\n#include <linux/netlink.h>\n# include <net/sock.h>\n")
        self.add(PUBLIC_HEADER, "#include <linux/skbuff.h>\n")
        self.add("drivers/net/labnet/rx.c", "#include <linux/netdevice.h>\n")
        self.expect("layering", "drivers/labyrinth/zone.c:2: ", "drivers/labyrinth/zone.c:3: ", f"{PUBLIC_HEADER}:1: ")

    def test_kernel_versions(self) -> None:
        text = "#if LINUX_VERSION_CODE < 1\n#endif\n"
        self.add("include/compat/linux/mm.h", text)
        self.expect("layering")
        self.add("drivers/net/labnet/rx.c", "\n" + text)
        self.expect("layering", "drivers/net/labnet/rx.c:2: LINUX_VERSION_CODE")

    def test_size_of_compat(self) -> None:
        self.add("include/compat/linux/mm.h", "\n" * (structure.COMPAT_LINES - 1))
        self.expect("layering")
        self.add("include/compat/linux/slab.h", "\n")
        self.expect("layering", "include/compat/linux/mm.h:1: include/compat/ has 400 lines")

    def test_long_functions(self) -> None:
        body = "\tint *a = {\n\t};\n" * 38
        self.add("drivers/a.c", "int b;\n\nstatic int\none(void)\n{\n" + body + "}\n")
        self.expect("length")
        self.add("drivers/a.c", "int b;\n\nstatic int\none(void)\n{\n" + body + "\n\n}\n")
        self.expect("length", "drivers/a.c:3: a function of 82 lines")
        self.add("drivers/a.c", "struct a b[] = {\n" + "\t{ 0 },\n" * 100 + "};\n")
        self.expect("length")

    def test_long_python_functions(self) -> None:
        self.add("qemu/a.py", "def a():\n" + "    pass\n" * 49)
        self.expect("length")
        self.add("qemu/a.py", "class A:\n    def a():\n" + "        pass\n" * 50)
        self.expect("length", "qemu/a.py:2: a() has 51 lines")
        self.add("qemu/a.py", "def\n")
        self.expect("length", "qemu/a.py:1: no Python")

    def test_long_files(self) -> None:
        self.add("drivers/a.c", "\n" * structure.SOURCE_LINES)
        self.add("drivers/a.h", "\n" * structure.HEADER_LINES)
        self.add(PUBLIC_HEADER, "\n" * 2 * structure.HEADER_LINES)
        self.expect("length")
        self.add("drivers/a.c", "\n" * (structure.SOURCE_LINES + 1))
        self.add("drivers/a.h", "\n" * (structure.HEADER_LINES + 1))
        self.expect("length", "drivers/a.c:701: 701 lines", "drivers/a.h:501: 501 lines")

    def test_manual(self) -> None:
        self.add(PUBLIC_HEADER, "/*\n * a\n */\n\n/* b */\nint a;\nint b;\nint c;\nint d;\n")
        self.expect("manual")
        self.add(PUBLIC_HEADER, "/*\n * a\n */\nint a;\nint b; /* c\nd */\nint c;\nint d;\n")
        self.expect("manual", f"{PUBLIC_HEADER}:1: 3 of 8 lines")


class Statistics(Sample):
    """The tables of counters."""

    def setUp(self) -> None:
        super().setUp()
        self.add(PUBLIC_HEADER, COUNTERS)
        self.add(counters.DRIVER_HEADER, RX)
        markers = "".join(f".. begin {name}\n.. end {name}\n\n" for name in ("LABYRINTH_COUNTERS", "LABNET_RX_COUNTERS"))
        self.add(counters.DOCUMENT, f"{PAGE}\n{markers}")

    def test_write(self) -> None:
        self.assertIn("out of date", self.complaints("statistics")[0])
        self.assertTrue(counters.write(Tree(self.root)))
        self.expect("statistics")
        self.assertFalse(counters.write(Tree(self.root)))
        text = (self.root / counters.DOCUMENT).read_text()
        self.assertIn("\n``page_lost``   pages lost\n", text)
        self.assertIn("\n``rx_frames``  frames completed\n", text)

    def test_changed_counter(self) -> None:
        counters.write(Tree(self.root))
        for before, after in (("pages taken", "pages eaten"), ("taken,", "eaten,"), ('\\\n\tX(lost, "pages lost")', "")):
            with self.subTest(before):
                self.add(PUBLIC_HEADER, COUNTERS.replace(before, after))
                self.assertIn("out of date", self.complaints("statistics")[0])

    def test_undocumented_list(self) -> None:
        counters.write(Tree(self.root))
        self.add(counters.DRIVER_HEADER, RX + RX.replace("RX", "XDP"))
        self.assertIn("LABNET_XDP_COUNTERS", self.complaints("statistics")[0])

    def test_unreadable_list(self) -> None:
        counters.write(Tree(self.root))
        self.add(counters.DRIVER_HEADER, "#define LABNET_RX_COUNTERS(X) \\\n\tY(frames)\n")
        self.assertIn("has no counter", self.complaints("statistics")[0])

    def test_no_document(self) -> None:
        (self.root / counters.DOCUMENT).unlink()
        self.expect("statistics", f"{counters.DOCUMENT}:1: there is no such file")


class Features(Sample):
    """The table of features."""

    def setUp(self) -> None:
        super().setUp()
        self.add(features.SOURCE, "#define LABNET_FEATURES(X)\t\\\n\tX(MAC, MAC)\t\\\n\tX(MTU, MTU)\n")
        self.add(features.DOCUMENT, "``MAC``  used  a\n``MTU``  used  b\n``RSS``  no    c\n")

    def test_agreement(self) -> None:
        self.expect("features")

    def test_contradictions(self) -> None:
        self.add(features.DOCUMENT, "``MAC``  no    a\n``RSS``  used  c\n")
        self.expect("features", f"{features.DOCUMENT}:1: the table of features has no MTU",
                    f"{features.DOCUMENT}:1: MAC: 'no', but", f"{features.DOCUMENT}:2: RSS: 'used', but")

    def test_no_list(self) -> None:
        self.add(features.SOURCE, "\n")
        self.assertIn("no list", self.complaints("features")[0])
        (self.root / features.SOURCE).unlink()
        self.assertIn("does not exist", self.complaints("features")[0])


class Prose(Sample):
    """Documents and secrets."""

    def setUp(self) -> None:
        super().setUp()
        self.add("README.md", "See `Documentation/page.rst`.\n")
        self.add("Documentation/index.rst", f"{PAGE}\n.. toctree::\n\n   page\n")
        self.add("Documentation/page.rst", f"{PAGE}\n.. kernel-doc:: {PUBLIC_HEADER}\n")
        self.add(PUBLIC_HEADER, LICENCE)

    def test_names(self) -> None:
        self.expect("documents")
        self.add("README.md", "\nSee `Documentation/other.rst`.\n")
        (self.root / PUBLIC_HEADER).unlink()
        self.expect("documents", f"Documentation/page.rst:7: there is no {PUBLIC_HEADER}",
                    "README.md:2: there is no Documentation/other.rst")

    def test_index(self) -> None:
        self.add("Documentation/lost.rst", PAGE)
        (self.root / "Documentation/page.rst").unlink()
        self.add("README.md", "\n")
        self.expect("documents", "Documentation/index.rst:1: does not list lost",
                    "Documentation/index.rst:1: lists page, which does not exist")

    def test_licence(self) -> None:
        self.add("Documentation/page.rst", PAGE.replace("SPDX", "XPDS"))
        self.expect("documents", "Documentation/page.rst:1: does not start")

    def test_long_readme(self) -> None:
        self.add("README.md", "\n" * 121)
        self.expect("documents", "README.md:121: 121 lines")
        (self.root / "README.md").unlink()
        self.expect("documents", "README.md:1: 0 lines")

    def test_privacy(self) -> None:
        self.expect("privacy")
        self.add("qemu/init", "cd /root || exit\nexport PATH=/usr/sbin:/usr/bin HOME=/root\n")
        self.expect("privacy")
        self.add("qemu/a.py", f"\nCACHE = '{SOMEBODY}'\nMIRROR = '{ARCHIVE}'\n")
        self.expect("privacy", "qemu/a.py:2: a path of one machine", "qemu/a.py:3: the address of a package archive")

    def test_privacy_of_this_checkout(self) -> None:
        self.add("qemu/a.py", f"TOP = '{self.root}'\n")
        self.expect("privacy", "qemu/a.py:1: a path of one machine")


class Registry(Sample):
    """The list of checks, and which files they look at."""

    def test_unknown_check(self) -> None:
        with self.assertRaisesRegex(SetupError, "unknown check 'speling': there are checkpatch, "):
            find("speling")

    def test_every_check_says_what_it_insists_on(self) -> None:
        for name, check in CHECKS.items():
            self.assertTrue(check.__doc__, name)

    def test_ignored_files(self) -> None:
        self.add("build/bad.c", "")
        self.add("drivers/good.c", "")
        self.assertEqual(Tree(self.root).files, ["drivers/good.c"])
        self.assertNotIn("build", {path.split("/")[0] for path in Tree(TOP).files})
        self.assertIn("tests/lint/test_lint.py", Tree(TOP).files)


if __name__ == "__main__":
    unittest.main()
