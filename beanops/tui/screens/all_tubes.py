"""The tubes of several servers in one list, the worst first; Enter goes to the tube on its server.

Actions are for the selected tubes of all servers at once: see `beanops.tui.actions.several`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.actions import catalogue
from beanops.tui.actions.request import Offer, Request, Target
from beanops.tui.actions.several import target_of
from beanops.tui.screens.servers import SeveralServers
from beanops.tui.server_states import LeftAs, TubeOfServer
from beanops.tui.tubes.filters import BadFilter, parse
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.servers import FleetRow, fleet_columns, own_problems
from beanops.ui.runner import LastAction
from beanops.ui.server_pollers import ServerState


class FleetTable(RowTable[FleetRow]):
    """The tubes of all servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SELECTION, *keys.SORT]


class AllTubesScreen(SeveralServers):
    """All tubes of all servers. A server that is silent, or that has a problem itself, has a row of its own."""

    TITLE = "All tubes"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.ALL_TUBES,
        *catalogue.bindings("tubes", also=("kick",)),
        *keys.UNDO,
    ]

    def body(self) -> ComposeResult:
        """Yield the names of the servers that are silent, the table, what is under the cursor, and the filter."""
        yield Line(id="title", grows=True)
        yield FleetTable(
            fleet_columns(self.host.clock),
            lambda row: row.key,
            self.host.clock,
            sort="problem",
            empty="loading ...",
            id="all-tubes",
        )
        yield Line(id="about", grows=True)
        hint = "tube or server: text, glob* or /regular expression; ! inverts"
        yield Input(placeholder=hint, id="filter", compact=True)

    @property
    def table(self) -> FleetTable:
        """The tubes."""
        return self.query_one(FleetTable)

    @property
    def filter(self) -> Input:
        """The input of the filter."""
        return self.query_one(Input)

    def on_mount(self) -> None:
        """Show the list as it was left."""
        left = self.host.servers.left
        table = self.table
        table.sort_key, table.descending = left.sort, left.descending
        if left.cursor is not None:
            table.select(left.cursor)
        with self.prevent(Input.Changed):
            self.filter.value = left.filter
        self.filter.display = bool(left.filter)
        table.keep(self._passes())
        self.host.servers.read()
        self.tick()
        table.focus()

    def keep(self) -> None:
        """Note how the list is left."""
        table = self.table
        cursor = table.row.key if table.row is not None else None
        self.host.servers.left = LeftAs(cursor, self.filter.value, table.sort_key or "problem", table.descending)

    def wanted(self) -> Collection[str]:
        """Return the tubes in view of the server that is shown."""
        return {row.seen.name for row in self._in_sight() if row.seen is not None and row.state.here}

    def wanted_elsewhere(self) -> dict[str, set[str]]:
        """Return the tubes in view, by the name of another server."""
        wanted: dict[str, set[str]] = {}
        for row in self._in_sight():
            if row.seen is not None and not row.state.here:
                wanted.setdefault(row.state.profile.name, set()).add(row.seen.name)
        return wanted

    def _in_sight(self) -> Collection[FleetRow]:
        return self.table.in_sight if self.is_mounted else ()

    def fill(self) -> None:
        """Show the tubes that pass the filter, and the servers that are silent."""
        states = self.host.servers.distinct()
        self._show_title(states)
        table, rows = self.table, self._rows(states)
        table.show(rows)
        if table.lost is not None and table.lost[1] is None:
            # The row of a server that had not answered yet: its tubes stand for it now.
            table.begin_at_top()
            table.show(rows)
        self._show_about()
        super().fill()

    def _rows(self, states: list[ServerState]) -> list[FleetRow]:
        rows = []
        for state in states:
            if state.silence or state.live.survey is None or own_problems(state):
                rows.append(FleetRow(state, None))
            rows += [FleetRow(state, seen) for seen in state.live.tubes.values()]
        return rows

    def _show_title(self, states: list[ServerState]) -> None:
        silent = [state for state in states if state.silence]
        number = f"  {plural(len(states), 'server')}  "
        parts: list[Part] = [("tubes of all servers", "bold $primary"), (number, "$muted")]
        if silent:
            parts.append((f"{plural(len(silent), 'server')} without an answer: ", "bold $buried"))
        for state in silent:
            parts += [(safe_text(f"{state.profile.name} {state.silence_text()}"), "bold $buried"), ("  ", "")]
        if self.host.servers.error:
            parts.append((safe_text(self.host.servers.error), "bold $buried"))
        self.query_one("#title", Line).say(parts)

    @on(RowTable.Moved)
    @on(RowTable.SelectionChanged)
    def _show_about(self) -> None:
        self.refresh_offers()
        self._show_status()
        row, about = self.table.row, self.query_one("#about", Line)
        if row is None:
            about.say([("no longer exists: move the cursor to another row", "$muted")] if self.table.lost else [])
            return
        profile = row.state.profile
        address = f"  {safe_text(profile.address)}  "
        parts: list[Part] = [(safe_text(profile.name), "bold $primary"), (address, "$muted")]
        problems = own_problems(row.state) if row.seen is None else row.seen.problems
        if row.seen is not None:
            parts += [(safe_text(row.seen.name), "bold $primary"), ("  ", "")]
        if row.state.silence:
            parts += [(safe_text(f"{row.state.silence_text()}  "), "bold $buried")]
        for problem in problems:
            lasts = span(max(0.0, self.host.clock() - problem.since))
            parts += [(f"{problem.title}, for {lasts}: ", "bold $buried"), (f"{safe_text(problem.reason)}  ", "")]
        about.say(parts)

    def captions(self) -> list[Part]:
        """Return the number of tubes selected and shown, and the filter."""
        selected = len(self.table.selected)
        return [(f"{selected:,} selected  ", "bold $delayed"), *super().captions()] if selected else super().captions()

    def caption(self) -> str:
        """Return the number of tubes shown, and the filter."""
        shown = sum(row.seen is not None for row in self.table.rows)
        total = sum(len(state.live.tubes) for state in self.host.servers.distinct())
        text = self.filter.value
        try:
            parse(text)
        except BadFilter as error:
            return f"invalid regular expression: {safe_text(str(error), limit=30)}"
        if text:
            return f"{shown:,} of {plural(total, 'tube')} with '{safe_text(text, limit=30)}'"
        return plural(total, "tube")

    # -- act -----------------------------------------------------------------------------------------------------------

    def target(self) -> Target | None:
        """Return the selected tubes, else the one under the cursor, of servers that answer."""
        table = self.table
        selected = set(table.selected)
        rows = [row for row in table.rows if row.key in selected] if selected else [table.row] if table.row else []
        return target_of(
            TubeOfServer(row.state.profile, row.state.live.survey.server.id, row.seen.stats)
            for row in rows
            if row.seen is not None and row.state.live.survey is not None and not row.state.silence
        )

    def hindrance(self, offer: Offer | None = None) -> str:
        """Return why an action is not possible now; a server that does not answer has no part in it."""
        changes = offer is None or offer.changes
        return "this session is read-only" if changes and self.host.read_only else ""

    def undoable(self) -> LastAction:
        """Return the last action on several servers."""
        return LastAction() if self.passive else self.host.servers.last

    def undo(self, undone: LastAction) -> None:
        """Have an undo on all servers confirmed, then carried out."""
        if undone.runs:
            on = self.host.servers.acted_on
            self.confirm(Request(catalogue.UNDO, self.host.session, (), answers={"undone": undone}, on=on))

    # -- keys ----------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the filter where it has no focus."""
        if action == "filter":
            return not (self.is_mounted and self.focused is self.filter)
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Go to the tube under the cursor, or to the server."""
        row = self.table.row
        if row is None:
            return
        self.keep()
        if row.seen is None:
            self.host.action_tubes() if row.state.here else self.host.switch(row.state.profile)
            return
        name = row.seen.name
        if row.state.here:
            self.host.open_tube_from_all(name)
        else:
            self.host.switch(row.state.profile, lambda: self.host.open_tube_from_all(name))

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    @on(RowTable.Sorted)
    def _sorted(self) -> None:
        self.keep()

    def action_filter(self) -> None:
        """Focus the filter."""
        self.filter.display = True
        self.set_focus(self.filter)
        self.refresh_bindings()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.table.keep(self._passes())
        self.fill()

    def _passes(self) -> Callable[[FleetRow], bool] | None:
        try:
            passes = parse(self.filter.value)
        except BadFilter:
            return None
        if passes is None:
            return None
        inverse = self.filter.value.startswith("!")
        both = all if inverse else any
        return lambda row: both(map(passes, filter(None, row.key)))

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.filter.display = bool(self.filter.value)
        self.set_focus(self.table)
        self.refresh_bindings()
        self.keep()

    def action_back(self) -> None:
        """Clear selection, then the filter; without both, go back to the screen that it was opened from."""
        if self.table.selection and self.table.has_focus:
            self.table.clear_selection()
        elif self.filter.value or self.focused is self.filter:
            self.filter.value = ""
            self._filter_done()
        else:
            self.keep()
            super().action_back()
