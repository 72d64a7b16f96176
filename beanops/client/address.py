"""Where a server listens: the spellings that beanops takes, and nothing that opens a socket."""

from __future__ import annotations

import re
from typing import NamedTuple

from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import DEFAULT_PORT

_ALLOWED = "host, host:port, [ipv6]:port, beanstalkd://host:port, unix:/path or /path"
_SCHEME = re.compile(r"\Abeanstalkd?://", re.IGNORECASE)
_HOST_PORT = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?)\]|(?P<host>[^\s:/\[\]@]+))(?::(?P<port>[0-9]{1,5}))?"
)


class Address(NamedTuple):
    """Where a server listens.

    Attributes
    ----------
    host : str
        Host name or IP address; empty for a unix socket.
    port : int
        TCP port; 0 for a unix socket.
    path : str
        Path of a unix socket (server 1.12 on); empty for TCP.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    path: str = ""

    @classmethod
    def parse(cls, text: str | Address) -> Address:
        """Read an address as users write it.

        Parameters
        ----------
        text : str or Address
            ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path`` or ``/path``.

        Raises
        ------
        ArgumentError
            It is none of these.

        Examples
        --------
        >>> Address.parse("beanstalkd://queue.local")
        Address(host='queue.local', port=11300, path='')
        """
        if isinstance(text, Address):
            return text
        if not isinstance(text, str):
            raise ArgumentError("address", text, _ALLOWED)
        if text.startswith(("unix:", "/")):
            path = text.removeprefix("unix:")
            path = path.removeprefix("//") if path.startswith("///") else path
            if not path or "\0" in path:
                raise ArgumentError("address", text, _ALLOWED)
            return cls("", 0, path)
        match = _HOST_PORT.fullmatch(_SCHEME.sub("", text).removesuffix("/"))
        if match is None:
            raise ArgumentError("address", text, _ALLOWED)
        port = int(match["port"] or DEFAULT_PORT)
        if not 1 <= port <= 65535:
            raise ArgumentError("address", text, "a port from 1 to 65535")
        return cls((match["v6"] or match["host"]).lower(), port)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
