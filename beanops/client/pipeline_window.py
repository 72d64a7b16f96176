"""How much a pipeline has under way: enough to keep the server busy, never enough to deadlock or to fill memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from beanops.protocol import Command, Connection

#: Commands sent and not yet answered. Beyond 1,024 nothing gets faster, measured on loopback and at 1 ms.
MAX_WAITING = 1024
#: Bytes handed out at once. The server stops reading while its own write blocks, so more would only pile up.
MAX_UNSENT = 64 * 1024


class Window:
    """Draws commands from an iterable as their predecessors are answered.

    Parameters
    ----------
    connection : Connection
        Counts what is under way.
    commands : iterable of Command
        Read ahead of the results by at most `MAX_WAITING`.

    Attributes
    ----------
    exhausted : bool
        Whether the iterable has no more commands.
    failure : Exception or None
        What the iterable raised instead of its next command; due once the commands before it are answered.
    """

    def __init__(self, connection: Connection, commands: Iterable[Command[Any]]) -> None:
        self._connection = connection
        self._source = iter(commands)
        self.exhausted = False
        self.failure: Exception | None = None

    def take(self) -> bytes:
        """Return the bytes of the commands that may be sent now; empty when the window is full or all are sent."""
        room = MAX_WAITING - len(self._connection.waiting)
        # Refilling command by command would cost a system call each: wait until a quarter is free.
        if self.exhausted or room < MAX_WAITING // 4:
            return b""
        send = self._connection.send
        chunks: list[bytes] = []
        size = 0
        try:
            for command in islice(self._source, room):
                data = send(command)
                chunks.append(data)
                size += len(data)
                if size >= MAX_UNSENT:
                    break
            else:
                self.exhausted = len(chunks) < room
        except Exception as error:
            # The commands before it count as sent already, so they must go out.
            self.failure = error
            self.exhausted = True
        return b"".join(chunks)
