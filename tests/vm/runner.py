# SPDX-License-Identifier: GPL-2.0
"""Boots one guest for each case, runs the case in it, and says how it ended: pass, fail or lost."""

import importlib
import pkgutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from qemu import BUILD, SetupError, kernels, network
from qemu.kernels import Kernel
from qemu.qmp import QMPError
from qemu.vm import VM, GuestError, Lost, Nic
from tests.vm import cases, effort, ending, expect
from tests.vm.link import HOST, PREFIX, Link

DRIVERS = ("labnet", "virtio_net")
Afterwards = Callable[[VM], None]


class Overdue(Lost):
    """The case took longer than it declares."""


@dataclass(frozen=True)
class Case:
    """A file of cases/, or one of the variants that the file declares."""

    name: str
    module: ModuleType
    words: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what the variant gives to run()."""
        return {name: value for name, value in self.words.items() if not name.isupper()}

    def declared(self, name: str, default: Any) -> Any:
        """Return what the variant says about its machine, or else the case's file."""
        return self.words.get(name, getattr(self.module, name, default))

    def kernel(self, default: str) -> str:
        """Return the kernel to run on: some cases need one that has what they are about, or one no older than that."""
        flavour = self.declared("FLAVOUR", None)
        if flavour:
            return kernels.flavoured(default, flavour)
        since = self.declared("SINCE", default)
        return self.declared("KERNEL", since if _version(default) < _version(since) else default)

    def suits(self, driver: str) -> bool:
        """Whether the case makes sense with @driver: some are about interfaces that only labnet has."""
        return driver in self.declared("DRIVERS", DRIVERS)


@dataclass(frozen=True)
class Result:
    """How a case ended."""

    suite: str
    case: str
    outcome: str  # pass, fail or lost
    message: str = ""
    seconds: float = 0.0
    log: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the case has passed: silence and doubt are no success."""
        return self.outcome == "pass"


def find(names: list[str] | None = None, rare: bool = False) -> list[Case]:
    """Return the cases of that @names, or all, those that are @rare as well. A file's name stands for all its variants."""
    found = [case for info in pkgutil.iter_modules(cases.__path__) for case in _variants(info.name)]
    if not names:
        return [case for case in found if rare or not case.declared("RARE", False)]
    for name in names:
        if not any(name in (case.name, case.name.partition(".")[0]) for case in found):
            raise SetupError(f"unknown case {name!r}: there are {', '.join(case.name for case in found)}")
    return [case for case in found if case.name in names or case.name.partition(".")[0] in names]


def run(case: Case, kernel: Kernel, driver: str = "labnet", modules_from: Path | None = None,
        afterwards: Afterwards | None = None) -> Result:
    """Run one case in a guest of its own, and do to the guest what has to be done @afterwards, if anything.

    The calling process lives in the harness' network namespace.
    """
    log = BUILD / "logs" / kernel.name / driver / f"{case.name}.log"
    start = time.monotonic()
    try:
        outcome, message = _run(case, kernel, driver, log, modules_from, afterwards)
    except Lost as lost:
        outcome, message = "lost", str(lost)
    return Result("vm", case.name, outcome, message, time.monotonic() - start, log)


def _run(case: Case, kernel: Kernel, driver: str, log: Path, modules_from: Path | None,
         afterwards: Afterwards | None) -> tuple[str, str]:
    nics = case.declared("NICS", [Nic()])
    memory, extra = case.declared("MEMORY", "512M"), case.declared("EXTRA_ARGS", ())
    if not extra:  # which may say how the memory is laid out
        memory = effort.memory(memory, kernel)
    machine = VM(kernel, nics=nics, memory=memory, cpus=case.declared("CPUS", 1), log=log,
                 append=case.declared("APPEND", ""), files=case.declared("files", dict)(), modules_from=modules_from,
                 extra_args=extra)
    seconds = case.declared("TIMEOUT", 120) * effort.patience(kernel)
    with _taps(nics), _limit(seconds), machine as vm:
        try:
            complaints = _attempt(lambda: _body(case, vm, Link(vm, nics[0], driver)))
            complaints += _attempt(lambda: case.declared("ending", ending.check)(vm, driver))
            complaints += _attempt(lambda: afterwards(vm)) if afterwards else []
        except Overdue as overdue:
            raise vm.lost(str(overdue)) from overdue
    return ("fail", "\n".join(complaints)) if complaints else ("pass", "")


def _body(case: Case, vm: VM, net: Link) -> None:
    if case.declared("LOAD", True):
        net.load()
    case.module.run(vm, net, **case.arguments)


def _attempt(step: Any) -> list[str]:
    """Run a step of a case; return what it complains about, with the place in the case's own code."""
    try:
        step()
    except (expect.Failure, GuestError, QMPError) as problem:
        return [f"{_place(problem)}: {problem}"]
    except Lost:
        raise
    except Exception as mistake:  # in the case itself; the cases after it can be right all the same
        return [f"{_place(mistake)}: {type(mistake).__name__}: {mistake}"]
    return []


def _version(kernel: str) -> list[int]:
    """Return the numbers in a kernel's name, to compare: 6.1-debug is older than 6.12."""
    return [int(number) for number in kernels.find(kernel).name.partition("-")[0].split(".")]


def _place(problem: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/tests/vm/" in frame.filename]
    place = next((f for f in reversed(frames) if "/cases/" in f.filename), frames[-1])
    return f"{Path(place.filename).name}:{place.lineno}"


def _variants(name: str) -> list[Case]:
    module = importlib.import_module(f"{cases.__name__}.{name}")
    variants: dict[str, dict[str, Any]] = getattr(module, "VARIANTS", {"": {}})
    return [Case(f"{name}.{variant}" if variant else name, module, words) for variant, words in variants.items()]


@contextmanager
def _taps(nics: list[Nic]) -> Iterator[None]:
    """Make the host's ends of the cards, the first of them with the host's address."""
    try:
        for number, nic in enumerate(nics):
            network.tap(nic.tap, f"{HOST.replace('.0.', f'.{number}.')}/{PREFIX}", nic.queues)
        yield
    finally:
        for nic in nics:
            network.remove(nic.tap)


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """End a case that takes longer than it declares, wherever it hangs."""
    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise Overdue(f"the case did not end within {seconds} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
