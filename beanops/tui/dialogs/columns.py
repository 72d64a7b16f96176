"""The dialog that chooses the columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from beanops.tui import keys


class ColumnPicker(ModalScreen[tuple[str, ...] | None]):
    """Chooses some of several things.

    Parameters
    ----------
    things : sequence of (str, str)
        Each with its key and its title.
    chosen : collection of str
        Keys of those that are chosen now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.CHOOSE]

    def __init__(self, things: Sequence[tuple[str, str]], chosen: Collection[str]) -> None:
        super().__init__()
        self._things = things
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay out one line a thing."""
        with Vertical(id="dialog"):
            yield Static(Content("Which columns, where there is room?"), id="question")
            yield SelectionList(
                *(Selection(Content(title), key, key in self._chosen) for key, title in self._things), id="columns"
            )
            yield Static(Content("Space chooses, Enter shows them, Esc leaves them"), id="hint")

    def action_done(self) -> None:
        """Answer with what is chosen; all is the same as none."""
        chosen = self.query_one(SelectionList).selected
        everything = len(chosen) == len(self._things)
        self.dismiss(() if everything else tuple(key for key, _ in self._things if key in chosen))

    def action_cancel(self) -> None:
        """Leave it."""
        self.dismiss(None)
