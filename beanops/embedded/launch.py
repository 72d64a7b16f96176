"""Starting and ending a server: as a process of its own (`run`), or in a thread of this one (`serve`)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from beanops.embedded.dialects import NEWEST, Dialect
from beanops.embedded.options import parse
from beanops.embedded.server import Server
from beanops.protocol.limits import DEFAULT_MAX_JOB_SIZE


@contextlib.contextmanager
def serve(
    address: str = "127.0.0.1",
    port: int = 0,
    *,
    dialect: Dialect = NEWEST,
    max_job_size: int = DEFAULT_MAX_JOB_SIZE,
) -> Iterator[str]:
    """Run a server in a thread for the length of the block; its jobs vanish with it.

    Parameters
    ----------
    address : str
        Host to listen on, or ``unix:PATH``.
    port : int
        Port to listen on, 0 for any that is free.
    dialect : {"1.13", "1.12", "1.11", "1.10"}
        Which release of beanstalkd to be: 1.12 quotes no text in statistics, 1.11 and 1.10 have no ``reserve-job``
        and no unix sockets.
    max_job_size : int
        Bytes that a body may have.

    Yields
    ------
    str
        The address for clients, such as ``"127.0.0.1:40123"``.

    Raises
    ------
    OSError
        It cannot listen there.

    Examples
    --------
    >>> import beanops.embedded
    >>> with beanops.embedded.serve() as address:
    ...     print(address.partition(":")[0])
    127.0.0.1
    """
    started: Future[tuple[Callable[[], None], str]] = Future()

    def ready(server: Server, where: str, stop: Callable[[], None]) -> None:
        started.set_result((stop, where))

    def work() -> None:
        try:
            asyncio.run(_serve(address, port, dialect, max_job_size, ready, lambda line: None))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=work, name="beanops-embedded", daemon=True)
    thread.start()
    stop, where = started.result()
    try:
        yield where
    finally:
        stop()
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
    if options.binlog is not None:
        print(f"beanops serve: -b {options.binlog} is ignored, jobs are kept in memory only", file=sys.stderr)
    _allow_many_connections()
    log = _print if options.verbose else lambda line: None

    def ready(server: Server, where: str, stop: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_complain)
        for name, action in (("SIGTERM", stop), ("SIGINT", stop), ("SIGUSR1", server.drain)):
            if hasattr(signal, name):
                _on_signal(loop, getattr(signal, name), action)
        _print(f"beanops serve: like beanstalkd {options.dialect}, memory only, listening on {where}")

    try:
        asyncio.run(_serve(options.address, options.port, options.dialect, options.max_job_size, ready, log))
    except OSError as error:
        where = options.address if options.address.startswith("unix:") else f"{options.address}:{options.port}"
        # asyncio wraps the system's own words in others.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
        print(f"beanops serve: cannot listen on {where}: {reason}", file=sys.stderr)
        return 1
    return 0


async def _serve(
    address: str,
    port: int,
    dialect: Dialect,
    max_job_size: int,
    ready: Callable[[Server, str, Callable[[], None]], None],
    log: Callable[[str], None],
) -> None:
    """Serve until the `stop` that `ready` is given is called, from whichever thread."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    server = Server(dialect, max_job_size, log)
    where = await server.listen(address, port)

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    ready(server, where, stop)
    await stopped.wait()
    server.close()
    # Connections are told of their end in the next turn of the loop.
    await asyncio.sleep(0)


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, action: Callable[[], None]) -> None:
    def handle(number: int, frame: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(action)

    # Not loop.add_signal_handler, which Windows lacks; the call wakes the loop up.
    signal.signal(number, handle)


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    print(f"beanops serve: {context['message']}" + (f": {error!r}" if error else ""), file=sys.stderr)


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
