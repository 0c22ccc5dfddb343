# SPDX-License-Identifier: GPL-2.0
"""One trial: boot a guest, send it traffic, let its memory run out, and collect what is left."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from collections.abc import Iterator
from pathlib import Path

from qemu import SetupError
from qemu.kernels import Kernel
from qemu.vm import VM, GuestError, Lost

from tests.bench import compiler, guest, traffic
from tests.bench.traffic import Flood, Line
from tests.pressure.config import Configuration
from tests.pressure.prober import Probes
from tests.pressure.record import Console, Host, Log, Trial
from tests.pressure.scenarios import SCENARIOS

OBSERVER = "/usr/bin/observer"
DISK_BYTES = 1 << 30
# Packets that wait for the guest on the host, a quarter of a second of them: with the usual 1000 a guest loses some whenever
# this machine has something else to do for 60 ms.
QUEUE = 4000
TOO_LONG = 60.0  # seconds until a script whose end does not come counts as hung


class Unfit(Exception):
    """The guest's kernel has not what a scenario needs."""


class Laboratory:
    """What all trials have in common: the programs, the line to the guest, and where the logs go."""

    def __init__(self, wish: Configuration, kernel: Kernel, directory: Path) -> None:
        self.wish, self.kernel, self.directory = wish, kernel, directory
        directory.mkdir(parents=True, exist_ok=True)
        self.generator, self.sink = traffic.build(directory), guest.build_sink(directory)
        self.observer = compiler.build(Path(__file__).with_name("observer.c"), directory, "-static")
        self.line: Line = traffic.TapLine(0)
        # Nobody has to ask for an address, which would be one more packet here and there.
        tap = self.line.nic.tap
        subprocess.run(["ip", "link", "set", tap, "txqueuelen", str(QUEUE)], check=True)
        link = subprocess.run(["ip", "-json", "link", "show", tap], capture_output=True, text=True, check=True)
        self.host_mac = json.loads(link.stdout)[0]["address"]
        subprocess.run(["ip", "neighbour", "replace", self.line.guest, "lladdr", self.line.nic.mac, "dev", tap, "nud",
                        "permanent"], check=True)

    def run(self, scenario: str, driver: str, protected: bool) -> Trial:
        """Run one trial and return what it has left."""
        return _Run(self, Trial(scenario, driver, protected, seconds=SCENARIOS[scenario].seconds)).run()


