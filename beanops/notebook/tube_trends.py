"""`TubeTrends`: the last five minutes of each tube, for a small line in its row. No widgets.

To read the past of one tube costs more than a millisecond, so it is read once, and each look adds its counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from beanops.monitor.history import resampled
from beanops.monitor.survey import Seen
from beanops.notebook.widgets.cells import spark
from beanops.ui.columns.tubes import TREND, trend_field
from beanops.ui.columns.why import lasted

#: Points of a trend, those that it has at least, and the seconds between two.
POINTS, FEWEST = 30, 6
STEP = TREND / POINTS
#: Tubes whose past is read with the first look, and with each later one.
FIRST_READS, READS = 40, 6

#: Ready and buried jobs at one time; None where nobody looked.
Counts = tuple[int, int] | None


class _Course:
    """The counts of one tube, and the cell that shows them."""

    __slots__ = ("cell", "counts", "field", "is_read", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.counts: deque[Counts] = deque([None], POINTS)
        self.is_read = False
        self.field = ""
        self.cell: str | None = None

    def add(self, place: int, counts: Counts) -> None:
        """Add counts at a place in time; what was last seen of a tube holds until then."""
        if place != self.place:
            self.counts.extend([self.counts[-1]] * min(POINTS, place - self.place))
            self.place = place
            self.cell = None
        if self.counts[-1] != counts:
            self.counts[-1] = counts
            self.cell = None


class TubeTrends:
    """Remembers the trends of tubes.

    Parameters
    ----------
    reads : int
        Tubes whose past is read with the first look.
    """

    def __init__(self, reads: int = FIRST_READS) -> None:
        self._courses: dict[str, _Course] = {}
        self._reads = reads

    def look(self, names: Sequence[str]) -> None:
        """Begin a look: forget tubes that are gone."""
        if self._courses:
            self._reads = READS
        if len(self._courses) > len(names):
            there = set(names)
            self._courses = {name: course for name, course in self._courses.items() if name in there}

    def cell(self, row: Seen) -> str:
        """Return the trend of a tube as the cell of a column that is drawn as a spark."""
        place = int(row.at // STEP)
        course = self._courses.get(row.name)
        if course is None or place < course.place:  # a recording may go back in time
            course = self._courses[row.name] = _Course(place)
        stats = row.stats
        course.add(place, (stats.current_jobs_ready, stats.current_jobs_buried))
        if not course.is_read and self._reads:
            self._read(course, row)
        field = trend_field(row)
        if course.cell is None or course.field != field:
            course.field, course.cell = field, _drawn(course.counts, field)
        return course.cell

    def _read(self, course: _Course, row: Seen) -> None:
        course.is_read = True
        history = row.history
        first = (course.place + 1 - POINTS) * STEP
        if history.begun is None or history.begun >= course.place * STEP:
            return  # nobody looked before
        self._reads -= 1
        past = resampled(history.cells(first, row.at, STEP), first, STEP, POINTS)
        counts: list[Counts] = [cell and (cell.ready.mean, cell.buried.mean) for cell in past]
        course.counts = deque([*counts[:-1], course.counts[-1]], POINTS)
        course.cell = None


def _drawn(counts: Sequence[Counts], field: str) -> str:
    """Return a cell; empty where there were no such jobs.

    A tube that is known for a short time has fewer points. The line begins at zero unless that would hide the change.
    """
    which = ("ready", "buried").index(field)
    values = [None if one is None else one[which] for one in counts]
    known = [value for value in values if value is not None]
    least, most = min(known, default=0), max(known, default=0)
    if not most:
        return ""
    begun = next(place for place, value in enumerate(values) if value is not None)
    values = values[begun:]
    seconds = lasted(len(values) * STEP)
    values = [*[None] * (FEWEST - len(values)), *values]
    words = f"{field}, last {seconds}: {least:,} to {most:,}" if least < most else f"{field}, last {seconds}: {most:,}"
    if most - least < most / 100:
        # Flat, and not at the lower edge, where it would look like no jobs.
        return spark([None if value is None else 1 for value in values], words, top=2, filled=False)
    base = 0 if 2 * least <= most else least
    return spark([None if value is None else value - base for value in values], words, filled=not base)
