"""The view of a recording: charts and tubes of any moment, a slider for the time, and frames of what was recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any

from beanops.jobs.rows import Tube, tube_of
from beanops.monitor.history import TIERS, resampled
from beanops.notebook import shown_rows, tube_rows
from beanops.notebook.chart_feed import ChartFeed
from beanops.notebook.chart_samples import PANELS, WINDOWS
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import StaticTable
from beanops.notebook.tube_rows import TubeRows
from beanops.notebook.views.base import WidgetView, weakly
from beanops.notebook.widgets.chart import Chart, ChartWindow
from beanops.notebook.widgets.replay_controls import ReplayControls
from beanops.notebook.widgets.table import Cells, Grid
from beanops.protocol.errors import ArgumentError, NotFound, UsageError
from beanops.recording.reader import RecordedProblem, Recording
from beanops.recording.replay import SPEEDS, Player
from beanops.session.watching.recorded_session import recorded_session
from beanops.ui.replay import ReplayPoller, gap_text, moment_of, speed_text, utc_text, where_text

if TYPE_CHECKING:
    import pandas

#: A time: a datetime, or text such as ``"14:30"``, ``"2026-01-31 14:30"`` or ``"2h"`` before the end.
Moment = datetime | str


class ReplayView(WidgetView):
    """A view of a recording, opened by `beanops.replay`.

    Attributes
    ----------
    player : Player
        Where it is in the recording.
    controls : ReplayControls
        Buttons and a slider that move in time.
    chart : Chart
        Jobs by state and rates of the selected tubes, or of the whole server, until the moment that is shown.
    grid : Grid
        The table of tubes.

    Examples
    --------
    >>> view = beanops.replay("recording.sqlite")
    >>> view.jump("14:30")
    >>> view.play(speed=60)
    >>> view.tubes(at="14:30").nlargest(3, "ready")
    >>> view.trend("mail", since="14:00", until="15:00")["ready"].plot()
    >>> view.problems()
    """

    kind = "replay"

    def __init__(self, player: Player, name: str = "replay") -> None:
        self.player = player
        self._session = recorded_session(player.server.address, "notebook")
        complain = weakly(self._complain)
        speeds = [(speed_text(speed), speed) for speed in sorted({*SPEEDS, player.speed})]
        self.controls = ReplayControls("controls", speeds, weakly(self._pressed), complain)
        again = weakly(self._window_chosen)
        self.chart = Chart("chart", PANELS, WINDOWS, utc=True, on_window=again, on_error=complain)
        # A recording has seconds since 1970.
        self._charts = ChartFeed(self.chart, player.past, clock=lambda: 0.0, wall=lambda: 0.0)
        selected = weakly(self._tubes_selected)
        self.grid = Grid(
            "tubes",
            tube_rows.COLUMNS,
            noun="tube",
            order=tube_rows.ORDER,
            fold=tube_rows.FOLD,
            hidden=tube_rows.HIDDEN,
            tidy=True,
            saved=weakly(self._kept_tubes),
            filter=True,
            on_select=selected,
            on_error=complain,
        )
        self._rows = TubeRows()
        self._drawn: float | None = None
        poller = ReplayPoller(player, self._session)
        super().__init__(self._session, name, Refresher(poller), (self.controls, self.chart, self.grid))
        self.show(Tick(poller.look()))
        self._poller = poller

    # -- time --------------------------------------------------------------------------------------------------------

    @property
    def at(self) -> datetime:
        """The moment that is shown, UTC."""
        return datetime.fromtimestamp(self.player.at, UTC)

    def play(self, speed: float | None = None) -> None:
        """Let time pass.

        Parameters
        ----------
        speed : float or None
            Seconds of the recording that pass in a second; None is the present speed.
        """
        if speed is not None:
            if not speed > 0:
                raise ArgumentError("speed", speed, "a number above 0")
            self.player.set_speed(float(speed))
        self.player.play()
        self._look()

    def pause(self) -> None:
        """Stop time."""
        self.player.pause()
        self._look()

    def jump(self, at: Moment) -> None:
        """Go to a moment.

        Parameters
        ----------
        at : datetime or str
            A time (UTC), ``"14:30"`` of the day that is shown, or ``"2h"`` before the end.
        """
        self.player.jump(self._moment("at", at))
        self._look()

    def next_problem(self) -> None:
        """Go to where the next problem begins, if there is one."""
        self._to_problem(1)

    def previous_problem(self) -> None:
        """Go to where the previous problem begins, if there is one."""
        self._to_problem(-1)

    def _to_problem(self, step: int) -> None:
        found = self.player.jump_to_problem(step)
        said = f"no {'later' if step > 0 else 'earlier'} problem" if found is None else _line(found)
        self._look()
        self.grid.say("status", said)

    def _moment(self, argument: str, at: Any) -> float:
        if isinstance(at, str):
            return moment_of(at, self.player)
        if not isinstance(at, datetime):
            raise ArgumentError(argument, at, "a datetime, or text such as '14:30' or '2h'")
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()

    def select(self, *tubes: str) -> None:
        """Select tubes by name; the charts show their sum.

        Raises
        ------
        UsageError
            A tube is not in the table.
        """
        for tube in tubes:
            if tube not in self.grid.rows:
                raise UsageError(f"{tube} is not in the table")
        self.grid.select(tubes)
        self._tubes_selected(tubes)

    # -- frames ------------------------------------------------------------------------------------------------------

    def tubes(self, at: Moment | None = None) -> pandas.DataFrame:
        """Return the tubes at a moment as a frame, with the columns of `Session.watch`.

        Parameters
        ----------
        at : datetime, str or None
            As in `jump`; None is the moment that is shown.
        """
        from beanops.monitor.frames import watched_frame

        moment = self.player.at if at is None else self._moment("at", at)
        player = Player(self.player.recording, self.player.server.address, at=moment)
        survey, _ = player.look()
        found = watched_frame(list(survey.tubes.values()), survey.at)
        found.attrs["time"] = datetime.fromtimestamp(survey.at, UTC)
        return found

    def trend(
        self, tube: Tube | None = None, *, since: Moment | None = None, until: Moment | None = None
    ) -> pandas.DataFrame:
        """Return the past of a tube or of the server as a frame, with the columns of `Session.trend`.

        Parameters
        ----------
        tube : str, row or None
            Its name, or a row of `tubes`; None is the whole server.
        since, until : datetime, str or None
            As in `jump`; None is the beginning or the end of the recording.

        Raises
        ------
        NotFound
            The recording has no such tube.
        """
        from beanops.monitor.frames import trend_frame

        name = None if tube is None else tube_of(tube)
        player = self.player
        past = player.past(name)
        if past.begun is None:
            raise NotFound(f"tube {name} is not in {player.recording.path}")
        first = player.began if since is None else self._moment("since", since)
        last = player.ended if until is None else self._moment("until", until)
        if first >= last:
            raise ArgumentError("since", since, "a time before until")
        step = next((tier.step for tier in TIERS if last - first <= tier.keep), TIERS[-1].step)
        number = max(1, ceil((last - first) / step))
        first = last - number * step
        spans = resampled(past.cells(first, last, step), first, step, number)
        return trend_frame(spans, first, step, last, datetime.fromtimestamp(last, UTC))

    def problems(self, *, since: Moment | None = None, until: Moment | None = None) -> pandas.DataFrame:
        """Return the problems that lasted at some moment from `since` to `until` as a frame, the earliest first.

        Its columns are those of `Session.problems`, and when each ended, ``until`` (missing while it lasts).

        Parameters
        ----------
        since, until : datetime, str or None
            As in `jump`; None is the beginning or the end of the recording.
        """
        from beanops.frames import frame

        first = self.player.began if since is None else self._moment("since", since)
        last = self.player.ended if until is None else self._moment("until", until)
        return frame(
            self.player.recording.problems(self.player.server.id, first, last),
            {
                "severity": ("str", "severity"),
                "problem": ("str", "name"),
                "tube": ("str", "tube"),
                "reason": ("str", "reason"),
                "since": ("moment", "began"),
                "until": ("moment", "ended"),
                "look_at": ("str", "look_at"),
            },
        )

    # -- show --------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self.show(Tick(self._poller.look()))

    def _show(self, tick: Tick) -> None:
        live = tick.live
        if live.lost is not None:
            self.chart.say("title", live.lost.error, "lost")
            return
        survey, playback = live.survey, live.playback
        if survey is None or playback is None:
            return
        if not self.player.playing and playback.at != self.player.at:
            return  # of a look that began before a jump
        gap = gap_text(playback)
        title = f"REPLAY {where_text(playback)} · {shown_rows.title(self._session, survey)}"
        self.chart.say("title", gap or title, "lost" if gap else "live")
        if playback.at != self._drawn:
            self._drawn = playback.at
            self._charts.show_recorded(survey, playback.at)
        severe = {one.severity for one in survey.problems}
        tone = "buried" if "critical" in severe else "delayed" if severe else "zero"
        self.grid.say("problems", shown_rows.problem_lines(survey), tone)
        self.grid.update(self._rows.of(survey, self.grid.selected))
        self._show_controls()

    def _window_chosen(self, _: ChartWindow) -> None:
        with self._lock:
            self._charts.begin_again()

    def _tubes_selected(self, tubes: tuple[str, ...]) -> None:
        with self._lock:
            self._charts.follow(tubes)

    def _show_controls(self) -> None:
        player = self.player
        end = max(1, round(player.ended - player.began))
        place = max(0, min(end, round(player.at - player.began)))
        playing = player.playing and player.at < player.ended
        self.controls.show(f"{utc_text(player.at)} UTC", place, end, playing=playing, speed=player.speed)

    def _pressed(self, what: str, number: float) -> None:
        if what == "previous":
            return self.previous_problem()
        if what == "next":
            return self.next_problem()
        if what == "play":
            return self.play()
        if what == "pause":
            return self.pause()
        if what == "speed":
            self.player.set_speed(number)
        elif what == "jump":
            self.player.jump(self.player.began + number)
        return self._look()

    def _complain(self, text: str) -> None:
        self.grid.say("status", text, "error")

    def _static(self) -> StaticTable:
        with self._lock:
            return tube_rows.static_table(self.chart.said("title"), self.grid.saved_rows.values(), len(self.grid.rows))

    def _kept_tubes(self) -> dict[str, Cells]:
        return tube_rows.worst_first(self.grid.rows)

    def close(self) -> None:
        """Remove the view from the page, and close the recording."""
        super().close()
        self.player.recording.close()


def _line(problem: RecordedProblem) -> str:
    where = "server" if problem.tube is None else problem.tube
    return f"{utc_text(problem.began)} UTC  {where}: {problem.reason}"


def opened(path: str, server: str | None, at: Moment | None, speed: float, name: str) -> ReplayView:
    """Return a view of a recording; see `beanops.replay`."""
    recording = Recording(path)
    try:
        player = Player(recording, server, speed=speed)
        view = ReplayView(player, name)
        if at is not None:
            view.jump(at)
        else:
            view.jump(datetime.fromtimestamp(player.began, UTC))
        return view
    except BaseException:
        recording.close()
        raise
