"""`migrate`: report, move, check. `Migration` is what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from beanops.html import card
from beanops.jobs.search.progress import Progress
from beanops.jobs.select import names_of
from beanops.journal.records import RunRow
from beanops.migration.moved import Check, MovedTube, check
from beanops.migration.report import MigrationReport, report
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.protocol.limits import check_choice
from beanops.session.execution.run import Run
from beanops.session.options import Options
from beanops.session.past_runs.migrations import resume_migration
from beanops.session.past_runs.remembered import family
from beanops.session.session import Session
from beanops.session.transfer.other_server import check_destination
from beanops.session.transfer.passes import check_tubes, unfinished
from beanops.session.transfer.passes import migrate as move

if TYPE_CHECKING:
    import pandas


class Migration:
    """A migration: the report before it, the run that moved the jobs, and the check after it.

    Attributes
    ----------
    report : MigrationReport or None
        What there was before, where it was wanted.
    run : Run or None
        The run; None for a dry run. `Session.undo` of a session on the destination undoes it, `Session.resume` of one
        on the source resumes it.
    check : Check or None
        What both servers have after it; None for a dry run, and where one of them was lost.
    """

    def __init__(self, report: MigrationReport | None, run: Run | None = None, check: Check | None = None) -> None:
        self.report = report
        self.run = run
        self.check = check

    @property
    def complete(self) -> bool:
        """Whether all jobs of the tubes are on the destination alone, as they were."""
        return self.run is not None and self.run.complete and self.check is not None and self.check.complete

    @property
    def tubes(self) -> pandas.DataFrame:
        """The tubes as a frame: after a migration the fields of `MovedTube`, of a dry run those of `TubeToMove`."""
        from beanops.migration.frames import tubes_frame

        if self.check is None and self.report is not None:
            return self.report.tubes
        return tubes_frame([] if self.check is None else self.check.rows, MovedTube._fields)

    @property
    def summary(self) -> str:
        """One line with what was moved, and what the check found."""
        parts = [part.summary for part in (self.run, self.check) if part is not None]
        return "; ".join(parts or [self.report.summary if self.report is not None else ""])

    def __repr__(self) -> str:
        return f"<Migration {self.summary}>"

    def _repr_html_(self) -> str:
        facts: dict[str, Any] = {} if self.run is None else {"run": self.run.id, "moved": self.run.summary}
        facts |= {} if self.check is None else {"check": self.check.summary, "complete": self.complete}
        facts |= {} if self.report is None else {"before": self.report.summary}
        return card("Migration", facts)


def migrate(
    session: Session,
    to: Session,
    tubes: str | Iterable[str] | None = None,
    *,
    follow: float | None = None,
    buried_as: Literal["parked", "ready"] | None = None,
    reason: str | None = None,
    rate: float | None = None,
    dry_run: bool = False,
    progress: Callable[[Run], None] | None = None,
    looking: Callable[[Progress], None] | None = None,
) -> Migration:
    """Move the jobs of a server to another one; see `beanops.accessors.migrate`.

    Parameters
    ----------
    session, to : Session
        The source and the destination.
    tubes, follow, buried_as, reason, rate, dry_run, progress
        As there.
    looking : callable or None
        Called with the progress of the search of a dry run.
    """
    here, there = session._executor, to._executor
    names = ["*"] if tubes is None else names_of("tubes", tubes)
    if buried_as is not None:
        check_choice("buried_as", buried_as, ["parked", "ready"])
    if dry_run:
        check_destination(here, there)
        check_tubes(here, names)
        return Migration(report(here, there, names, buried_as=buried_as, progress=looking))
    if here.context.journal().where != there.context.journal().where:
        raise UsageError("both sessions need the same journal, from which a migration is resumed and undone")
    options = Options(buried_as=buried_as, reason=reason, rate=rate, progress=progress)
    row = unfinished(here)
    if row is not None and _is_the_same(row, to, names):
        return checked(session, to, resume_migration(here, row, options, there, follow))
    return checked(session, to, move(here, there, names, options, follow))


def _is_the_same(row: RunRow, to: Session, names: list[str]) -> bool:
    """Whether a run that was cut off was asked for the same, so that it is resumed."""
    request = row.request
    return row.action == "migrate" and request["server"] == str(to.address) and request["tubes"] == names


def checked(session: Session, to: Session, run: Run) -> Migration:
    """Return a migration with the check of what its run, and those before it that it resumed, have moved."""
    journal = session._context.journal()
    row = journal.run(run.id)
    try:
        found = check(session._executor, to._executor, family(journal, row), row.request["tubes"])
    except BeanopsError as error:  # a server was lost, perhaps the one that ended the run
        if run.stopped is None:
            run.stop(error)
        return Migration(None, run)
    return Migration(None, run, found)
