"""A server that has fewer statistics than ours, as old releases do: a relay that leaves lines out of its answers."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from types import TracebackType
from typing import Self

#: What releases up to 1.8 do not say of the server, and what 1.4 does not say of it, of tubes and of jobs either.
UP_TO_1_8 = (b"id", b"hostname", b"draining", b"os", b"platform")
UP_TO_1_4 = (*UP_TO_1_8, b"binlog-records-migrated", b"binlog-records-written", b"cmd-delete of a tube", b"file")


class Thinned:
    """Pass commands on to a server, and its answers without some fields.

    Parameters
    ----------
    port : int
        Of the server on 127.0.0.1.
    missing : sequence of bytes
        Fields of statistics to leave out; the id of a job stays.
    version : str
        What the statistics have as the version.
    unknown : collection of bytes
        Commands that are answered with ``UNKNOWN_COMMAND``.

    Attributes
    ----------
    address : str
        Where clients connect.
    """

    def __init__(
        self,
        port: int,
        missing: tuple[bytes, ...] = UP_TO_1_8,
        version: str = "1.8",
        unknown: frozenset[bytes] = frozenset(),
    ) -> None:
        self._port, self._missing, self._unknown = port, missing, unknown
        self._version = version.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._threads += [
                    threading.Thread(target=self._ask, args=(client, server), daemon=True),
                    threading.Thread(target=self._answer, args=(server, client), daemon=True),
                ]
                for thread in self._threads[-2:]:
                    thread.start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        """Pass commands on; those that the server is not to know as one that no server knows."""
        with contextlib.suppress(OSError), client.makefile("rb") as lines:
            for line in lines:
                words = line.split()
                body = lines.read(int(words[4]) + 2) if words[:1] == [b"put"] else b""
                unknown = bool(words) and words[0] in self._unknown
                server.sendall(b"no-such-command\r\n" if unknown else line + body)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError), server.makefile("rb") as lines:
            for line in lines:
                words = line.split()
                if words[0] in (b"RESERVED", b"FOUND"):
                    line += lines.read(int(words[2]) + 2)
                elif words[0] == b"OK":
                    payload = self._thinned(lines.read(int(words[1])))
                    line = b"OK %d\r\n%b\r\n" % (len(payload), payload)
                    lines.read(2)
                client.sendall(line)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _thinned(self, payload: bytes) -> bytes:
        of_server, of_tube = b"\nuptime: " in payload, b"\npause: " in payload
        kept = []
        for line in payload.split(b"\n"):
            key = line.partition(b":")[0]
            name = b"cmd-delete of a tube" if key == b"cmd-delete" and of_tube else key
            if name not in self._missing or (key == b"id" and not of_server):
                kept.append(line)
        return re.sub(rb"(?m)^version: .*$", b"version: " + self._version, b"\n".join(kept))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for opened in self._open:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join(5)
