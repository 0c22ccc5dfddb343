# SPDX-License-Identifier: GPL-2.0
"""What a case checks with: every failure names the expression, what was wanted and what was got."""

import time
from collections.abc import Callable
from typing import Any


class Failure(Exception):
    """Something is not as it has to be."""

    def __init__(self, expression: str, wanted: Any, got: Any) -> None:
        super().__init__(f"{expression}: wanted {wanted}, got {got!r}")


def equal(expression: str, got: Any, wanted: Any) -> None:
    """Expect @got to be @wanted."""
    if got != wanted:
        raise Failure(expression, repr(wanted), got)


def at_least(expression: str, got: float, wanted: float) -> None:
    """Expect @got not to be less than @wanted."""
    if got < wanted:
        raise Failure(expression, f"at least {wanted:,}", got)


def at_most(expression: str, got: float, wanted: float) -> None:
    """Expect @got not to be more than @wanted."""
    if got > wanted:
        raise Failure(expression, f"at most {wanted:,}", got)


def contains(expression: str, got: str, wanted: str) -> None:
    """Expect the text @got to contain @wanted."""
    if wanted not in got:
        raise Failure(expression, f"something with {wanted!r}", got)


def eventually(expression: str, look: Callable[[], Any], wanted: Any, seconds: float = 10) -> None:
    """Expect look() to be @wanted, at once or before @seconds have passed."""
    deadline = time.monotonic() + seconds
    while (got := look()) != wanted:
        if time.monotonic() > deadline:
            raise Failure(expression, f"{wanted!r} within {seconds:g} s", got)
        time.sleep(0.2)


def progress(text: str) -> None:
    """Tell the person who waits how far the case is."""
    print(f"       {text}", flush=True)
