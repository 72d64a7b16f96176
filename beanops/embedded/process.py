"""A real beanstalkd of one's own, on a free loopback port: for the demo, for tests and for benchmarks."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from beanops.protocol import Connection, ServerStats, commands
from beanops.protocol.errors import BeanopsError

if TYPE_CHECKING:
    import ssl

#: Run by a shell beside each server: reads a pipe that nobody writes to, and which closes with the process that started
#: the server, however that ends; then it ends the server. The shell itself is away from the terminal's signals.
_WATCH = 'read -r _; kill -9 "$0"'
#: Free ports that are tried where none was asked for.
_TRIES = 3
#: Seconds for it to answer, many because on a busy machine Python alone takes some to start.
_LATE = 30.0


class CannotStart(BeanopsError):
    """beanstalkd is not on PATH, or did not start."""


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Beanstalkd:
    """Debian's (or anybody's) ``beanstalkd``, started on a free loopback port and ended on exit.

    It also ends when the process that started it does, however that ends, SIGKILL included.

    Parameters
    ----------
    *arguments : str
        More of its own flags, such as ``"-b", directory`` or ``"-z", "100000"``.
    port : int or None
        A fixed port, to start again where an earlier one was.
    program : sequence of str
        What to run instead of the ``beanstalkd`` on PATH; it must take the same flags, and must not fork.
    tls : ssl.SSLContext or None
        How to connect to it, if its flags make it speak TLS.
    token : str or None
        What to show it, if its flags make it require a token.

    Attributes
    ----------
    address : str
        ``host:port``, or ``beanstalks://host:port`` with TLS.
    pid : int
        The process.

    Raises
    ------
    CannotStart
        There is no ``beanstalkd`` on PATH, or it did not start within 30 seconds, for example on a used port.

    Examples
    --------
    >>> with Beanstalkd() as server:
    ...     client = beanops.Client(server.address)
    """

    def __init__(
        self,
        *arguments: str,
        port: int | None = None,
        program: Sequence[str] = ("beanstalkd",),
        tls: ssl.SSLContext | None = None,
        token: str | None = None,
    ) -> None:
        if shutil.which(program[0]) is None:
            raise CannotStart("beanstalkd is not on PATH; install it (Debian: apt-get install beanstalkd)")
        self._tls = tls
        self._token = token
        # stderr is no pipe: nobody would read it while the server runs, and a full one would hold it up.
        with tempfile.TemporaryFile() as stderr:
            give_up = time.monotonic() + _LATE
            # A port that was free a moment ago can be taken when the server wants it.
            for _ in range(1 if port else _TRIES):
                self._start(program, port or free_port(), arguments, stderr)
                try:
                    if self._comes_up(give_up):
                        return
                except BaseException:  # also Ctrl-C: nobody else knows of the process yet
                    self.stop(kill=True)
                    raise
                self.stop(kill=True)
            stderr.seek(0)
            said = stderr.read().decode("utf-8", "replace").strip().splitlines()
        raise CannotStart(f"beanstalkd did not start on {self.address}: {said[-1] if said else 'no output'}")

    def _start(self, program: Sequence[str], port: int, arguments: Sequence[str], stderr: IO[bytes]) -> None:
        self.port = port
        self.address = f"{'beanstalks://' if self._tls else ''}127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [*program, "-l", "127.0.0.1", "-p", str(port), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        self.pid = self._process.pid
        shell = shutil.which("sh")
        self._watch = shell and subprocess.Popen(
            [shell, "-c", _WATCH, str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _comes_up(self, give_up: float) -> bool:
        """Wait until it answers; False when it has ended, or when it is late."""
        while self._process.poll() is None and time.monotonic() < give_up:
            if self._answers():
                return True
            time.sleep(0.01)
        return False

    def _answers(self) -> bool:
        # Another server on the port answers too, until our own process finds it taken: only the pid distinguishes them.
        connection = Connection()
        asked = [commands.stats()] if self._token is None else [commands.auth(self._token), commands.stats()]
        results: list[Any] = []
        try:
            with self._connect() as peer:
                peer.sendall(b"".join(map(connection.send, asked)))
                while len(results) < len(asked) and connection.error is None:
                    results += connection.receive_data(peer.recv(65536))
        except OSError:
            return False
        return bool(results) and isinstance(results[-1], ServerStats) and results[-1].pid == self.pid

    def _connect(self) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", self.port), 1)
        if self._tls is None:
            return peer
        try:
            return self._tls.wrap_socket(peer, server_hostname="127.0.0.1")
        except BaseException:
            peer.close()
            raise

    def stop(self, *, kill: bool = False) -> None:
        """End it; with `kill` as a crash would."""
        if self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
        self._process.wait()
        if self._watch:
            # Before its pipe is closed: the number of the server's process may soon be another's.
            self._watch.kill()
            self._watch.wait()
            if self._watch.stdin is not None:
                self._watch.stdin.close()

    def __str__(self) -> str:
        return self.address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
