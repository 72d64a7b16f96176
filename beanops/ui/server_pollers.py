"""`ServerPollers`: look at several servers again and again, each by itself: one that hangs holds up no other.

Each look runs in a thread of its own, which the process does not wait for. It shows nothing: see `beanops.ui.poller`
for what is known of one server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from beanops.session.config import Profile
from beanops.session.session import Session
from beanops.text import span
from beanops.ui.poller import Live, Poller

#: A server by name and address: the configuration may give the name to another server later.
Place = tuple[str, str]

_NONE: Mapping[str, Collection[str]] = MappingProxyType({})


def place_of(profile: Profile) -> Place:
    """Return name and address of a server."""
    return profile.name, profile.address


class ServerState(NamedTuple):
    """What is known of one of several servers.

    Attributes
    ----------
    profile : Profile
        The server.
    live : Live
        What is known of it; it may be stale.
    here : bool
        Whether it is the one that the face shows.
    """

    profile: Profile
    live: Live
    here: bool = False

    @property
    def silence(self) -> str:
        """Why nothing new is known of it, in short words, such as ``"LOST"``; empty while it answers."""
        if self.live.lost is not None:
            return "LOST"
        return "NO ANSWER" if self.live.waiting else ""

    def silence_text(self) -> str:
        """Return the same with its time and its cause.

        Examples
        --------
        >>> ServerState(Profile("prod", "queue:11300"), Live(waiting=4.2)).silence_text()
        'NO ANSWER for 4s'
        """
        lost = self.live.lost
        if lost is not None:
            return f"LOST since {lost.since:%H:%M:%S} UTC: {lost.error}"
        return f"NO ANSWER for {span(self.live.waiting)}" if self.live.waiting else ""


class ServerPollers:
    """Keeps a poller for each of several servers.

    Parameters
    ----------
    connect : callable
        Opens a session on a server; called in the thread of its look.
    clock : callable
        Monotonic seconds.
    now : callable
        The time, UTC.
    """

    def __init__(
        self, connect: Callable[[Profile], Session], clock: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._connect, self._clock, self._now = connect, clock, now
        self._pollers: dict[Place, Poller] = {}
        self._closed = False

    def look(
        self,
        profiles: Iterable[Profile],
        answered: Callable[[], object],
        wanted: Mapping[str, Collection[str]] = _NONE,
    ) -> None:
        """Begin to look at those servers that are due, and return at once.

        Parameters
        ----------
        profiles : iterable of Profile
            The servers.
        answered : callable
            Called in a thread after each look.
        wanted : mapping of str to collection of str
            By the name of a server: tubes that its survey includes whatever their number.
        """
        for profile in profiles:
            poller = self._poller(profile)
            if not self._closed and not poller.busy and poller.due and poller.begin():
                look = self._ask, (poller, wanted.get(profile.name, ()), answered)
                threading.Thread(target=look[0], args=look[1], name=f"fleet {profile.name}", daemon=True).start()

    def live(self, profile: Profile) -> Live:
        """Return what is known of a server now, and since when it does not answer."""
        return self._poller(profile).wait()

    def _poller(self, profile: Profile) -> Poller:
        place = place_of(profile)
        if place not in self._pollers:
            self._pollers[place] = Poller(lambda: self._connect(profile), self._clock, self._now)
        return self._pollers[place]

    def _ask(self, poller: Poller, wanted: Collection[str], answered: Callable[[], object]) -> None:
        try:
            poller.look(wanted=wanted)
        except Exception as error:  # a fault of beanops must not look like a server that answers
            poller.lose(f"fault in beanops: {type(error).__name__}: {error}")
        finally:
            poller.end()
            if self._closed:
                poller.close()
        answered()

    def close(self) -> None:
        """Close all connections; a look under way ends."""
        self._closed = True
        for poller in self._pollers.values():
            poller.close()
