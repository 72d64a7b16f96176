"""Signals that end the dashboard: SIGTERM, SIGHUP and SIGINT.

Ctrl-C is a key while the dashboard controls the terminal: SIGINT comes from another process.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable

from beanops.session.execution.signals import ENDING, exit_code


def on_signals(call: Callable[[int], None]) -> Callable[[], None]:
    """Call a function with the exit code of each such signal, until the returned function is called.

    A signal that was ignored at the start stays ignored, as with ``nohup``.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in ENDING}
    handled = [number for number in ENDING if before[number] is not signal.SIG_IGN]
    for number in handled:
        loop.add_signal_handler(number, call, exit_code(number))

    def restore() -> None:
        for number in handled:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

    return restore
