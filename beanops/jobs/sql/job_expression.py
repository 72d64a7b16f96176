"""An expression on the table ``jobs`` that is evaluated on batches of jobs: what predicates and groups have in common.

Of a job whose body could not be decoded, or not for certain, nobody knows the value of an expression on ``data``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader, decode, may_hold_layers, reads_json_first
from beanops.jobs.causes import Causes
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.complaints import PredicateError, UserText
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.jobs.sql.engine import Engine
from beanops.jobs.sql.jobs_table import BODY_COLUMNS, PLACE, TABLE, arrays, data_of, select
from beanops.jobs.sql.json_paths import quick_reader
from beanops.jobs.sql.parse_tree import columns_of, parse, paths_of


class ReadBatch(NamedTuple):
    """A batch of jobs whose bodies were read for an expression.

    Attributes
    ----------
    jobs : sequence of FoundJob
        Those that it can be evaluated on.
    data : sequence of str
        Their data as JSON, if the expression reads it.
    quickly : set of int
        Places of jobs that were not decoded whole: what else is in them may be undecodable.
    undecoded : list of FoundJob
        The others.
    """

    jobs: Sequence[FoundJob]
    data: Sequence[str]
    quickly: set[int]
    undecoded: list[FoundJob]

    def in_part(self, places: Sequence[int]) -> set[int]:
        """Return those of the places whose jobs prove not to be decoded whole."""
        return {place for place in places if place in self.quickly and not _is_whole(self.jobs[place].body or b"")}


def _is_whole(body: bytes) -> bool:
    """Whether JSON that was read quickly is decoded whole, with the layers in it."""
    return not may_hold_layers(body.decode()) or decode(body).whole


class JobExpression:
    """An expression, checked once and evaluated on batches.

    Parameters
    ----------
    what : str
        What to call it in complaints.
    sql : str
        The expression.
    redact : sequence of str
        Patterns of keys whose values are hidden from it.
    timeout : float or None
        Seconds that it may take for a batch; None means any.
    cancelled : callable
        Whether the batch under way is no longer wanted.

    Attributes
    ----------
    needs_bodies : bool
        Whether it reads columns that need the jobs' bodies.
    reads_data : bool
        Whether it reads the decoded body.

    Raises
    ------
    PredicateError
        It is no expression on these columns.
    """

    def __init__(
        self,
        what: str,
        sql: str,
        redact: Sequence[str] = (),
        timeout: float | None = TIMEOUT,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        if not isinstance(sql, str):
            raise PredicateError(what, f"it is no text: {sql!r}")
        if not sql.strip():
            raise PredicateError(what, "it is empty")
        self._sql = sql
        self._reader = Reader(redact)
        self._causes = Causes(self._reader)
        self._engine = Engine(what, sql, timeout, cancelled=cancelled)
        tree = tree_of(self._engine)
        read = columns_of(tree)
        self.names = [name for name in TABLE if name in read]
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(read)
        self.reads_data = "data" in read
        paths = paths_of(tree) if self.reads_data and not redact else None
        self._quick = None if paths is None else quick_reader(paths)

    def read(self, jobs: Sequence[FoundJob]) -> ReadBatch:
        """Return the jobs with what the expression reads of their bodies."""
        bodiless: list[FoundJob] = []
        if self.needs_bodies and None in [job.body for job in jobs]:
            bodiless = [job for job in jobs if job.body is None]
            jobs = [job for job in jobs if job.body is not None]
        if not self.reads_data:
            return ReadBatch(jobs, [], set(), bodiless)
        texts = self._read_quickly(jobs)
        slowly = {place for place, text in enumerate(texts) if text is None} if None in texts else set()
        unread = set()
        for place in slowly:
            texts[place], whole = data_of(jobs[place].body or b"", self._reader)
            if not whole:
                unread.add(place)
        if not unread:
            return ReadBatch(jobs, texts, set(range(len(jobs))) - slowly, bodiless)
        known = [place for place in range(len(jobs)) if place not in unread]
        quickly = {n for n, place in enumerate(known) if place not in slowly}
        undecoded = bodiless + [jobs[place] for place in sorted(unread)]
        return ReadBatch([jobs[place] for place in known], [texts[place] for place in known], quickly, undecoded)

    def _read_quickly(self, jobs: Sequence[FoundJob]) -> list[Any]:
        """Return for each job its data as JSON, None where it must be decoded."""
        if self._quick is None or not reads_json_first():
            return [None] * len(jobs)
        return list(map(self._quick, [job.body for job in jobs]))

    def select(self, head: str, tail: str, batch: ReadBatch) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT with the expression in it, between `head` and `tail`.

        Parameters
        ----------
        head, tail : str
            The rest of it, with ``{jobs}`` for the table of the jobs and their places.
        batch : ReadBatch
            The jobs.
        """
        # Where only paths of it are read, JSON that is known to be such need not be checked once more.
        source = select(self.names, "batch", PLACE, as_text=self._quick is not None)
        head, tail = (part.format(jobs=f"({source}) as jobs") for part in (head, tail))
        # The expression has a line of its own, so that a comment at its end does not swallow the rest.
        statement = f"{head}(\n{self._sql}\n){tail}"
        rows = arrays(batch.jobs, self.names, self._reader, self._causes, batch.data)
        found: list[tuple[Any, ...]] = self._engine.run(statement, len(head) + 2, batch=rows)
        return found


_HEAD = "select 1 where\n"


def tree_of(engine: Engine, asked: UserText | None = None) -> Any:
    """Return the parse tree of an expression, None for what DuckDB gives no tree of.

    Parameters
    ----------
    engine : Engine
        That of the expression.
    asked : UserText or None
        The expression where the engine has several.

    Raises
    ------
    PredicateError
        It is no expression by itself, such as ``true) or (true``, which only the parentheses around it make one.
    """
    text = asked or engine.text
    if not text.sql.strip():
        raise PredicateError(text.what, "it is empty")
    extract = engine.connection.extract_statements
    if engine.call(lambda: len(extract(_HEAD + text.sql)), len(_HEAD), text) != 1:
        raise PredicateError(text.what, "it is more than one statement")
    return engine.call(lambda: parse(engine.connection, _HEAD + text.sql), asked=text)
