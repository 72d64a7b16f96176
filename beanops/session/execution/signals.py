"""Handle the signals that end a process: Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends.

beanops handles them in the main thread only, and only where the program has no handler of its own. Ignored signals stay
ignored, as under nohup and in background jobs of a shell.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

#: All of them; Windows has no SIGHUP.
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: Those that end a process at once by default.
DEADLY = tuple(number for number in ENDING if number != signal.SIGINT)


@contextmanager
def handling(act: Callable[[int], None], numbers: Sequence[int] = ENDING, *, over: bool = False) -> Iterator[None]:
    """Call `act` for each of these signals within a ``with`` block, and restore their handlers at the end.

    Parameters
    ----------
    act : callable
        Called with the signal's number, in the main thread.
    numbers : sequence of int
        The signals.
    over : bool
        Whether to replace handlers of the program too.
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
    """Return the exit code of a process that a signal ended, as shells report it."""
    return 128 + number
