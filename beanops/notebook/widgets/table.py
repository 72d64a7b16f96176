"""The table of all views: it sends rows as snapshots and patches, and receives selections and clicks.

The page side is ``page/table/grid.js``. Neither knows anything of tubes and jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

from beanops.notebook.widgets.blocks import packed, packed_keys
from beanops.notebook.widgets.buttons import Click, Confirm, ToolBar, ToolButton
from beanops.notebook.widgets.cells import Fold, described
from beanops.notebook.widgets.channel import Buffers, Channel, cut
from beanops.ui.columns.column import Column
from beanops.ui.confirmation import Confirmation

__all__ = ["Cells", "Click", "Fold", "Grid", "ToolButton"]

#: Share of changed rows from which a patch is sent as a snapshot.
MOST = 0.5
#: Most rows to send before a page said hello, after which it gets all of them.
UNASKED = 5_000
#: Rows that a notebook file keeps, and characters of a cell.
MOST_ROWS = 50
MOST_OF_CELL = 200

Cells = tuple[Any, ...]


class Grid(Channel):
    """A table of rows with keys.

    Parameters
    ----------
    name : str
        Its name in the view.
    columns : sequence of Column
        One for each cell of a row.
    actions : sequence of ToolButton
        The tool bar.
    noun : str
        Noun for a row, such as ``"tube"``.
    visible : int
        Most rows shown without scrolling.
    filter : bool
        Whether there is a filter box.
    order : tuple or None
        Name of the column by which rows are sorted at first, and whether the largest is first; None for the order in
        which they came.
    fold : Fold or None
        Rows that are folded into one at the end.
    hidden : sequence of str
        Columns that are not shown at first; the user can choose them.
    tidy : bool
        Whether columns that are empty or the same in all rows are hidden while that is so.
    paths : bool
        Whether the user can add columns of body paths.
    confirm : callable
        Returns the confirmation that an action needs, from its name and a number of jobs.
    saved : callable or None
        Returns the rows that a notebook file may keep, by key; None keeps the first. Bodies in them must be redacted.
    on_select : callable or None
        Called with the keys when the user changes the selection.
    on_action : callable or None
        Called with a `Click`.
    on_cancel : callable or None
        Called when the user presses Cancel.
    on_column, on_drop : callable or None
        Called with a body path when the user adds a column of it, and with a column's name when the user removes it.
    on_export : callable or None
        Returns the name and the content of a file with whole bodies, from a format, ``"csv"`` or ``"jsonl"``, and keys.
    on_error : callable or None
        Called with the text of a rejection, or of an error in a handler.
    clock : callable
        Monotonic seconds.
    """

    kind = "table"
    files = (
        "table/cells.js",
        "table/store.js",
        "table/rows.js",
        "table/drawn_rows.js",
        "table/picked_rows.js",
        "table/toolbar.js",
        "table/menus.js",
        "table/columns.js",
        "table/export.js",
        "table/grid.js",
    )

    def __init__(
        self,
        name: str,
        columns: Sequence[Column[Any]],
        *,
        noun: str,
        actions: Sequence[ToolButton] = (),
        visible: int = 12,
        filter: bool = False,
        order: tuple[str, bool] | None = None,
        fold: Fold | None = None,
        hidden: Sequence[str] = (),
        tidy: bool = False,
        paths: bool = False,
        confirm: Confirm = lambda action, jobs: Confirmation(),
        saved: Callable[[], Mapping[str, Cells] | None] | None = None,
        on_select: Callable[[tuple[str, ...]], None] | None = None,
        on_action: Callable[[Click], None] | None = None,
        on_cancel: Callable[[], None] | None = None,
        on_column: Callable[[str], None] | None = None,
        on_drop: Callable[[str], None] | None = None,
        on_export: Callable[[str, tuple[str, ...]], tuple[str, bytes] | None] | None = None,
        on_error: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows: dict[str, Cells] = {}
        self._columns = list(columns)
        self._own_columns = len(columns)
        self._paths: list[str] = []
        self._selected: tuple[str, ...] = ()
        self._focus: str | None = None
        self._bar = ToolBar(actions, noun, confirm)
        self._kept = saved
        self._on_select, self._on_action, self._on_cancel = on_select, on_action, on_cancel
        self._on_column, self._on_drop, self._on_export = on_column, on_drop, on_export
        options = {
            "columns": [described(column) for column in columns],
            "noun": noun,
            "visible": visible,
            "filter": filter,
            "order": order and [self._place(order[0]), order[1]],
            "fold": fold and fold._asdict(),
            "hidden": list(hidden),
            "tidy": tidy,
            "paths": paths,
            "bodies": on_export is not None,
            "actions": self._bar.described,
        }
        super().__init__(name, options, on_error, clock)

    @property
    def rows(self) -> Mapping[str, Cells]:
        """The rows by key."""
        return self._rows

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """The columns, also those that were added: one for each cell of a row."""
        return tuple(self._columns)

    @property
    def saved_rows(self) -> dict[str, Cells]:
        """The rows that a notebook file keeps, without the columns that were added: they may show secrets."""
        rows = (self._kept() or {}) if self._kept else self._ordered()
        return {
            key: tuple(
                cut(cell, MOST_OF_CELL) if isinstance(cell, str) else cell for cell in cells[: self._own_columns]
            )
            for key, cells in islice(rows.items(), MOST_ROWS)
        }

    @property
    def selected(self) -> tuple[str, ...]:
        """The keys of the selected rows."""
        return self._selected

    @property
    def focus(self) -> str | None:
        """The row selected last."""
        return self._focus if self._focus in self._selected else None

    # -- to the page ---------------------------------------------------------------------------------------------

    def update(self, rows: Mapping[str, Cells]) -> None:
        """Show these rows and no others, and send the changes. A row that is gone is no longer selected."""
        with self._lock:
            changed = {key: cells for key, cells in rows.items() if self._rows.get(key) != cells}
            self._change(dict(rows), changed, [key for key in self._rows if key not in rows])

    def patch(self, rows: Mapping[str, Cells], gone: Iterable[str] = ()) -> None:
        """Update these rows, or add them below; remove those that are gone."""
        with self._lock:
            left = [key for key in gone if key in self._rows]
            changed = {key: cells for key, cells in rows.items() if self._rows.get(key) != cells}
            now = self._rows
            now.update(changed)
            for key in left:
                del now[key]
            if changed or left:
                self._change(now, changed, left)

    def _change(self, now: dict[str, Cells], changed: dict[str, Cells], gone: list[str]) -> None:
        self._rows = now
        if gone and not all(key in now for key in self._selected):
            self._select([key for key in self._selected if key in now], self._focus)
        # Before its hello a page may have missed any message; a busy kernel may read that hello much later.
        if not self._greeted and len(now) > UNASKED:
            return
        if not self._greeted or len(changed) + len(gone) > MOST * len(now) + 8:
            self._send_all()
        elif changed or gone:
            self._send_rows("patch", changed, gone=gone)

    def add_column(self, column: Column[Any], values: Sequence[Any]) -> None:
        """Add a column to the right, with a value for each row in the order of `rows`; only these values are sent.

        Rows that are shown from now on must have a cell for it, until `drop_column`.
        """
        with self._lock:
            self._columns.append(column)
            cells = zip(self._rows.items(), values, strict=True)
            self._rows = {key: (*row, value) for (key, row), value in cells}
            self._send_columns(len(self._columns) - 1, values)

    def drop_column(self, name: str) -> None:
        """Remove a column that was added; a name that no added column has is ignored."""
        with self._lock:
            place = self._place(name, self._own_columns)
            if place is not None:
                del self._columns[place]
                self._rows = {key: (*row[:place], *row[place + 1 :]) for key, row in self._rows.items()}
                self._send_columns(place, None)

    def suggest(self, paths: Sequence[str]) -> None:
        """Suggest body paths to a user who adds a column."""
        with self._lock:
            if paths != self._paths:
                self._paths = list(paths)
                self.send("paths", paths=self._paths)

    def select(self, keys: Sequence[str]) -> None:
        """Select rows, and ignore keys that are not in the table."""
        with self._lock:
            known = [key for key in keys if key in self._rows]
            self._select(known, known[-1] if known else None)

    def _select(self, keys: Sequence[str], focus: str | None) -> None:
        self._selected, self._focus = tuple(keys), focus
        if self.root is not None:
            self.root.select(self.name, self._selected, focus)

    def offer(self, name: str, label: str = "", keys: Sequence[str] = (), needed: Confirmation | None = None) -> None:
        """Show a button that does not act on the selected rows, or hide it.

        Parameters
        ----------
        name, label : str
            The action, and the text of its button; without a label the button is hidden.
        keys : sequence of str
            The keys of its click.
        needed : Confirmation or None
            The confirmation; None for that of as many jobs as there are keys.
        """
        with self._lock:
            if self._bar.offer(name, label, keys, needed):
                self.send("offer", **self._bar.offered(name))

    def _place(self, name: str, first: int = 0) -> int | None:
        """Return the place of a column, from `first` on."""
        places = range(first, len(self._columns))
        return next((place for place in places if self._columns[place].name == name), None)

    def _ordered(self) -> dict[str, Cells]:
        """Return the rows in the order in which a page shows them at first."""
        if self.options["order"] is None:
            return self._rows
        place, largest_first = self.options["order"]
        number = self._columns[place].unit == "id"

        def rank(row: tuple[str, Cells]) -> tuple[bool, Any]:
            value = row[1][place]
            known = value is not None
            # Unknown ones are last, whichever way.
            return (known is largest_first, (int(value) if number else value) if known else 0)

        return dict(sorted(self._rows.items(), key=rank, reverse=largest_first))

    def _send_rows(self, kind: str, rows: Mapping[str, Cells], **more: Any) -> None:
        keys = list(rows)
        buffers: list[bytes] = []
        named = packed_keys(keys, buffers)
        values = list(rows.values())
        # Not by zip: it is three times as slow for many rows.
        columns = [list(map(itemgetter(place), values)) for place in range(len(self._columns))]
        cells = [packed(column, buffers, keys) for column in columns]
        self.send(kind, buffers=buffers, seq=self._next(), keys=named, cells=cells, **more)

    def _send_columns(self, place: int, values: Sequence[Any] | None) -> None:
        buffers: list[bytes] = []
        cells = None if values is None else packed(list(values), buffers)
        columns = [described(column) for column in self._columns]
        self.send("columns", buffers=buffers, seq=self._next(), columns=columns, at=place, cells=cells)

    def _send_all(self) -> None:
        # A page that appears now only knows the first columns.
        added = len(self._columns) > self._own_columns
        columns = [described(column) for column in self._columns] if added else None
        self._send_rows("rows", self._rows, columns=columns)

    def _saved(self) -> list[dict[str, Any]]:
        rows = self.saved_rows
        columns = map(list, zip(*rows.values(), strict=True)) if rows else [[] for _ in range(self._own_columns)]
        cells = [{"list": column} for column in columns]
        return [{"kind": "rows", "seq": None, "keys": {"list": list(rows)}, "cells": cells, "total": len(self._rows)}]

    def welcome(self) -> None:
        """Send everything: a page has appeared."""
        with self._lock:
            super().welcome()
            if self._paths:
                self.send("paths", paths=self._paths)
            for name in self._bar.offers:
                self.send("offer", **self._bar.offered(name))

    # -- from the page -------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        kind = message.get("kind")
        if kind == "cancel" and self._on_cancel:
            self._on_cancel()
        elif kind == "column" and self._on_column:
            self._on_column(message["path"])
        elif kind == "drop" and self._on_drop:
            self._on_drop(message["name"])
        elif kind == "export" and self._on_export:
            file = self._on_export(message["format"], tuple(message["keys"]))
            if file is not None:
                self.send("file", buffers=[file[1]], name=file[0])
        elif kind == "action" and self._on_action:
            click = self._bar.clicked(message, self._clock() - message["clicked"])
            if click is not None:
                self._on_action(click)

    def _choose(self, keys: tuple[str, ...], focus: str | None) -> None:
        with self._lock:
            known = tuple(key for key in keys if key in self._rows)
            self._selected, self._focus = known, focus
        if self._on_select:
            self._on_select(known)
