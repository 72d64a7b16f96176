"""The dashboard of several servers: a table of them, and one of all their tubes, with buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from beanops.fleet.fleet import Fleet
from beanops.notebook import shown_rows, tube_rows
from beanops.notebook.fleet import rows
from beanops.notebook.fleet.actions import FleetUndo, ServerStep, SeveralServersRunner
from beanops.notebook.fleet.refresher import FleetRefresher
from beanops.notebook.static import StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import ViewOwner, WidgetView, weakly
from beanops.notebook.views.dashboard import TUBE_CALLS, amount_of
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.protocol.errors import UsageError
from beanops.session.config import Profile
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.confirmation import confirmation
from beanops.ui.runner import BuriedAs, Progress
from beanops.ui.server_pollers import ServerState

if TYPE_CHECKING:
    import pandas


class FleetDashboardView(WidgetView):
    """A live view of several servers, opened by `Fleet.dashboard`.

    Select tubes on the page, or by `select`. Each button has a method of the same name, which acts on the selected
    tubes of all servers at once.

    Attributes
    ----------
    servers, tubes : Grid
        The two tables.

    Examples
    --------
    >>> view = fleet.dashboard("mail*")
    >>> view.select("mail")
    >>> [run.summary for run in view.pause(60)]
    ['pause: 1 done', 'pause: 1 done']
    >>> view.close()
    """

    kind = "fleet"

    def __init__(self, fleet: Fleet, refresher: FleetRefresher, name: str, pattern: str | None = None) -> None:
        self._fleet = fleet
        self._rows = rows.FleetRows(pattern)
        self._heading = ""
        undo = FleetUndo(fleet)
        complain = weakly(self._complain)
        offered = any(not one.read_only for one in fleet.profiles.values())
        self.servers = Grid("servers", rows.SERVERS, noun="server", visible=8, on_error=complain)
        self.tubes = Grid(
            "tubes",
            rows.TUBES,
            noun="tube",
            order=tube_rows.ORDER,
            fold=tube_rows.FOLD,
            hidden=tube_rows.HIDDEN,
            saved=weakly(self._kept_tubes),
            actions=shown_rows.TUBE_BUTTONS if offered else (),
            filter=True,
            confirm=lambda button, jobs: confirmation(button.replace("_", "-"), jobs, undo.profile),
            on_action=weakly(self._clicked),
            on_cancel=weakly(self.cancel),
            on_error=complain,
        )
        self._actions = ViewActions(self.tubes, cast("Session", undo), weakly(self._done))
        owner = ViewOwner(", ".join(fleet), Profile("", ""), fleet._dispatch.now, fleet._views)
        super().__init__(owner, name, refresher, (self.servers, self.tubes))

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """The status line: the result of the last action, or an error."""
        return self.tubes.said("status")

    @property
    def selection(self) -> pandas.DataFrame:
        """The present statistics of the selected tubes, with the columns of `Fleet.tubes`."""
        tubes = self._fleet.tubes()
        chosen = [self._rows.places[key] for key in self.tubes.selected if key in self._rows.places]
        mine = [place in chosen for place in zip(tubes["server"], tubes["tube"], strict=True)]
        return tubes[mine].reset_index(drop=True)

    def select(self, *tubes: str, server: str | None = None) -> None:
        """Select tubes by name or by globs such as ``"mail-*"``, on all servers or on one.

        Raises
        ------
        NotFound
            A name or a glob matches no tube of the dashboard; the error suggests similar names.
        """
        places = {key: tube for key, (name, tube) in self._rows.places.items() if server is None or name == server}
        chosen = set(self._rows.filter.chosen(tubes, set(places.values())))
        self.tubes.select([key for key, tube in places.items() if tube in chosen])

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

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Undo the last action of this view on all its servers; see `Session.undo` for `buried_as`."""
        return self._actions.undo(buried_as)

    def cancel(self) -> None:
        """End the action under way after its batch."""
        self._actions.cancel()

    def wait(self) -> None:
        """Wait until the action of a click is over."""
        self._actions.wait()

    def _clicked(self, click: Click) -> None:
        if click.name == "undo":
            self._actions.undo_soon(click.keys)
        else:
            self._actions.act_soon(click.name, runner=self._runner(click.name, click.keys, click.amount))

    def _on_tubes(self, name: str, amount: int | None = None) -> list[Run]:
        if not self.tubes.selected:
            raise UsageError("no tube is selected; select some on the page, or by select(...)")
        return self._actions.act(name, runner=self._runner(name, self.tubes.selected, amount))

    def _runner(self, name: str, keys: Sequence[str], amount: int | None) -> SeveralServersRunner:
        number = amount_of(name, amount)
        places = self._rows.places
        if gone := [key for key in keys if key not in places]:
            raise UsageError(f"{gone[0]} is not in the table: its server does not answer, or the tube is gone")
        call = TUBE_CALLS[name]

        def step(server: str, tube: str) -> ServerStep:
            work = partial(_called, call, tube, number)
            return ServerStep(server, f"tube {tube} on {server}", work)

        return SeveralServersRunner(self._fleet, [step(*places[key]) for key in keys])

    def _done(self, _: Sequence[Run]) -> None:
        self._refresher.hurry()

    # -- show ----------------------------------------------------------------------------------------------------

    def _show(self, tick: tuple[ServerState, ...]) -> None:
        heading, tone = rows.heading(tick)
        self._heading = heading
        self.servers.say("title", heading, tone)
        self.servers.update(self._rows.servers(tick))
        self.tubes.update(self._rows.tubes(tick, self.tubes.selected))
        known = any(map(rows.answers, tick))
        self.tubes.say("empty", self._rows.filter.nothing if known else "not known: no server answers")

    def _complain(self, text: str) -> None:
        self.tubes.say("status", text, "error")

    def _kept_tubes(self) -> dict[str, Cells]:
        return rows.worst_first(self.tubes.rows)

    def _static(self) -> StaticTable:
        with self._lock:
            return rows.static_table(self._heading or self._key[0], self.tubes.rows)

    def close(self) -> None:
        """Remove the view from the page, and end the action under way."""
        self.cancel()
        super().close()


def _called(
    call: Callable[[Session, str, int, Progress], Run], tube: str, number: int, session: Session, progress: Progress
) -> Run:
    return call(session, tube, number, progress)
