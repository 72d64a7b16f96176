"""Charts: panels of areas over one time, of which a reader chooses how much is shown. The caller chooses the series.

The page side is ``page/chart/chart.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.protocol.errors import ArgumentError
from beanops.ui.defaults import LATE

#: Rows and actions of a snapshot, which a notebook file keeps.
MOST_KEPT, MOST_MARKS_KEPT = 60, 10

#: The values of all series in one bin; None is unknown and leaves a gap.
Row = tuple[float | None, ...]


class Series(NamedTuple):
    """One area: its label, and the name of its colour, such as ``"ready"``."""

    label: str
    tone: str


class Panel(NamedTuple):
    """One chart: its title, its series, whether they are stacked, and whether their values are whole numbers."""

    title: str
    series: list[Series]
    stacked: bool = False
    whole: bool = False


class ChartWindow(NamedTuple):
    """One choice of the time that is shown: its name and label, and its seconds; None is all that is known."""

    name: str
    label: str
    seconds: float | None
    title: str


class ChartMark(NamedTuple):
    """Something that was done: seconds since 1970, and what it was."""

    at: float
    text: str


class Course(NamedTuple):
    """What was known over some time, in bins of equal length.

    Attributes
    ----------
    step : float
        Seconds of a bin.
    first : int
        The first bin: bin `n` begins `n * step` seconds after 1970 began.
    rows : sequence of Row or None
        The values in each bin; None where nothing is known.
    at : float
        The present moment, in seconds since 1970.
    now : Row or None
        The values at that moment; None where they are not known.
    live : bool
        Whether that moment is now, and not one of a recording.
    """

    step: float = 1.0
    first: int = 0
    rows: Sequence[Row | None] = ()
    at: float = 0.0
    now: Row | None = None
    live: bool = True

    def changed_from(self, earlier: Course) -> int | None:
        """Return the first bin that differs from an earlier course; None where it is another one altogether."""
        end = earlier.first + len(earlier.rows)
        if self.step != earlier.step or not earlier.first <= self.first <= end or self.at < earlier.at:
            return None
        until = min(end, self.first + len(self.rows))
        same = range(self.first, until)
        return next((n for n in same if self.rows[n - self.first] != earlier.rows[n - earlier.first]), until)

    def shortened(self, most: int) -> Course:
        """Return the same time in at most so many bins: of each series the highest of the bins that become one."""
        times = -(-len(self.rows) // most) or 1
        if times == 1:
            return self
        first = self.first // times
        ends = [0, *((first + place) * times - self.first for place in range(1, most + 2))]
        groups = [self.rows[begin:end] for begin, end in pairwise(ends)]
        return self._replace(step=self.step * times, first=first, rows=[_highest(group) for group in groups if group])


def _highest(rows: Sequence[Row | None]) -> Row | None:
    known = [row for row in rows if row is not None]
    if not known:
        return None
    series = zip(*known, strict=True)
    return tuple(max((value for value in values if value is not None), default=None) for values in series)


class Chart(Channel):
    """Panels side by side over one time.

    Parameters
    ----------
    name : str
        Its name in the view.
    panels : sequence of Panel
        From left to right; a row has the values of all their series, in that order.
    windows : sequence of ChartWindow
        The choices of the time that is shown; it begins with the first.
    utc : bool
        Whether times are shown in UTC, and not in the reader's own zone.
    on_window : callable or None
        Called with a window that was chosen; the caller then shows the course of that time.
    on_error : callable or None
        Called with the text of an error in a handler.

    Examples
    --------
    >>> chart = view.chart
    >>> chart.choose("1h")
    >>> chart.window.label
    '1 h'
    """

    kind = "chart"
    files = ("chart/chart_axes.js", "chart/chart_panel.js", "chart/chart.js")

    def __init__(
        self,
        name: str,
        panels: Sequence[Panel],
        windows: Sequence[ChartWindow],
        *,
        utc: bool = False,
        on_window: Callable[[ChartWindow], None] | None = None,
        on_error: Callable[[str], None] | None = None,
    ) -> None:
        self._windows = {window.name: window for window in windows}
        self._window = windows[0]
        self._on_window = on_window
        self._course = Course()
        self._marks: list[ChartMark] = []
        self._labels = {one.label for panel in panels for one in panel.series}
        self._hidden: list[str] = []
        shown = [{**panel._asdict(), "series": [one._asdict() for one in panel.series]} for panel in panels]
        options = {"late": LATE, "utc": utc, "panels": shown, "windows": [one._asdict() for one in windows]}
        super().__init__(name, options, on_error)

    @property
    def window(self) -> ChartWindow:
        """The time that is shown."""
        return self._window

    @property
    def course(self) -> Course:
        """What is shown."""
        return self._course

    @property
    def marks(self) -> list[ChartMark]:
        """The actions that are marked on the axis of time, oldest first."""
        return self._marks

    @property
    def hidden(self) -> list[str]:
        """The labels of the series that are not shown."""
        return self._hidden

    # -- to the page -------------------------------------------------------------------------------------------------

    def choose(self, window: str) -> None:
        """Show another time, such as ``"1h"``.

        Raises
        ------
        ArgumentError
            There is no window of that name.
        """
        if window not in self._windows:
            raise ArgumentError("window", window, f"one of {', '.join(self._windows)}")
        with self._lock:
            self._window = self._windows[window]
            self._course = Course()  # the next one is sent whole
        if self._on_window:
            self._on_window(self._window)

    def hide(self, *labels: str) -> None:
        """Hide the series of these labels and show all others."""
        for label in labels:
            if label not in self._labels:
                raise ArgumentError("label", label, f"one of {', '.join(sorted(self._labels))}")
        with self._lock:
            self._hidden = sorted(set(labels))
            self.send("hidden", labels=self._hidden)

    def show(self, course: Course) -> None:
        """Show a course of the chosen time; only the bins that differ are sent."""
        with self._lock:
            earlier, self._course = self._course, course
            begin = course.changed_from(earlier) if earlier.rows and self._greeted else None
            if begin is None:
                self._send_course()
                return
            rows = course.rows[begin - course.first :]
            self.send("bins", seq=self._next(), first=begin, rows=rows, **self._present(course))

    def mark(self, marks: Sequence[ChartMark]) -> None:
        """ChartMark these actions on the axis of time, oldest first, and no others."""
        with self._lock:
            if list(marks) != self._marks:
                self._marks = list(marks)
                self._send_marks()

    @staticmethod
    def _present(course: Course) -> dict[str, Any]:
        return {"at": round(course.at, 1), "now": course.now, "live": course.live}

    def _course_message(self, course: Course) -> dict[str, Any]:
        known = {"step": course.step, "first": course.first, "rows": course.rows, **self._present(course)}
        return {**known, "window": self._window.name, "reach": self._window.seconds}

    def _send_course(self) -> None:
        self.send("course", seq=self._next(), **self._course_message(self._course))

    def _send_marks(self) -> None:
        self.send("marks", marks=[mark._asdict() for mark in self._marks])

    def _send_all(self) -> None:
        self.send("hidden", labels=self._hidden)
        self._send_marks()
        self._send_course()

    def _saved(self) -> list[dict[str, Any]]:
        course = self._course_message(self._course.shortened(MOST_KEPT))
        return [
            {"kind": "hidden", "labels": self._hidden},
            {"kind": "marks", "marks": [mark._asdict() for mark in self._marks[-MOST_MARKS_KEPT:]]},
            {"kind": "course", "seq": None, **course, "rows": list(course["rows"])},
        ]

    # -- from the page -----------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        if message.get("kind") == "window":
            self.choose(message["name"])
        elif message.get("kind") == "hidden":
            self.hide(*message["labels"])
