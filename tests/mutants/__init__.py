# SPDX-License-Identifier: GPL-2.0
"""Deliberate bugs of the drivers, as patches, each of which a test has to catch: python3 -m tests.mutants."""
