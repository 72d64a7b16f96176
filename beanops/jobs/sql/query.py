"""A SQL query on scanned jobs: batches go into a table in DuckDB's memory, then the query runs on it.

A frame can be a table beside it; it is made only for a query that names it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.jobs.sql.engine import MEMORY, Engine
from beanops.jobs.sql.jobs_table import BODY_COLUMNS, TABLE, arrays, data_of, select
from beanops.jobs.sql.parse_tree import columns_of, describes, named_in, parse, tables_of

if TYPE_CHECKING:
    import pandas


class Query:
    """A query on the table ``jobs`` and others; `add` jobs to it, then `run` it.

    Parameters
    ----------
    sql : str
        One SELECT; only the columns that it reads are kept.
    redact : sequence of str
        Patterns of keys whose values it must not see.
    timeout : float or None
        Seconds that it may take; None means any.
    tables : mapping of str to callable
        Other tables by name, and what returns the frame of each.

    Attributes
    ----------
    needs_jobs : bool
        Whether it reads the table ``jobs``, or does not show what it reads.
    needs_bodies : bool
        Whether it reads columns that need the jobs' bodies.
    undecoded : int
        Of how many jobs ``data`` is not, or not for certain, what their bodies say; 0 if the query does not read it.

    Raises
    ------
    PredicateError
        DuckDB does not accept the query, or it is something else.
    """

    def __init__(
        self,
        sql: str,
        redact: Sequence[str] = (),
        timeout: float | None = TIMEOUT,
        tables: Mapping[str, Callable[[], pandas.DataFrame]] | None = None,
    ) -> None:
        import duckdb

        self._reader = Reader(redact)
        self._causes = Causes(self._reader)
        self._sql = sql
        self._names = list(TABLE)
        self._engine = Engine("the query", sql, timeout, _memory())
        self._connection = self._engine.connection
        self.undecoded = 0
        self._create()
        statements = self._engine.call(lambda: self._connection.extract_statements(sql))
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise PredicateError("the query", "it is not one SELECT")
        self.needs_jobs = self._add_tables(statements[0].query, tables or {})
        self._engine.run(sql, then=lambda result: None)
        read = self._columns(statements[0].query)
        self._reads_data = read is not None and "data" in read
        self._names = [name for name in TABLE if read is None or name in read]
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(self._names)
        self._create()

    def _add_tables(self, query: str, tables: Mapping[str, Callable[[], pandas.DataFrame]]) -> bool:
        """Create the other tables that the query names; return whether it needs the jobs too."""
        tree = self._engine.call(lambda: parse(self._connection, query))
        read = set() if tree is None else tables_of(tree)
        named = sorted(read & tables.keys())
        needs_jobs = "jobs" in read or not named
        columns = dict.fromkeys(TABLE if needs_jobs else ())
        for name in named:
            frame = tables[name]()
            columns |= dict.fromkeys(map(str, frame))
            self._engine.run(f"create table {name} as from batch", batch=frame)
        self._engine.text = self._engine.text._replace(columns=tuple(columns), tables=("jobs", *tables))
        return needs_jobs

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs to the table."""
        data = []
        if "data" in self._names:
            known = [data_of(job.body or b"", self._reader) for job in jobs]
            data = [text for text, _ in known]
            self.undecoded += sum(not whole for _, whole in known) if self._reads_data else 0
        batch = arrays(jobs, self._names, self._reader, self._causes, data)
        self._engine.run(f"insert into jobs {select(self._names, 'batch')}", batch=batch)

    def run(self) -> pandas.DataFrame:
        """Run the query on the jobs so far."""
        self._answer()
        from beanops.shown_frame import ShownFrame  # `rows` needs no pandas

        columns = self._engine.run("describe answer")
        # DuckDB's own way for a time with its zone needs one more library, and a call that pandas deprecates.
        zoned = [name for name, kind, *_ in columns if kind == "TIMESTAMP WITH TIME ZONE"]
        instead = ", ".join(f"timezone('UTC', {quoted}) as {quoted}" for quoted in map(_quoted, zoned))
        chosen = f"select * replace ({instead}) from answer" if zoned else "from answer"
        frame = ShownFrame(self._engine.run(chosen, then=lambda result: result.df()))
        for name in zoned:
            frame[name] = frame[name].dt.tz_localize("UTC")
        return frame

    def rows(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run it without pandas: return the names of the columns, and rows with DuckDB's exact values."""
        self._answer()
        columns = self._engine.run("describe answer")
        # A time with its zone would need one more library to be read; as text it needs none.
        chosen = (f"#{n}::varchar" if "TIME ZONE" in kind else f"#{n}" for n, (_, kind, *_) in enumerate(columns, 1))
        rows = self._engine.run(f"select {', '.join(chosen)} from answer")
        return [name for name, *_ in columns], rows

    def _answer(self) -> None:
        # A table takes the query as it is, with a semicolon and comments, gives each column a name of its own, and is
        # within the bounds of memory.
        head = "create or replace temp table answer as\n"
        self._engine.run(head + self._sql, len(head))

    def _create(self) -> None:
        batch = arrays([], self._names, self._reader, self._causes)
        self._engine.run(f"create or replace table jobs as {select(self._names, 'batch')}", batch=batch)

    def _columns(self, query: str) -> set[str] | None:
        """Return the columns that the query reads; None if it is about the table itself, such as ``describe jobs``.

        The planner knows those that are read of the whole table, the text those that a filter hides from the planner.
        """
        tree = self._engine.call(lambda: parse(self._connection, query))
        ((_, plan),) = self._engine.run(f"explain (format json) {self._sql}")
        scans = list(_scans(json.loads(plan)))
        if not scans:  # or the planner knows that the table is empty yet
            return None if tree is None or describes(tree) else columns_of(tree, "jobs")
        read = named_in(tree)
        for projections in scans:
            read |= {projections} if isinstance(projections, str) else {*projections}
        return read


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _memory() -> int:
    """Return the bytes that the table and the query may have: at most half of the machine's."""
    return min(4 * MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


def _scans(nodes: list[dict[str, Any]]) -> Iterator[str | list[str]]:
    """Yield the columns that each scan of the table reads."""
    for node in nodes:
        if node["extra_info"].get("Table", "").split(".")[-1] == "jobs":
            yield node["extra_info"].get("Projections", list(TABLE))
        yield from _scans(node["children"])
