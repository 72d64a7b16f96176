"""One thread a session that looks at the server for all open views. It shows nothing itself and acts on nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary, WeakSet

from beanops.jobs.read import FoundJob
from beanops.monitor.survey import Survey, Surveyor
from beanops.notebook.widgets.channel import in_words
from beanops.protocol.errors import BeanopsError, NotFound
from beanops.session.session import Session, connect

#: Seconds between two looks, at least; a look that takes long is followed by a rest of `REST` times its length.
PERIOD = 0.5
REST = 5
#: Seconds to wait for a connection and for an answer: a view must not look live for long when the server hangs.
CONNECT, ANSWER = 2.0, 4.0


class Tick(NamedTuple):
    """What the views are shown at one moment.

    Attributes
    ----------
    at : float
        Seconds of the monotonic clock.
    survey : Survey or None
        The last one that could be had; None before the first.
    heads : Mapping
        For each tube that a view wants: the next job in each state, as `Session.heads` returns it.
    jobs : Mapping
        What the server says of the jobs that a view follows, by id, wherever they are now; None for those that are
        gone.
    lost : str or None
        Why the server cannot be asked now; None while it answers.
    """

    at: float
    survey: Survey | None
    heads: Mapping[str, Mapping[str, FoundJob | None]] = MappingProxyType({})
    jobs: Mapping[int, FoundJob | None] = MappingProxyType({})
    lost: str | None = None


class Viewer(Protocol):
    """What the poller asks of a view."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose heads it shows."""

    @property
    def followed(self) -> tuple[int, ...]:
        """The jobs that it shows wherever they are."""

    def show(self, tick: Tick) -> None:
        """Show a tick; called from the polling thread, raises nothing."""


class Poller:
    """Looks at one server, on a connection of its own, while there are views.

    Parameters
    ----------
    watch : callable
        Returns a session of the poller's own, which it closes.
    clock : callable
        Tells the moment, in seconds.
    """

    def __init__(self, watch: Callable[[], Session], clock: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._clock = clock
        # Weak: a view that nobody holds any more must not live on because it is polled for.
        self._views: WeakSet[Viewer] = WeakSet()
        self._surveyor = Surveyor(clock)
        self._last: Survey | None = None
        self._session: Session | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._alone = threading.Event()

    def add(self, view: Viewer) -> None:
        """Show `view` every tick, until it is discarded or collected."""
        with self._lock:
            self._views.add(view)
            self._alone.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="beanops-poll", daemon=True)
                self._thread.start()

    def discard(self, view: Viewer) -> None:
        """Show it no more; after the last view the thread ends and its connection is closed."""
        with self._lock:
            self._views.discard(view)
            if not self._views:
                self._alone.set()
        self._wake.set()

    def hurry(self) -> None:
        """Look again soon: a view wants something else."""
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
                self._end()
                return False
        started = self._clock()
        tick = self.look(
            {tube for view in views for tube in view.wanted}, {id for view in views for id in view.followed}
        )
        for view in views:
            view.show(tick)
        del views, view
        took = self._clock() - started
        self._wake.wait(PERIOD if tick.lost else max(PERIOD - took, took * REST))
        self._wake.clear()
        # However much somebody hurries: a key held down selects thirty rows a second.
        self._alone.wait(max(0.0, PERIOD - (self._clock() - started)))
        return True

    def _end(self) -> None:
        self._thread = None
        self._surveyor, self._last = Surveyor(self._clock), None
        if self._session is not None:
            self._session.close()
            self._session = None

    def look(self, tubes: Set[str] = frozenset(), ids: Set[int] = frozenset()) -> Tick:
        """Ask the server once; when it cannot be reached, return what was known with the reason."""
        try:
            if self._session is None:
                self._session = self._watch()
            survey = self._session.survey(self._surveyor, tubes)
            heads = {}
            for tube in tubes & survey.tubes.keys():
                with suppress(NotFound):  # it vanished meanwhile
                    heads[tube] = self._session.heads(tube)
            followed = list(ids)
            jobs = dict(zip(followed, self._session.jobs_by_id(followed, bodies=False), strict=True))
        except Exception as error:  # whatever it is: a thread that ended would look like a server at rest
            return Tick(self._clock(), self._last, lost=in_words(error))
        self._last = survey
        return Tick(survey.at, survey, heads, jobs)


def first_look(session: Session) -> Tick:
    """Return what a new view shows at once, asked on the session's own connection."""
    try:
        survey = session.survey(Surveyor(time.monotonic))
    except BeanopsError as error:
        return Tick(time.monotonic(), None, lost=str(error))
    return Tick(survey.at, survey)


_pollers: WeakKeyDictionary[Session, Poller] = WeakKeyDictionary()


def poller_of(session: Session) -> Poller:
    """Return the one poller of a session and of those that were made of it."""
    address = session.address  # the poller must not hold the session

    def watch() -> Session:
        return connect(address, read_only=True, connect_timeout=CONNECT, read_timeout=ANSWER)

    return _pollers.setdefault(session.origin, Poller(watch))
