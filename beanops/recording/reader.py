"""`Recording`: read a recording, also while it grows: what was known when, of which server and tube."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import loads
from math import inf
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from beanops.monitor.history import WIDTH, Cell, cell_of, until_then
from beanops.monitor.packing import Row, columns
from beanops.monitor.problems.problem import Severity
from beanops.recording.looks import AT, KNOWN, SERVER_WIDTH, TUBE_WIDTH
from beanops.recording.playback import Stretch
from beanops.recording.storage import explained, open_to_read
from beanops.recording.tail import TailPart, append, tail_parts
from beanops.recording.writer import LONGEST, STEPS

#: Numbers of unpacked chunks that are kept in memory.
_MOST_NUMBERS = 8_000_000


class RecordedServer(NamedTuple):
    """A server in a recording.

    Attributes
    ----------
    id : int
        Its number in the file.
    name, address : str
        As the recorder was told.
    began, ended : float
        Its first and last look, in seconds since 1970.
    instance : str
        The id of its last process.
    """

    id: int
    name: str
    address: str
    began: float
    ended: float
    instance: str


class RecordedProblem(NamedTuple):
    """A problem in a recording.

    Attributes
    ----------
    name, severity : str
        As in `Problem`.
    tube : str or None
        None for the server.
    reason, look_at : str
        What it said.
    began, ended : float or None
        In seconds since 1970; None while it lasts.
    job : int or None
        The job that it is about.
    """

    name: str
    severity: Severity
    tube: str | None
    reason: str
    look_at: str
    began: float
    ended: float | None
    job: int | None


class Recording:
    """A recording that is read; a context manager. Several threads may share it.

    Parameters
    ----------
    path : str or path
        The file.

    Raises
    ------
    NotARecording
        There is no such file, or it is something else.
    RecordingError
        It cannot be read.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._database = open_to_read(self.path)
        self._chunks: OrderedDict[int, list[array[int]]] = OrderedDict()
        self._numbers = 0
        # The parts of the tail, and the first and the last of them.
        self._tail: list[TailPart] = []
        self._parts = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock, explained(self.path, "read"):
            return self._database.execute(statement, values).fetchall()

    # -- what there is -----------------------------------------------------------------------------------------------

    def servers(self) -> list[RecordedServer]:
        """Return the servers, in the order in which they were first recorded."""
        found = []
        for id, name, address in self._rows("SELECT id, name, address FROM servers ORDER BY id"):
            stretches = self.stretches(id)
            if stretches:
                instance = str(loads(stretches[-1].texts)["id"])
                began, ended = stretches[0].began, stretches[-1].ended
                found.append(RecordedServer(id, name, address, began, ended, instance))
        return found

    def stretches(self, server: int) -> list[Stretch]:
        """Return the times without a gap of a server, oldest first; of what its clock showed twice the newer."""
        found: list[Stretch] = []
        for began, ended, texts, cause in self._rows(
            "SELECT began, ended, texts, cause FROM stretches WHERE server = ? ORDER BY id", server
        ):
            one = Stretch(began / 1000, ended / 1000, texts, cause)
            while found and found[-1].began >= one.began:
                found.pop()
            if found and found[-1].ended > one.began:
                found[-1] = found[-1]._replace(ended=one.began)
            found.append(one)
        return found

    def tubes(self, server: int) -> list[str]:
        """Return the names of all tubes of a server."""
        found = self._rows("SELECT tube FROM series WHERE server = ? AND tube IS NOT NULL ORDER BY tube", server)
        return [str(tube) for (tube,) in found]

    def size(self) -> int:
        """Return the bytes of the file, with what SQLite keeps beside it."""
        files = (Path(f"{self.path}{suffix}") for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # -- problems ----------------------------------------------------------------------------------------------------

    def problems(self, server: int, since: float = -inf, until: float = inf) -> list[RecordedProblem]:
        """Return the problems that lasted at some moment from `since` to `until`, in seconds since 1970, as of then."""
        rows = self._rows(
            "SELECT name, severity, tube, reason, look_at, began, ended, job FROM problems JOIN reasons"
            " ON reasons.rowid = coalesce("
            "(SELECT rowid FROM reasons WHERE problem = problems.id AND at <= ? ORDER BY at DESC LIMIT 1),"
            " (SELECT rowid FROM reasons WHERE problem = problems.id ORDER BY at LIMIT 1))"
            " WHERE server = ? AND began <= ? AND (ended IS NULL OR ended > ?) ORDER BY began, problems.id",
            min(until, 1e12) * 1000,
            server,
            min(until, 1e12) * 1000,
            max(since, -1e12) * 1000,
        )
        return [
            RecordedProblem(
                name, severity, tube, reason, look_at, began / 1000, None if ended is None else ended / 1000, job
            )
            for name, severity, tube, reason, look_at, began, ended, job in rows
        ]

    # -- rows --------------------------------------------------------------------------------------------------------

    def tier(self, server: int, at: float) -> int:
        """Return the finest tier that has rows of a server at a time, in seconds since 1970."""
        for tier in range(len(STEPS)):
            begun = self._begun(server, None, tier)
            if begun is not None and begun <= at * 1000:
                return tier
        return 0

    def begun(self, server: int, tube: str | None) -> float | None:
        """Return when the first look at a tube was, None for the server, in seconds since 1970; None without any."""
        found = [self._begun(server, tube, tier) for tier in range(len(STEPS))]
        return min((one / 1000 for one in found if one is not None), default=None)

    def _begun(self, server: int, tube: str | None, tier: int) -> int | None:
        with self._reading():
            id = self._id(server, tube)
            ((first,),) = self._rows("SELECT min(began) FROM chunks WHERE series = ? AND tier = ?", id, tier)
            newest = [row[AT] - row[KNOWN] for part in self._tail for row in part.rows(id)][:1] if tier == 0 else []
        return min([*([] if first is None else [int(first)]), *newest], default=None)

    def ended(self, server: int, tube: str | None) -> float | None:
        """Return when the last look at a tube was, None for the server, in seconds since 1970; None without any."""
        with self._reading():
            id = self._id(server, tube)
            width = SERVER_WIDTH if tube is None else TUBE_WIDTH
            newest = [row[AT] for part in self._tail if part.width == width for row in part.rows(id)][-1:]
            ((last,),) = self._rows("SELECT max(ended) FROM chunks WHERE series = ? AND tier = 0", id)
        return max((one / 1000 for one in [last, *newest] if one is not None), default=None)

    def rows(self, server: int, tube: str | None, tier: int, first: int, last: int) -> list[Row]:
        """Return the rows of a tube, None for the server, from one moment to another, also those that reach over them.

        Times are milliseconds since 1970.
        """
        with self._reading():
            id, cuts = self._id(server, tube), self._cuts(server)
            found = self._stored(
                "series = ? AND tier = ? AND ended >= ? AND began <= ?",
                id,
                tier,
                first,
                last,
                cuts=cuts,
                first=first,
                last=last,
            ).get(id, [])
            return found if tier else found + self._newest(id, cuts, first, last)

    def all_rows(self, server: int, tier: int, first: int, last: int) -> dict[str, list[Row]]:
        """Return the rows of all tubes that have some; see `rows`."""
        with self._reading():
            cuts = self._cuts(server)
            names = dict(self._rows("SELECT id, tube FROM series WHERE server = ? AND tube IS NOT NULL", server))
            found = self._stored(
                "tier = ? AND ended BETWEEN ? AND ? AND began <= ?",
                tier,
                first,
                last + LONGEST[tier],
                last,
                cuts=cuts,
                first=first,
                last=last,
                only=names.keys(),
            )
            if tier == 0:
                recent = {id for part in self._tail if part.width == TUBE_WIDTH for id in part.series}
                for id in names.keys() & recent:
                    found.setdefault(id, []).extend(self._newest(id, cuts, first, last))
        return {names[id]: rows for id, rows in found.items() if rows}

    def cells(self, server: int, tube: str | None, since: float, until: float, step: float = 0.0) -> list[Cell]:
        """Return what is known of a tube, None for the server, as `History.cells` does, in seconds since 1970."""
        first, last = int(since * 1000), int(until * 1000)
        base = max(tier for tier, each in enumerate(STEPS) if each <= step)
        found: list[Cell] = []
        with self._reading():
            id, cuts = self._id(server, tube), self._cuts(server)
            rows = self._newest(id, cuts, first, last)
            for tier in range(base, len(STEPS) + 1):
                end = found[0].at - found[0].seconds if found else inf
                if end <= since:
                    break
                older = [
                    cell_of(row[:WIDTH])
                    for row in rows
                    if row[AT] > first
                    and row[AT] - row[KNOWN] < end * 1000
                    and (row[AT] - row[KNOWN] < last or not row[KNOWN])
                ]
                found = [until_then(cell, end) for cell in older] + found
                if tier < len(STEPS):
                    where = "series = ? AND tier = ? AND ended >= ? AND began <= ?"
                    stored = self._stored(where, id, tier, first, last, cuts=cuts, first=first, last=last)
                    rows = stored.get(id, [])
        return found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read one state of the file, also while it is written."""
        with self._lock, explained(self.path, "read"):
            outer = self._database.in_transaction
            if not outer:
                self._database.execute("BEGIN")
            try:
                self._read_tail()
                yield
            finally:
                if not outer:
                    self._database.execute("COMMIT")

    def _read_tail(self) -> None:
        ((oldest, newest),) = self._rows("SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM tail")
        known_oldest, known_newest = self._parts
        if (oldest, newest) == self._parts:
            return
        if oldest != known_oldest:
            self._tail, known_newest = [], 0
        self._tail += tail_parts(self._database, known_newest)
        self._parts = oldest, newest

    def _id(self, server: int, tube: str | None) -> int:
        found = self._rows("SELECT id FROM series WHERE server = ? AND tube IS ?", server, tube)
        return int(found[0][0]) if found else 0

    def _cuts(self, server: int) -> dict[int, float]:
        """Return until when each era of a server counts: what the clock shows twice belongs to the newer one."""
        cuts: dict[int, float] = {}
        end = inf
        for era, began in self._rows(
            "SELECT era, min(began) FROM stretches WHERE server = ? GROUP BY era ORDER BY era DESC", server
        ):
            cuts[era] = end
            end = min(end, began - 1)
        return cuts

    def _stored(
        self,
        where: str,
        *values: int,
        cuts: Mapping[int, float],
        first: int,
        last: int,
        only: Collection[int] | None = None,
    ) -> dict[int, list[Row]]:
        chunks = self._rows(f"SELECT id, series, era FROM chunks WHERE {where} ORDER BY id", *values)
        found: dict[int, list[Row]] = {}
        for id, series, era in chunks:
            if only is None or series in only:
                known = self._chunk(id)
                places = _places(known[AT], known[KNOWN], first, last, cuts.get(era, inf))
                found.setdefault(series, []).extend(zip(*(column[places] for column in known), strict=True))
        return found

    def _newest(self, series: int, cuts: Mapping[int, float], first: int, last: int) -> list[Row]:
        eras: dict[int, list[Row]] = {}
        for part in self._tail:
            if part.began <= last:
                rows = eras.setdefault(part.era, [])
                for row in part.rows(series, first):
                    append(rows, row)
        found: list[Row] = []
        for era, rows in eras.items():
            ends, known = [row[AT] for row in rows], [row[KNOWN] for row in rows]
            found += rows[_places(ends, known, first, last, cuts.get(era, inf))]
        return found

    def _chunk(self, id: int) -> list[array[int]]:
        known = self._chunks.get(id)
        if known is None:
            ((data, tube),) = self._rows(
                "SELECT rows, tube FROM chunks JOIN series ON series.id = chunks.series WHERE chunks.id = ?", id
            )
            known = self._chunks[id] = columns(data, SERVER_WIDTH if tube is None else TUBE_WIDTH)
            self._numbers += len(known) * len(known[0])
            while self._numbers > _MOST_NUMBERS and len(self._chunks) > 1:
                _, oldest = self._chunks.popitem(last=False)
                self._numbers -= len(oldest) * len(oldest[0])
        self._chunks.move_to_end(id)
        return known


def _places(ends: Sequence[int], known: Sequence[int], first: int, last: int, cut: float) -> slice:
    """Return the places of rows that end from `first` on, not after `cut`, and begin until `last`."""
    stop = bisect_right(ends, last)
    if stop < len(ends) and ends[stop] - known[stop] <= last:
        stop += 1
    return slice(bisect_left(ends, first), min(stop, bisect_right(ends, cut)))
