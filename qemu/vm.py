# SPDX-License-Identifier: GPL-2.0
"""One virtual machine: boots a kernel with our modules, runs shell scripts in it, and tells how it ended.

There are three outcomes and never two. A script that ends with status 0 has passed. Any other status
is a GuestError: the guest looked and found something wrong. Everything else - no answer, a wrong
answer, a panic, QEMU gone - is Lost: nobody knows. Silence is never taken for success.

    python3 -m qemu.vm --print [KERNEL]      shows the command line
"""

import argparse
import contextlib
import re
import shutil
import socket
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qemu import BUILD, RunError, command, initramfs, kernels, modules, trial
from qemu.agent import Agent, Silence
from qemu.kernels import Kernel
from qemu.qmp import QMP, QMPError

QEMU = "qemu-system-x86_64"
# An emulated debug kernel on a busy machine takes 90 seconds and more; an ordinary boot takes five.
BOOT_TIMEOUT = 300.0
CONSOLE_TAIL = 12
# They wait longer than usual: under emulation, on a machine with other work to do, a guest's CPU may well stand still for
# twenty seconds.
WATCHDOGS = "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=60"

# What the kernel prints when something is wrong with it, or with us.
SUSPICIOUS = re.compile(
    r"\] (WARNING|BUG|INFO: task|INFO: rcu|INFO: possible|UBSAN|KASAN|KFENCE|Oops|watchdog: BUG)\b|Call Trace:|"
    r"Kernel panic|KASAN:|possible circular locking|possible recursive locking|inconsistent lock state|"
    r"suspicious RCU usage|sleeping function called|scheduling while atomic|page allocation failure|"
    r"blocked for more than|soft lockup|hard LOCKUP|self-detected stall|detected stalls|general protection fault|"
    r"unable to handle|refcount_t:|list_(add|del) corruption|Bad page (state|map)|NETDEV WATCHDOG|invoked oom-killer|"
    r"kmemleak: \d+ new|DMA-API: .*(leak|error|not)|unregister_netdevice: waiting|System is deadlocked|"
    r"ODEBUG:|nobody cared")


class GuestError(RunError):
    """A script ended with a status other than 0."""

    def __init__(self, script: str, status: int, output: str, console: Sequence[str] = ()) -> None:
        self.script, self.status, self.output = script, status, output
        lines = [f"`{_shorten(script)}` ended with status {status}"]
        lines += [f"  {line}" for line in output.strip().splitlines()[-8:]]
        lines += [f"  console: {line}" for line in console[-4:]]
        super().__init__("\n".join(lines))


class Lost(RunError):
    """The guest can say nothing more."""


class Unborn(Lost):
    """The guest's kernel has died before its init was there."""


@dataclass
class Nic:
    """A virtio network card, and what it is plugged into on the host."""

    name: str = "net0"
    backend: str = "tap"  # or "dgram": UDP datagrams on loopback, where there is no /dev/net/tun
    mac: str = ""  # made of the name by default
    tap: str = "tap0"
    queues: int = 1
    local_port: int = 0  # dgram: QEMU receives here,
    remote_port: int = 0  # and sends to there
    properties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.mac:
            self.mac = "52:54:00:" + zlib.crc32(self.name.encode()).to_bytes(4, "big")[1:].hex(":")

    def options(self) -> list[str]:
        """Return QEMU's options for the card and its backend."""
        device = {"driver": "virtio-net-pci", "netdev": self.name, "id": self.name, "mac": self.mac}
        netdev = f"tap,id={self.name},ifname={self.tap},script=no,downscript=no,vhost=off"
        if self.backend == "dgram":
            netdev = (f"dgram,id={self.name},local.type=inet,local.host=127.0.0.1,local.port={self.local_port},"
                      f"remote.type=inet,remote.host=127.0.0.1,remote.port={self.remote_port}")
        elif self.queues > 1:
            netdev += f",queues={self.queues}"
            # One vector for each queue's two directions, one for control, one for configuration changes.
            device |= {"mq": "on", "vectors": str(2 * self.queues + 2)}
        device |= self.properties
        words = [device.pop("driver"), *(f"{key}={value}" for key, value in device.items())]
        return ["-netdev", netdev, "-device", ",".join(words)]


