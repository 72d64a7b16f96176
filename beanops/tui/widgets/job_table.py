"""`JobTable`: the jobs of a tube as they are found, a hundred thousand as smoothly as a hundred.

What was found is put through the filter a slice at a time, so that no key ever waits for it: while a scan goes on,
and when the filter changes. The jobs at the top (`pin`) are the heads of the states and those that are held.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.geometry import Size

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.tui import keys
from beanops.tui.widgets.job_rows import JOBS, JobRow, Summaries
from beanops.tui.widgets.table import RowTable

#: Seconds that the filter takes at a time, and rows between two looks at the clock.
SLICE, STEP = 0.004, 64


class JobTable(RowTable[JobRow]):
    """The jobs of a tube."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MARKS, *keys.JOB_SORT]

    def __init__(self, reader: Summaries, clock: Callable[[], float], *, id: str) -> None:
        super().__init__(JOBS, lambda row: row.id, clock, empty="searching ...", id=id)
        self._reader = reader
        self._rows: list[JobRow] = []
        self._known: dict[int, JobRow] = {}
        self._found: list[JobRow] = []
        self._fed = 0
        self._passing: list[JobRow] = []
        self._pinned: tuple[JobRow, ...] = ()
        self._feeding = False
        self._dead = 0
        # Whether other rows were asked for: once all are there the cursor goes to another if its own is not among them.
        self._asked = False

    @property
    def given(self) -> int:
        """How many jobs are known."""
        return len(self._known)

    @property
    def alive(self) -> int:
        """How many of them were still there when they were last looked at."""
        return len(self._known) - self._dead

    @property
    def marked(self) -> tuple[int, ...]:
        """Ids of the marked jobs that are known: as they stand, then those that the filter hides."""
        if not len(self.marks):
            return ()
        return tuple(id for id in dict.fromkeys((*self._places, *self._known)) if id in self.marks)

    @property
    def bare(self) -> bool:
        """Whether no row is of a job that is still there."""
        return all(row.stats is None for row in self._rows)

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last row."""
        return self._place >= len(self._rows) - 1

    def get(self, id: int) -> JobRow | None:
        """Return what is known of a job."""
        return self._known.get(id)

    def ids_in_sight(self) -> list[int]:
        """Return the ids of the rows on the screen."""
        top = self.scroll_offset.y
        return [row.id for row in self._rows[top : top + self._visible]]

    def states(self, ids: Iterable[int], held: frozenset[int]) -> Mapping[str, int]:
        """Return how many of these jobs are in which state, ``"held"`` for those that this session reserved."""
        rows = (self._known[id] for id in ids)
        return Counter("held" if row.id in held and row.state == "reserved" else row.state for row in rows)

    # -- what comes in -----------------------------------------------------------------------------------------------

    def extend(self, rows: Iterable[JobRow]) -> None:
        """Add what a search found."""
        for new in rows:
            row = self._known.setdefault(new.id, new)
            row.stats = new.stats
            if not row.found:
                row.found = True
                self._found.append(row)
        self._feed()

    def restart(self) -> None:
        """Forget what was found."""
        self._known, self._found, self._pinned, self._dead = {}, [], (), 0
        self._refeed()

    def settle(self) -> None:
        """Put the cursor on another row if its own is not among those that the user asked for."""
        self._asked = True
        self._feed()

    def update_stats(self, fresh: Mapping[int, JobStats | None]) -> None:
        """Take over what the server says of some jobs now, None for those that are gone."""
        for id, stats in fresh.items():
            row = self._known.get(id)
            if row is not None:
                self._dead += (stats is None) - (row.stats is None)
                row.stats = stats
        self._repaint()

    def pin(self, jobs: Mapping[int, tuple[str, FoundJob]]) -> None:
        """Have these jobs at the top, each with its place; the one under the cursor stays where it is in any case."""
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
            # A head that has moved on, that no search has found and nobody marked, is one of many: it is let go.
            if not (before.place or before.found or before.id in self.marks):
                del self._known[before.id]
                self._dead -= before.stats is None
        changed = tuple(pinned) != self._pinned
        self._pinned = tuple(pinned)
        if changed:
            self._assemble()
        self._repaint()

    def prune(self, *, here: bool) -> None:
        """Forget the jobs that are gone; the one under the cursor only where it is said so."""
        kept = None if here else self.row
        gone = {id for id, row in self._known.items() if row.stats is None and row is not kept}
        if gone:
            self._known = {id: row for id, row in self._known.items() if id not in gone}
            self._fed = sum(row.id not in gone for row in self._found[: self._fed])
            self._found = [row for row in self._found if row.id not in gone]
            self._passing = [row for row in self._passing if row.id not in gone]
            self._pinned = tuple(row for row in self._pinned if row.id not in gone)
            self._dead -= len(gone)
            self.marks.keys -= gone
            self._assemble()

    # -- filter and order --------------------------------------------------------------------------------------------

    def keep(self, passes: Callable[[JobRow], bool] | None) -> None:
        """Show only jobs that pass; None shows all."""
        self._keep, self._asked = passes, True
        self._refeed()

    def sort_by(self, key: str) -> None:
        """Sort by a column; jobs that are found later come in where they belong."""
        self.descending = key == self.sort_key and not self.descending
        self.sort_key = key
        self._begin_at_top()
        self._assemble()

    def action_sort(self, step: int) -> None:
        """Sort by the next shown column to the left or right; between last and first is the order of the scan."""
        shown = [None, *(placed.column.name for placed in self._placed)]
        key = shown[(shown.index(self.sort_key) + step) % len(shown)] if self.sort_key in shown else None
        self.sort_key, self.descending = key, False
        self._begin_at_top()
        self._assemble()

    def _refeed(self) -> None:
        self._fed, self._passing = 0, []
        self._assemble()
        self._feed()

    def _feed(self) -> None:
        """Put what was found through the filter until time is up, then go on after whatever else has to be done."""
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

    def _feed_on(self) -> None:
        self._feeding = False
        self._feed()

    def _append(self, new: Sequence[JobRow]) -> None:
        rows = [row for row in new if not row.place and row.id not in self._places]
        if not rows:
            return
        for place, row in enumerate(rows, len(self._rows)):
            self._places[row.id] = place
        self._rows += rows
        self._grown()

    def _assemble(self, *, asked: bool = False) -> None:
        """Put the rows together anew; cursor and scroll stay with the job that the cursor is on."""
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

    def _grown(self) -> None:
        before, at = self.row, self._place
        if self._placed:
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
    """Return the filter for a text; None for none."""
    wanted = text.lower()
    return (lambda row: row.contains(wanted)) if wanted else None
