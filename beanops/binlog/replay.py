"""What a start makes of a log, and what else can be read of it, as maps of job ids to the places of their records.

Two views are kept. The one of a start follows beanstalkd's own replay: the last record of a job counts, a damage ends
its file. The readable one continues after a damage; it is kept apart only for jobs for which it differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from beanops.binlog.compact_map import CompactMap
from beanops.binlog.damage import Damages
from beanops.binlog.decoder import Flaw, LogRecord
from beanops.binlog.formats import DELAYED, DELETED, RecordFormat
from beanops.text import plural

#: Bits of a place that are the offset in its file; those above are the index of the file. No place is 0 or 1.
OFFSET_BITS = 40
OFFSET_MASK = (1 << OFFSET_BITS) - 1
#: In place of a place: the job is deleted in the readable view, and exists in that of a start.
GONE = 1
#: Bytes of the line end, which counts in a record.
_LINE_END = 2
_ANY_SIZE = 2**63


class LogReplay:
    """Replays the records of the files of a log, in their order.

    Parameters
    ----------
    damages : Damages
        Gets what is wrong.
    max_job_size : int or None
        The limit of the server that starts, its option ``-z``; None is a limit that no job exceeds.

    Attributes
    ----------
    fulls, shorts : CompactMap
        After a start: the place of each job's last full record, and of its last short record if one follows.
    broken : CompactMap
        Of these the jobs whose body has no line end.
    readable, readable_shorts : CompactMap
        The same for jobs of which more can be read, or for which it is `GONE`.
    refs : list of int
        How many jobs each file holds after a start.
    unlinked : list of int
        Indexes of the files that a start removes while it reads.
    next_id : int
        The id of the next job that is put after a start.
    records : list of int
        Records of each file.
    largest : tuple of int
        Size of the largest body with its line end, its job, and its place.
    """

    def __init__(self, damages: Damages, max_job_size: int | None = None) -> None:
        self.fulls, self.shorts, self.broken = CompactMap(), CompactMap(), CompactMap()
        self.readable, self.readable_shorts = CompactMap(), CompactMap()
        self.orphans = CompactMap()
        self.refs: list[int] = []
        self.records: list[int] = []
        self.unlinked: list[int] = []
        self.next_id = 1
        self.largest = 0, 0, 0
        self._limit = _ANY_SIZE if max_job_size is None else max_job_size
        self._damages = damages
        self._head = 0
        self._reads = False  # whether a start reads on in the file
        self._counted = False  # whether it began to
        self._base = 0
        self._file = ""
        self._size = 0
        self._shortest = 0

    def begin(self, file: str, size: int, format: RecordFormat | None) -> None:
        """Begin the next file, of a name and size; of no format where a start does not read it."""
        self._base = len(self.refs) << OFFSET_BITS
        self._file, self._size = file, size
        self._reads = format is not None
        self._shortest = format.shortest if format is not None else 0
        self.refs.append(int(self._reads))
        self.records.append(0)
        self._counted = self._reads

    def end(self) -> None:
        """End the file."""
        if self._counted:
            self._release(self._base)

    def take(self, found: Iterable[Any]) -> None:
        """Replay what the decoder found in the file: records and flaws."""
        records = 0
        base = self._base
        for one in found:
            if one.__class__ is Flaw:
                self._flaw(one)
                continue
            records += 1
            offset, id, state, full, _, whole = one
            # What nearly every record of a sound log is comes first.
            if not self._reads or not whole or state > DELAYED or (full and not state) or self.readable.size:
                self._differing(one, base + offset)
            elif full:
                self._full(one, base + offset)
            elif not state:
                self._drop(id)
            elif self.fulls.get(id):
                self.shorts.put(id, base + offset)
            else:
                self.orphans.put(id, base + offset)
        self.records[-1] += records

    def _full(self, record: LogRecord, place: int) -> None:
        _, id, _, _, size, whole = record
        known = self.fulls.put(id, place)
        if not known:
            if size > self._limit:
                self.fulls.pop(id)
                self._stop_at_big(record, place)
                return
            if id >= self.next_id:
                self.next_id = id + 1
            if size > self.largest[0]:
                self.largest = size, id, place
            if self.orphans.size:
                self.orphans.pop(id)
        self.refs[-1] += 1
        if known:
            if self.shorts.size:
                self.shorts.pop(id)
            self._release(known)
        if not whole:
            self.broken.put(id, place)
        elif self.broken.size:
            self.broken.pop(id)

    def _drop(self, id: int) -> None:
        """Delete a job from what a start has."""
        if known := self.fulls.pop(id):
            if self.shorts.size:
                self.shorts.pop(id)
            if self.broken.size:
                self.broken.pop(id)
            self._release(known)
        elif self.orphans.size:
            self.orphans.pop(id)

    def _release(self, place: int) -> None:
        """Take a job from the file of a place; a server removes files from the head on once one has no job."""
        refs, index = self.refs, place >> OFFSET_BITS
        refs[index] -= 1
        if not refs[index]:
            while self._head < len(refs) and not refs[self._head]:
                self.unlinked.append(self._head)
                self._head += 1

    def _stop_at_big(self, record: LogRecord, place: int) -> None:
        text = (
            f"job {record.id} has {plural(record.size - _LINE_END, 'byte')}, {record.size:,} with the line end, over"
            f" the limit of {self._limit:,}; a start reads no further in this file"
        )
        self._damages.add(self._file, record.offset, "too big", text, record.id)
        self._read_anyway(record, place, 0)
        self._reads = False

    def _differing(self, record: LogRecord, place: int) -> None:
        """Replay a record in both views, where they may differ."""
        offset, id, state, full, size, whole = record
        known = self.fulls.get(id)
        reads = self._reads
        bad = state > DELAYED
        torn = full and state == DELETED  # no server writes such a record
        stops = reads and (bad and bool(full or known))
        if reads and full and not bad and not torn and not known and size > self._limit:
            self._stop_at_big(record, place)
            return
        if torn and reads:
            text = f"a record of job {id} ends in its fields; a start takes it for deleted"
            self._damages.add(self._file, offset, "fields", text, id)
        if full and not whole and not torn and not bad:
            text = f"the end of the body of job {id} is missing; a start fills it with zeros, without a word"
            if not reads:
                text = f"the end of the body of job {id} is missing"
            self._damages.add(self._file, offset, "body", text, id)
        if not reads or stops or torn or not whole or self.readable.get(id):
            self._read_anyway(record, place, known)
        if not reads:
            return
        if bad:
            if stops:
                self._drop(id)
                self._reads = False
        elif full and not torn:
            self._full(record, place)
        elif state == DELETED:
            self._drop(id)
        elif known:
            self.shorts.put(id, place)
        elif not self.readable.get(id):
            self.orphans.put(id, place)

    def _differ(self, id: int) -> None:
        """Keep the readable view of a job apart from now on."""
        if not self.readable.get(id):
            self.readable.put(id, self.fulls.get(id) or GONE)
            if short := self.shorts.get(id):
                self.readable_shorts.put(id, short)

    def _read_anyway(self, record: LogRecord, place: int, known: int) -> None:
        """Replay a record in the readable view."""
        _, id, state, full, _, whole = record
        if not full and not known and not self.readable.get(id):
            # A job that is in neither view: its body is not in the log, or has not been read so far.
            if state == DELETED:
                self.orphans.pop(id)
            elif state <= DELAYED:
                self.orphans.put(id, place)
            return
        self._differ(id)
        before = self.readable.get(id)
        if state > DELAYED or (full and state == DELETED):
            return
        if full and (whole or before == GONE):
            self.readable.put(id, place)
            self.readable_shorts.pop(id)
            self.orphans.pop(id)
        elif state == DELETED:
            self.readable.put(id, GONE)
            self.readable_shorts.pop(id)
        elif before != GONE:  # also a broken copy of a job: its state counts, the body before is kept
            self.readable_shorts.put(id, place)

    def _flaw(self, flaw: Flaw) -> None:
        """Stop to read the file as a start does, and keep what was under way."""
        self._damages.add_flaw(self._file, flaw, self._size)
        if flaw.kind in ("body", "size"):
            self._differ(flaw.id)
            if flaw.kind == "body" and self.readable.get(flaw.id) == GONE:
                self.readable.put(flaw.id, self._base + flaw.offset)
            if self._reads:
                if flaw.id >= self.next_id and flaw.value <= self._limit:
                    self.next_id = flaw.id + 1
                self._drop(flaw.id)
        # A short record of no state, of a job that a server does not know, is passed over by it.
        elif flaw.kind == "state" and flaw.until == flaw.offset + self._shortest:
            return
        self._reads = False