class _Run:
    """A trial while it runs."""

    def __init__(self, lab: Laboratory, trial: Trial) -> None:
        self.lab, self.wish, self.trial = lab, lab.wish, trial
        self.scenario = SCENARIOS[trial.scenario]
        self._waited = self._looked = 0.0  # by QEMU for a processor, and when that was read
        name = f"{trial.scenario}-{trial.driver}-{'protected' if trial.protected else 'ordinary'}"
        self.console, self.observed, self.probed, self.disk = (
            lab.directory / "logs" / f"{name}.{suffix}" for suffix in ("log", "observed", "probes", "disk"))

    def run(self) -> Trial:
        """Boot the guest, run the trial in it, and read what was written."""
        self.console.parent.mkdir(parents=True, exist_ok=True)
        with _disk(self.disk if self.scenario.disk else None), self._boot() as self.vm:
            self._prepare()
            before = self.lab.line.counters()
            with self._traffic():
                self._shorten()
            after = self.lab.line.settled()
            self._finish()
        sent, dropped = after[0] - before[0], after[1] - before[1]
        self.trial.host = Host(sent + dropped, dropped)
        self.trial.log = Log.parse(self.observed.read_text(errors="replace"))
        self.trial.console = Console.parse(self.console.read_text(errors="replace").splitlines())
        self.trial.probes = Probes(**json.loads(self.probed.read_text()))
        return self.trial

    def _boot(self) -> VM:
        extra = ["-chardev", f"file,id=observed,path={self.observed}", "-serial", "chardev:observed"]
        if self.scenario.balloon:
            extra += ["-device", "virtio-balloon-pci"]
        if self.scenario.disk:
            extra += ["-drive", f"if=virtio,format=raw,cache=unsafe,file={self.disk}"]
        return VM(self.lab.kernel, nics=[self.lab.line.nic], memory=self.wish.memory, cpus=self.wish.cpus,
                  log=self.console, files={guest.SINK: self.lab.sink, OBSERVER: self.lab.observer}, extra_args=extra)

    def _prepare(self) -> None:
        """Bind the driver, and start what runs in the guest."""
        try:
            self.vm.run(self.scenario.needs)
        except GuestError:
            raise Unfit(f"{self.trial.scenario}: {self.lab.kernel.release} has not what this needs") from None
        card = guest.bind(self.vm, self.lab.line, self.trial.driver)
        self.vm.run(f"""
            echo 1 > /proc/sys/net/ipv6/conf/{card.interface}/disable_ipv6
            ip neighbour replace {self.lab.line.host} lladdr {self.lab.host_mac} dev {card.interface} nud permanent || exit
            echo {self.wish.socket_buffer} > /proc/sys/net/core/rmem_max
            pages=$(({self.wish.socket_buffer} / 4096))
            echo $pages $pages $pages > /proc/sys/net/ipv4/udp_mem
            {self.scenario.prepare} || exit
            start() {{
                adj=$1; shift
                (echo $adj > /proc/self/oom_score_adj; exec "$@") > /tmp/$(basename $1).out 2>&1 &
                echo $! > /tmp/$(basename $1).pid
            }}
            start -1000 {OBSERVER} --interface {card.interface} --output /dev/ttyS1
            start {self._adj()} {guest.SINK} --interface {card.interface} --port {traffic.PORT} --interval 60000 \\
                --output /tmp/sink.tsv --buffer {self.wish.socket_buffer}
            for bystander in 1 2 3; do start {self._adj()} sleep 1000; done
            sleep 0.5
            for program in observer sink; do
                [ -e /proc/$(cat /tmp/$program.pid)/exe ] || {{ cat /tmp/$program.out; exit 1; }}
            done""")

    def _adj(self) -> int:
        return -1000 if self.trial.protected else 0

    @contextmanager
    def _traffic(self) -> Iterator[None]:
        """Send all flows meanwhile."""
        wish, line = self.wish, self.lab.line
        seconds = wish.warm_up + wish.quiet + self.scenario.seconds + wish.after + TOO_LONG
        bulk = Flood(wish.size, wish.rate, seconds, flows=1)
        small = [sys.executable, "-m", "tests.pressure.prober", "--to", line.guest, "--interface", line.nic.tap,
                 "--seconds", str(seconds), "--output", str(self.probed), "--control", str(wish.control_rate), "--echo", str(wish.echo_rate),
                 "--ping", str(wish.ping_rate)]
        with _program(small) as prober, _program(line.command(self.lab.generator, bulk)):
            assert prober.stdout
            if prober.stdout.readline().strip() != "ready":
                raise traffic.TrafficError(f"the prober could not start: {prober.stderr.read().strip()[-200:]}")
            yield

    def _shorten(self) -> None:
        """Let everything run undisturbed for a while, then with too little memory, then undisturbed again."""
        time.sleep(self.wish.warm_up)
        begin, waited = time.monotonic(), self.vm.waited()
        time.sleep(self.wish.quiet)
        self.trial.quiet = (begin, time.monotonic())
        quiet = (self.vm.waited() - waited) / self.wish.quiet
        self.vm.run(f"""
            observer=$(cat /tmp/observer.pid) reader=$(cat /tmp/sink.pid) adj={self._adj()}
            (
                echo -1000 > /proc/self/oom_score_adj
                sleep 0.5
                kill -USR1 $observer
                {self.scenario.short}
                kill -USR2 $observer
                {self.scenario.relieve}
            ) > /tmp/script.out 2>&1 &""")
        if self._await("begin", TOO_LONG) and self.scenario.balloon:
            self.vm.qmp("balloon", value=1)
        began, waited = time.monotonic(), self.vm.waited()
        nominal = began + self.scenario.seconds
        over = self._await("end", TOO_LONG)
        # Of a guest that dies at once little can be said: less than a second counts as one.
        self.trial.waited = (quiet, max(self._waited - waited, 0) / max(self._looked - began, 1))
        if self.scenario.balloon and self.vm.alive():
            self.vm.qmp("balloon", value=_bytes(self.wish.memory))
        # What is sent to a dead guest is lost, too.
        self._wait(self.wish.after if over else nominal - time.monotonic(), unless_dead=over)

    def _await(self, mark: str, seconds: float) -> bool:
        """Wait for a mark of the guest's script; return whether it came before the guest's end."""
        deadline = time.monotonic() + seconds
        text = ""
        with self.observed.open(errors="replace") as file:
            while self.vm.alive() and time.monotonic() < deadline:
                text = text[-20:] + file.read()
                self._waited, self._looked = self.vm.waited(), time.monotonic()
                if f"\nM\t{mark}\t" in text:
                    return True
                time.sleep(0.02)
        return False

    def _wait(self, seconds: float, unless_dead: bool) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (self.vm.alive() or not unless_dead):
            time.sleep(0.02)

    def _finish(self) -> None:
        """Let the observer write its last lines, and find out how the guest is."""
        try:
            if self.vm.alive():
                self.vm.run("""
                    pid=$(cat /tmp/observer.pid)
                    kill $pid
                    while [ -e /proc/$pid/exe ]; do sleep 0.02; done""", timeout=20)
                return
        except GuestError:
            pass  # it answers, so it lives
        except Lost:
            pass
        self.trial.outcome = "hung" if self.vm.alive() else "panicked"


@contextmanager
def _program(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program meanwhile, end it by SIGTERM, and insist that it had nothing to complain about."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            _, complaint = process.communicate(timeout=30)
    if process.returncode:
        raise traffic.TrafficError(f"{Path(command[0]).name} ended with status {process.returncode}: "
                                   f"{complaint.strip()[-200:]}")


@contextmanager
def _disk(path: Path | None) -> Iterator[None]:
    """Make a disk with an empty file system meanwhile."""
    if not path:
        yield
        return
    try:
        with path.open("wb") as file:
            file.truncate(DISK_BYTES)
        done = subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], capture_output=True, text=True, check=False,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        if done.returncode:
            raise SetupError(f"mkfs.ext4: {done.stderr.strip()}")
        yield
    finally:
        path.unlink(missing_ok=True)


def _bytes(memory: str) -> int:
    return int(memory.removesuffix("M")) << 20
