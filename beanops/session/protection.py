"""Which profiles protect the server of a session: the strictest of all that lead to the same server.

`config` compares addresses, and this module compares them with the peer of the connection. Only the server's instance
id shows that a tunnel, a proxy or another name leads to the server of a profile. It is compared before the session
changes anything or shows a body, and profiles that do not answer in half a second are left out.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable

from beanops.client.instances import may_be_same
from beanops.client.places import Place
from beanops.client.sync import Client
from beanops.jobs.cluster import may_be_shared
from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles, strictest

#: Seconds in which the servers of other profiles must answer.
PATIENCE = 0.5
#: Seconds after which they are asked again, because a tunnel may lead to another server.
AGAIN = 30.0


class Protection:
    """The profiles that protect one server.

    Parameters
    ----------
    profile : Profile
        The profile of the session's server.
    here : set of Place
        The peer of the connection.
    instance : callable or None
        Returns the instance id of the server process; None asks no server, and compares addresses alone.
    clock : callable
        Monotonic seconds.
    joins : callable
        Whether a connection leads to a process of the same cluster.

    Attributes
    ----------
    now : Profile
        The profile with all rules known so far, without waiting.
    """

    def __init__(
        self,
        profile: Profile,
        here: Iterable[Place],
        instance: Callable[[], str] | None,
        clock: Callable[[], float] = time.monotonic,
        joins: Callable[[Client], bool] = lambda client: False,
    ) -> None:
        self._here = frozenset(here) | profile.places()
        self._instance = instance
        self._joins = joins
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: float | None = None
        known = profiles().values()
        self.now = strictest(profile, (one for one in known if self._here & one.places()))
        self._others = self._stricter(known) if instance is not None else []

    @property
    def settled(self) -> Profile:
        """The profile, after the servers of stricter profiles were asked for their instance ids.

        Raises
        ------
        BeanopsError
            The session's own server cannot be asked.
        """
        if self._others:
            with self._lock:
                if self._others and (self._asked is None or self._clock() >= self._asked + AGAIN):
                    self._settle()
        return self.now

    def _stricter(self, known: Iterable[Profile]) -> list[Profile]:
        """Return the profiles that would add rules if they were of this server."""
        return [one for one in known if strictest(self.now, [one]).guards != self.now.guards]

    def _settle(self) -> None:
        assert self._instance is not None
        instance = self._instance()
        same: queue.SimpleQueue[Profile | None] = queue.SimpleQueue()
        for one in self._others:
            # No pool: a thread that still waits must not keep the process from ending.
            threading.Thread(target=self._compare, args=(one, instance, same), daemon=True).start()
        give_up = time.monotonic() + PATIENCE
        for _ in self._others:
            try:
                found = same.get(timeout=max(0.0, give_up - time.monotonic()))
            except queue.Empty:
                break
            if found is not None:
                self.now = strictest(self.now, [found])
        self._others = self._stricter(self._others)
        self._asked = self._clock()

    def _compare(self, one: Profile, instance: str, same: queue.SimpleQueue[Profile | None]) -> None:
        found = None
        try:
            if self._here & one.places(ask=True):
                found = one
            else:
                with Client(one.reach, connect_timeout=PATIENCE, read_timeout=PATIENCE) as client:
                    server = client.stats()
                    same_one = may_be_same(server.id, instance) or (may_be_shared(server) and self._joins(client))
                    found = one if instance and same_one else None
        except BeanopsError:
            found = None  # the server does not answer
        finally:
            same.put(found)
