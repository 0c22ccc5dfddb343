# SPDX-License-Identifier: GPL-2.0
"""Failed allocations on purpose, by the kernel's own fault injection: one of a program's, or a share of everybody's."""
