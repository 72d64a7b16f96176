"""The first screen: all tubes, sorted, filtered and folded as the state file says for this server."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from beanops.monitor.survey import IN_TURN, Seen
from beanops.protocol import TubeStats
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions import catalogue
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Offer, Request, Target
from beanops.tui.actions.selected import all_in
from beanops.tui.screens.base import FullScreen
from beanops.tui.screens.preview import TubePreview
from beanops.tui.state import Shown
from beanops.tui.tubes.filters import BadFilter, parse
from beanops.tui.tubes.groups import Folder, glob_of
from beanops.tui.tubes.idle import IdleFold
from beanops.tui.widgets.line import Part
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.tubes import SEEN, tube_columns
from beanops.ui.columns.why import IDLE_TUBES, is_idle
from beanops.ui.poller import Live

#: Shown while the tube under the cursor does not exist.
GONE = "no longer exists: move the cursor to another tube"


class TubeTable(RowTable[Seen]):
    """The tubes."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SELECTION, *keys.SORT]


class TubesScreen(FullScreen):
    """All tubes of the server."""

    TITLE = "Tubes"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.TUBES,
        *keys.PREVIEW,
        *catalogue.bindings("tubes", also=("kick",)),
        *keys.UNDO,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._folder = Folder()
        self._idle = IdleFold()
        self._chosen: tuple[str, ...] = ()
        self._shown = 0
        self._bad = ""
        # The tubes with problems that the filter hides.
        self._hidden = 0

    def body(self) -> ComposeResult:
        """Yield the table, the details of the tube under the cursor, and the filter."""
        with Vertical(id="main"):
            yield TubeTable(
                tube_columns("tui", self.host.clock),
                lambda row: row.stats.name,
                self.host.clock,
                sort=Shown().sort,
                empty="loading ...",
                id="tubes",
            )
            yield TubePreview(self._hints, id="preview")
        hint = "text, glob* or /regular expression; ! inverts"
        yield Input(placeholder=hint, id="filter", compact=True, select_on_focus=False)

    @property
    def table(self) -> TubeTable:
        """The tubes."""
        return self.query_one(TubeTable)

    @property
    def preview(self) -> TubePreview:
        """What is known of the tube under the cursor."""
        return self.query_one(TubePreview)

    @property
    def filter(self) -> Input:
        """The input of the filter."""
        return self.query_one(Input)

    def on_mount(self) -> None:
        """Show the tubes as they were left."""
        self.begin()

    def begin(self) -> None:
        """Show the tubes of another server as they were left."""
        self.show_profile()
        self.instance = ""
        self.table.clear_selection()
        self.table.select(None)
        state_file = self.host.state_file
        shown = state_file.shown(self.host.profile.name) if state_file is not None else Shown()
        if shown.sort in self.table.columns:
            self.table.sort_key, self.table.descending = shown.sort, shown.descending
        self._chosen = shown.columns
        self._folder, self._idle = Folder(), IdleFold()
        self._folder.globs = list(shown.groups)
        self.preview.wanted = shown.preview
        self.filter.value = shown.filter
        self.filter.display = bool(shown.filter)
        self.table.focus()

    def keep(self) -> None:
        """Save how the tubes are shown."""
        state_file = self.host.state_file
        if state_file is not None:
            table = self.table
            shown = Shown(
                table.sort_key or Shown().sort,
                table.descending,
                self.filter.value,
                self._chosen,
                tuple(self._folder.globs),
                self.preview.wanted,
            )
            state_file.keep(self.host.profile.name, shown)

    # -- show --------------------------------------------------------------------------------------------------------

    def wanted(self) -> set[str]:
        """Return the tubes in sight, then the selected ones, then those of groups, as many as one look asks for."""
        if not self.is_mounted:
            return set()
        rows = self.table.in_sight
        names = chain(
            (row.name for row in rows), self.table.selection.keys, (name for row in rows for name in row.members)
        )
        return set(islice(names, IN_TURN))

    def show(self, live: Live) -> None:
        """Show the tubes."""
        self._fill(live)

    def _fill(self, live: Live, *, requested: bool = False) -> None:
        """Show the tubes that pass the filter, groups folded."""
        self.table.stale = live.stale
        survey = live.survey
        not_one = f"no tube matches the filter; {self.host.key_of('tubes.clear')} shows all"
        self.table.empty = "loading ..." if survey is None else not_one if self.filter.value else "no tubes"
        if survey is None:
            self._shown = 0
            self.table.show(())
            self._show_about()
            return
        self._choose(full=survey.full)
        tubes = survey.tubes.values()
        try:
            passes = parse(self.filter.value)
            self._bad = ""
        except BadFilter as error:
            passes, self._bad = None, str(error)
        shown = tubes if passes is None else [tube for tube in tubes if passes(tube.name)]
        self._shown = len(shown)
        wrong = sum(bool(tube.problems) for tube in tubes) if passes is not None else 0
        self._hidden = wrong - sum(bool(tube.problems) for tube in shown) if passes is not None else 0
        rows: Sequence[Seen] = tuple(self._folder.fold(shown, survey.at))
        if self.table.sort_key == "problem" and not self.filter.value:
            table = self.table
            rows = self._idle.fold(
                rows, survey.at, {table.row.name if table.row else table.lost, *table.selection.keys}
            )
        self.table.show(rows, requested=requested)
        self._show_about()

    def _choose(self, *, full: bool) -> None:
        every = [column.name for column in self.table.every]
        chosen = self._chosen or every
        # The age of a row is shown only where a look does not ask for every tube.
        self.table.choose(key for key in chosen if key != SEEN) if full else self.table.choose((*chosen, SEEN))

    def captions(self) -> list[Part]:
        """Return the number of tubes shown and selected, and the filter, which hides tubes and must not be missed."""
        live = self.host.live
        if live.survey is None:
            return [("no tubes yet", "$muted")]
        total, parts = plural(len(live.tubes), "tube"), list[Part]()
        if selected := len(self.table.selected):
            parts.append((f"{selected:,} selected  ", "bold $delayed"))
        if self._bad:
            parts.append((f"invalid regular expression: {safe_text(self._bad, limit=30)}", "bold $buried"))
        elif self.filter.value:
            if self._hidden:
                parts.append((f"hides {plural(self._hidden, 'problem tube')}  ", "bold $buried"))
            text = f" FILTER {safe_text(self.filter.value, limit=30)}: {self._shown:,} of {total} "
            parts.append((text, "bold $background on $delayed"))
        else:
            parts.append((total, "$muted"))
        return parts

    def whole_name(self) -> str:
        """Return the name under the cursor where neither the table nor the preview has all of it."""
        return "" if self.preview.beside else super().whole_name()

    @on(RowTable.Moved)
    @on(RowTable.SelectionChanged)
    def _show_about(self) -> None:
        # Until the server answers, its tubes are unknown; the former server's must not appear as gone.
        row, lost = self.table.row, self.table.lost if self.host.live.survey is not None else None
        gone: list[Part] = [(safe_text(lost or ""), "bold $primary"), (f"  {GONE}", "$muted")] if lost else []
        self.preview.show(row, self.instance, gone)
        self._show_status()
        self.refresh_offers()

    def on_resize(self) -> None:
        """Place the preview where there is room."""
        self.preview.fit()
        self._show_about()

    def _hints(self) -> list[tuple[str, str]]:
        """Return the keys of what can be done to the tube under the cursor, with words."""
        row = self.table.row
        if row is None:
            return []
        target, words = self.target(), {"open": "show each" if row.name == IDLE_TUBES else "open"}
        if target is not None and target.selected:
            words["act('kick')"] = f"kick {sum(one.number for one in target.selected):,}"
        words |= {"act('pause')": "pause", "act('unpause')": "unpause", "act('drain')": "drain"}
        keys = {one.binding.action: self.app.get_key_display(one.binding) for one in self.active_bindings.values()}
        return [(keys[action], said) for action, said in words.items() if action in keys]

    # -- act ---------------------------------------------------------------------------------------------------------

    def target(self) -> Target | None:
        """Return the selected tubes, else the one under the cursor; a group means all its tubes."""
        if self.host.live.stale:
            return None
        table = self.table
        selected = set(table.selected)
        rows = [row for row in table.rows if row.name in selected] if selected else [table.row] if table.row else []
        known = self.host.live.tubes
        tubes: dict[str, TubeStats] = {}
        for row in rows:
            tubes |= {name: known[name].stats for name in row.members or (row.name,) if name in known}
        buried = tuple(all_in(tube, "buried") for tube in tubes.values() if tube.current_jobs_buried)
        return Target(tuple(tubes.values()), selected=buried) if tubes else None

    def _lacking(self, offer: Offer) -> str:
        return "no job is buried" if offer.name == "kick" and self.target() is not None else super()._lacking(offer)

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Read the jobs of the tubes again."""
        super().acted(request, outcome)
        self.preview.forget(request.tubes)
        self._idle.forget()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer Esc only where it does something, and the filter where it has no focus."""
        if action == "filter":
            return not (self.is_mounted and self.focused is self.filter)
        if action == "back":
            return self.is_mounted and (self.filter.display or bool(self.table.selection) or self._idle.open)
        return super().check_action(action, parameters)

    def open(self, name: str, job: int | None = None) -> None:
        """Open a tube, and a job of it."""
        from beanops.tui.screens.tube import TubeScreen  # the first paint does not need it

        self.app.push_screen(TubeScreen(self.host.session, name, job))

    def action_open(self) -> None:
        """Open the tube under the cursor, or unfold the group."""
        row = self.table.row
        if row is not None and row.name == IDLE_TUBES:
            self._open_idle(row.members[0])
        elif row is not None and row.members:
            self.action_fold()
        elif row is not None:
            self.open(row.name)

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def action_fold(self) -> None:
        """Fold the tubes with the prefix of the one under the cursor, or unfold the group."""
        row = self.table.row
        if row is not None and row.name == IDLE_TUBES:
            self._open_idle(row.members[0])
            return
        if row is not None and self._idle.open and is_idle(row):
            self._close_idle()
            return
        glob = None if row is None else row.name if row.members else glob_of(row.name)
        if glob is None:
            self.host.say("no prefix to group by; use :group GLOB", False)
        else:
            self.fold(glob)

    def _open_idle(self, first: str) -> None:
        """Give each idle tube its row, until Esc."""
        self._idle.open = True
        self.table.clear_selection()
        self._fill(self.host.live, requested=True)
        self.table.select(first)
        self.refresh_bindings()

    def _close_idle(self) -> None:
        """Sum up idle tubes again."""
        self._idle.open = False
        row = self.table.row
        if row is not None and is_idle(row):
            self.table.select(IDLE_TUBES)
        self._fill(self.host.live, requested=True)
        self.refresh_bindings()

    def action_preview(self) -> None:
        """Show or hide the preview."""
        self.preview.wanted = not self.preview.wanted
        self.preview.fit()
        self._show_about()
        self.keep()

    def fold(self, glob: str) -> None:
        """Fold the tubes that match a glob, or unfold them."""
        folded = glob not in self._folder.globs
        members = self.table.row.members if self.table.row else ()
        self._folder.toggle(glob)
        self.table.clear_selection()
        if folded:
            self.table.select(glob)
        elif members:
            self.table.select(members[0])
        self._fill(self.host.live, requested=True)
        self.keep()

    def action_columns(self) -> None:
        """Choose the columns."""
        from beanops.tui.dialogs.columns import ColumnPicker

        def chosen(columns: tuple[str, ...] | None) -> None:
            if columns is not None:
                self.choose_columns(columns)

        titles = [(column.name, column.title) for column in self.table.every[1:] if column.name != SEEN]
        self.app.push_screen(ColumnPicker(titles, self.table.columns), chosen)

    @property
    def column_names(self) -> list[str]:
        """The columns that there are."""
        return [column.name for column in self.table.every]

    def choose_columns(self, columns: tuple[str, ...]) -> None:
        """Show these columns; none means all."""
        self._chosen = columns
        self._fill(self.host.live)
        self.keep()

    def sort(self, column: str) -> None:
        """Sort by a column."""
        self.table.sort_by(column)

    @on(RowTable.Sorted)
    def _sorted(self) -> None:
        self._fill(self.host.live)  # idle tubes are folded in the order of problems only
        self.keep()

    def action_filter(self) -> None:
        """Focus the filter."""
        self.filter.display = True
        self.set_focus(self.filter)
        self.refresh_bindings()

    def set_filter(self, text: str) -> None:
        """Show only the tubes that match."""
        self.filter.value = text
        self.filter.display = bool(text)
        self.keep()

    def action_back(self) -> None:
        """Clear selection; if nothing is selected, clear the filter."""
        if self.table.selection and self.table.has_focus:
            self.table.clear_selection()
            return
        if self._idle.open and not self.filter.display:
            self._close_idle()
            return
        self.filter.value = ""
        self._close_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._fill(self.host.live, requested=True)
        self._show_status()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        self.filter.display = bool(self.filter.value)
        self.set_focus(self.table)
        self.refresh_bindings()
        self.keep()
