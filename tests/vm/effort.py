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
# And memory: of a guest with 256 MiB, KASAN's shadow and the records of each page and object leave 77.
DEBUG_MEMORY = 512  # MiB
LONG = bool(os.environ.get("LONG"))
Choice = TypeVar("Choice")


def choose(short: Choice, long: Choice) -> Choice:
    """Return what this run is to use."""
    return long if LONG else short


def patience(kernel: Kernel) -> int:
    """Return how many times longer than usual to wait for a guest."""
    return DEBUG_SLOWNESS if kernel.name.endswith("-debug") else 1


def memory(wanted: str, kernel: Kernel) -> str:
    """Return how much memory the guest needs, in QEMU's words, where a case wants so much."""
    small = wanted.endswith("M") and int(wanted.removesuffix("M")) < DEBUG_MEMORY
    return f"{DEBUG_MEMORY}M" if small and patience(kernel) > 1 else wanted


def dice() -> random.Random:
    """Return a source of chance whose seed has been told."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    expect.progress(f"SEED={seed}")
    return random.Random(seed)
