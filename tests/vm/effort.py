# SPDX-License-Identifier: GPL-2.0
"""How much a case does: little, so that everything can be run often, or much, where the environment says LONG=1.

What is chosen at random can be repeated: SEED=number in the environment.
"""

import os
import random
from typing import TypeVar

from qemu.kernels import Kernel
from tests.vm import expect

# A debug kernel checks every memory access and every lock: it needs that many times longer.
DEBUG_SLOWNESS = 5
LONG = bool(os.environ.get("LONG"))
Choice = TypeVar("Choice")


def choose(short: Choice, long: Choice) -> Choice:
    """Return what this run is to use."""
    return long if LONG else short


def patience(kernel: Kernel) -> int:
    """Return how many times longer than usual to wait for a guest."""
    return DEBUG_SLOWNESS if kernel.name.endswith("-debug") else 1


def dice() -> random.Random:
    """Return a source of chance whose seed has been told."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    expect.progress(f"SEED={seed}")
    return random.Random(seed)
