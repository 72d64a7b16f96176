"""Nothing that the tests start outlives them, however they end: a process beside them ends what is left.

``python -m tests.guard MARK`` waits until its standard input ends, which it does with whoever started it, SIGKILL
included. Then it kills every process that was started with that mark in its environment. It needs Linux's ``/proc``.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

#: The variable that marks all processes of a run of the tests.
MARK = "BEANOPS_TESTS"
#: How often to look again: what is about to be started by what is about to be killed comes up late.
_LOOKS = 10


class Guard:
    """Ends what the tests leave behind; started when they start."""

    def __init__(self) -> None:
        mark = f"{os.getpid()}-{secrets.token_hex(8)}"
        outside = {name: value for name, value in os.environ.items() if name != MARK}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, mark], stdin=subprocess.PIPE, start_new_session=True, env=outside
        )
        os.environ[MARK] = mark

    def end(self) -> None:
        """Have it done, and wait for that."""
        self._process.communicate()


def marked(mark: str) -> list[int]:
    """Return the processes that were started with a mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _end_all(mark: str) -> None:
    for _ in range(_LOOKS):
        left = marked(mark)
        if not left:
            return
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    _end_all(sys.argv[1])
