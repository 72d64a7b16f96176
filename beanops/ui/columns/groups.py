"""The columns of groups of jobs, with the names that frames have for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from beanops.session.investigation.groups import JobGroup
from beanops.text import percentage, span
from beanops.ui.columns.column import Column
from beanops.ui.formatting import spark


def group_columns(now: Callable[[], datetime], *, by: bool = False) -> tuple[Column[JobGroup], ...]:
    """Return the columns of groups.

    Parameters
    ----------
    now : callable
        The time, UTC.
    by : bool
        Whether the groups are those of an expression, which have values and no causes.

    Examples
    --------
    >>> from datetime import UTC
    >>> [column.name for column in group_columns(lambda: datetime.now(UTC))][:3]
    ['name', 'count', 'share']
    """

    def ago(name: str) -> Callable[[JobGroup, int], str]:
        def written(row: JobGroup, width: int) -> str:
            at = getattr(row, name)
            return "" if at is None else span(max(0.0, (now() - at).total_seconds()))

        return written

    columns: tuple[Column[JobGroup], ...] = (
        Column("name", "group", lambda row: "NULL" if row.name is None else row.name, "text", 9, em=6, tone="strong"),
        Column("count", "jobs", lambda row: row.count, "count", 8, em=5),
        Column("share", "share", lambda row: row.share, "count", 5, em=4, write=_share),
        Column("oldest", "oldest", lambda row: row.oldest, "time", 6, em=6, write=ago("oldest")),
        Column("newest", "newest", lambda row: row.newest, "time", 6, em=6, write=ago("newest")),
        Column("trend", "trend", lambda row: row.count, "text", 12, em=8, write=lambda row, width: spark(row.trend)),
    )
    if by:
        sample = Column[JobGroup]("sample", "such as", lambda row: row.sample, "text", 30, em=24, grows=True)
        return (*columns, sample)
    return (*columns, Column("cause", "cause", _cause, "text", 30, em=24, grows=True))


def _share(row: JobGroup, width: int) -> str:
    return percentage(row.share, 1)


def _cause(row: JobGroup) -> str:
    return f"{row.cause} ({row.hint})" if row.hint else row.cause or ""
