"""`RefreshingApp`: the half of the app that asks the server at every interval, and connects to other servers.

Screens follow `live`. What a look asks is in `beanops.ui.poller`; the other half, which acts and opens screens, is in
`beanops.tui.app`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from textual import on, work
from textual.app import App
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer

from beanops.fleet.connect import connect as connect_several
from beanops.fleet.fleet import Fleet
from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, strictest
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.host import LiveScreen
from beanops.tui.server_states import ServerStates
from beanops.ui.alerts import AlertReader, Alerts, NewAlerts
from beanops.ui.bell import NewProblems
from beanops.ui.defaults import COMPLAINED, CONNECT_TIMEOUT, INTERVAL, INTERVALS, READ_TIMEOUT, SAID
from beanops.ui.poller import Live, Look, Poller
from beanops.ui.runner import LastAction
from beanops.ui.server_pollers import Place, place_of


class Sampled(Message):
    """The result of a look at a server; `live` is None after a fault of beanops."""

    def __init__(self, live: Live | None, poller: Poller) -> None:
        super().__init__()
        self.live = live
        self.poller = poller


class Early(Message):
    """What a screen asked, while the survey is still to come."""

    def __init__(self, live: Live, poller: Poller) -> None:
        super().__init__()
        self.live = live
        self.poller = poller


class Reached(Message):
    """The result of a connection to another server."""

    def __init__(self, profile: Profile, session: Session | None, error: str = "") -> None:
        super().__init__()
        self.profile = profile
        self.session = session
        self.error = error


class AlertsRead(Message):
    """What fires; `session` is that of the server that was shown."""

    def __init__(self, session: Session, alerts: Alerts | None) -> None:
        super().__init__()
        self.session = session
        self.alerts = alerts


class Protected(Message):
    """The strictest profile of a server is known."""

    def __init__(self, session: Session, profile: Profile) -> None:
        super().__init__()
        self.session = session
        self.profile = profile


class RefreshingApp(App[None]):
    """An app that asks a server at every interval.

    Parameters
    ----------
    session : Session
        The server that it shows first; it stays open.
    profile : Profile or None
        The server's profile in the configuration.
    interval : float
        Refresh interval in seconds.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    read_only : bool
        Whether other servers are opened read-only too.
    alerts : AlertReader or None
        Reads what the alert daemon says; None shows no alerts.
    bell : bool
        Whether it rings the terminal's bell for each new alert and problem.
    poller : Poller or None
        What it shows; None asks the server of the session.
    among : sequence of Profile or None
        The servers that it is about, the one of the session among them; None is all of the configuration.
    """

    live: reactive[Live] = reactive(Live(), always_update=True, repaint=False)
    alerts: reactive[Alerts | None] = reactive(None, repaint=False)
    status: reactive[Outcome | None] = reactive(None, repaint=False)

    def __init__(
        self,
        session: Session,
        *,
        profile: Profile | None = None,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_only: bool = False,
        alerts: AlertReader | None = None,
        bell: bool = False,
        poller: Poller | None = None,
        among: Sequence[Profile] | None = None,
    ) -> None:
        super().__init__()
        self._start = session
        self.session = session
        self.profile = profile or Profile(str(session.address), str(session.address))
        self.clock = clock
        self.now = now
        self.interval = interval
        self._timer: Timer | None = None
        self.read_only = read_only
        self._among = among
        self._fleet: Fleet | None = None
        self._making_fleet = threading.Lock()
        # Sessions stay open until the end, also when another server is shown: they may have reserved jobs.
        self._sessions: dict[Place, Session] = {place_of(self.profile): session}
        # The server that the user chose last; until it answers, the former one is shown.
        self._wanted = place_of(self.profile)
        # What to do once that is shown.
        self._then: Callable[[], None] | None = None
        self._servers: ServerStates | None = None
        self._poller = poller or Poller(lambda: session, clock, now, session._context.past, quick=True)
        self._alert_reader, self._reading_alerts = alerts, False
        self.rings = bell
        self._new_alerts, self._new_problems = NewAlerts(), NewProblems()
        # What the key of undo reverts.
        self.last = LastAction()
        # While it is frozen: since when, which screens do not change, and what they will show afterwards.
        self.frozen: float | None = None
        self._said = 0.0
        self._served: LiveScreen | None = None
        self._still: list[LiveScreen] = []
        self._meanwhile = Live()

    def on_mount(self) -> None:
        """Ask the server now, then at every interval."""
        self._timer = self.set_interval(self.interval, self.tick)
        self.action_refresh()
        self._protect(self.session)

    async def on_unmount(self) -> None:
        """Close the sessions that this app opened."""
        if self._servers is not None:
            self._servers.close()
        if self._fleet is not None:
            self._fleet.close()
        for session in self._sessions.values():
            if session is not self._start:
                session.close()

    @property
    def full_screens(self) -> list[LiveScreen]:
        """The full screens, the one in front last, whatever dialog is over it."""
        return [screen for screen in self.screen_stack if isinstance(screen, LiveScreen)]

    @property
    def servers(self) -> ServerStates:
        """What is known of all configured servers."""
        if self._servers is None:
            self._servers = ServerStates(self, self._among)
        return self._servers

    def fleet(self) -> Fleet:
        """Return what acts on all servers; call it in a thread."""
        with self._making_fleet:
            if self._fleet is None:
                self._fleet = connect_several(
                    [state.profile.name for state in self.servers.distinct()],
                    source="tui",
                    read_only=self.read_only,
                    redact=self._start._context.redact,
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT,
                )
            return self._fleet

    @property
    def held_elsewhere(self) -> Mapping[str, int]:
        """The number of jobs that the user holds on other servers, by the name of the server."""
        others = [(name, one) for (name, _), one in self._sessions.items() if one is not self.session]
        return {name: number for name, one in others if (number := len(one.held))}

    def say(self, text: str, done: bool = True) -> None:
        """Show a safe text in the status line."""
        self.status = Outcome(text, done)

    # -- look --------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Ask the server if it is due; show when an answer is late."""
        poller = self._poller
        if poller.due and not poller.busy:
            self.action_refresh()
        elif (live := poller.wait()).stale:
            self._show(live)
        self._look_at_alerts()
        for screen in self.full_screens[-1:]:
            screen.tick()
        status = self.status
        if status is not None and self.clock() - self._said >= (SAID if status.done else COMPLAINED):
            self.status = None

    def watch_status(self) -> None:
        """Note since when the status line says this."""
        self._said = self.clock()

    def action_refresh(self) -> None:
        """Ask the server now."""
        poller = self._poller
        if not poller.begin():  # looks never overlap
            return
        front = self.full_screens[-1:]
        # A screen that was just opened shows the first answers at once.
        new = bool(front) and front[0] is not self._served
        self._served = front[0] if front else None
        self._look(poller, front[0].looking() if front else None, front[0].wanted() if front else (), new)

    @work(thread=True, exit_on_error=False, group="look")
    def _look(self, poller: Poller, look: Look | None, wanted: Collection[str], new: bool) -> None:
        live = None
        try:
            live = poller.look(look, wanted, (lambda early: self.post_message(Early(early, poller))) if new else None)
        finally:
            self.post_message(Sampled(live, poller))

    @on(Early)
    def _shown_early(self, early: Early) -> None:
        if early.poller is self._poller:
            self._show(early.live)

    @on(Sampled)
    def _sampled(self, sampled: Sampled) -> None:
        poller = sampled.poller
        again = poller.end()
        # The answer of a server that is no longer shown is dropped.
        if poller is self._poller:
            if sampled.live is not None:
                self._show(sampled.live)
                self._ring(self._new_problems.come(sampled.live))
            if self.alerts is None:  # not before the first tubes: it imports more
                self._look_at_alerts()
            if again:
                self.action_refresh()

    def _look_at_alerts(self) -> None:
        # Not in the look at the server: alerts are worth most while that hangs.
        if self._alert_reader is not None and not self._reading_alerts:
            self._reading_alerts = True
            self._read_alerts(self._alert_reader, self.session)

    @work(thread=True, exit_on_error=False, group="alerts")
    def _read_alerts(self, reader: AlertReader, session: Session) -> None:
        alerts = None
        try:
            alerts = reader.read(session.address)
        finally:
            self.post_message(AlertsRead(session, alerts))

    @on(AlertsRead)
    def _alerts_read(self, read: AlertsRead) -> None:
        self._reading_alerts = False
        if read.alerts is None:
            return
        self._ring(self._new_alerts.come(read.alerts))
        if read.session is self.session:
            self.alerts = read.alerts

    def _ring(self, new: bool) -> None:
        if new and self.rings:
            self.bell()

    def _show(self, live: Live) -> None:
        self._meanwhile = live
        if self.frozen is None:
            self.live = live
            return
        # A screen that was opened after the freeze has nothing to show yet, so it is filled once. A lost connection is
        # always shown.
        looked = None if any(screen in self._still for screen in self.full_screens[-1:]) else live.looked
        self.live = self.live._replace(looked=looked, lost=live.lost, waiting=live.waiting)

    # -- how -----------------------------------------------------------------------------------------------------------

    def action_freeze(self) -> None:
        """Pause or resume updates."""
        self.frozen = self.clock() if self.frozen is None else None
        self._still = self.full_screens
        self._show(self._meanwhile)

    def thaw(self, screen: LiveScreen) -> None:
        """Let a frozen screen show something else that the user asked for since."""
        self._still = [one for one in self._still if one is not screen]

    def action_interval(self, step: int) -> None:
        """Choose the next shorter or longer refresh interval."""
        faster = [one for one in INTERVALS if one < self.interval]
        slower = [one for one in INTERVALS if one > self.interval]
        if slower if step > 0 else faster:
            self.set_pace(slower[0] if step > 0 else faster[-1])

    def set_pace(self, seconds: float) -> None:
        """Set the refresh interval."""
        self.interval = seconds
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(seconds, self.tick)
        self.say(f"refresh interval: {seconds:g} s")

    # -- where ---------------------------------------------------------------------------------------------------------

    def switch(self, profile: Profile, then: Callable[[], None] | None = None) -> None:
        """Show another server as soon as it answers, then call `then`; unless the user chooses another one first."""
        place = place_of(profile)
        self._then = then
        if place == self._wanted:
            return
        self._wanted = place
        if place == place_of(self.profile):
            self.say(f"stays on {safe_text(profile.name)}")
        elif place in self._sessions:
            self._go(profile, self._sessions[place])
        else:
            self.say(f"connecting to {safe_text(profile.name)} ...")
            self._reach(profile)

    @work(thread=True, exit_on_error=False, group="protect")
    def _protect(self, session: Session) -> None:
        """Look for a stricter profile of the same server, after the first paint."""
        self.post_message(Protected(session, session.profile))

    @on(Protected)
    def _protected(self, protected: Protected) -> None:
        profile = strictest(self.profile, [protected.profile])
        if protected.session is self.session and profile != self.profile:
            self.profile = profile
            for screen in self.full_screens:
                screen.show_profile()
            self._show(self._meanwhile)

    @work(thread=True, exit_on_error=False, group="reach")
    def _reach(self, profile: Profile) -> None:
        try:
            session = connect(
                profile.name,
                source="tui",
                read_only=self.read_only,
                redact=self._start._context.redact,
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
            )
        except BeanopsError as error:
            self.post_message(Reached(profile, None, str(error)))
            return
        if not self.post_message(Reached(strictest(profile, [session.profile]), session)):
            session.close()  # the app has ended

    @on(Reached)
    def _reached(self, reached: Reached) -> None:
        profile, session = reached.profile, reached.session
        late = place_of(profile) != self._wanted
        if session is None:
            if not late:
                self._wanted = place_of(self.profile)
                self.say(safe_text(f"{profile.name}: {reached.error}"), False)
        elif late or place_of(profile) in self._sessions:
            session.close()
        else:
            self._go(profile, session)

    def _go(self, profile: Profile, session: Session) -> None:
        self._sessions[place_of(profile)] = self.session = session
        self.profile = strictest(profile, [session._context.protection.now])
        self._poller = Poller(lambda: session, self.clock, self.now, session._context.past, quick=True)
        self.frozen = None
        self.status = None
        self.last = LastAction()
        self._new_problems = NewProblems()
        self.live = self._meanwhile = Live()
        self.alerts = None
        self.begin()
        self.action_refresh()
        if self._then is not None:
            self._then()

    def begin(self) -> None:
        """Show the first screen for another server."""
