"""The columns of what became of the jobs of a canary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from beanops.session.investigation.verdicts import VERDICTS, KickedJob
from beanops.text import span
from beanops.ui.columns.column import Column
from beanops.ui.formatting import UNKNOWN

#: Ids that are named for each verdict.
_NAMED = 5


class VerdictRow(NamedTuple):
    """The jobs with one verdict."""

    verdict: str
    jobs: list[KickedJob]

    @property
    def seconds(self) -> list[float]:
        """The times to the verdict, where it came at some time."""
        return [job.seconds for job in self.jobs if job.seconds is not None]

    @property
    def ids(self) -> str:
        """The first ids."""
        more = f" and {len(self.jobs) - _NAMED:,} more" if len(self.jobs) > _NAMED else ""
        return f"{', '.join(str(job.id) for job in self.jobs[:_NAMED])}{more}"


def verdict_rows(jobs: Iterable[KickedJob]) -> list[VerdictRow]:
    """Return the verdicts that jobs have, the best first."""
    of: dict[str, list[KickedJob]] = {name: [] for name in VERDICTS}
    for job in jobs:
        of[job.verdict].append(job)
    return [VerdictRow(name, found) for name, found in of.items() if found]


def _time(name: str, which: Callable[[list[float]], float]) -> Column[VerdictRow]:
    """Return a column with one of the times to a verdict."""

    def value(row: VerdictRow) -> float | None:
        return which(row.seconds) if row.seconds else None

    def written(row: VerdictRow, width: int) -> str:
        seconds = value(row)
        return UNKNOWN if seconds is None else span(seconds, tenths=True)

    return Column(name, name, value, "seconds", write=written)


#: Times are seconds since the kick.
VERDICT_COLUMNS: tuple[Column[VerdictRow], ...] = (
    Column("verdict", "verdict", lambda row: row.verdict, "text", tone="strong"),
    Column("jobs", "jobs", lambda row: len(row.jobs)),
    _time("first", min),
    _time("last", max),
    Column("meaning", "meaning", lambda row: VERDICTS[row.verdict], "text"),
    Column("ids", "ids", lambda row: row.ids, "text", grows=True),
)
