"""How signals end a run, or the runs on several servers, between two batches: Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from beanops.session.execution.signals import exit_code, handling


class EndableRun(Protocol):
    """A `Run` of a session, or the `FleetRun` of a fleet."""

    id: str

    @property
    def summary(self) -> str:
        """One line with what was done."""

    @property
    def resumable(self) -> bool:
        """Whether it can be resumed."""

    def cancel(self) -> None:
        """End it after the current batch."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended a run after the current batch; the journal has all that was done.

    The message says how to resume the run if that is possible.

    Attributes
    ----------
    run : Run or FleetRun
        What was done.
    """

    def __init__(self, run: EndableRun, words: str) -> None:
        super().__init__(words)
        self.run: Any = run


class Terminated(SystemExit):
    """SIGTERM or SIGHUP ended a run after the current batch; the journal has all that was done.

    Unless it is caught, the process ends with exit code 143 or 129. A summary of the run is printed on stderr.

    Attributes
    ----------
    run : Run or FleetRun
        What was done.
    """

    def __init__(self, run: EndableRun, number: int) -> None:
        super().__init__(exit_code(number))
        self.run: Any = run


@contextmanager
def ending_gently(run: EndableRun, owner: str = "session") -> Iterator[None]:
    """End a run between two batches on Ctrl-C, SIGTERM or SIGHUP; a second Ctrl-C ends it at once.

    A second SIGTERM or SIGHUP changes nothing: `timeout` and closed terminals often send two.

    Parameters
    ----------
    run : Run or FleetRun
        The run.
    owner : {"session", "fleet"}
        What resumes it, for the message.

    Raises
    ------
    Interrupted
        Ctrl-C ended it.
    Terminated
        SIGTERM or SIGHUP did.
    """
    came: list[int] = []

    def end(number: int) -> None:
        if came and number == signal.SIGINT:
            raise KeyboardInterrupt
        came.append(number)
        run.cancel()

    with handling(end):
        yield
    if not came:
        return
    words = run.summary + (f"; {owner}.resume({run.id!r}) resumes it" if run.resumable else "")
    if came[0] == signal.SIGINT:
        raise Interrupted(run, words)
    with suppress(OSError, AttributeError):  # its terminal may be gone, or there is none
        sys.stderr.write(f"beanops: {words}\n")
        sys.stderr.flush()
    raise Terminated(run, came[0])
