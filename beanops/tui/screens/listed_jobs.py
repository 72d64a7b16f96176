"""`ListedJobs`: what the list of a tube's jobs shows: the columns that the user chose, and jobs as they are put."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import on, work
from textual.worker import get_current_worker

from beanops.session.session import Session
from beanops.tui.bodies.path import BodyPath
from beanops.tui.jobs.chosen_columns import JobColumns, keep_columns, kept_columns
from beanops.tui.jobs.feed import Wanted
from beanops.tui.jobs.tail import JobTail, Tailed
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.job_rows import JobRow, Summaries
from beanops.tui.widgets.job_table import JobTable

#: New jobs that are kept while the dashboard is frozen, the newest.
WAITING = 2000
#: Seconds between two changes of a long list, and the rows of one.
PAUSE, LONG = 0.5, 2000


class ListedJobs(FullScreen):
    """A screen with a list of jobs.

    Parameters
    ----------
    session : Session
        Redacts bodies.
    tube : str
        The tube.
    """

    def __init__(self, session: Session, tube: str) -> None:
        super().__init__()
        self.tube = tube
        self._reader = Summaries(session)
        self._tail: JobTail | None = None
        # New jobs that are not in the list yet, and when the last ones came into it.
        self._new: list[JobRow] = []
        self._grown = 0.0

    @property
    def table(self) -> JobTable:
        """The jobs."""
        return self.query_one(JobTable)

    @property
    def listed(self) -> Wanted:
        """The jobs that are wanted in the list."""
        raise NotImplementedError

    def search_again(self) -> None:
        """Search for the same jobs once more."""
        raise NotImplementedError

    # -- columns -----------------------------------------------------------------------------------------------------

    def show_columns(self) -> None:
        """Show the columns that were chosen before."""
        self._show_chosen(kept_columns(self.host.state_file, self._server, self.tube))

    @property
    def _server(self) -> str:
        return str(self.host.session.address)

    def _show_chosen(self, chosen: JobColumns) -> None:
        layout = self.table.jobs_layout
        layout.chosen, layout.paths = chosen
        self._reader.paths = chosen.paths
        self.table.lay_out()
        if chosen.paths:
            self._read_values(self.table.found, chosen.paths)

    @work(thread=True, exit_on_error=False, exclusive=True, group="values")
    def _read_values(self, rows: Sequence[JobRow], paths: Sequence[BodyPath]) -> None:
        # The jobs of a long list are sorted by what is known already.
        worker = get_current_worker()
        for row in rows:
            if worker.is_cancelled:
                return
            row.read_values(paths)

    def action_columns(self) -> None:
        """Choose the columns of the list."""
        from beanops.tui.dialogs.job_columns import JobColumnPicker  # the first paint must not wait for it

        table, layout = self.table, self.table.jobs_layout

        def answered(chosen: JobColumns | None) -> None:
            if chosen is None:
                return
            self._show_chosen(chosen)
            keep_columns(self.host.state_file, self._server, self.tube, chosen)
            if not all(row.knows(chosen.paths) for row in table.rows):
                self.search_again()  # of large bodies only the values of known paths are kept

        now = JobColumns(layout.chosen, layout.paths)
        self.app.push_screen(JobColumnPicker(self.tube, table.rows, now, table.columns), answered)

    # -- jobs as they are put ----------------------------------------------------------------------------------------

    def action_tail(self) -> None:
        """Show jobs as they are put, or no longer."""
        if self._tail is not None:
            self.end_tail()
            self.table.follow(on=False)
        else:
            self.begin_tail()
            self.table.follow(on=True)
        self._show_status()

    def begin_tail(self) -> None:
        """Show jobs as they are put."""
        self._tail, self._new = JobTail(self.listed, self._reader), []
        self._follow_new(self._tail)

    def end_tail(self) -> None:
        """Ask for no more of them."""
        if self._tail is not None:
            self._tail.stop()
        self._tail, self._new = None, []

    def tail_again(self) -> None:
        """Show those of other jobs, if any are shown."""
        if self._tail is not None:
            self._tail.stop()
            self.begin_tail()

    @work(thread=True, exit_on_error=False, group="tail")
    def _follow_new(self, tail: JobTail) -> None:
        tail.run(self.host.session, self.post_message)

    @on(Tailed)
    def _tailed(self, tailed: Tailed) -> None:
        if tailed.tail is not self._tail:
            return
        for note in tailed.notes:
            self.host.say(note, note == "connected again")
        if tailed.tail.error:
            self.end_tail()
            self.table.follow(on=False)
            self.host.say(f"live: {tailed.tail.error}", False)
        self._new = [*self._new, *tailed.rows][-WAITING:]
        self.show_new()
        self._show_status()

    def show_new(self, _: Any = None) -> None:
        """Put new jobs on top of the list, unless the dashboard is frozen, or a long list has just changed."""
        pause = PAUSE if len(self.table.rows) > LONG else 0.0
        if self._new and self.host.frozen is None and not 0 <= self.host.clock() - self._grown < pause:
            rows, self._new, self._grown = self._new, [], self.host.clock()
            self.table.put_on_top(rows[::-1])

    @property
    def live_caption(self) -> Sequence[str]:
        """The number of jobs that were put since they are shown."""
        if self._tail is None:
            return ()
        waiting = f", {len(self._new):,} wait (frozen)" if self._new and self.host.frozen is not None else ""
        return (f"{self._tail.caption}{waiting}",)
