# SPDX-License-Identifier: GPL-2.0
"""Build the benchmark's small C programs."""

import subprocess
from pathlib import Path

from qemu import SetupError


def build(source: Path, directory: Path, *flags: str) -> Path:
    """Compile one C file into `directory`, unless the program there is newer, and return the program."""
    program = directory / source.stem
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    directory.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-O2", "-Wall", "-Wextra", *flags, "-o", str(program), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SetupError("gcc is missing: run make setup") from None
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or ["gcc failed"]
        raise SetupError(f"{source.name} does not build: {complaint[0]}")
    return program
