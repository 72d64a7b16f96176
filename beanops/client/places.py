"""Where an address leads, in one spelling: ``127.1``, ``LOCALHOST`` and ``[::ffff:127.0.0.1]`` are one place.

What lives here: comparing addresses. Reading one is in `address`, connecting to one in `transport`.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

from beanops.client.address import Address

#: An IP address and a port, or the real path of a socket and 0.
Place = tuple[str, int]


def places(address: Address, *, ask: bool = False) -> frozenset[Place]:
    """Return the places that an address may lead to.

    Parameters
    ----------
    address : Address
        As a user wrote it.
    ask : bool
        Resolve every name, which may take long; by default only those that this machine knows by itself, so that a
        name is a place of its own.
    """
    if address.jump:
        # The name is looked up there, so it is no place of this machine.
        return frozenset({(f"ssh://{address.jump}/{address.host}", address.port)})
    if address.path:
        return frozenset({(os.path.realpath(address.path), 0)})
    name = address.host.lower().rstrip(".")
    found = {(name, address.port)}
    flags = 0 if ask or name == "localhost" else socket.AI_NUMERICHOST
    with suppress(OSError, UnicodeError):
        for *_, place in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags):
            found.add(_plain(place))
    if found & {("0.0.0.0", address.port), ("::", address.port)}:  # to connect there is to connect to this machine
        found |= {("127.0.0.1", address.port), ("::1", address.port)}
    return frozenset(found)


def is_near(address: Address) -> bool:
    """Whether an address is on this machine, as far as it shows."""
    return bool(address.path) or any(
        host in ("::1", "localhost") or host.startswith("127.") for host, _ in places(address)
    )


def peer(connected: socket.socket) -> frozenset[Place]:
    """Return the place that a socket is connected to; none when it no longer is, or its end has no name."""
    with suppress(OSError):
        place = connected.getpeername()
        if connected.family == socket.AF_UNIX:
            return frozenset({(os.path.realpath(place), 0)} if place else ())
        return frozenset({_plain(place)})
    return frozenset()


def _plain(place: Any) -> Place:
    """Return an IP address without its scope, and an IPv4 address that is written as IPv6 as IPv4."""
    host, port = place[:2]
    return str(host).partition("%")[0].removeprefix("::ffff:"), int(port)
