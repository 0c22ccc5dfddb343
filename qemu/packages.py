# SPDX-License-Identifier: GPL-2.0
"""Debian packages, fetched and unpacked into the cache; nothing is installed and the machine's own apt stays as it is.

A package comes from the suites that the machine follows itself, or from any other suite of the same archive: then apt
runs with a source list, state and cache of its own. The archive's address is taken from the machine's configuration.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qemu import SetupError, store

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run @command and return its output; its last line of complaint becomes the error, unless another one says more."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise SetupError(f"{command[0]} is missing: run make setup") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise SetupError(f"{command[0]}: {next((line for line in lines if 'No space' in line), lines[-1])}")
    return done.stdout


@dataclass(frozen=True)
class Archive:
    """The Debian archive, seen through the machine's own suites (suite is None) or through one other suite."""

    suite: str | None = None

    def __post_init__(self) -> None:
        if not shutil.which("apt-get"):
            raise SetupError("apt-get is missing: kernels are fetched from a Debian archive")

    def update(self) -> None:
        """Fetch the lists of the other suite; those of the machine are the administrator's business."""
        if not self.suite:
            return
        for directory in ("lists/partial", "archives/partial"):
            (self._home() / directory).mkdir(parents=True, exist_ok=True)
        with store.lock(f"apt/{self.suite}"):  # two kernels may come from one suite
            (self._home() / "status").touch()
            (self._home() / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {self.suite} main\n")
            run("apt-get", *self._options(), "update", "--error-on=any")

    def version(self, package: str) -> str:
        """Return the version of @package that the archive offers now."""
        return self._field(package, "Version")

    def depends(self, package: str) -> list[str]:
        """Return the names of the packages that @package depends on, first alternatives only."""
        clauses = self._field(package, "Depends").split(",")
        return [clause.split("|")[0].split()[0] for clause in clauses]

    def closure(self, packages: Sequence[str]) -> list[str]:
        """Return @packages and all that they depend on, as if nothing were installed; of another suite only."""
        if not self.suite:
            raise ValueError("what the machine's own suites would install depends on what is installed")
        plan = run("apt-get", *self._options(), "install", "--simulate", "--no-install-recommends", *packages)
        return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]

    def unpack(self, packages: list[str], target: Path) -> None:
        """Download @packages and unpack them into @target."""
        download = target / "packages"
        download.mkdir()
        try:
            run("apt-get", *self._options(), "download", *packages, cwd=download)
        except SetupError as error:
            # Old lists name versions that the archive no longer has.
            raise SetupError(f"{error} (does apt-get update help?)") from error
        for package in sorted(download.glob("*.deb")):
            run("dpkg-deb", "--extract", package, target)
        shutil.rmtree(download)

    def _field(self, package: str, field: str) -> str:
        """Return one field of the newest @package in the archive."""
        try:
            record = run("apt-cache", *self._options(), "show", "--no-all-versions", package)
        except SetupError as error:
            where = self.suite or "the machine's package lists (apt-get update?)"
            raise SetupError(f"no package {package} in {where}: {error}") from error
        for line in record.splitlines():
            name, _, value = line.partition(": ")
            if name == field:
                return value
        raise SetupError(f"package {package} has no field {field}")

    def _home(self) -> Path:
        return store.root() / "apt" / str(self.suite)

    def _options(self) -> list[str]:
        """Return the options that keep apt away from the machine's state."""
        settings = {"APT::Sandbox::User": "root"}  # the cache may be readable for its owner alone
        if self.suite:
            settings |= {
                "Dir::Etc::sourcelist": str(self._home() / "sources.list"),
                "Dir::Etc::sourceparts": "-",
                "Dir::State": str(self._home()),
                "Dir::State::status": str(self._home() / "status"),
                "Dir::Cache": str(self._home()),
                "Acquire::Languages": "none",
            }
        return [f"-o{name}={value}" for name, value in settings.items()]


def mirror() -> str:
    """Return the address of the Debian archive that the machine uses."""
    targets = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages")
    for target in targets.splitlines():
        origin, label, address = target.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise SetupError("the machine's apt configuration names no Debian archive (or apt-get update was never run)")
