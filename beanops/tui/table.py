"""`Table`: rows drawn only where they are seen, with the cursor on a row's key and never on its place.

It knows no tubes or jobs: what its columns show is data (`columns`). How wide they are is in `layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.layout import Column, Placed, fitted, place
from beanops.tui.marks import Marks
from beanops.tui.order import Order
from beanops.tui.order import held as held_order

R = TypeVar("R")

#: Seconds after a cursor movement in which rows keep their order, so that nothing slips away from under the hand.
HOLD = 3.0
#: Drawn lines that are kept.
CACHED = 400
#: What stands before a row: whether the cursor is on it, and whether it is marked.
SIGNS = {(False, False): " ", (True, False): "▌", (False, True): "●", (True, True): "█"}


class Table(ScrollView, Generic[R], can_focus=True):
    """A table of any number of rows.

    Parameters
    ----------
    columns : sequence of Column
        What it shows; the first is always there, and equal rows stand in its order.
    key : callable
        Tells a row's key, which stays the row's own through every refresh.
    clock : callable
        Monotonic seconds.
    sort : str or None
        The column that it is sorted by at first; None keeps the order in which rows come.
    empty : str
        What it says when there are no rows.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.TABLE]
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
        "table--marked",
        "table--loud",
    }

    stale: reactive[bool] = reactive(False)

    class Moved(Message):
        """The cursor is on another row."""

    class Opened(Message):
        """A row was clicked that the cursor was on."""

    class Sorted(Message):
        """It is sorted by another column, or the other way round."""

    class Marked(Message):
        """Other rows are marked."""

    def __init__(
        self,
        columns: Sequence[Column[R]],
        key: Callable[[R], Any],
        clock: Callable[[], float],
        *,
        sort: str | None = None,
        empty: str = "nothing here",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._all = {column.key: column for column in columns}
        self._columns = self._all
        self._key = key
        self._clock = clock
        self.empty = empty
        self._given: tuple[R, ...] = ()
        self._rows: Sequence[R] = ()
        self._keys: list[Any] = []
        self._places: dict[Any, int] = {}
        self._order: Order[R] = Order(columns[0].value)
        # None is the top: until somebody moves the cursor it stays on the first row, whichever that is.
        self._cursor: Any = None
        self._place = 0
        self._hold_until = 0.0
        self._placed: list[Placed[R]] = []
        self._fitted = 0
        self._drawn: dict[int, object] = {}
        self._strips: dict[object, Strip] = {}
        self._styles: dict[str, Style] = {}
        self._keep: Callable[[R], bool] | None = None
        self.sort_key = sort
        self.descending = False
        #: Rows are marked where a subclass has the keys for it, `keys.MARKS`.
        self.marks = Marks()

    # -- rows ----------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[R]:
        """The rows that pass the filter, as they stand."""
        return self._rows

    @property
    def given(self) -> int:
        """How many rows there are, also those that the filter hides."""
        return len(self._given)

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return self._rows[self._place] if self._rows else None

    def show(self, rows: Iterable[R], *, anew: bool = False) -> None:
        """Show these rows from now on; cursor and scroll stay with the row that the cursor is on.

        Parameters
        ----------
        rows : iterable
            All of them.
        anew : bool
            Sort them even if the cursor has just moved: the user asked for other rows.
        """
        self._given = tuple(rows)
        self._arrange(held=not anew and self._clock() < self._hold_until)

    @property
    def in_sight(self) -> Sequence[R]:
        """The rows that are drawn now."""
        top = self.scroll_offset.y
        return self._rows[top : top + self._visible]

    @property
    def every(self) -> tuple[Column[R], ...]:
        """All columns that there are to choose from."""
        return tuple(self._all.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that were chosen, in their order, also those that there is no room for."""
        return tuple(self._columns)

    def choose(self, columns: Iterable[str]) -> None:
        """Show only these columns, and the first; those of other names are passed over."""
        chosen = set(columns)
        first = next(iter(self._all))
        columns_now = {key: column for key, column in self._all.items() if key in chosen or key == first}
        if tuple(columns_now) != tuple(self._columns):
            self._columns = columns_now
            self._fit()
            self.refresh()

    def keep(self, passes: Callable[[R], bool] | None) -> None:
        """Show only rows that pass; None shows all."""
        self._keep = passes
        self._arrange()

    def sort_by(self, key: str) -> None:
        """Sort by a column, or turn its order round if it is sorted by already. Numbers begin with the largest."""
        self.descending = not self.descending if key == self.sort_key else not self._all[key].left
        self.sort_key = key
        self._arrange()
        self.post_message(self.Sorted())

    def _arrange(self, *, held: bool = False) -> None:
        before, offset = self.row, self._place - self.scroll_offset.y
        rows = self._given if self._keep is None else tuple(filter(self._keep, self._given))
        keys = list(map(self._key, rows))
        if self.sort_key is not None:
            order = held_order(keys, self._places) if held else self._sorted(rows)
            rows, keys = tuple([rows[place] for place in order]), [keys[place] for place in order]
        self._rows = rows
        if keys != self._keys:
            self._keys, self._places = keys, {key: place for place, key in enumerate(keys)}
            self._fit()
        if self._cursor is None:
            self._place = 0
        else:
            self._place = self._places.get(self._cursor, min(self._place, max(0, len(rows) - 1)))
            self._cursor = keys[self._place] if rows else self._cursor
        if 0 <= offset < self._visible and self._cursor is not None:
            self.scroll_to(y=self._place - offset, animate=False)
        self._repaint()
        now = self.row
        if (now is None) != (before is None) or (now and before and self._key(now) != self._key(before)):
            self.post_message(self.Moved())

    def _sorted(self, rows: Sequence[R]) -> list[int]:
        """Return the places of the rows in the order that the user chose."""
        assert self.sort_key is not None
        return self._order.sort(rows, self._all[self.sort_key].value, descending=self.descending)

    # -- cursor --------------------------------------------------------------------------------------------------

    def select(self, key: Any) -> None:
        """Put the cursor on a row by its key; one that is not there yet gets it as soon as it comes."""
        self._cursor = key
        if key in self._places:
            self._move_to(self._places[key])

    def _move_to(self, place: int) -> None:
        if not self._rows:
            return
        before = self._place
        self._place = max(0, min(place, len(self._rows) - 1))
        self._cursor = self._key(self._rows[self._place])
        self._hold_until = self._clock() + HOLD
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False)
        elif self._place >= top + self._visible:
            self.scroll_to(y=self._place - self._visible + 1, animate=False)
        if self.scroll_offset.y == top:
            self.refresh_line(before + 1)
            self.refresh_line(self._place + 1)
        else:
            self._repaint()
        if self._place != before:
            self.post_message(self.Moved())

    @property
    def _visible(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def action_cursor(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self._move_to(self._place + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by some pages."""
        self._move_to(self._place + pages * self._visible)

    def action_top(self) -> None:
        """Put the cursor on the first row, and keep it on whichever is first."""
        self._move_to(0)
        self._cursor = None
        self._hold_until = 0.0

    def action_bottom(self) -> None:
        """Put the cursor on the last row."""
        self._move_to(len(self._rows) - 1)

    def action_sort(self, step: int) -> None:
        """Sort by the next shown column to the left or right."""
        shown = [placed.column.key for placed in self._placed] or list(self._columns)
        here = shown.index(self.sort_key) if self.sort_key in shown else 0
        self.sort_by(shown[(here + step) % len(shown)])

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.sort_key is not None:
            self.sort_by(self.sort_key)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the pointer is, open what is under both, or sort by a header."""
        if event.y == 0:
            for placed in self._placed:
                if self.sort_key is not None and placed.left <= event.x < placed.left + placed.width:
                    self.sort_by(placed.column.key)
            return
        place = self.scroll_offset.y + event.y - 1
        if place == self._place and self._rows:
            self.post_message(self.Opened())
        elif place < len(self._rows):
            self._move_to(place)

    # -- marks ---------------------------------------------------------------------------------------------------

    @property
    def marked(self) -> tuple[Any, ...]:
        """Keys of the marked rows that there are, also those that the filter hides, in the order in which they came."""
        return tuple(key for key in map(self._key, self._given) if key in self.marks) if len(self.marks) else ()

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go on to the next."""
        if self.row is not None:
            self.marks.toggle(self._key(self.row))
            self._move_to(self._place + 1)
            self._marked()

    def action_mark_range(self) -> None:
        """Mark all rows from the last one that was marked by hand to the cursor."""
        if self.row is not None:
            self.marks.reach(list(self._places), self._place, self._places.get)
            self._marked()

    def action_mark_all(self) -> None:
        """Mark all rows that the filter shows; if all are marked already, none of them."""
        self.marks.all(self._places)
        self._marked()

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self._marked()

    def _marked(self) -> None:
        self._repaint()
        self.post_message(self.Marked())

    # -- drawing -------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        """Place the columns anew for the width and the names there are."""
        self._fitted = width = self.scrollable_content_region.width
        placed = place(list(self._columns.values()), self._rows, width)
        if placed != self._placed:
            self._placed = placed
            self._strips.clear()
        self.virtual_size = Size(width, len(self._rows) + 1)

    def on_resize(self) -> None:
        """Place the columns anew, and keep the cursor in sight."""
        self._fit()
        if self._rows and not 0 <= self._place - self.scroll_offset.y < self._visible:
            self.scroll_to(y=self._place - self._visible + 1, animate=False)
        self._repaint()

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def watch_stale(self) -> None:
        """Draw everything anew: stale rows are dim."""
        self.refresh()

    def _repaint(self) -> None:
        """Have drawn anew only the lines that changed."""
        top = self.scroll_offset.y
        for y in range(self.scrollable_content_region.height):
            if self._drawn.get(y) != self._content(y, top):
                self.refresh_line(y + top)

    def _content(self, y: int, top: int) -> tuple[object, ...]:
        """Return all that decides how line `y` looks."""
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
        return (index == self._place, self._key(row) in self.marks, *cells)

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is in view; the first is the header."""
        if self._fitted != self.scrollable_content_region.width:
            self._fit()  # it is painted before it hears of its first size
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
        bar = Style()
        if kind:
            bar = self._style("cursor") if self.has_focus else Style(bold=True)
        marked, *cells = cells
        sign = base + self._style("marked" if marked else "strong") + Style(bgcolor=bar.bgcolor)
        pieces = [Segment(SIGNS[bool(kind), marked], sign)]
        end = 1
        for placed, (text, style, left) in zip(self._placed, cells, strict=True):
            text = safe_text(text)
            shown = "stale" if self.stale else "marked" if marked and not pieces[1:] else style
            pieces.append(Segment(" " * (placed.left - end), base + bar))
            pieces.append(Segment(fitted(text, placed.width, left), base + self._style(shown) + bar))
            end = placed.left + placed.width
        return Strip(pieces).adjust_cell_length(width, base + bar)

    def _header(self, style: Style) -> list[Segment]:
        pieces, end = [], 0
        for placed in self._placed:
            title = placed.title
            shown = style
            if placed.column.key == self.sort_key:
                arrow = "▼" if self.descending else "▲"
                # In a narrow column the arrow stands in the gap before it.
                title = f"{title} {arrow}" if placed.column.left else f"{arrow}{title}"
                shown = style + Style(bold=True) + self._style("strong")
            left = placed.left - (0 if placed.column.left else 1)
            width = placed.left + placed.width - left
            pieces.append(Segment(" " * (left - end), style))
            pieces.append(Segment(fitted(title, width, placed.column.left), shown))
            end = placed.left + placed.width
        return pieces

    def _style(self, name: str) -> Style:
        """Return the style of a component, without what it inherits; none for no name."""
        if not name:
            return Style()
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"table--{name}", partial=True)
        return self._styles[name]
