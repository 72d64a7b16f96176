"""Many commands that are all alike, as one piece of bytes, and their replies, compared with the expected ones.

To make and parse each on its own takes five times as long. From the first reply that is another one than expected, what
is left of the commands and of the bytes goes the usual way, through `beanops.protocol.Connection`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from beanops.protocol import Command, ServerStats, commands
from beanops.protocol.commands import JOB_STATS, MAX_STATS, SERVER_STATS
from beanops.protocol.connection import MAX_LINE
from beanops.protocol.errors import ProtocolError
from beanops.protocol.limits import MAX_BODY

#: The line of each change, its reply, and how to make it alone.
_CHANGES: dict[str, tuple[bytes, bytes, Callable[[int], Command[None]]]] = {
    "delete": (b"delete %d\r\n", b"DELETED\r\n", commands.delete),
    "kick": (b"kick-job %d\r\n", b"KICKED\r\n", commands.kick_job),
}
_BURIED = b"\r\nBURIED\r\n"


#: Instead of where a payload begins and ends: its line has not arrived, or it is another reply.
_NOT_YET, _ANOTHER = (0, 0), (-1, -1)


class Alike(ABC):
    """Commands in one piece.

    Attributes
    ----------
    data : bytes
        The bytes to send.
    total : int
        Number of what is asked for, such as changes of jobs.
    answered : int
        Number of these whose replies were as expected.
    differs : bool
        Whether the next reply is another one.
    recognise : callable
        As that of `Connection`, whose it is when the commands are sent.
    """

    def __init__(self, data: bytes, total: int) -> None:
        self.data = data
        self.total = total
        self.answered = 0
        self.differs = False
        self.recognise: Callable[[ServerStats], ServerStats] = lambda stats: stats

    @property
    def left(self) -> int:
        """How many replies are not there yet, roughly."""
        return self.total - self.answered

    @property
    def over(self) -> bool:
        """Whether all replies were as expected, or the next one is not."""
        return self.differs or self.answered == self.total

    @abstractmethod
    def take(self, held: bytearray, sent: bool) -> int:
        """Compare replies with the expected ones, and return how many bytes are as expected.

        Parameters
        ----------
        held : bytearray
            The bytes that have arrived and were not taken.
        sent : bool
            Whether all commands were sent; if not, the last one cannot have been answered.
        """

    @abstractmethod
    def rest(self) -> Iterator[Command[Any]]:
        """Yield the commands that were not answered as expected."""


class Changes(Alike):
    """Deletes or kicks of jobs: all have the same short reply.

    Parameters
    ----------
    verb : str
        ``"delete"`` or ``"kick"``.
    ids : sequence of int
        The jobs.
    """

    def __init__(self, verb: str, ids: Sequence[int]) -> None:
        line, self._reply, self._command = _CHANGES[verb]
        super().__init__(line * len(ids) % tuple(ids), len(ids))
        self._ids = ids

    def take(self, held: bytearray, sent: bool) -> int:
        """See `Alike.take`."""
        reply, size = self._reply, len(self._reply)
        most = self.total - self.answered - (not sent)
        whole = min(len(held) // size, most)
        if held[: whole * size] != reply * whole:
            whole = next(n for n in range(whole) if held[n * size : (n + 1) * size] != reply)
            self.differs = True
        elif whole < most:
            self.differs = not reply.startswith(bytes(held[whole * size :]))
        else:
            self.differs = not sent and len(held) > whole * size
        self.answered += whole
        return whole * size

    def rest(self) -> Iterator[Command[Any]]:
        """See `Alike.rest`."""
        return map(self._command, self._ids[self.answered :])


class Buries(Alike):
    """Buries of jobs, each reserved right before.

    Parameters
    ----------
    ids : sequence of int
        The jobs.
    priorities : sequence of int
        The priority that each one gets.
    """

    def __init__(self, ids: Sequence[int], priorities: Sequence[int]) -> None:
        numbers = tuple(chain.from_iterable(zip(ids, ids, priorities, strict=True)))
        super().__init__(b"reserve-job %d\r\nbury %d %d\r\n" * len(ids) % numbers, len(ids))
        self._ids = ids
        self._priorities = priorities

    def take(self, held: bytearray, sent: bool) -> int:
        """See `Alike.take`."""
        taken, most = 0, self.total - (not sent)
        while self.answered < most and not self.differs:
            start, stop = _payload(held, taken, b"RESERVED %d " % self._ids[self.answered], MAX_BODY)
            ending = held[stop : stop + len(_BURIED)]
            if ending == _BURIED and start > 0:
                taken = stop + len(_BURIED)
                self.answered += 1
                continue
            self.differs = start < 0 or (start > 0 and not _BURIED.startswith(bytes(ending)))
            return taken
        self.differs |= not sent and len(held) > taken
        return taken

    def rest(self) -> Iterator[Command[Any]]:
        """See `Alike.rest`."""
        for id, priority in zip(self._ids[self.answered :], self._priorities[self.answered :], strict=True):
            yield commands.reserve_job(id)
            yield commands.bury(id, priority=priority)


class Looks(Alike):
    """Looks at jobs: bodies of some and statistics of others. Either all replies are as expected, or all are left.

    Parameters
    ----------
    bodies : sequence of int
        The jobs whose bodies are asked for.
    stats : sequence of int
        The jobs whose statistics are asked for.

    Attributes
    ----------
    asked : tuple
        The two.
    server : ServerStats
        The server that answered.
    bodies : list of bytes
        The bodies.
    columns : list of list
        A list for each field of `JobStats` but ``extra``.
    seen : list of float
        When each reply had arrived, in seconds since 1970.
    """

    server: ServerStats

    def __init__(self, bodies: Sequence[int], stats: Sequence[int]) -> None:
        peeks, looks = b"peek %d\r\n" * len(bodies) % tuple(bodies), b"stats-job %d\r\n" * len(stats) % tuple(stats)
        super().__init__(b"stats\r\n" + peeks + looks, 1 + len(bodies) + len(stats))
        self.bodies: list[bytes] = []
        self.columns: list[list[Any]] = []
        self.seen: list[float] = []
        self.asked = bodies, stats
        self._heads = [b"OK ", *(b"FOUND %d " % id for id in bodies), *[b"OK "] * len(stats)]
        self._spans: list[tuple[int, int]] = []

    @property
    def left(self) -> int:
        """See `Alike.left`."""
        return self.total - len(self._spans)

    def take(self, held: bytearray, sent: bool) -> int:
        """See `Alike.take`."""
        heads, spans = self._heads, self._spans
        at, before, there = spans[-1][1] + 2 if spans else 0, len(spans), len(held)
        for place in range(before, len(heads) - (not sent)):
            start, stop = span = _payload(held, at, heads[place], MAX_STATS)
            if there < stop + 2 or start <= 0:
                self.differs = start < 0
                break
            if not held.startswith(b"\r\n", stop):
                self.differs = True
                break
            spans.append(span)
            at = stop + 2
        else:
            self.differs = not sent and there > at
        self.seen += [time.time()] * (len(spans) - before)
        if len(spans) < len(heads) or not self._read(bytes(held[:at])):
            return 0
        self.answered = self.total
        return at

    def _read(self, replies: bytes) -> bool:
        """Read all payloads; whether they are as expected."""
        server, *payloads = [replies[start:stop] for start, stop in self._spans]
        bodies, stats = self.asked
        self.bodies, columns = payloads[: len(bodies)], JOB_STATS.read_columns(payloads[len(bodies) :])
        try:
            self.server = self.recognise(SERVER_STATS.read(server))
        except ProtocolError:
            self.differs = True
        self.differs |= columns is None or columns[0] != list(stats)
        self.columns = columns or []
        return not self.differs

    def rest(self) -> Iterator[Command[Any]]:
        """See `Alike.rest`."""
        bodies, stats = self.asked
        if not self.answered:
            yield commands.stats()
            yield from map(commands.peek, bodies)
            yield from map(commands.stats_job, stats)


def _payload(held: bytearray, at: int, head: bytes, most: int) -> tuple[int, int]:
    """Return where the payload of a reply begins and ends, after its head; `_NOT_YET` or `_ANOTHER` without one."""
    end = held.find(b"\r\n", at, at + MAX_LINE + 2)
    if end < 0:
        return _ANOTHER if len(held) - at > MAX_LINE + 1 else _NOT_YET
    size = held[at + len(head) : end]
    if not held.startswith(head, at) or not size.isdigit() or len(size) > 10 or int(size) > most:
        return _ANOTHER
    return end + 2, end + 2 + int(size)
