"""The journal: the runs on this server, newest first, with their outcomes and undo; and the actions of one run.

A journal grows for years: runs and actions are read page by page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.journal import explanations
from beanops.journal.records import JournalError, RunRow, action_of
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Request
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.journal_rows import about_action, about_run, done_runs, sentence, undoable_of
from beanops.tui.widgets.line import Line
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.journal import RUN_COLUMNS, DoneAction, DoneRun, action_columns
from beanops.ui.poller import Live, Look
from beanops.ui.runner import LastAction

#: Runs and actions on one page.
RUNS, ACTIONS = 200, 1000


Rows = tuple[tuple[Any, ...], int]


class JournalPage(NamedTuple):
    """The result of reading a page: rows from `first` on, and their total; or an error.

    `stamp` changes with the journal; `nothing` says what else the journal has where no row is found.
    """

    kind: str
    first: int
    rows: tuple[Any, ...] = ()
    total: int = 0
    stamp: tuple[int, ...] = ()
    error: str = ""
    nothing: str | None = None


def _runs(session: Session, first: int) -> Rows:
    journal, server = session._context.journal(), str(session.address)
    runs = journal.runs(server, limit=RUNS, offset=first)
    return done_runs(journal, server, runs), journal.count_runs(server)


def _actions(run: RunRow, session: Session, first: int) -> Rows:
    journal = session._context.journal()
    entries = journal.entries(run.id, start=first, stop=first + ACTIONS)
    return tuple(DoneAction(entry.n, action_of(run, entry)) for entry in entries), journal.size(run.id)


class JournalPages(FullScreen):
    """A screen with one page of the journal."""

    topic = "journal"
    per_page = RUNS
    noun = "run"
    empty = "no runs yet"

    def __init__(self) -> None:
        super().__init__()
        self.page = 0
        self.total = 0
        self._stamp: tuple[int, ...] = ()
        self._error = ""

    @property
    def table(self) -> RowTable[Any]:
        """The rows."""
        return self.query_one(RowTable)

    @property
    def kind(self) -> str:
        """What its pages show."""
        return "runs"

    def reader(self) -> Callable[[Session, int], Rows]:
        """Return the function that reads a page and counts all rows; it runs in the sampling thread."""
        return _runs

    def looking(self) -> Look:
        """Return a look at the page, which reads it only if the journal has changed."""
        kind, first, read, known = self.kind, self.page * self.per_page, self.reader(), self._stamp

        def look(session: Session) -> JournalPage | None:
            try:
                journal = session._context.journal()
                stamp = first, journal.stamp(), journal.count_runs(str(session.address))
                if stamp == known:
                    return None
                rows, total = read(session, first)
                said = None if total else explanations.no_runs_on(journal, str(session.address))
                return JournalPage(kind, first, rows, total, stamp, nothing=said)
            except JournalError as error:
                # The server is asked all the same.
                return JournalPage(kind, first, error=str(error))

        return look

    def on_mount(self) -> None:
        """Focus the table."""
        self.table.focus()

    def on_screen_resume(self) -> None:
        """Refresh now, also after a screen above is closed: it may have acted."""
        self.host.action_refresh()

    def show(self, live: Live) -> None:
        """Show the page, also while the server is lost."""
        looked = live.looked
        if isinstance(looked, JournalPage) and looked.kind == self.kind and looked.first == self.page * self.per_page:
            self._error, self._stamp = looked.error, looked.stamp
            self.table.empty = safe_text(looked.error or "; ".join(filter(None, [self.empty, looked.nothing])))
            if not looked.error:
                self.total = looked.total
            self.table.show(looked.rows if not looked.error else self.table.rows)
        self.about()
        self.refresh_offers()

    def about(self) -> None:
        """Show the details of the row under the cursor."""

    def caption(self) -> str:
        """Return the total, and the rows on this page."""
        if self._error:
            return f"cannot read: {safe_text(self._error)}"
        if not self._stamp:
            return "loading ..."
        if self.total <= self.per_page:
            return plural(self.total, self.noun)
        first = self.page * self.per_page
        return f"{first + 1:,} to {min(first + self.per_page, self.total):,} of {plural(self.total, self.noun)}"

    def action_page(self, step: int) -> None:
        """Go to another page."""
        page = self.page + step
        if 0 <= page * self.per_page < self.total:
            self.page = page
            self.table.select(None)
            self.host.thaw(self)
            self.host.action_refresh()

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()


class JournalScreen(JournalPages):
    """The runs."""

    TITLE = "Journal"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.JOURNAL, *keys.UNDO_RUN, *keys.BACK]

    def body(self) -> ComposeResult:
        """Yield the table, and the details of the run under the cursor."""
        yield Line(id="title")
        yield RowTable(RUN_COLUMNS, lambda row: row.run.id, self.host.clock, empty="loading ...", id="runs")
        yield Line(id="action")
        yield Line(id="why", grows=True)

    def on_mount(self) -> None:
        """Show the title."""
        self.query_one("#title", Line).say([("journal: runs on this server", "bold $primary")])

    @on(RowTable.Moved)
    def about(self) -> None:
        """Show the details of the run under the cursor."""
        row = self.table.row
        self.query_one("#action", Line).say(about_run(row.run) if row else [])
        self.query_one("#why", Line).say([(safe_text(row.about), "")] if row else [])
        self.refresh_offers()

    def undoable(self) -> LastAction:
        """Return the run under the cursor."""
        row = self.table.row if self.is_mounted else None
        return LastAction() if self.passive or row is None else undoable_of(row)

    def action_open(self) -> None:
        """Open the run under the cursor."""
        row = self.table.row
        if row is not None:
            self.app.push_screen(RunScreen(row))

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()


class RunScreen(JournalPages):
    """The actions of one run.

    Parameters
    ----------
    run : DoneRun
        The run.
    """

    TITLE = "Run"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.RUN, *keys.UNDO_RUN, *keys.BACK]
    per_page = ACTIONS
    noun = "action"
    empty = "no actions"

    def __init__(self, run: DoneRun) -> None:
        super().__init__()
        self._run = run

    def body(self) -> ComposeResult:
        """Yield the run, its actions, and the details of the one under the cursor."""
        yield Line(id="title")
        yield Line(id="action")
        columns = action_columns("tui")
        yield RowTable(columns, lambda row: row.number, self.host.clock, empty="loading ...", id="done")
        yield Line(id="why", grows=True)

    def on_mount(self) -> None:
        """Show the title."""
        self.query_one("#title", Line).say([("run of ", "$muted"), (safe_text(sentence(self._run)), "bold $primary")])
        self.query_one("#action", Line).say(about_run(self._run.run))

    @property
    def kind(self) -> str:
        """The run's id."""
        return self._run.run.id

    def reader(self) -> Callable[[Session, int], Rows]:
        """Return the function that reads the run's actions."""
        return partial(_actions, self._run.run)

    @on(RowTable.Moved)
    def about(self) -> None:
        """Show the details of the action under the cursor."""
        row = self.table.row
        parts = about_action(row.action) if row else []
        self.query_one("#why", Line).say(parts)

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Offer no second undo."""
        if request.offer.name == "undo" and outcome.done:
            self._run = self._run._replace(lasting="already undone")
        super().acted(request, outcome)

    def undoable(self) -> LastAction:
        """Return this run."""
        return LastAction() if self.passive else undoable_of(self._run)
