"""One thread for each fleet, which looks at all of its servers and refreshes the views; none holds up another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

from beanops.fleet.fleet import Fleet
from beanops.session.config import Profile
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.ui.defaults import ANSWER, CONNECT, NOTEBOOK_INTERVAL
from beanops.ui.server_pollers import ServerPollers, ServerState

#: Seconds that a tick waits for the answers of its looks; later ones are shown with the next tick.
_GRACE = 0.2


class ShowsServers(Protocol):
    """What the thread needs of a view."""

    def show(self, states: tuple[ServerState, ...]) -> None:
        """Show the servers; called from the polling thread, raises nothing."""


class FleetRefresher:
    """Polls several servers, each on a connection of its own, while there are views.

    Parameters
    ----------
    profiles : iterable of Profile
        The servers.
    now : callable
        The time, UTC.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, profiles: Iterable[Profile], now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._profiles = tuple(profiles)
        self._now, self._clock = now, clock
        self._views: WeakSet[ShowsServers] = WeakSet()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._answered = threading.Event()
        self._known = threading.Event()

    def add(self, view: ShowsServers) -> None:
        """Refresh `view` with every tick, until it is discarded or collected."""
        with self._lock:
            self._views.add(view)
            if self._thread is None:
                self._known.clear()
                self._thread = threading.Thread(target=self._run, name="beanops-fleet", daemon=True)
                self._thread.start()

    def discard(self, view: ShowsServers) -> None:
        """Stop refreshing `view`; after the last one the thread ends and its connections are closed."""
        with self._lock:
            self._views.discard(view)
        self._wake.set()

    def hurry(self) -> None:
        """Look again soon."""
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Wait until something is known of every server, but no longer than so many seconds."""
        self._known.wait(seconds)

    def _run(self) -> None:
        pollers = ServerPollers(_watch, self._clock, self._now)
        while self._tick_or_end(pollers):
            self._wake.wait(NOTEBOOK_INTERVAL)
            self._wake.clear()
        pollers.close()

    def _tick_or_end(self, pollers: ServerPollers) -> bool:
        # A method of its own, so that between ticks no local name holds a view.
        with self._lock:
            views = list(self._views)
            if not views:
                self._thread = None
                return False
        self._answered.clear()
        pollers.look(self._profiles, self._answered.set)
        self._answered.wait(_GRACE)
        states = tuple(ServerState(profile, pollers.live(profile)) for profile in self._profiles)
        for view in views:
            view.show(states)
        if all(state.live.survey is not None or state.silence for state in states):
            self._known.set()
        return True


def _watch(profile: Profile) -> Session:
    return connect(profile.name, read_only=True, connect_timeout=CONNECT, read_timeout=ANSWER)


_refreshers: WeakKeyDictionary[Fleet, FleetRefresher] = WeakKeyDictionary()


def fleet_refresher_of(fleet: Fleet) -> FleetRefresher:
    """Return the one refresher of a fleet."""
    return _refreshers.setdefault(fleet, FleetRefresher(fleet.profiles.values(), fleet._dispatch.now))
