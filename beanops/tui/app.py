"""The app: the one way in which screens have things done, and the way from screen to screen. It looks by `looking`."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from beanops.session.config import key_bindings, profile
from beanops.session.reservation import Reservation
from beanops.session.session import Session, connect
from beanops.text import safe_text
from beanops.tui.actions.catalogue import bindings
from beanops.tui.actions.outcome import Outcome, fault
from beanops.tui.actions.request import Request, UnderWay
from beanops.tui.download import save
from beanops.tui.keys import APP, keymap
from beanops.tui.refresh import RefreshingApp
from beanops.tui.screens.base import FullScreen
from beanops.tui.screens.tubes import TubesScreen
from beanops.tui.signals import heed
from beanops.tui.state import Memory, state_path
from beanops.tui.theme import CALM, THEMES, VARIABLES
from beanops.ui.defaults import CONNECT_TIMEOUT, INTERVAL, READ_TIMEOUT
from beanops.ui.runner import Runner


class Acted(Message):
    """An action came to its end."""

    def __init__(self, action: UnderWay, outcome: Outcome) -> None:
        super().__init__()
        self.action = action
        self.outcome = outcome


class Dashboard(RefreshingApp):
    """The terminal dashboard of one session.

    Parameters
    ----------
    session : Session
        Whom it shows.
    memory : Memory or None
        Keeps how tubes are shown; None forgets it with the end.
    keys : mapping
        Keys by the names of bindings, such as ``{"table.page-up": "ctrl+b"}``.
    alone : bool
        Whether there is no way to other servers: a visitor of a page gets what the page is for.
    owns : bool
        Whether it closes the session at its end.
    slow : float or None
        Seconds after which an action under way shows how far it is: 0 at once, None never.
    **looking
        How it asks the server, see `RefreshingApp`.
    """

    CSS_PATH = "dashboard.tcss"
    TITLE = "beanops"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*APP]

    def __init__(
        self,
        session: Session,
        *,
        memory: Memory | None = None,
        keys: Mapping[str, str] = MappingProxyType({}),
        alone: bool = False,
        owns: bool = False,
        slow: float | None = 0.4,
        **looking: Any,
    ) -> None:
        super().__init__(session, **looking)
        self.memory = memory
        self.alone = alone
        # A job is held, and kept from timing out, as long as somebody refers to its reservation.
        self._reservations: list[Reservation] = []
        # What is under way, and whether the dashboard ends with it.
        self._under_way: list[UnderWay] = []
        self._leaving = False
        self._code = 0
        self._restore_signals: Callable[[], None] = lambda: None
        self._owns = owns
        self._slow = slow
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        chosen = memory.theme() if memory is not None else ""
        # Not by its own name: that would have the style sheet read twice before the first paint.
        self.set_reactive(App.theme, chosen if chosen in THEMES else CALM.name)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_keymap(dict(keys))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of job states, which every theme has."""
        return VARIABLES

    def get_driver_class(self) -> type[Driver]:
        """Return what talks to the terminal, or to a browser."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from beanops.tui.terminal import Terminal  # not where there is no such terminal

        return Terminal

    @property
    def view(self) -> FullScreen | None:
        """The full screen in front, whatever dialog is over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, FullScreen)), None)

    @property
    def tube_list(self) -> TubesScreen:
        """The tubes, the lowest of all screens."""
        first = self.screen_stack[0]
        assert isinstance(first, TubesScreen)
        return first

    def get_default_screen(self) -> Screen[None]:
        """Return the tubes."""
        return TubesScreen()

    def on_mount(self) -> None:
        """End in good order when the system says so: it waits for nobody, and leaves the terminal as it was."""
        self._restore_signals = heed(self._told_to_end)
        self.app_resume_signal.subscribe(self, self._resumed)

    async def on_unmount(self) -> None:
        """Wait for what is under way: sessions are closed after that."""
        self._restore_signals()
        for action in self._under_way:
            action.runner.cancel()
        await asyncio.gather(*(asyncio.to_thread(action.over.wait) for action in self._under_way))
        if self._owns:
            # A look that waits for a server would hold up the end for as long as that has to answer.
            self._start.close()

    # -- act ---------------------------------------------------------------------------------------------------------

    def perform(self, request: Request) -> None:
        """Have the session do what was asked of it, and show how far it is when that takes long."""
        if request.session is not self.session or self._leaving:
            why = "it is about to quit" if self._leaving else "another server is looked at by now"
            self.say(f"{request.offer.name}: nothing was done; {why}", False)
            return
        action = UnderWay(request, Runner(), threading.Event())
        self._under_way.append(action)
        self._carry_out(action)
        if self._slow == 0:
            self._show_progress(action)
        elif self._slow is not None:
            self.set_timer(self._slow, lambda: self._show_progress(action))

    def _show_progress(self, action: UnderWay) -> None:
        from beanops.tui.dialogs.confirm import ProgressDialog

        if not action.over.is_set():
            self.push_screen(ProgressDialog(action))

    @work(thread=True, exit_on_error=False, group="act")
    def _carry_out(self, action: UnderWay) -> None:
        self.post_message(Acted(action, action.carry_out()))

    @on(Acted)
    def _acted(self, acted: Acted) -> None:
        from beanops.tui.dialogs.confirm import ProgressDialog

        outcome, request = acted.outcome, acted.action.request
        self._under_way.remove(acted.action)
        if self._leaving and not self._under_way:
            self.exit(return_code=self._code)
            return
        if isinstance(self.screen, ProgressDialog):
            self.screen.look()
        self._reservations = [held for held in self._reservations if held.held]
        if outcome.reservation is not None:
            self._reservations.append(outcome.reservation)
        if request.session is self.session:
            before, self.last = self.last, self.last.after(outcome.results, outcome.text)
            if self.last.runs and self.last is not before and not outcome.results.undone:
                asked = "; what buried jobs become is asked" if self.last.buries_again else ""
                outcome = outcome._replace(way_back=f"undoes it{asked}")
            self.status = outcome
            if self.view is not None:
                self.view.acted(request, outcome)
            self.action_refresh()
        else:
            self.say(f"{safe_text(str(request.session.address))}: {outcome.text}", outcome.done)

    def quit(self) -> None:
        """Leave as soon as nothing is under way: what is ends after its batch, and is written down."""
        if not self._under_way:
            self.exit(return_code=self._code)
            return
        self._leaving = True
        for action in self._under_way:
            action.runner.cancel()
        names = ", ".join(action.request.offer.name for action in self._under_way)
        self.say(f"{names} ends after the batch under way, then this quits ...", False)

    def _resumed(self, _: App[None]) -> None:
        """Paint all of it anew: the terminal has been somebody else's meanwhile."""
        self.screen.refresh()
        self.action_refresh()

    def _told_to_end(self, code: int) -> None:
        self._code = code
        self.quit()

    async def action_quit(self) -> None:
        """Leave."""
        self.quit()

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.status = fault(changed.worker.error)

    # -- feel --------------------------------------------------------------------------------------------------------

    def action_theme(self, name: str) -> None:
        """Show it in other colours, from now on."""
        self.theme = name
        if self.memory is not None:
            self.memory.keep_theme(name)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save what is shown as a picture: in the current directory, or to a browser."""
        name = Path(path or "", filename or f"beanops-{self.now():%Y%m%d-%H%M%S}.svg")
        save(self, str(name), self.export_screenshot().encode())

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Say which keys have lost their meaning to the user's keymap."""
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.say(f"keys: {safe_text(names)} has no key any more; your [keys] took it", False)

    # -- screens: what is not needed for the first paint is imported when it is asked for ----------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the actions only where they are not in front already, and other servers where there may be some."""
        if action == "servers":
            return not self.alone
        if action == "suspend_process":
            # There is no shell behind a browser, and where a text is edited the key takes back a change of it.
            edited = self.focused is not None and "ctrl+z" in self.focused._bindings.key_to_bindings
            return not (self.is_web or edited)
        return action != "record" or not (self.view and self.view.TITLE == "Journal")

    def begin(self) -> None:
        """Show the tubes of another server."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.tube_list.begin()

    def action_tubes(self) -> None:
        """Go back to the tubes, from wherever."""
        while not isinstance(self.screen, TubesScreen):
            self.pop_screen()

    def open_tube(self, name: str) -> None:
        """Show a tube, over the tubes."""
        self.action_tubes()
        self.tube_list.open(name)

    def action_servers(self) -> None:
        """Open the servers."""
        from beanops.tui.screens.servers import ServersScreen

        if not isinstance(self.view, ServersScreen):
            self.push_screen(ServersScreen())

    def action_command(self) -> None:
        """Ask for a command."""
        from beanops.tui.dialogs.command_line import CommandLine

        self.push_screen(CommandLine())

    def action_palette(self) -> None:
        """Look for what can be done now by a part of its name."""
        from beanops.tui.dialogs.palette import Palette

        self.push_screen(Palette(self.screen))

    def action_record(self) -> None:
        """Open the actions."""
        from beanops.tui.screens.journal import JournalScreen

        self.push_screen(JournalScreen())

    def action_help(self) -> None:
        """Open the help for the screen in front."""
        from beanops.tui.screens.help import HelpScreen

        screen = self.screen
        topic = self.view.topic if self.view else "terminal"
        self.push_screen(HelpScreen(f"Keys: {screen.title or ''}", list(screen.active_bindings.values()), topic))

    def action_manual(self, topic: str = "") -> None:
        """Open the manual at a topic, or at the one about the screen in front."""
        from beanops.tui.screens.manual import ManualScreen

        self.push_screen(ManualScreen(topic or (self.view.topic if self.view else "terminal")))


def run(
    address: str,
    *,
    read_only: bool = False,
    interval: float = INTERVAL,
    redact: Iterable[str] = (),
    visitor: bool = False,
) -> int:
    """Show the dashboard of a server until the user quits, and return the exit code: that of a signal which ended it.

    Parameters
    ----------
    address : str
        As in `beanops.connect`.
    read_only : bool
        Offer no actions.
    interval : float
        Seconds between two looks at the server.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden, as in `beanops.connect`.
    visitor : bool
        Whether the user is somebody in a browser, who gets this server alone and leaves nothing behind.

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
    with connect(
        address,
        source="tui",
        read_only=read_only,
        redact=redact,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    ) as session:
        app = Dashboard(
            session,
            profile=profile(address),
            interval=interval,
            memory=None if visitor else Memory(state_path()),
            keys=_keymap(),
            alone=visitor,
            read_only=read_only,
            owns=True,
        )
        app.run()
    return app.return_code or 0


def _keymap() -> dict[str, str]:
    chosen = key_bindings()
    return keymap(chosen, bindings()) if chosen else {}
