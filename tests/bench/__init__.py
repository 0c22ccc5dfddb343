# SPDX-License-Identifier: GPL-2.0
"""The benchmarks: two drivers side by side in one guest.

Seconds on a shared, emulated machine are noise. What holds is the ratio of two drivers that took
turns in one run, and counts of packets. So that is what the flood prints first.
"""
