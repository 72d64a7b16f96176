"""A SQL query on scanned jobs: batches go into a table in DuckDB's memory, then the query runs on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from beanops.jobs.read import FoundJob
from beanops.jobs.where import BODY_COLUMNS, columns_in, connect, explain, register

if TYPE_CHECKING:
    import pandas

_COUNT = re.compile(r"count\s*\(\s*\*\s*\)", re.IGNORECASE)


class Query:
    """A query on the table ``jobs``; `add` jobs to it, then `run` it.

    Parameters
    ----------
    sql : str
        The query; only the columns that it mentions are kept.
    redact : sequence of str
        Patterns of keys whose values it must not see.

    Attributes
    ----------
    needs_bodies : bool
        Whether it mentions columns that need the jobs' bodies.

    Raises
    ------
    PredicateError
        DuckDB does not accept the query.
    """

    def __init__(self, sql: str, redact: Sequence[str] = ()) -> None:
        self._redact = redact
        self._sql = sql
        # The star of count(*) asks for no column.
        self._names = columns_in(_COUNT.sub("", sql))
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(self._names)
        self._connection = connect()
        self._connection.execute(f"create table jobs as {register(self._connection, 'batch', [], self._names)}")
        self.run()

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs to the table."""
        source = register(self._connection, "batch", jobs, self._names, self._redact)
        self._connection.execute(f"insert into jobs {source}")

    def run(self) -> pandas.DataFrame:
        """Run the query on the jobs so far."""
        import duckdb

        try:
            return self._connection.execute(self._sql).df()
        except duckdb.Error as error:
            raise explain(error, "the query", self._sql) from None
