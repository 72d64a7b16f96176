"""`FleetMember`: one of several servers, with the session on it, which the first call opens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from beanops.client.address import Address
from beanops.client.instances import is_same
from beanops.journal.records import Refused
from beanops.protocol.errors import ConnectionClosed
from beanops.session.config import Profile
from beanops.session.session import Session


class PendingCall(Protocol):
    """A call that has begun."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it any more."""


class FleetMember:
    """One of several servers.

    Parameters
    ----------
    profile : Profile
        The server.
    connect : callable
        Opens a session on the server of a profile.
    twins : Twins
        The processes that other members have been found to be.

    Attributes
    ----------
    session : Session or None
        The session on the server, None before the first call.
    """

    def __init__(self, profile: Profile, connect: Callable[[Profile], Session], twins: Twins) -> None:
        self.profile = profile
        self.session: Session | None = None
        self._connect = connect
        self._twins = twins
        self._opening = threading.Lock()
        self._closed = False
        self._calls = threading.Condition()
        self._under_way: set[PendingCall] = set()

    @property
    def name(self) -> str:
        """Its name in the configuration, else its address."""
        return self.profile.name

    @property
    def address(self) -> str:
        """Its address as the journal has it."""
        return str(Address.parse(self.profile.address))

    def open(self) -> Session:
        """Return the session; the first call connects, and so does one after a failure.

        Raises
        ------
        ConnectFailed
            No server answers there.
        Refused
            The server is another member too, by an address that did not show it.
        """
        with self._opening:
            if self._closed:
                raise ConnectionClosed("this fleet was closed by close(); connect again to continue")
            if self.session is None:
                session = self._connect(self.profile)
                try:
                    self._twins.enter(session.server().id, self)
                except BaseException:
                    session.close()
                    raise
                self.session = session
        self.check_process()
        return self.session

    def check_process(self) -> None:
        """Refuse to go on if the process that the session has last looked at is another member's.

        Raises
        ------
        Refused
            It is, since a restart or behind a tunnel that leads elsewhere now.
        """
        if self.session is not None:
            self._twins.enter(self.session._context.looked_at, self)

    def close(self) -> None:
        """Close the session; what waits for the server ends."""
        self._closed = True
        if self.session is not None:
            self.session.close()

    # -- calls under way -----------------------------------------------------------------------------------------

    def begin(self, call: PendingCall, patience: float) -> bool:
        """Note that a call begins; False if one that nobody waits for any more still waits for the server."""
        give_up = time.monotonic() + patience
        with self._calls:
            while any(other.abandoned for other in self._under_way):
                if not self._calls.wait(max(0.0, give_up - time.monotonic())):
                    return False
            self._under_way.add(call)
            return True

    def end(self, call: PendingCall) -> None:
        """Note that a call has ended."""
        with self._calls:
            self._under_way.discard(call)
            self._calls.notify_all()


class Twins:
    """Which member is on which server process: a verb must not act on a server twice, by two of its addresses.

    A process is that of the member that was found there first, until that one is found at another: a restarted server
    is a new process, at which either of two addresses may be first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[FleetMember, str] = {}

    def enter(self, instance: str, member: FleetMember) -> None:
        """Note the process of a member.

        Raises
        ------
        Refused
            Another member is on the same one.
        """
        with self._lock:
            if not instance or self._at.get(member) == instance:
                return
            self._at.pop(member, None)
            for first, at in self._at.items():
                if is_same(at, instance):
                    raise Refused(f"{member.name} is the same server as {first.name}")
            self._at[member] = instance
