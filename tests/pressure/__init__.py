# SPDX-License-Identifier: GPL-2.0
"""Pressure: a guest whose memory really runs out, by ordinary means, and what its network does meanwhile.

Nothing is injected. Each trial is one guest with one driver, one cause of the shortage, and either ordinary
processes or ones that the OOM killer may not touch. A guest that dies is a result, not an accident.
"""
