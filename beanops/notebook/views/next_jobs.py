"""The next jobs of the selected tubes of a dashboard: their table, its title, and the body of the one that is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from beanops.jobs.read import FoundJob
from beanops.notebook import shown_rows, tube_rows
from beanops.notebook.job_identity import ShownJobs
from beanops.notebook.refresher import Tick
from beanops.notebook.views.base import confirm_of, weakly
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.session.session import Session

#: Selected tubes whose next jobs are shown.
MOST_TUBES = 10
#: Jobs to remember: an armed button may mean some that have left the table.
MOST_SEEN = 1000


class NextJobs:
    """The table of next jobs.

    Parameters
    ----------
    session : Session
        Its redaction and its codecs are used.
    tubes : Grid
        The table of tubes, of which some are selected.
    on_select, on_action, on_error : callable
        As in `Grid`.

    Attributes
    ----------
    grid : Grid
        The table.
    seen : ShownJobs
        Which jobs its ids mean.
    """

    def __init__(
        self,
        session: Session,
        tubes: Grid,
        on_select: Callable[[tuple[str, ...]], None],
        on_action: Callable[[Click], None],
        on_error: Callable[[str], None],
    ) -> None:
        self._session = session
        self._tubes = tubes
        self._jobs: dict[str, FoundJob] = {}
        self.seen = ShownJobs(session._lookups.reused, MOST_SEEN)
        self.grid = Grid(
            "heads",
            shown_rows.JOBS,
            noun="job",
            actions=() if session.read_only else shown_rows.JOB_BUTTONS,
            confirm=confirm_of(session),
            visible=6,
            tidy=True,
            saved=weakly(self._saved),
            on_select=on_select,
            on_action=on_action,
            on_error=on_error,
        )
        self.entitle()

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose next jobs are shown."""
        return self._tubes.selected[:MOST_TUBES]

    @property
    def followed(self) -> tuple[int, ...]:
        """The selected jobs: they stay in the table when they are no longer next in their tube."""
        return tuple(int(key) for key in self.grid.selected)

    def follow(self, tick: Tick) -> None:
        """Show the next jobs of the tubes selected now: the tick may be older than the last click."""
        heads = [tick.watched.heads.get(tube, {}) for tube in self.wanted]
        jobs = {job.id: job for by_state in heads for job in by_state.values() if job is not None}
        for id in self.followed:
            known = self._jobs[str(id)]
            # A job that was selected after the look began stays as it was.
            now = tick.watched.jobs.get(id, known)
            if now is not None and now.stats.tube in self.wanted and id not in jobs:
                jobs[id] = now._replace(body=known.body, original=known.original)
        self.show(jobs.values())

    def show(self, jobs: Iterable[FoundJob]) -> None:
        """Show these jobs and no others."""
        shown = list(jobs)
        # The row of another job with the same id goes first, or the new job would be selected.
        self.grid.patch({}, [str(job.id) for job in shown if self.seen.is_another(job)])
        self.seen.note(shown)
        self._jobs = {str(job.id): job for job in shown}
        self.grid.update(shown_rows.job_rows(self._session, shown))
        self.entitle()
        self.open()

    def narrow(self) -> None:
        """Show no longer the jobs of tubes that are not selected any more."""
        self.show(job for job in self._jobs.values() if job.stats.tube in self.wanted)

    def open(self) -> None:
        """Show the body of the selected job, if there is one alone."""
        chosen = self.grid.selected
        job = self._jobs.get(chosen[0]) if len(chosen) == 1 else None
        self.grid.say("detail", "" if job is None else shown_rows.opened(self._session, job))

    def entitle(self) -> None:
        """Say whose next jobs they are."""
        has_none = bool(self._tubes.selected) and not self._may_be_some()
        self.grid.say("title", self._title(), "none" if has_none else "")

    def lose(self, known: str, empty: str) -> None:
        """Say that the server does not answer: how old the jobs are, and what stands in an empty table."""
        title = self._title()
        self.grid.say("title", f"{title}{known}" if title else "", "lost")
        self.grid.say("empty", empty)

    def _title(self) -> str:
        tubes: Sequence[str] = self._tubes.selected
        more = f" and {len(tubes) - MOST_TUBES:,} more tubes" if len(tubes) > MOST_TUBES else ""
        what = "Next jobs of" if self._may_be_some() else "No next jobs in"
        return f"{what} {', '.join(self.wanted)}{more}" if tubes else ""

    def _may_be_some(self) -> bool:
        """Whether there are, or may be, next jobs: the first look at them is still to come."""
        rows = self._tubes.rows
        counts = (rows[tube][place] for tube in self.wanted if tube in rows for place in tube_rows.WAITING)
        return bool(self.grid.rows) or any(counts)

    def _saved(self) -> dict[str, Cells]:
        decode = self._session._context.decode
        return {
            key: shown_rows.with_body(row, decode(job.body or b"", kept=True).summary)
            for key, job in self._jobs.items()
            if (row := self.grid.rows.get(key)) is not None
        }
