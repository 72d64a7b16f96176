"""`ServerStates`: what is known of several servers, for the screens that show them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError, ConnectFailed
from beanops.session.config import Profile, profiles
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.ui.defaults import CONNECT_TIMEOUT, READ_TIMEOUT
from beanops.ui.poller import Live
from beanops.ui.runner import LastAction
from beanops.ui.server_pollers import ServerPollers, ServerState, place_of


class ShownServer(Protocol):
    """The app, as far as it is needed here."""

    profile: Profile
    clock: Callable[[], float]
    now: Callable[[], datetime]

    @property
    def live(self) -> Live:
        """What is known of the server that is shown."""


#: Why no other server can be shown.
ALONE = "this page shows one server only"


class LeftAs(NamedTuple):
    """How the list of the tubes of all servers was left.

    Attributes
    ----------
    cursor : tuple or None
        Server and tube of the row under the cursor.
    filter, sort : str
        The filter as typed, and the sort column.
    descending : bool
        Whether the largest come first.
    """

    cursor: tuple[str, str | None] | None = None
    filter: str = ""
    sort: str = "problem"
    descending: bool = False


class TubeOfServer(NamedTuple):
    """A tube of one of several servers, as last seen.

    Attributes
    ----------
    profile : Profile
        The server.
    instance : str
        The id of its process.
    stats : TubeStats
        The tube.
    """

    profile: Profile
    instance: str
    stats: TubeStats

    @property
    def server(self) -> str:
        """The server's name."""
        return self.profile.name

    @property
    def named(self) -> TubeStats:
        """The tube with the server in its name, which distinguishes it from those of other servers."""
        return self.stats._replace(name=f"{self.server} {self.stats.name}")


class ServerStates:
    """The server that is shown, and those of the configuration or chosen ones, each as it answers.

    Parameters
    ----------
    host : ShownServer
        The app.
    only : iterable of Profile or None
        The servers to show instead of those of the configuration.

    Attributes
    ----------
    error : str
        Why the configuration cannot be read; empty if it can.
    left : LeftAs
        How the list of all tubes was left.
    last : LastAction
        What an undo in that list reverts.
    acted_on : tuple of TubeOfServer
        The tubes of that action.
    """

    def __init__(self, host: ShownServer, only: Iterable[Profile] | None = None) -> None:
        self._host = host
        self._only = None if only is None else {one.name: one for one in only}
        self._fleet = ServerPollers(_open, host.clock, host.now)
        self._profiles: dict[str, Profile] = {}
        self.error = ""
        self.left = LeftAs()
        self.last = LastAction()
        self.acted_on: tuple[TubeOfServer, ...] = ()
        self.read()

    def read(self) -> None:
        """Read the configuration, unless certain servers are shown."""
        self.error = ""
        try:
            self._profiles = profiles() if self._only is None else self._only
        except BeanopsError as error:
            self.error = str(error)

    @property
    def chosen(self) -> bool:
        """Whether certain servers are shown instead of those of the configuration."""
        return self._only is not None

    @property
    def configured(self) -> Collection[str]:
        """The names of the servers."""
        return self._profiles.keys()

    def all(self) -> list[ServerState]:
        """Return what is known of each server."""
        return self._states(self._profiles.values())

    def distinct(self) -> list[ServerState]:
        """Return what is known of the server that is shown and of all others, each address once."""
        found: dict[str, Profile] = {}
        shown = () if self.chosen else (self._host.profile,)
        for profile in (*shown, *self._profiles.values()):
            found.setdefault(profile.address, profile)
        return self._states(found.values())

    def _states(self, wanted: Iterable[Profile]) -> list[ServerState]:
        here = self._host.profile
        return [
            ServerState(profile, self._host.live, True)
            if place_of(profile) == place_of(here)
            else ServerState(profile, self._fleet.live(profile))
            for profile in wanted
        ]

    def look(self, answered: Callable[[], object], wanted: Mapping[str, Collection[str]] | None = None) -> None:
        """Ask all servers but the one that is shown, which the app asks; see `ServerPollers.look`."""
        here = place_of(self._host.profile)
        others = [profile for profile in self._profiles.values() if place_of(profile) != here]
        self._fleet.look(others, answered, wanted or {})

    def close(self) -> None:
        """Close the connections."""
        self._fleet.close()


def first_of(servers: Sequence[str], connected: Callable[[str], Session]) -> tuple[str, Session]:
    """Return a session on the first of several servers that answers, with its name; the others are not waited for.

    Parameters
    ----------
    servers : sequence of str
        Their names.
    connected : callable
        Opens a session on a server.

    Raises
    ------
    BeanopsError
        None answers; it names all of them.
    """
    if len(servers) == 1:
        return servers[0], connected(servers[0])
    answers: queue.SimpleQueue[tuple[str, Session | Exception]] = queue.SimpleQueue()
    taken = threading.Lock()

    def reach(name: str) -> None:
        try:
            session = connected(name)
            session.server()  # a frozen one takes connections too
        except Exception as error:  # raised below
            answers.put((name, error))
            return
        if taken.acquire(blocking=False):
            answers.put((name, session))
        else:
            session.close()

    for name in servers:
        threading.Thread(target=reach, args=(name,), name=f"reach {name}", daemon=True).start()
    errors: dict[str, Exception] = {}
    while len(errors) < len(servers):
        name, answer = answers.get()
        if isinstance(answer, Session):
            return name, answer
        if not isinstance(answer, BeanopsError):
            raise answer
        errors[name] = answer
    words = "; ".join(f"{name}: {errors[name]}" for name in servers)
    raise ConnectFailed(f"no server answers: {words}")


def _open(profile: Profile) -> Session:
    return connect(
        profile.name, source="tui", read_only=True, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT
    )
