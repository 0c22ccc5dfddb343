# SPDX-License-Identifier: GPL-2.0
"""Long cases in pieces: with LONG=1 MINUTES=number in the environment a guest ends after that time, and the next one goes on.

What passed is kept in build/quota.json, as long as the modules are the same. Short cases always do the whole of it.
"""

import hashlib
import json
import os
import time

from qemu import BUILD, SetupError, modules
from qemu.vm import VM
from tests.vm import effort, expect

STATE = BUILD / "quota.json"


def minutes(text: str) -> float:
    """Return the number that is meant, 0 for none."""
    try:
        number = float(text or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise SetupError(f"MINUTES={text}: not a number of minutes")
    return number


MINUTES = minutes(os.environ.get("MINUTES", "")) if effort.LONG else 0.0


class Quota:
    """So much of something there is to do, in this guest and in those before it."""

    def __init__(self, vm: VM, case: str, what: str, wanted: int) -> None:
        """Look what is done already. @what is counted; @wanted is the number."""
        self._name, self._what, self._wanted = f"{case} {vm.kernel.name} {_digest(vm)}", what, wanted
        self._end = time.monotonic() + 60 * MINUTES if MINUTES else None
        self.left = max(0, wanted - self._read().get(self._name, [0])[0])
        if not self.left:
            expect.progress(f"{wanted:,} {what}: done before")

    def goes_on(self, done: int) -> bool:
        """Whether there is more for this guest, which has @done so many."""
        return done < self.left and not (self._end and time.monotonic() > self._end)

    def passed(self, done: int) -> None:
        """Note that the guest has passed, with @done so many."""
        before, guests = self._read().get(self._name, [0, 0])
        expect.progress(f"{before + done:,} of {self._wanted:,} {self._what}, in {guests + 1} guests")
        if self._end is None:
            return
        kept = {**self._read(), self._name: [before + done, guests + 1]}
        unfinished = STATE.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(kept, indent=1))
        unfinished.rename(STATE)

    def _read(self) -> dict[str, list[int]]:
        return json.loads(STATE.read_text()) if self._end and STATE.exists() else {}


def _digest(vm: VM) -> str:
    """Return a hash of the two modules."""
    digest = hashlib.sha256()
    for path in sorted(modules.find(vm.modules_from)):
        if path.stem in ("labyrinth", "labnet"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
