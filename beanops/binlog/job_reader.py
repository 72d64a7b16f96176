"""Makes jobs of the places that a replay found."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from heapq import merge

from beanops.binlog.folder import BlockReader, FolderFile, LogFolder
from beanops.binlog.formats import BURIED, DELAYED, LONGEST_NAME, STATES, JobFields, RecordFormat
from beanops.binlog.logged_job import LoggedJob
from beanops.binlog.replay import GONE, OFFSET_BITS, OFFSET_MASK, LogReplay

_LINE_END = 2
#: The states after a start, by those of records; a delayed job may be ready.
_AFTER = ("ready", "ready", "ready", "buried", "delayed")
_MOST_NAMES = 10_000


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
        self._blocks = BlockReader(folder, files)
        self._names: dict[bytes, str] = {}

    def jobs(self, *, newest: bool = False, bodies: bool = False) -> Iterator[LoggedJob]:
        """Yield the jobs in the order of their ids; with `bodies` as far as these are there."""
        try:
            for id in self._ids(newest):
                try:
                    job = self._job(id, bodies)
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
            fulls = self._replay.fulls
            for id in fulls.ids():
                if fulls.get(id) >> OFFSET_BITS == index and (job := self._job(id, False)) is not None:
                    yield job
        finally:
            self._blocks.close()

    def _ids(self, newest: bool) -> Iterator[int]:
        replay = self._replay
        if not replay.readable:
            yield from replay.fulls.ids(newest=newest)
            return
        last = None
        for id in merge(replay.fulls.ids(newest=newest), replay.readable.ids(newest=newest), reverse=newest):
            if id != last:
                yield id
            last = id

    def _job(self, id: int, bodies: bool) -> LoggedJob | None:
        replay = self._replay
        place, at_start = replay.fulls.get(id), "restored"
        short = replay.shorts.get(id) if replay.shorts else 0
        if replay.readable and (other := replay.readable.get(id)):
            if other == GONE:
                if not place:
                    return None
                at_start = "again"
            else:
                other_short = replay.readable_shorts.get(id)
                if not place:
                    at_start = "lost"
                elif replay.broken.get(id):
                    at_start = "damaged"
                elif (place, short) != (other, other_short):
                    at_start = "older"
                place, short = other, other_short
        elif replay.broken and replay.broken.get(id):
            at_start = "damaged"
        return self._read(place, short, at_start, bodies)

    def _read(self, place: int, short: int, at_start: str, bodies: bool) -> LoggedJob:
        index = place >> OFFSET_BITS
        format = self._formats[index]
        data, start = self._blocks.at(place, format.longest)
        (length,) = format.length.unpack_from(data, start)
        start += format.length.size
        name = data[start : start + length]
        head = start + length
        fields = format.read_fields(data, head)
        size = fields.size
        whole, body = True, None
        if bodies or at_start != "restored":
            after = place + format.shortest + length
            first = after if bodies else after + max(0, size - _LINE_END)
            there = self._blocks.read(first, size if bodies else _LINE_END)
            whole = there.endswith(b"\r\n") and (not bodies or len(there) == size)
            body = there[: max(0, size - _LINE_END)] if bodies else None
        if short:
            fields = self._fields_at(short)
        _, priority, delay, ttr, _, created, deadline, reserves, timeouts, releases, buries, kicks, state = fields
        after_start = _AFTER[state]
        if state == DELAYED:
            if deadline <= self._now:
                after_start = "ready"
        elif state == BURIED:
            buries += 1
        return LoggedJob(
            fields.id, self._names.get(name) or self._name(name), after_start, STATES[state], priority, created,
            deadline, delay, ttr, max(0, size - _LINE_END), reserves, timeouts, releases, buries, kicks,
            self._files[index].number, place & OFFSET_MASK, at_start, whole, body,
        )  # fmt: skip

    def _fields_at(self, place: int) -> JobFields:
        format = self._formats[place >> OFFSET_BITS]
        data, start = self._blocks.at(place, format.longest)
        (length,) = format.length.unpack_from(data, start)
        return format.read_fields(data, start + format.length.size + length)

    def _name(self, name: bytes) -> str:
        """Return a tube's name as text; that of a damaged record can be any bytes."""
        if len(self._names) >= _MOST_NAMES:
            self._names.clear()
        text = self._names[name] = name[:LONGEST_NAME].decode("ascii", "backslashreplace")
        return text
