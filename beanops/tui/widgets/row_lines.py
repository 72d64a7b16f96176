"""`RowLines`: how a table is drawn: only the rows in view, and only when they changed.

`beanops.tui.widgets.table` moves the rows, the cursor and the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from beanops.text import safe_text
from beanops.tui.widgets.columns import Placed, fitted, place
from beanops.tui.widgets.selection import RowSelection
from beanops.ui.columns.column import Column

R = TypeVar("R")

#: Maximum lines in the cache.
CACHED = 400
#: The sign before a row, by whether it is under the cursor, and whether it is selected.
SIGNS = {(False, False): " ", (True, False): "▌", (False, True): "●", (True, True): "█"}


class RowLines(ScrollView, Generic[R]):
    """Rows in columns.

    Parameters
    ----------
    columns : sequence of Column
        The columns; the first is always shown.
    key : callable
        Returns the key of a row.
    empty : str
        The text of a table without rows.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--muted",
        "table--strong",
        "table--ready",
        "table--reserved",
        "table--delayed",
        "table--buried",
        "table--paused",
        "table--warn",
        "table--stale",
        "table--selected",
        "table--loud",
    }

    stale: reactive[bool] = reactive(False)

    def __init__(
        self, columns: Sequence[Column[R]], key: Callable[[R], Any], *, empty: str, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._all = {column.name: column for column in columns}
        self._columns = self._all
        self._key = key
        self.empty = empty
        self._rows: Sequence[R] = ()
        self._place = 0
        #: Whether the row under the cursor has vanished: then the cursor is on no row.
        self._lost = False
        self._placed: list[Placed[R]] = []
        self._fitted = 0
        self._drawn: dict[int, object] = {}
        self._strips: dict[object, Strip] = {}
        self._styles: dict[str, Style] = {}
        self._mixed: dict[tuple[str, bool, bool], Style] = {}
        self.sort_key: str | None = None
        self.descending = False
        #: Rows are selected where a subclass has the keys for it, `keys.SELECTION`.
        self.selection = RowSelection()

    @property
    def row(self) -> R | None:
        """The row under the cursor; None if it has vanished, or there are no rows."""
        return self._rows[self._place] if self._rows and not self._lost else None

    @property
    def whole_name(self) -> str:
        """The name of the row under the cursor, safe, where its column has no room for all of it; else empty."""
        for placed in self._placed:
            if self.row is not None and placed.column.is_name:
                text = safe_text(placed.column.text(self.row, placed.width))
                return text if cell_len(text) > placed.width else ""
        return ""

    @property
    def in_sight(self) -> Sequence[R]:
        """The rows in view."""
        top = self.scroll_offset.y
        return self._rows[top : top + self._visible]

    @property
    def _visible(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    @property
    def every(self) -> tuple[Column[R], ...]:
        """All columns."""
        return tuple(self._all.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The chosen columns, in their order, also those without room."""
        return tuple(self._columns)

    def choose(self, columns: Iterable[str]) -> None:
        """Show only these columns and the first; unknown names are ignored."""
        chosen = set(columns)
        first = next(iter(self._all))
        columns_now = {key: column for key, column in self._all.items() if key in chosen or key == first}
        if tuple(columns_now) != tuple(self._columns):
            self._columns = columns_now
            self._fit()
            self.refresh()

    def _fit(self) -> None:
        """Lay out the columns for the width and the names."""
        self._fitted = width = self.scrollable_content_region.width
        placed = self._place_columns(width)
        if placed != self._placed:
            self._placed = placed
            self._strips.clear()
        self.virtual_size = Size(width, len(self._rows) + 1)

    def _place_columns(self, width: int) -> list[Placed[R]]:
        return place(list(self._columns.values()), self._rows, width)

    def on_resize(self) -> None:
        """Lay out the columns, and keep the cursor in view."""
        self._fit()
        if self._rows and not 0 <= self._place - self.scroll_offset.y < self._visible:
            self.bring_to_top(self._place - self._visible + 1)
        self._repaint()

    def bring_to_top(self, place: int) -> None:
        """Scroll so that the row at a position is the first in sight, as far as there are rows below it."""
        # Of rows that have just come the layout does not know yet that they can be scrolled: unforced, nothing happens.
        self.scroll_to(y=place, animate=False, force=True)

    def notify_style_update(self) -> None:
        """Drop lines drawn in other colours."""
        super().notify_style_update()
        self._styles.clear()
        self._mixed.clear()
        self._strips.clear()

    def watch_stale(self) -> None:
        """Draw all rows: stale ones are dim."""
        self.refresh()

    def _repaint(self) -> None:
        """Refresh only the lines that changed."""
        top = self.scroll_offset.y
        for y in range(self.scrollable_content_region.height):
            if self._drawn.get(y) != self._content(y, top):
                self.refresh_line(y + top)

    def _content(self, y: int, top: int) -> tuple[object, ...]:
        """Return all that the look of line `y` depends on."""
        if y == 0:
            return ("header", self.sort_key, self.descending)
        index = top + y - 1
        if index >= len(self._rows):
            return ("empty", self.empty if y == 2 and not self._rows else "")
        row = self._rows[index]
        cells = [
            (placed.column.text(row, placed.width), placed.column.style(row), placed.column.left)
            for placed in self._placed
        ]
        return (index == self._place and not self._lost, self._key(row) in self.selection, *cells)

    def render_line(self, y: int) -> Strip:
        """Draw one visible line; the first is the header."""
        if self._fitted != self.scrollable_content_region.width:
            self._fit()  # it is painted before its first resize event
        content = self._content(y, self.scroll_offset.y)
        self._drawn[y] = content
        known = (content, self.stale, self.has_focus)
        strip = self._strips.get(known)
        if strip is None:
            if len(self._strips) >= CACHED:
                self._strips.clear()
            strip = self._strips[known] = self._draw(content)
        return strip

    def _draw(self, content: tuple[Any, ...]) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        kind, *cells = content
        if kind == "header":
            style = base + self._style("header")
            return Strip(self._header(style)).adjust_cell_length(width, style)
        if kind == "empty":
            return Strip([Segment(f"  {cells[0]}", base + self._style("muted"))]).adjust_cell_length(width, base)
        cursor, focused = bool(kind), self.has_focus
        selected, *cells = cells
        bar = self._style("cursor").bgcolor if cursor and focused else None
        sign = base + self._style("selected" if selected else "strong") + Style(bgcolor=bar)
        pieces = [Segment(SIGNS[cursor, selected], sign)]
        blank = self._mix("", cursor, focused)
        end = 1
        for placed, (text, style, left) in zip(self._placed, cells, strict=True):
            text = safe_text(text)
            shown = "stale" if self.stale else "selected" if selected and not pieces[1:] else style
            pieces.append(Segment(" " * (placed.left - end), blank))
            cell = fitted(text, placed.width, left, is_name=placed.column.is_name)
            pieces.append(Segment(cell, self._mix(shown, cursor, focused)))
            end = placed.left + placed.width
        return Strip(pieces).adjust_cell_length(width, blank)

    def _mix(self, name: str, cursor: bool, focused: bool) -> Style:
        """Return the style of a cell; made once, because adding styles took half the time of drawing a line."""
        mixed = self._mixed.get((name, cursor, focused))
        if mixed is None:
            bar = Style()
            if cursor:
                bar = self._style("cursor") if focused else Style(bold=True)
            mixed = self._mixed[name, cursor, focused] = self.rich_style + self._style(name) + bar
        return mixed

    def _header(self, style: Style) -> list[Segment]:
        pieces, end = [], 0
        for placed in self._placed:
            title = placed.title
            shown = style
            if placed.column.name == self.sort_key:
                arrow = "▼" if self.descending else "▲"
                # In a narrow column the arrow is in the gap before it.
                title = f"{title} {arrow}" if placed.column.left else f"{arrow}{title}"
                shown = style + Style(bold=True) + self._style("strong")
            left = placed.left - (0 if placed.column.left else 1)
            width = placed.left + placed.width - left
            pieces.append(Segment(" " * (left - end), style))
            pieces.append(Segment(fitted(title, width, placed.column.left), shown))
            end = placed.left + placed.width
        return pieces

    def _style(self, name: str) -> Style:
        """Return the style of a component without inherited styles; none for an empty name."""
        if not name:
            return Style()
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"table--{name}", partial=True)
        return self._styles[name]
