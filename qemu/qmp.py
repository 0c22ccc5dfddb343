# SPDX-License-Identifier: GPL-2.0
"""QEMU's machine protocol: JSON objects, one per line, over a connected socket."""

import json
import socket
import time
from typing import Any

from qemu import RunError


class QMPError(RunError):
    """QEMU refused a command, or hung up."""


class QMP:
    """A conversation with QEMU. Events that arrive meanwhile are kept for wait()."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._channel.settimeout(30)
        self._lines = channel.makefile("r", encoding="utf-8")
        self._events: list[dict[str, Any]] = []
        if "QMP" not in self._next():
            raise QMPError("QEMU did not greet")
        self.command("qmp_capabilities")

    def command(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute a command and return what it returned."""
        self._channel.settimeout(30)
        try:
            self._channel.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        except OSError as error:
            raise QMPError(f"{name}: QEMU hung up") from error
        while True:
            message = self._next()
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise QMPError(f"{name}: {message['error']['desc']}")
            else:
                return message["return"]

    def wait(self, event: str, timeout: float) -> dict[str, Any]:
        """Wait for `event` and return its data. Events before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            while self._events:
                message = self._events.pop(0)
                if message["event"] == event:
                    return message.get("data", {})
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            self._events.append(self._next(f"no event {event} in {timeout:g} s"))

    def _next(self, complaint: str = "QEMU gave no answer") -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise QMPError(complaint) from error
        if not line:
            raise QMPError("QEMU hung up")
        return json.loads(line)
