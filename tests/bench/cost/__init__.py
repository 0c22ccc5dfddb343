# SPDX-License-Identifier: GPL-2.0
"""What a packet costs the guest, in instructions: labnet and the in-tree driver side by side.

QEMU counts the guest's instructions and makes each last one nanosecond. A program of idle priority
(spinner.c) counts those that nobody else wanted; what it loses while packets arrive is what they cost.
"""
