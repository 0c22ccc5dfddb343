# SPDX-License-Identifier: GPL-2.0
"""Which lines and branches of the two modules the tests run, counted by gcov in a guest's kernel.

    make coverage [CASES="kunit ping"]  or, when everything is set up:
    python3 -m tests.coverage [--kernel NAME] [--fresh] [CASE...]

Each case runs as it always does, with modules that count, and leaves what they have counted in a directory of its own
when it has passed. What failed shows nothing, so its lines do not count. Directories stay as long as the modules are the
same ones: the same command goes on where it was interrupted. The table goes to build/coverage/KERNEL as well.

Exit status: 0; 1 when a case has not passed, or when all of them together run less than LIMIT percent of the lines; 2
when the machine is not ready or there is nothing to count.
"""
