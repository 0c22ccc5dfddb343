# SPDX-License-Identifier: GPL-2.0
"""Tests of the judgement under pressure: what is read, what is counted, and that a guest in trouble is found out.

    python3 -m unittest tests.pressure.test_pressure
"""

import dataclasses
import unittest

from tests.pressure import config, judge, prober, table
from tests.pressure.config import BadConfiguration
from tests.pressure.prober import Probes
from tests.pressure.record import Console, Host, Log, Trial

# As Debian's 6.1 prints it, shortened.
OOM = """[   13.1] systemd invoked oom-killer: gfp_mask=0x1, order=0
[   13.1]  __alloc_pages_slowpath+0x1
[   13.2] Out of memory: Killed process 88 (sleep) total-vm:1kB
[   13.9] kworker/0:2 invoked oom-killer: gfp_mask=0x2cc0(GFP_KERNEL), order=0
[   13.9] Workqueue: events refill_work [virtio_net]
[   13.9]  add_recvbuf_mergeable+0x9c/0x1d0 [virtio_net]
[   13.9] Out of memory: Killed process 90 (sink) total-vm:1kB"""
PANIC = """[   12.9] kworker/0:2 invoked oom-killer: gfp_mask=0x2cc0(GFP_KERNEL), order=0
[   12.9] Workqueue: events refill_work [virtio_net]
[   12.9] Kernel panic - not syncing: System is deadlocked on memory
[   12.9] Modules linked in: labnet(O) labyrinth(O)
[   12.9]  panic+0x1 [labnet]"""

# The guest's clock is 90 s behind the host's. Quiet from 10 to 12, short from 12 to 14, after that till 16.
SHIFT = -90.0


