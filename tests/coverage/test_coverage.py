# SPDX-License-Identifier: GPL-2.0
"""From counters to tables, with a small program in place of the modules.

    python3 -m unittest tests.coverage.test_coverage
"""

import base64
import contextlib
import io
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from qemu import TOP, SetupError
from qemu.kernels import Kernel
from tests.coverage import __main__ as command
from tests.coverage import guest, report
from tests.coverage.report import Coverage

HEADER = """static inline int twice(int x)
{
	return 2 * x;
}
"""
PROGRAM = """#include <stdlib.h>
#include "kernel.h"
#include "twice.h"
int main(int argc, char **argv)
{
	int x = atoi(argv[1]);
	if (x > 3)
		x = twice(x);
	if (x == 0)
		x = again(1);
	return x;
}
"""
DRIVER = "drivers/labyrinth"


def kernel(name: str) -> Kernel:
    """Return a kernel of which only the name matters."""
    return Kernel(name, name, Path(), Path(), Path(), "")


class Counters(unittest.TestCase):
    """A program that counts, built in a farm of links, as the modules are."""

    def setUp(self) -> None:
        """Build it."""
        directory = tempfile.TemporaryDirectory(prefix="coverage-")
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.farm = self.root / "farm"
        self.kdir = self.root / "kernel"
        (self.kdir / "include").mkdir(parents=True)
        (self.kdir / "include/kernel.h").write_text(HEADER.replace("twice", "again"))
        for path, text in ((f"{DRIVER}/main.c", PROGRAM), ("include/twice.h", HEADER)):
            source, link = self.root / "sources" / path, self.farm / path
            for parent in (source.parent, link.parent):
                parent.mkdir(parents=True)
            source.write_text(text)
            link.symlink_to(source)
        self.place = self.farm / DRIVER
        self.compile("-c", "-o", str(self.place / "main.o"), str(self.place / "main.c"))
        self.compile("-o", str(self.root / "program"), str(self.place / "main.o"))

    def compile(self, *words: str) -> None:
        """Call the compiler."""
        subprocess.run(["gcc", "--coverage", f"-I{self.farm}/include", "-Iinclude", *words], cwd=self.kdir, check=True)

    def count(self, name: str, *numbers: int) -> Path:
        """Run the program with each number, and return a directory with what it has counted."""
        for number in numbers:
            subprocess.run([self.root / "program", str(number)], check=False)
        part = self.root / name / DRIVER
        part.mkdir(parents=True)
        (self.place / "main.gcda").rename(part / "main.gcda")
        return self.root / name

    def measure(self, *parts: Path) -> dict[str, Coverage]:
        """Return what the counters say."""
        return {file.file: file for file in report.measure(list(parts), self.farm, self.kdir, self.root / "output")}

    def test_one(self) -> None:
        """Lines that were not run are missing; a header's function counts where it is called."""
        files = self.measure(self.count("small", 1))
        self.assertEqual(files[f"{DRIVER}/main.c"].missing, (8, 10))
        self.assertEqual((files[f"{DRIVER}/main.c"].branches, files[f"{DRIVER}/main.c"].taken), (4, 2))
        self.assertEqual((files["include/twice.h"].lines, files["include/twice.h"].covered), (2, 0))

    def test_sum(self) -> None:
        """What one case has not run, another one may have."""
        parts = self.count("small", 1), self.count("large", 5), self.count("both", 0, 5)
        self.assertEqual(self.measure(*parts[:2])[f"{DRIVER}/main.c"].missing, (10,))
        files = self.measure(*parts)
        self.assertEqual(report.share(list(files.values())), 100.0)
        self.assertEqual(files[f"{DRIVER}/main.c"].taken, 4)

    def test_never_loaded(self) -> None:
        """A file of which no guest has told anything was never run."""
        (self.place / "other.c").write_text("int other(void);\nint other(void)\n{\n\treturn 1;\n}\n")
        self.compile("-c", "-o", str(self.place / "other.o"), str(self.place / "other.c"))
        other = self.measure(self.count("small", 1))[f"{DRIVER}/other.c"]
        self.assertEqual((other.lines, other.covered), (2, 0))

    def test_other_build(self) -> None:
        """What another build has counted has another name."""
        before = guest.identity(self.farm)
        self.assertEqual(guest.identity(self.farm), before)
        (self.root / "sources" / DRIVER / "main.c").write_text(PROGRAM.replace("x > 3", "x > 3 && x < 9"))
        self.compile("-c", "-o", str(self.place / "main.o"), str(self.place / "main.c"))
        self.assertNotEqual(guest.identity(self.farm), before)

    def test_nothing(self) -> None:
        """No counters, no table."""
        with self.assertRaisesRegex(SetupError, "nothing was counted"):
            self.measure()

    def test_damaged(self) -> None:
        """Counters that cannot be added up are an error."""
        bad = self.count("bad", 1)
        (bad / DRIVER / "main.gcda").write_bytes(b"nonsense")
        with self.assertRaises(SetupError):
            self.measure(self.count("good", 1), bad)


