# SPDX-License-Identifier: GPL-2.0
"""How every command of the project ends: with a status, and with one line where it could not do what it was asked for.

0: all is well. 1: it looked, and all is not well: a test has failed, a bound is missed. 2: it was asked for what cannot be,
or this machine is not ready. 3: it began and could not finish. 130: interrupted, as a shell says it.
"""

import sys
from collections.abc import Callable
from typing import NoReturn

from qemu import RunError, SetupError

FAILED, MISUSED, UNFINISHED, INTERRUPTED = 1, 2, 3, 130


def run(main: Callable[[], int | None], interrupted: str = "interrupted") -> NoReturn:
    """End the program with what main() returns, or with what kept it from returning."""
    try:
        sys.exit(main())
    except SetupError as problem:
        _end(MISUSED, f"error: {problem}")
    except RunError as problem:
        _end(UNFINISHED, f"error: {problem}")
    except KeyboardInterrupt:
        _end(INTERRUPTED, interrupted)


def _end(status: int, text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(status)
