"""Two servers under the same hand: the embedded one without sockets, and a real beanstalkd beside it.

The embedded one says at once which connections were answered and how often, so that exactly as many replies
can be awaited from the real one: no waiting for silence, no sleeping.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from beanops.embedded.dialects import NEWEST, RELEASES, Dialect
from beanops.embedded.dialogue import Dialogue, Mode
from beanops.embedded.dispatch import Service
from beanops.embedded.machine import Machine
from beanops.embedded.model import SECOND

_CLOCKS = re.compile(
    rb"^(age|time-left|pause-time-left|uptime|rusage-[us]time|pid|id|hostname|os|platform): .*", re.MULTILINE
)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000 * SECOND

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


class RealClock:
    """The clock that a real server beside goes by: what delays a test delays both, and at each step anew."""

    def __call__(self) -> int:
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Local:
    """The embedded server without sockets: what is sent is answered before `send` returns."""

    def __init__(
        self,
        dialect: Dialect = "1.13",
        max_job_size: int = 65535,
        clock: Clock | RealClock | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.machine = Machine(self.clock)
        self.service = Service(self.machine, dialect, max_job_size, **options)
        self.dialogues: list[Dialogue] = []
        self._told: list[bytes] = []

    def connect(self) -> int:
        """Add a connection and return its number."""
        self.dialogues.append(Dialogue(self.service, lambda: None))
        self._told.append(b"")
        return len(self.dialogues) - 1

    def send(self, number: int, data: bytes) -> None:
        self.dialogues[number].receive(data)
        self._settle()

    def end(self, number: int) -> None:
        self.dialogues[number].receive_end()
        self._settle()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self._settle()

    def received(self, number: int) -> bytes:
        """Return what the connection was told since the last call."""
        told, self._told[number] = self._told[number], b""
        return told

    def is_open(self, number: int) -> bool:
        return self.dialogues[number].mode is not Mode.CLOSED

    def is_waiting(self, number: int) -> bool:
        return self.dialogues[number].mode is Mode.WAIT

    def say(self, number: int, data: bytes) -> bytes:
        self.send(number, data)
        return self.received(number)

    def anything_held(self) -> bool:
        """Say whether a connection has commands behind a reserve that waits."""
        return any(dialogue.held for dialogue in self.dialogues)

    def _settle(self) -> None:
        again = True
        while again:
            again = False
            self.machine.advance()
            for number, dialogue in enumerate(self.dialogues):
                again |= dialogue.run(1000)
                if replies := dialogue.take_replies():
                    # It may have woken another, whose next command is waiting in its buffer.
                    again = True
                    self._told[number] += replies


def split_replies(data: bytes) -> list[bytes]:
    """Cut what a server sent into replies, each with its payload."""
    replies = []
    while data:
        size = _reply_size(data)
        replies.append(data[:size])
        data = data[size:]
    return replies


def _reply_size(data: bytes) -> int | None:
    """Return the length of the first reply in `data`; None if it is not complete."""
    line, end, _ = data.partition(b"\r\n")
    if not end:
        return None
    words = line.split(b" ")
    size = len(line) + 2
    if words[0] in (b"OK", b"FOUND", b"RESERVED"):
        size += int(words[-1]) + 2
    return size if len(data) >= size else None


def comparable(reply: bytes) -> bytes:
    """Take the clocks, ids and host names out of a reply, and the length with them when it is right."""
    line, _, payload = reply.partition(b"\r\n")
    if line.startswith(b"OK "):
        assert int(line[3:]) == len(payload) - 2
        return _CLOCKS.sub(rb"\1", payload)
    return reply


class Remote:
    """The real server, through sockets."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._sockets: list[socket.socket] = []
        self._rest: list[bytes] = []

    def connect(self) -> int:
        self._sockets.append(socket.create_connection(self._address, 5))
        self._rest.append(b"")
        return len(self._sockets) - 1

    def send(self, number: int, data: bytes) -> None:
        self._sockets[number].sendall(data)

    def end(self, number: int) -> None:
        self._sockets[number].shutdown(socket.SHUT_WR)

    def next_reply(self, number: int) -> bytes:
        """Return the next reply; what came instead if the server closed."""
        while (size := _reply_size(self._rest[number])) is None:
            chunk = self._sockets[number].recv(65536)
            if not chunk:
                return self._rest[number]
            self._rest[number] += chunk
        reply, self._rest[number] = self._rest[number][:size], self._rest[number][size:]
        return reply

    def until_closed(self, number: int) -> bytes:
        """Return everything until the server closes."""
        while chunk := self._sockets[number].recv(65536):
            self._rest[number] += chunk
        rest, self._rest[number] = self._rest[number], b""
        return rest

    def rest(self, number: int) -> bytes:
        """Return what else has come by now."""
        self._sockets[number].setblocking(False)
        try:
            self._rest[number] += self._sockets[number].recv(65536)
        except (BlockingIOError, ConnectionResetError):
            pass
        finally:
            self._sockets[number].settimeout(5)
        return self._rest[number]

    def close(self) -> None:
        for connection in self._sockets:
            connection.close()


