"""The app: one session, a tick that looks at the server, and the one way in which screens have things done."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, key_bindings, profile
from beanops.session.reservation import Reservation
from beanops.session.session import Session, connect
from beanops.text import safe_text
from beanops.tui.asked import Doing, Outcome, Request
from beanops.tui.keys import APP
from beanops.tui.memory import Memory, state_path
from beanops.tui.saving import save
from beanops.tui.theme import CALM, THEMES, VARIABLES
from beanops.tui.tubes import TubesScreen
from beanops.tui.view import View
from beanops.tui.watch import Live, Look, Watcher

#: Seconds without an answer after which what is shown counts as stale.
LATE = 3.0
#: Seconds between two looks that `+` and `-` go through.
INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Sampled(Message):
    """A server was looked at."""

    def __init__(self, live: Live, watcher: Watcher) -> None:
        super().__init__()
        self.live = live
        self.watcher = watcher


class Reached(Message):
    """Another server answers, or does not."""

    def __init__(self, profile: Profile, session: Session | None, error: str = "") -> None:
        super().__init__()
        self.profile = profile
        self.session = session
        self.error = error


class Acted(Message):
    """An action came to its end."""

    def __init__(self, doing: Doing, outcome: Outcome) -> None:
        super().__init__()
        self.doing = doing
        self.outcome = outcome


class Dashboard(App[None]):
    """The terminal dashboard of one session.

    Parameters
    ----------
    session : Session
        Whom it shows; it stays open.
    profile : Profile or None
        What the user configured for it.
    interval : float
        Seconds between two looks at the server.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    memory : Memory or None
        Keeps how tubes are shown; None forgets it with the end.
    keys : mapping
        Keys by the names of bindings, such as ``{"table.page-up": "ctrl+b"}``.
    read_only : bool
        Whether servers that are switched to are not changed either.
    slow : float or None
        Seconds after which an action under way shows how far it is: 0 at once, None never.
    """

    CSS_PATH = "dashboard.tcss"
    TITLE = "beanops"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*APP]

    live: reactive[Live] = reactive(Live(), always_update=True, repaint=False)
    status: reactive[Outcome | None] = reactive(None, repaint=False)

    def __init__(
        self,
        session: Session,
        *,
        profile: Profile | None = None,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        memory: Memory | None = None,
        keys: Mapping[str, str] = MappingProxyType({}),
        read_only: bool = False,
        slow: float | None = 0.4,
    ) -> None:
        super().__init__()
        self._start = session
        self.session = session
        self.profile = profile or Profile(str(session.address), str(session.address))
        # A job is held, and kept from timing out, as long as somebody refers to its reservation.
        self._reservations: list[Reservation] = []
        # What is under way, and whether the dashboard ends with it.
        self._doings: list[Doing] = []
        self._leaving = False
        self._slow = slow
        self.clock = clock
        self.now = now
        self.memory = memory
        self.interval = interval
        self._timer: Timer | None = None
        self._read_only = read_only
        # Sessions stay open until the end, also when another server is looked at: jobs may be held there.
        self._sessions: dict[str, Session] = {self.profile.name: session}
        self._watcher = Watcher(session, clock, now)
        # While it is frozen: since when, and what came meanwhile.
        self.frozen: float | None = None
        self._meanwhile = Live()
        # Looks never overlap: one that is asked for meanwhile follows.
        self._looking_since: float | None = None
        self._again = False
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        chosen = memory.theme() if memory is not None else ""
        self.theme = chosen if chosen in THEMES else CALM.name
        self.set_keymap(dict(keys))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of job states, which every theme has."""
        return VARIABLES

    def get_default_screen(self) -> Screen[None]:
        """Return the tubes."""
        return TubesScreen()

    def on_mount(self) -> None:
        """Look at once, and then with each tick."""
        self._timer = self.set_interval(self.interval, self.tick)
        self.action_refresh()

    async def on_unmount(self) -> None:
        """End what is under way, then close the sessions that were opened; the first one is its owner's."""
        for doing in self._doings:
            doing.cancel()
        await asyncio.gather(*(asyncio.to_thread(doing.over.wait) for doing in self._doings))
        for session in self._sessions.values():
            if session is not self._start:
                session.close()

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
                self._show(self._meanwhile._replace(waiting=waiting, looked=None))
        elif self._watcher.due:
            self.action_refresh()
        else:
            self._show(self._watcher.wait())

    def action_refresh(self) -> None:
        """Look at the server now."""
        if self._looking_since is not None:
            self._again = True
            return
        self._looking_since = self.clock()
        view = self.view
        self._look(self._watcher, view.looking() if view else None, view.wanted() if view else ())

    @work(thread=True, exit_on_error=False, group="look")
    def _look(self, watcher: Watcher, look: Look | None, wanted: Collection[str]) -> None:
        self.post_message(Sampled(watcher.look(look, wanted), watcher))

    @on(Sampled)
    def _sampled(self, sampled: Sampled) -> None:
        self._looked()
        # What another server said is of no use any more.
        if sampled.watcher is self._watcher:
            self._show(sampled.live)

    def _show(self, live: Live) -> None:
        self._meanwhile = live
        if self.frozen is None:
            self.live = live
        else:
            # What is frozen stands still; that the server is lost is never held back.
            self.live = self.live._replace(looked=None, lost=live.lost, waiting=live.waiting)

    def _looked(self) -> None:
        self._looking_since = None
        if self._again:
            self._again = False
            self.action_refresh()

    # -- act ---------------------------------------------------------------------------------------------------------

    @property
    def guarded(self) -> bool:
        """Whether what destroys has to be confirmed by a name: the user wants it so, or nothing could be undone."""
        return self.profile.confirm == "type-name" or not self.profile.keep_bodies

    def perform(self, request: Request) -> None:
        """Have the session do what was asked of it, and show how far it is when that takes long."""
        if request.session is not self.session:
            self.say(f"{request.offer.name}: nothing was done; another server is looked at by now", False)
            return
        doing = Doing(request)
        self._doings.append(doing)
        self._carry_out(doing)
        if self._slow == 0:
            self._show_progress(doing)
        elif self._slow is not None:
            self.set_timer(self._slow, lambda: self._show_progress(doing))

    def _show_progress(self, doing: Doing) -> None:
        from beanops.tui.dialogs import Progress

        if not doing.over.is_set():
            self.push_screen(Progress(doing))

    @work(thread=True, exit_on_error=False, group="act")
    def _carry_out(self, doing: Doing) -> None:
        self.post_message(Acted(doing, doing.carry_out()))

    @on(Acted)
    def _acted(self, acted: Acted) -> None:
        from beanops.tui.dialogs import Progress

        outcome, request = acted.outcome, acted.doing.request
        self._doings.remove(acted.doing)
        if self._leaving and not self._doings:
            self.exit()
            return
        if isinstance(self.screen, Progress):
            self.screen.look()
        self._reservations = [held for held in self._reservations if held.held]
        if outcome.reservation is not None:
            self._reservations.append(outcome.reservation)
        if request.session is self.session:
            self.status = outcome
            if self.view is not None:
                self.view.acted(request, outcome)
            self.action_refresh()
        else:
            self.say(f"{safe_text(str(request.session.address))}: {outcome.text}", outcome.done)

    def quit(self) -> None:
        """Leave as soon as nothing is under way: what is ends after its batch, and is written down."""
        if not self._doings:
            self.exit()
            return
        self._leaving = True
        for doing in self._doings:
            doing.cancel()
        names = ", ".join(doing.request.offer.name for doing in self._doings)
        self.say(f"{names} ends after the batch under way, then this quits ...", False)

    async def action_quit(self) -> None:
        """Leave."""
        self.quit()

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.fault(changed.worker)
            if changed.worker.group == "look":
                self._looked()

    def fault(self, worker: Worker[object]) -> None:
        """Say what went wrong in a thread: a fault of beanops, for what servers and networks do is caught there."""
        error = worker.error
        self.say(safe_text(f"fault in beanops: {type(error).__name__}: {error}"), False)

    # -- feel --------------------------------------------------------------------------------------------------------

    def action_freeze(self) -> None:
        """Hold still what is shown, or go on with what is now."""
        self.frozen = self.clock() if self.frozen is None else None
        self._show(self._meanwhile)

    def action_interval(self, step: int) -> None:
        """Look more or less often."""
        faster = [one for one in INTERVALS if one < self.interval]
        slower = [one for one in INTERVALS if one > self.interval]
        if slower if step > 0 else faster:
            self.set_pace(slower[0] if step > 0 else faster[-1])

    def set_pace(self, seconds: float) -> None:
        """Look once in so many seconds."""
        self.interval = seconds
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(seconds, self.tick)
        self.say(f"looks once in {seconds:g} s")

    def action_theme(self, name: str) -> None:
        """Show it in other colours, from now on."""
        self.theme = name
        if self.memory is not None:
            self.memory.keep_theme(name)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save what is shown as a picture: in the current directory, or to a browser."""
        name = Path(path or "", filename or f"beanops-{self.now():%Y%m%d-%H%M%S}.svg")
        save(self, str(name), self.export_screenshot().encode())

    def say(self, text: str, done: bool = True) -> None:
        """Say something safe in the status line."""
        self.status = Outcome(text, done)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Say which keys have lost their meaning to the user's keymap."""
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.say(f"keys: {safe_text(names)} has no key any more; your [keys] took it", False)

    # -- servers -----------------------------------------------------------------------------------------------------

    def switch(self, profile: Profile) -> None:
        """Look at another server."""
        if profile.name != self.profile.name:
            self.say(f"connecting to {safe_text(profile.name)} ...")
            self._reach(profile)

    @work(thread=True, exit_on_error=False, group="reach")
    def _reach(self, profile: Profile) -> None:
        try:
            session = self._sessions.get(profile.name) or connect(
                profile.name, source="tui", read_only=self._read_only, connect_timeout=5, read_timeout=10
            )
        except BeanopsError as error:
            self.post_message(Reached(profile, None, str(error)))
        else:
            self.post_message(Reached(profile, session))

    @on(Reached)
    def _reached(self, reached: Reached) -> None:
        if reached.session is None:
            self.say(safe_text(f"{reached.profile.name}: {reached.error}"), False)
            return
        self._sessions[reached.profile.name] = self.session = reached.session
        self.profile = reached.profile
        self._watcher = Watcher(reached.session, self.clock, self.now)
        self.frozen = None
        self.status = None
        self.live = self._meanwhile = Live()
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.tubes_screen().begin()
        self.action_refresh()

    # -- screens: what is not needed for the first paint is imported when it is asked for ----------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the actions only where they are not in front already."""
        return action != "record" or not (self.view and self.view.TITLE == "Journal")

    def action_tubes(self) -> None:
        """Go back to the tubes, from wherever."""
        while not isinstance(self.screen, TubesScreen):
            self.pop_screen()

    def tubes_screen(self) -> TubesScreen:
        """Return the tubes, which are behind everything."""
        first = self.screen_stack[0]
        assert isinstance(first, TubesScreen)
        return first

    def open_tube(self, name: str) -> None:
        """Show a tube, over the tubes."""
        self.action_tubes()
        self.tubes_screen().open(name)

    def action_servers(self) -> None:
        """Open the servers."""
        from beanops.tui.servers import ServersScreen

        if not isinstance(self.view, ServersScreen):
            self.push_screen(ServersScreen())

    def action_command(self) -> None:
        """Ask for a command."""
        from beanops.tui.commandline import CommandLine

        self.push_screen(CommandLine())

    def action_palette(self) -> None:
        """Look for what can be done now by a part of its name."""
        from beanops.tui.palette import Palette

        self.push_screen(Palette(self.screen))

    def action_record(self) -> None:
        """Open the actions."""
        from beanops.tui.journal import JournalScreen

        self.push_screen(JournalScreen())

    def action_help(self) -> None:
        """Open the help for the screen in front."""
        from beanops.tui.help import HelpScreen

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
    # What is kept from tick to tick are ten thousands of small values without cycles: to look for some in them
    # now and then would hold up a key press for a tenth of a second.
    gc.set_threshold(50_000, 50, 100)
    # What reads from the server in a thread hands over to the one that answers keys, within a millisecond.
    sys.setswitchinterval(0.001)
    with connect(address, source="tui", read_only=read_only, connect_timeout=5, read_timeout=10) as session:
        Dashboard(
            session,
            profile=profile(address),
            interval=interval,
            memory=Memory(state_path()),
            keys=_keymap(),
            read_only=read_only,
        ).run()


def _keymap() -> dict[str, str]:
    chosen = key_bindings()
    if not chosen:
        return {}
    from beanops.tui.keymap import keymap

    return keymap(chosen)
