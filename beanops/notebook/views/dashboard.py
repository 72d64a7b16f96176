"""The dashboard: a server, its charts and tubes, next jobs of the selected tubes, buttons, and the last actions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from beanops.journal.records import Action
from beanops.notebook import server_card, shown_rows, tube_rows
from beanops.notebook.chart_feed import ChartFeed
from beanops.notebook.chart_samples import PANELS, WINDOWS
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import StaticTable
from beanops.notebook.tube_rows import TubeFilter, TubeRows
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import JobsView, confirm_of, weakly
from beanops.notebook.views.next_jobs import MOST_TUBES, NextJobs
from beanops.notebook.widgets.card import ServerCard
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.chart import Chart, ChartWindow
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.defaults import LATEST_ACTIONS
from beanops.ui.runner import Progress, Step

if TYPE_CHECKING:
    import pandas

#: Last actions that a notebook file keeps.
SAVED_ACTIONS = 8

#: Shown instead of rows while the server does not answer.
NOT_KNOWN = "not known: the server does not answer"

#: The verb of each button for tubes, with the number beside it.
TUBE_CALLS: dict[str, Callable[[Session, str, int, Progress], Run]] = {
    "kick_next": lambda session, tube, limit, progress: session.kick_next(tube, limit, progress=progress),
    "pause": lambda session, tube, seconds, _: session.pause(tube, seconds),
    "unpause": lambda session, tube, _, __: session.unpause(tube),
}


def amount_of(button: str, amount: int | None) -> int:
    """Return the checked number of a button: jobs to kick, or seconds to pause; 0 where the button takes none.

    Raises
    ------
    ArgumentError
        It is no whole number from 1 on.
    """
    number = check_number("amount", amount or 0, U32_MAX)
    if button != "unpause" and not number:  # a pause of 0 seconds would end one, and a kick of 0 jobs look done
        raise ArgumentError("seconds" if button == "pause" else "limit", amount, "a whole number from 1 on")
    return number


class DashboardView(JobsView):
    """A live view of a server, opened by `Session.dashboard`.

    Select tubes and jobs on the page, or by `select` and `select_jobs`. Each button has a method of the same name.

    Attributes
    ----------
    card : ServerCard
        The server: its name, its jobs by state, and what is wrong.
    chart : Chart
        Jobs by state and rates of the selected tubes, or of the whole server, with the actions in the journal.
    tubes, heads, log : Grid
        The three tables: tubes, the next jobs of the selected tubes, and the last actions.

    Examples
    --------
    >>> view = session.dashboard()
    >>> view.select("mail")
    >>> [run.summary for run in view.kick_next(limit=10)]
    ['kick: 2 done']
    >>> view.close()
    """

    kind = "dashboard"
    _how_to_select = "select some on the page, or by select_jobs(...)"

    def __init__(
        self,
        session: Session,
        refresher: Refresher,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tubes: str | None = None,
    ) -> None:
        self._now = now
        self._filter = TubeFilter(tubes)
        self._rows = TubeRows()
        self._heading = ""
        self._session = session._through("notebook")
        self._logged = -1
        self._numbers: dict[Action, int] = {}
        complain = weakly(self._complain)
        act, cancel = weakly(self._clicked), weakly(self.cancel)
        offered = not session.read_only
        self.card = ServerCard("card", weakly(self._problem_pressed), complain)
        self.tubes = Grid(
            "tubes",
            tube_rows.COLUMNS,
            noun="tube",
            order=tube_rows.ORDER,
            fold=tube_rows.FOLD,
            hidden=tube_rows.HIDDEN,
            tidy=True,
            saved=weakly(self._kept_tubes),
            actions=shown_rows.TUBE_BUTTONS if offered else (),
            filter=True,
            confirm=confirm_of(session),
            on_select=weakly(self._tubes_selected),
            on_action=act,
            on_cancel=cancel,
            on_error=complain,
        )
        self._next = NextJobs(self._session, self.tubes, weakly(self._jobs_selected), act, complain)
        self.heads = self._next.grid
        self._seen = self._next.seen
        self._job_table = self.heads
        self.log = Grid(
            "log",
            shown_rows.ACTIONS,
            noun="action",
            visible=5,
            order=("number", True),
            hidden=("number",),
            saved=weakly(self._kept_actions),
            on_error=complain,
        )
        again = weakly(self._window_chosen)
        self.chart = Chart("chart", PANELS, WINDOWS, on_window=again, on_error=complain)
        self._charts = ChartFeed(self.chart, session._context.past.known, clock)
        self._actions = ViewActions(self.tubes, self._session, weakly(self._done))
        super().__init__(self._session, name, refresher, (self.card, self.chart, self.tubes, self.heads, self.log))

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose next jobs it shows."""
        return self._next.wanted

    @property
    def followed(self) -> tuple[int, ...]:
        """The selected jobs: they stay in the table when they are no longer next in their tube."""
        return self._next.followed

    @property
    def status(self) -> str:
        """The status line: the result of the last action, or an error."""
        return self.tubes.said("status")

    @property
    def selection(self) -> pandas.DataFrame:
        """The present statistics of the selected tubes, with the columns of `Session.tubes`."""
        tubes = self._session.tubes()
        return tubes[tubes["tube"].isin(self.tubes.selected)].reset_index(drop=True)

    def select(self, *tubes: str) -> None:
        """Select tubes by name or by globs such as ``"mail-*"``, and show the next jobs of the first ten.

        Raises
        ------
        NotFound
            A name or a glob matches no tube of the dashboard; the error suggests similar names.
        """
        chosen = self._filter.chosen(tubes, self.tubes.rows)
        heads = [self._session.next_jobs(tube) for tube in chosen[:MOST_TUBES]]
        with self._lock:
            self.tubes.select(chosen)
            self._charts.follow(tuple(chosen))
            self._next.show(job for by_state in heads for job in by_state.values() if job is not None)

    def select_jobs(self, *ids: int) -> None:
        """Select jobs in the table of next jobs.

        Raises
        ------
        UsageError
            A job is not in the table.
        """
        keys = [str(id) for id in ids]
        self._known(self.heads, keys)
        self.heads.select(keys)
        self._jobs_selected(tuple(keys))

    # -- act -----------------------------------------------------------------------------------------------------

    def kick_next(self, limit: int = 100) -> list[Run]:
        """Kick up to `limit` jobs of each selected tube: buried jobs, or delayed ones if none is buried."""
        return self._on_tubes("kick_next", limit)

    def pause(self, seconds: int = 60) -> list[Run]:
        """Pause the selected tubes for some seconds."""
        return self._on_tubes("pause", seconds)

    def unpause(self) -> list[Run]:
        """End the pause of the selected tubes."""
        return self._on_tubes("unpause")

    def cancel(self) -> None:
        """End the action under way after its batch."""
        self._actions.cancel()

    def wait(self) -> None:
        """Wait until the action of a click is over."""
        self._actions.wait()

    def _clicked(self, click: Click) -> None:
        if click.name == "undo":
            self._actions.undo_soon(click.keys)
        elif click.name in TUBE_CALLS:
            self._actions.act_soon(click.name, *self._tube_steps(click.name, click.keys, click.amount))
        else:
            self._actions.act_soon(click.name, self._job_step(click.name, click.keys, click.text))

    def _on_tubes(self, name: str, amount: int | None = None) -> list[Run]:
        if not self.tubes.selected:
            raise UsageError("no tube is selected; select some on the page, or by select(...)")
        return self._actions.act(name, *self._tube_steps(name, self.tubes.selected, amount))

    def _tube_steps(self, name: str, tubes: Sequence[str], amount: int | None) -> list[Step]:
        number = amount_of(name, amount)
        call, session = TUBE_CALLS[name], self._session
        return [Step(f"tube {tube}", partial(call, session, tube, number)) for tube in tubes]

    def _done(self, _: Sequence[Run]) -> None:
        self._show_log()
        self._refresher.hurry()

    # -- show ----------------------------------------------------------------------------------------------------

    def _show(self, tick: Tick) -> None:
        live = tick.live
        self.card.show(alerts=server_card.alerts(tick.alerts, self._now()))
        if live.lost is not None:
            known = "" if live.survey is None else f" · the values are {live.age:.0f} s old"
            lost = f"lost: {live.lost.error}{known} · trying again"
            self._heading = f"{self._session.address} is {lost}"
            self.card.show(about=self.card.shown.get("about") or server_card.unknown(self._session), lost=lost)
            self.tubes.say("title", "", "lost")
            self.tubes.say("empty", NOT_KNOWN)
            self._next.lose(known, NOT_KNOWN)
            self._charts.lose(live.at)
        elif live.survey is not None:
            survey = self._filter.narrowed(live.survey)
            self._heading = shown_rows.title(self._session, live.survey)
            self.card.show(
                about=server_card.about(self._session, survey, self._filter.pattern),
                figures=server_card.figures(survey, self._filter.pattern is None),
                problems=server_card.problems(survey),
                lost=None,
            )
            self.tubes.say("title", tube_rows.freshness(survey))
            self.tubes.say("empty", self._filter.nothing)
            self.heads.say("empty", "")
            self.tubes.update(self._rows.of(survey, self.tubes.selected))
            self._charts.follow(self._charted)
            self._charts.show(live.survey)
            self._next.follow(tick)
        self._show_log()

    def _show_log(self) -> None:
        # The journal may be large and remote: it is read after an action, not at every tick.
        with self._lock:
            try:
                journal = self._session._context.journal()
                self._charts.show_actions(journal, str(self._session.address))
                stamp = journal.stamp()
                if stamp != self._logged:
                    latest = self._session._lookups.own_actions(LATEST_ACTIONS)[::-1]
                    self.log.update(shown_rows.action_rows(latest, self._numbers))
                    self._logged = stamp
                self.log.say("title", "Last actions" if self._numbers else "")
            except Exception as error:  # the view shows the server without it
                self.log.say("title", f"Last actions · the journal cannot be read: {in_words(error)}", "error")

    def _tubes_selected(self, _: tuple[str, ...]) -> None:
        with self._lock:
            self._charts.follow(self._charted)
            self._next.narrow()
        self._refresher.hurry()

    @property
    def _charted(self) -> tuple[str, ...]:
        """The tubes that the charts sum up: the selected ones, else those of the dashboard; none for all."""
        return self.tubes.selected or (() if self._filter.pattern is None else tuple(self.tubes.rows))

    def _window_chosen(self, _: ChartWindow) -> None:
        with self._lock:
            self._charts.begin_again()
            self._show_log()

    def _problem_pressed(self, tubes: tuple[str, ...]) -> None:
        self.tubes.select([tube for tube in tubes if tube in self.tubes.rows])
        self._tubes_selected(tubes)

    def _jobs_selected(self, _: tuple[str, ...]) -> None:
        with self._lock:
            self._next.open()

    def _complain(self, text: str) -> None:
        self.tubes.say("status", text, "error")

    def _static(self) -> StaticTable:
        with self._lock:
            heading = self._heading or str(self._session.address)
            return tube_rows.static_table(heading, self.tubes.saved_rows.values(), len(self.tubes.rows))

    def _kept_actions(self) -> dict[str, Cells]:
        return dict(list(self.log.rows.items())[: -SAVED_ACTIONS - 1 : -1])

    def _kept_tubes(self) -> dict[str, Cells]:
        return tube_rows.worst_first(self.tubes.rows)

    def close(self) -> None:
        """Remove the view from the page, and end the action under way."""
        self.cancel()
        super().close()

    @staticmethod
    def _known(grid: Grid, keys: tuple[str, ...] | list[str]) -> None:
        for key in keys:
            if key not in grid.rows:
                raise UsageError(f"{key} is not in the table")
