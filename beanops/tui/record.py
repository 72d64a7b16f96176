"""The actions screen: what this session did, newest first, and what came of it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui import columns, keys
from beanops.tui.columns import DoneRow
from beanops.tui.table import Table
from beanops.tui.view import Line, Part, View
from beanops.tui.watch import Live, Look
from beanops.tui.words import plural, span


class DoneTable(Table[DoneRow]):
    """The actions."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SORT]


class Done(tuple[DoneRow, ...]):
    """What a look at the record found."""

    __slots__ = ()


def _look(session: Session) -> Done:
    return Done(DoneRow(number, action) for number, action in enumerate(session.action_rows(), 1))


class RecordScreen(View):
    """What was done in this session."""

    TITLE = "Actions"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BACK]

    def body(self) -> ComposeResult:
        """Yield the table, and the whole of the action under the cursor."""
        yield Line(id="title")
        yield DoneTable(
            columns.DONE,
            lambda row: row.number,
            self.dashboard.clock,
            sort="time",
            empty="nothing was done yet",
            id="done",
        )
        yield Line(id="action")
        yield Line(id="why", grows=True)

    @property
    def table(self) -> DoneTable:
        """The actions."""
        return self.query_one(DoneTable)

    def on_mount(self) -> None:
        """Begin with the newest."""
        self.query_one("#title", Line).say([("actions of this session", "bold $primary")])
        self.table.descending = True
        self.table.focus()
        self.dashboard.action_refresh()

    def looking(self) -> Look:
        """Return the look at the record."""
        return _look

    def show(self, live: Live) -> None:
        """Show the record; it is true also while the server is lost."""
        if isinstance(live.looked, Done):
            self.table.show(live.looked)
            self._show_action()

    def caption(self) -> str:
        """Return how many there are."""
        return plural(self.table.given, "action")

    @on(Table.Moved)
    def _show_action(self) -> None:
        row = self.table.row
        self.query_one("#action", Line).say(_about(row) if row else [])
        why = safe_text(row.action.error) if row and row.action.error else ""
        self.query_one("#why", Line).say([(why, "")])

    def action_back(self) -> None:
        """Go back to where it was opened."""
        self.app.pop_screen()


def _about(row: DoneRow) -> list[Part]:
    action = row.action
    facts = {
        "run": action.run,
        "by": f"{action.actor}, {action.source}",
        "priority": "" if action.priority is None else str(action.priority),
        "delay": "" if not action.delay else span(action.delay),
    }
    parts: list[Part] = []
    for name, value in facts.items():
        if value:
            parts += [(f"{name} ", "$muted"), (safe_text(value), ""), ("  ", "")]
    return parts
