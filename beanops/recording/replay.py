"""`Player`: what a live server would show at a moment of a recording, and moving about in its time."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from beanops.monitor.history import Cell, KnownPast
from beanops.monitor.packing import Row
from beanops.monitor.problems.problem import Problem, summary, worst_first
from beanops.monitor.rates import REACH, Trail, grown, recent_rates, time_to_drain
from beanops.monitor.survey import Seen, Survey
from beanops.recording.looks import (
    AT,
    DELETES,
    KNOWN,
    PUTS,
    ages_of,
    follows,
    is_same,
    overdue_of,
    point_of,
    server_stats_of,
    tube_stats_of,
)
from beanops.recording.playback import Playback, Stretch
from beanops.recording.reader import RecordedProblem, RecordedServer, Recording
from beanops.recording.storage import NotARecording, RecordingError
from beanops.recording.writer import STEPS
from beanops.text import did_you_mean

#: Seconds of the recording that pass in a second.
SPEEDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
#: Seconds after a look for which it holds where no other look follows.
_HOLDS = 2.0
#: Milliseconds for which a tube holds that looks at very many tubes do not ask for.
_UNASKED = 120_000
#: Seconds after which a growing recording is asked for its end again.
_GROWS = 5.0


class RecordedPast:
    """The past of a tube, None for the server, in a recording.

    Parameters
    ----------
    recording : Recording
        Where it is.
    server : int
        The number of the server.
    tube : str or None
        The tube; None is the server itself.
    offset : float
        What to add to seconds since 1970 for those of the clock that asks.
    """

    def __init__(self, recording: Recording, server: int, tube: str | None, offset: float = 0.0) -> None:
        self._recording = recording
        self._server = server
        self._tube = tube
        self._offset = offset
        self._begun: float | None = None

    @property
    def begun(self) -> float | None:
        """When it begins; None where nothing is known."""
        if self._begun is None:
            first = self._recording.begun(self._server, self._tube)
            self._begun = None if first is None else first + self._offset
        return self._begun

    @property
    def ended(self) -> float | None:
        """When the last look was; None where nothing is known."""
        last = self._recording.ended(self._server, self._tube)
        return None if last is None else last + self._offset

    def cells(self, since: float, until: float, step: float = 0.0) -> list[Cell]:
        """Return what is known of a time; see `KnownPast`."""
        off = self._offset
        cells = self._recording.cells(self._server, self._tube, since - off, until - off, step)
        return [cell._replace(at=cell.at + off) for cell in cells] if off else cells


class Player:
    """Plays one server of a recording. It starts at the end, paused.

    Parameters
    ----------
    recording : Recording
        The recording; it stays open.
    server : str or None
        Name or address of one of its servers; None is the first.
    at : float or None
        Where to start, in seconds since 1970.
    speed : float
        Seconds of the recording that pass in a second.
    clock : callable
        Monotonic seconds.

    Raises
    ------
    NotARecording
        There is no such server in it, or none at all.
    """

    def __init__(
        self,
        recording: Recording,
        server: str | None = None,
        *,
        at: float | None = None,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recording = recording
        self.server = _chosen(recording, server)
        self._clock = clock
        self._ended, self._asked = self.server.ended, clock()
        self._speed = speed
        self._since: float | None = None
        self._from = self.server.ended
        self._pasts: dict[str | None, KnownPast] = {}
        if at is not None:
            self.jump(at)

    # -- time --------------------------------------------------------------------------------------------------------

    @property
    def began(self) -> float:
        """The first look."""
        return self.server.began

    @property
    def ended(self) -> float:
        """The last look, also of a recording that grows."""
        if self._clock() - self._asked >= _GROWS:
            self._asked = self._clock()
            self._ended = self.recording.ended(self.server.id, None) or self._ended
        return self._ended

    @property
    def at(self) -> float:
        """The moment that is shown, in seconds since 1970."""
        if self._since is None:
            return self._from
        return min(self.ended, self._from + (self._clock() - self._since) * self._speed)

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self._since is not None

    @property
    def speed(self) -> float:
        """Seconds of the recording that pass in a second."""
        return self._speed

    def play(self) -> None:
        """Let time pass; from the beginning where it is at the end."""
        if self._since is None:
            self._from = self.began if self._from >= self.ended else self._from
            self._since = self._clock()

    def pause(self) -> None:
        """Stop time."""
        self._from, self._since = self.at, None

    def set_speed(self, speed: float) -> None:
        """Set the speed."""
        self._go(self.at)
        self._speed = speed

    def step_speed(self, step: int) -> None:
        """Choose the next higher or lower speed."""
        place = bisect_right(SPEEDS, self._speed) if step > 0 else bisect_left(SPEEDS, self._speed) - 1
        if 0 <= place < len(SPEEDS):
            self.set_speed(SPEEDS[place])

    def jump(self, at: float) -> None:
        """Go to a moment, in seconds since 1970; at most to the first and the last look."""
        self._go(max(self.began, min(self.ended, at)))

    def _go(self, at: float) -> None:
        self._from = at
        self._since = None if self._since is None else self._clock()

    def jump_to_problem(self, step: int) -> RecordedProblem | None:
        """Go to where the next problem begins, or the previous one; return it, None where there is none."""
        at = self.at
        # What began before the first look is seen from then on.
        moments = {max(self.began, one.began): one for one in self.recording.problems(self.server.id)}
        later = [moment for moment in moments if moment > at + 0.5]
        earlier = [moment for moment in moments if moment < at - 0.5]
        if not (later if step > 0 else earlier):
            return None
        moment = min(later) if step > 0 else max(earlier)
        self.jump(moment)
        return moments[moment]

    # -- what is shown -------------------------------------------------------------------------------------------------

    def look(self) -> tuple[Survey, Playback]:
        """Return what was known at the present moment: in a gap, what was known before it."""
        at, server = self.at, self.server.id
        stretches = self.recording.stretches(server)
        place = max(0, bisect_right([one.began for one in stretches], at + 0.0005) - 1)
        stretch, end = stretches[place], at
        gap = stretches[place + 1] if at > stretch.ended + _HOLDS and place + 1 < len(stretches) else None
        if gap is not None or at > stretch.ended:
            end = stretch.ended
        playback = Playback(at, self._speed, self.playing, self.began, self.ended, gap, stretch.ended)
        return self._survey(stretch, end), playback

    def _survey(self, stretch: Stretch, moment: float) -> Survey:
        recording, server = self.recording, self.server.id
        last = round(moment * 1000)
        rows: list[Row] = []
        for tier in range(recording.tier(server, moment), len(STEPS)):
            first = last - round(max(REACH, 2 * STEPS[tier]) * 1000)
            rows = recording.rows(server, None, tier, first, last)
            if rows:
                break
        else:
            raise RecordingError(f"nothing is known of the server at {_utc(moment)}")
        looked = min(rows[-1][AT], last)
        if len(rows) > 1 and rows[-1][AT] > last:
            # What goes on over the moment is at rest, or was summed up.
            if not is_same(*rows[-2:]):
                looked = rows[-2][AT]
            rows = rows[:-1]
        now = rows[-1]
        stats = server_stats_of(stretch.texts, now)
        problems = self._problems(looked / 1000)
        tubes = {}
        for name, found in recording.all_rows(server, tier, first, looked).items():
            known = _known(found, looked, full=bool(now[-1]))
            if known:
                tubes[name] = self._seen(name, known, problems.get(name, ()))
        trail = _trail(rows, server=True)
        before = server_stats_of(stretch.texts, rows[-2]) if len(rows) > 1 and follows(rows[-2], now) else None
        cpu = None
        if before is not None and now[KNOWN]:
            used = stats.rusage_utime + stats.rusage_stime - before.rusage_utime - before.rusage_stime
            cpu = max(0.0, used) / (now[AT] - rows[-2][AT]) * 1000
        every = [one for some in problems.values() for one in some]
        return Survey(
            looked / 1000,
            stats,
            recent_rates(trail),
            trail,
            self.past(None),
            cpu,
            0 if before is None else max(0, stats.job_timeouts - before.job_timeouts),
            MappingProxyType(tubes),
            bool(now[-1]),
            now[-2] / 1e6,
            problems=summary(every),
        )

    def _seen(self, name: str, rows: Sequence[Row], problems: tuple[Problem, ...]) -> Seen:
        now = rows[-1]
        trail = _trail(rows)
        age, buried_age = ages_of(now)
        return Seen(
            tube_stats_of(name, now),
            now[AT] / 1000,
            recent_rates(trail),
            trail,
            self.past(name),
            age,
            time_to_drain(trail),
            buried_age,
            overdue_of(now),
            problems=problems,
        )

    def past(self, tube: str | None) -> KnownPast:
        """Return the past of a tube, None for the server."""
        known = self._pasts.get(tube)
        if known is None:
            known = self._pasts[tube] = RecordedPast(self.recording, self.server.id, tube)
        return known

    def _problems(self, at: float) -> dict[str | None, tuple[Problem, ...]]:
        found: dict[str | None, list[Problem]] = {}
        for one in self.recording.problems(self.server.id, at, at):
            problem = Problem(one.name, one.severity, one.tube, one.reason, one.began, one.look_at, job=one.job)
            found.setdefault(one.tube, []).append(problem)
        return {tube: worst_first(some) for tube, some in found.items()}


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def _chosen(recording: Recording, server: str | None) -> RecordedServer:
    known = recording.servers()
    if not known:
        raise NotARecording(f"{recording.path} has no looks yet")
    if server is None:
        return known[0]
    for one in known:
        if server in (one.name, one.address):
            return one
    names = [one.name for one in known]
    hint = did_you_mean(server, names) or f"; it has {', '.join(names[:20])}"
    raise NotARecording(f"server {server!r} is not in {recording.path}{hint}")


def _known(rows: list[Row], looked: int, *, full: bool) -> list[Row]:
    """Return the rows of a tube until a look at the server, the last one with what was known then; none if it was gone.

    Parameters
    ----------
    rows : list
        Those of its rows that begin before that look.
    looked : int
        When the look was.
    full : bool
        Whether it asked for all tubes.
    """
    last = rows[-1]
    if last[AT] > looked:
        if len(rows) > 1 and follows(rows[-2], last) and not is_same(rows[-2], last):
            return rows[:-1]  # it was not asked for, or summed up: what was known before still holds
        return [*rows[:-1], (looked, looked - last[AT] + last[KNOWN], *last[KNOWN + 1 :])]  # it was at rest
    return rows if last[AT] == looked or (not full and looked - last[AT] <= _UNASKED) else []


def _trail(rows: Sequence[Row], server: bool = False) -> Trail:
    """Return the last points without a gap between them."""
    start = len(rows) - 1
    while start > 0 and follows(rows[start - 1], rows[start]):
        start -= 1
    trail: Trail = ()
    if start == len(rows) - 1 and rows[start][KNOWN]:
        # A row that reaches far back: at rest, or summed up.
        only = rows[start]
        end = point_of(only, server)
        began = (only[AT] - only[KNOWN]) / 1000
        trail = (end._replace(at=began, puts=end.puts - only[PUTS], deletes=end.deletes - only[DELETES]),)
    for row in rows[start:]:
        trail = grown(trail, point_of(row, server))
    return trail
