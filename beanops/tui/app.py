"""The app: it carries out actions, and opens and closes screens. `refresh` is its other half, which asks the server."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.filter import Monochrome
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from beanops.fleet.servers import names_several, servers_of
from beanops.session.config import key_bindings, profile, rings
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.session.web_access import WebRole
from beanops.state_files import state_path
from beanops.text import safe_text
from beanops.tui.actions.catalogue import bindings
from beanops.tui.actions.outcome import Outcome, fault
from beanops.tui.actions.request import NOTHING, Offer, Request, Target, UnderWay
from beanops.tui.download import save
from beanops.tui.keys import APP, by_name, keymap
from beanops.tui.refresh import RefreshingApp
from beanops.tui.screens.base import FullScreen
from beanops.tui.screens.overview import TubesScreen
from beanops.tui.server_states import first_of
from beanops.tui.state import StateFile
from beanops.tui.terminal.key_order import KeyOrder
from beanops.tui.terminal.signals import on_signals
from beanops.tui.theme import CALM, SIXTEEN, THEMES, VARIABLES, is_colourless
from beanops.ui.alerts import AlertReader
from beanops.ui.defaults import CONNECT_TIMEOUT, INTERVAL, READ_TIMEOUT
from beanops.ui.runner import Runner
from beanops.ui.waves import WaveRunner

if TYPE_CHECKING:
    from beanops.session.reservation import Reservation

#: The actions that open a screen, with its title.
_OPENS = {"record": "Journal", "problems": "Problems", "alerts": "Alerts", "all_tubes": "All tubes"}


class Acted(Message):
    """An action has ended."""

    def __init__(self, action: UnderWay, outcome: Outcome) -> None:
        super().__init__()
        self.action = action
        self.outcome = outcome


class Dashboard(RefreshingApp):
    """The terminal dashboard of one session.

    Parameters
    ----------
    session : Session
        The server that it shows first.
    state_file : StateFile or None
        Remembers how tubes are shown; None remembers nothing.
    keys : mapping
        Keys by the name of a binding, such as ``{"table.page-up": "ctrl+b"}``.
    alone : bool
        Whether it shows this server only, as for the visitor of a page.
    signed_in : str
        Who the user is and the role, as the header shows them; empty for the user of a terminal.
    owns : bool
        Whether it closes the session when it ends.
    slow : float or None
        Seconds after which an action shows its progress: 0 at once, None never.
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
        state_file: StateFile | None = None,
        keys: Mapping[str, str] = MappingProxyType({}),
        alone: bool = False,
        signed_in: str = "",
        owns: bool = False,
        slow: float | None = 0.4,
        **looking: Any,
    ) -> None:
        super().__init__(session, **looking)
        self.state_file = state_file
        self.typed: list[str] = []
        self.alone = alone
        self.signed_in = signed_in
        # A reserved job is touched as long as there is a reference to its reservation.
        self._reservations: list[Reservation] = []
        # Actions under way, and whether the dashboard quits after them.
        self._under_way: list[UnderWay] = []
        self._leaving = False
        self._code = 0
        self._restore_signals: Callable[[], None] = lambda: None
        self._owns = owns
        self._slow = slow
        self._key_order = KeyOrder(self, super().on_event)
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(theme)
        chosen = state_file.theme() if state_file is not None else ""
        # Assigning `self.theme` would read the style sheet twice before the first paint.
        self.set_reactive(App.theme, chosen if chosen in THEMES else CALM.name)
        self.stylesheet.set_variables(self.get_css_variables())
        self.set_keymap(dict(keys))

    def fit_colours(self) -> None:
        """Show only what the terminal has colours for, unless the user chose a theme."""
        if is_colourless(os.environ.get("TERM", "")) and not self.no_color:
            self.no_color = True
            self._filters.append(Monochrome())
        if self.console.color_system == "standard" and self.theme == CALM.name:
            self.set_reactive(App.theme, SIXTEEN.name)
            self.stylesheet.set_variables(self.get_css_variables())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the colours of job states for themes without their own."""
        return VARIABLES

    async def on_event(self, event: events.Event) -> None:
        """Pass on keys in order, everything else at once."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    def get_driver_class(self) -> type[Driver]:
        """Return the driver of the terminal, or of a browser."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from beanops.tui.terminal.driver import Terminal  # imports modules that only such a terminal has

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
        """Quit properly on a signal."""
        self._restore_signals = on_signals(self._end)
        self.app_resume_signal.subscribe(self, self._resumed)
        if self._among is not None:
            self.action_all_tubes()

    async def on_unmount(self) -> None:
        """Wait for actions under way: sessions are closed after them."""
        self._restore_signals()
        self._key_order.close()
        for action in self._under_way:
            action.runner.cancel()
        await asyncio.gather(*(asyncio.to_thread(action.over.wait) for action in self._under_way))
        if self._owns:
            # A look at a slow server would delay the exit until its timeout.
            self._start.close()

    # -- act ---------------------------------------------------------------------------------------------------------

    def perform(self, request: Request) -> None:
        """Carry out an action, and show its progress if it takes long."""
        if (request.session is not self.session and not request.on) or self._leaving:
            why = "quitting" if self._leaving else "another server is shown"
            self.say(f"{request.offer.name}: nothing done; {why}", False)
            return
        action = UnderWay(request, request.offer.runner(), threading.Event())
        self._under_way.append(action)
        self._carry_out(action)
        if isinstance(action.runner, WaveRunner):
            self._show_waves(action)
        elif self._slow == 0:
            self._show_progress(action)
        elif self._slow is not None:
            self.set_timer(self._slow, lambda: self._show_progress(action))

    def _show_progress(self, action: UnderWay) -> None:
        from beanops.tui.dialogs.confirm import ProgressDialog

        if not action.over.is_set():
            self.push_screen(ProgressDialog(action))

    def _show_waves(self, action: UnderWay) -> None:
        from beanops.tui.dialogs.waves import WavesDialog

        self.push_screen(WavesDialog(action))

    @work(thread=True, exit_on_error=False, group="act")
    def _carry_out(self, action: UnderWay) -> None:
        self.post_message(Acted(action, action.carry_out(self._on_several)))

    def _on_several(self, request: Request, runner: Runner) -> Outcome:
        from beanops.tui.actions.several import carry_out

        return carry_out(self.fleet(), request, runner)

    @on(Acted)
    def _acted(self, acted: Acted) -> None:
        from beanops.tui.dialogs.confirm import ProgressDialog
        from beanops.tui.dialogs.waves import WavesDialog

        outcome, request = acted.outcome, acted.action.request
        self._under_way.remove(acted.action)
        if self._leaving and not self._under_way:
            self.exit(return_code=self._code)
            return
        if isinstance(self.screen, ProgressDialog):
            self.screen.look()
        elif isinstance(self.screen, WavesDialog):
            self.screen.ended(outcome.text)
        self._reservations = [held for held in self._reservations if held.held]
        if outcome.reservation is not None:
            self._reservations.append(outcome.reservation)
        if request.on:
            self._acted_on_several(request, outcome)
        elif request.session is self.session:
            before, self.last = self.last, self.last.after(outcome.results)
            if self.last.runs and self.last is not before and not outcome.results.undone:
                asked = "; what buried jobs become is asked" if self.last.buries_again else ""
                outcome = outcome._replace(way_back=f"undoes it{asked}")
            self.status = outcome
            if self.view is not None:
                self.view.acted(request, outcome)
            self.action_refresh()
        else:
            self.say(f"{safe_text(str(request.session.address))}: {outcome.text}", outcome.done)

    def _acted_on_several(self, request: Request, outcome: Outcome) -> None:
        servers = self.servers
        if outcome.last.runs or outcome.done:
            servers.last, servers.acted_on = outcome.last, request.on
        if outcome.last.runs:
            outcome = outcome._replace(way_back="undoes it")
        self.status = outcome
        if self.view is not None:
            self.view.acted(request, outcome)
        self.action_refresh()

    def quit(self) -> None:
        """Quit as soon as no action is under way; each ends after its current batch, which the journal records."""
        if not self._under_way:
            self.exit(return_code=self._code)
            return
        self._leaving = True
        for action in self._under_way:
            action.runner.cancel()
        names = ", ".join(action.request.offer.name for action in self._under_way)
        self.say(f"{names} stops after the current batch, then beanops quits ...", False)

    def _resumed(self, _: App[None]) -> None:
        """Repaint everything: another program has used the terminal."""
        self.screen.refresh()
        self.action_refresh()

    def _end(self, code: int) -> None:
        self._code = code
        self.quit()

    async def action_quit(self) -> None:
        """Quit."""
        self.quit()

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.status = fault(changed.worker.error)

    @cached_property
    def _named(self) -> dict[str, Binding]:
        return by_name(bindings())

    def key_of(self, name: str) -> str:
        """Return how the key of a binding is shown, the user's own if it was changed."""
        binding = self._named[name]
        if chosen := self._keymap.get(name):
            binding = binding.with_key(chosen.partition(",")[0])
        return self.get_key_display(binding)

    # -- feel --------------------------------------------------------------------------------------------------------

    def action_theme(self, name: str) -> None:
        """Change the colours, also for later sessions."""
        self.theme = name
        if self.state_file is not None:
            self.state_file.keep_theme(name)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen to the current directory, or send it to the browser."""
        name = Path(path or "", filename or f"beanops-{self.now():%Y%m%d-%H%M%S}.svg")
        save(self, str(name), self.export_screenshot().encode())

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """Report the bindings that lost their key to the user's `[keys]`."""
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        self.say(f"no key left for {safe_text(names)}: [keys] assigns it to another action", False)

    # -- screens: those that the first paint does not need are imported when they open --------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer screens that are not open yet, and other servers unless this one alone is shown."""
        if action in ("servers", "all_tubes") and self.alone:
            return False
        if action == "suspend_process":
            # A browser has no shell, and in a text editor the key undoes a change.
            edited = self.focused is not None and "ctrl+z" in self.focused._bindings.key_to_bindings
            return not (self.is_web or edited)
        return _OPENS.get(action, "") != (self.view and self.view.TITLE)

    def begin(self) -> None:
        """Show the tubes of another server."""
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.tube_list.begin()

    def action_tubes(self) -> None:
        """Go back to the tubes."""
        while not isinstance(self.screen, TubesScreen):
            self.pop_screen()

    def act(self, offer: Offer, target: Target, given: Mapping[str, Any] = NOTHING) -> None:
        """Start an action on a target from the screen in front."""
        if self.view is not None:
            self.view.act(offer, target, given)

    def open_jobs(self, tube: str, state: str | None, where: str | None, *, pane: str = "") -> None:
        """Show jobs of a tube, and its groups or facets if a pane is named."""
        from beanops.tui.screens.tube import TubeScreen

        if not (isinstance(self.screen, TubeScreen) and self.screen.tube == tube):
            self.open_tube(tube)
        screen = self.screen
        assert isinstance(screen, TubeScreen)
        screen.call_after_refresh(screen.list_jobs, state, where, pane)

    def open_tube(self, name: str, job: int | None = None) -> None:
        """Open a tube, and a job of it."""
        self.action_tubes()
        self.tube_list.open(name, job)

    def action_problems(self) -> None:
        """Open the problems."""
        from beanops.tui.screens.problems import ProblemsScreen

        self.push_screen(ProblemsScreen())

    def action_alerts(self) -> None:
        """Open the alerts."""
        from beanops.tui.screens.alerts import AlertsScreen

        self.push_screen(AlertsScreen())

    def action_servers(self) -> None:
        """Open the servers."""
        from beanops.tui.screens.servers import ServersScreen

        if not isinstance(self.view, ServersScreen):
            self.push_screen(ServersScreen())

    def action_all_tubes(self) -> None:
        """Open the tubes of all servers."""
        from beanops.tui.screens.all_tubes import AllTubesScreen

        if not isinstance(self.view, AllTubesScreen):
            self.push_screen(AllTubesScreen())

    def open_tube_from_all(self, name: str) -> None:
        """Open a tube over the tubes of all servers, so that Esc goes back to them."""
        self.action_all_tubes()
        self.tube_list.open(name)

    def action_command(self) -> None:
        """Open the command line."""
        from beanops.tui.dialogs.command_line import CommandLine

        self.push_screen(CommandLine())

    def action_palette(self) -> None:
        """Open the palette."""
        from beanops.tui.dialogs.palette import Palette

        self.push_screen(Palette(self.screen))

    def action_record(self) -> None:
        """Open the journal."""
        from beanops.tui.screens.journal import JournalScreen

        self.push_screen(JournalScreen())

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        from beanops.tui.screens.help import HelpScreen

        screen = self.screen
        topic = self.view.topic if self.view else "terminal"
        self.push_screen(HelpScreen(screen.title or "This screen", list(screen.active_bindings.values()), topic))

    def action_manual(self, topic: str = "") -> None:
        """Open the manual at a topic, or at the one about the screen in front."""
        from beanops.tui.screens.manual import ManualScreen

        self.push_screen(ManualScreen(topic or (self.view.topic if self.view else "terminal")))


