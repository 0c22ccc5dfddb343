# SPDX-License-Identifier: GPL-2.0
"""The VM harness: kernels to boot, modules to load, a guest to run them in.

Everything that more than one part of the harness has to agree on lives here: where the checkout
is, where its build output goes, where downloads are kept, and the error that means "this machine
is not ready" (one line for a person to read, no traceback).
"""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"


class SetupError(Exception):
    """Something outside the project is missing, or nobody can have what is asked for; str() is one line: what, and what to do."""


class RunError(Exception):
    """What was begun cannot be finished; the first line of str() says why."""


def cache() -> Path:
    """The directory for what is fetched or built once; it lies outside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(os.environ.get("LABYRINTH_CACHE") or Path(base) / "labyrinth")
    return path.expanduser().absolute()
