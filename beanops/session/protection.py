"""Which profiles protect the server of a session, whatever it was called: the strictest of all that mean it wins.

Addresses are compared in `config` and once more here, with the place that the connection reached. Where a tunnel, a
proxy or another name leads to the server of a profile, only its instance tells. It is asked for when protection
counts: before anything is changed or a body is shown, and no profile that does not answer is waited for long.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable

from beanops.client.address import Address
from beanops.client.places import Place, places
from beanops.client.sync import Client
from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles, strictest

#: Seconds that the servers of all other profiles have to answer.
PATIENCE = 0.5
#: Seconds after which they are asked again: a tunnel may lead elsewhere by then.
AGAIN = 30.0


class Protection:
    """What the configuration says of one server.

    Parameters
    ----------
    profile : Profile
        The server as it was asked for.
    here : set of Place
        The place that the connection reached.
    instance : callable
        Returns the server's own name for the process that answers.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    now : Profile
        What is known by now, for those who cannot wait.
    """

    def __init__(
        self,
        profile: Profile,
        here: Iterable[Place],
        instance: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._here = frozenset(here) | places(Address.parse(profile.address))
        self._instance = instance
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: float | None = None
        known = profiles().values()
        self.now = strictest(profile, (one for one in known if self._here & places(Address.parse(one.address))))
        self._others = self._stricter(known)

    @property
    def settled(self) -> Profile:
        """What is known once the servers of stricter profiles were asked whether they are this one.

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
        """Return the profiles that would protect more, were they of this server."""
        return [one for one in known if strictest(self.now, [one]).guards != self.now.guards]

    def _settle(self) -> None:
        instance = self._instance()
        same: queue.SimpleQueue[Profile | None] = queue.SimpleQueue()
        for one in self._others:
            # Not in a pool: one that is still waited for must not keep the process from ending.
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
            address = Address.parse(one.address)
            if self._here & places(address, ask=True):
                found = one
            else:
                with Client(address, connect_timeout=PATIENCE, read_timeout=PATIENCE) as client:
                    found = one if instance and client.stats().id == instance else None
        except BeanopsError:
            found = None  # it is not there
        finally:
            same.put(found)
