"""The predicate of a selection: SQL that DuckDB evaluates on batches of jobs, within the bounds of `engine`.

Columns are those of `TABLE`. Of a job whose body could not be decoded, or not for certain, nobody knows whether a
predicate on ``data`` is true: it matches neither it nor its negation, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader, decode, may_hold_layers, reads_json_first
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.complaints import PredicateError, UserText
from beanops.jobs.sql.engine import TIMEOUT, Engine
from beanops.jobs.sql.jobs_table import BODY_COLUMNS, PLACE, TABLE, arrays, data_of, select
from beanops.jobs.sql.json_paths import quick_reader
from beanops.jobs.sql.parse_tree import columns_of, parse, paths_of

__all__ = ["TABLE", "Judged", "PredicateError", "Where", "undecoded_words"]


class Judged(NamedTuple):
    """Jobs sorted by a predicate.

    Attributes
    ----------
    matching : list of FoundJob
        Jobs for which it is true, in order.
    undecoded : list of FoundJob
        Jobs with data that the predicate reads and that could not be decoded.
    """

    matching: list[FoundJob]
    undecoded: list[FoundJob]

    def first(self, wanted: int | None, jobs: list[FoundJob]) -> Judged:
        """Return the same without the undecoded jobs after the last wanted match; `jobs` were judged, in this order."""
        if wanted is None or len(self.matching) < wanted or not self.undecoded:
            return self
        passed = {job.id for job in jobs[: jobs.index(self.matching[wanted - 1])]}
        return self._replace(undecoded=[job for job in self.undecoded if job.id in passed])


class Where:
    """A predicate, checked once and evaluated on batches.

    Parameters
    ----------
    predicate : str
        Such as ``"data->>'$.user' = '42' and age > interval 1 hour"``.
    redact : sequence of str
        Patterns of keys whose values are hidden from it.
    timeout : float or None
        Seconds that it may take for a batch; None means any.
    cancelled : callable
        Whether the batch under way is no longer wanted.
    known : iterable of str or None
        The columns that are known of the jobs; None means all.

    Attributes
    ----------
    needs_bodies : bool
        Whether it reads columns that need the jobs' bodies.
    reads_data : bool
        Whether it reads the decoded body.

    Raises
    ------
    PredicateError
        It is no predicate on these columns.
    """

    def __init__(
        self,
        predicate: str,
        redact: Sequence[str] = (),
        timeout: float | None = TIMEOUT,
        cancelled: Callable[[], bool] = lambda: False,
        known: Iterable[str] | None = None,
    ) -> None:
        if not predicate.strip():
            raise PredicateError("the predicate", "it is empty")
        self.predicate = predicate
        self._reader = Reader(redact)
        self._engine = Engine("the predicate", predicate, timeout, cancelled=cancelled)
        tree = tree_of(self._engine)
        read = columns_of(tree)
        self._names = [name for name in TABLE if name in read]
        self.needs_bodies = not BODY_COLUMNS.isdisjoint(read)
        self.reads_data = "data" in read
        paths = paths_of(tree) if self.reads_data and not redact else None
        self._quick = None if paths is None else quick_reader(paths)
        self._true_of([], [])
        if known is not None and (unknown := [name for name in self._names if name not in set(known)]):
            is_or_are = "is" if len(unknown) == 1 else "are"
            what = f"{' and '.join(unknown)} of jobs before the run {is_or_are} not in the journal"
            raise PredicateError("the predicate", f"{what}; columns are {', '.join(known)}")

    def judge(self, jobs: Sequence[FoundJob]) -> Judged:
        """Return the jobs for which the predicate is true, and those that could not be decoded."""
        bodiless: list[FoundJob] = []
        if self.needs_bodies and None in [job.body for job in jobs]:
            bodiless = [job for job in jobs if job.body is None]
            jobs = [job for job in jobs if job.body is not None]
        if not self.reads_data:
            return Judged([jobs[place] for place in self._true_of(jobs, [])], bodiless)
        texts = self._read_quickly(jobs)
        decoded = [place for place, text in enumerate(texts) if text is None] if None in texts else []
        unread = set()
        for place in decoded:
            texts[place], whole = data_of(jobs[place].body or b"", self._reader)
            if not whole:
                unread.add(place)
        known: Sequence[int] = range(len(jobs))
        if unread:
            known = [place for place in known if place not in unread]
            texts = [texts[place] for place in known]
        true = [known[n] for n in self._true_of([jobs[place] for place in known], texts)]
        # What was read quickly may hold layers out of the predicate's reach that cannot be decoded.
        exact = set(decoded)
        in_part = {place for place in true if place not in exact and not _is_whole(jobs[place].body or b"")}
        matching = [jobs[place] for place in true if place not in in_part]
        return Judged(matching, bodiless + [jobs[place] for place in sorted(unread | in_part)])

    def _read_quickly(self, jobs: Sequence[FoundJob]) -> list[Any]:
        """Return for each job its data as JSON, None where it must be decoded."""
        if self._quick is None or not reads_json_first():
            return [None] * len(jobs)
        return list(map(self._quick, [job.body for job in jobs]))

    def matching(self, jobs: Sequence[FoundJob]) -> list[FoundJob]:
        """Return the jobs for which the predicate is true, in order."""
        return self.judge(jobs).matching

    def _true_of(self, jobs: Sequence[FoundJob], data: Sequence[str]) -> list[int]:
        """Return the places of the jobs for which the predicate is true."""
        # Where only paths of it are read, JSON that is known to be such need not be checked once more.
        source = select(self._names, "batch", PLACE, as_text=self._quick is not None)
        # The predicate has a line of its own, so that a comment at its end does not swallow the rest.
        head = f"select {PLACE} from ({source}) as jobs where (\n"
        batch = arrays(jobs, self._names, self._reader, data)
        rows = self._engine.run(f"{head}{self.predicate}\n) order by 1", len(head), batch=batch)
        return [place for (place,) in rows]


_HEAD = "select 1 where\n"


def tree_of(engine: Engine, asked: UserText | None = None) -> Any:
    """Return the parse tree of a predicate, None for what DuckDB gives no tree of.

    Parameters
    ----------
    engine : Engine
        That of the predicate.
    asked : UserText or None
        The predicate where the engine has several.

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


def _is_whole(body: bytes) -> bool:
    """Whether JSON that was read quickly is decoded whole, with the layers in it."""
    return not may_hold_layers(body.decode()) or decode(body).whole


def undecoded_words(count: int) -> str:
    """Return in words that jobs match no predicate on ``data``."""
    jobs, bodies = ("job", "its body was") if count == 1 else ("jobs", "their bodies were")
    return f"{count:,} {jobs} left out: {bodies} not decoded, so a predicate on data is neither true nor false"
