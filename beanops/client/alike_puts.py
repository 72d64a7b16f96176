"""Puts and reserves as one piece of bytes, as `alike` has it for changes of jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from beanops.client.alike import Alike
from beanops.protocol import Command, commands

_INSERTED = b"INSERTED "
_LONGEST = len(b"INSERTED 18446744073709551615\r\n")


class ToPut(NamedTuple):
    """A job to put: its body, and the numbers of the command."""

    body: bytes
    priority: int
    delay: int
    ttr: int


class Puts(Alike):
    """Puts of jobs into the tube that is used.

    Parameters
    ----------
    jobs : sequence of ToPut
        The jobs.

    Attributes
    ----------
    ids : list of int
        The ids of those that were put.
    """

    def __init__(self, jobs: Sequence[ToPut]) -> None:
        puts = (b"put %d %d %d %d\r\n%b\r\n" % (*job[1:], len(job.body), job.body) for job in jobs)
        super().__init__(b"".join(puts), len(jobs))
        self._jobs = jobs
        self.ids: list[int] = []

    def take(self, held: bytearray, sent: bool) -> int:
        """See `Alike.take`."""
        most = self.total - self.answered - (not sent)
        whole = held.rfind(b"\n") + 1
        taken = 0
        for line in bytes(held[:whole]).splitlines(keepends=True)[:most]:
            digits = line[len(_INSERTED) : -2]
            if not (line.startswith(_INSERTED) and line.endswith(b"\r\n") and digits.isdigit() and len(digits) <= 20):
                self.differs = True
                break
            self.ids.append(int(digits))
            taken += len(line)
        self.answered = len(self.ids)
        rest = bytes(held[taken : taken + _LONGEST])
        if not self.differs and rest:
            begun = _INSERTED.startswith(rest[: len(_INSERTED)]) and len(rest) < _LONGEST
            self.differs = not (begun and self.answered < self.total - (not sent))
        return taken

    def rest(self) -> Iterator[Command[Any]]:
        """See `Alike.rest`."""
        for body, priority, delay, ttr in self._jobs[self.answered :]:
            yield commands.put(body, priority=priority, delay=delay, ttr=ttr)


class Reserves(Alike):
    """Reserves of jobs whose bodies are known.

    Parameters
    ----------
    ids : sequence of int
        The jobs.
    bodies : sequence of bytes
        The body of each.
    """

    def __init__(self, ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        super().__init__(b"reserve-job %d\r\n" * len(ids) % tuple(ids), len(ids))
        self._ids = ids
        self._replies = [
            b"RESERVED %d %d\r\n%b\r\n" % (id, len(body), body) for id, body in zip(ids, bodies, strict=True)
        ]

    def take(self, held: bytearray, sent: bool) -> int:
        """See `Alike.take`."""
        replies, taken, most = self._replies, 0, self.total - (not sent)
        while self.answered < most:
            reply = replies[self.answered]
            if not held.startswith(reply, taken):
                self.differs = not reply.startswith(bytes(held[taken : taken + len(reply)]))
                return taken
            taken += len(reply)
            self.answered += 1
        self.differs = not sent and len(held) > taken
        return taken

    def rest(self) -> Iterator[Command[Any]]:
        """See `Alike.rest`."""
        return map(commands.reserve_job, self._ids[self.answered :])
