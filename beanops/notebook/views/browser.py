"""The browser of jobs: the results of a scan as they are found, what they have in common, and the body of one job.

Buttons act on selected jobs, and on all jobs that match what was chosen of their histograms and causes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from beanops.jobs.bins import JobBins
from beanops.jobs.bodies import names_secret
from beanops.jobs.groups import both
from beanops.jobs.read import FoundJob
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import Selection
from beanops.notebook import shown_rows
from beanops.notebook.job_identity import ShownJobs
from beanops.notebook.job_rows import COLUMNS, PathCells, body_cells, exported, fresh_row, saved_row
from beanops.notebook.opened_job import opened_job
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import MOST_ROWS, StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import JobsView, confirm_of, weakly
from beanops.notebook.widgets.body import BodyPane
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.facets import FacetAction, FacetCall, FacetFilter
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import check_choice
from beanops.protocol.states import STATES
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import ALL
from beanops.session.session import Session
from beanops.text import plural
from beanops.ui.defaults import REPORT_INTERVAL
from beanops.ui.runner import Step

if TYPE_CHECKING:
    import pandas

#: Jobs to read again together after an action.
PART = 256
#: Selected jobs to refresh with every tick.
MOST_FOLLOWED = 50
#: Seconds between two counts of the bins while jobs are found, and how many times longer than a count that must be.
PAUSE, SHARE = 0.3, 10
#: Seconds to wait for a scan before the table is saved in the notebook.
PATIENCE = 1.0


class BrowserView(JobsView):
    """A live view of jobs, opened by `Session.browse`.

    Select jobs on the page, or by `select`. Each button has a method of the same name. The view shows the decoded
    body of the job selected last. Histograms, values and causes filter the table: choose some on the page, or by
    `choose`; `chosen_where` is the predicate of all choices.

    Attributes
    ----------
    facets : FacetFilter
        The histograms, values and causes of the jobs.
    jobs : Grid
        The table.
    body : BodyPane
        The job selected last.

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

    kind = "browser"
    _how_to_select = "select some on the page, or by select(...)"

    def __init__(self, session: Session, refresher: Refresher, name: str, selection: Selection) -> None:
        self._session = session._through("notebook")
        self._selection = selection
        self._seen = ShownJobs(self._session._lookups.reused)
        self._before: tuple[ShownJobs, list[str]] = self._seen, []
        self._saved: dict[str, tuple[str, str]] = {}
        self._reported = 0.0
        self._thread: threading.Thread | None = None
        self._looking: threading.Thread | None = None
        self._scan: Scan | None = None
        scan = self._scan_for(selection)  # an error in it is raised before an earlier view is closed
        self.jobs = Grid(
            "jobs",
            COLUMNS,
            noun="job",
            actions=shown_rows.FOUND_BUTTONS if not session.read_only else [shown_rows.REFRESH],
            visible=15,
            filter=True,
            confirm=confirm_of(session),
            saved=weakly(self._saved_jobs),
            on_select=weakly(self._selected),
            on_action=weakly(self._clicked),
            on_cancel=weakly(self.cancel),
            on_error=weakly(self._complain),
            tidy=True,
            paths=True,
            on_column=weakly(self._column_asked),
            on_drop=weakly(self.drop_column),
            on_export=weakly(self._exported),
        )
        self._paths = PathCells(self._session._context.reader)
        self._bins = JobBins(self._session._context.reader)
        self._bins_lock = threading.Lock()
        self.facets = FacetFilter(
            "facets",
            actions=[] if session.read_only else shown_rows.JOB_BUTTONS,
            confirm=confirm_of(session),
            ask="where, in SQL: data->>'$.user' = '7' and age > interval 1 hour",
            on_ask=weakly(self.find),
            on_act=weakly(self._act_on_matching),
            on_path=weakly(self._path_asked),
            on_error=weakly(self._complain),
        )
        self.body = BodyPane(
            "body",
            on_value=weakly(self._value_asked),
            on_column=weakly(self._column_asked),
            on_error=weakly(self._complain),
        )
        self._job_table = self.jobs
        self._actions = ViewActions(self.jobs, self._session, weakly(self._done))
        super().__init__(self._session, name, refresher, (self.facets, self.jobs, self.body))
        self._begin(selection, scan)

    # -- look ----------------------------------------------------------------------------------------------------

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

        return jobs_frame(self._jobs_now(self.jobs.selected))

    def _jobs_now(self, keys: Sequence[str]) -> list[FoundJob]:
        """Return those of the jobs with these keys that are still there, as they are now."""
        now = self._session._lookups.jobs_by_id([int(key) for key in keys])
        return [job for job in now if job is not None and not self._seen.is_another(job)]

    def find(self, where: str | None = None) -> None:
        """Scan again with another predicate; see `beanops.jobs.sql.where`.

        Raises
        ------
        PredicateError
            The predicate is not valid; the table stays as it is.
        """
        if where is not None and not isinstance(where, str):
            raise ArgumentError("where", where, "a SQL predicate, or None")
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
            self._bins = JobBins(self._session._context.reader)
            self._show_bins(self._bins)
            self.jobs.update({})
            self.jobs.say("empty", "scanning")
            self.facets.say("ask", asked.where or "", kept=self._kept_where(asked) or "")
            self.jobs.say("status", "")
            self.body.show(None)
            self._entitle("scanning")
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
        for thread in (self._thread, self._looking):
            if thread is not None:
                thread.join(seconds)
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

    # -- choose --------------------------------------------------------------------------------------------------

    @property
    def chosen_where(self) -> str | None:
        """The predicate of all choices, without that of the scan; None without any."""
        return self.facets.where

    @property
    def matching(self) -> list[int]:
        """The ids of the jobs that match all choices."""
        return self.facets.matching

    def choose(self, name: str, *values: Any) -> Self:
        """Choose some values of a histogram or list by name, such as ``"state"``, ``"cause"`` or ``"$.customer"``.

        Parameters
        ----------
        name : str
            A column, ``"cause"``, or a path; a path without a list gets one.
        values : str or number
            Values, names of groups, or the two ends of a range. Without any the choice is taken back.

        Raises
        ------
        UsageError
            There is no such histogram, or no such value.

        Examples
        --------
        >>> view.choose("state", "buried").chosen_where
        "state = 'buried'"
        """
        if isinstance(name, str) and name.startswith("$") and name not in self.facets.dimensions:
            self.add_path(name)
        self.facets.choose(name, self.facets.codes(name, values))
        return self

    def add_path(self, path: str) -> None:
        """Add a histogram, or a list of values, of a path into the bodies such as ``$.customer``.

        Raises
        ------
        PathError
            It is no path.
        """
        bins = self._bins
        with self._bins_lock:
            bins.add_path(path, lambda: not self.closed and bins is self._bins)
        self._show_bins(bins)
        if path not in self.facets.dimensions and not self.closed:
            self.drop_path(path)
            raise UsageError(f"all jobs have the same at {path}, or nothing")

    def drop_path(self, path: str) -> None:
        """Remove the histogram of a path."""
        with self._bins_lock:
            self._bins.drop_path(path)
        self._show_bins(self._bins)

    def add_column(self, path: str) -> None:
        """Add a column with what the bodies have at a path such as ``$.customer``.

        Raises
        ------
        UsageError
            It is no path, or there is such a column.
        """
        with self._bins_lock, self._lock:
            self.jobs.add_column(*self._paths.add(path, self._bins, self.jobs.rows))

    def drop_column(self, path: str) -> None:
        """Remove the column of a path."""
        with self._bins_lock, self._lock:
            if path in self._paths.paths:
                self._paths.paths.remove(path)
                self.jobs.drop_column(path)

    def _rows_of(self, jobs: Sequence[FoundJob]) -> dict[str, Cells]:
        return self._paths.rows(self._session, jobs, {column.name: column.unit for column in self.jobs.columns})

    def _exported(self, form: str, keys: tuple[str, ...]) -> tuple[str, bytes]:
        return f"{self._selection.tube or 'jobs'}.{form}", exported(self._session, self._jobs_now(keys), form)

    def _column_asked(self, path: str) -> None:
        self._soon(lambda: self.add_column(path))

    def act_on_matching(self, verb: str, to: str = "") -> Run:
        """Act on all jobs that match the choices, those that were found and no others.

        When it runs, jobs that match no more are left out.

        Parameters
        ----------
        verb : str
            ``"kick"``, ``"bury"``, ``"release"``, ``"delete"`` or ``"move"``.
        to : str
            The tube of a move.

        Raises
        ------
        ArgumentError
            It is another verb.
        UsageError
            Nothing is chosen, or no job matches.
        """
        check_choice("verb", verb, [button.name for button in shown_rows.JOB_BUTTONS])
        ids = self.facets.matching_in(sorted(ALL[verb].states))
        if not self.facets.chosen or not ids:
            raise UsageError(f"no job to {verb} matches; choose some on the page, or by choose(...)")
        (run,) = self._actions.act(verb, self._matching_step(FacetAction(verb, self.facets.lasting_where, ids, to)))
        return run

    def _matching_step(self, asked: FacetAction) -> Step:
        """Return the step of a verb for jobs that match, as far as they still do."""
        # By their ids too: others may match by now, or were not found because of a limit or a cancelled scan.
        jobs = self._seen.refs(map(str, asked.ids))
        options: dict[str, Any] = {
            "state": self.facets.states_of(asked.ids),  # as shown: after an action they are not those of the search
            "where": both(self._selection.where, asked.where),
            "order": "oldest",
        }
        return self._step_on(asked.name, jobs, f"{plural(len(jobs), 'job')} that match", asked.text, **options)

    def _act_on_matching(self, asked: FacetAction) -> None:
        self._actions.act_soon(asked.name, self._matching_step(asked))

    def _path_asked(self, path: str, add: bool) -> None:
        self._soon(lambda: self.add_path(path) if add else self.drop_path(path))

    def _value_asked(self, path: str, value: str, wanted: bool) -> None:
        self._soon(lambda: self._choose_value(path, value, wanted))

    def _choose_value(self, path: str, value: str, wanted: bool) -> None:
        if path not in self.facets.dimensions:
            self.add_path(path)
        codes = self.facets.codes(path, [value])
        if not wanted:
            codes = [code for code in range(self.facets.dimensions[path].size) if code not in codes]
        self.facets.choose(path, codes)

    def _soon(self, do: Callable[[], None]) -> None:
        """Do in a thread what may take a second for many jobs; an error is shown."""

        def work() -> None:
            try:
                do()
            except Exception as error:
                self._complain(in_words(error))

        self._looking = threading.Thread(target=work, name="beanops-facets", daemon=True)
        self._looking.start()

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
        bins = self._bins
        shown_at = bins_due = 0.0
        try:
            for batch in scan:
                fresh += batch
                with self._bins_lock:
                    bins.add(batch)
                if time.monotonic() - shown_at >= REPORT_INTERVAL:
                    shown_at = time.monotonic()
                    self._add(scan, fresh)
                    fresh = []
                if (began := time.monotonic()) >= bins_due:
                    self._show_bins(bins)
                    bins_due = (ended := time.monotonic()) + max(PAUSE, SHARE * (ended - began))
            self._add(scan, fresh, over=True)
            self._show_bins(bins)
            self._choose_again(scan)
        except Exception as error:
            with self._lock:
                if scan is self._scan:
                    self._add(scan, fresh, over=True)
                    self._complain(in_words(error))

    def _show_bins(self, bins: JobBins) -> None:
        asked = self._selection
        states = None if asked.states >= set(STATES) else ",".join(sorted(asked.states))
        with self._bins_lock, self._lock:
            if bins is self._bins and not self.closed:
                self.facets.show(
                    bins, FacetCall(asked.tube, states, asked.where), self._session._context.now().timestamp()
                )

    def _kept_where(self, asked: Selection) -> str | None:
        """Return the predicate of the scan as a notebook file may keep it."""
        secret = asked.where and names_secret(asked.where, self._session._context.redact)
        return "[hidden]" if secret else asked.where

    def _entitle(self, found: str) -> None:
        asked = self._selection
        kept = shown_rows.asked(asked._replace(where=self._kept_where(asked)))
        self.facets.say("title", f"{shown_rows.asked(asked)} · {found}", kept=f"{kept} · {found}")

    def _report(self, scan: Scan, progress: Progress) -> None:
        with self._lock:
            if scan is self._scan and time.monotonic() - self._reported >= REPORT_INTERVAL:
                self._reported = time.monotonic()
                self.jobs.say("progress", shown_rows.scanning(progress))

    def _add(self, scan: Scan, jobs: list[FoundJob], over: bool = False) -> None:
        rows = self._rows_of(jobs)
        with self._lock:
            if rows and len(next(iter(rows.values()))) != len(self.jobs.columns):
                rows = self._rows_of(jobs)  # a column was added or removed in the meantime
            if scan is not self._scan or self.closed:
                scan.cancel()
                return
            self._seen.note(jobs)
            for job in jobs[: MOST_ROWS - len(self._saved)]:
                self._saved[str(job.id)] = body_cells(self._session._context.decode(job.body or b"", kept=True))
            self.jobs.patch(rows)
            seen, chosen = self._before
            others = {str(job.id) for job in jobs if seen.is_another(job)}
            self._before = seen, [key for key in chosen if key not in others]
            if over:
                left = f"none of the {len(self.jobs.rows):,} jobs found is left; use Scan again to find more"
                self.jobs.say("empty", left if self.jobs.rows else f"no jobs found; {scan.verdict}")
                # Only selected rows are refreshed: the time says how old the others are.
                found = f"{scan.conclusion} · {self._session._context.now():%H:%M:%S} UTC"
                self._entitle(found)
                self.jobs.say("progress", "")
                self.jobs.offer("refresh", "Scan again")
                self._save_soon()

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
        bins = self._bins
        while part := list(islice(found, PART)):
            here = [job for _, job in part if job is not None and self._belongs(job)]
            with self._bins_lock:
                bins.add(bins.update(here))
            with self._lock:
                self._seen.note(here)
                self._patch(
                    self._rows_of(here), [str(id) for id, job in part if job is None or self._seen.is_another(job)]
                )
        self._show_bins(bins)

    def _belongs(self, job: FoundJob) -> bool:
        """Whether a job has a row, or gets one because of an action."""
        shown = str(job.id) in self.jobs.rows
        return not self._seen.is_another(job) and (shown or self._selection.in_tube(job.stats.tube))

    def _patch(self, rows: dict[str, Cells], gone: Iterable[str]) -> None:
        left = list(gone)
        self.jobs.patch(rows, left)
        self.facets.gone([int(key) for key in left])
        if self.jobs.focus is None:
            self.body.show(None)

    def _show(self, tick: Tick) -> None:
        if lost := self._loss(tick):
            self.facets.say("title", lost, "lost")
            return
        if self.facets.said("title").startswith(f"{self._session.address} is lost"):
            self._entitle("values from before the connection was lost")
        rows, gone = {}, []
        for id, job in tick.watched.jobs.items():
            key = str(id)
            if job is None or self._seen.is_another(job):
                gone.append(key)
            elif key in self.jobs.rows:
                rows[key] = fresh_row(job.stats, self.jobs.rows[key])
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
            self.body.show(None if job is None else opened_job(self._session, job))

    def _complain(self, text: str) -> None:
        self.jobs.say("status", text, "error")

    def _saved_jobs(self) -> dict[str, Cells]:
        # Only jobs whose body is known without secrets are saved; the others are counted.
        now = self.jobs.rows
        return {key: saved_row(now[key], body) for key, body in self._saved.items() if key in now}

    def _static(self) -> StaticTable:
        self.wait(PATIENCE)
        with self._lock:
            rows = list(self.jobs.saved_rows.values())
            return StaticTable(self.facets.kept("title"), COLUMNS, rows, len(self.jobs.rows))

    def _stand_aside(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
        super()._stand_aside()

    def close(self) -> None:
        """Remove the view from the page, and end the scan and the action under way."""
        self.cancel()
        super().close()
