"""`RecordingWriter`: append what looks see to a recording, sum it up in tiers, and delete what is older than wanted.

All that is written at once is one transaction, so a recorder that is killed loses the seconds since the last one.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from beanops.client.instances import is_same
from beanops.monitor.history import DAY, MINUTE, Tier
from beanops.monitor.packing import Row, packed, unpacked
from beanops.monitor.survey import Survey
from beanops.recording.clock import SteadyClock
from beanops.recording.looks import (
    AT,
    KNOWN,
    SERVER_WIDTH,
    TUBE_WIDTH,
    Counters,
    is_at_rest,
    rested,
    server_row,
    summed,
    texts_of,
    tube_row,
)
from beanops.recording.problem_log import Change, ProblemLog
from beanops.recording.storage import explained, only_writer, open_to_write
from beanops.recording.tail import tail_parts, tail_rows

#: What is kept how long by default: each look, then minutes, then tens of minutes.
KEEP = (2 * DAY, 30 * DAY, 365 * DAY)
#: Seconds that a row of each tier sums up at most, if it changes; the first has every look.
STEPS = (0.0, MINUTE, 10 * MINUTE)
#: Rows of a chunk, and the milliseconds after which one with fewer rows is written.
CHUNK, HOUR = 240, 3_600_000
#: Series whose newest rows are packed together: a reader who wants one unpacks all of them.
PART = 64
#: Milliseconds that a chunk of each tier lasts at most.
LONGEST = (4 * HOUR, 8 * HOUR, 44 * HOUR)


class _Series:
    """The rows of a tube or of a server that are not in chunks yet."""

    __slots__ = ("before", "before_last", "id", "last", "lasts", "room", "rows", "width", "written")

    def __init__(self, id: int, width: int) -> None:
        self.id = id
        self.width = width
        self.rows = array("q")
        self.before_last: Row = ()
        self.last: Row = ()
        #: Rows from which on they are a chunk; the first ones differ, so that not all are compressed at the same time.
        self.room = CHUNK // 2 + id % (CHUNK // 2)
        #: Rows of those above that a tail has as they are.
        self.written = 0
        #: Its counters at the last look; None where the time since is not known.
        self.before: Counters | None = None
        #: Whether the last look saw it.
        self.lasts = True

    @property
    def length(self) -> int:
        return len(self.rows) // self.width

    @property
    def began(self) -> int:
        return self.rows[AT] - self.rows[KNOWN]

    @property
    def ended(self) -> int:
        return self.last[AT] if self.rows else 0

    def add(self, row: Row) -> None:
        length = self.length
        if length > 1 and is_at_rest(self.before_last, self.last, row):
            self.last = rested(self.last, row)
            self.rows[-self.width :] = array("q", self.last)
            self.written = min(self.written, length - 1)
        else:
            self.before_last, self.last = self.last, row
            self.rows.extend(row)


_id_of = attrgetter("id")


class _RecordedNow:
    """What is known of a server that is recorded."""

    def __init__(self, id: int, problems: ProblemLog) -> None:
        self.id = id
        self.problems = problems
        self.tubes: dict[str, _Series] = {}
        self.own: _Series | None = None
        #: The stretch under way, None in a gap, why there is a gap, the process of the server, and the last look.
        self.stretch: int | None = None
        self.cause = "beanops record was started"
        self.instance = ""
        self.last = 0


class RecordingWriter:
    """Writes one recording; a context manager.

    Parameters
    ----------
    path : Path
        The file; it is made where there is none.
    keep : sequence of float
        Seconds after which the looks, the minutes and the tens of minutes are deleted.
    clock : callable
        Monotonic seconds; those of the surveyors.
    wall : callable
        Seconds since 1970.

    Raises
    ------
    RecordingError
        The file cannot be written, or another recorder writes to it.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep: Sequence[float] = KEEP,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._tiers = [Tier(step, age) for step, age in zip(STEPS, keep, strict=True)]
        self._time = SteadyClock(clock, wall)
        self._was_set = False
        self._now = clock
        self._servers: dict[str, _RecordedNow] = {}
        self._changes: list[Change] = []
        self._ended: dict[int, int] = {}
        self._alone = only_writer(path)
        self._alone.__enter__()
        try:
            self._database = open_to_write(path)
            try:
                with explained(path, "write to"):
                    self._resume()
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._alone.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _resume(self) -> None:
        """Go on after the last recorder, which may have been killed."""

        def newest(table: str, column: str = "id") -> int:
            (found,) = self._database.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").fetchone()
            return int(found)

        self._era = newest("stretches", "era") + 1
        self._ids = {table: count(newest(table) + 1) for table in ("servers", "stretches", "series", "problems")}
        # Nobody knows what became of problems after the last look.
        self._changes.append(
            (
                "UPDATE problems SET ended = max(began, coalesce((SELECT max(ended) FROM stretches"
                " WHERE stretches.server = problems.server), began)) WHERE ended IS NULL",
                (),
            )
        )
        self._write(lambda: self._settle_tail())

    # -- looks -------------------------------------------------------------------------------------------------------

    def add(self, name: str, address: str, survey: Survey, since: float) -> None:
        """Add what a look at a server saw.

        Parameters
        ----------
        name, address : str
            The server, as the configuration has it.
        survey : Survey
            The look, in the seconds of the clock.
        since : float
            Since when there was no gap, as `Past.since`.
        """
        with explained(self.path, "write to"):
            self._add(self._server(name, address), survey, since)

    def _add(self, server: _RecordedNow, survey: Survey, since: float) -> None:
        self._follow_clock()
        at = self._time.milliseconds(survey.at)
        if server.stretch is not None and at <= server.last:
            return
        new = survey.server.process != server.instance
        if server.stretch is None or new or since >= survey.at:
            if server.stretch is not None:
                self._pause(server, self._ended_by(server, survey) if new else "no look for some time")
            self._begin(server, survey, at)
        assert server.stretch is not None
        assert server.own is not None
        self._ended[server.stretch] = server.last = at
        stats = survey.server
        server.own.add(server_row(survey, at, server.own.before))
        server.own.before = Counters.of(at, stats)
        self._tubes(server, survey, at)
        self._changes += server.problems.look(survey, at, self._time.milliseconds)

    @staticmethod
    def _ended_by(server: _RecordedNow, survey: Survey) -> str:
        if is_same(server.instance, survey.server.process):
            return "another process of the cluster answered"
        return "the server was restarted"

    def know(self, name: str, address: str) -> None:
        """Note a server that is recorded; their order in the file is that in which they are first noted."""
        with explained(self.path, "write to"):
            self._server(name, address)

    def _server(self, name: str, address: str) -> _RecordedNow:
        known = self._servers.get(address)
        if known is None:
            found = self._database.execute("SELECT id FROM servers WHERE address = ?", (address,)).fetchone()
            id = found[0] if found else next(self._ids["servers"])
            self._changes.append(
                (
                    "INSERT INTO servers (id, name, address) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                    (id, name, address),
                )
            )
            known = self._servers[address] = _RecordedNow(id, ProblemLog(id, lambda: next(self._ids["problems"])))
        return known

    def _follow_clock(self) -> None:
        # Also one that was noticed before, when nothing could be written.
        self._was_set |= self._time.was_set()
        if not self._was_set:
            return
        self.settle(everything=True)
        self._era += 1
        self._was_set = False
        for server in self._servers.values():
            self._pause(server, "the clock was set")

    def _begin(self, server: _RecordedNow, survey: Survey, at: int) -> None:
        server.stretch, server.instance = next(self._ids["stretches"]), survey.server.process
        if server.own is None:
            server.own = self._series(server, None)
        self._changes.append(
            (
                "INSERT INTO stretches (id, server, era, began, ended, texts, cause) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (server.stretch, server.id, self._era, at, at, texts_of(survey.server), server.cause),
            )
        )

    def _pause(self, server: _RecordedNow, cause: str) -> None:
        if server.stretch is None:
            return
        server.stretch, server.cause = None, cause
        self._changes += server.problems.end(server.last)
        for series in (server.own, *server.tubes.values()):
            if series is not None:
                series.before = None

    def lose(self, name: str, address: str, error: str) -> None:
        """Note that a look at a server failed."""
        with explained(self.path, "write to"):
            server = self._server(name, address)
        if server.stretch is None and server.last:
            return  # why there is a gap is known already
        self._pause(server, error)
        server.cause = error

    def _tubes(self, server: _RecordedNow, survey: Survey, at: int) -> None:
        for name in server.tubes.keys() - survey.tubes.keys():
            server.tubes[name].lasts = False
            server.tubes[name].before = None
        for name, seen in survey.tubes.items():
            series = server.tubes.get(name)
            if series is None:
                series = server.tubes[name] = self._series(server, name)
            seen_at = at if seen.at == survey.at else self._time.milliseconds(seen.at)
            if seen_at <= series.ended:
                continue  # this look did not ask for it
            series.add(tube_row(seen, seen_at, series.before))
            series.lasts = True
            series.before = Counters.of(seen_at, seen.stats)

    def _series(self, server: _RecordedNow, tube: str | None) -> _Series:
        found = self._database.execute(
            "SELECT id FROM series WHERE server = ? AND tube IS ?", (server.id, tube)
        ).fetchone()
        id = found[0] if found else next(self._ids["series"])
        if not found:
            self._changes.append(
                ("INSERT OR IGNORE INTO series (id, server, tube) VALUES (?, ?, ?)", (id, server.id, tube))
            )
        return _Series(id, SERVER_WIDTH if tube is None else TUBE_WIDTH)

    # -- write -------------------------------------------------------------------------------------------------------

    @property
    def _all(self) -> list[_Series]:
        found = []
        for server in self._servers.values():
            found += [server.own] if server.own is not None else []
            found += server.tubes.values()
        return found

    def flush(self) -> None:
        """Write what is not in the file yet.

        Raises
        ------
        RecordingError
            It cannot be written; the next call tries all of it again.
        """
        every = self._all
        self._write(lambda: self._add_tail(every))
        for series in every:
            series.written = series.length

    def settle(self, *, everything: bool = False) -> None:
        """Write what is not in the file yet, in chunks where it is enough for them, and sum it up in tiers."""
        every = self._all
        full: list[_Series] = []
        rest: list[_Series] = []
        for one in every:
            (full if one.length and (everything or self._is_full(one)) else rest).append(one)

        def write() -> None:
            self._database.execute("DELETE FROM tail")
            for series in full:
                self._chunk(series.id, self._era, series.width, series.rows)
            for series in rest:
                series.written = 0
            self._add_tail(rest)

        self._write(write)
        for series in full:
            series.rows, series.written, series.room = array("q"), 0, CHUNK
        for series in rest:
            series.written = series.length
        for server in self._servers.values():
            for name in [name for name, one in server.tubes.items() if not (one.lasts or one.length)]:
                del server.tubes[name]

    def _is_full(self, series: _Series) -> bool:
        return not series.lasts or series.length >= series.room or series.ended - series.began >= HOUR

    def _add_tail(self, every: Iterable[_Series]) -> None:
        for width in (TUBE_WIDTH, SERVER_WIDTH):
            new = sorted((one for one in every if one.width == width and one.written < one.length), key=_id_of)
            for start in range(0, len(new), PART):
                self._add_part(new[start : start + PART], width)

    def _add_part(self, some: Sequence[_Series], width: int) -> None:
        rows, began = array("q"), []
        for series in some:
            for place in range(series.written, series.length):
                rows.append(series.id)
                rows += series.rows[place * width : (place + 1) * width]
            first = series.written * width
            began.append(series.rows[first + AT] - series.rows[first + KNOWN])
        self._database.execute(
            "INSERT INTO tail (era, began, first, last, width, rows) VALUES (?, ?, ?, ?, ?, ?)",
            (self._era, min(began), some[0].id, some[-1].id, width, packed(rows, width + 1)),
        )

    def _settle_tail(self) -> None:
        """Write what an earlier recorder left in the tail in chunks."""
        for (series, era), (width, rows) in tail_rows(tail_parts(self._database)).items():
            self._chunk(series, era, width, array("q", [number for row in rows for number in row]))
        self._database.execute("DELETE FROM tail")

    def _chunk(self, series: int, era: int, width: int, rows: array[int]) -> None:
        every = list(zip(*[iter(rows)] * width, strict=True))
        for start in range(0, len(every), 2 * CHUNK):
            self._insert(series, 0, era, width, every[start : start + 2 * CHUNK])
        for tier in range(1, len(self._tiers)):
            self._sum_up(series, tier, era, width, every)

    def _sum_up(self, series: int, tier: int, era: int, width: int, rows: list[Row]) -> None:
        step = round(self._tiers[tier].step * 1000)
        found = self._database.execute(
            "SELECT id, began, rows FROM chunks WHERE series = ? AND tier = ? AND era = ? ORDER BY id DESC LIMIT 1",
            (series, tier, era),
        ).fetchone()
        earlier: list[Row] = []
        if found is not None:
            id, began, data = found
            earlier = list(unpacked(data, width))
            self._database.execute("DELETE FROM chunks WHERE id = ?", (id,))
            if len(earlier) >= CHUNK or rows[-1][AT] - began > CHUNK * step:
                # The last one may go on.
                self._insert(series, tier, era, width, earlier[:-1])
                earlier = earlier[-1:]
        self._insert(series, tier, era, width, summed([*earlier, *rows], step))

    def _insert(self, series: int, tier: int, era: int, width: int, rows: list[Row]) -> None:
        if not rows:
            return
        numbers = array("q", [number for row in rows for number in row])
        self._database.execute(
            "INSERT INTO chunks (series, tier, era, began, ended, rows) VALUES (?, ?, ?, ?, ?, ?)",
            (series, tier, era, rows[0][AT] - rows[0][KNOWN], rows[-1][AT], packed(numbers, width)),
        )

    def _write(self, write: Callable[[], None]) -> None:
        """Write all changes, and what `write` adds, in one transaction."""
        with explained(self.path, "write to"):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in self._changes:
                    self._database.execute(statement, values)
                self._database.executemany(
                    "UPDATE stretches SET ended = ? WHERE id = ?", [(at, id) for id, at in self._ended.items()]
                )
                write()
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        self._changes, self._ended = [], {}

    # -- old rows ----------------------------------------------------------------------------------------------------

    def prune(self) -> None:
        """Delete what is older than wanted, and give its space back."""
        now = self._time.milliseconds(self._now())
        oldest = [now - round(tier.keep * 1000) for tier in self._tiers]
        last = min(oldest)
        busy = [(one.id,) for one in self._all]

        def write() -> None:
            execute = self._database.execute
            for tier, before in enumerate(oldest):
                execute("DELETE FROM chunks WHERE tier = ? AND ended < ?", (tier, before))
            execute("DELETE FROM stretches WHERE ended < ?", (last,))
            execute("DELETE FROM reasons WHERE problem IN (SELECT id FROM problems WHERE ended < ?)", (last,))
            execute("DELETE FROM problems WHERE ended < ?", (last,))
            # Of the reasons one an hour.
            execute(
                "DELETE FROM reasons WHERE at < ? AND EXISTS (SELECT 1 FROM reasons AS earlier"
                " WHERE earlier.problem = reasons.problem AND earlier.at < reasons.at"
                " AND earlier.at >= reasons.at - reasons.at % 3600000)",
                (oldest[0],),
            )
            execute("CREATE TEMP TABLE IF NOT EXISTS busy (id INTEGER PRIMARY KEY)")
            execute("DELETE FROM busy")
            self._database.executemany("INSERT OR IGNORE INTO busy VALUES (?)", busy)
            execute(
                "DELETE FROM series WHERE id NOT IN (SELECT id FROM busy) AND id NOT IN (SELECT series FROM chunks)"
            )

        self._write(write)
        with explained(self.path, "write to"):
            # Some at a time: the space of what was deleted is used again anyway.
            self._database.executescript("PRAGMA incremental_vacuum(1000)")

    def close(self) -> None:
        """Write everything, and close the file."""
        try:
            for server in self._servers.values():
                self._pause(server, "")
            self.settle(everything=True)
        finally:
            self._database.close()
            self._alone.__exit__(None, None, None)
