"""Where a server listens: the spellings that beanops takes, and nothing that opens a socket."""

from __future__ import annotations

import re
from typing import NamedTuple

from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import DEFAULT_PORT

_ALLOWED = (
    "host, host:port, [ipv6]:port, beanstalkd://host:port, beanstalks://host:port, ssh://jump/host:port, "
    "unix:/path or /path"
)
_SCHEME = re.compile(r"\Abeanstalk(?:d|(?P<tls>s))?://", re.IGNORECASE)
#: A host for ssh, before the server that it leads to. None begins with a dash: ssh would take it for an option.
_JUMP = re.compile(
    r"\Assh://(?P<jump>(?:[^\s:/@\[\]-][^\s:/@\[\]]*@)?"
    r"(?:[^\s:/@\[\]-][^\s:/@\[\]]*|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\])(?::[0-9]{1,5})?)/",
    re.IGNORECASE,
)
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
    tls : bool
        Whether the connection is encrypted.
    jump : str
        Host that ssh connects through, as ``user@host:port``; empty for a direct connection.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    path: str = ""
    tls: bool = False
    jump: str = ""

    @classmethod
    def parse(cls, text: str | Address) -> Address:
        """Read an address as users write it.

        Parameters
        ----------
        text : str or Address
            ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path`` or ``/path``;
            ``beanstalks://host:port`` with TLS, ``ssh://jump/host:port`` through ssh, or both:
            ``ssh://jump/beanstalks://host:port``.

        Raises
        ------
        ArgumentError
            It is none of these.

        Examples
        --------
        >>> Address.parse("beanstalkd://queue.local")
        Address(host='queue.local', port=11300, path='', tls=False, jump='')
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
        through = _JUMP.match(text)
        rest = text[through.end() :] if through is not None else text
        scheme = _SCHEME.match(rest)
        match = _HOST_PORT.fullmatch(rest[scheme.end() if scheme is not None else 0 :].removesuffix("/"))
        if match is None:
            raise ArgumentError("address", text, _ALLOWED)
        port = int(match["port"] or DEFAULT_PORT)
        jump = through["jump"] if through is not None else ""
        jump_port = jump.rpartition(":")[2] if re.search(r":[0-9]+\Z", jump.rpartition("]")[2]) else "22"
        if not (1 <= port <= 65535 and 1 <= int(jump_port) <= 65535):
            raise ArgumentError("address", text, "a port from 1 to 65535")
        secure = scheme is not None and scheme["tls"] is not None
        return cls((match["v6"] or match["host"]).lower(), port, "", secure, jump)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        place = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{f'ssh://{self.jump}/' if self.jump else ''}{'beanstalks://' if self.tls else ''}{place}"