class Guest:
    """Stands for a guest: it answers every script with the same text."""

    def __init__(self, files: dict[str, bytes]) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as content:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                content.addfile(member, io.BytesIO(data))
        self.answer = base64.encodebytes(archive.getvalue()).decode() if files else ""

    def run(self, _script: str) -> str:
        """Answer."""
        return self.answer


class Fetching(unittest.TestCase):
    """What comes from a guest."""

    def fetch(self, files: dict[str, bytes]) -> tuple[bool, list[str]]:
        """Return whether this was enough, and which files there are then."""
        with tempfile.TemporaryDirectory(prefix="coverage-") as name:
            guest.fetch(Guest(files), Path("/farm"), Path(name))
            return guest.fetched(Path(name)), sorted(str(path.relative_to(name)) for path in Path(name).rglob("*.gcda"))

    def test_both(self) -> None:
        """Counters of both modules are what is wanted, or of the page layer alone."""
        files = [f"{driver}/main.gcda" for driver in guest.DRIVERS]
        self.assertEqual(self.fetch({f"./{name}": b"x" for name in files}), (True, files))
        self.assertTrue(self.fetch({f"./{files[0]}": b"x"})[0])

    def test_nothing(self) -> None:
        """A guest that has counted nothing, or nothing in the page layer, without which nothing runs, is no success."""
        self.assertEqual(self.fetch({}), (False, []))
        self.assertFalse(self.fetch({f"./{guest.DRIVERS[1]}/main.gcda": b"x"})[0])


class Words(unittest.TestCase):
    """Names, numbers, tables."""

    def test_ranges(self) -> None:
        """Neighbours become ranges."""
        self.assertEqual(report.ranges((3, 7, 8, 9, 12)), "3, 7-9, 12")
        self.assertEqual(report.ranges(()), "")

    def test_table(self) -> None:
        """There is a sum, and only what is missing is listed."""
        lines = report.table([Coverage("a.c", 10, (3, 4, 9), 4, 1, ((2, "one"), (8, "two"))), Coverage("b.c", 10, (), 0, 0)])
        self.assertRegex(lines[1], r"^a\.c +10 +7 +70\.0 +4 +1 +25\.0$")
        self.assertRegex(lines[3], r"^all +20 +17 +85\.0 +4 +1 +25\.0$")
        self.assertEqual(lines[-3:], ["never run:", "a.c: one(): 3-4", "a.c: two(): 9"])

    def test_functions(self) -> None:
        """A function begins where its name is; no declaration, macro, label or call does."""
        source = "int f(void);\nMACRO(x)\nstatic int f(void)\n{\n\tg();\nout:\n}\nstatic struct x *\nlong_name(int a,\n\t  int b)\n{\n"
        self.assertEqual(report.functions(source), ((3, "f"), (9, "long_name")))

    def test_explained(self) -> None:
        """Only what the section names has a reason; and the page has that section."""
        page = f"Other\n=====\n\n``no()``\n\n{report.HEADING}\n-----\n\n``one()``: never.\n\nNext\n----\n\n``two()``\n"
        self.assertEqual(report.explained(page), {"one"})
        self.assertEqual(report.left([Coverage("a.c", 10, (3, 9), 0, 0, ((2, "one"), (8, "two")))], {"one"}), ["a.c: two(): 9"])
        self.assertTrue(report.explained((TOP / command.PAGE).read_text()))

    def test_verdict(self) -> None:
        """Enough is enough, but for a case that has not passed; some cases alone need not run so much."""
        for share, bad, some, status, words in ((90.0, [], False, 0, "at least 90 %"), (89.9, [], False, 1, "less than 90 %"),
                                                (95.0, ["ping"], False, 1, "at least 90 %"), (50.0, [], True, 0, "less than 90 %"),
                                                (50.0, ["ping"], True, 1, "less than 90 %")):
            with contextlib.redirect_stdout(io.StringIO()) as said:
                self.assertEqual(command.judge(share, bad, some), status)
            self.assertIn(words, said.getvalue())

    def test_cases(self) -> None:
        """All that runs on the kernel is the default; what runs on another one is refused."""
        names = command.default(kernel("6.1-coverage"))
        self.assertEqual(names[0], command.KUNIT)
        self.assertTrue({"ping", "fault_traffic", "fault_nth.open"} <= set(names))
        self.assertFalse({"preempt_rt", *command.LEFT_OUT} & set(names))
        self.assertEqual(command.chosen(["ping", "kunit"], kernel("6.1-coverage")), ["kunit", "ping"])
        for name, complaint in (("preempt_rt", "does not run on"), ("nonsense", "unknown case")):
            with self.assertRaisesRegex(SetupError, complaint):
                command.chosen([name], kernel("6.1-coverage"))

    def test_left_out(self) -> None:
        """What is left out exists."""
        for name in command.LEFT_OUT:
            self.assertTrue(command.runner.find([name]))


if __name__ == "__main__":
    unittest.main()