class Both:
    """Both servers; every step is done on both, and their replies must be the same."""

    def __init__(self, remote: Remote, max_job_size: int = 65535) -> None:
        self.remote = remote
        self.steps: deque[str] = deque(maxlen=60)
        probe = remote.connect()
        remote.send(probe, b"stats\r\n")
        version = re.search(rb'^version: "?([0-9.]+)', remote.next_reply(probe), re.MULTILINE)
        release = version[1].decode("ascii") if version else ""
        self.dialect: Dialect = next((one for one in RELEASES if one == release.removesuffix(".6")), NEWEST)
        self.local = Local(self.dialect, max_job_size, RealClock())
        # Whoever started the real one has asked once for its pid, to see that it is ready.
        starter = Dialogue(self.local.service, lambda: None)
        starter.receive(b"stats\r\n")
        starter.run(1)
        starter.close()
        self.local.connect()
        self.local.say(probe, b"stats\r\n")

    def connect(self) -> int:
        self.steps.append("connect")
        self.local.connect()
        number = self.remote.connect()
        # The connection counts once the server has accepted it.
        self.send(number, b"list-tube-used\r\n")
        return number

    def send(self, number: int, data: bytes) -> None:
        self.steps.append(f"{number} sends {data[:60]!r}")
        self.local.send(number, data)
        self.remote.send(number, data)
        self._compare()

    def end(self, number: int) -> None:
        self.steps.append(f"{number} ends")
        self.local.end(number)
        self.remote.end(number)
        self._compare()

    def sleep(self, seconds: float, *, quietly: bool = False) -> None:
        """Let time go by on both; `quietly` leaves what they then say to the next step."""
        self.steps.append(f"{seconds} s go by")
        self.local.sleep(seconds)
        if not quietly:
            self._compare()

    def compare_stream(self, pieces: Sequence[bytes]) -> bytes:
        """Send a whole stream on a connection of its own and end it; return what both answered."""
        number = self.remote.connect()
        self.local.connect()
        for piece in pieces:
            self.local.send(number, piece)
            self.remote.send(number, piece)
        self.local.end(number)
        self.remote.end(number)
        ours = self.local.received(number)
        theirs = self.remote.until_closed(number)
        assert _CLOCKS.sub(rb"\1", ours) == _CLOCKS.sub(rb"\1", theirs), f"after {b''.join(pieces)!r}"
        return ours

    def _compare(self) -> None:
        answered = False
        for number in range(len(self.local.dialogues)):
            for reply in split_replies(self.local.received(number)):
                answered = True
                theirs = self.remote.next_reply(number)
                if comparable(reply) != comparable(theirs):
                    steps = "\n".join(self.steps)
                    pytest.fail(f"connection {number} was told\n{reply!r}, by the real one\n{theirs!r} after\n{steps}")
        if not answered:
            self.synchronize()

    def synchronize(self) -> None:
        """Make sure that the real server has seen what needed no answer: it takes its connections in turn."""
        for _ in range(3):
            self.local.say(0, b"list-tube-used\r\n")
            self.remote.send(0, b"list-tube-used\r\n")
            self.remote.next_reply(0)

    def finish(self) -> None:
        """Make sure that neither has said more than was compared, and that all statistics are the same."""
        self.send(0, b"stats\r\nlist-tubes\r\n")
        for number in range(1, len(self.local.dialogues)):
            assert self.remote.rest(number) == b"", f"connection {number} after\n" + "\n".join(self.steps)


def dial(address: str) -> socket.socket:
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(address.removeprefix("unix:"))
        return peer
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), 5)


def ask(address: str, line: bytes) -> bytes:
    """Send something on a fresh connection and return all replies."""
    with dial(address) as peer:
        peer.sendall(line)
        peer.shutdown(socket.SHUT_WR)
        return read_all(peer)


def read_all(peer: socket.socket) -> bytes:
    chunks = []
    while chunk := peer.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def statistics(address: str) -> dict[str, str]:
    lines = ask(address, b"stats\r\n").decode("ascii").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def reset(peer: socket.socket) -> None:
    """Vanish without a goodbye."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
