"""The signals that end a process: Ctrl-C, SIGTERM, and SIGHUP, the end of its terminal. What each does is elsewhere.

They are handled in the main thread only, and only where nobody else does: what is ignored, as nohup and a shell's
background jobs have it, stays ignored, and what a program handles itself is left to it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

#: All that there are; Windows has no SIGHUP.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Those that Python leaves to the system, which ends the process at once.
DEADLY = tuple(number for number in ENDING if number != signal.SIGINT)


@contextmanager
def handling(act: Callable[[int], None], numbers: Sequence[int] = ENDING, *, over: bool = False) -> Iterator[None]:
    """Call `act` with each of these signals that comes, and restore afterwards who handled them.

    Parameters
    ----------
    act : callable
        Called with the signal's number, in the main thread, between any two steps of it.
    numbers : sequence of int
        The signals.
    over : bool
        Whether to handle also what is handled by the program already.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            known = signal.getsignal(number)
            usual = known is (signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            if usual or (over and callable(known)):
                before[number] = known
    try:
        for number in before:
            signal.signal(number, lambda number, frame: act(number))
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def exit_code(number: int) -> int:
    """Return the exit code of a process that a signal ended, as shells have it."""
    return 128 + number
