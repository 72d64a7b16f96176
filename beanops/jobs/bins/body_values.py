"""`BodyValues`: the values at some paths of many bodies, written as ``data->>'$.path'`` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader
from beanops.jobs.bodies.paths import Steps, spell_path
from beanops.jobs.facets.decoding import QuickReader
from beanops.jobs.facets.spelling import float_text
from beanops.jobs.sql.literals import literal
from beanops.text import safe_text

#: Characters of a cell.
_CELL = 200
_WORDS = {True: "true", False: "false"}


class Composite(NamedTuple):
    """An object or a list, which is no value of its own."""


class UndecodedBody(NamedTuple):
    """The place of a value in a body that was not decoded."""


COMPOSITE, UNKNOWN = Composite(), UndecodedBody()


class BodyValues:
    """Reads the values at some paths.

    Parameters
    ----------
    reader : Reader
        Says what may be shown of a body.
    paths : sequence of tuple
        Keys, and numbers of items in lists, from the outside in.

    Examples
    --------
    >>> values = BodyValues(Reader(), [("user", "id"), ("paid",)])
    >>> values.of([b'{"user": {"id": 7}, "paid": true}', b'{"user": {}}'])
    [[7, None], [True, None]]
    """

    def __init__(self, reader: Reader, paths: Sequence[Steps]) -> None:
        self._reader = QuickReader(reader)
        self._paths = [tuple(path) for path in paths]

    def of(self, bodies: Sequence[bytes | None]) -> list[list[Any]]:
        """Return for each path the value in each body: None without one, `UNKNOWN` where the body was not decoded."""
        quick, rows = self._reader.read(bodies), []
        for body, data in zip(bodies, quick, strict=True):
            if body is None:
                rows.append(UNKNOWN)
                continue
            found = self._reader.exact(body) if data is None else self._reader.certain(data, body)
            rows.append(UNKNOWN if found.undecoded else found.data)
        return [[_at(row, path) for row in rows] for path in self._paths]


def _at(data: Any, path: Steps) -> Any:
    if data is UNKNOWN:
        return UNKNOWN
    for step in path:
        if type(data) is dict and type(step) is str:
            data = data.get(step)
        elif type(data) is list and type(step) is int and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return COMPOSITE if isinstance(data, dict | list) else data


def written(value: Any) -> str:
    """Return a value as SQL has it as text.

    Examples
    --------
    >>> written(True), written(7), written(0.5), written("seven")
    ('true', '7', '0.5', 'seven')
    """
    if type(value) is str:
        return value
    return _WORDS[value] if type(value) is bool else float_text(value) if type(value) is float else str(value)


def cell_text(value: Any) -> str:
    """Return a value as the cell of a table, in one safe line."""
    if value is COMPOSITE:
        return "…"
    return "" if value is None or value is UNKNOWN else safe_text(written(value), limit=_CELL)


def expression(path: Steps) -> str:
    """Return the SQL expression for the text at a path.

    Examples
    --------
    >>> expression(("user", "first name")), expression(("a", ""))
    ('data->>\\'$.user."first name"\\'', "data->>'/a/'")
    """
    if any(step in ("", "*") for step in path):
        return f"data->>{literal(''.join('/' + str(step).replace('~', '~0').replace('/', '~1') for step in path))}"
    return f"data->>{literal(spell_path(path))}"
