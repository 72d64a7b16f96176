"""The predicate of a selection: SQL that DuckDB evaluates on batches of jobs, within the bounds of `engine`.

Columns are those of `TABLE`. Of a job whose body could not be decoded, or not for certain, nobody knows whether a
predicate on ``data`` is true: it matches neither it nor its negation, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from beanops.jobs.read import FoundJob
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.jobs.sql.job_expression import JobExpression, ReadBatch
from beanops.jobs.sql.jobs_table import PLACE, TABLE
from beanops.text import plural

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


class Where(JobExpression):
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
        super().__init__("the predicate", predicate, redact, timeout, cancelled)
        self.predicate = predicate
        self._true_of(ReadBatch([], [], set(), []))
        if known is not None and (unknown := [name for name in self.names if name not in set(known)]):
            is_or_are = "is" if len(unknown) == 1 else "are"
            what = f"{' and '.join(unknown)} of jobs before the run {is_or_are} not in the journal"
            raise PredicateError("the predicate", f"{what}; columns are {', '.join(known)}")

    def judge(self, jobs: Sequence[FoundJob]) -> Judged:
        """Return the jobs for which the predicate is true, and those that could not be decoded."""
        batch = self.read(jobs)
        true = self._true_of(batch)
        # What was read quickly may hold layers out of the predicate's reach that cannot be decoded.
        in_part = batch.in_part(true)
        undecoded = batch.undecoded + [batch.jobs[place] for place in sorted(in_part)]
        return Judged([batch.jobs[place] for place in true if place not in in_part], undecoded)

    def matching(self, jobs: Sequence[FoundJob]) -> list[FoundJob]:
        """Return the jobs for which the predicate is true, in order."""
        return self.judge(jobs).matching

    def _true_of(self, batch: ReadBatch) -> list[int]:
        """Return the places of the jobs for which the predicate is true."""
        return [place for (place,) in self.select(f"select {PLACE} from {{jobs}} where ", " order by 1", batch)]


def undecoded_words(count: int, so: str = "a predicate on data is neither true nor false") -> str:
    """Return in words that jobs were left out, because nobody knows their data."""
    bodies = "its body was" if count == 1 else "their bodies were"
    return f"{plural(count, 'job')} left out: {bodies} not decoded, so {so}"
