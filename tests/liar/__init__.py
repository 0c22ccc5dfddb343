# SPDX-License-Identifier: GPL-2.0
"""Virtio network devices made in the guest by the kernel module labyrinth_liar, and the cases' way to talk to them."""
