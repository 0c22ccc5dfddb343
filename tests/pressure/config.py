# SPDX-License-Identifier: GPL-2.0
"""What one run does: the environment's wishes, checked, and the fixed choices with their reasons."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qemu import SetupError
from tests.pressure.scenarios import SCENARIOS

DRIVERS = ("virtio_net", "labnet")


class BadConfiguration(SetupError):
    """A wish that cannot be met; str() is one line that says which and why."""


@dataclass(frozen=True)
class Configuration:
    """Everything that distinguishes one run from another."""

    kernel: str = "6.1"
    scenarios: tuple[str, ...] = tuple(SCENARIOS)
    drivers: tuple[str, ...] = DRIVERS
    # Small, so that a shortage is there within a second; large enough for a distribution's kernel.
    memory: str = "256M"
    cpus: int = 1
    # The bulk: a quarter of what an emulated guest takes, so that it is memory that limits and not the processor.
    rate: int = 15_000
    size: int = 1442  # bytes of a frame: 1400 of payload
    # More than the guest has. A reader with an ordinary buffer cannot bring about what this is about.
    socket_buffer: int = 400_000_000
    control_rate: int = 500  # datagrams per second
    echo_rate: int = 20  # requests per second, as somebody types
    ping_rate: int = 10
    warm_up: float = 1.0  # seconds: the page layer has its reserve, the caches are warm
    quiet: float = 4.0  # seconds, for comparison: the same traffic, and memory for all
    after: float = 3.0  # seconds, in which all should be well again


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the configuration that the command line and the environment ask for."""
    default = Configuration()
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.pressure", description=__doc__,
        epilog=f"Environment: KERNEL (of qemu.kernels), SCENARIOS (of {', '.join(SCENARIOS)}).")
    parser.add_argument("--driver", choices=DRIVERS, help="only this driver")
    options = parser.parse_args(arguments)
    return Configuration(kernel=environment.get("KERNEL") or default.kernel,
                         scenarios=_scenarios(environment.get("SCENARIOS") or " ".join(default.scenarios)),
                         drivers=(options.driver,) if options.driver else default.drivers)


def _scenarios(text: str) -> tuple[str, ...]:
    words = text.replace(",", " ").split()
    for word in words:
        if word not in SCENARIOS:
            raise BadConfiguration(f"SCENARIOS={text}: there is no {word}, but {', '.join(SCENARIOS)}")
    if not words or len(set(words)) != len(words):
        raise BadConfiguration(f'SCENARIOS={text}: give each scenario once, as in "reader eater"')
    return tuple(words)
