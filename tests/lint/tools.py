# SPDX-License-Identifier: GPL-2.0
"""The tools that others keep: the kernel's own scripts, and shellcheck.

No package installs checkpatch.pl. It is taken out of the kernel's source package, once, into the cache.
"""

import shutil
import subprocess
from pathlib import Path

from qemu import SetupError, store
from qemu.packages import Archive, run

PACKAGE = "linux-source-6.1"
SCRIPTS = ("checkpatch.pl", "kernel-doc", "spelling.txt", "const_structs.checkpatch")
SPACE = 300  # MiB: the package, packed and unpacked


def require(tool: str) -> str:
    """Return the path of a program, or say that it is missing."""
    path = shutil.which(tool)
    if not path:
        raise SetupError(f"{tool} is missing: run make setup")
    return path


def call(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program; what its status means is the caller's business."""
    return subprocess.run([str(word) for word in command], cwd=cwd, text=True, errors="replace", capture_output=True,
                          check=False)


def kernel_scripts() -> Path:
    """Return the directory with the kernel's scripts, fetched where the cache does not have it."""
    directory = store.root() / "lint" / PACKAGE
    with store.lock("lint/scripts"):
        if not directory.is_dir():
            store.require_space(SPACE, "the kernel's scripts for lint")
            with store.new_directory(directory) as unfinished:
                _extract(unfinished)
    return directory


def _extract(directory: Path) -> None:
    """Put the scripts into @directory, from the installed source package or from a downloaded one."""
    tarball = Path(f"/usr/src/{PACKAGE}.tar.xz")
    if not tarball.exists():
        print(f"fetching {PACKAGE} for its scripts", flush=True)
        Archive().unpack([PACKAGE], directory)
        tarball = directory / f"usr/src/{PACKAGE}.tar.xz"
    members = [f"{PACKAGE}/scripts/{name}" for name in SCRIPTS]
    run("tar", "--extract", "--file", tarball, "--directory", directory, "--strip-components=2", *members)
    shutil.rmtree(directory / "usr", ignore_errors=True)
