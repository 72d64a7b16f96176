"""What the system tells a dashboard to end by: SIGTERM, SIGHUP and SIGINT. What the keys do is in `app`."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

#: Ctrl-C is a key while the terminal is the dashboard's: SIGINT comes from elsewhere.
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def heed(told: Callable[[int], None]) -> Callable[[], None]:
    """Have `told` called with the exit code that a signal asks for; return what ends that.

    A signal that was ignored at the start stays so, as with ``nohup``.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, told, 128 + number)

    def restore() -> None:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

    return restore
