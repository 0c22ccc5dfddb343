# SPDX-License-Identifier: GPL-2.0
"""Ways in which a guest's memory runs out. Each is a shell script in the guest, and nothing but ordinary means.

A script knows $reader, the process that reads the bulk, and $adj, the oom_score_adj of the trial's processes. It runs
with oom_score_adj -1000 itself. While memory is out it must not ask for any: no new process, only the shell's builtins.
"""

from dataclasses import dataclass

HOG = "/sys/kernel/debug/labyrinth_hog/command"
DISK = "/mnt"

# The hog takes pages as fast as they come. In small bites, since nothing else runs on its CPU meanwhile, and with pauses that
# are long enough for others where a tick is one millisecond as well.
_TAKE = "; ".join(["take 250; wait 8"] * 260)
_HOLD = "; ".join(["take all; wait 20"] * 110)
_GIVE = "; ".join([*["give 1000; wait 1"] * 50, "give all"])


@dataclass(frozen=True)
class Scenario:
    """One way. Seconds are nominal: the script's marks say when the shortage really began and ended."""

    title: str
    words: str  # for a reader who has never heard of any of this
    short: str  # brings the shortage about and lasts as long as it
    relieve: str = ":"  # ends it, right after the mark of the end
    needs: str = ":"  # whether the guest's kernel has what this takes
    prepare: str = ":"  # before the traffic starts
    seconds: float = 5.0
    disk: bool = False  # the guest has a disk with a file system
    balloon: bool = False  # the host takes the guest's memory for as long as the script runs


SCENARIOS = {
    "reader": Scenario(
        "A reader that stops reading",
        """A program in the guest receives 15,000 packets per second into a socket with a buffer of 400 MB, more than
        the guest has, and stops reading. After eight seconds it is killed. What it does not read is lost in any case; the
        question is what goes down with it.""",
        short="kill -STOP $reader; sleep 8", relieve="kill -KILL $reader", seconds=8.0),
    "eater": Scenario(
        "Every atomic page is gone",
        """A kernel module takes every page that an interrupt handler could get, for some three seconds, and gives them
        all back at once.""",
        prepare="modprobe labyrinth_hog && echo -1 > /proc/sys/kernel/sched_rt_runtime_us",
        short=f"exec 4> {HOG}; echo '{_TAKE}; {_HOLD}' >&4", relieve=f"echo '{_GIVE}' >&4", seconds=6.0),
    "writers": Scenario(
        "Writers fill the page cache",
        """Two programs write a file system full, as fast as they can. The page cache, which has 100 MB already, takes all
        memory that is free, and the kernel has to take it back page by page.""",
        needs="modprobe -q virtio_blk; grep -qw ext4 /proc/filesystems && [ -b /dev/vda ]",
        prepare=f"""{{
            mkdir -p {DISK} && mount -t ext4 /dev/vda {DISK} &&
            dd if=/dev/zero of={DISK}/0 bs=1M count=100 2> /dev/null && sync; }}""",
        short=f"""
            write() {{ echo $adj > /proc/self/oom_score_adj; exec dd if=/dev/zero of={DISK}/$1 bs=64k 2> /dev/null; }}
            write 1 & first=$!
            write 2 & second=$!
            sleep 5""",
        relieve="kill $first $second", disk=True),
    "balloon": Scenario(
        "The host wants its memory back",
        """The host inflates the guest's memory balloon as far as it goes: the hypervisor is overcommitted. After five
        seconds it gives everything back.""",
        needs="modprobe -q virtio_balloon; ls -d /sys/bus/virtio/drivers/virtio_balloon/virtio*",
        short="sleep 5", balloon=True),
}
