"""How a server is reached: its addresses, what TLS checks, and where its token comes from. Nothing here connects.

What lives here: values that pickle, and that hold no secret. `tls`, `tokens` and `opening` use them.
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from beanops.client.address import Address
from beanops.protocol.errors import UsageError


class TlsOptions(NamedTuple):
    """What a connection with TLS checks and shows. All are optional.

    Attributes
    ----------
    ca : str
        File or folder of the certificates that are trusted; empty for those of the system.
    cert, key : str
        Files of the client's certificate and of its private key; without `key` it is in the file of `cert`.
    server_name : str
        The name that the server's certificate must have; empty for the host of the address.
    min_version : str
        The oldest version: ``"1.2"`` or ``"1.3"``; empty for 1.2.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""
    min_version: str = ""


class TokenSource(NamedTuple):
    """Where the token for a server comes from; the token itself is read when a connection is made.

    Attributes
    ----------
    kind : str
        ``"file"``, ``"command"`` or ``"keyring"``.
    place : str
        Path of the file, the command with its arguments, or service and user of the keyring as ``service/user``.

    Examples
    --------
    >>> str(TokenSource("command", "pass show beanstalkd"))
    'token_command'
    """

    kind: str
    place: str

    def __str__(self) -> str:
        # A command may have a secret among its arguments.
        return f"token_{self.kind}{'' if self.kind == 'command' else f' {self.place}'}"

    def __repr__(self) -> str:
        return f"<TokenSource {self}>"


class Reach(NamedTuple):
    """How a server is reached.

    Attributes
    ----------
    addresses : tuple of Address
        Where it listens; they are tried in this order.
    tls : TlsOptions
        For the addresses with TLS.
    token : TokenSource or None
        Where its token comes from.
    connected : socket or None
        A connected socket to use instead, for one connection.

    Examples
    --------
    >>> reach = Reach.of("beanstalks://queue.internal")
    >>> reach.address
    Address(host='queue.internal', port=11300, path='', tls=True, jump='')
    """

    addresses: tuple[Address, ...]
    tls: TlsOptions = TlsOptions()
    token: TokenSource | None = None
    connected: socket.socket | None = None

    @classmethod
    def of(cls, target: str | Address | Reach | socket.socket) -> Reach:
        """Return how a server is reached of whatever names it.

        Parameters
        ----------
        target : str, Address, Reach or socket
            A socket is connected already, and serves one connection.

        Raises
        ------
        ArgumentError
            It is no address.
        """
        if isinstance(target, Reach):
            if not target.addresses:
                raise UsageError("a Reach needs an address")
            return target
        if isinstance(target, socket.socket):
            return cls((_address_of(target),), connected=target)
        return cls((Address.parse(target),))

    @property
    def address(self) -> Address:
        """The first address, which names the server."""
        return self.addresses[0]

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses))


def _address_of(connected: socket.socket) -> Address:
    """Return the address of a socket's other end."""
    try:
        place = connected.getpeername()
    except OSError as error:
        raise UsageError(f"the socket is not connected: {error.strerror or error}") from None
    if connected.family in (socket.AF_INET, socket.AF_INET6):
        return Address(str(place[0]), int(place[1]))
    # Such as one of a pair, whose other end has no name.
    return Address("", 0, os.fsdecode(place) or "(socket)")
