"""The predicate of a selection: SQL that DuckDB evaluates on batches of jobs, shut off from files and network.

Columns are those of `TABLE`, of which ``body`` is text and ``data`` the decoded body as JSON. ``age``, ``delay``,
``ttr`` and ``time_left`` are intervals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError

if TYPE_CHECKING:
    import duckdb

_INTERVALS = ("age", "delay", "ttr", "time_left")


class PredicateError(UsageError):
    """A predicate or query that DuckDB does not accept, or that failed on a job.

    Attributes
    ----------
    position : int or None
        Where in the text, counted from 1.
    """

    def __init__(self, what: str, message: str, position: int | None) -> None:
        at = "" if position is None else f" at character {position}"
        super().__init__(f"{what}{at}: {message}")
        self.position = position


class Column(NamedTuple):
    """How one column is made: its numpy dtype, its SQL, and for those of the body its value."""

    dtype: str
    sql: str
    value: Callable[[bytes], Any] | None = None


def _stat(name: str, dtype: str) -> Column:
    sql = f"to_seconds({name})" if name in _INTERVALS else f"{name}::varchar" if dtype == "object" else name
    return Column(dtype, f"{sql} as {name}")


def body_text(body: bytes) -> str:
    """Return a body as text: UTF-8, with what is not made visible as ``\\xNN``."""
    return body.decode("utf-8", "backslashreplace")


def _data(body: bytes) -> str:
    from beanops.jobs.bodies import decode

    return decode(body).json


TABLE = {
    "id": _stat("id", "uint64"),
    "tube": _stat("tube", "object"),
    "state": _stat("state", "object"),
    "priority": _stat("priority", "uint32"),
    **{name: _stat(name, "int64") for name in _INTERVALS},
    **{name: _stat(name, "uint32") for name in ("reserves", "timeouts", "releases", "buries", "kicks")},
    "size": Column("uint32", "size", len),
    "body": Column("object", "body::varchar as body", body_text),
    "data": Column("object", "data::json as data", _data),
}
#: Columns that need the job's body, which costs a command more.
BODY_COLUMNS = frozenset({"size", "body", "data"})


def redacted(bodies: Iterable[bytes], patterns: Sequence[str]) -> list[bytes]:
    """Return bodies with secret values hidden."""
    from beanops.jobs.bodies import redact_body

    return [redact_body(body, patterns) for body in bodies]


def columns_in(sql: str) -> list[str]:
    """Return the columns that a text of SQL may mention; too many cost time, never the result."""
    words = set(re.findall(r"[a-z_]+", sql.lower()))
    return [name for name in TABLE if name in words]


def connect() -> duckdb.DuckDBPyConnection:
    """Open a DuckDB in memory that reaches no file, no network and no extension."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": "1",
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("set errors_as_json = true")
    connection.execute("set lock_configuration = true")
    return connection


def register(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    jobs: Sequence[FoundJob],
    names: Sequence[str],
    redact: Sequence[str] = (),
) -> str:
    """Give jobs to DuckDB as `view` and return the SELECT that reads them with their proper types."""
    import numpy as np

    values = dict(zip(JobStats._fields, zip(*(job.stats for job in jobs), strict=True), strict=True)) if jobs else {}
    bodies: list[bytes] = []
    if not BODY_COLUMNS.isdisjoint(names):
        bodies = [job.body or b"" for job in jobs]
    shown = redacted(bodies, redact) if redact else bodies
    columns = {}
    for name in names:
        dtype, _, value = TABLE[name]
        # The size is that of the body itself, whatever is hidden.
        made = values.get(name, ()) if value is None else list(map(value, bodies if name == "size" else shown))
        columns[name] = np.array(made, dtype=dtype)
    connection.register(view, columns or {"nothing": np.zeros(len(jobs), dtype="uint8")})
    chosen = ", ".join(TABLE[name].sql for name in names) or "nothing"
    return f"select {chosen} from {view}"


class Where:
    """A predicate, checked once and evaluated on batches.

    Parameters
    ----------
    predicate : str
        Such as ``"data->>'$.user' = '42' and age > interval 1 hour"``.
    redact : sequence of str
        Patterns of keys whose values it must not see.

    Raises
    ------
    PredicateError
        It is no predicate on these columns.
    """

    def __init__(self, predicate: str, redact: Sequence[str] = ()) -> None:
        self.predicate = predicate
        self._redact = redact
        self._names = list(TABLE) if "*" in predicate else columns_in(predicate)
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(self._names)
        self._connection = connect()
        self._check_alone()
        self.matching([])

    def _check_alone(self) -> None:
        """See that it is one by itself: ``true) or (true`` is one only within the parentheses of `matching`."""
        import duckdb

        head = "select 1 where\n"
        try:
            statements = self._connection.extract_statements(head + self.predicate)
        except duckdb.Error as error:
            raise explain(error, "the predicate", self.predicate, len(head)) from None
        if len(statements) != 1:
            raise PredicateError("the predicate", "it is more than one statement", None)

    def matching(self, jobs: Sequence[FoundJob]) -> list[FoundJob]:
        """Return the jobs for which the predicate is true, in order."""
        import duckdb

        source = register(self._connection, "batch", jobs, self._names, self._redact)
        # The predicate stands on a line of its own, so that a comment in it ends with it.
        head = f"select place from (select row_number() over () - 1 as place, * from ({source}) as jobs) where (\n"
        query = f"{head}{self.predicate}\n) order by place"
        try:
            rows = self._connection.execute(query).fetchall()
        except duckdb.Error as error:
            raise explain(error, "the predicate", self.predicate, len(head)) from None
        return [jobs[place] for (place,) in rows]


def explain(error: Exception, what: str, sql: str, before: int = 0) -> PredicateError:
    """Return DuckDB's complaint as one line with the position in the user's own text.

    Parameters
    ----------
    error : duckdb.Error
        What it raised.
    what : str
        What to call the user's text.
    sql : str
        The user's text.
    before : int
        How many characters stand before it in what DuckDB saw.
    """
    text = str(error)
    try:
        said = json.loads(text[text.index("{") :])
    except ValueError:
        return PredicateError(what, " ".join(text.split()), None)
    message = " ".join(str(said.get("exception_message", text)).split())
    if said.get("error_subtype") == "COLUMN_NOT_FOUND":
        message = f"there is no column {said.get('name')!r}; columns are {', '.join(TABLE)}"
    elif "Malformed JSON" in message:
        message += " (data is the decoded body, and is JSON whatever the body is)"
    position = None
    if str(said.get("position", "")).isdigit():
        position = max(1, min(int(said["position"]) - before + 1, len(sql) + 1))
    return PredicateError(what, message, position)
