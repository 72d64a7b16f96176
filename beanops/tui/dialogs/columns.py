"""The dialog to choose columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, cast

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import SelectionList, Static
from textual.widgets.selection_list import Selection

from beanops.tui import keys
from beanops.tui.host import Host

#: The marks of a chosen and of another option.
CHOSEN, OTHER = "✓", " "
#: Where the mark is among the segments of a line, behind the left side of its button.
_MARK = 1


class TickList(SelectionList[str]):
    """Options by their names, each with a box that has a tick while it is chosen."""

    def render_line(self, y: int) -> Strip:
        """Return a line of the list with a mark of its own shape: without colours all boxes look alike."""
        line = super().render_line(y)
        at = self.scroll_offset.y + y
        if at >= self.option_count:
            return line
        segments = list(line)
        mark = CHOSEN if self.get_option_at_index(at).value in self.selected else OTHER
        segments[_MARK] = Segment(mark, segments[_MARK].style)
        return Strip(segments, line.cell_length)


class ColumnPicker(ModalScreen[tuple[str, ...] | None]):
    """A choice of columns.

    Parameters
    ----------
    things : sequence of (str, str)
        Key and title of each column.
    chosen : collection of str
        Keys of the columns shown now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.CHOOSE]

    def __init__(self, things: Sequence[tuple[str, str]], chosen: Collection[str]) -> None:
        super().__init__()
        self._things = things
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Lay out one line per column."""
        with Vertical(id="dialog"):
            yield Static(Content("Columns, where there is room"), id="question")
            yield TickList(
                *(Selection(Content(title), key, key in self._chosen) for key, title in self._things), id="columns"
            )
            done, cancel = map(cast("Host", self.app).key_of, ("choose.done", "choose.cancel"))
            yield Static(Content(f"Space selects, {done} confirms, {cancel} cancels"), id="hint")

    def action_done(self) -> None:
        """Return the selected columns; empty for all."""
        chosen = self.query_one(TickList).selected
        everything = len(chosen) == len(self._things)
        self.dismiss(() if everything else tuple(key for key, _ in self._things if key in chosen))

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)