class VM:
    """A guest, running between `with` and the end of its block.

    @files maps paths in the guest to files of the host; @archives are whole trees for it, as cpio.
    @modules is the directory whose .ko files are installed in the guest, by default what was built for
    this kernel last. With @interactive the console is this terminal's, with a shell on it.
    """

    def __init__(self, kernel: Kernel, *, nics: Sequence[Nic] = (), memory: str = "512M", cpus: int = 1,
                 append: str = "", files: dict[str, Path] | None = None, archives: Sequence[Path] = (), log: Path,
                 extra_args: Sequence[str] = (),
                 modules_from: Path | None = None, accelerator: Sequence[str] | None = None,
                 interactive: bool = False) -> None:
        self.kernel, self.nics, self.memory, self.cpus = kernel, list(nics), memory, cpus
        self.append, self.log, self.extra_args = append, log, list(extra_args)
        self.files, self.archives = files or {}, list(archives)
        self.modules_from = modules_from or modules.farm(kernel.name)
        self.interactive = interactive
        self._accelerator = accelerator
        self._process: subprocess.Popen[bytes] | None = None
        self._waits: dict[Path, int] = {}  # nanoseconds, by thread

    def command_line(self, agent: int = 3, qmp: int = 4) -> list[str]:
        """Return QEMU's argv; `agent` and `qmp` are the descriptors of its ends of two socket pairs."""
        console = f"file,id=console,path={self.log}"
        if self.interactive:
            console = f"stdio,id=console,signal=off,logfile={self.log}"
        argv = [QEMU, "-no-user-config", "-nodefaults", "-display", "none"]
        argv += ["-no-reboot"]  # a panic ends QEMU, so it is noticed at once
        argv += ["-machine", "pc"]  # its PCI slots are hot-pluggable through ACPI alone
        argv += self._accelerator or trial.TCG
        argv += ["-m", self.memory, "-smp", str(self.cpus)]
        argv += ["-kernel", str(self.kernel.image), "-initrd", str(self._initrd), "-append", self._append()]
        argv += ["-chardev", console, "-serial", "chardev:console"]
        argv += ["-chardev", f"socket,id=agent,fd={agent}", "-device", "virtio-serial-pci"]
        argv += ["-device", "virtserialport,chardev=agent,name=agent"]
        argv += ["-chardev", f"socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control"]
        argv += self.extra_args  # before the cards: an IOMMU is for what is plugged in after it
        for nic in self.nics:
            argv += nic.options()
        return argv

    def __enter__(self) -> "VM":
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        initramfs.make(self.kernel, modules.find(self.modules_from), self.files, self._initrd, self.archives)
        if self._accelerator is None:
            self._accelerator = trial.accelerator(self.kernel)
        try:
            self._boot()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def run(self, script: str, timeout: float = 60) -> str:
        """Run a shell script in the guest as root and return its output."""
        before = self.log.stat().st_size
        try:
            status, output = self._agent.run(script, timeout)
        except Silence as silence:
            raise self.lost(f"{silence} ({timeout:g} s) to `{_shorten(script)}`") from silence
        if status:
            raise GuestError(script, status, output, self._console(before))
        return output

    def qmp(self, command: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute a command of QEMU's machine protocol and return its answer."""
        try:
            return self._monitor.command(command, **arguments)
        except QMPError as error:
            if self.alive():
                raise
            raise self.lost(str(error)) from error

    def wait_event(self, event: str, timeout: float = 30) -> dict[str, Any]:
        """Wait until QEMU reports `event` and return its data."""
        return self._monitor.wait(event, timeout)

    def alive(self) -> bool:
        """Whether QEMU still runs."""
        return self._process is not None and self._process.poll() is None

    def waited(self) -> float:
        """Return how long QEMU's threads have waited for a processor, all together, in seconds.

        Threads come and go; of those that are gone, what was read last counts.
        """
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat") if self._process else ():
            with contextlib.suppress(OSError, IndexError):
                self._waits[path] = int(path.read_text().split()[1])
        return sum(self._waits.values()) / 1e9

    def wait(self) -> None:
        """Wait until the guest has powered itself off."""
        if self._process:
            self._process.wait()

    def kill(self) -> None:
        """End the guest without asking it."""
        self._end()
        self._initrd.unlink(missing_ok=True)

    def warnings(self) -> list[str]:
        """Return the lines of the console that no healthy guest prints."""
        return [line for line in self._console() if SUSPICIOUS.search(line)]

    @property
    def _initrd(self) -> Path:
        return self.log.with_suffix(".initrd")

    def _append(self) -> str:
        words = ["console=ttyS0", "panic=-1", WATCHDOGS, self.kernel.append, self.append]
        if self.interactive:
            words += ["quiet", "labyrinth.shell"]
        return " ".join(filter(None, words))

    def _boot(self) -> None:
        """Start the guest; one whose kernel dies before its init gets a second chance, with a word about it.

        Nothing of ours runs in a guest before that. QEMU's emulation now and then runs a breakpoint that the kernel has put
        into its own code for the moment in which it patches it.
        """
        try:
            self._start()
        except Unborn as unborn:
            self._end()
            kept = shutil.copy(self.log, self.log.with_suffix(".unborn"))
            print(f"{str(unborn).partition(chr(10))[0]}: trying once more (log: {kept})", flush=True)
            self._start()

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        for channel in getattr(self, "_channels", ()):
            channel.close()

    def _start(self) -> None:
        """Start QEMU, which dies with this process, and wait for the guest's greeting."""
        agent, agent_end = socket.socketpair()
        monitor, monitor_end = socket.socketpair()
        self._channels = (agent, monitor)
        argv = ["setpriv", "--pdeathsig", "KILL", "--", *self.command_line(agent_end.fileno(), monitor_end.fileno())]
        self._stderr = self.log.with_suffix(".qemu")
        with agent_end, monitor_end, self._stderr.open("wb") as errors:
            self._process = subprocess.Popen(argv, stdin=None if self.interactive else subprocess.DEVNULL,
                                             stdout=None if self.interactive else errors, stderr=errors,
                                             pass_fds=(agent_end.fileno(), monitor_end.fileno()))
        self._agent = Agent(agent)
        try:
            self._monitor = QMP(monitor)
            release = self._agent.hello(BOOT_TIMEOUT)
        except (Silence, QMPError) as error:
            lost = self.lost(f"{error} while booting {self.kernel.name}")
            raise (lost if self.alive() or not self._console() else Unborn(*lost.args)) from error
        if release != self.kernel.release:
            raise self.lost(f"the guest runs {release}, not {self.kernel.release}")

    def lost(self, reason: str) -> Lost:
        """Describe the end of a guest: why, QEMU's own words, the console's last lines, and where the rest is."""
        # QEMU needs a moment to end after the port is closed, and only then is the console complete.
        if self._process:
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                pass
        words = self._stderr.read_text(errors="replace").strip().splitlines()[-3:]
        console = self._console()
        # The first alarming lines tell more than the last registers.
        lines = list(dict.fromkeys([*self.warnings()[:3], *console[-CONSOLE_TAIL:]]))
        tail = [f"  console: {line}" for line in lines]
        return Lost("\n".join([reason, *(f"  qemu: {line}" for line in words), *tail, f"  full log: {self.log}"]))

    def _console(self, offset: int = 0) -> list[str]:
        """Return the console's lines from `offset` on."""
        with self.log.open("rb") as file:
            file.seek(offset)
            text = file.read().decode(errors="replace")
        return [line.rstrip() for line in text.splitlines() if line.strip()]


def _shorten(script: str) -> str:
    line = " ".join(script.split())
    return line if len(line) <= 120 else f"{line[:117]}..."


def main() -> None:
    """Print the command line that boots a kernel."""
    parser = argparse.ArgumentParser(prog="python3 -m qemu.vm")
    parser.add_argument("--print", action="store_true", required=True, help="print QEMU's command line")
    parser.add_argument("kernel", nargs="?", default="6.1")
    options = parser.parse_args()
    machine = VM(kernels.get(options.kernel), nics=[Nic()], log=BUILD / "logs/vm.log")
    print(" \\\n    ".join(machine.command_line()))


if __name__ == "__main__":
    command.run(main)