def run(
    server: str | Sequence[str],
    *,
    read_only: bool = False,
    interval: float = INTERVAL,
    redact: Iterable[str] = (),
    visitor: WebRole | None = None,
    signed_in: str = "",
    actor: str | None = None,
) -> int:
    """Show the dashboard of a server until the user quits, and return the exit code.

    Parameters
    ----------
    server : str or sequence of str
        As in `beanops.connect`. Of several servers it shows all tubes first, and connects to the first that answers.
    read_only : bool
        Whether all changes are rejected.
    interval : float
        Refresh interval in seconds.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden, as in `beanops.connect`.
    visitor : WebRole or None
        The role of a user in a browser: then it shows this server only, and writes no file.
    signed_in : str
        Who that user is; empty where nobody logs in.
    actor : str or None
        For the journal; by default user and host.

    Raises
    ------
    ConnectFailed
        No server answers at the start. A server that is lost later is retried.
    """
    # Ten thousands of small values without cycles live from tick to tick. A default collection over them would delay
    # a key press by a tenth of a second.
    gc.set_threshold(50_000, 50, 100)
    # Threads that read from the server yield to the one that handles keys within a millisecond.
    sys.setswitchinterval(0.001)
    among = servers_of(server) if names_several(server) else None

    def connected(name: str) -> Session:
        return connect(
            name,
            source="tui" if visitor is None else "web",
            actor=actor,
            read_only=read_only,
            redact=redact,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
        )

    name, session = first_of([str(server)] if among is None else [one.name for one in among], connected)
    with session:
        if visitor is not None:
            session._context.denied = visitor.denied
        app = Dashboard(
            session,
            profile=profile(name),
            among=among,
            interval=interval,
            state_file=None if visitor is not None else StateFile(state_path("tui")),
            keys=keys_of_user(),
            alone=visitor is not None,
            signed_in=f"{signed_in}, {visitor.name}" if visitor is not None and signed_in else "",
            read_only=read_only,
            alerts=AlertReader(alone=visitor is not None),
            bell=visitor is None and rings(),
            owns=True,
        )
        if not visitor:
            app.fit_colours()
        app.run()
    return app.return_code or 0


def keys_of_user() -> dict[str, str]:
    """Return the configured key bindings."""
    chosen = key_bindings()
    return keymap(chosen, bindings()) if chosen else {}
