# SPDX-License-Identifier: GPL-2.0
"""The guest's file system: busybox, a few real tools, the kernel's modules and ours.

The kernel unpacks cpio archives that follow each other, so there are two: one with the tools, which
is the same for every guest and kept in build/, and a small one for each guest with modules and files.
Neither is compressed: unpacking would cost an emulated CPU more than the copy.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qemu import BUILD, SetupError
from qemu.kernels import Kernel

INIT = Path(__file__).with_name("init")
BUSYBOX = Path("/bin/busybox")
# Tools of the host that busybox has not, or has in a poorer form.
TOOLS = ("dash", "ip", "tc", "ss", "ethtool", "iperf3", "ping", "kmod", "setpriv", "taskset")
KMOD_NAMES = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")
# Modules of the kernel to take along, as far as the kernel has them; one that is built in is there anyway.
KERNEL_MODULES = ("virtio_pci", "virtio_console", "virtio_net", "virtio_balloon", "virtio_blk", "virtio_rng", "sch_ingress",
                  "cls_matchall", "cls_u32", "act_gact", "sch_fq", "sch_fq_codel", "veth", "bridge", "macvlan", "dummy",
                  "8021q", "cls_bpf", "act_mirred", "sch_netem", "vmxnet3")
# In a merged system these lead to their namesakes below usr/.
MERGED = ("bin", "sbin", "lib", "lib64")


def make(kernel: Kernel, modules: list[Path], files: dict[str, Path], image: Path, archives: Sequence[Path] = ()) -> Path:
    """Write the initramfs for `kernel` with `modules`, `files` (guest path: host path) and cpio `archives` to `image`."""
    tools = _tools()
    with tempfile.TemporaryDirectory(prefix="initramfs-", dir=image.parent) as name:
        stage = Path(name)
        _skeleton(stage)
        _add_modules(stage, kernel, modules)
        for guest, host in files.items():
            _add(stage, host, guest)
        with image.open("wb") as output:
            output.write(tools.read_bytes())
            output.write(_archive(stage))
            for archive in archives:
                output.write(archive.read_bytes())
    return image


def _tools() -> Path:
    """Return the archive of what every guest needs, made again when a tool or this file has changed."""
    sources = [INIT, Path(__file__), BUSYBOX, *(_which(tool) for tool in TOOLS)]
    for source in sources:
        if not source.exists():
            raise SetupError(f"{source} is missing: run make setup")
    state = "".join(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n" for path in sources)
    archive = BUILD / "initramfs" / f"tools-{hashlib.sha256(state.encode()).hexdigest()[:12]}.cpio"
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    for old in archive.parent.glob("tools-*.cpio"):
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="tools-", dir=archive.parent) as name:
        stage = Path(name)
        _skeleton(stage)
        _fill(stage)
        unfinished = archive.with_name(f"{Path(name).name}.unfinished")
        unfinished.write_bytes(_archive(stage))
        unfinished.rename(archive)
    return archive


def _skeleton(stage: Path) -> None:
    for name in MERGED:
        (stage / "usr" / name).mkdir(parents=True)
        (stage / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "sys", "tmp", "run", "root", "etc", "var"):
        (stage / name).mkdir()


def _fill(stage: Path) -> None:
    """Put the init, the tools with their libraries, and busybox for all the rest into `stage`."""
    _add(stage, INIT, "/init")
    (stage / "init").chmod(0o755)
    (stage / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    for tool in TOOLS:
        path = _which(tool)
        _add(stage, path, f"/usr/bin/{tool}")
        for library in _libraries(path):
            _add(stage, library, str(library))
    (stage / "usr/bin/sh").symlink_to("dash")
    # busybox's shell, which the interactive console runs, would take its own applets otherwise.
    (stage / "etc/profile").write_text("".join(f"alias {tool}=/usr/bin/{tool}\n" for tool in TOOLS))
    for name in KMOD_NAMES:
        (stage / "usr/bin" / name).symlink_to("kmod")
    _add(stage, BUSYBOX, "/usr/bin/busybox")
    for applet in _output("busybox", "--list").split():
        link = stage / "usr/bin" / applet
        if not link.exists():
            link.symlink_to("busybox")


def _add_modules(stage: Path, kernel: Kernel, modules: list[Path]) -> None:
    """Install `modules`, those of KERNEL_MODULES, and whatever either needs; then run depmod.

    What a module needs is known only after a depmod over everything there is, so that is done first,
    over links.
    """
    with tempfile.TemporaryDirectory(prefix="depmod-", dir=stage.parent) as name:
        everything = Path(name) / "lib/modules" / kernel.release
        everything.mkdir(parents=True)
        for path in kernel.modules.iterdir() if kernel.modules else ():
            if path.name == "kernel" or path.name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
                (everything / path.name).symlink_to(path)
        (everything / "extra").mkdir()
        for module in modules:
            shutil.copy(module, everything / "extra")
        _output("depmod", "-b", name, kernel.release)
        needed = set(modules and (everything / "extra").iterdir())
        for module in (*KERNEL_MODULES, *(path.stem for path in modules)):
            needed |= _needed(Path(name), kernel.release, module)
        _install(stage, everything, kernel.release, needed)


def _needed(base: Path, release: str, module: str) -> set[Path]:
    """Return the files to load for `module`; none where it is built in or the kernel was made without."""
    done = subprocess.run(["modprobe", "-d", str(base), "-S", release, "--show-depends", module],
                          capture_output=True, text=True, check=False)
    return {Path(path) for path in re.findall(r"^insmod (\S+)", done.stdout, re.MULTILINE)}


def _install(stage: Path, source: Path, release: str, needed: set[Path]) -> None:
    target = stage / "usr/lib/modules" / release
    target.mkdir(parents=True)
    for path in source.glob("modules.*"):
        if path.is_symlink():
            shutil.copy(path, target)
    for path in needed:
        destination = target / path.relative_to(source)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, destination)
    _output("depmod", "-b", str(stage), release)


def _add(stage: Path, source: Path, guest: str) -> None:
    """Copy a file of the host to the path `guest`, through the links of a merged system."""
    path = guest.lstrip("/")
    if path.split("/")[0] in MERGED:
        path = f"usr/{path}"
    target = stage / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy(source, target)
    except OSError as error:
        raise SetupError(f"cannot put {source} into the guest: {error.strerror}") from error


def _archive(stage: Path) -> bytes:
    """Return the tree as a cpio archive, owned by root, padded so that another one can follow."""
    names = "\n".join(str(path.relative_to(stage)) for path in sorted(stage.rglob("*")))
    done = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=stage, input=names.encode(),
                          capture_output=True, check=False)
    if done.returncode:
        raise SetupError(f"cpio: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _which(tool: str) -> Path:
    # The directories of administrators are in no user's PATH on Debian.
    found = shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise SetupError(f"{tool} is missing: run make setup")
    return Path(found).resolve()


def _libraries(program: Path) -> set[Path]:
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", _output("ldd", str(program)))}


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout
