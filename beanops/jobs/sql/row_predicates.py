"""Predicates on rows of other tables than ``jobs``, such as a table of tubes: many predicates in one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from beanops.jobs.sql.complaints import PredicateError, UserText
from beanops.jobs.sql.engine import Engine
from beanops.jobs.sql.job_expression import tree_of
from beanops.jobs.sql.jobs_table import PLACE
from beanops.jobs.sql.parse_tree import columns_of

#: How numpy holds a column of each type, and how DuckDB then reads it.
_HELD = {
    "text": ("object", "{0}::varchar"),
    "count": ("int64", "{0}"),
    "number": ("float64", "{0}"),
    "flag": ("bool", "{0}"),
    "span": ("float64", "to_seconds({0})"),
}


class PredicateTable(NamedTuple):
    """A table for predicates.

    Attributes
    ----------
    name : str
        What SQL calls it.
    columns : dict of str to str
        The type of each column by its name: ``text``, ``count``, ``number``, ``flag``, or ``span``, which is seconds in
        a row and an interval in SQL.
    """

    name: str
    columns: Mapping[str, str]

    @property
    def spans(self) -> list[str]:
        """Columns that are spans of time."""
        return [name for name, kind in self.columns.items() if kind == "span"]


class RowBatch:
    """Rows of a table, for many predicates.

    Parameters
    ----------
    table : PredicateTable
        The table.
    rows : sequence of mappings
        A value, or None, for each column.
    """

    def __init__(self, table: PredicateTable, rows: Sequence[Mapping[str, Any]]) -> None:
        self.table = table
        self._rows = rows

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """The rows as arrays that DuckDB reads as a table, with nulls where a row has None."""
        return _arrays(self.table, self._rows)


class RowPredicates:
    """Predicates on rows, which share one engine.

    Parameters
    ----------
    timeout : float
        Seconds that one may take for all rows.

    Examples
    --------
    >>> tubes = PredicateTable("tubes", {"tube": "text", "ready": "count", "age": "span"})
    >>> rows = [{"tube": "mail", "ready": 7, "age": 90.0}, {"tube": "sms", "ready": 9, "age": None}]
    >>> RowPredicates().judge("age > interval 1 minute", RowBatch(tubes, rows))
    {0: True, 1: None}
    """

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._engine: Engine | None = None

    def check(self, table: PredicateTable, predicate: str) -> frozenset[str]:
        """Return the columns that a predicate reads.

        Raises
        ------
        PredicateError
            It is no predicate on this table.
        """
        asked = self._asked(table, predicate)
        read = frozenset(columns_of(tree_of(self._ready(), asked), columns=table.columns))
        self._check_type(table, asked)
        return read

    def _check_type(self, table: PredicateTable, asked: UserText) -> None:
        head = "describe select (\n"
        ((_, kind, *_),) = self._ready().run(
            f"{head}{asked.sql}\n) {_source(table)}", len(head), batch=_arrays(table, []), asked=asked
        )
        if kind not in ("BOOLEAN", '"NULL"'):
            raise PredicateError(asked.what, f"it is {kind}, neither true nor false; write a comparison")

    def judge(self, predicate: str, batch: RowBatch) -> dict[int, bool | None]:
        """Return the places of rows for which a predicate is true, or null, such as for an unknown value.

        Raises
        ------
        PredicateError
            It failed on a row, or took too long.
        """
        asked = self._asked(batch.table, predicate)
        # The predicate has a line of its own, so that a comment at its end does not swallow the rest.
        head = "select place, verdict from (select (\n"
        source = f"\n) as verdict, {PLACE} as place {_source(batch.table)})"
        statement = f"{head}{predicate}{source} where verdict is distinct from false order by place"
        found = self._ready().run(statement, len(head), batch=batch.arrays, asked=asked)
        return dict(found)

    def _ready(self) -> Engine:
        if self._engine is None or self._engine.abandoned:
            self._engine = Engine("the predicate", "", self._timeout)
        return self._engine

    def _asked(self, table: PredicateTable, predicate: str) -> UserText:
        return UserText("the predicate", predicate, tuple(table.columns), table.spans, "simplify it")


def _source(table: PredicateTable) -> str:
    # In quotes, for a name such as ``using`` is a word of SQL.
    columns = ", ".join(f"{_HELD[kind][1]} as {{0}}".format(f'"{name}"') for name, kind in table.columns.items())
    return f"from (select {PLACE}, {columns} from batch) as {table.name}"


def _arrays(table: PredicateTable, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as arrays that DuckDB reads as a table, with nulls where a row has None."""
    import numpy as np

    arrays: dict[str, Any] = {PLACE.strip('"'): np.arange(len(rows), dtype="uint32")}
    for name, kind in table.columns.items():
        values = [row[name] for row in rows]
        dtype = _HELD[kind][0]
        if dtype == "object":
            arrays[name] = np.array(values, dtype=object)
        else:
            known = [0 if value is None else value for value in values]
            arrays[name] = np.ma.masked_array(np.array(known, dtype=dtype), [value is None for value in values])
    return arrays


__all__ = ["PredicateError", "PredicateTable", "RowBatch", "RowPredicates"]
