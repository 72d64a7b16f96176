"""The journal: the runs on this server, newest first, with what came of them; the actions of one; undo from here.

A journal grows for years: runs and actions are read a page at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.session.record import OUTCOMES, Action, RunRow, action_of
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui import jobkeys, keys
from beanops.tui.acting import Acting
from beanops.tui.layout import Column
from beanops.tui.table import Table
from beanops.tui.view import Line, Part
from beanops.tui.watch import Live, Look
from beanops.tui.words import plural, span

#: Runs and actions of one page.
RUNS, ACTIONS = 200, 1000
#: What leaves nothing that could be taken back.
LASTING = ("reserve", "touch", "prune")
_SHORT = {"done": "done", "skipped": "skip", "failed": "fail", "unknown": "unkn"}
_STYLES = {"done": "ready", "skipped": "delayed", "failed": "buried", "unknown": "warn"}


class DoneRun(NamedTuple):
    """One run, and how many of its actions ended in which outcome."""

    run: RunRow
    counts: dict[str, int]

    @property
    def about(self) -> str:
        """What it was asked for, in words."""
        request = self.run.request
        ids = request.get("ids")
        parts = [str(request["jobs"])] if "jobs" in request else []
        parts += [str(request["tube"])] if "tube" in request else []
        parts += [str(request["run"])] if "run" in request else []
        if ids:
            parts.append(f"job {ids[0]}" if len(ids) == 1 else plural(len(ids), "job"))
        target = (request.get("settings") or {}).get("target")
        parts += [f"→ {target}"] if target else []
        parts += [f"where {request['where']}"] if request.get("where") else []
        return " ".join(parts)

    @property
    def lasting(self) -> bool:
        """Whether nothing of it can be taken back."""
        kicked = self.run.action == "kick" and "tube" in self.run.request
        return kicked or self.run.action in LASTING or not self.counts.get("done")


class DoneAction(NamedTuple):
    """One action, and its place in its run."""

    number: int
    action: Action


class Page(NamedTuple):
    """What a look at the journal found: rows, and how many there are in all."""

    kind: str
    first: int
    rows: tuple[Any, ...]
    total: int


def _text(
    title: str,
    width: int,
    narrow: int,
    text: Callable[[Any], str],
    style: Callable[[Any], str] = lambda row: "",
    **more: Any,
) -> Column[Any]:
    return Column(title, title, title, width, narrow, lambda row, width: text(row), text, style, left=True, **more)


def _count(name: str) -> Column[DoneRun]:
    def value(row: DoneRun) -> int:
        return row.counts.get(name, 0)

    return Column(
        name,
        name,
        _SHORT[name],
        8,
        6,
        lambda row, width: f"{value(row):,}" if value(row) else "",
        value,
        lambda row: _STYLES[name],
    )


RUN_COLUMNS: list[Column[DoneRun]] = [
    Column(
        "time",
        "time (UTC)",
        "UTC",
        19,
        14,
        lambda row, width: f"{row.run.time:%Y-%m-%d %H:%M:%S}"[-width:],
        lambda row: row.run.time,
        lambda row: "muted",
        left=True,
    ),
    _text("action", 9, 8, lambda row: row.run.action, lambda row: "strong"),
    *map(_count, OUTCOMES),
    _text("who", 30, 12, lambda row: f"{row.run.actor}, {row.run.source}", spare=1),
    _text("what", 20, 14, lambda row: row.about, grows=True),
]

ACTION_COLUMNS: list[Column[DoneAction]] = [
    Column(
        "time",
        "time (UTC)",
        "UTC",
        10,
        8,
        lambda row, width: f"{row.action.time:%H:%M:%S}",
        lambda row: row.number,
        lambda row: "muted",
        left=True,
    ),
    _text("action", 9, 8, lambda row: row.action.action, lambda row: "strong"),
    _text("outcome", 9, 7, lambda row: row.action.outcome, lambda row: _STYLES[row.action.outcome]),
    Column(
        "job",
        "job",
        "job",
        10,
        8,
        lambda row, width: "" if row.action.job_id is None else str(row.action.job_id),
        lambda row: row.action.job_id,
    ),
    _text(" was", 10, 9, lambda row: f" {row.action.state_before or ''}"),
    _text("tube", 24, 14, lambda row: row.action.tube or ""),
    _text("why not", 20, 20, lambda row: row.action.error or "", lambda row: "muted", grows=True),
]


def _runs(session: Session, page: int) -> Page:
    journal = session.journal()
    runs = journal.runs(str(session.address))[::-1]
    first = page * RUNS
    rows = [DoneRun(run, journal.counts(run.id)) for run in runs[first : first + RUNS]]
    return Page("runs", first, tuple(rows), len(runs))


def _actions(session: Session, run: RunRow, page: int) -> Page:
    entries = session.journal().entries(run.id)
    first = page * ACTIONS
    rows = [DoneAction(entry.n, action_of(run, entry)) for entry in entries[first : first + ACTIONS]]
    return Page(run.id, first, tuple(rows), len(entries))


class _Pages(Acting):
    """A screen with one page of the journal."""

    per_page = RUNS
    noun = "run"

    def __init__(self) -> None:
        super().__init__()
        self.page = 0
        self.total = 0

    @property
    def table(self) -> Table[Any]:
        """The rows."""
        return self.query_one(Table)

    @property
    def kind(self) -> str:
        """What its pages are of."""
        return "runs"

    def on_mount(self) -> None:
        """Begin with the first page."""
        self.table.focus()

    def on_screen_resume(self) -> None:
        """Look at once, also when what was over it is closed: something may have been done there."""
        self.dashboard.action_refresh()

    def show(self, live: Live) -> None:
        """Show the page; it is true also while the server is lost."""
        looked = live.looked
        if isinstance(looked, Page) and looked.kind == self.kind and looked.first == self.page * self.per_page:
            self.total = looked.total
            self.table.show(looked.rows)
        self.about()
        self.refresh_offers()

    def about(self) -> None:
        """Show the whole of what is under the cursor."""

    def caption(self) -> str:
        """Return how many there are, and which of them are shown."""
        if self.total <= self.per_page:
            return plural(self.total, self.noun)
        first = self.page * self.per_page
        return f"{first + 1:,} to {min(first + self.per_page, self.total):,} of {plural(self.total, self.noun)}"

    def action_page(self, step: int) -> None:
        """Go to another page."""
        page = self.page + step
        if 0 <= page * self.per_page < self.total:
            self.page = page
            self.table.action_top()
            self.dashboard.action_refresh()

    def action_back(self) -> None:
        """Go back to where it was opened."""
        self.app.pop_screen()


class JournalScreen(_Pages):
    """The runs."""

    TITLE = "Journal"
    BINDINGS: ClassVar[list[BindingType]] = [*jobkeys.JOURNAL, *jobkeys.UNDO_RUN, *keys.BACK]

    def body(self) -> ComposeResult:
        """Yield the table, and the whole of the run under the cursor."""
        yield Line(id="title")
        yield Table(RUN_COLUMNS, lambda row: row.run.id, self.dashboard.clock, empty="nothing was done yet", id="runs")
        yield Line(id="action")
        yield Line(id="why", grows=True)

    def on_mount(self) -> None:
        """Say what it is."""
        self.query_one("#title", Line).say([("journal: the runs on this server", "bold $primary")])

    def looking(self) -> Look:
        """Return the look at the page."""
        page = self.page
        return lambda session: _runs(session, page)

    @on(Table.Moved)
    def about(self) -> None:
        """Show the whole of the run under the cursor."""
        row = self.table.row
        self.query_one("#action", Line).say(_about(row.run) if row else [])
        self.query_one("#why", Line).say([(safe_text(row.about), "")] if row else [])
        self.refresh_offers()

    def undoable(self) -> tuple[tuple[str, ...], str]:
        """Return the run under the cursor."""
        row = self.table.row if self.is_mounted else None
        if self.passive or row is None or row.lasting:
            return (), ""
        return (row.run.id,), _sentence(row)

    def action_open(self) -> None:
        """Open the run under the cursor."""
        row = self.table.row
        if row is not None:
            self.app.push_screen(RunScreen(row))

    @on(Table.Opened)
    def _clicked(self) -> None:
        self.action_open()


class RunScreen(_Pages):
    """The actions of one run.

    Parameters
    ----------
    run : DoneRun
        The run.
    """

    TITLE = "Run"
    BINDINGS: ClassVar[list[BindingType]] = [*jobkeys.RUN, *jobkeys.UNDO_RUN, *keys.BACK]
    per_page = ACTIONS
    noun = "action"

    def __init__(self, run: DoneRun) -> None:
        super().__init__()
        self._run = run

    def body(self) -> ComposeResult:
        """Yield what the run was, its actions, and the whole of the one under the cursor."""
        yield Line(id="title")
        yield Line(id="action")
        yield Table(ACTION_COLUMNS, lambda row: row.number, self.dashboard.clock, empty="no action", id="done")
        yield Line(id="why", grows=True)

    def on_mount(self) -> None:
        """Say what it was."""
        self.query_one("#title", Line).say([("run of ", "$muted"), (safe_text(_sentence(self._run)), "bold $primary")])
        self.query_one("#action", Line).say(_about(self._run.run))

    @property
    def kind(self) -> str:
        """The run's id."""
        return self._run.run.id

    def looking(self) -> Look:
        """Return the look at the page."""
        run, page = self._run.run, self.page
        return lambda session: _actions(session, run, page)

    @on(Table.Moved)
    def about(self) -> None:
        """Show the whole of the action under the cursor."""
        row = self.table.row
        parts = _about_action(row.action) if row else []
        self.query_one("#why", Line).say(parts)

    def undoable(self) -> tuple[tuple[str, ...], str]:
        """Return this run."""
        if self.passive or self._run.lasting:
            return (), ""
        return (self._run.run.id,), _sentence(self._run)


def _sentence(row: DoneRun) -> str:
    counts = ", ".join(f"{row.counts[name]:,} {name}" for name in OUTCOMES if row.counts.get(name))
    return f"{row.run.action}: {counts or '0 done'}"


def _facts(facts: dict[str, str]) -> list[Part]:
    parts: list[Part] = []
    for name, value in facts.items():
        if value:
            parts += [(f"{name} ", "$muted"), (safe_text(value), ""), ("  ", "")]
    return parts


def _about(run: RunRow) -> list[Part]:
    return _facts(
        {
            "run": run.id,
            "by": f"{run.actor}, {run.source}",
            "undoes": run.undoes or "",
            "because": run.reason or "",
        }
    )


def _about_action(action: Action) -> list[Part]:
    facts = {
        "priority": "" if action.priority is None else str(action.priority),
        "delay": "" if not action.delay else span(action.delay),
        "new id": "" if action.new_id is None else str(action.new_id),
    }
    return [*_facts(facts), (safe_text(action.error or ""), "")]
