"""`ChartFeed`: keeps the charts of a view up to date, for the tubes that are selected and the time that is chosen.

The past is read once, when tubes or another time are chosen; after that each look adds its counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import floor, inf

from beanops.journal.filters import Filter
from beanops.journal.journal import Journal
from beanops.journal.records import OUTCOMES, RunCounts
from beanops.monitor.history import KnownPast
from beanops.monitor.past import GAP
from beanops.monitor.survey import Survey
from beanops.notebook.chart_samples import (
    GROWN,
    LEAST,
    MOST_BINS,
    STACKED,
    past_rows,
    scope_text,
    step_of,
    summed,
    values_now,
)
from beanops.notebook.widgets.chart import Chart, ChartMark, Course, Row
from beanops.text import safe_text

#: Runs that are marked at most, the newest, and characters of what one was.
MOST_MARKS, MARK_TEXT = 50, 160
#: Runs that change no queue.
_HARMLESS = ("export", "prune", "verify")


class ChartFeed:
    """The course of a server or of the selected tubes, for a chart.

    Parameters
    ----------
    chart : Chart
        Where it is shown.
    past : callable
        Returns the past of a tube, of the server for None.
    clock, wall : callable
        Seconds in which the past is known, and seconds since 1970.
    """

    def __init__(
        self,
        chart: Chart,
        past: Callable[[str | None], KnownPast],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._chart = chart
        self._past = past
        self._clock = clock
        self._wall = wall
        self._tubes: tuple[str, ...] = ()
        self._survey: Survey | None = None
        self._lost, self._live = False, True
        self._at = 0.0
        self._rows: list[Row | None] = []
        self._first, self._step = 0, 1.0
        # The last look: when it was, and how many there were in the last bin.
        self._added, self._looks = -inf, 0
        self._marked: tuple[int, tuple[str, ...], str] | None = None
        chart.say("scope", scope_text(()))

    @property
    def tubes(self) -> tuple[str, ...]:
        """The tubes whose sum is shown; empty for the whole server."""
        return summed(self._tubes)

    def follow(self, tubes: Sequence[str]) -> None:
        """Show the sum of these tubes from now on, or the whole server if there are none."""
        if tuple(tubes) == self._tubes:
            return
        before, self._tubes = self.tubes, tuple(tubes)
        self._chart.say("scope", scope_text(self._tubes))
        if before != self.tubes:
            self.begin_again()

    def begin_again(self) -> None:
        """Read the past: another time or other tubes were chosen."""
        self._rows = []
        if self._survey is not None:
            self._begin(self._at)
            self._show(self._at)

    def show(self, survey: Survey) -> None:
        """Add what a look saw."""
        earlier = self._survey
        self._survey, lost, self._lost = survey, self._lost, False
        begun_anew = earlier is not None and survey.server.id != earlier.server.id
        if not self._rows or begun_anew:
            self._begin(survey.at)
        else:
            self._add(survey.at, values_now(survey, self.tubes), not lost and survey.at - self._added <= GAP)
        self._show(survey.at)

    def lose(self, at: float) -> None:
        """Show that nothing is known of a moment: the server does not answer."""
        self._lost = True
        self._show(at)

    def show_recorded(self, survey: Survey, at: float) -> None:
        """Show the past until a moment of a recording."""
        self._survey, self._live = survey, False
        self._begin(at)
        self._show(at)

    # -- bins ----------------------------------------------------------------------------------------------------------

    @property
    def _offset(self) -> float:
        return self._wall() - self._clock()

    def _begin(self, at: float) -> None:
        offset, tubes = self._offset, self.tubes
        pasts = [self._past(tube) for tube in tubes or (None,)]
        begun = min((past.begun for past in pasts if past.begun is not None), default=at)
        reach = max(LEAST, min(self._chart.window.seconds or inf, at - begun))
        self._step = step_of(reach)
        last = floor((at + offset) / self._step)
        number = floor(reach / self._step) + 1
        self._first = last - number + 1
        until = None if self._lost else at + offset
        self._rows = past_rows(pasts, offset, self._first, self._step, number, until)
        while len(self._rows) > 1 and self._rows[0] is None:
            del self._rows[0]
            self._first += 1
        self._added, self._looks = at, 1

    def _add(self, at: float, values: Row | None, joined: bool) -> None:
        """Add the values of a look; the time since the last one is known too if they are joined."""
        place = floor((at + self._offset) / self._step) - self._first
        if place < len(self._rows):
            place = len(self._rows) - 1  # the clock was set back
            before = self._rows[place]
            self._rows[place] = values if before is None or values is None else self._merged(before, values)
            self._looks += 1
        else:
            self._rows += [values if joined else None] * (place - len(self._rows))
            self._rows.append(values)
            self._looks = 1
        self._added = at
        self._forget(at + self._offset)

    def _merged(self, before: Row, values: Row) -> Row:
        """Return the highest counts and the mean rates of the looks in one bin."""
        states = [max(pair) for pair in zip(before[: len(STACKED)], values[: len(STACKED)], strict=True)]  # type: ignore[type-var]
        looks = self._looks
        rates = [
            one if other is None else other if one is None else round((one * looks + other) / (looks + 1), 2)
            for one, other in zip(before[len(STACKED) :], values[len(STACKED) :], strict=True)
        ]
        return (*states, *rates)

    def _forget(self, now: float) -> None:
        seconds = self._chart.window.seconds
        if seconds is not None:
            gone = floor((now - seconds) / self._step) - self._first
            if gone > 0:
                del self._rows[:gone]
                self._first += gone
        if len(self._rows) > GROWN * MOST_BINS:
            self._begin(self._added)

    def _show(self, at: float) -> None:
        self._at, survey = at, self._survey
        now = None if survey is None or self._lost else values_now(survey, self.tubes)
        self._chart.show(Course(self._step, self._first, tuple(self._rows), at + self._offset, now, self._live))

    # -- actions -------------------------------------------------------------------------------------------------------

    def show_actions(self, journal: Journal, server: str) -> None:
        """ChartMark the runs of the time that is shown: on the selected tubes, or on the whole server."""
        known = (journal.stamp(), self.tubes, self._chart.window.name)
        if known != self._marked:
            self._marked = known
            self._chart.mark(marks_of(journal, server, self._first * self._step, self.tubes))


def marks_of(journal: Journal, server: str, since: float, tubes: Sequence[str] = ()) -> list[ChartMark]:
    """Return the newest runs on a server since a moment, oldest first; with tubes those that acted on them."""
    which = Filter(server, since=datetime.fromtimestamp(since, UTC), tubes=list(tubes) or None)
    found = [run for run in journal.find_runs(which, limit=MOST_MARKS) if run.action not in _HARMLESS]
    # A notebook file keeps marks, and a predicate may hold what is secret in bodies.
    runs = [
        run._replace(request={name: value for name, value in run.request.items() if name != "where"}) for run in found
    ]
    return [ChartMark(round(run.time.timestamp(), 1), mark_text(run)) for run in reversed(journal.with_counts(runs))]


def mark_text(run: RunCounts) -> str:
    """Return a run in words, such as ``kick mail: 3 done, by root@web (cli)``."""
    counts = ", ".join(f"{getattr(run, name):,} {name}" for name in OUTCOMES if getattr(run, name)) or "0 done"
    about = f" {run.about}" if run.about else ""
    return safe_text(f"{run.action}{about}: {counts}, by {run.actor} ({run.source})", limit=MARK_TEXT)
