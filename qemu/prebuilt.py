# SPDX-License-Identifier: GPL-2.0
"""Debian's own kernels: image, modules and headers, unpacked side by side into one directory of the cache."""

from __future__ import annotations

import json
from pathlib import Path

from qemu import SetupError, store
from qemu.packages import Archive, run

FLAVOURS = ("cloud", "rt")
SPACE = 900  # MiB: four packages, packed and unpacked
RECIPE = "1"  # to be changed with whatever changes the directory's content


def recipe(flavour: str) -> str:
    """Return what decides, beside the table, how the result looks."""
    return f"prebuilt {flavour} {RECIPE}"


def make(archive: Archive, package: str, directory: Path) -> None:
    """Unpack the kernel that the meta package @package of @archive stands for into @directory."""
    store.require_space(SPACE, f"fetching kernel {directory.parent.name}")
    headers = next((name for name in archive.depends(package) if name.startswith("linux-headers-")), None)
    if not headers:
        raise SetupError(f"{package} depends on no headers package")
    release = headers.removeprefix("linux-headers-")
    # The compiler of the headers' dependencies is the machine's; the common headers and the build tools are not.
    parts = [name for name in archive.depends(headers) if name.startswith(("linux-headers-", "linux-kbuild-"))]
    print(f"fetching linux-image-{release} and its headers", flush=True)
    with store.new_directory(directory) as root:
        archive.unpack([f"linux-image-{release}", headers, *parts], root)
        modules = _modules(root, release)
        _relocate(root, release)
        run("depmod", "-b", modules.parents[2], release)
        content = {"release": release, "image": f"boot/vmlinuz-{release}", "kdir": f"usr/src/linux-headers-{release}",
                   "modules": str(modules.relative_to(root))}
        missing = [part for part in ("image", "kdir", "modules") if not (root / content[part]).exists()]
        if missing:
            raise SetupError(f"the packages of {release} hold no {' and no '.join(missing)}")
        (root / "kernel.json").write_text(json.dumps(content, indent=2) + "\n")


def _modules(root: Path, release: str) -> Path:
    """Return the directory of the modules: in newer suites it is below /usr."""
    merged = root / "usr/lib/modules" / release
    return merged if merged.is_dir() else root / "lib/modules" / release


def _relocate(root: Path, release: str) -> None:
    """Let the headers find their common part beside themselves instead of in /usr/src, where nothing was installed."""
    makefile = root / f"usr/src/linux-headers-{release}/Makefile"
    here = "$(dir $(lastword $(MAKEFILE_LIST)))"
    text = makefile.read_text()
    if "include /usr/src/" not in text:
        raise SetupError(f"the Makefile of linux-headers-{release} is not of the known form")
    makefile.write_text(text.replace("include /usr/src/", f"include {here}../"))
