"""`RowTable`: rows with cursor and selection by key, not by position; sorted and filtered.

Its columns are data, see `beanops.tui.widgets.columns`; how it is drawn is in `beanops.tui.widgets.row_lines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from beanops.tui import keys
from beanops.tui.widgets.row_lines import RowLines
from beanops.tui.widgets.row_order import RowOrder
from beanops.tui.widgets.row_order import held as held_order
from beanops.ui.columns.column import Column

R = TypeVar("R")

#: Seconds after a cursor movement in which rows keep their order, so that the row under the cursor does not move.
HOLD = 3.0


class RowTable(RowLines[R], can_focus=True):
    """A table of any number of rows.

    Parameters
    ----------
    columns : sequence of Column
        The columns; the first is always shown, and decides the order of equal rows.
    key : callable
        Returns the key of a row, which every refresh keeps.
    clock : callable
        Monotonic seconds.
    sort : str or None
        The first sort column; None keeps the order of the rows.
    empty : str
        The text of a table without rows.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.TABLE]

    class Moved(Message):
        """The cursor moved to another row."""

    class Opened(Message):
        """The row under the cursor was clicked."""

    class Sorted(Message):
        """The sort order changed."""

    class SelectionChanged(Message):
        """The selection changed."""

    def __init__(
        self,
        columns: Sequence[Column[R]],
        key: Callable[[R], Any],
        clock: Callable[[], float],
        *,
        sort: str | None = None,
        empty: str = "no rows",
        id: str | None = None,
    ) -> None:
        super().__init__(columns, key, empty=empty, id=id)
        self._clock = clock
        self._given: tuple[R, ...] = ()
        self._keys: list[Any] = []
        self._places: dict[Any, int] = {}
        self._order: RowOrder[R] = RowOrder(columns[0].value)
        # The key of the row under the cursor; None until there is one.
        self._cursor: Any = None
        # The key that the cursor returns to when the filter shows it again, and whether the user chose its row.
        self._home: Any = None
        self._chosen = False
        self._hold_until = 0.0
        self._keep: Callable[[R], bool] | None = None
        self.sort_key = sort

    # -- rows ----------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[R]:
        """The rows that pass the filter, in order."""
        return self._rows

    @property
    def given(self) -> int:
        """The number of all rows, also of those that the filter hides."""
        return len(self._given)

    @property
    def lost(self) -> Any:
        """The key of the row under the cursor, if that has vanished; else None."""
        return self._cursor if self._lost else None

    def show(self, rows: Iterable[R], *, requested: bool = False) -> None:
        """Show these rows; cursor and scroll position stay with the row under the cursor.

        If that row has vanished, the cursor is on no row until it is moved: a key must not act on the row that took
        its position.

        Parameters
        ----------
        rows : iterable
            All of them.
        requested : bool
            The user asked for other rows: they are sorted even if the cursor has just moved. If its row is not among
            them it moves to another, and returns with that row.
        """
        self._given = tuple(rows)
        # Not for longer either: the clock of a recording may go back.
        held = not requested and 0 < self._hold_until - self._clock() <= HOLD
        self._arrange(held=held, asked=requested)

    def keep(self, passes: Callable[[R], bool] | None) -> None:
        """Show only rows that pass; None shows all."""
        self._keep = passes
        self._arrange(asked=True)

    def sort_by(self, key: str) -> None:
        """Sort by a column, or reverse the order of the sort column. Numbers begin with the largest."""
        self.descending = not self.descending if key == self.sort_key else not self._all[key].left
        self.sort_key = key
        self.begin_at_top()
        self._arrange()
        self.post_message(self.Sorted())

    def _arrange(self, *, held: bool = False, asked: bool = False) -> None:
        before, at = self.row, self._place
        rows = self._given if self._keep is None else tuple(filter(self._keep, self._given))
        keys = list(map(self._key, rows))
        if self.sort_key is not None:
            order = held_order(keys, self._places) if held else self._sorted(rows)
            rows, keys = tuple([rows[place] for place in order]), [keys[place] for place in order]
        self._rows = rows
        if keys != self._keys:
            self._keys, self._places = keys, {key: place for place, key in enumerate(keys)}
            self._fit()
        self._follow(at, asked=asked)
        self._repaint()
        now = self.row
        if (now is None) != (before is None) or (now and before and self._key(now) != self._key(before)):
            self.post_message(self.Moved())

    def _follow(self, at: int, *, asked: bool = False) -> None:
        """Move the cursor from position `at` to its row, and scroll so that the row keeps its height on the screen."""
        last = max(0, len(self._rows) - 1)
        if asked and self._home in self._places:
            self._cursor, self._home = self._home, None
        elif self._cursor is None and self._rows:
            self._cursor = self._key(self._rows[0])
        elif asked and self._rows and self._cursor not in self._places:
            self._home = self._cursor if self._home is None else self._home
            self._cursor = self._key(self._rows[min(self._place, last)])
        self._lost = self._cursor is not None and self._cursor not in self._places
        self._place = self._places.get(self._cursor, min(self._place, last))
        top = self.scroll_offset.y
        # A cursor on the first row shows rows that come above it.
        stays = top == at == 0 and self._place < self._visible
        if 0 <= at - top < self._visible and not (stays or self._lost):
            self.bring_to_top(self._place - (at - top))
        elif asked and not (self._lost or top <= self._place < top + self._visible):
            # Keys act on the row under the cursor: among other rows it must be in sight.
            self.bring_to_top(self._place - self._visible // 2)

    def _sorted(self, rows: Sequence[R]) -> list[int]:
        """Return the positions of the rows in the chosen order."""
        assert self.sort_key is not None
        return self._order.sort(rows, self._all[self.sort_key].value, descending=self.descending)

    # -- cursor --------------------------------------------------------------------------------------------------

    def select(self, key: Any) -> None:
        """Move the cursor to a row by its key, as soon as the row exists; None for the first row of the next rows."""
        before = self.row
        self._cursor, self._home, self._chosen = key, None, key is not None
        if key in self._places:
            self._move_to(self._places[key])
        elif key is not None:
            self._lost = True
            self._repaint()
        if self.row is not before:
            self.post_message(self.Moved())

    def begin_at_top(self) -> None:
        """Move the cursor to the first row of another order, unless the user chose a row."""
        if not self._chosen:
            self._cursor = None

    def _move_to(self, place: int) -> None:
        if not self._rows:
            return
        before, was_lost = self._place, self._lost
        self._place = max(0, min(place, len(self._rows) - 1))
        self._cursor, self._home = self._key(self._rows[self._place]), None
        self._lost, self._chosen = False, True
        self._hold_until = self._clock() + HOLD
        top = self.scroll_offset.y
        if self._place < top:
            self.bring_to_top(self._place)
        elif self._place >= top + self._visible:
            self.bring_to_top(self._place - self._visible + 1)
        if self.scroll_offset.y == top:
            self.refresh_line(before + 1)
            self.refresh_line(self._place + 1)
        else:
            self._repaint()
        if self._place != before or was_lost:
            self.post_message(self.Moved())

    def action_cursor(self, rows: int) -> None:
        """Move the cursor by some rows; from a vanished row to the next one."""
        # The row after a vanished one is at its position.
        self._move_to(self._place + rows - (self._lost and rows > 0))

    def action_page(self, pages: int) -> None:
        """Move the cursor by some pages."""
        self._move_to(self._place + pages * self._visible)

    def action_top(self) -> None:
        """Move the cursor to the first row."""
        self._move_to(0)

    def action_bottom(self) -> None:
        """Move the cursor to the last row."""
        self._move_to(len(self._rows) - 1)

    def action_sort(self, step: int) -> None:
        """Sort by the next shown column to the left or right."""
        shown = [placed.column.name for placed in self._placed] or list(self._columns)
        here = shown.index(self.sort_key) if self.sort_key in shown else 0
        self.sort_by(shown[(here + step) % len(shown)])

    def action_reverse(self) -> None:
        """Reverse sort order."""
        if self.sort_key is not None:
            self.sort_by(self.sort_key)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the pointer, open the row under the cursor, or sort by a header."""
        if event.y == 0:
            for placed in self._placed:
                if self.sort_key is not None and placed.left <= event.x < placed.left + placed.width:
                    self.sort_by(placed.column.name)
            return
        place = self.scroll_offset.y + event.y - 1
        if place == self._place and self.row is not None:
            self.post_message(self.Opened())
        elif place < len(self._rows):
            self._move_to(place)

    # -- selection -----------------------------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[Any, ...]:
        """Keys of the selected rows, also of those that the filter hides, in the order of the rows."""
        return tuple(key for key in map(self._key, self._given) if key in self.selection) if len(self.selection) else ()

    def action_select_row(self) -> None:
        """Select or deselect the row under the cursor, and move to the next."""
        if self.row is not None:
            self.selection.toggle(self._key(self.row))
            self._move_to(self._place + 1)
            self._selection_changed()

    def action_select_range(self) -> None:
        """Select all rows from the last one selected by hand to the cursor."""
        if self.row is not None:
            self.selection.reach(list(self._places), self._place, self._places.get)
            self._selection_changed()

    def action_select_all(self) -> None:
        """Select all rows that pass the filter; if all are selected, deselect them."""
        self.selection.all(self._places)
        self._selection_changed()

    def clear_selection(self) -> None:
        """Clear selection."""
        self.selection.clear()
        self._selection_changed()

    def _selection_changed(self) -> None:
        self._repaint()
        self.post_message(self.SelectionChanged())
