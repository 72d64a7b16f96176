"""How Ctrl-C, SIGTERM and SIGHUP (its terminal was closed) end a command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beanops.session.execution.signals import DEADLY, handling

#: Signals received since the command began, and handlers of the first; the last handler is in effect.
_came: list[int] = []
_acts: list[Callable[[int], None]] = []


@contextmanager
def listening() -> Iterator[list[int]]:
    """Let the first SIGTERM or SIGHUP do what Ctrl-C does; gives the signals received.

    The next ones change nothing: `timeout` sends two of them, and so do a terminal that is closed and its shell.
    """
    _came.clear()

    def first(number: int) -> None:
        if not _came:
            _came.append(number)
            (_acts[-1] if _acts else _interrupt)(number)

    with handling(first, DEADLY):
        yield _came
        if _came:
            _discard_output()


@contextmanager
def gently(act: Callable[[int], None]) -> Iterator[None]:
    """Call `act` with Ctrl-C, and with the first SIGTERM or SIGHUP, instead of interrupting what goes on."""
    _acts.append(act)
    try:
        with handling(act, (signal.SIGINT,), over=True):
            yield
    finally:
        _acts.pop()


@contextmanager
def interruptible(cancel: Callable[[], None]) -> Iterator[list[int]]:
    """Call `cancel` with the first Ctrl-C, so that what was found is printed; a second one ends at once.

    Gives the signals received.
    """
    received: list[int] = []

    def act(number: int) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)
        cancel()

    with gently(act):
        yield received


def _interrupt(number: int) -> None:
    known = signal.getsignal(signal.SIGINT)
    if callable(known) and known is not signal.default_int_handler:
        # This handler stops an event loop in order; an exception from here would break it.
        known(signal.SIGINT, None)
    else:
        raise KeyboardInterrupt


def _discard_output() -> None:
    """Discard output that the closed terminal cannot take: failing to write it would change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
