"""The browser of jobs: the results of a scan as they are found, the body of one job, and buttons for selected jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Self

from beanops.jobs.read import FoundJob
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import Selection
from beanops.notebook import shown_rows
from beanops.notebook.job_identity import ShownJobs
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import MOST_ROWS, StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import JobsView, confirm_of, weakly
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.defaults import REPORT_INTERVAL

if TYPE_CHECKING:
    import pandas

#: Jobs to read again together after an action.
PART = 256
#: Selected jobs to refresh with every tick.
MOST_FOLLOWED = 50
#: Seconds to wait for a scan before the table is saved in the notebook.
PATIENCE = 1.0


class BrowserView(JobsView):
    """A live view of jobs, opened by `Session.browse`.

    Select jobs on the page, or by `select`. Each button has a method of the same name. The view shows the decoded
    body of the job selected last.

    Attributes
    ----------
    jobs : Grid
        The table.

    Examples
    --------
    >>> view = session.browse("mail", state="buried", where="body like '%timeout%'")
    >>> view.wait().select_all()
    >>> view.selection["id"].tolist()
    [3, 2]
    >>> view.kick().summary
    'kick: 2 done'
    >>> view.close()
    """

    layout = "browser"
    _how_to_select = "select some on the page, or by select(...)"

    def __init__(self, session: Session, refresher: Refresher, name: str, selection: Selection) -> None:
        self._session = session._through("notebook")
        self._selection = selection
        self._seen = ShownJobs(self._session._lookups.reused)
        self._before: tuple[ShownJobs, list[str]] = self._seen, []
        self._saved: dict[str, str] = {}
        self._reported = 0.0
        self._thread: threading.Thread | None = None
        self._scan: Scan | None = None
        scan = self._scan_for(selection)  # an error in it is raised before an earlier view is closed
        self.jobs = Grid(
            "jobs",
            shown_rows.JOBS,
            noun="job",
            actions=shown_rows.FOUND_BUTTONS if not session.read_only else [shown_rows.REFRESH],
            visible=15,
            filter=True,
            confirm=confirm_of(session),
            ask="where, in SQL: data->>'$.user' = '7' and age > interval 1 hour",
            on_select=weakly(self._selected),
            on_action=weakly(self._clicked),
            on_ask=weakly(self.find),
            on_cancel=weakly(self.cancel),
            on_error=weakly(self._complain),
        )
        self._job_table = self.jobs
        self._actions = ViewActions(self.jobs, self._session, weakly(self._done))
        super().__init__(self._session, name, refresher, (self.jobs,))
        self._begin(selection, scan)

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> tuple[str, ...]:
        """No tubes: it shows no next jobs."""
        return ()

    @property
    def followed(self) -> tuple[int, ...]:
        """The first of the selected jobs."""
        return tuple(int(key) for key in self.jobs.selected[:MOST_FOLLOWED])

    @property
    def where(self) -> str | None:
        """The predicate of the scan."""
        return self._selection.where

    @property
    def status(self) -> str:
        """The status line: the result of the last action, or an error."""
        return self.jobs.said("status")

    @property
    def selection(self) -> pandas.DataFrame:
        """The selected jobs as they are now, with the columns of `Session.jobs`."""
        from beanops.jobs.frames import jobs_frame

        now = self._session._lookups.jobs_by_id([int(key) for key in self.jobs.selected])
        here = [job for job in now if job is not None and not self._seen.is_another(job)]
        return jobs_frame(here)

    def find(self, where: str | None = None) -> None:
        """Scan again with another predicate; see `beanops.jobs.sql.where`.

        Raises
        ------
        PredicateError
            The predicate is not valid; the table stays as it is.
        """
        asked = self._selection._replace(where=(where or "").strip() or None)
        self._begin(asked, self._scan_for(asked))

    def _scan_for(self, asked: Selection) -> Scan:
        reporting = weakly(self._report)
        scan = self._session.scan(
            asked.tube,
            state=sorted(asked.states) or None,
            ids=asked.ids,
            where=asked.where,
            limit=asked.limit,
            order=asked.order,
            progress=lambda progress: reporting(scan, progress),
        )
        return scan

    def _begin(self, asked: Selection, scan: Scan) -> None:
        with self._lock:
            if self.closed:
                raise UsageError("the view is closed; open another")
            if self._scan is not None:
                self._scan.cancel()
            self._selection, self._scan = asked, scan
            # Jobs that are selected now are selected again when the scan finds them.
            chosen = [key for key in self.jobs.selected if key != self.jobs.focus]
            self._before = (self._seen, [*chosen, *filter(None, [self.jobs.focus])])
            self._seen = ShownJobs(self._session._lookups.reused)
            self._saved.clear()
            self.jobs.update({})
            self.jobs.say("empty", "scanning")
            self.jobs.say("ask", asked.where or "")
            self.jobs.say("status", "")
            self.jobs.say("detail", "")
            self.jobs.say("title", f"{shown_rows.asked(asked)} · scanning")
            self.jobs.say("progress", "scanning")
            self.jobs.offer("refresh")
            self._thread = threading.Thread(target=self._read, args=(scan,), name="beanops-scan", daemon=True)
            self._thread.start()

    def refresh(self) -> None:
        """Scan again."""
        self.find(self.where)

    def cancel(self) -> None:
        """End the scan, or the action under way after its batch."""
        self._actions.cancel()
        if self._scan is not None:
            self._scan.cancel()

    def wait(self, seconds: float | None = None) -> Self:
        """Wait until the scan and the action of a click are over.

        Parameters
        ----------
        seconds : float or None
            Maximum time to wait for the scan alone; None waits for both, as long as they take.
        """
        if self._thread is not None:
            self._thread.join(seconds)
        if seconds is None:
            self._actions.wait()
        return self

    def select(self, *ids: int) -> None:
        """Select jobs, and show the body of the last.

        Raises
        ------
        UsageError
            A job is not in the table.
        """
        keys = [str(id) for id in ids]
        for key in keys:
            if key not in self.jobs.rows:
                raise UsageError(f"job {key} is not in the table")
        self.jobs.select(keys)
        self._selected(tuple(keys))

    def select_all(self) -> None:
        """Select all jobs in the table, without showing a body."""
        self.jobs.select(list(self.jobs.rows))

    # -- act -----------------------------------------------------------------------------------------------------

    def _clicked(self, click: Click) -> None:
        if click.name == "refresh":
            self.refresh()
        elif click.name == "undo":
            self._actions.undo_soon(click.keys)
        else:
            self._actions.act_soon(click.name, self._job_step(click.name, click.keys, click.text))

    def _done(self, runs: Sequence[Run]) -> None:
        """Show the jobs of finished runs as they are now, also new ones."""
        touched = {id for run in runs for row in run.rows for id in (row.id, row.new_id) if id is not None}
        self._look_again(sorted(touched))

    # -- show ----------------------------------------------------------------------------------------------------

    def _read(self, scan: Scan) -> None:
        fresh: list[FoundJob] = []
        shown_at = 0.0
        try:
            for batch in scan:
                fresh += batch
                if time.monotonic() - shown_at >= REPORT_INTERVAL:
                    shown_at = time.monotonic()
                    self._add(scan, fresh)
                    fresh = []
            self._add(scan, fresh, over=True)
            self._choose_again(scan)
        except Exception as error:
            with self._lock:
                if scan is self._scan:
                    self._add(scan, fresh, over=True)
                    self._complain(in_words(error))

    def _report(self, scan: Scan, progress: Progress) -> None:
        with self._lock:
            if scan is self._scan and time.monotonic() - self._reported >= REPORT_INTERVAL:
                self._reported = time.monotonic()
                self.jobs.say("progress", shown_rows.scanning(progress))

    def _add(self, scan: Scan, jobs: list[FoundJob], over: bool = False) -> None:
        rows = shown_rows.job_rows(self._session, jobs)
        with self._lock:
            if scan is not self._scan or self.closed:
                scan.cancel()
                return
            self._seen.note(jobs)
            for job in jobs[: MOST_ROWS - len(self._saved)]:
                self._saved[str(job.id)] = self._session._context.decode(job.body or b"", kept=True).summary
            self.jobs.patch(rows)
            seen, chosen = self._before
            others = {str(job.id) for job in jobs if seen.is_another(job)}
            self._before = seen, [key for key in chosen if key not in others]
            if over:
                left = f"none of the {len(self.jobs.rows):,} jobs found is left; use Scan again to find more"
                self.jobs.say("empty", left if self.jobs.rows else f"no job was found; {scan.verdict}")
                # Only selected rows are refreshed: the time says how old the others are.
                found = f"{scan.conclusion} · {self._session._context.now():%H:%M:%S} UTC"
                self.jobs.say("title", f"{shown_rows.asked(self._selection)} · {found}")
                self.jobs.say("progress", "")
                self.jobs.offer("refresh", "Scan again")

    def _choose_again(self, scan: Scan) -> None:
        """Select the jobs that were selected before the scan, unless others are selected already."""
        with self._lock:
            keys = [key for key in self._before[1] if key in self.jobs.rows]
            if not keys or self.jobs.selected or scan is not self._scan:
                return
            self.jobs.select(keys)
        self._selected(tuple(keys))

    def _look_again(self, ids: Sequence[int]) -> None:
        found = zip(ids, self._session._lookups.jobs_by_id(ids), strict=True)
        while part := list(islice(found, PART)):
            here = [job for _, job in part if job is not None and self._belongs(job)]
            rows = shown_rows.job_rows(self._session, here)
            with self._lock:
                self._seen.note(here)
                self._patch(rows, [str(id) for id, job in part if job is None or self._seen.is_another(job)])

    def _belongs(self, job: FoundJob) -> bool:
        """Whether a job has a row, or gets one because of an action."""
        shown = str(job.id) in self.jobs.rows
        return not self._seen.is_another(job) and (shown or self._selection.in_tube(job.stats.tube))

    def _patch(self, rows: dict[str, Cells], gone: Iterable[str]) -> None:
        self.jobs.patch(rows, gone)
        if self.jobs.focus is None:
            self.jobs.say("detail", "")

    def _show(self, tick: Tick) -> None:
        if tick.live.lost is not None:
            self.jobs.say("title", f"{self._session.address} is lost: {tick.live.lost.error} · trying again", "lost")
            return
        if self.jobs.said("title").startswith(f"{self._session.address} is lost"):
            self.jobs.say("title", f"{shown_rows.asked(self._selection)} · values from before the connection was lost")
        rows, gone = {}, []
        for id, job in tick.watched.jobs.items():
            key = str(id)
            if job is None or self._seen.is_another(job):
                gone.append(key)
            elif key in self.jobs.rows:
                rows[key] = shown_rows.job_row(job.stats, self.jobs.rows[key][-1])
        self._patch(rows, gone)

    def _selected(self, _: tuple[str, ...]) -> None:
        key = self.jobs.focus
        job = None
        if key is not None:
            (job,) = self._session._lookups.jobs_by_id([int(key)])
        with self._lock:
            if key != self.jobs.focus:  # the user chose another in the meantime
                return
            if key is not None and (job is None or self._seen.is_another(job)):
                job = None
                self._patch({}, [key])
            self.jobs.say("detail", "" if job is None else shown_rows.opened(self._session, job))

    def _complain(self, text: str) -> None:
        self.jobs.say("status", text, "error")

    def _static(self) -> StaticTable:
        self.wait(PATIENCE)
        with self._lock:
            now = self.jobs.rows
            # Only jobs whose body is known without secrets are saved; the others are counted.
            rows = [shown_rows.with_body(now[key], body) for key, body in self._saved.items() if key in now]
            return StaticTable(self.jobs.said("title"), shown_rows.JOBS, rows, len(now))

    def close(self) -> None:
        """Remove the view from the page, and end the scan and the action under way."""
        self.cancel()
        super().close()
