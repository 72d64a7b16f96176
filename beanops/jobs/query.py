"""A SQL query on scanned jobs: batches go into a table in DuckDB's memory, then the query runs on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from beanops.jobs.read import FoundJob
from beanops.jobs.where import BODY_COLUMNS, TABLE, PredicateError, columns_in, connect, explain, register

if TYPE_CHECKING:
    import duckdb
    import pandas


class Query:
    """A query on the table ``jobs``; `add` jobs to it, then `run` it.

    Parameters
    ----------
    sql : str
        One SELECT; only the columns that it reads are kept.
    redact : sequence of str
        Patterns of keys whose values it must not see.

    Attributes
    ----------
    needs_bodies : bool
        Whether it reads columns that need the jobs' bodies.

    Raises
    ------
    PredicateError
        DuckDB does not accept the query, or it is something else.
    """

    def __init__(self, sql: str, redact: Sequence[str] = ()) -> None:
        import duckdb

        self._redact = redact
        self._sql = sql
        self._names = list(TABLE)
        self._connection = connect()
        self._create()
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise explain(error, "the query", sql) from None
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise PredicateError("the query", "it is not one SELECT", None)
        self._execute(sql)
        self._names = self._columns()
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(self._names)
        self._create()

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs to the table."""
        self._execute(f"insert into jobs {register(self._connection, 'batch', jobs, self._names, self._redact)}")

    def run(self) -> pandas.DataFrame:
        """Run the query on the jobs so far."""
        return self._execute(self._sql).df()

    def rows(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run it without pandas: return the names of the columns, and rows with DuckDB's exact values."""
        # A table takes the query as it is, with a semicolon and comments, and gives each column a name of its own.
        head = "create or replace temp table answer as\n"
        self._execute(head + self._sql, len(head))
        columns = self._execute("describe answer").fetchall()
        # A time with its zone would need one more library to be read; as text it needs none.
        chosen = (f"#{n}::varchar" if "TIME ZONE" in kind else f"#{n}" for n, (_, kind, *_) in enumerate(columns, 1))
        rows = self._execute(f"select {', '.join(chosen)} from answer").fetchall()
        return [name for name, *_ in columns], rows

    def _create(self) -> None:
        source = register(self._connection, "batch", [], self._names)
        self._connection.execute(f"create or replace table jobs as {source}")

    def _columns(self) -> list[str]:
        """Return the columns that the planner reads of the whole table, and those in the text: filters hide some."""
        ((_, plan),) = self._execute(f"explain (format json) {self._sql}").fetchall()
        scans = list(_scans(json.loads(plan)))
        if not scans:  # it is about the table itself, such as 'describe jobs'
            return list(TABLE)
        read = {*columns_in(self._sql)}
        for projections in scans:
            read |= {projections} if isinstance(projections, str) else {*projections}
        return [name for name in TABLE if name in read]

    def _execute(self, sql: str, before: int = 0) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            return self._connection.execute(sql)
        except duckdb.Error as error:
            raise explain(error, "the query", self._sql, before) from None


def _scans(nodes: list[dict[str, Any]]) -> Iterator[str | list[str]]:
    """Yield the columns that each scan of the table reads."""
    for node in nodes:
        if "Table" in node["extra_info"]:
            yield node["extra_info"].get("Projections", list(TABLE))
        yield from _scans(node["children"])
