"""Ask a server again and again: what is known, how old it is, and when to retry a server that is lost.

A `Poller` blocks on the network, so faces call it from a thread of their own. It shows nothing and acts on nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from beanops.monitor.past import Past
from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.protocol.errors import BeanopsError
from beanops.recording.playback import Playback
from beanops.session.config import problem_limits
from beanops.session.session import Session
from beanops.ui.defaults import FIRST_RETRY, LAST_RETRY, LATE

#: What a face asks besides the survey: called with the session in the polling thread.
Look = Callable[[Session], Any]

_NO_TUBES: Mapping[str, Seen] = MappingProxyType({})


class Lost(NamedTuple):
    """The server does not answer.

    Attributes
    ----------
    since : datetime
        When it was noticed, UTC.
    error : str
        Why, in one line.
    tries : int
        Failed looks since.
    retry_in : float
        Seconds until the next try.
    """

    since: datetime
    error: str
    tries: int
    retry_in: float


class Live(NamedTuple):
    """All that is known of the server after one look.

    Attributes
    ----------
    survey : Survey or None
        The latest; older than the look while the server is lost. None before the first.
    held : frozenset of int
        Ids of the jobs that this session has reserved.
    looked : Any
        What the face asked besides; None when it asked nothing or got no answer.
    lost : Lost or None
        Set while the server does not answer.
    waiting : float
        Seconds that an answer is late.
    at : float
        Monotonic seconds at which this was known.
    playback : Playback or None
        Set where it is a moment of a recording; all times are then seconds since 1970.
    """

    survey: Survey | None = None
    held: frozenset[int] = frozenset()
    looked: Any = None
    lost: Lost | None = None
    waiting: float = 0
    at: float = 0
    playback: Playback | None = None

    @property
    def stale(self) -> bool:
        """Whether the values may have changed on the server since."""
        return (
            self.lost is not None or self.waiting > 0 or (self.playback is not None and self.playback.gap is not None)
        )

    @property
    def tubes(self) -> Mapping[str, Seen]:
        """The tubes by name, as they were last seen."""
        return self.survey.tubes if self.survey is not None else _NO_TUBES

    @property
    def age(self) -> float:
        """Seconds since the survey; 0 before the first."""
        return 0.0 if self.survey is None else max(0.0, self.at - self.survey.at)


class Poller:
    """Looks at one server again and again, and backs off while it is lost.

    Parameters
    ----------
    connect : callable
        Returns the session to look with; called by the first look, and by the first after `close`.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    past : Past or None
        Where to keep what was seen; None is a new one.
    quick : bool
        Whether the first look takes two round trips and leaves out jobs. Another one follows it at once.
    """

    def __init__(
        self,
        connect: Callable[[], Session],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        past: Past | None = None,
        *,
        quick: bool = False,
    ) -> None:
        self._quick = quick
        self._past = Past() if past is None else past
        self._connect = connect
        self._clock = clock
        self._now = now
        self._since: float | None = None
        self._again = False
        self._surveyor: Surveyor  # made with the session
        self._reset()

    def _reset(self) -> None:
        self._session: Session | None = None
        self._live = Live()
        self._retry_at = 0.0

    @property
    def due(self) -> bool:
        """Whether to look now: always while the server answers, else once the pause is over."""
        return self._live.lost is None or self._clock() >= self._retry_at

    def begin(self) -> bool:
        """Begin a look; False where one is under way, which another one follows then."""
        if self._since is not None:
            self._again = True
            return False
        self._since, self._again = self._clock(), False
        return True

    def end(self) -> bool:
        """End the look under way, and return whether another one was asked for since it began."""
        self._since = None
        return self._again

    @property
    def busy(self) -> bool:
        """Whether a look is under way."""
        return self._since is not None

    def wait(self) -> Live:
        """Return what is known, with the seconds left until the next try, or those that an answer is late."""
        live, now = self._live, self._clock()  # a look in another thread may replace it
        if live.lost is not None:
            lost = live.lost._replace(retry_in=max(0.0, self._retry_at - now))
            return live._replace(lost=lost, looked=None, at=now)
        waiting = 0.0 if self._since is None else now - self._since
        return live._replace(waiting=waiting, looked=None, at=now) if waiting >= LATE else live

    def look(
        self,
        look: Look | None = None,
        wanted: Collection[str] = (),
        early: Callable[[Live], object] | None = None,
    ) -> Live:
        """Ask the server once; a server or network that fails is reported in the result, and not raised.

        Parameters
        ----------
        look : callable or None
            What the face asks besides the survey.
        wanted : collection of str
            Tubes that the survey includes whatever their number.
        early : callable or None
            Called with what the face asked, and the survey before, while the new survey is still to come.
        """
        looked = None
        try:
            if self._session is None:
                self._session = self._connect()
                self._surveyor = Surveyor(
                    self._clock, problem_limits(), past=self._past, follow=True, quick=self._quick
                )
            looked = look(self._session) if look is not None else None
            if early is not None and looked is not None and self._live.lost is None:
                early(self._live._replace(looked=looked, held=self._session.held, at=self._clock()))
            light = self._surveyor.is_first_quick
            survey = self._session._lookups.survey(self._surveyor, wanted)
            self._again |= light
        except BeanopsError as error:
            return self.lose(str(error), looked)
        self._live = Live(survey, self._session.held, looked, at=survey.at)
        return self._live

    def lose(self, error: str, looked: Any = None) -> Live:
        """Note that a look failed, and return what was known before, with the reason and the next try."""
        self._past.lose()
        earlier = self._live.lost
        tries = earlier.tries + 1 if earlier else 1
        pause = min(LAST_RETRY, FIRST_RETRY * 2 ** min(tries - 1, 10))
        self._retry_at = self._clock() + pause
        lost = Lost(earlier.since if earlier else self._now(), error, tries, pause)
        held = frozenset() if self._session is None else self._session.held
        self._live = self._live._replace(looked=looked, held=held, lost=lost, at=self._clock())
        return self._live

    def close(self) -> None:
        """Close the session and forget what is known; the next look connects again."""
        session = self._session
        self._reset()
        if session is not None:
            session.close()