def trial(**changes: object) -> Trial:
    """Return a trial of labnet in which nothing was lost; 500 control packets and 1000 others per second."""
    sent = [100 + i / 500 for i in range(3000)]
    log = Log(names=["rx_frames", "rx_delivered", "rx_drop_no_skb"], marks={"begin": 12.0, "end": 14.0})
    log.arrivals = {number: time + SHIFT + 0.001 for number, time in enumerate(sent)}
    for step in range(301):
        time = 10 + step / 50
        log.samples.append([time, 1000.0, 0.0, 1500.0 * (time - 10), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    log.driver = [[10.0, 0.0, 0.0, 0.0], [16.0, 9000.0, 9000.0, 0.0]]
    asked = [100 + i / 20 for i in range(120)]
    probes = Probes(control=sent, echo=asked, echoed=[time + 0.002 for time in asked], ping=asked,
                    pinged=[time + 0.002 for time in asked], ended=106.0)
    return dataclasses.replace(Trial("reader", "labnet", False, log=log, probes=probes, host=Host(9000, 0),
                                     quiet=(100.0, 102.0), seconds=2.0), **changes)


def verdict(one: Trial) -> dict[str, bool]:
    """Return which bounds hold."""
    found = judge.judge(one)
    judge.bind([found])
    return {bound.name: bound.holds for bound in found.bounds}


class ConfigurationTest(unittest.TestCase):
    """Bad wishes get one line."""

    def test_wishes(self) -> None:
        wish = config.read(["--driver", "labnet"], {"SCENARIOS": "eater, reader", "KERNEL": "6.12"})
        self.assertEqual((wish.scenarios, wish.kernel, wish.drivers), (("eater", "reader"), "6.12", ("labnet",)))

    def test_refusals(self) -> None:
        for text in ("flood", "reader reader", ",", "reader;eater"):
            with self.subTest(text=text), self.assertRaisesRegex(BadConfiguration, f"^SCENARIOS={text}"):
                config.read([], {"SCENARIOS": text})


class LogTest(unittest.TestCase):
    """What the observer has written is read, or refused; the last line of a dead guest does not count."""

    def test_parse(self) -> None:
        log = Log.parse("N\trx_drops\nS\t1.5\t1\t2\t3\t4\t5\t6\t7\t8\t9\nD\t1.5\t7\nA\t0:1.1\t1:1.2\nM\tbegin\t1.3\nS\t1.")
        self.assertEqual((len(log.samples), log.names, log.arrivals), (1, ["rx_drops"], {0: 1.1, 1: 1.2}))
        self.assertEqual((log.marks, log.column("link_rx_packets")), ({"begin": 1.3}, [3.0]))

    def test_refusals(self) -> None:
        for text in ("observer: cannot lock memory\n", "S\t1\n", "S\t1\t2\t3\t4\t5\t6\t7\t8\t9\tx\n", "D\t1\t2\n"):
            with self.subTest(text=text), self.assertRaisesRegex(ValueError, "the observer wrote"):
                Log.parse(text)


class ConsoleTest(unittest.TestCase):
    """Who was killed, and on whose account."""

    def test_kills(self) -> None:
        console = Console.parse(OOM.splitlines())
        self.assertEqual([(kill.victim, kill.invoker, kill.driver) for kill in console.kills],
                         [("sleep", "systemd", ""), ("sink", "kworker/0:2", "virtio_net")])

    def test_panic(self) -> None:
        console = Console.parse(PANIC.splitlines())
        self.assertEqual((console.panic, console.panic_driver), ("System is deadlocked on memory", "virtio_net"))

    def test_panic_of_somebody_else(self) -> None:
        lines = [line for line in PANIC.splitlines() if "refill_work" not in line]
        self.assertEqual(Console.parse(lines).panic_driver, "")


class JudgeTest(unittest.TestCase):
    """Each bound is broken by what it is about, and by nothing else."""

    def expect(self, one: Trial, *broken: str) -> None:
        """Expect exactly the bounds that begin with these words not to hold."""
        wrong = {name for name, holds in verdict(one).items() if not holds}
        self.assertEqual(len(wrong), len(broken), wrong)
        for words in broken:
            self.assertTrue(any(name.startswith(words) for name in wrong), (words, wrong))

    def test_all_is_well(self) -> None:
        self.expect(trial())
        self.assertEqual(judge.judge(trial()).control_sent, 1000)

    def test_control_is_lost(self) -> None:
        one = trial()
        for number in range(1000, 1500, 10):
            del one.log.arrivals[number]
        self.expect(one, "99 %")

    def test_silence(self) -> None:
        one = trial()
        for number in range(1000, 1060):  # 122 ms, and 6 % of the second
            del one.log.arrivals[number]
        self.expect(one, "99 %", "no silence")

    def test_pause_of_the_sender_is_no_silence(self) -> None:
        one = trial()
        sent = one.probes.control
        one.probes.control = [time + (0.3 if number >= 1250 else 0) for number, time in enumerate(sent)]
        one.log.arrivals = {number: time + SHIFT + 0.001 for number, time in enumerate(one.probes.control)}
        found = judge.judge(one)
        self.assertLess(found.silence_ms, 5)
        self.assertGreater(found.sender_pause_ms, 299)

    def test_crowded_machine(self) -> None:
        self.assertFalse(judge.judge(trial(waited=(0.4, 0.4))).disturbed)
        self.assertTrue(judge.judge(trial(waited=(0.0, 0.5))).disturbed)

    def test_disturbance_is_of_the_quiet_alone(self) -> None:
        self.assertFalse(judge.judge(trial()).disturbed)
        one = trial()
        del one.log.arrivals[2100]
        one.probes.echoed[50] = None
        self.assertFalse(judge.judge(one).disturbed)
        del one.log.arrivals[500]
        self.assertTrue(judge.judge(one).disturbed)
        one = trial()
        one.probes.echoed[3] = one.probes.echo[3] + 0.2
        self.assertTrue(judge.judge(one).disturbed)

    def test_slow_round_trips(self) -> None:
        one = trial()
        one.probes.echoed[50:52] = [None, one.probes.echo[51] + 0.2]
        self.expect(one, "round trips")
        self.assertGreater(judge.judge(one).short.most, 3000)

    def test_packet_without_a_count(self) -> None:
        self.expect(trial(host=Host(9001, 0)), "each loss")

    def test_drop_with_a_cause(self) -> None:
        one = trial()
        one.log.driver[-1] = [16.0, 9000.0, 8900.0, 100.0]
        self.expect(one)
        self.assertEqual(judge.judge(one).drops, {"driver: no skb": 100})

    def test_drop_without_a_cause(self) -> None:
        one = trial(driver="virtio_net")
        one.log.names, one.log.driver = ["rx_drops"], [[10.0, 0.0], [16.0, 10.0]]
        one.log.samples[-1][4] = 10.0
        self.expect(one, "each loss")

    def test_bulk_is_late(self) -> None:
        one = trial()
        for row in one.log.samples:
            if 14 <= row[0] < 14.5:
                row[3] = 6000.0
        self.expect(one, "bulk is back")
        self.assertGreater(judge.judge(one).back_ms, 300)

    def test_driver_has_somebody_killed(self) -> None:
        self.expect(trial(console=Console.parse(OOM.splitlines())), "the driver causes no OOM kill")

    def test_dead_guest(self) -> None:
        one = trial(outcome="panicked", console=Console.parse(PANIC.splitlines()))
        one.log.arrivals = {number: time for number, time in one.log.arrivals.items() if time < 12.9}
        del one.log.marks["end"]
        self.expect(one, "the guest lives", "the driver causes", "99 %", "no silence", "each loss", "bulk is back")
        self.assertGreater(judge.judge(one).silence_ms, 1000)

    def test_guest_that_was_never_short(self) -> None:
        one = trial()
        one.log.marks.clear()
        with self.assertRaisesRegex(ValueError, "never began"):
            judge.judge(one)


class TableTest(unittest.TestCase):
    """What is printed."""

    def test_tables(self) -> None:
        found = [judge.judge(trial()), judge.judge(trial(driver="virtio_net", console=Console.parse(OOM.splitlines())))]
        judge.bind(found)
        text = "\n".join(one.text() for one in table.tables(found))
        self.assertRegex(text, r"(?m)^ *asked for by kworker/0:2 \[virtio_net\] +- +1$")
        self.assertRegex(text, r"(?m)^the driver causes no OOM kill +1 of 1 +0 of 1$")
        self.assertEqual([line.split(":")[0] for line in table.broken(found)], ["reader, virtio_net, ordinary processes"])


    def test_crowded_trials_are_told_and_not_counted(self) -> None:
        found = [judge.judge(trial()), judge.judge(trial(waited=(0.9, 0.9), outcome="hung"))]
        judge.bind(found)
        text = table.tables(found)[-1].text()
        self.assertRegex(text, r"(?m)^the guest lives +1 of 1$")
        self.assertRegex(text, r"(?m)^\(trials on a crowded machine, not counted\) +1$")
        self.assertIn("(crowded): missed the guest lives (hung)", table.broken(found)[0])


class ProberTest(unittest.TestCase):
    """Its pings are ones."""

    def test_checksum(self) -> None:
        packet = prober.echo_request(77)
        words = sum(int.from_bytes(packet[i:i + 2], "big") for i in range(0, len(packet), 2))
        self.assertEqual(words % 0xffff, 0)


if __name__ == "__main__":
    unittest.main()
