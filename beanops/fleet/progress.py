"""How far a call on several servers is, as one value, and how signals end it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from beanops.fleet.fleet_run import FleetRun
from beanops.jobs.search.progress import Progress
from beanops.session.execution.signals import exit_code, handling


class FleetInterrupted(KeyboardInterrupt):
    """Ctrl-C ended runs on several servers after their current batches; the journal has all that was done.

    Attributes
    ----------
    run : FleetRun
        What was done.
    """

    def __init__(self, run: FleetRun) -> None:
        super().__init__(_ending_of(run))
        self.run = run


class FleetTerminated(SystemExit):
    """SIGTERM or SIGHUP ended runs on several servers after their current batches, as `FleetInterrupted`.

    Attributes
    ----------
    run : FleetRun
        What was done.
    """

    def __init__(self, run: FleetRun, number: int) -> None:
        super().__init__(exit_code(number))
        self.run = run


def _ending_of(run: FleetRun) -> str:
    return run.summary + (f"; fleet.resume({run.id!r}) resumes it" if run.resumable else "")


@contextmanager
def ending_gently(run: FleetRun) -> Iterator[None]:
    """End runs between two batches on Ctrl-C, SIGTERM or SIGHUP; a second Ctrl-C ends the call at once.

    Raises
    ------
    FleetInterrupted
        Ctrl-C ended it.
    FleetTerminated
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
    if came and came[0] == signal.SIGINT:
        raise FleetInterrupted(run)
    if came:
        with suppress(OSError, AttributeError):  # its terminal may be gone, or there is none
            sys.stderr.write(f"beanops: {_ending_of(run)}\n")
            sys.stderr.flush()
        raise FleetTerminated(run, came[0])


def whole_of(parts: Sequence[Progress]) -> Progress | None:
    """Return how far several searches are together, None where none has said it.

    Examples
    --------
    >>> whole_of([Progress(5, 1, 2, 10, 100.0, 0.1), Progress(7, 0, None, 0, 50.0, 0.0)])
    Progress(looked=12, found=1, expected=None, remaining=10, rate=150.0, seconds_left=0.1)
    """
    if not parts:
        return None
    expected = [part.expected for part in parts if part.expected is not None]
    left = [part.seconds_left for part in parts if part.seconds_left is not None]
    return Progress(
        sum(part.looked for part in parts),
        sum(part.found for part in parts),
        sum(expected) if len(expected) == len(parts) else None,
        sum(part.remaining for part in parts),
        sum(part.rate for part in parts),
        max(left) if left else None,
    )
