# SPDX-License-Identifier: GPL-2.0
"""The conversation with the guest: only a whole, well-formed answer to this very request counts."""

import base64
import socket
import subprocess
import threading
import time
import unittest

from qemu.agent import Agent, Silence, escaped


class Answers(unittest.TestCase):
    """A guest that is played by a thread: it waits for one request and says what it is told to."""

    def ask(self, answer: str, timeout: float = 5.0) -> tuple[int, str]:
        """Return what the agent makes of @answer."""
        ours, theirs = socket.socketpair()

        def guest() -> None:
            theirs.recv(1 << 16)
            theirs.sendall(answer.encode())
            if timeout >= 5:
                theirs.close()

        thread = threading.Thread(target=guest)
        thread.start()
        try:
            with ours:
                return Agent(ours).run("true", timeout)
        finally:
            thread.join()
            theirs.close()

    def test_good(self) -> None:
        output = base64.encodebytes(b"x" * 100_000).decode()
        self.assertEqual(self.ask(f"begin 1 0\n{output}end 1\n"), (0, "x" * 100_000))

    def test_status(self) -> None:
        self.assertEqual(self.ask("begin 1 7\nend 1\n"), (7, ""))

    def test_binary_output(self) -> None:
        output = base64.b64encode(bytes([255, 10])).decode()
        self.assertEqual(self.ask(f"begin 1 0\n{output}\nend 1\n"), (0, "\ufffd\n"))

    def test_nothing_but_the_answer(self) -> None:
        for answer in ("", "begin 1 0\n", "begin 1 0\neHh4\n", "begin 2 0\nend 2\n", "begin 1\nend 1\n", "rubbish\n",
                       "begin 1 -\nend 1\n", "begin 1 0\n!!!\nend 1\n", "begin 1 0\neHh4\nend 2\n", "end 1\n"):
            with self.subTest(answer=answer), self.assertRaises(Silence):
                self.ask(answer)

    def test_silence_ends(self) -> None:
        start = time.monotonic()
        with self.assertRaisesRegex(Silence, "in time"):
            self.ask("begin 1 0\n", timeout=0.5)
        self.assertLess(time.monotonic() - start, 3)


class Requests(unittest.TestCase):
    """What the guest's shell makes of a script, with the words of qemu/init."""

    def test_nothing_is_lost(self) -> None:
        for script in ("true", "a\nb\n\n\tc", r"printf '\n %d%% \\0101 \c' 1", "echo 'ü \x7f \x01' \"$x\" `y` #"):
            with self.subTest(script=script):
                done = subprocess.run(["dash", "-c", "read -r id script; printf '%b' \"$script\""],
                                      input=f"1 {escaped(script)}\n".encode(), stdout=subprocess.PIPE, check=True)
                self.assertEqual(done.stdout, script.encode())

