"""What the system tells a dashboard to end by: SIGTERM, SIGHUP and SIGINT. What the keys do is in `app`.

Ctrl-C is a key while the terminal is the dashboard's: SIGINT comes from elsewhere.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable

from beanops.session.signals import ENDING, exit_code


def heed(told: Callable[[int], None]) -> Callable[[], None]:
    """Have `told` called with the exit code that a signal asks for; return what ends that.

    A signal that was ignored at the start stays so, as with ``nohup``.
    """
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in ENDING}
    heeded = [number for number in ENDING if before[number] is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, told, exit_code(number))

    def restore() -> None:
        for number in heeded:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])

    return restore
