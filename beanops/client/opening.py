"""Opening a connection: the addresses in order, TLS, the token, and the first words to the server."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from typing import Any

from beanops.client.address import Address
from beanops.client.reach import Reach
from beanops.client.tokens import forget_token, read_token
from beanops.client.transport import dial, reason
from beanops.client.wire import Wire
from beanops.protocol import Command, commands
from beanops.protocol.errors import BeanopsError, ConnectFailed, ConnectionLost, ReadTimeout, ReplyError, Unauthorized


def open_wire(reach: Reach, timeout: float) -> Wire:
    """Connect to the first address that answers.

    Raises
    ------
    ConnectFailed, Unauthorized, ProtocolError
        None answers as beanstalkd does within `timeout` seconds.
    """
    failures = []
    for address, seconds in shares(reach, timeout):
        try:
            return _open(reach, address, seconds)
        except BeanopsError as error:
            failures.append(error)
    raise together(failures)


def shares(reach: Reach, timeout: float) -> Iterator[tuple[Address, float]]:
    """Yield each address with its seconds, an equal share of what is left of the time."""
    give_up = time.monotonic() + timeout
    for left, address in zip(range(len(reach.addresses), 0, -1), reach.order, strict=True):
        yield address, max(0.001, (give_up - time.monotonic()) / left)


def together(failures: list[BeanopsError]) -> BeanopsError:
    """Return one error for the failures of all addresses."""
    if len(failures) == 1:
        return failures[0]
    kinds = {type(error) for error in failures}
    return (kinds.pop() if len(kinds) == 1 else ConnectFailed)("; ".join(map(str, failures)))


def _open(reach: Reach, address: Address, timeout: float) -> Wire:
    give_up = time.monotonic() + timeout
    made, words = prepared(reach, address, timeout)
    child = getattr(made, "child", None)
    try:
        if encrypts(reach, address):
            from beanops.client.tls import secure

            made = secure(made, reach.tls, address, give_up - time.monotonic())
        wire = Wire(made, address)
        wire.give_up = give_up  # also where a few bytes come now and then
        for result in wire.exchange(words, max(0.001, give_up - time.monotonic())):
            check_hello(result, address)
        wire.give_up = math.inf
    except (OSError, BeanopsError) as error:
        complaint = ""
        if child is not None:
            # Under TLS only the end of the handshake shows that of the child.
            ended = isinstance(error, OSError | ConnectionLost) and not isinstance(error, TimeoutError | ReadTimeout)
            child.over = child.over or ended
            complaint = child.complaint()
        made.close()
        raise refused(error, reach, address, complaint) from None
    except BaseException:
        made.close()
        raise
    return wire


def prepared(reach: Reach, address: Address, timeout: float) -> tuple[socket.socket, list[Command[Any]]]:
    """Return a socket that is connected, still without TLS, and the first commands for the server.

    Raises
    ------
    ConnectFailed
        No connection could be made, or there is no token.
    """
    words = list(_hello(reach, address))
    if reach.connected is None:
        if address.jump:
            from beanops.client.ssh import dial_through

            return dial_through(address, timeout), words
        return dial(address, timeout), words
    if reach.connected.fileno() < 0:
        raise ConnectFailed(f"cannot connect to {address} again: it was given as a connected socket")
    reach.connected.setblocking(False)
    return reach.connected, words


def encrypts(reach: Reach, address: Address) -> bool:
    """Whether the connection needs TLS. A socket that was given is as it is to be."""
    return address.tls and reach.connected is None


def _hello(reach: Reach, address: Address) -> Iterator[Command[Any]]:
    if reach.token is not None:
        yield commands.auth(read_token(reach.token))
    elif len(reach.addresses) > 1 or address.jump:
        # A server that is frozen takes connections, and ssh ones for a server that is not there: only an answer shows
        # that the next address need not be tried.
        yield commands.list_tube_used()


def check_hello(result: Any, address: Address) -> None:
    """Raise if the server does not take tokens."""
    if isinstance(result, ReplyError):
        raise Unauthorized(f"{address}: the server takes no tokens: it answered {result.token} to 'auth'")


def refused(error: Exception, reach: Reach, address: Address, complaint: str = "") -> BeanopsError:
    """Return the error of a connection that ended before it could be used: nothing that matters was executed.

    `complaint` is what ssh says.
    """
    if isinstance(error, Unauthorized) and reach.token is not None:
        forget_token(reach.token)
        return Unauthorized(f"{error} ({reach.token})")
    if isinstance(error, BeanopsError) and not isinstance(error, ConnectionLost):
        return error
    if complaint:
        return ConnectFailed(f"cannot connect to beanstalkd at {address}: ssh: {complaint}")
    if isinstance(error, ConnectFailed | Unauthorized):
        return error
    if isinstance(error, ConnectionLost):
        return ConnectFailed(f"cannot connect to beanstalkd at {error}")
    slow = isinstance(error, TimeoutError) or "taking longer" in str(error)  # as asyncio says it
    why = "no TLS handshake in time; does the server speak TLS there?" if address.tls and slow else reason(error)
    return ConnectFailed(f"cannot connect to beanstalkd at {address}: {why}")
