"""The table ``jobs`` of predicates and queries: its columns, and how found jobs become them.

``body`` is text and ``data`` the decoded body as JSON. ``age``, ``delay``, ``ttr`` and ``time_left`` are intervals,
``created`` is a time. ``file`` is the number of the binlog file that holds the job, 0 without one; ``instance`` is
the ``id`` of the server process. ``group_name`` and ``cause`` are the group that the body puts the job into, and its
cause in one line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.jobs.read import FoundJob, body_text

#: Columns that are spans of time.
INTERVALS = ("age", "delay", "ttr", "time_left")
_COUNTS = ("reserves", "timeouts", "releases", "buries", "kicks")


class SqlColumn(NamedTuple):
    """How one column is made: its numpy dtype, and its SQL."""

    dtype: str
    sql: str


def _stat(name: str, dtype: str) -> SqlColumn:
    sql = f"to_seconds({name})" if name in INTERVALS else f"{name}::varchar" if dtype == "object" else name
    return SqlColumn(dtype, f"{sql} as {name}")


TABLE = {
    "id": _stat("id", "uint64"),
    "tube": _stat("tube", "object"),
    "state": _stat("state", "object"),
    "priority": _stat("priority", "int64"),
    **{name: _stat(name, "int64") for name in INTERVALS},
    "created": SqlColumn("float64", "to_timestamp(created) as created"),
    **{name: _stat(name, "int64") for name in _COUNTS},
    # Not a number where the server does not say it.
    "file": SqlColumn("float64", "case when isnan(file) then null else file::bigint end as file"),
    "instance": _stat("instance", "object"),
    "size": SqlColumn("int64", "size"),
    "body": SqlColumn("object", "body::varchar as body"),
    "data": SqlColumn("object", "data::json as data"),
    "group_name": _stat("group_name", "object"),
    "cause": _stat("cause", "object"),
}
#: Columns that need the job's body, which costs a command more.
BODY_COLUMNS = frozenset({"size", "body", "data", "group_name", "cause"})
_OF_CAUSES = frozenset({"group_name", "cause"})


def data_of(body: bytes, reader: Reader) -> tuple[str, bool]:
    """Return the decoded body as JSON with secret values hidden, and whether that is all that it says."""
    decoded = reader.decode(body)
    return decoded.json, decoded.whole


def _created(job: FoundJob) -> float:
    """Return when a job was put; that of a job on no server is taken as just seen."""
    return time.time() - job.stats.age if job.created is None else job.created


_VALUES: dict[str, Callable[[FoundJob], Any]] = {
    "created": _created,
    "file": lambda job: math.nan if job.stats.file is None else job.stats.file,
    "instance": attrgetter("instance"),
    "size": attrgetter("size"),
}


def arrays(
    jobs: Sequence[FoundJob], names: Sequence[str], reader: Reader, causes: Causes, data: Sequence[str] = ()
) -> dict[str, Any]:
    """Return jobs as arrays that DuckDB reads as a table; `select` casts them to their types.

    Parameters
    ----------
    jobs : sequence of FoundJob
        A job without a body has an empty one.
    names : sequence of str
        The columns, of `TABLE`.
    reader : Reader
        Says what may be shown of a body.
    causes : Causes
        Says which cause a body has.
    data : sequence of str
        The column ``data``, if it is among them.
    """
    import numpy as np

    found = [causes.of(job.body) for job in jobs] if _OF_CAUSES & set(names) else []
    columns = {"$place": np.arange(len(jobs), dtype="uint32")}
    for name in names:
        values: Sequence[Any]
        if name == "data":
            values = data
        elif name in _OF_CAUSES:
            values = [cause.name if name == "group_name" else cause.text for cause in found]
        elif name == "body":
            bodies: Iterable[bytes] = [job.body or b"" for job in jobs]
            values = list(map(body_text, map(reader.shown, bodies) if reader.patterns else bodies))
        else:
            values = list(map(_VALUES.get(name, attrgetter(f"stats.{name}")), jobs))
        columns[name] = np.array(values, dtype=TABLE[name].dtype)
    return columns


#: The place of a job among those of its arrays, as the first column of a SELECT.
PLACE = '"$place"'


def select(names: Sequence[str], view: str, *first: str, as_text: bool = False) -> str:
    """Return the SELECT that reads the arrays of these columns from a view, ``data`` as text if that will do."""
    columns = ("data::varchar as data" if as_text and name == "data" else TABLE[name].sql for name in names)
    return f"select {', '.join((*first, *columns)) or f'{PLACE} as nothing'} from {view}"
