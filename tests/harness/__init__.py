# SPDX-License-Identifier: GPL-2.0
"""Tests of the harness itself: what it does when something is missing, broken or silent.

Those that need a guest or a tap device run in the private network; `make check CASES=harness` sees to that.
"""
