"""The browser of jobs: what a scan finds, as it finds it, with one body opened and buttons for the selected jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Self

from beanops.jobs.bodies import redact
from beanops.jobs.read import FoundJob
from beanops.jobs.scan import Scan
from beanops.jobs.select import Selection
from beanops.notebook import tables
from beanops.notebook.desk import PERIOD, Desk, job_step
from beanops.notebook.grid import Cells, Click, Grid
from beanops.notebook.poll import Poller, Tick
from beanops.notebook.static import html_table, text_table
from beanops.notebook.view import View, weakly
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.session.run import Run
from beanops.session.session import Session

if TYPE_CHECKING:
    import pandas

#: Selected jobs that are looked at every tick, so that they show where they are now.
MOST_FOLLOWED = 50
#: Seconds that a notebook waits for a scan before it keeps what was found: an empty table says little.
PATIENCE = 1.0


class Browser(View):
    """A live view of jobs; `Session.browse` makes it.

    Select jobs on the page, or by `select`. Each button has the method of its name. The body of the job that was
    selected last is shown decoded.

    Attributes
    ----------
    jobs : Grid
        The table.

    Examples
    --------
    >>> view = session.browse("mail", state="buried", where="body like '%timeout%'")          # doctest: +SKIP
    >>> view.wait().select_all()
    >>> view.selection.groupby("priority").size()
    >>> view.kick()
    <Run 20260102-030405-1f2e kick: 10 done>
    """

    def __init__(self, session: Session, poller: Poller, name: str, selection: Selection) -> None:
        self._session = session.through("notebook")
        self._selection = selection
        self._scan: Scan | None = None
        self._thread: threading.Thread | None = None
        self.jobs = Grid(
            tables.JOBS,
            noun="job",
            actions=tables.FOUND_BUTTONS if not session.read_only else [tables.REFRESH],
            visible=15,
            filter=True,
            ask="where, in SQL: data->>'$.user' = '7' and age > interval 1 hour",
            on_select=weakly(self._selected),
            on_action=weakly(self._clicked),
            on_ask=weakly(self.find),
            on_cancel=weakly(self.cancel),
            on_error=weakly(self._complain),
        )
        self._desk = Desk(self.jobs, self._session.undo, weakly(self._done))
        super().__init__(str(session.address), name, poller, (self.jobs,))
        self.find(selection.where)

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> tuple[str, ...]:
        """No tube: it shows no heads."""
        return ()

    @property
    def followed(self) -> tuple[int, ...]:
        """The first of the selected jobs."""
        return tuple(int(key) for key in self.jobs.selected[:MOST_FOLLOWED])

    @property
    def where(self) -> str | None:
        """The predicate that the jobs were found with."""
        return self._selection.where

    @property
    def status(self) -> str:
        """The status line: what the last action came to, or what went wrong."""
        return self.jobs.said("status")

    @property
    def selection(self) -> pandas.DataFrame:
        """The selected jobs as they are now, with the columns of `Session.jobs`."""
        return self._session.jobs(ids=[int(key) for key in self.jobs.selected])

    def find(self, where: str | None = None) -> None:
        """Scan again, with this predicate; see `beanops.jobs.where`.

        Raises
        ------
        PredicateError
            It is none; the table stays as it is.
        """
        asked = self._selection._replace(where=(where or "").strip() or None)
        scan = self._session.scan(
            asked.tube,
            state=sorted(asked.states) or None,
            ids=asked.ids,
            where=asked.where,
            limit=asked.limit,
            order=asked.order,
        )
        with self._lock:
            if self._scan is not None:
                self._scan.cancel()
            self._selection, self._scan = asked, scan
            self.jobs.update({})
            self.jobs.say("ask", asked.where or "")
            self.jobs.say("status", "")
            self.jobs.say("detail", "")
            self.jobs.offer("refresh")
            self._thread = threading.Thread(target=self._read, args=(scan,), name="beanops-scan", daemon=True)
            self._thread.start()

    def refresh(self) -> None:
        """Scan again."""
        self.find(self.where)

    def cancel(self) -> None:
        """End the scan or the run under way after the batch that it is in."""
        self._desk.cancel()
        if self._scan is not None:
            self._scan.cancel()

    def wait(self, seconds: float | None = None) -> Self:
        """Wait until the scan and what was clicked are over, or so long."""
        if self._thread is not None:
            self._thread.join(seconds)
        if seconds is None:
            self._desk.wait()
        return self

    def select(self, *ids: int) -> None:
        """Select jobs; the body of the last is shown.

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
        """Select all jobs in the table, and show no body."""
        self.jobs.select(list(self.jobs.rows))

    # -- act -----------------------------------------------------------------------------------------------------

    def kick(self) -> Run:
        """Kick the selected jobs."""
        return self._act("kick")

    def bury(self) -> Run:
        """Bury the selected jobs."""
        return self._act("bury")

    def release(self) -> Run:
        """Release the selected jobs: make them ready."""
        return self._act("release")

    def delete(self) -> Run:
        """Delete the selected jobs."""
        return self._act("delete")

    def move(self, to: str) -> Run:
        """Move the selected jobs into another tube."""
        return self._act("move", to)

    def undo(self) -> list[Run]:
        """Take back what this view did last."""
        return self._desk.undo()

    def _act(self, verb: str, to: str = "") -> Run:
        keys = self.jobs.selected
        if not keys:
            raise UsageError("no job is selected; select some, or select(...)")
        (run,) = self._desk.act(verb, job_step(self._session, verb, keys, to))
        return run

    def _clicked(self, click: Click) -> None:
        if click.name == "refresh":
            self.refresh()
        elif click.name == "undo":
            self._desk.act_soon("undo", *self._desk.undoing(click.keys))
        else:
            self._desk.act_soon(click.name, job_step(self._session, click.name, click.keys, click.text))

    def _done(self, runs: Sequence[Run]) -> None:
        """Show what became of the jobs, and those that came to be."""
        touched = {id for run in runs for row in run.rows for id in (row.job_id, row.new_id) if id is not None}
        self._look_again(sorted(touched))

    # -- show ----------------------------------------------------------------------------------------------------

    def _read(self, scan: Scan) -> None:
        fresh: list[FoundJob] = []
        told = 0.0
        try:
            for batch in scan:
                fresh += batch
                if time.monotonic() - told >= PERIOD:
                    told = time.monotonic()
                    self._add(scan, fresh)
                    fresh = []
            self._add(scan, fresh, over=True)
        except BeanopsError as error:
            self._add(scan, fresh, over=True)
            self._complain(str(error))

    def _add(self, scan: Scan, jobs: list[FoundJob], over: bool = False) -> None:
        rows = tables.job_rows(jobs)
        with self._lock:
            if scan is not self._scan or self.closed:
                scan.cancel()
                return
            self.jobs.patch(rows)
            self.jobs.say("title", f"{tables.asked(self._selection)} · {scan.verdict if over else 'scanning'}")
            self.jobs.say("progress", "" if over else tables.scanning(scan.progress))
            if over:
                self.jobs.offer("refresh", "Scan again")

    def _look_again(self, ids: Sequence[int]) -> None:
        found = dict(zip(ids, self._session.jobs_by_id(ids), strict=True))
        with self._lock:
            self._show_jobs(found.items())

    def _show_jobs(self, found: Iterable[tuple[int, FoundJob | None]]) -> None:
        here: list[FoundJob] = []
        gone: list[str] = []
        for id, job in found:
            if job is not None and (str(id) in self.jobs.rows or self._selection.in_tube(job.stats.tube)):
                here.append(job)
            elif job is None:
                gone.append(str(id))
        self.jobs.patch(tables.job_rows(here), gone)
        if self.jobs.focus is None:
            self.jobs.say("detail", "")

    def _show(self, tick: Tick) -> None:
        if tick.lost is not None:
            self.jobs.say("title", f"{self._session.address} is lost: {tick.lost} · trying again", "lost")
            return
        if self.jobs.said("title").startswith(f"{self._session.address} is lost"):
            self.jobs.say("title", f"{tables.asked(self._selection)} · as it was before the server was lost")
        self._show_jobs((id, job) for id, job in tick.jobs.items() if str(id) in self.jobs.rows)

    def _selected(self, _: tuple[str, ...]) -> None:
        key = self.jobs.focus
        job = None
        if key is not None:
            (job,) = self._session.jobs_by_id([int(key)])
        with self._lock:
            if key == self.jobs.focus:  # another may have been chosen meanwhile
                self.jobs.say("detail", "" if job is None else tables.opened(job))

    def _complain(self, text: str) -> None:
        self.jobs.say("status", text, "error")

    def _static(self) -> tuple[str, str]:
        self.wait(PATIENCE)
        labels = [column.label for column in tables.JOBS]
        with self._lock:
            rows: list[Cells] = [(*cells[:-1], redact(cells[-1])) for cells in self.jobs.rows.values()]
            title = self.jobs.said("title") or tables.asked(self._selection)
        return html_table(title, labels, rows), text_table(title, labels, rows)

    def close(self) -> None:
        """Take it off the page, and end the scan."""
        if self._scan is not None:
            self._scan.cancel()
        super().close()
