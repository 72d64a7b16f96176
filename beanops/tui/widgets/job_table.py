"""`JobTable`: the jobs of a tube as they are found, smooth also for a hundred thousand.

Found jobs are filtered in time slices, so that no key waits. The jobs at the top (`pin`) are the next job of each
state and the reserved jobs of this session.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.tui import keys
from beanops.tui.widgets.columns import WIDE, Placed
from beanops.tui.widgets.columns import place as place_columns
from beanops.tui.widgets.job_layout import JobLayout
from beanops.tui.widgets.job_rows import JobRow, Summaries
from beanops.tui.widgets.table import RowTable

#: Seconds per slice of filtering, and rows between two checks of the clock.
SLICE, STEP = 0.004, 64
#: Cells for errors in a narrow and in a wide terminal, before other columns are left out.
ERROR, WIDE_ERROR = 44, 60
#: Rows up to which each that comes may change the widths of columns.
FEW = 100
#: Rows from which a list is not sorted by body.
LONG = 5000
#: Jobs that were just put and stay in the list.
TOP = 5000
#: The key of the row under the cursor while it is on none, and the newest jobs are in view.
_FOLLOWING = object()


class JobTable(RowTable[JobRow]):
    """The jobs of a tube."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SELECTION, *keys.SORT]

    class Filtered(Message):
        """All found jobs have been filtered."""

    def __init__(self, reader: Summaries, clock: Callable[[], float], *, id: str) -> None:
        self.jobs_layout = JobLayout()
        super().__init__(
            tuple(self.jobs_layout.every.values()), lambda row: row.id, clock, empty="searching ...", id=id
        )
        self._reader = reader
        self._rows: list[JobRow] = []
        self._known: dict[int, JobRow] = {}
        self._found: list[JobRow] = []
        self._fed = 0
        self._passing: list[JobRow] = []
        self._pinned: tuple[JobRow, ...] = ()
        # Ids of jobs that were put while the list was shown, the newest first.
        self._on_top: list[int] = []
        self._feeding = False
        self._dead = 0
        #: Whether there are jobs that the search has not found yet: then all of them can be selected, loaded or not.
        self.partial = False
        # Whether the user asked for other rows: then the cursor moves to another row if its own is not among them.
        self._asked = False

    @property
    def found(self) -> tuple[JobRow, ...]:
        """The jobs that were found, also those that the filter hides."""
        return tuple(self._found)

    @property
    def given(self) -> int:
        """The number of known jobs."""
        return len(self._known)

    @property
    def alive(self) -> int:
        """The number of known jobs that existed at the last look."""
        return len(self._known) - self._dead

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected jobs: first those in the list, then those that the filter hides."""
        if not len(self.selection):
            return ()
        return tuple(id for id in dict.fromkeys((*self._places, *self._known)) if id in self.selection)

    @property
    def bare(self) -> bool:
        """Whether no job of the list exists any more."""
        return all(row.stats is None for row in self._rows)

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last row."""
        return self._place >= len(self._rows) - 1

    def position(self, id: int) -> str:
        """Return where a job is in the list, in words; empty unless the cursor is on it."""
        return f"{self._place + 1:,} of {len(self._rows):,}" if self.row is not None and self.row.id == id else ""

    def get(self, id: int) -> JobRow | None:
        """Return a row by the id of its job."""
        return self._known.get(id)

    def ids_in_sight(self) -> list[int]:
        """Return the ids of the rows on the screen."""
        top = self.scroll_offset.y
        return [row.id for row in self._rows[top : top + self._visible]]

    def states(self, ids: Iterable[int], held: frozenset[int]) -> Mapping[str, int]:
        """Return the number of these jobs by state, ``"held"`` for those that this session has reserved."""
        return Counter(self.state_of(id, held) for id in ids)

    def state_of(self, id: int, held: frozenset[int]) -> str:
        """Return the state of a job, ``"held"`` for one that this session has reserved."""
        state = self._known[id].state
        return "held" if state == "reserved" and id in held else state

    # -- selection ---------------------------------------------------------------------------------------------------

    def action_select_all(self) -> None:
        """Select all jobs that there are, or all rows that pass the filter; if they are selected, deselect them."""
        if self.selection.everything:
            self.clear_selection()
        elif self.partial and self._keep is None:
            self.selection.clear()
            self.selection.everything = True
            self._selection_changed()
        else:
            super().action_select_all()

    def action_select_row(self) -> None:
        """Select or deselect the row under the cursor, and move to the next."""
        self._only_loaded()
        super().action_select_row()

    def action_select_range(self) -> None:
        """Select all rows from the last one selected by hand to the cursor."""
        self._only_loaded()
        super().action_select_range()

    def _only_loaded(self) -> None:
        """Select the rows of the list one by one in place of all jobs: from here on some are not selected."""
        if self.selection.everything:
            self.selection.clear()
            self.selection.all(self._places)

    # -- rows --------------------------------------------------------------------------------------------------------

    def extend(self, rows: Iterable[JobRow]) -> None:
        """Add jobs that a search found."""
        rows = list(rows)
        self._see(rows)
        for new in rows:
            row = self._known.setdefault(new.id, new)
            row.stats = new.stats
            if not row.found:
                row.found = True
                self._found.append(row)
        self._feed()

    def restart(self) -> None:
        """Remove all jobs."""
        self._known, self._found, self._pinned, self._dead, self._on_top = {}, [], (), 0, []
        self.jobs_layout.restart()
        self._refeed()

    def put_on_top(self, rows: Sequence[JobRow]) -> None:
        """Add jobs that were just put, the newest first; of many only the newest stay."""
        new = [row for row in rows if row.id not in self._known]
        self._see(new)
        for row in new:
            row.found = True
            self._known[row.id] = row
        self._found[:0] = new
        self._fed += len(new)
        self._passing[:0] = new if self._keep is None else filter(self._keep, new)
        self._on_top[:0] = [row.id for row in new]
        if len(self._on_top) > 2 * TOP:
            self._on_top, dropped = self._on_top[:TOP], {*self._on_top[TOP:]}
            gone = {id for id in dropped if id in self._known and id not in self.selection and id != self._cursor}
            self._dead -= sum(self._known[id].stats is None for id in gone)
            self._drop(gone)
        self._assemble()

    def follow(self, *, on: bool) -> None:
        """Show the first rows, with the cursor on none until it is moved; or put it on the first row."""
        if on:
            if self.sort_key is not None:
                # Sorted, they would come anywhere.
                self.sort_key, self.descending = None, False
                self._refeed()
            self._cursor, self._home, self._lost, self._place = _FOLLOWING, None, True, 0
            self.bring_to_top(0)
        elif self._cursor is _FOLLOWING:
            self._cursor = None
            self._follow(self._place)
        self._repaint()
        self.post_message(self.Moved())

    @property
    def lost(self) -> Any:
        """The id of the job under the cursor, if that is no longer in the list; else None."""
        return None if self._cursor is _FOLLOWING else super().lost

    def settle(self) -> None:
        """Move the cursor to another row if its own is not among those that the user asked for."""
        self._asked = True
        self._feed()

    def update_stats(self, fresh: Mapping[int, JobStats | None]) -> None:
        """Update the statistics of some jobs; None for those that no longer exist."""
        for id, stats in fresh.items():
            row = self._known.get(id)
            if row is not None:
                self._dead += (stats is None) - (row.stats is None)
                row.stats = stats
        self._see([row for id in fresh if (row := self._known.get(id)) is not None])
        self._repaint()

    def pin(self, jobs: Mapping[int, tuple[str, FoundJob]]) -> None:
        """Show these jobs at the top, each with its place; the job under the cursor stays at the top."""
        for before in self._pinned:
            before.place = ""
        pinned = []
        for id, (place, job) in jobs.items():
            row = self._known.setdefault(id, JobRow(job, self._reader))
            self._dead -= row.stats is None
            row.stats = job.stats
            row.place = place
            pinned.append(row)
        here = self.row
        if here is not None and here in self._pinned and here.id not in jobs:
            here.place = "seen"
            pinned.append(here)
        for before in self._pinned:
            # A job that is no longer at the top, not found by a search and not selected, is removed.
            if not (before.place or before.found or before.id in self.selection):
                del self._known[before.id]
                self._dead -= before.stats is None
        self._see(pinned)
        changed = tuple(pinned) != self._pinned
        self._pinned = tuple(pinned)
        if changed:
            self._assemble()
        self._repaint()

    def prune(self, *, here: bool) -> None:
        """Remove the jobs that no longer exist; the one under the cursor only with `here`."""
        kept = None if here else self.row
        gone = {id for id, row in self._known.items() if row.stats is None and row is not kept}
        if gone:
            self._drop(gone)
            self._dead -= len(gone)
            self.selection.keys -= gone
            self._assemble()

    def _drop(self, gone: set[int]) -> None:
        """Forget jobs."""
        if gone:
            self._known = {id: row for id, row in self._known.items() if id not in gone}
            self._fed = sum(row.id not in gone for row in self._found[: self._fed])
            self._found = [row for row in self._found if row.id not in gone]
            self._passing = [row for row in self._passing if row.id not in gone]
            self._pinned = tuple(row for row in self._pinned if row.id not in gone)

    # -- columns -----------------------------------------------------------------------------------------------------

    def _see(self, rows: Sequence[JobRow]) -> None:
        """Lay out the columns once more if jobs differ in other ones."""
        if self.jobs_layout.see(rows) and self._placed:
            self._fit()

    def lay_out(self) -> None:
        """Show the columns that the layout has now."""
        self._fit()
        self._drawn.clear()
        self.refresh()

    def _fit(self) -> None:
        """Lay out the columns: those that the user chose, or those that tell the jobs apart."""
        self._columns = self.jobs_layout.columns(self._rows, self.in_sight, self.sort_key)
        self._all = {**self.jobs_layout.every, **self._columns}
        super()._fit()

    def _place_columns(self, width: int) -> list[Placed[JobRow]]:
        least = WIDE_ERROR if width >= WIDE else ERROR
        return place_columns(list(self._columns.values()), self._rows, width, least)

    # -- filter and order --------------------------------------------------------------------------------------------

    def keep(self, passes: Callable[[JobRow], bool] | None) -> None:
        """Show only jobs that pass; None shows all."""
        self._keep, self._asked = passes, True
        self._refeed()

    def sort_by(self, key: str) -> None:
        """Sort by a column; jobs found later are inserted in order."""
        self.descending = key == self.sort_key and not self.descending
        self.sort_key = key
        self.begin_at_top()
        self._assemble()

    def action_sort(self, step: int) -> None:
        """Sort by the next shown column to the left or right; between last and first comes the search order."""
        # To sort many jobs by body would decode all of them first.
        unsorted = {"body"} if len(self._rows) > LONG else set()
        shown = [None, *(placed.column.name for placed in self._placed if placed.column.name not in unsorted)]
        key = shown[(shown.index(self.sort_key) + step) % len(shown)] if self.sort_key in shown else None
        self.sort_key, self.descending = key, False
        self.begin_at_top()
        if key is None:
            self._refeed()  # in the order in which they were found
        else:
            self._assemble()

    def _refeed(self) -> None:
        self._fed, self._passing = 0, []
        self._assemble()
        self._feed()

    def _feed(self) -> None:
        """Filter found jobs for one slice of time, then continue after other events."""
        if self._feeding:
            return
        until = time.perf_counter() + SLICE
        new: list[JobRow] = []
        while self._fed < len(self._found) and time.perf_counter() < until:
            part = self._found[self._fed : self._fed + STEP]
            self._fed += len(part)
            new += part if self._keep is None else filter(self._keep, part)
        self._passing += new
        if self.sort_key is None:
            self._append(new)
        if self._fed < len(self._found):
            self._feeding = True
            self.set_timer(0.001, self._feed_on)
        elif self.sort_key is not None or self._asked:
            asked, self._asked = self._asked, False
            self._assemble(asked=asked)
            self.post_message(self.Filtered())

    def _feed_on(self) -> None:
        self._feeding = False
        self._feed()

    def _append(self, new: Sequence[JobRow]) -> None:
        rows = [row for row in new if not row.place and row.id not in self._places]
        if not rows:
            return
        before = len(self._rows)
        for at, row in enumerate(rows, before):
            self._places[row.id] = at
        self._rows += rows
        self._grown(before)

    def _assemble(self, *, asked: bool = False) -> None:
        """Rebuild the rows; cursor and scroll position stay with the job under the cursor."""
        before, at = self.row, self._place
        passing = self._passing
        if self.sort_key is not None:
            passing = self._passing = [passing[place] for place in self._sorted(passing)]
        top = [row for row in self._pinned if self._keep is None or self._keep(row)]
        rows = [*top, *(row for row in passing if not row.place)]
        self._rows = rows
        self._places = {row.id: place for place, row in enumerate(rows)}
        self._fit()
        self._follow(at, asked=asked)
        self._repaint()
        if self.row is not before:
            self.post_message(self.Moved())

    def _grown(self, at_first: int) -> None:
        before, at = self.row, self._place
        if self._placed and at_first > FEW:
            self.virtual_size = Size(self.virtual_size.width, len(self._rows) + 1)
        else:
            self._fit()
        if self._lost and self._cursor in self._places:
            self._move_to(self._places[self._cursor])
        else:
            self._follow(at)
        if self.row is not before:
            self.post_message(self.Moved())
        self._repaint()


def passes(text: str) -> Callable[[Any], bool] | None:
    """Return the filter of a text; None for an empty text."""
    wanted = text.lower()
    return (lambda row: row.contains(wanted)) if wanted else None
