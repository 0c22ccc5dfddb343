# SPDX-License-Identifier: GPL-2.0
"""What one run of make bench measures: the environment's wishes, checked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from tests.bench.config import BadConfiguration
from tests.bench.config import sizes as frame_sizes
from tests.bench.cost.paths import PATHS, Path

FLOOR, OURS, THEIRS = "floor", "labnet", "virtio_net"
DEFAULT = "default"
# What to write to ethtool --set-priv-flags, all other flags being off.
QUALITIES = {"off": (), DEFAULT: ("reliable", "canary", "sentinel"),
             "full": ("poison", "zero", "cl-align", "reliable", "nocache", "canary", "sentinel")}
RINGS = ("256", "512", "1024")
QUEUES = ("1", "2", "4", "8")
SWITCH = ("on", "off")
# What FULL=1 chooses for those that are not chosen by themselves.
EVERYTHING = {"SIZES": "64 512 1500", "RINGS": "256 1024", "QUEUES": " ".join(QUEUES),
              "QUALITY": " ".join(QUALITIES), "INIT": " ".join(SWITCH)}


@dataclass(frozen=True)
class Setup:
    """What needs a guest of its own."""

    ring: int = 256  # buffers of each queue
    queues: int = 1  # one processor serves all: the guest does not start a second one while instructions are counted
    init_on_alloc: bool = True  # Debian's kernels clear each page that they allocate

    def words(self) -> str:
        """Describe it."""
        return (f"ring of {self.ring}, {self.queues} {'queue' if self.queues == 1 else 'queues'}, "
                f"init_on_alloc={int(self.init_on_alloc)}")


@dataclass(frozen=True)
class Case:
    """One figure to be measured."""

    path: Path
    size: int  # bytes of a frame; 0 where the path has no frames of one size
    driver: str
    quality: str = ""  # labnet's only


@dataclass(frozen=True)
class Wish:
    """Everything that distinguishes one run from another."""

    kernel: str = "6.1"
    paths: tuple[str, ...] = tuple(PATHS)
    sizes: tuple[int, ...] = (64, 1500)
    rings: tuple[int, ...] = (256,)
    queues: tuple[int, ...] = (1,)
    qualities: tuple[str, ...] = (DEFAULT, "off")
    init_on_alloc: tuple[bool, ...] = (True,)
    minutes: float = 0.0  # after which the run ends, to be continued; 0: never

    def setups(self) -> list[Setup]:
        """Return the guests to boot."""
        return [Setup(*choice) for choice in product(self.rings, self.queues, self.init_on_alloc)]

    def cases(self) -> list[Case]:
        """Return what to measure in each guest. Each driver's figures for one path follow each other."""
        paths = [PATHS[name] for name in self.paths]
        found = []
        if any(path.receives for path in paths):
            found = [Case(PATHS["floor"], size, FLOOR) for size in self.sizes]
        for path in (path for path in paths if path.name != "floor"):
            for size in self.sizes if path.sized else (0,):
                found += [Case(path, size, OURS, quality) for quality in self.qualities
                          if path.receives or quality == self.qualities[0]]
                found.append(Case(path, size, THEIRS))
        return found


def read(environment: Mapping[str, str] = os.environ) -> Wish:
    """Return what the environment asks for."""
    default = Wish()
    full = environment.get("FULL", "")
    if full not in ("", "0", "1"):
        raise BadConfiguration(f"FULL={full}: give 1 for the whole matrix")
    wishes = {name: environment.get(name) or (value if full == "1" else "") for name, value in EVERYTHING.items()}
    return Wish(
        kernel=environment.get("KERNEL") or default.kernel,
        paths=_words("PATHS", environment.get("PATHS", ""), tuple(PATHS)) or default.paths,
        sizes=frame_sizes(wishes["SIZES"]) if wishes["SIZES"] else default.sizes,
        rings=tuple(map(int, _words("RINGS", wishes["RINGS"], RINGS))) or default.rings,
        queues=tuple(map(int, _words("QUEUES", wishes["QUEUES"], QUEUES))) or default.queues,
        qualities=_words("QUALITY", wishes["QUALITY"], tuple(QUALITIES)) or default.qualities,
        init_on_alloc=tuple(word == "on" for word in _words("INIT", wishes["INIT"], SWITCH)) or default.init_on_alloc,
        minutes=_minutes(environment.get("MINUTES") or "0"))


def _minutes(text: str) -> float:
    if not text.replace(".", "", 1).isdecimal():
        raise BadConfiguration(f"MINUTES={text}: not a number of minutes")
    return float(text)


def _words(name: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of one variable; each has to be known, and be there once."""
    words = text.replace(",", " ").split()
    for word in words:
        if word not in known:
            raise BadConfiguration(f"{name}={text}: unknown {word!r}: there are {', '.join(known)}")
    if len(set(words)) != len(words):
        raise BadConfiguration(f"{name}={text}: give each word once")
    return tuple(words)
