# SPDX-License-Identifier: GPL-2.0
"""What one run of the flood does: the environment's wishes, checked, and the fixed choices with their reasons."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qemu import SetupError

SMALLEST, LARGEST = 60, 1514  # bytes: Ethernet's least, and a full MTU of 1500
LONGEST = 60.0  # seconds: all samples of a turn have to fit through the guest's agent


class BadConfiguration(SetupError):
    """A wish that cannot be met; str() is one line that says which and why."""


@dataclass(frozen=True)
class Configuration:
    """Everything that distinguishes one run from another."""

    kernel: str = "6.1"
    driver: str = "labnet"  # the one that the run is about
    reference: str = "virtio_net"  # the one that it is compared with
    # Seconds of one turn. Short turns alternate often, so that what disturbs the machine disturbs both drivers.
    duration: float = 3.0
    sizes: tuple[int, ...] = (64, 1500)  # bytes of a frame, the Ethernet header included
    # An odd number has a median that was really measured.
    rounds: int = 7
    # Packets per second: twice what an emulated guest takes, so that it is always the guest that limits; not as
    # much as the generator can, because on two cores it would take the guest's.
    rate: int = 150_000
    # Several, so that flows can be told apart; all end in one socket.
    flows: int = 8
    tcp_seconds: int = 2
    tcp_rounds: int = 7
    memory: str = "512M"
    # One: the other core is QEMU's device emulation's and the generator's.
    cpus: int = 1
    sample_ms: int = 100

    @property
    def in_tree(self) -> bool:
        """Whether no module of ours takes part."""
        return self.driver == self.reference == "virtio_net"

    @property
    def injection_seconds(self) -> float:
        """The length of the turn with failing allocations: a third before, a third of failures, a third after."""
        return 3 * self.duration


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the configuration that the command line and the environment ask for."""
    default = Configuration()
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.bench.flood", description=__doc__,
        epilog="Environment: KERNEL (of qemu.kernels), DURATION (seconds of one turn), SIZES (bytes of a frame).")
    parser.add_argument("--driver", default=default.driver, help="the driver to measure (default %(default)s)")
    parser.add_argument("--reference", default=default.reference, help="the one to compare with (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=default.rounds, help="turns per card (default %(default)s)")
    parser.add_argument("--rate", type=int, default=default.rate, help="packets per second (default %(default)s)")
    options = parser.parse_args(arguments)
    if not 1 <= options.rounds <= 100:
        raise BadConfiguration(f"--rounds {options.rounds}: not from 1 to 100")
    if not 1 <= options.rate <= 10_000_000:
        raise BadConfiguration(f"--rate {options.rate}: not from 1 to 10000000")
    return Configuration(
        kernel=environment.get("KERNEL") or default.kernel,
        duration=_duration(environment.get("DURATION") or str(default.duration)),
        sizes=sizes(environment.get("SIZES") or " ".join(map(str, default.sizes))),
        driver=options.driver, reference=options.reference, rounds=options.rounds, rate=options.rate)


def _duration(text: str) -> float:
    try:
        duration = float(text)
    except ValueError:
        raise BadConfiguration(f"DURATION={text}: not a number of seconds") from None
    if not 1 <= duration <= LONGEST:
        raise BadConfiguration(f"DURATION={text}: not from 1 to {LONGEST:g} seconds")
    return duration


def sizes(text: str) -> tuple[int, ...]:
    """Return the frame sizes that SIZES names."""
    words = text.replace(",", " ").split()
    for word in words:
        if not word.isdecimal() or not SMALLEST <= int(word) <= LARGEST:
            raise BadConfiguration(f"SIZES={text}: {word} is no frame size from {SMALLEST} to {LARGEST} bytes")
    if not words or len(set(words)) != len(words):
        raise BadConfiguration(f"SIZES={text}: give each size once, as in \"64 1500\"")
    return tuple(map(int, words))
