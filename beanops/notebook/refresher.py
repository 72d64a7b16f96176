"""One thread for each session, which polls the server and refreshes all open views."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary, WeakSet

from beanops.jobs.read import FoundJob
from beanops.notebook.widgets.channel import in_words
from beanops.protocol.errors import NotFound
from beanops.session.connect import connect
from beanops.session.context import Context
from beanops.session.session import Session
from beanops.ui.alerts import AlertReader, Alerts
from beanops.ui.defaults import ANSWER, CONNECT, NOTEBOOK_INTERVAL
from beanops.ui.poller import Live, Look, Poller

#: A look that takes long is followed by a rest of so many times its length.
REST = 5


class Watched(NamedTuple):
    """What the views ask besides the survey.

    Attributes
    ----------
    heads : Mapping
        For each tube that a view wants: the next job in each state, as `Session.next_jobs` returns it.
    jobs : Mapping
        The jobs that a view follows, by id, in whichever tube they are now; None for those that no longer exist.
    """

    heads: Mapping[str, Mapping[str, FoundJob | None]] = MappingProxyType({})
    jobs: Mapping[int, FoundJob | None] = MappingProxyType({})


class Tick(NamedTuple):
    """What the views show at one moment.

    Attributes
    ----------
    live : Live
        The server.
    watched : Watched
        What the views asked besides; empty while the server is lost.
    alerts : Alerts
        What fires on the server.
    """

    live: Live
    watched: Watched = Watched()
    alerts: Alerts = Alerts()


class Refreshed(Protocol):
    """What the thread needs of a view."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose next jobs it shows."""

    @property
    def followed(self) -> tuple[int, ...]:
        """The jobs that it shows in whichever tube they are."""

    def show(self, tick: Tick) -> None:
        """Show a tick; called from the polling thread, raises nothing."""


def asking(tubes: Set[str], ids: Set[int]) -> Look:
    """Return a look that asks for the next jobs of tubes, and for jobs by id."""

    def ask(session: Session) -> Watched:
        heads = {}
        for tube in tubes:
            with suppress(NotFound):  # an empty tube that nobody uses ceases to exist
                heads[tube] = session.next_jobs(tube)
        followed = list(ids)
        return Watched(heads, dict(zip(followed, session._lookups.jobs_by_id(followed, bodies=False), strict=True)))

    return ask


def poll(poller: Poller, tubes: Set[str] = frozenset(), ids: Set[int] = frozenset()) -> Tick:
    """Ask the server once for what the views want."""
    try:
        live = poller.look(asking(tubes, ids), tubes)
    except Exception as error:  # whatever it is: a thread that ended would look like a server at rest
        live = poller.lose(in_words(error))
    return Tick(live, live.looked or Watched())


class Refresher:
    """Polls one server, on a connection of its own, while there are views.

    Parameters
    ----------
    poller : Poller
        Connects with the first look, and is closed after the last.
    alerts : callable
        Returns what fires on the server.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        poller: Poller,
        alerts: Callable[[], Alerts] = Alerts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._poller = poller
        self._alerts = alerts
        self._clock = clock
        # Weak: a view that has no other reference must not live on because it is refreshed.
        self._views: WeakSet[Refreshed] = WeakSet()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._no_views = threading.Event()
        self._hurried = False

    def add(self, view: Refreshed) -> None:
        """Refresh `view` with every tick, until it is discarded or collected."""
        with self._lock:
            self._views.add(view)
            self._no_views.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="beanops-poll", daemon=True)
                self._thread.start()

    def discard(self, view: Refreshed) -> None:
        """Stop refreshing `view`; after the last one the thread ends and its connection is closed."""
        with self._lock:
            self._views.discard(view)
            if not self._views:
                self._no_views.set()
        self._wake.set()

    def hurry(self) -> None:
        """Poll again soon: the wishes of a view have changed."""
        self._wake.set()

    @property
    def running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None

    def _run(self) -> None:
        while self._tick_or_end():
            pass

    def _tick_or_end(self) -> bool:
        # A method of its own, so that between ticks no local name holds a view.
        with self._lock:
            views = list(self._views)
            if not views:
                self._thread = None
                self._poller.close()
                return False
        started = self._clock()
        if self._hurried or self._poller.due:
            tubes = {tube for view in views for tube in view.wanted}
            tick = poll(self._poller, tubes, {id for view in views for id in view.followed})
        else:
            tick = Tick(self._poller.wait())
        with suppress(Exception):  # the server is worth showing without them
            tick = tick._replace(alerts=self._alerts())
        for view in views:
            view.show(tick)
        del views, view
        took = self._clock() - started
        self._hurried = self._wake.wait(
            NOTEBOOK_INTERVAL if tick.live.lost else max(NOTEBOOK_INTERVAL - took, took * REST)
        )
        self._wake.clear()
        # A key held down selects thirty rows a second: the server is not asked more often for it.
        self._no_views.wait(max(0.0, NOTEBOOK_INTERVAL - (self._clock() - started)))
        return True


def first_look(session: Session) -> Tick:
    """Return what a new view shows at once, asked on the session's own connection."""
    live = Poller(lambda: session, past=session._context.past).look()
    return Tick(live, alerts=AlertReader(alone=True).read(session.address))


_refreshers: WeakKeyDictionary[Context, Refresher] = WeakKeyDictionary()


def refresher_of(session: Session) -> Refresher:
    """Return the one refresher of a session and of those made from it by `through`."""
    # The refresher must not hold the session.
    address, reach, past = session.address, session._context.reach, session._context.past

    alerts = AlertReader(alone=True)

    def watch() -> Session:
        return connect(reach, read_only=True, connect_timeout=CONNECT, read_timeout=ANSWER)

    return _refreshers.setdefault(session._context, Refresher(Poller(watch, past=past), lambda: alerts.read(address)))
