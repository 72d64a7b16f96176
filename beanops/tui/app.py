"""The app: one session, a tick that looks at the server, and the one way in which screens have things done."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from textual import on, work
from textual.app import App
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session, connect
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.help import HelpScreen
from beanops.tui.offers import Outcome, Request
from beanops.tui.record import RecordScreen
from beanops.tui.theme import CALM, VARIABLES
from beanops.tui.tubes import TubesScreen
from beanops.tui.view import View
from beanops.tui.watch import Live, Look, Watcher

#: Seconds without an answer after which what is shown counts as stale.
LATE = 3.0


class Sampled(Message):
    """The server was looked at."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self.live = live


class Acted(Message):
    """An action came to its end."""

    def __init__(self, request: Request, outcome: Outcome) -> None:
        super().__init__()
        self.request = request
        self.outcome = outcome


class Dashboard(App[None]):
    """The terminal dashboard of one session.

    Parameters
    ----------
    session : Session
        Whom it shows; it stays open.
    interval : float
        Seconds between two looks at the server.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    """

    CSS_PATH = "dashboard.tcss"
    TITLE = "beanops"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.APP]

    live: reactive[Live] = reactive(Live(), always_update=True, repaint=False)
    status: reactive[Outcome | None] = reactive(None, repaint=False)

    def __init__(
        self,
        session: Session,
        *,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.session = session
        self.clock = clock
        self._interval = interval
        self._watcher = Watcher(session, clock, now)
        # Looks never overlap: one that is asked for meanwhile follows.
        self._looking_since: float | None = None
        self._again = False
        self.animation_level = "none"
        self.register_theme(CALM)
        self.theme = CALM.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of job states, which every theme has."""
        return VARIABLES

    def get_default_screen(self) -> Screen[None]:
        """Return the tubes."""
        return TubesScreen()

    def on_mount(self) -> None:
        """Look at once, and then with each tick."""
        self.set_interval(self._interval, self.tick)
        self.action_refresh()

    @property
    def view(self) -> View | None:
        """The full screen in front, whatever dialog is over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, View)), None)

    # -- look --------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at the server if it is time; say so when an answer is late."""
        if self._looking_since is not None:
            waiting = self.clock() - self._looking_since
            if waiting >= LATE and self.live.lost is None:
                self.live = self.live._replace(waiting=waiting, looked=None)
        elif self._watcher.due:
            self.action_refresh()
        else:
            self.live = self._watcher.wait()

    def action_refresh(self) -> None:
        """Look at the server now."""
        if self._looking_since is not None:
            self._again = True
            return
        self._looking_since = self.clock()
        view = self.view
        self._look(view.looking() if view is not None else None)

    @work(thread=True, exit_on_error=False, group="look")
    def _look(self, look: Look | None) -> None:
        self.post_message(Sampled(self._watcher.look(look)))

    @on(Sampled)
    def _sampled(self, sampled: Sampled) -> None:
        self._looked()
        self.live = sampled.live

    def _looked(self) -> None:
        self._looking_since = None
        if self._again:
            self._again = False
            self.action_refresh()

    # -- act ---------------------------------------------------------------------------------------------------------

    @work(thread=True, exit_on_error=False, group="act")
    def perform(self, request: Request) -> None:
        """Have the session do what was asked for."""
        try:
            outcome = request.offer.perform(self.session, request)
        except BeanopsError as error:
            outcome = Outcome(f"{request.offer.name}: {safe_text(str(error))}", False)
        self.post_message(Acted(request, outcome))

    @on(Acted)
    def _acted(self, acted: Acted) -> None:
        self.status = acted.outcome
        if self.view is not None:
            self.view.acted(acted.request, acted.outcome)
        self.action_refresh()

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        """Say what went wrong in a thread: a fault of beanops, for what servers and networks do is caught there."""
        worker = changed.worker
        if changed.state is WorkerState.ERROR:
            error = worker.error
            self.status = Outcome(safe_text(f"fault in beanops: {type(error).__name__}: {error}"), False)
            if worker.group == "look":
                self._looked()

    # -- screens -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the actions only where they are not in front already."""
        return action != "record" or not isinstance(self.view, RecordScreen)

    def action_record(self) -> None:
        """Open the actions."""
        self.push_screen(RecordScreen())

    def action_help(self) -> None:
        """Open the help for the screen in front."""
        screen = self.screen
        self.push_screen(HelpScreen(f"Keys: {screen.title or ''}", list(screen.active_bindings.values())))


def run(address: str, *, read_only: bool = False, interval: float = 1.0) -> None:
    """Show the dashboard of a server until the user quits.

    Parameters
    ----------
    address : str
        As in `beanops.connect`.
    read_only : bool
        Offer no actions.
    interval : float
        Seconds between two looks at the server.

    Raises
    ------
    ConnectFailed
        Nobody answers there at the start; a server that is lost later is waited for.
    """
    with connect(address, source="tui", read_only=read_only, connect_timeout=5, read_timeout=10) as session:
        Dashboard(session, interval=interval).run()
