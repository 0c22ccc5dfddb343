# SPDX-License-Identifier: GPL-2.0
"""The host's half of the guest agent; the guest's half is the end of qemu/init.

A request is one line, "<id> <script>", the latter as the shell's own printf '%b' wants it. An answer is
"begin <id> <exit status>", the script's output in base64, and "end <id>". The ids make sure that nothing but the answer to this very
request is ever taken for it.
"""

import base64
import socket
import time


class Silence(Exception):
    """The guest did not answer in time, hung up, or said something that is no answer."""


class Agent:
    """A conversation with the guest over a connected socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._received = b""
        self._last_id = 0

    def hello(self, timeout: float) -> str:
        """Wait for the guest's greeting and return the release of the kernel it runs."""
        words = self._line(time.monotonic() + timeout).split()
        if len(words) != 2 or words[0] != "hello":
            raise Silence(f"the guest greeted with {' '.join(words)!r}")
        return words[1]

    def run(self, script: str, timeout: float) -> tuple[int, str]:
        """Run a shell script in the guest; return its exit status and its output."""
        deadline = time.monotonic() + timeout
        self._last_id += 1
        self._send(f"{self._last_id} {escaped(script)}\n".encode(), timeout)
        head = self._line(deadline).split()
        if len(head) != 3 or head[:2] != ["begin", str(self._last_id)] or not head[2].isdigit():
            raise Silence(f"the guest answered {' '.join(head)!r} to request {self._last_id}")
        body = []
        while (line := self._line(deadline)) != f"end {self._last_id}":
            body.append(line)
        try:
            output = base64.b64decode("".join(body), validate=True)
        except ValueError as error:
            raise Silence(f"the guest's answer is damaged: {error}") from error
        return int(head[2]), output.decode(errors="replace")

    def _send(self, request: bytes, timeout: float) -> None:
        self._channel.settimeout(timeout)
        try:
            self._channel.sendall(request)
        except OSError as error:
            raise Silence("the guest hung up") from error

    def _line(self, deadline: float) -> str:
        """Return the next line, without its end."""
        parts = [self._received]
        while b"\n" not in parts[-1]:
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                parts.append(self._channel.recv(1 << 16))
            except TimeoutError as error:
                raise Silence("the guest gave no answer in time") from error
            except OSError as error:
                raise Silence("the guest hung up") from error
            if not parts[-1]:
                raise Silence("the guest died")
        line, _, self._received = b"".join(parts).partition(b"\n")
        return line.decode(errors="replace")


def escaped(script: str) -> str:
    """Return @script in one line of ASCII for printf '%b'. Blanks at its ends get lost, which no shell minds."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\0{byte:03o}" for byte in script.encode())
