"""`ServerStates`: what is known of all configured servers, for the screens that show several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.ui.defaults import CONNECT_TIMEOUT, READ_TIMEOUT
from beanops.ui.poller import Live
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


class ServerStates:
    """The server that is shown, and those of the configuration, each as it answers.

    Parameters
    ----------
    host : ShownServer
        The app.

    Attributes
    ----------
    error : str
        Why the configuration cannot be read; empty if it can.
    left : LeftAs
        How the list of all tubes was left.
    """

    def __init__(self, host: ShownServer) -> None:
        self._host = host
        self._fleet = ServerPollers(_open, host.clock, host.now)
        self._profiles: dict[str, Profile] = {}
        self.error = ""
        self.left = LeftAs()
        self.read()

    def read(self) -> None:
        """Read the configuration."""
        self.error = ""
        try:
            self._profiles = profiles()
        except BeanopsError as error:
            self.error = str(error)

    @property
    def configured(self) -> Collection[str]:
        """The names of the configured servers."""
        return self._profiles.keys()

    def all(self) -> list[ServerState]:
        """Return what is known of each configured server."""
        return self._states(self._profiles.values())

    def distinct(self) -> list[ServerState]:
        """Return what is known of the server that is shown and of all others, each address once."""
        found: dict[str, Profile] = {}
        for profile in (self._host.profile, *self._profiles.values()):
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


def _open(profile: Profile) -> Session:
    return connect(
        profile.name, source="tui", read_only=True, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT
    )
