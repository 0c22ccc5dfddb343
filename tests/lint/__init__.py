# SPDX-License-Identifier: GPL-2.0
"""What can be said about the sources without running them.

    python3 -m tests.lint                 every check
    python3 -m tests.lint length shell    some of them
    python3 -m tests.lint --list          what there is
    python3 -m tests.lint --write         make the tables of Documentation/statistics.rst again

A check prints what it finds as file:line. One that cannot do its work, because a tool is missing, has failed.
"""
