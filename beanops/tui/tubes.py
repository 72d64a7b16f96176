"""The first screen: all tubes, sorted and filtered."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from beanops.monitor.rates import UNKNOWN
from beanops.text import safe_text
from beanops.tui import columns, keys
from beanops.tui.columns import TubeRow
from beanops.tui.table import Table
from beanops.tui.tube import TubeScreen
from beanops.tui.view import View
from beanops.tui.watch import Live
from beanops.tui.words import plural


class TubeTable(Table[TubeRow]):
    """The tubes."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MARKS, *keys.SORT]


class TubesScreen(View):
    """All tubes of the server."""

    TITLE = "Tubes"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.TUBES]

    def body(self) -> ComposeResult:
        """Yield the table, and the filter that shows when it is asked for."""
        yield TubeTable(
            columns.TUBES,
            lambda row: row.stats.name,
            self.dashboard.clock,
            sort="name",
            empty="no tube here",
            id="tubes",
        )
        yield Input(placeholder="part of a tube's name", id="filter", compact=True, select_on_focus=False)

    @property
    def table(self) -> TubeTable:
        """The tubes."""
        return self.query_one(TubeTable)

    @property
    def filter(self) -> Input:
        """Where the filter is typed."""
        return self.query_one("#filter", Input)

    def on_mount(self) -> None:
        """Begin with the table."""
        self.filter.display = False
        self.table.focus()

    def show(self, live: Live) -> None:
        """Show the tubes of a snapshot."""
        self.table.stale = live.stale
        if live.snapshot is not None:
            self.table.show(TubeRow(tube, live.rates.get(tube.name, UNKNOWN)) for tube in live.snapshot.tubes)

    def caption(self) -> str:
        """Return how many tubes are shown."""
        table, text = self.table, self.filter.value
        if not text:
            return plural(table.given, "tube")
        return f"{len(table.rows):,} of {plural(table.given, 'tube')} with '{safe_text(text, limit=30)}'"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer Esc only where it does something, and Enter where there is a tube."""
        if action == "back":
            return self.is_mounted and self.filter.display
        return True

    def action_open(self) -> None:
        """Open the tube under the cursor."""
        row = self.table.row
        if row is not None:
            self.app.push_screen(TubeScreen(row.stats.name))

    @on(Table.Opened)
    def _clicked(self) -> None:
        self.action_open()

    def action_filter(self) -> None:
        """Ask for the filter."""
        self.filter.display = True
        self.filter.focus()
        self.refresh_bindings()

    def action_back(self) -> None:
        """Clear the filter."""
        self.filter.value = ""
        self._close_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, changed: Input.Changed) -> None:
        text = changed.value.lower()
        self.table.keep((lambda row: text in row.stats.name.lower()) if text else None)
        self._show_status()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        if self.filter.value:
            self.table.focus()
        else:
            self._close_filter()

    def _close_filter(self) -> None:
        self.filter.display = False
        self.table.focus()
        self.refresh_bindings()
