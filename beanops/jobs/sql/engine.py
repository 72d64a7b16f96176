"""DuckDB with limits: memory, one thread, a timeout; no files, no network, no extensions."""

from __future__ import annotations

import atexit
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from beanops.jobs.sql.complaints import TOO_BIG, PredicateError, UserText, explain
from beanops.jobs.sql.early_end import TIMEOUT, Cancelled
from beanops.protocol.errors import ArgumentError

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

#: Seconds after which a statement that was asked to end is left to itself: some functions hear nothing.
_GRACE = 1.0
#: How often the memory of a statement is looked at.
_LOOK = 0.05
_THREAD = "beanops-duckdb"
_PAGE = 4096
#: Memory that a predicate may have.
MEMORY = 512 * 2**20
#: Memory that is not the statement's own, such as that of other threads.
_SLACK = 64 * 2**20
#: Values that these functions may make of one: DuckDB counts no memory for them, and ends none before its end.
_MOST = 100_000
_BOUNDED = (("repeat", "length(what) * n", ""), ("lpad", "n", ", filler"), ("rpad", "n", ", filler"))


def _rows(result: Any) -> Any:
    return result.fetchall()


class Engine:
    """A DuckDB in memory that ends what takes too long, and hears of Ctrl-C at once.

    Statements run in a thread of their own, because DuckDB lets no signal through while it works.

    Parameters
    ----------
    what : str
        What to call the user's text in complaints, such as ``"the predicate"``.
    sql : str
        The user's text.
    timeout : float or None
        Seconds that a statement may take; None means any.
    memory : int
        Bytes that it may use.
    cancelled : callable
        Whether the result is no longer wanted; asked again and again.
    """

    def __init__(
        self,
        what: str,
        sql: str,
        timeout: float | None = TIMEOUT,
        memory: int = MEMORY,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.text = UserText(what, sql)
        self._limit = check_timeout(timeout)
        self._memory = memory
        self._cancelled = cancelled
        self._left = False
        self.connection: Any = None
        # Also this not in the thread that hears signals: DuckDB makes an error of its own of a Ctrl-C.
        self.connection = self.call(lambda: _connect(memory))

    def run(
        self,
        statement: str,
        before: int = 0,
        then: Callable[[Any], Any] = _rows,
        batch: Any = None,
        asked: UserText | None = None,
    ) -> Any:
        """Execute a statement and return what `then` makes of its result.

        Parameters
        ----------
        statement : str
            With the user's text in it.
        before : int
            Number of characters before the user's text.
        then : callable
            Takes the result, in the thread of the statement.
        batch : dict of arrays, frame or None
            What the view ``batch`` is to hold.
        asked : UserText or None
            Another text than that of the engine, for complaints.

        Raises
        ------
        PredicateError
            DuckDB refuses it, it took too long, or it needs too much memory.
        Cancelled
            Its result is no longer wanted.
        """

        def work() -> Any:
            if batch is not None:
                self.connection.register("batch", batch)
            return then(self.connection.execute(statement))

        return self.call(work, before, asked)

    @property
    def abandoned(self) -> bool:
        """Whether a statement did not end when it was asked to; the engine runs no other."""
        return self._left

    def call(self, work: Callable[[], T], before: int = 0, asked: UserText | None = None) -> T:
        """Do what asks DuckDB, within the bounds; see `run`."""
        import duckdb

        text = asked or self.text
        if self._left:
            raise PredicateError(text.what, "it was given up, as it took too long")
        done: list[T] = []
        failed: list[BaseException] = []
        # Not `Thread.join`: after a Ctrl-C in it, Python 3.11 takes the running thread for ended.
        finished = threading.Event()

        def do() -> None:
            try:
                done.append(work())
            except BaseException as error:  # it is raised where it is waited for
                failed.append(error)
            finally:
                finished.set()

        try:
            threading.Thread(target=do, name=_THREAD, daemon=True).start()
            self._wait(finished, text)
        except BaseException:
            self._end(finished)
            raise
        if not failed:
            return done[0]
        if isinstance(failed[0], duckdb.Error):
            raise explain(failed[0], text, before) from None
        if isinstance(failed[0], MemoryError):
            raise PredicateError(text.what, TOO_BIG) from None
        raise failed[0]

    def _wait(self, finished: threading.Event, text: UserText) -> None:
        """Wait until a statement has ended; raise when it has to."""
        started = time.monotonic()
        base = _resident()
        left = _LOOK
        while not finished.wait(min(_LOOK, left)):
            if self._cancelled():
                raise Cancelled(f"{text.what} was cancelled")
            left = math.inf if self._limit is None else started + self._limit - time.monotonic()
            if left <= 0:
                raise PredicateError(text.what, f"it took longer than {self._limit:g} s; {text.too_slow}")
            if _resident() - base > self._memory + _SLACK:
                raise PredicateError(text.what, TOO_BIG)

    def _end(self, finished: threading.Event) -> None:
        """Ask a statement to end, and leave it to itself if it does not."""
        _left.append(self)
        self._left = True
        if self.connection is not None:
            self.connection.interrupt()
        if finished.wait(_GRACE):
            self._left = False
            _left.remove(self)


#: Those whose statement never ended: to close one would wait for it.
_left: list[Engine] = []


def left_behind() -> bool:
    """Whether an abandoned statement is still running; an ordinary exit of the process would wait for it."""
    return bool(_left)


@atexit.register
def _wait_for_threads() -> None:
    """Wait for threads whose statement has just ended: DuckDB reports what they still hold as leaked, on stderr."""
    for thread in threading.enumerate():
        if thread.name == _THREAD and not left_behind():
            thread.join(_GRACE)


def check_timeout(seconds: float | None) -> float | None:
    """Return a checked time limit."""
    if seconds is not None and not 0 < seconds < math.inf:
        raise ArgumentError("query_timeout", seconds, "a number of seconds above 0, or None")
    return seconds


def _resident() -> int:
    """Return the bytes of memory that the process has, 0 where that is not known."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def _connect(memory: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": "1",
        "memory_limit": f"{memory}B",
        "temp_directory": "",
    }
    connection = duckdb.connect(":memory:", config=settings)
    for name, made, more in _BOUNDED:
        # Constants are worked out beforehand, also where they are not used: there nothing is made.
        bounded = f"system.main.{name}(what, if({made} > {_MOST}, 0, n){more})"
        refused = f"error('{name} makes more than {_MOST:,}')"
        connection.execute(f"create macro {name}(what, n{more}) as if({made} > {_MOST}, {refused}, {bounded})")
    connection.execute("set errors_as_json = true")
    connection.execute("set lock_configuration = true")
    return connection
