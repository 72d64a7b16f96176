"""The layouts of records in files of the binlog: version 7 (beanstalkd 1.5 and later) and version 5 (1.4).

A file starts with its version, an int32 in the byte order of the machine. A record is the length of the tube's name,
the name, the fields of the job, and its body with the line end; a length of 0 makes a short record, which has neither
name nor body. There are no checksums.
"""

from __future__ import annotations

import re
import sys
from struct import Struct
from typing import NamedTuple

#: Bytes of a file before its first record.
HEADER = 4
#: Maximum bytes of a tube's name that a server reads.
LONGEST_NAME = 200
#: The states in records, by number. A server writes "deleted" last.
STATES = ("deleted", "ready", "reserved", "buried", "delayed")
DELETED, READY, RESERVED, BURIED, DELAYED = range(5)
#: Seconds since 1970 between which a job can have been put: beanstalkd is younger, and no clock is that wrong.
_FIRST, _LAST = 1_150_000_000, 4_300_000_000
_MOST_SECONDS = 2**32
_MOST_BODY = 2**30 + 2


class JobFields(NamedTuple):
    """The fields of a record. Times are in nanoseconds, moments since 1970."""

    id: int
    priority: int
    delay: int
    ttr: int
    size: int
    created: int
    deadline: int
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int
    state: int


class RecordFormat:
    """How records of one version and byte order are read.

    Parameters
    ----------
    version : int
        5 or 7.
    order : str
        ``"little"`` or ``"big"``.

    Attributes
    ----------
    native : bool
        Whether a server on this machine reads it.
    in_ns : bool
        Whether its times are in nanoseconds, and not in microseconds.
    shortest : int
        Bytes of a short record.
    longest : int
        Maximum bytes of a record before its body.
    """

    def __init__(self, version: int, order: str) -> None:
        self.version = version
        self.native = order == sys.byteorder
        sign = "<" if order == "little" else ">"
        length, pad = ("i", "3x") if version == 7 else ("Q", "")
        self.length = Struct(sign + length)
        self.fields = Struct(f"{sign}QI4xqqi4xqqIIIIIB{pad}")
        #: Id, size and state alone: what a walk over records needs.
        self.brief = Struct(f"{sign}Q24xi40xB{pad}")
        self.shortest = self.length.size + self.fields.size
        self.longest = self.shortest + LONGEST_NAME
        self.in_ns = version == 7
        self._padding = ((12, 16), (36, 40), (77, self.fields.size))
        zeros = self.length.size - 1
        first = rb"[\x01-\xc8]\0{%d}" % zeros if order == "little" else rb"\0{%d}[\x01-\xc8]" % zeros
        tail = rb"\0{3}" if version == 7 else rb""
        short = rb"\0{%d}(?!\0{8}).{12}\0{4}.{20}\0{4}.{36}[\0\1\3\4]%b" % (self.length.size, tail)
        #: Where a record can begin.
        self.beginning = re.compile(rb"(?s)(?=%b[A-Za-z0-9+/;.$_()]|%b)" % (first, short))

    def unpack_fields(self, data: bytes, place: int) -> tuple[int, ...]:
        """Return the fields of a record, which are at a place of `data`, in the order of `JobFields`."""
        fields = self.fields.unpack_from(data, place)
        if self.in_ns:
            return fields
        id, priority, delay, ttr, size, created, deadline, *rest = fields
        unit = 1000
        return id, priority, delay * unit, ttr * unit, size, created * unit, deadline * unit, *rest

    def read_fields(self, data: bytes, place: int) -> JobFields:
        """Return the same by their names."""
        return JobFields._make(self.unpack_fields(data, place))

    def is_record(self, data: bytes, place: int) -> bool:
        """Whether a record is at a place of `data`, by all that its fields can be; `longest` bytes are there."""
        (length,) = self.length.unpack_from(data, place)
        head = place + self.length.size + length
        if not 0 <= length <= LONGEST_NAME or head + self.fields.size > len(data):
            return False
        if length and _NAME.fullmatch(data, head - length, head) is None:
            return False
        if any(data[head + start : head + stop].strip(b"\0") for start, stop in self._padding):
            return False
        fields = self.read_fields(data, head)
        second = 10**9
        return (
            fields.id > 0
            and fields.state in ((READY, RESERVED, BURIED, DELAYED) if length else (DELETED, READY, BURIED, DELAYED))
            and 2 <= fields.size <= _MOST_BODY
            and _FIRST * second <= fields.created <= _LAST * second
            and 0 <= fields.delay <= _MOST_SECONDS * second
            and second <= fields.ttr <= _MOST_SECONDS * second
            and 0 <= fields.deadline <= (_LAST + _MOST_SECONDS) * second
        )


_NAME = re.compile(rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9\-+/;.$_()]*")
#: The formats, by the bytes of the version.
FORMATS = {
    version.to_bytes(HEADER, order): RecordFormat(version, order)
    for version in (7, 5)
    for order in ("little", "big")
}  # fmt: skip
