"""Who a visitor is: named by a password, by a trusted proxy, or by a ticket that a page got; wrong ones are limited."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from beanops.session.web_access import ROLES, WebAccess, WebRole, check_name
from beanops.text import safe_text
from beanops.tui.web.passwords import PasswordCheck

#: Wrong passwords of one address within `WINDOW` seconds after which it has to wait.
WRONG, WINDOW = 10, 300.0
#: Addresses that are remembered, at most.
_ADDRESSES = 10_000
#: Seconds in which a page has to use its ticket, and tickets at most.
TICKET, _TICKETS = 300.0, 1000
#: Passwords that are hashed at the same time, and that wait for it: each takes 16 MB and a fifth of a second.
_AT_ONCE, _WAITING = 2, 40
log = logging.getLogger("beanops.web")


class WebVisitor(NamedTuple):
    """A visitor who may come in; the name is empty where nobody has to log in."""

    name: str
    role: WebRole


class NoEntry(NamedTuple):
    """Why a visitor may not come in: an HTTP status, a sentence, and whether a password would help."""

    status: int
    why: str
    asks: bool = False
    wait: int = 0


class Headers(Protocol):
    """Headers of a request."""

    def getall(self, key: str, default: list[str]) -> Sequence[str]:
        """Return all values of a header."""


class FailedLogins:
    """Counts wrong passwords by address.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def wait(self, address: str) -> float:
        """Return the seconds that an address has to wait, 0 for none."""
        times = self._recent(address)
        return max(0.0, times[0] + WINDOW - self._clock()) if len(times) >= WRONG else 0.0

    def add(self, address: str) -> None:
        """Count a wrong password."""
        if address not in self._times and len(self._times) >= _ADDRESSES:
            self._times = {one: times for one in list(self._times) if (times := self._recent(one))}
            while len(self._times) >= _ADDRESSES:
                del self._times[next(iter(self._times))]
        self._times.setdefault(address, deque(maxlen=WRONG)).append(self._clock())

    def _recent(self, address: str) -> deque[float]:
        times = self._times.get(address, deque())
        while times and times[0] + WINDOW <= self._clock():
            times.popleft()
        return times


class Tickets:
    """Tickets that open one connection each: some browsers send no password with a websocket.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, WebVisitor]] = {}

    def issue(self, visitor: WebVisitor) -> str:
        """Return a ticket for a visitor's page."""
        now = self._clock()
        self._known = {key: one for key, one in self._known.items() if one[0] > now}
        while len(self._known) >= _TICKETS:
            del self._known[next(iter(self._known))]
        ticket = secrets.token_urlsafe(24)
        self._known[ticket] = (now + TICKET, visitor)
        return ticket

    def use(self, ticket: str) -> WebVisitor | None:
        """Return the visitor of a ticket, which is worth nothing afterwards."""
        until, visitor = self._known.pop(ticket, (0.0, None))
        return visitor if until > self._clock() else None


class Login:
    """Finds out who visitors are.

    Parameters
    ----------
    access : WebAccess
        The configuration.
    anonymous : WebRole
        The role of everybody where nobody has to log in.
    read_only : bool
        Whether nobody may act, whatever the role.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        access: WebAccess,
        anonymous: WebRole = ROLES["view"],
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.access = access
        self.tickets = Tickets(clock)
        self.anonymous, self.read_only = anonymous, read_only
        self._failed = FailedLogins(clock)
        self._passwords = PasswordCheck({name: user.password for name, user in access.users.items() if user.password})
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def identify(self, address: str, headers: Headers) -> WebVisitor | NoEntry:
        """Return who sent a request from an address, or why it is rejected."""
        if not self.access.asked:
            return WebVisitor("", self.anonymous)
        proxy, values = self.access.proxy, headers.getall(self.access.proxy.header, [])
        by_proxy = proxy.has(address)
        if proxy.header and values and by_proxy:
            return self._named(values)
        if not self.access.by_password:
            return NoEntry(403, "Log in at the proxy in front of this page; it did not say who you are.")
        # Of the addresses that proxies add, the last one is that of the proxy's own client.
        forwarded = [one.strip() for line in headers.getall("X-Forwarded-For", []) for one in line.split(",")]
        return await self._with_password(
            forwarded[-1] if by_proxy and forwarded else address, headers.getall("Authorization", [])
        )

    def _named(self, values: Sequence[str]) -> WebVisitor | NoEntry:
        name = values[0]
        if len(values) > 1 or check_name(name) is not None:
            return NoEntry(400, "The proxy sent no usable name.")
        user = self.access.users.get(name)
        role = user.role if user is not None else self.access.proxy.role
        if role is None:
            return NoEntry(403, f"{name} has no role here. Ask whoever runs this page.")
        return self._admitted(name, role)

    def _admitted(self, name: str, role: WebRole) -> WebVisitor:
        return WebVisitor(name, ROLES["view"] if self.read_only else role)

    async def _with_password(self, address: str, given: Sequence[str]) -> WebVisitor | NoEntry:
        if not given:
            return NoEntry(401, "Log in with your name and password.", asks=True)
        wait = self._failed.wait(address)
        if wait:
            return NoEntry(429, "Too many wrong passwords. Wait, then try again.", wait=int(wait) + 1)
        name, password = _basic(given)
        known = self._passwords.known(name, password)
        if known is None:
            if self._waiting >= _WAITING:
                return NoEntry(503, "Too many logins at the same time. Try again.", wait=5)
            self._waiting += 1
            try:
                async with self._turn:
                    # Others may have used up the guesses of this address while it waited.
                    right = not self._failed.wait(address) and await asyncio.to_thread(
                        self._passwords.right, name, password
                    )
            finally:
                self._waiting -= 1
            if not right:
                self._failed.add(address)
                log.warning("wrong name or password from %s, as %s", safe_text(address, limit=60), safe_text(name))
            known = right
        if not known:  # also for the other files of a page, which do not count again
            return NoEntry(401, "Wrong name or password.", asks=True)
        return self._admitted(name, self.access.users[name].role)


def _basic(given: Sequence[str]) -> tuple[str, bytes]:
    """Return name and password of the header Authorization; both empty if malformed."""
    scheme, _, text = given[0].partition(" ")
    try:
        name, _, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return "", b""
    if scheme.lower() != "basic" or len(given) > 1:
        return "", b""
    return name.decode("utf-8", "surrogateescape"), password
