"""What DuckDB says against a predicate or a query, as one line in the user's terms, with a hint where one helps."""

from __future__ import annotations

import json
import re

from beanops.jobs.sql.jobs_table import INTERVALS, TABLE
from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean

TOO_BIG = "it needs more memory than it may have; ask for fewer jobs, columns or rows"


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
        Number of characters before it in the statement that DuckDB parsed.
    """
    text = str(error)
    try:
        said = json.loads(text[text.index("{") :])
    except ValueError:
        return PredicateError(what, " ".join(text.split()))
    position = None
    if str(said.get("position", "")).isdigit():
        position = max(1, min(int(said["position"]) - before + 1, len(sql) + 1))
    message = " ".join(str(said.get("exception_message", text)).split())
    return PredicateError(what, _plain(said, message, sql, position), position)


_NUMBER = r"(?:\w*INT\w*(?:_LITERAL)?|DECIMAL\S*|DOUBLE|FLOAT)"
_SPANS = f"{', '.join(INTERVALS[:-1])} and {INTERVALS[-1]} are spans of time"
#: What DuckDB says, and what to do about it.
_HINTS = tuple(
    (re.compile(said), hint)
    for said, hint in (
        (
            rf"\bINTERVAL\b.*\b{_NUMBER}|{_NUMBER}\b.*\bINTERVAL\b",
            f"{_SPANS}: write interval 60 seconds, or epoch(age) for a number of seconds",
        ),
        (
            rf"\bTIMESTAMP\b.*\b{_NUMBER}|{_NUMBER}\b.*\bTIMESTAMP\b",
            "created is a time: write created < now() - interval 1 hour, or epoch(created) for a number of seconds",
        ),
        (
            r"json_extract\(\w+, BOOLEAN\)|^Failed to cast value to numerical|^Malformed JSON",
            "-> gives JSON: compare text with data->>'$.key' = 'text', a number with (data->>'$.key')::int = 3",
        ),
        (
            rf"\bVARCHAR and type {_NUMBER}|{_NUMBER} and type VARCHAR|\bVARCHAR and {_NUMBER}|{_NUMBER} and VARCHAR",
            "->> gives text: write a text in single quotes, or cast, (data->>'$.key')::int > 3",
        ),
        (
            r"^Could not convert string '[$/]",
            "a cast binds first: write (data->>'$.key')::int",
        ),
        (
            r"syntax error at or near \"(?:s|m|h|d|w|sec|min|hours?|days?|minutes?|seconds?|weeks?)\"",
            f"{_SPANS}: write interval 1 hour",
        ),
        (r"^Could not convert string", "try_cast(... as int) is null where a text is none"),
    )
)


def _plain(said: dict[str, object], message: str, sql: str, position: int | None) -> str:
    if said.get("exception_type") == "Out of Memory":
        return TOO_BIG
    if said.get("error_subtype") == "COLUMN_NOT_FOUND":
        name = str(said.get("name"))
        # In SQL double quotes make a name of a word.
        if position is not None and sql[position - 1] == '"':
            return f"there is no column {name!r}; quote a text with single quotes: '{name}'"
        columns = f"columns are {', '.join(TABLE)}; quote a text with single quotes"
        return f"there is no column {name!r}; {columns}{did_you_mean(name, TABLE)}"
    # What DuckDB lists besides, such as all functions of that name, says less than the hint.
    head = message.partition(" You might need")[0].partition(" - an explicit cast")[0]
    hint = next((hint for pattern, hint in _HINTS if pattern.search(head)), None)
    return message if hint is None else f"{head} ({hint})"
