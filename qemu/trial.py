# SPDX-License-Identifier: GPL-2.0
"""Which accelerator to use: KVM where it is proved to boot this kernel, else emulation.

/dev/kvm may exist and still not work: inside another virtual machine a guest may fail at once or hang
without a word. So KVM is tried once, with a time limit, and the verdict is remembered outside the
checkout for this host kernel and this QEMU.
"""

import hashlib
import os
import platform
import subprocess
import tempfile
from functools import cache as once
from pathlib import Path

from qemu import SetupError, cache, initramfs
from qemu.kernels import Kernel

# Several threads, one for each CPU of the guest. QEMU 7.2 corrupts the flags in cmpxchg16b on a guest with one CPU,
# of which kernels die at random: hence no cx16. "rep stosb" it does byte by byte, and each byte takes long where code was
# before, as in what a kernel frees of itself after its boot: clearing such a page took 1 ms. Hence no erms and no fsrm,
# for whose sake kernels clear and copy like that.
TCG = ["-accel", "tcg,thread=multi", "-cpu", "max,-cx16,-erms,-fsrm"]
KVM = ["-accel", "kvm", "-cpu", "host"]
DEVICE = Path("/dev/kvm")
TIMEOUT = 20.0


@once
def accelerator(kernel: Kernel) -> list[str]:
    """Return QEMU's options for the fastest accelerator that works."""
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        print(f"no usable {DEVICE}: the guest is emulated, which is slow", flush=True)
        return TCG
    verdict = cache() / "kvm" / _key(kernel)
    if not verdict.exists():
        verdict.parent.mkdir(parents=True, exist_ok=True)
        verdict.write_text("works\n" if _boots(kernel) else "does not boot\n")
    if verdict.read_text() == "works\n":
        return KVM
    print(f"{DEVICE} does not boot a guest here: it is emulated, which is slow (verdict: {verdict})", flush=True)
    return TCG


def _boots(kernel: Kernel) -> bool:
    """Whether a guest under KVM reaches its init within the time limit."""
    print(f"trying {DEVICE} for at most {TIMEOUT:g} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="labyrinth-") as name:
        initrd = initramfs.make(kernel, [], {}, Path(name) / "initrd")
        # Its init powers off when it finds no agent's port; reaching it is all that is asked here.
        argv = ["qemu-system-x86_64", "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", *KVM,
                "-m", "256M", "-kernel", str(kernel.image), "-initrd", str(initrd), "-serial", "stdio",
                "-append", "console=ttyS0 panic=-1 labyrinth.trial"]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return False
        except OSError as error:
            raise SetupError(f"{argv[0]}: {error.strerror}: run make setup") from error
    return done.returncode == 0 and b"init: reached" in done.stdout


def _key(kernel: Kernel) -> str:
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=False).stdout
    state = f"{platform.release()} {platform.version()} {version} {kernel.release}"
    return hashlib.sha256(state.encode()).hexdigest()[:16]
