"""What one look saw, as rows of whole numbers: of a tube, and of the server; and the statistics that a row holds.

The first numbers of a row are those of a history's cell. The others are the statistics at its end: where rows are
summed up, the last ones stay. Fields that beanops does not know are not recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from beanops.monitor.history import WIDTH
from beanops.monitor.packing import Row
from beanops.monitor.rates import Point
from beanops.monitor.survey import Seen, Survey
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.states import STATES

#: Places of numbers in every row: milliseconds of the clock at its end, those that it knows, jobs put and deleted.
AT, KNOWN, PUTS, DELETES = range(4)
_COUNTS = tuple(f"current_jobs_{state}" for state in STATES)
_MEANS = tuple(range(5, WIDTH, 3))
#: Places of all that a look saw.
_STATE = slice(DELETES + 1, None)
#: Statistics that are texts are kept once for each server process.
_TEXTS = ("version", "id", "hostname", "os", "platform")
_SECONDS = ("rusage_utime", "rusage_stime")
_TUBE = tuple(name for name in TubeStats._fields if name not in ("name", "extra", *_COUNTS))
_SERVER = tuple(name for name in ServerStats._fields if name not in ("extra", *_TEXTS, *_COUNTS))
_TUBE_JOBS, _TUBE_DELETES = (WIDTH + _TUBE.index(name) for name in ("total_jobs", "cmd_delete"))
_SERVER_JOBS, _SERVER_DELETES = (WIDTH + _SERVER.index(name) for name in ("total_jobs", "cmd_delete"))
#: Numbers of a row of a tube, which ends with the age of its next ready job and of its oldest buried one and with its
#: overdue jobs, and of a server, with the microseconds until it answered and whether the look asked for all tubes.
TUBE_WIDTH, SERVER_WIDTH = WIDTH + len(_TUBE) + 3, WIDTH + len(_SERVER) + 2
#: A number that a server sent is kept within these bounds, so that differences fit into 64 bits.
_MOST = 2**62
_NONE = -1
#: Statistics that some servers do not have.
_ABSENT = {"cmd_delete", "cmd_pause_tube", "binlog_records_migrated", "binlog_records_written"}


class Counters(NamedTuple):
    """Counters of jobs at the last look, to tell how many came and went since."""

    at: int
    puts: int
    deletes: int

    @classmethod
    def of(cls, at: int, stats: TubeStats | ServerStats) -> Counters:
        """Return the counters of statistics that were read at a moment."""
        return cls(at, stats.total_jobs, stats.cmd_delete or 0)


def tube_row(seen: Seen, at: int, before: Counters | None) -> Row:
    """Return the row of a tube.

    Parameters
    ----------
    seen : Seen
        What the look saw of it.
    at : int
        Milliseconds of the clock.
    before : Counters or None
        Its counters at the last look; None where nothing is known of the time since.
    """
    values = seen.stats._asdict()
    rest = [_kept(values[name]) for name in _TUBE]
    ages = (_NONE if age is None else min(age, _MOST) for age in (seen.age, seen.buried_age))
    return (*_begun(values, at, before), *rest, *ages, seen.overdue)


def server_row(survey: Survey, at: int, before: Counters | None) -> Row:
    """Return the row of a server; see `tube_row`."""
    values = survey.server._asdict()
    draining = values["draining"]
    values["draining"] = _NONE if draining is None else int(draining)
    for name in _SECONDS:
        values[name] = round(values[name] * 1e6)
    rest = [_kept(values[name]) for name in _SERVER]
    return (*_begun(values, at, before), *rest, round(survey.answered * 1e6), int(survey.full))


def _kept(value: int | None) -> int:
    return _NONE if value is None else min(value, _MOST)


def _absent(values: dict[str, Any]) -> dict[str, Any]:
    """Return the statistics that were not there, as None."""
    return {name: None for name in _ABSENT if values.get(name) == _NONE}


def _begun(values: dict[str, Any], at: int, before: Counters | None) -> list[int]:
    known = puts = deletes = 0
    if before is not None:
        puts, deletes = values["total_jobs"] - before.puts, (values["cmd_delete"] or 0) - before.deletes
        # Counters that went back are those of another tube of that name.
        known, puts, deletes = (at - before.at, puts, deletes) if puts >= 0 and deletes >= 0 else (0, 0, 0)
    counts = (min(values[name], _MOST) for name in _COUNTS)
    return [at, known, min(puts, _MOST), min(deletes, _MOST), *(count for one in counts for count in (one, one, one))]


def is_at_rest(before: Row, last: Row, new: Row) -> bool:
    """Whether nothing changed from row to row, so that the new one can take the place of the last.

    The row before keeps when the rest began.
    """
    return (
        is_same(last, new)
        and is_same(last, before)
        and new[KNOWN] > 0
        and last[KNOWN] > 0
        and new[AT] - new[KNOWN] == last[AT]
        and last[AT] - last[KNOWN] == before[AT]
    )


def is_same(one: Row, two: Row) -> bool:
    """Whether both looks saw the same."""
    return one[_STATE] == two[_STATE]


def rested(last: Row, new: Row) -> Row:
    """Return the row that takes the place of both."""
    return (new[AT], last[KNOWN] + new[KNOWN], *new[PUTS:])


def summed(rows: Iterable[Row], step: int) -> list[Row]:
    """Return rows summed up by spans of the clock of so many milliseconds.

    A gap is never summed up, nor a rest that is longer than a span, or what came after it would be spread over it.
    """
    parts: list[list[Row]] = []
    for row in rows:
        part = parts[-1] if parts else None
        if (
            part is not None
            and follows(part[-1], row)
            and (row[AT] - 1) // step == (part[-1][AT] - 1) // step
            and row[AT] - part[0][AT] + part[0][KNOWN] <= step + row[KNOWN]
        ):
            part.append(row)
        else:
            parts.append([row])
    return [_sum(part) if len(part) > 1 else part[0] for part in parts]


def _sum(rows: Sequence[Row]) -> Row:
    """Return the row of several that follow each other. At once, or each step would round the mean."""
    known = sum(row[KNOWN] for row in rows)
    values = [rows[-1][AT], known, sum(row[PUTS] for row in rows), sum(row[DELETES] for row in rows)]
    for mean in _MEANS:
        weighed = sum(row[mean] * row[KNOWN] for row in rows)
        low, high = min(row[mean - 1] for row in rows), max(row[mean + 1] for row in rows)
        values += (low, max(low, min(high, round(weighed / known))), high)
    return (*values, *rows[-1][WIDTH:])


def follows(one: Sequence[int], two: Sequence[int]) -> bool:
    """Whether the time between two rows is known."""
    return two[KNOWN] > 0 and two[AT] - two[KNOWN] <= one[AT]


def tube_stats_of(name: str, row: Sequence[int]) -> TubeStats:
    """Return the statistics of a tube at the end of a row."""
    values: dict[str, Any] = dict(zip(_COUNTS, (row[place] for place in _MEANS), strict=True))
    values |= dict(zip(_TUBE, row[WIDTH:-3], strict=True))
    return TubeStats(name=name, **values | _absent(values))


def ages_of(row: Sequence[int]) -> tuple[int | None, int | None]:
    """Return the ages of the next ready job and of the oldest buried job of a tube."""
    ready, buried = row[-3:-1]
    return None if ready == _NONE else ready, None if buried == _NONE else buried


def overdue_of(row: Sequence[int]) -> int:
    """Return how many jobs of a tube were reserved for longer than their TTR."""
    return row[-1]


def server_stats_of(texts: str, row: Sequence[int]) -> ServerStats:
    """Return the statistics of a server at the end of a row."""
    values: dict[str, Any] = dict(zip(_COUNTS, (row[place] for place in _MEANS), strict=True))
    values |= dict(zip(_SERVER, row[WIDTH:-2], strict=True))
    values["draining"] = None if values["draining"] == _NONE else bool(values["draining"])
    for name in _SECONDS:
        values[name] /= 1e6
    return ServerStats(**values | _absent(values), **json.loads(texts))


def texts_of(stats: ServerStats) -> str:
    """Return the statistics that are texts, as JSON."""
    return json.dumps({name: getattr(stats, name) for name in _TEXTS})


def point_of(row: Sequence[int], server: bool = False) -> Point:
    """Return the counts at the end of a row, in seconds of the clock."""
    puts, deletes = (_SERVER_JOBS, _SERVER_DELETES) if server else (_TUBE_JOBS, _TUBE_DELETES)
    ready, reserved, delayed, buried = (row[place] for place in _MEANS)
    return Point(row[AT] / 1000, ready, reserved, delayed, buried, row[puts], row[deletes])
