"""The decoder of one file of the binlog, without I/O: bytes in, records and flaws out.

It reads records one after the other as a server does. Where a server would stop before the end of the data, it reports
a `Flaw` and searches for the next record, so that what can be read of a damaged file is read. It keeps less than a
kilobyte: bodies pass through it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from beanops.binlog.formats import DELAYED, DELETED, HEADER, LONGEST_NAME, RecordFormat

_LINE_END = b"\r\n"
_SOMETHING = re.compile(rb"[^\0]")


class LogRecord(NamedTuple):
    """A record.

    Attributes
    ----------
    offset : int
        Its first byte in the file.
    id : int
        The job.
    state : int
        Its state, see `beanops.binlog.formats.STATES`; more than 4 is none.
    full : bool
        Whether it has a body.
    size : int
        Bytes of the job's body, with the line end.
    whole : bool
        Whether the body ends in a line end; True for a short record.
    """

    offset: int
    id: int
    state: int
    full: bool
    size: int
    whole: bool = True


class Flaw(NamedTuple):
    """A place at which a server stops to read a file although there is more.

    Attributes
    ----------
    offset : int
        Where.
    kind : str
        ``"length"``: no length of a name; ``"size"``: no size of a body; ``"state"``: no state of a job; ``"zeros"``:
        zeros before more data; ``"name"``: a record cut after its name, before zeros; ``"record"``: a record cut at
        the end of the file; ``"body"``: the same in its body.
    id : int
        The job, 0 where none is known.
    until : int
        Where the next record was found, or the end of the file.
    value : int
        The number that is wrong; of a cut body its size.
    """

    offset: int
    kind: str
    id: int = 0
    until: int = 0
    value: int = 0


class RecordDecoder:
    """Reads the records of a file.

    Parameters
    ----------
    format : RecordFormat
        That of the file.
    size : int or None
        Bytes of the file, where that is known: then a record that would end after it does not hide others.
    searching : bool
        Whether to search for the first record; by default it is expected after the version.

    Examples
    --------
    >>> from beanops.binlog.formats import FORMATS
    >>> decoder = RecordDecoder(FORMATS[b"\\x07\\0\\0\\0"])
    >>> decoder.receive(b"\\0" * 4096), decoder.finish()
    ([], [])
    """

    def __init__(self, format: RecordFormat, size: int | None = None, *, searching: bool = False) -> None:
        self._format = format
        self._size = size
        self._rest = b""
        self._at = HEADER  # the place of the rest in the file
        self._step = self._search if searching else self._walk
        self._flaw: Flaw | None = None  # is reported when it is known how much it hides
        self._body: LogRecord | None = None  # the record whose body is under way
        self._left = 0
        self._end = b""
        self._finished = False

    def receive(self, data: bytes) -> list[LogRecord | Flaw]:
        """Return what ends in the next bytes of the file; the first ones are those after the version."""
        if self._rest:
            data = self._rest + data
        found: list[LogRecord | Flaw] = []
        place = 0 if self._body is None else self._pass_body(data, found)
        while self._body is None:
            step = self._step
            place = step(data, place, found)
            if self._step == step:
                break
        self._rest = data[place:]
        self._at += place
        return found

    def finish(self) -> list[LogRecord | Flaw]:
        """Return what there is at the end of the file."""
        self._finished = True
        found = self.receive(b"")
        while self._body is None and self._step == self._walk and _SOMETHING.search(self._rest):
            self._lose(Flaw(self._at, "record"), 0)
            self._rest, self._at = self._rest[1:], self._at + 1
            found += self.receive(b"")
        end = self._at + len(self._rest)
        if self._body is not None:
            found.append(Flaw(self._body.offset, "body", self._body.id, end, self._body.size))
        elif self._flaw is not None:
            found.append(self._flaw._replace(until=end))
        return found

    def _walk(self, data: bytes, place: int, found: list[LogRecord | Flaw]) -> int:
        """Read records one after the other; return the place of the first that is not there as a whole."""
        format, at, size = self._format, self._at, len(data)
        length_of, brief_of = format.length.unpack_from, format.brief.unpack_from
        before, after = format.length.size, format.fields.size
        append = found.append
        new, kind, line_end = tuple.__new__, LogRecord, _LINE_END  # what the class itself does, in a third of the time
        while place + format.shortest <= size:
            (length,) = length_of(data, place)
            if not 0 <= length <= LONGEST_NAME:
                return self._lose(Flaw(at + place, "length", 0, 0, length), place + 1)
            head = place + before + length
            end = head + after
            if end > size:
                break
            id, body, state = brief_of(data, head)
            if not id:
                if length:
                    return self._lose(Flaw(at + place, "name"), place + 1)
                self._step = self._pass_zeros
                self._flaw = Flaw(at + place, "zeros")
                return place
            if state > DELAYED:
                append(LogRecord(at + place, id, state, length > 0, body))
                return self._lose(Flaw(at + place, "state", id, 0, state), place + 1)
            if not length or state == DELETED:
                append(new(kind, (at + place, id, state, length > 0, body, True)))
                place = end
                continue
            if body <= 0:
                return self._lose(Flaw(at + place, "size", id, 0, body), place + 1)
            end += body
            if end > size:
                if self._size is not None and at + end > self._size:
                    return self._lose(Flaw(at + place, "body", id, 0, body), place + 1)
                self._body = LogRecord(at + place, id, state, True, body)
                self._left = end - size
                self._end = data[max(size - 2, head + after) :]
                return size
            append(new(kind, (at + place, id, state, True, body, data[end - 2 : end] == line_end)))
            place = end
        return place

    def _pass_body(self, data: bytes, found: list[LogRecord | Flaw]) -> int:
        """Go to the end of a body; return the place after it."""
        assert self._body is not None
        there = min(self._left, len(data))
        self._end = (self._end + data[max(0, there - 2) : there])[-2:]
        self._left -= there
        if not self._left:
            found.append(self._body._replace(whole=self._end == _LINE_END))
            self._body = None
        return there

    def _pass_zeros(self, data: bytes, place: int, found: list[LogRecord | Flaw]) -> int:
        """Go to the first byte that is not zero: an unused end of a file has none."""
        match = _SOMETHING.search(data, place)
        # A record may begin with so many zeros.
        most = self._format.length.size + 8
        if match is None:
            if self._finished:
                self._flaw = None
                return len(data)
            return max(place, len(data) - most)
        self._step = self._search
        return max(place, match.start() - most)

    def _lose(self, flaw: Flaw, place: int) -> int:
        self._flaw = flaw
        self._step = self._search
        return place

    def _search(self, data: bytes, place: int, found: list[LogRecord | Flaw]) -> int:
        """Go to the next record."""
        format = self._format
        if _SOMETHING.search(data, place) is None and not self._finished:
            return max(place, len(data) - format.length.size - 8)
        safe = len(data) if self._finished else len(data) - format.longest
        while (match := format.beginning.search(data, place)) is not None and match.start() < safe:
            place = match.start()
            if format.is_record(data, place):
                if self._flaw is not None:
                    found.append(self._flaw._replace(until=self._at + place))
                self._flaw = None
                self._step = self._walk
                return place
            place += 1
        return max(place, safe)
