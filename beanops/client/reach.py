"""How a server is reached: its addresses, what TLS checks, and where its token comes from. Nothing here connects.

What lives here: values that pickle, and that hold no secret. `tls`, `tokens` and `opening` use them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from beanops.client.address import Address
from beanops.protocol.errors import UsageError

#: The TLS versions that can be asked for, oldest first.
VERSIONS = ("1.2", "1.3")
_SOURCES = ("file", "command", "keyring")


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


class TlsFacts(NamedTuple):
    """What was agreed on for a connection with TLS.

    Attributes
    ----------
    version : str
        Such as ``"TLSv1.3"``.
    cipher : str
        Such as ``"TLS_AES_256_GCM_SHA384"``.
    until : float
        When the server's certificate ends, in seconds since 1970.
    """

    version: str
    cipher: str
    until: float


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


#: What `Reach.of` takes beside addresses.
OPTIONS = (*(f"tls_{name}" for name in TlsOptions._fields), *(f"token_{kind}" for kind in _SOURCES))


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
    preferred : Address or None
        The one of the addresses to try first: that of another connection to the same server.

    Examples
    --------
    >>> reach = Reach.of("beanstalks://queue.internal")
    >>> reach.address
    Address(host='queue.internal', port=11300, path='', tls=True, jump='')
    >>> Reach.of("beanstalks://queue", "beanstalks://standby", tls_ca="ca.pem", token_file="token").token
    <TokenSource token_file token>
    """

    addresses: tuple[Address, ...]
    tls: TlsOptions = TlsOptions()
    token: TokenSource | None = None
    connected: socket.socket | None = None
    preferred: Address | None = None

    @classmethod
    def of(cls, *targets: str | Address | Reach | socket.socket, **options: str) -> Reach:
        """Return how a server is reached of whatever names it.

        Parameters
        ----------
        *targets : str, Address, Reach or socket
            Addresses, in the order to try them; or a `Reach`; or a connected socket, which serves one connection.
        **options : str
            As in a profile: ``tls_ca``, ``tls_cert``, ``tls_key``, ``tls_server_name``, ``tls_min_version``, and
            ``token_file``, ``token_command`` or ``token_keyring``.

        Raises
        ------
        UsageError
            A target is no address, an option is unknown, or options do not go together.
        """
        match targets:
            case (Reach() as reach,):
                known = reach
            case (socket.socket() as connected,):
                known = cls((_address_of(connected),), connected=connected)
            case _:
                known = cls(tuple(Address.parse(target) for target in targets))  # type: ignore[arg-type]
        if not known.addresses:
            raise UsageError("a Reach needs an address")
        return known.with_options(options) if options else known

    def with_options(self, options: Mapping[str, str]) -> Reach:
        """Return it with options over its own; see `of`."""
        if unknown := options.keys() - OPTIONS:
            raise UsageError(f"{min(unknown)} is unknown; known are {', '.join(OPTIONS)}")
        tls = {name: options[f"tls_{name}"] for name in TlsOptions._fields if f"tls_{name}" in options}
        if "cert" in tls:
            tls = {"key": "", **tls}
        made = self.tls._replace(**tls)
        made = made._replace(**{name: os.path.expanduser(getattr(made, name)) for name in ("ca", "cert", "key")})
        _check_tls(made, self.addresses)
        return self._replace(tls=made, token=_token_source(options) or self.token)

    @property
    def address(self) -> Address:
        """The first address, which names the server."""
        return self.addresses[0]

    @property
    def order(self) -> tuple[Address, ...]:
        """The addresses in the order to try them."""
        return tuple(sorted(self.addresses, key=lambda address: address != self.preferred))

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


def _check_tls(tls: TlsOptions, addresses: tuple[Address, ...]) -> None:
    given = [name for name, value in tls._asdict().items() if value]
    if given and not any(address.tls for address in addresses):
        # Without TLS they would protect nothing.
        raise UsageError(f"tls_{given[0]} needs an address that begins with beanstalks://")
    if tls.min_version and tls.min_version not in VERSIONS:
        raise UsageError(f"tls_min_version must be one of {', '.join(VERSIONS)}, not {tls.min_version!r}")
    if tls.key and not tls.cert:
        raise UsageError("tls_key needs tls_cert")


def _token_source(options: Mapping[str, str]) -> TokenSource | None:
    given = [TokenSource(kind, options[f"token_{kind}"]) for kind in _SOURCES if options.get(f"token_{kind}")]
    if len(given) > 1:
        raise UsageError(f"give one of {' and '.join(f'token_{one.kind}' for one in given)}")
    if given and given[0].kind == "keyring" and not all(given[0].place.rpartition("/")[::2]):
        raise UsageError("token_keyring must be service/user")
    return given[0] if given else None
