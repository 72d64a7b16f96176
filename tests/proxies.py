"""A small TCP proxy on loopback that delays, holds back and drops: the network between a client and its server.

``python -m tests.proxies PORT MILLISECONDS`` serves as a process of its own, until its standard input ends.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from beanops.embedded.process import Beanstalkd


class Proxy:
    """Pass bytes on to a server, late.

    Parameters
    ----------
    port : int
        Of the server on 127.0.0.1.
    delay : float
        Seconds that each direction takes: half of a round trip.
    fatal : bytes
        What a client must not send: the connection ends before it. What came earlier is answered still, so that
        client and server are agreed on it.

    Attributes
    ----------
    address : str
        Where clients connect.
    fatal : bytes
        What a client must not send, as long as it is not empty.
    held : bool
        While true, nothing of the server's replies is passed on.
    away : bool
        While true, new connections are ended at once.
    taken : int
        How many connections were made.
    """

    def __init__(self, port: int, delay: float = 0.0, fatal: bytes = b"") -> None:
        self._target = port
        self._delay = delay
        self.fatal = fatal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.held = False
        self.away = False
        self.taken = 0
        self._forgotten: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()  # of the list: it is cut while somebody else may be connecting
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            try:
                if self.away:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:  # the server is away, and may come back
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [client, server]
            self._carry(client, server, False)
            self._carry(server, client, True)

    def _carry(self, source: socket.socket, sink: socket.socket, replies: bool) -> None:
        # Reading and writing apart: what comes while an earlier piece waits must not be read late and wait twice.
        pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._start(self._read, source, pieces)
        self._start(self._write, sink, pieces, replies)

    def _read(self, source: socket.socket, pieces: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            pieces.put((time.monotonic() + self._delay, data))

    def _write(self, sink: socket.socket, pieces: queue.SimpleQueue[tuple[float, bytes]], replies: bool) -> None:
        before = b""  # the end of what was passed on, for a fatal text may come in two pieces
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            while replies and self.held:
                time.sleep(0.005)
            if self.fatal and not replies:
                at = (before + data).find(self.fatal)
                if at >= 0:
                    with contextlib.suppress(OSError):
                        sink.sendall(data[: max(0, at - len(before))])
                        sink.shutdown(socket.SHUT_WR)
                    return
                before = (before + data)[1 - len(self.fatal) :]
            if sink in self._forgotten:
                if not data:
                    return
                continue
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return

    def drop(self, *, reset: bool = False) -> None:
        """Cut all connections, as a broken network does; new ones are still taken. With `reset` by RST, not by FIN."""
        self.held = False
        with self._lock:
            cut, self._open = self._open, []
        for opened in cut:
            with contextlib.suppress(OSError):
                if reset:
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # What is only shut for reading wakes its reader, and is still reset by its close.
                opened.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            opened.close()

    def forget(self) -> None:
        """Pass on nothing more over the connections that are open, and tell neither end, as a firewall does."""
        with self._lock:
            self._forgotten = list(self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._open.insert(0, self._listener)
        self.drop()
        self.away = False
        self._threads[0].join(5)  # nobody connects any more
        self.drop()
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def at_distance(server: Beanstalkd, milliseconds: float) -> Iterator[str]:
    """Give the server's address, or with a round trip that of a proxy before it.

    The proxy is a process of its own, or it would take turns with what it is to measure.
    """
    if not milliseconds:
        yield server.address
        return
    command = [sys.executable, "-m", "tests.proxies", str(server.port), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        yield proxy.stdout.readline().strip()


if __name__ == "__main__":
    with Proxy(int(sys.argv[1]), float(sys.argv[2]) / 2000) as proxy:
        print(proxy.address, flush=True)
        sys.stdin.read()
