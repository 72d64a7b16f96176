"""Submit tasks to an executor and wait for them, with a time limit for each wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from beanops.protocol.errors import ArgumentError, BeanopsError

#: Seconds between two looks at what tasks have done, and without any sign of them after which they count as lost.
_TICK, SILENCE = 0.2, 60.0
#: Seconds to wait for the result of a task that is done, which may have to come from another machine.
_TRANSFER = 30.0


class WorkersLost(BeanopsError):
    """The executor cannot run tasks, or none of its workers gave a sign for some time."""


class TaskEnd(NamedTuple):
    """The end of a task.

    Attributes
    ----------
    number : int
        Which one of the tasks.
    result : object
        What it returned; None after an error.
    error : Exception or None
        What it raised, or what became of it.
    """

    number: int
    result: Any
    error: Exception | None


class Workers:
    """The workers of an executor.

    Parameters
    ----------
    executor : Executor of concurrent.futures, or Client of distributed
        Has ``submit``, which returns a future.
    silence : float or None
        Seconds without any sign of a worker after which a wait ends; None is `SILENCE`.

    Raises
    ------
    ArgumentError
        It is no executor.
    """

    def __init__(self, executor: Any, silence: float | None = None) -> None:
        if not callable(getattr(executor, "submit", None)) or isinstance(executor, type):
            raise ArgumentError("executor", executor, "an executor of concurrent.futures, or a distributed.Client")
        self._executor = executor
        self._silence = SILENCE if silence is None else silence
        self._dask = type(executor).__module__.partition(".")[0] == "distributed"

    @property
    def number(self) -> int:
        """How many tasks run at once; 1 where a cluster does not say it, whose loss the first task tells."""
        if self._dask:
            with suppress(Exception):  # a closed client raises errors of its own
                return max(1, int(sum(self._executor.nthreads().values())))
            return 1
        return max(1, getattr(self._executor, "_max_workers", None) or os.cpu_count() or 1)

    def run(
        self,
        function: Callable[..., Any],
        tasks: Iterable[tuple[Any, ...]],
        *,
        at_once: int,
        sign: Callable[[], Any] = lambda: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Generator[TaskEnd, None, None]:
        """Run a function with the arguments of each task, and yield how each ended, in the order of the ends.

        Parameters
        ----------
        function : callable
            A function of a module.
        tasks : iterable of tuple
            Arguments, which can be pickled.
        at_once : int
            Maximum number of tasks that are submitted and not yet done.
        sign : callable
            Returns something that changes while workers do something; called a few times a second.
        cancelled : callable
            Whether to end it without the other tasks.

        Raises
        ------
        WorkersLost
            The executor accepts no task, or there was no sign for too long.
        """
        done: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        pending: dict[int, Any] = {}
        coming = enumerate(tasks)
        seen, heard = sign(), time.monotonic()
        try:
            while not cancelled():
                while len(pending) < at_once and (task := next(coming, None)) is not None:
                    number, arguments = task
                    pending[number] = self._submit(function, arguments)
                    pending[number].add_done_callback(lambda future, number=number: done.put((number, future)))
                if not pending:
                    return
                try:
                    number, future = done.get(timeout=_TICK)
                except Empty:
                    before, seen = seen, sign()
                    if seen != before:
                        heard = time.monotonic()
                    elif time.monotonic() > heard + self._silence:
                        raise WorkersLost(f"no sign of a worker for {self._silence:g} s") from None
                    continue
                heard = time.monotonic()
                del pending[number]
                yield _end_of(number, future)
        finally:
            for future in pending.values():
                with suppress(Exception):  # a cluster that was closed cannot cancel either
                    future.cancel()

    def _submit(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        # Dask takes equal calls for one, unless they are not pure.
        options = {"pure": False} if self._dask else {}
        try:
            return self._executor.submit(function, *arguments, **options)
        except Exception as error:  # each executor has errors of its own
            raise WorkersLost(f"the executor accepts no task: {_in_words(error)}") from None


def _end_of(number: int, future: Any) -> TaskEnd:
    try:
        return TaskEnd(number, future.result(timeout=_TRANSFER), None)
    except Exception as error:  # of the task, of the executor, or of the transfer
        return TaskEnd(number, None, error)


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def words_of(error: BaseException) -> str:
    """Return what became of a task, in one line."""
    return str(error) if isinstance(error, BeanopsError) else f"a task failed: {_in_words(error)}"
