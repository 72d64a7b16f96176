"""The dialog to choose the columns of a list of jobs, paths into their bodies among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from beanops.jobs.bodies.paths import PathError
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.bodies.path import BodyPath
from beanops.tui.dialogs.columns import TickList
from beanops.tui.host import Host
from beanops.tui.jobs.chosen_columns import JobColumns
from beanops.tui.jobs.known_paths import KnownPath, PathsFound, find_paths
from beanops.tui.widgets.job_rows import JobRow, list_columns

#: Columns that are always shown.
_FIXED = ("id", "body")


class JobColumnPicker(ModalScreen[JobColumns | None]):
    """A choice of columns; returns None where nothing shall change.

    Parameters
    ----------
    tube : str
        The tube.
    rows : sequence of JobRow
        Jobs, whose bodies have the paths that are offered.
    chosen : JobColumns
        The columns that were chosen before.
    shown : sequence of str
        Names of the columns that are shown now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.JOB_COLUMNS]

    def __init__(self, tube: str, rows: Sequence[JobRow], chosen: JobColumns, shown: Sequence[str]) -> None:
        super().__init__()
        self._tube = tube
        self._rows = rows
        self._before = chosen
        self._ticked = {*shown, *(path.text for path in chosen.paths)} - {*_FIXED}
        self._usual = frozenset(shown) - {*_FIXED, *(path.text for path in chosen.paths)}
        self._automatic = chosen.names is None
        self._names = [name for name in list_columns() if name not in _FIXED]
        # Paths that are offered, by their text, with what is known of them.
        self._paths: dict[str, str] = {path.text: "" for path in chosen.paths}

    def compose(self) -> ComposeResult:
        """Lay out an entry, and one line per column."""
        with Vertical(id="dialog"):
            yield Static(Content("Columns of the jobs"), id="question")
            yield Input(placeholder="$.path in the body, or part of a name", id="wanted", compact=True)
            yield Static("", id="wrong", markup=False)
            yield TickList(id="columns")
            yield Static(Content(""), id="hint")

    def on_mount(self) -> None:
        """Offer the columns, then the paths in the bodies."""
        self.query_one("#wrong").display = False
        hints = {"done": "confirms", "path": "goes to the path", "automatic": "shows what differs", "cancel": "cancels"}
        key_of = cast("Host", self.app).key_of
        shown = ", ".join(["Space selects", *(f"{key_of(f'choose.{name}')} {does}" for name, does in hints.items())])
        self.query_one("#hint", Static).update(Content(shown))
        self._offer()
        self._list.focus()
        self._find_paths()

    @property
    def _list(self) -> TickList:
        return self.query_one(TickList)

    @property
    def _entry(self) -> Input:
        return self.query_one(Input)

    @work(thread=True, exit_on_error=False, group="paths")
    def _find_paths(self) -> None:
        session = cast("Host", self.app).session
        self.post_message(PathsFound(find_paths(session, self._tube, self._rows)))

    @on(PathsFound)
    def _paths_found(self, found: PathsFound) -> None:
        for path in found.paths:
            if path.is_column and self._is_path(path):
                self._paths[path.text] = path.about
        self._offer()

    def _is_path(self, path: KnownPath) -> bool:
        try:
            return bool(BodyPath.parse(path.text).steps)
        except PathError:
            return False

    def _offer(self) -> None:
        """List the columns that contain what was typed; the cursor stays on its column."""
        listed, part = self._list, self._entry.value.lower()
        before = listed.get_option_at_index(listed.highlighted).value if listed.highlighted is not None else None
        every = {**dict.fromkeys(self._names, ""), **self._paths}
        names = [name for name in every if part in name.lower()]
        with self.prevent(SelectionList.SelectedChanged):
            listed.clear_options()
            listed.add_options(
                [
                    Selection(
                        Content.assemble(safe_text(name), (f"  {every[name]}", "$muted")), name, name in self._ticked
                    )
                    for name in names
                ]
            )
        listed.highlighted = names.index(before) if before in names else 0 if names else None

    @on(SelectionList.SelectedChanged)
    def _toggled(self) -> None:
        listed = self._list
        shown = {listed.get_option_at_index(place).value for place in range(listed.option_count)}
        self._ticked = (self._ticked - shown) | {*listed.selected}

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#wrong").display = False
        self._offer()

    def action_done(self) -> None:
        """Return the chosen columns; in the entry, choose the path that was typed, or go to what it found."""
        text = self._entry.value.strip()
        if self.focused is self._entry and text:
            self._take(text)
            return
        names = tuple(name for name in self._names if name in self._ticked)
        paths = tuple(BodyPath.parse(path) for path in self._paths if path in self._ticked)
        unchanged = self._automatic and {*names} == self._usual
        self.dismiss(JobColumns(None if unchanged else names, paths))

    def _take(self, text: str) -> None:
        if text.startswith("$"):
            try:
                path = BodyPath.parse(text)
            except PathError as error:
                wrong = self.query_one("#wrong", Static)
                wrong.display = True
                wrong.update(Content.styled(f"✗ {safe_text(str(error))}", "$buried"))
                return
            self._paths.setdefault(path.text, "")
            self._ticked.add(path.text)
            self._entry.value = ""
            self._offer()
        self._list.focus()

    def action_switch(self) -> None:
        """Go from the list to the entry, or back."""
        (self._list if self.focused is self._entry else self._entry).focus()

    def action_automatic(self) -> None:
        """Show the columns in which the jobs differ, and no paths."""
        self.dismiss(JobColumns())

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)
