# SPDX-License-Identifier: GPL-2.0
"""The compilers' and sparse's complaints arrive, with the right place; a file that is right again is quiet.

    python3 -m unittest tests.lint.test_compilers
"""

from unittest import mock

from qemu import modules
from tests.lint import compilers
from tests.lint.test_lint import Sample

BEGIN = "// SPDX-License-Identifier: GPL-2.0\n#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n"
UNUSED = BEGIN + "static int __init a_init(void)\n{\n\tint b = 1;\n\n\tb = 2;\n\treturn 0;\n}\nmodule_init(a_init);\n"
ORDER = BEGIN + "static __be32 a;\n\nstatic int __init a_init(void)\n{\n\treturn a;\n}\nmodule_init(a_init);\n"


class Compilers(Sample):
    """A module of one file."""

    def setUp(self) -> None:
        super().setUp()
        patch = mock.patch.object(modules, "BUILD", self.root / "build")
        patch.start()
        self.addCleanup(patch.stop)
        self.add("Kbuild", "obj-m += drivers/\n")
        self.add("drivers/Makefile", "obj-m := a.o\n")

    def test_gcc(self) -> None:
        """What only W=1 says is said, again and again, until it is mended."""
        self.add("drivers/a.c", UNUSED)
        for _ in range(2):
            self.expect("gcc", "drivers/a.c:6: variable ")
        self.add("drivers/a.c", UNUSED.replace("return 0", "return b"))
        self.expect("gcc")

    def test_sparse(self) -> None:
        """Byte orders are confused: the compilers do not know."""
        self.add("drivers/a.c", ORDER)
        self.expect("gcc", "drivers/a.c:8: incorrect type in return expression")
        self.expect("clang")

    def test_clang(self) -> None:
        """The same sources, and its own words."""
        self.add("drivers/a.c", UNUSED)
        self.expect("clang", "drivers/a.c:6: variable 'b' set but not used")

    def test_nothing_to_compile(self) -> None:
        """That the check could not be made is a complaint as well."""
        (self.root / "Kbuild").unlink()
        self.assertIn("nothing to build", self.complaints("gcc")[0])
        with mock.patch.object(compilers, "KERNEL", "5.4"):
            self.assertIn("unknown kernel", self.complaints("clang")[0])
