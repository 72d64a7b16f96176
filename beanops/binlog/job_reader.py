"""Makes jobs of the places that a replay found."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Any

from beanops.binlog.folder import BlockReader, FolderFile, LogFolder
from beanops.binlog.formats import BURIED, DELAYED, LONGEST_NAME, STATES, RecordFormat
from beanops.binlog.logged_job import LoggedJob
from beanops.binlog.replay import GONE, OFFSET_BITS, OFFSET_MASK, LogReplay

_LINE_END = 2
#: The states after a start, by those of records; a delayed job may be ready.
_AFTER = ("ready", "ready", "ready", "buried", "delayed")
_MOST_NAMES = 10_000
#: Makes a named tuple as its class does, in half the time.
_new: Any = tuple.__new__


class JobReader:
    """Reads the jobs of a replayed log.

    Parameters
    ----------
    folder : LogFolder
        The log.
    files : sequence of FolderFile
        The files by their index.
    formats : sequence of RecordFormat
        Those of the files.
    replay : LogReplay
        The places.
    now : int
        The time of the start in nanoseconds since 1970.

    Attributes
    ----------
    removed : int
        Jobs that could not be read because a server removed their file.
    """

    def __init__(
        self,
        folder: LogFolder,
        files: Sequence[FolderFile],
        formats: Sequence[RecordFormat],
        replay: LogReplay,
        now: int,
    ) -> None:
        self.removed = 0
        self._files = files
        self._formats = formats
        self._replay = replay
        self._now = now
        self._shorts = replay.shorts.size > 0
        self._sound = not (replay.readable.size or replay.broken.size)
        self._blocks = BlockReader(folder, files)
        self._names: dict[bytes, str] = {}

    def jobs(self, *, newest: bool = False, bodies: bool = False) -> Iterator[LoggedJob]:
        """Yield the jobs in the order of their ids; with `bodies` as far as these are there."""
        plain = self._sound and not self._shorts
        try:
            for id, place in self._places(newest):
                try:
                    job = self._read(place, 0, "restored", bodies) if plain else self._job(id, place, bodies)
                except (FileNotFoundError, struct.error):  # a server removed the file, or cut it
                    self.removed += 1
                    continue
                if job is not None:
                    yield job
        finally:
            self._blocks.close()

    def restored_in(self, index: int) -> Iterator[LoggedJob]:
        """Yield the jobs that a file holds after a start, in the order of their ids."""
        try:
            for id, place in self._replay.fulls.items():
                if place >> OFFSET_BITS == index and (job := self._job(id, place, False)) is not None:
                    yield job
        finally:
            self._blocks.close()

    def _places(self, newest: bool) -> Iterator[tuple[int, int]]:
        """Yield the ids of all jobs with their places after a start, 0 for a job that does not come back."""
        fulls, readable = self._replay.fulls, self._replay.readable
        if not readable.size:
            yield from fulls.items(newest=newest)
            return
        last = None
        for id in merge(fulls.ids(newest=newest), readable.ids(newest=newest), reverse=newest):
            if id != last:
                yield id, fulls.get(id)
            last = id

    def _job(self, id: int, place: int, bodies: bool) -> LoggedJob | None:
        replay, at_start = self._replay, "restored"
        short = replay.shorts.get(id) if self._shorts else 0
        if self._sound:
            return self._read(place, short, at_start, bodies)
        other = replay.readable.get(id)
        if other == GONE:
            if not place:
                return None
            at_start = "again"
        elif other and not place:
            at_start = "lost"
        elif replay.broken.get(id):
            at_start = "damaged"
        elif other and (place, short) != (other, replay.readable_shorts.get(id)):
            at_start = "older"
        if other > GONE:
            place, short = other, replay.readable_shorts.get(id)
        return self._read(place, short, at_start, bodies)

    def _read(self, place: int, short: int, at_start: str, bodies: bool) -> LoggedJob:
        index = place >> OFFSET_BITS
        format = self._formats[index]
        data, start = self._blocks.at(place, format.longest)
        (length,) = format.length.unpack_from(data, start)
        start += format.length.size
        head = start + length
        name = data[start:head]
        fields = format.fields.unpack_from(data, head) if format.in_ns else format.unpack_fields(data, head)
        size = fields[4]
        whole, body = True, None
        if bodies or at_start != "restored":
            after = place + format.shortest + length
            first = after if bodies else after + max(0, size - _LINE_END)
            there = self._blocks.read(first, size if bodies else _LINE_END)
            whole = there.endswith(b"\r\n") and (not bodies or len(there) == size)
            body = there[: max(0, size - _LINE_END)] if bodies else None
        if short:
            fields = self._fields_at(short)
        id, priority, delay, ttr, _, created, deadline, reserves, timeouts, releases, buries, kicks, state = fields
        after_start = _AFTER[state]
        if state == DELAYED:
            if deadline <= self._now:
                after_start = "ready"
        elif state == BURIED:
            buries += 1
        job: LoggedJob = _new(
            LoggedJob,
            (
                id, self._names.get(name) or self._name(name), after_start, STATES[state], priority, created, deadline,
                delay, ttr, max(0, size - _LINE_END), reserves, timeouts, releases, buries, kicks,
                self._files[index].number, place & OFFSET_MASK, at_start, whole, body,
            ),
        )  # fmt: skip
        return job

    def _fields_at(self, place: int) -> tuple[int, ...]:
        format = self._formats[place >> OFFSET_BITS]
        data, start = self._blocks.at(place, format.longest)
        (length,) = format.length.unpack_from(data, start)
        return format.unpack_fields(data, start + format.length.size + length)

    def _name(self, name: bytes) -> str:
        """Return a tube's name as text; that of a damaged record can be any bytes."""
        if len(self._names) >= _MOST_NAMES:
            self._names.clear()
        text = self._names[name] = name[:LONGEST_NAME].decode("ascii", "backslashreplace")
        return text
