"""The socket that a server listens on: made first, so that clients can connect while the rest is loaded."""

from __future__ import annotations

import contextlib
import os
import socket
import stat

from beanops.embedded.dialects import OLD, Dialect

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

_BACKLOG = 1024


class Listener:
    """A listening socket that clients can connect to at once.

    Parameters
    ----------
    address : str
        Host to listen on, or ``unix:PATH``.
    port : int or str
        Port to listen on, 0 for any that is free; or what the system's resolver makes of a text.
    dialect : {"1.13", "1.12", "1.11", "1.10", "1.9", "1.8", "1.5", "1.4", "truncate", "cluster"}
        Releases up to 1.11 have no unix sockets.
    tls : ssl.SSLContext or None
        Connections begin with TLS.

    Attributes
    ----------
    socket : socket.socket
        The socket, which does not block.
    where : str
        The address that clients use, ``beanstalks://HOST:PORT`` with TLS.

    Raises
    ------
    OSError, UnicodeError
        It cannot listen there.
    """

    def __init__(self, address: str, port: int | str, dialect: Dialect, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self._path = ""
        self._inode = 0
        if address.startswith("unix:"):
            if not hasattr(socket, "AF_UNIX"):
                raise OSError("this system has no unix sockets")
            if dialect in OLD:
                raise OSError("beanstalkd has unix sockets from 1.12 on")
            path = address.removeprefix("unix:")
            self.socket = _listen_unix(path)
            self._path = path
            self._inode = os.stat(path).st_ino
            self.where = address
        else:
            self.socket = _listen_inet(address, port)
            host, port = self.socket.getsockname()[:2]
            place = f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
            self.where = place if tls is None else f"beanstalks://{place}"
        self.socket.setblocking(False)

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
        if self._path:
            with contextlib.suppress(FileNotFoundError):
                # A server that was started on the same path since has its own socket there.
                if os.stat(self._path).st_ino == self._inode:
                    os.unlink(self._path)


def _listen_unix(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        # As beanstalkd: the socket of a killed server must not prevent a new one.
        if stat.S_ISSOCK(os.stat(path).st_mode):
            os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_inet(address: str, port: int | str) -> socket.socket:
    """Take the first that can be had of the addresses that a name has, as beanstalkd does."""
    # As bytes, numbers cost no tables of foreign letters.
    host = address.encode("ascii") if set(address) <= set("0123456789.:") else address
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for number, (family, kind, protocol, _, where) in enumerate(found, 1):
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not host and family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(where)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            if number == len(found):
                raise
        else:
            return listener
    raise OSError("the name has no address")
