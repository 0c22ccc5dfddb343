# SPDX-License-Identifier: GPL-2.0
"""The directory outside the checkout in which slow things are kept: kernels, package lists, build trees.

Whatever lies under its final name there is complete: it was made under another name and renamed. So an interrupted run
leaves rubbish, which the next run removes, but never half a kernel.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qemu import SetupError, cache

MEBIBYTE = 1 << 20


def root() -> Path:
    """Return the cache's directory, and make it where it is missing."""
    path = cache()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"cannot make the cache {path}: {error.strerror} (LABYRINTH_CACHE chooses another)") from error
    return path


def require_space(mebibytes: int, purpose: str) -> None:
    """Refuse to begin what would fill the disk half-way."""
    free = shutil.disk_usage(root()).free // MEBIBYTE
    if free < mebibytes:
        raise SetupError(f"{purpose} needs {mebibytes} MiB in {root()}, {free} MiB are free")


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Let one process at a time work on @name.

    The kernel drops the lock when its owner dies, so there is no stale lock to remove by hand.
    """
    path = root() / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another process that prepares {name}", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes @path if, and only if, the block succeeds."""
    unfinished = path.with_name(path.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.rename(path)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
