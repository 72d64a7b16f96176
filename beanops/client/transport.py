"""Parts of both clients: sockets, names of jobs, and the commands that restore a connection."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, SupportsIndex

from beanops.client.address import Address
from beanops.protocol import Command, Connection, Job, JobStats, commands
from beanops.protocol.errors import ConnectFailed, ConnectionClosed

#: The maximum timeout of `poll` in seconds, 24 days; a longer one is no limit.
_LONGEST_WAIT = (2**31 - 1) / 1000

#: TCP keepalive: probes after 30 idle seconds, three times in half a minute. Firewalls drop idle connections, some
#: after a minute, and a host that vanished would never be noticed. A minute without an answer, also to data, ends the
#: connection. Options that a system lacks are skipped.
_KEEPALIVE = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPALIVE": 30,  # the name on macOS
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,
}

#: A job, its statistics, or its id.
JobLike = Job | JobStats | SupportsIndex


def job_id(job: JobLike) -> SupportsIndex:
    """Return the id of a job in any form."""
    return job.id if isinstance(job, Job | JobStats) else job


def restoring(old: Connection) -> Iterator[Command[Any]]:
    """Yield the commands that make a new connection use and watch the tubes of `old`."""
    if old.used != "default":
        yield commands.use(old.used)
    for tube in old.watched:
        if tube != "default":
            yield commands.watch(tube)
    if "default" not in old.watched:
        yield commands.ignore("default")


@contextmanager
def coming_back(connection: Connection) -> Iterator[str]:
    """Yield the used tube; a connection that ends with another one is closed, and uses this one when it reconnects."""
    used = connection.used
    try:
        yield used
    finally:
        if connection.used != used:
            if connection.error is None:
                connection.error = ConnectionClosed(f"it could not switch back to the tube {used}")
            connection.used = used


def reason(error: BaseException) -> str:
    """Return in words why a connection failed."""
    if type(error).__module__ == "ssl":
        from beanops.client.tls import reason_of

        return reason_of(error)  # type: ignore[arg-type]
    return str(getattr(error, "strerror", None) or error)


def hint_of(address: Address) -> str:
    """Return what it may mean when a server closes a new connection before it has sent anything."""
    return "" if address.tls or address.jump or address.path else "; if it speaks TLS, use beanstalks://"


def dial(address: Address, timeout: float) -> socket.socket:
    """Connect a non-blocking socket, without TLS.

    Raises
    ------
    ConnectFailed
        Nobody answers at `address`, or not within `timeout` seconds. Resolving a name takes its own time.
    """
    try:
        if address.path:
            made = _first([(socket.AF_UNIX, address.path)], timeout)
        else:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            made = _first([(family, place) for family, _, _, _, place in found], timeout)
            _keep_alive(made)
    except (OSError, UnicodeError) as error:
        raise ConnectFailed(f"cannot connect to beanstalkd at {address}: {reason(error)}") from None
    made.setblocking(False)
    return made


def _keep_alive(made: socket.socket) -> None:
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                with suppress(OSError):
                    made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except BaseException:
        made.close()
        raise


def _first(places: list[tuple[int, Any]], timeout: float) -> socket.socket:
    """Connect to the first place that answers. Each gets an equal share of what is left of the time."""
    give_up = time.monotonic() + timeout
    for left, (family, place) in zip(range(len(places), 0, -1), places, strict=True):
        made = None
        try:
            made = socket.socket(family, socket.SOCK_STREAM)  # which fails where IPv6 is switched off
            made.settimeout(max(0.001, (give_up - time.monotonic()) / left))
            made.connect(place)
            return made
        except BaseException as error:  # also Ctrl-C: nobody else knows of the socket yet
            if made is not None:
                made.close()
            if not isinstance(error, OSError):
                raise
            failure = error
    raise failure


def hang_up(peer: socket.socket) -> None:
    """Close a socket; a thread that waits for it wakes up."""
    with suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    peer.close()


def is_ready(peer: socket.socket, writing: bool, patience: float) -> bool:
    """Wait until a socket can be read, or written if `writing`; False after `patience` seconds."""
    seconds = patience if patience < _LONGEST_WAIT else None
    if not hasattr(select, "poll"):  # Windows; elsewhere select fails beyond the 1,024th open file
        return any(select.select([peer], [peer] if writing else [], [], seconds))
    poll = select.poll()
    poll.register(peer, select.POLLIN | (select.POLLOUT if writing else 0))
    return bool(poll.poll(None if seconds is None else seconds * 1000))
