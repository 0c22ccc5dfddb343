# SPDX-License-Identifier: GPL-2.0
"""Shortage of memory on purpose: the kernel module labyrinth_hog, and the cases' way to talk to it."""
