"""What the dashboard knows of the server, as one frozen value a tick, and how it comes by it.

`Watcher` blocks on the network and is called from worker threads only. It knows no widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session

#: What a screen wants to know besides the snapshot: called with the session in the sampling thread.
Look = Callable[[Session], Any]

#: Seconds between two tries to reach a lost server: the first, and the most.
FIRST_RETRY, LAST_RETRY = 1.0, 15.0
NO_TUBES: Mapping[str, Seen] = MappingProxyType({})


class Lost(NamedTuple):
    """The server does not answer.

    Attributes
    ----------
    since : datetime
        When it was noticed, UTC.
    error : str
        Why, in one line.
    tries : int
        How often it was tried since.
    retry_in : float
        Seconds until the next try.
    """

    since: datetime
    error: str
    tries: int
    retry_in: float


class Live(NamedTuple):
    """All that is known of the server at one tick.

    Attributes
    ----------
    survey : Survey or None
        The newest there is; older than the tick while the server is lost. None before the first.
    held : frozenset of int
        Ids of the jobs that this session holds.
    looked : Any
        What the screen in front asked for; None when it asked nothing or got no answer.
    lost : Lost or None
        Set while the server does not answer.
    waiting : float
        Seconds that an answer is late.
    """

    survey: Survey | None = None
    held: frozenset[int] = frozenset()
    looked: Any = None
    lost: Lost | None = None
    waiting: float = 0

    @property
    def stale(self) -> bool:
        """Whether what is shown is not what is."""
        return self.lost is not None or self.waiting > 0

    @property
    def tubes(self) -> Mapping[str, Seen]:
        """The tubes by name, as they were last seen."""
        return self.survey.tubes if self.survey is not None else NO_TUBES


class Watcher:
    """Looks at one server, again and again, and backs off while it is lost.

    Parameters
    ----------
    session : Session
        Reconnects by itself with the next call.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.

    Attributes
    ----------
    since : float or None
        Since when a look is under way; kept by who asks for looks.
    again : bool
        Whether another look was asked for meanwhile.
    """

    def __init__(self, session: Session, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock
        self._now = now
        self._surveyor = Surveyor(clock)
        self._live = Live()
        self._retry_at = 0.0
        self.since: float | None = None
        self.again = False

    @property
    def due(self) -> bool:
        """Whether to look now: always, but for a lost server only when its turn has come."""
        return self._live.lost is None or self._clock() >= self._retry_at

    def wait(self) -> Live:
        """Return what is known, with the seconds left until the next try."""
        if self._live.lost is not None:
            lost = self._live.lost._replace(retry_in=max(0.0, self._retry_at - self._clock()))
            self._live = self._live._replace(lost=lost, looked=None)
        return self._live

    def look(self, look: Look | None = None, wanted: Collection[str] = ()) -> Live:
        """Ask the server, and for what a screen wants besides; never raises what a server or network can cause."""
        looked = None
        try:
            looked = look(self._session) if look is not None else None
            survey = self._session.survey(self._surveyor, wanted)
        except BeanopsError as error:
            self._live = self._live._replace(looked=looked, held=self._session.held, lost=self._losing(str(error)))
        else:
            self._live = Live(survey, self._session.held, looked)
        return self._live

    def _losing(self, error: str) -> Lost:
        earlier = self._live.lost
        tries = earlier.tries + 1 if earlier else 1
        pause = min(LAST_RETRY, FIRST_RETRY * 2 ** min(tries - 1, 10))
        self._retry_at = self._clock() + pause
        return Lost(earlier.since if earlier else self._now(), error, tries, pause)
