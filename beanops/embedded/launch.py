"""Starting and ending a server: as a process of its own (`run`), or in a thread of this one (`serve`).

Both listen first and load the rest of the server then: a client that comes at once waits instead of being refused.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

from beanops.embedded.dialects import NEWEST, Dialect
from beanops.embedded.options import TLS_VERSIONS, ServerOptions, fail, parse, warn
from beanops.embedded.sockets.listening import Listener
from beanops.protocol.limits import DEFAULT_MAX_JOB_SIZE

TYPE_CHECKING = False  # typing would take as long to load as all of this
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def serve(
    address: str = "127.0.0.1",
    port: int = 0,
    *,
    dialect: Dialect = NEWEST,
    max_job_size: int = DEFAULT_MAX_JOB_SIZE,
    stats_kept: float | None = None,
    nodes: int = 1,
    max_memory: int | None = None,
    idle_timeout: float | None = None,
    max_connections: int | None = None,
    tls_cert: str | os.PathLike[str] | None = None,
    tls_key: str | os.PathLike[str] | None = None,
    tls_client_ca: str | os.PathLike[str] | None = None,
    tls_min_version: str = TLS_VERSIONS[0],
    auth_token: str | None = None,
) -> Iterator[str]:
    """Run a server in a thread for the length of the block; its jobs vanish with it.

    Parameters
    ----------
    address : str
        Host to listen on, or ``unix:PATH``.
    port : int
        Port to listen on, 0 for any that is free.
    dialect : {"1.13", "1.12", "1.11", "1.10", "1.9", "1.8", "1.5", "1.4", "truncate", "cluster"}
        Which release of beanstalkd to be: 1.12 quotes no text in statistics, 1.11 and older have no ``reserve-job``
        and no unix sockets, 1.8 and older no ``id``, 1.5 and older no ``kick-job``; 1.4 is 1.4.6. ``"truncate"`` is
        a fork of 1.13 with that command and cached statistics, ``"cluster"`` a server whose times left are never
        negative and which has no binlog.
    max_job_size : int
        Bytes that a body may have.
    stats_kept : float or None
        Seconds for which ``stats`` is answered from a cache; None for half a second with ``"truncate"``, else 0.
    nodes : int
        Nodes behind the address that connections are with, in turn; each has an id, a pid and a host of its own.
    max_memory : int or None
        Bytes of all bodies from which on a put is answered ``OUT_OF_MEMORY``.
    idle_timeout : float or None
        Seconds after which a connection that says nothing is closed, unless it waits in a reserve.
    max_connections : int or None
        Connections from which on others are closed at once.
    tls_cert : path or None
        File with the certificate of the server, which then speaks TLS only.
    tls_key : path or None
        File with its private key; None when it is in `tls_cert` too.
    tls_client_ca : path or None
        File with the CAs of clients, which then must show a certificate of one of them.
    tls_min_version : {"1.2", "1.3"}
        The oldest version of TLS that is spoken.
    auth_token : str or None
        What clients must show with ``auth TOKEN`` before anything else.

    Yields
    ------
    str
        The address for clients, such as ``"127.0.0.1:40123"``, or ``"beanstalks://127.0.0.1:40123"`` with TLS.

    Raises
    ------
    OSError
        It cannot listen there, or cannot use a file.

    Examples
    --------
    >>> import beanops.embedded
    >>> with beanops.embedded.serve() as address:
    ...     print(address.partition(":")[0])
    127.0.0.1
    """
    import threading

    options = ServerOptions()
    options.address, options.port = address, str(port)
    options.dialect = dialect
    options.max_job_size = max_job_size
    options.stats_kept = stats_kept
    options.nodes = nodes
    options.max_memory = max_memory
    options.idle_timeout = idle_timeout
    options.max_connections = max_connections
    options.tls_cert, options.tls_key, options.tls_client_ca = (
        None if path is None else os.fspath(path) for path in (tls_cert, tls_key, tls_client_ca)
    )
    options.tls_min_version = tls_min_version
    tokens = () if auth_token is None else (auth_token.encode(),)
    (listener,) = _listen(options)
    from beanops.embedded.server import Server

    server = Server([listener], options, tokens)
    thread = threading.Thread(target=server.run, name="beanops-embedded", daemon=True)
    thread.start()
    try:
        yield listener.where
    finally:
        server.stop()
        thread.join()


def run(arguments: Sequence[str]) -> int:
    """Run a server in the main thread until SIGTERM or SIGINT; SIGUSR1 drains it.

    Parameters
    ----------
    arguments : sequence of str
        The command line without the name of the command.

    Returns
    -------
    int
        Exit code: 0, or 1 when it cannot listen.

    Raises
    ------
    SystemExit
        For help, the version, or a command line that is wrong.
    """
    options = parse(arguments)
    tokens = () if options.auth_token_file is None else _tokens(options.auth_token_file)
    try:
        listeners = _listen(options)
    except UnicodeError:
        fail(f"-l: {options.address!r} is no host")
    except CannotListen as error:
        if error.errno == socket.EAI_SERVICE:
            fail(f"{error.flag}: {error.port!r} is no port and no service")
        warn(str(error))
        return 1
    except OSError as error:
        fail(f"--tls-cert: {error.filename}: {error.strerror}" if error.filename else f"--tls-cert: {error}")
    if options.binlog is not None:
        warn(f"-b {options.binlog} is ignored, jobs are kept in memory only")
    _run(listeners, options, tokens)
    return 0


class CannotListen(OSError):
    """There is no listening there; `flag` and `port` say where."""

    def __init__(self, options: ServerOptions, flag: str, port: str, error: OSError) -> None:
        where = options.address if options.address.startswith("unix:") else f"{options.address}:{port}"
        super().__init__(error.errno, f"cannot listen on {where}: {error.strerror or error}")
        self.flag = flag
        self.port = port

    def __str__(self) -> str:
        return str(self.strerror)


def _listen(options: ServerOptions) -> list[Listener]:
    """Listen where the options say, in plain text first if both are wanted."""
    tls = None
    if options.tls_cert is not None:
        from beanops.embedded.sockets.tls import server_context

        tls = server_context(options.tls_cert, options.tls_key, options.tls_client_ca, options.tls_min_version)
    wanted = [("-p", options.port, tls)]
    if options.tls_port is not None:
        wanted = [("-p", options.port, None), ("--tls-port", options.tls_port, tls)]
    listeners: list[Listener] = []
    for flag, port, context in wanted:
        try:
            listeners.append(Listener(options.address, port, options.dialect, context))
        except BaseException as error:
            for listener in listeners:
                listener.close()
            if isinstance(error, OSError):
                raise CannotListen(options, flag, port, error) from None
            raise
    return listeners


def _tokens(path: str) -> tuple[bytes, ...]:
    """Read the tokens of a file, one a line."""
    try:
        with open(path, "rb") as file:
            tokens = tuple(line.strip() for line in file if line.strip())
    except OSError as error:
        fail(f"--auth-token-file: {path}: {error.strerror}")
    if not tokens:
        fail(f"--auth-token-file: {path} has no token")
    return tokens


def _run(listeners: list[Listener], options: ServerOptions, tokens: tuple[bytes, ...]) -> None:
    import signal

    from beanops.embedded.server import Server

    _allow_many_connections()
    log = _print if options.verbose else lambda line: None
    server = Server(listeners, options, tokens, log)
    actions = {"SIGTERM": server.stop, "SIGINT": server.stop, "SIGUSR1": server.drain}

    def act(number: int, frame: object) -> None:
        actions[signal.Signals(number).name]()

    for name in actions:
        # What is ignored, as Ctrl-C is by the background jobs of a script, stays so, as with the real one.
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), act)
    where = " and ".join(listener.where for listener in listeners)
    _print(f"beanops serve: like beanstalkd {options.dialect}, memory only, listening on {where}")
    server.run()


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as the system lets us: 1024 is too few for 1000 workers."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:
        # Whoever started this has read its line and closed its end; what is unwritten must not fail at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
