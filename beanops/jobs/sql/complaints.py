"""What DuckDB says against a predicate or a query, as one line in the user's terms, with a hint where one helps."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from beanops.jobs.sql.jobs_table import INTERVALS, TABLE
from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean

TOO_BIG = "it needs more memory than it may have; ask for fewer jobs, columns or rows"


class UserText(NamedTuple):
    """A predicate or query as its user wrote it, and what it may name.

    Attributes
    ----------
    what : str
        What to call it in complaints, such as ``"the predicate"``.
    sql : str
        The text.
    columns : collection of str
        Columns that it may name.
    spans : sequence of str
        Those that are spans of time.
    too_slow : str
        What to do where it takes too long.
    tables : sequence of str
        Tables that it may name.
    """

    what: str
    sql: str
    columns: Collection[str] = tuple(TABLE)
    spans: Sequence[str] = INTERVALS
    too_slow: str = "simplify it, or allow more with --query-timeout"
    tables: Sequence[str] = ("jobs",)


class PredicateError(UsageError):
    """A predicate or query that DuckDB does not accept, or that failed on a job.

    Attributes
    ----------
    position : int or None
        Where in the text, counted from 1.
    """

    def __init__(self, what: str, message: str, position: int | None = None) -> None:
        at = "" if position is None else f" at character {position}"
        super().__init__(f"{what}{at}: {message}")
        self.position = position


def explain(error: Exception, asked: UserText, before: int = 0) -> PredicateError:
    """Return DuckDB's complaint as one line with the position in the user's own text.

    Parameters
    ----------
    error : duckdb.Error
        What it raised.
    asked : UserText
        The user's text.
    before : int
        Number of characters before it in the statement that DuckDB parsed.
    """
    text = str(error)
    try:
        said = json.loads(text[text.index("{") :])
    except ValueError:
        return PredicateError(asked.what, " ".join(text.split()))
    position = None
    if str(said.get("position", "")).isdigit():
        position = max(1, min(int(said["position"]) - before + 1, len(asked.sql) + 1))
    message = " ".join(str(said.get("exception_message", text)).split())
    return PredicateError(asked.what, _plain(said, message, asked, position), position)


_NO_TABLE = re.compile(r"Table with name (\S+) does not exist!")
_NUMBER = r"(?:\w*INT\w*(?:_LITERAL)?|DECIMAL\S*|DOUBLE|FLOAT)"
#: What DuckDB says, what to do about it, and the column without which that is no help.
_HINTS = tuple(
    (re.compile(said), hint, column)
    for said, hint, column in (
        (
            rf"\bINTERVAL\b.*\b{_NUMBER}|{_NUMBER}\b.*\bINTERVAL\b",
            "SPANS: write interval 60 seconds, or epoch(SPAN) for a number of seconds",
            "",
        ),
        (
            rf"\bTIMESTAMP\b.*\b{_NUMBER}|{_NUMBER}\b.*\bTIMESTAMP\b",
            "created is a time: write created < now() - interval 1 hour, or epoch(created) for a number of seconds",
            "created",
        ),
        (
            r"json_extract\(\w+, BOOLEAN\)|^Failed to cast value to numerical|^Malformed JSON",
            "-> returns JSON: compare text with data->>'$.key' = 'text', a number with (data->>'$.key')::int = 3",
            "data",
        ),
        (
            rf"\bVARCHAR and type {_NUMBER}|{_NUMBER} and type VARCHAR|\bVARCHAR and {_NUMBER}|{_NUMBER} and VARCHAR",
            "->> returns text: write a text in single quotes, or cast, (data->>'$.key')::int > 3",
            "data",
        ),
        (
            r"^Could not convert string '[$/]",
            "a cast binds first: write (data->>'$.key')::int",
            "data",
        ),
        (
            r"syntax error at or near \"(?:s|m|h|d|w|sec|min|hours?|days?|minutes?|seconds?|weeks?)\"",
            "SPANS: write interval 1 hour",
            "",
        ),
        (r"^Could not convert string", "try_cast(... as int) is null where a text is none", ""),
    )
)


def _plain(said: dict[str, object], message: str, asked: UserText, position: int | None) -> str:
    if said.get("exception_type") == "Out of Memory":
        return TOO_BIG
    if said.get("error_subtype") == "COLUMN_NOT_FOUND":
        name = str(said.get("name"))
        # In SQL double quotes make a name of a word.
        if position is not None and asked.sql[position - 1] == '"':
            return f"there is no column {name!r}; quote a text with single quotes: '{name}'"
        columns = f"columns are {', '.join(asked.columns)}; quote a text with single quotes"
        return f"there is no column {name!r}; {columns}{did_you_mean(name, asked.columns)}"
    if unknown := _NO_TABLE.match(message):
        near = did_you_mean(unknown[1], asked.tables)
        return f"there is no table {unknown[1]!r}; tables are {', '.join(asked.tables)}{near}"
    # What DuckDB lists besides, such as all functions of that name, says less than the hint.
    head = message.partition(" You might need")[0].partition(" - an explicit cast")[0]
    fitting = (hint for pattern, hint, column in _HINTS if pattern.search(head) and {column} <= {"", *asked.columns})
    hint = next(fitting, None)
    if hint is None:
        return message
    *first, last = asked.spans
    spans = f"{', '.join(first)} and {last} are spans of time" if first else f"{last} is a span of time"
    return f"{head} ({hint.replace('SPANS', spans).replace('SPAN', first[0] if first else last)})"
