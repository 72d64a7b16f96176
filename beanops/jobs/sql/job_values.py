"""The value of an expression for each job, as text, and the predicate that is true for the jobs of one value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from beanops.jobs.read import FoundJob
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.jobs.sql.job_expression import JobExpression, ReadBatch
from beanops.jobs.sql.jobs_table import PLACE
from beanops.jobs.sql.literals import literal

#: Characters of a value up to which a predicate has it; a longer one is compared by its digest.
_LONGEST = 200
_INTEGER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
#: An expression that needs no parentheses.
_NAME = re.compile(r"[a-z_]+")


class Values(NamedTuple):
    """Jobs with the value that an expression has for each.

    Attributes
    ----------
    jobs : list of FoundJob
        Those whose value is known.
    values : list of str or None
        The value of each as text, None for null.
    undecoded : list of FoundJob
        Jobs with data that the expression reads and that could not be decoded.
    """

    jobs: list[FoundJob]
    values: list[str | None]
    undecoded: list[FoundJob]


class JobValues(JobExpression):
    """An expression such as ``data->>'$.customer'``, by which jobs are grouped.

    Parameters
    ----------
    expression : str
        SQL on the columns of the table ``jobs``.
    redact : sequence of str
        Patterns of keys whose values are hidden from it.
    timeout : float or None
        Seconds that it may take for a batch; None means any.
    cancelled : callable
        Whether the batch under way is no longer wanted.

    Raises
    ------
    PredicateError
        It is no expression on these columns.
    """

    def __init__(
        self,
        expression: str,
        redact: Sequence[str] = (),
        timeout: float | None = TIMEOUT,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__("the expression", expression, redact, timeout, cancelled)
        nothing = ReadBatch([], [], set(), [])
        (column,) = self.select("describe select ", " from {jobs}", nothing)
        self._type = str(column[1])
        self._texts(nothing)

    def of(self, jobs: Sequence[FoundJob]) -> Values:
        """Return jobs with their values."""
        batch = self.read(jobs)
        in_part = batch.in_part(range(len(batch.jobs)))
        known = [(batch.jobs[place], text) for place, text in self._texts(batch) if place not in in_part]
        undecoded = batch.undecoded + [batch.jobs[place] for place in sorted(in_part)]
        return Values([job for job, _ in known], [text for _, text in known], undecoded)

    def _texts(self, batch: ReadBatch) -> list[tuple[int, str | None]]:
        return self.select(f"select {PLACE}, ", "::varchar from {jobs} order by 1", batch)

    def where(self, value: str | None) -> str:
        """Return the predicate that is true for the jobs with a value, and for no others.

        Examples
        --------
        >>> by = JobValues("data->>'$.customer'")
        >>> by.where("O'Neill"), by.where(None)
        ("(data->>'$.customer') = 'O''Neill'", "(data->>'$.customer') is null")
        """
        sql = self._sql.strip()
        # The end of a comment is the end of its line.
        operand = sql if _NAME.fullmatch(sql) else f"({sql}\n)" if "--" in sql else f"({sql})"
        if value is None:
            return f"{operand} is null"
        if _INTEGER.fullmatch(self._type):
            return f"{operand} = {value}"
        if self._type == "TIMESTAMP WITH TIME ZONE":
            return f"{operand} = {literal(value)}::timestamptz"
        if len(value) > _LONGEST:
            return f"md5({operand}::varchar) = '{hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()}'"
        return f"{operand if self._type == 'VARCHAR' else f'{operand}::varchar'} = {literal(value)}"


__all__ = ["JobValues", "PredicateError", "Values"]
