"""A process that is killed in a migration: ``python -m tests.migration.victim FROM TO JOURNAL`` forks one a line.

A line is ``migrate``, ``resume RUN`` or ``undo RUN``, with a number and a part before it: the process is killed in the
send of that number, when that part of its bytes was sent. The answer is the number of sends, or ``killed``.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from typing import Any

import beanops.journal.journal
from beanops.accessors import connect
from beanops.session.execution import targets
from beanops.session.past_runs import recovery, undo  # before the forks, not in each

#: Jobs of a batch.
BATCH = 5
__all__ = ["recovery", "undo"]


class Killed(socket.socket):
    """A socket in whose send the process is killed."""

    sends = 0
    at = -1
    part = 1.0

    def send(self, data: Any, *flags: Any) -> int:
        """Send data, or a part of it as the last act of this process."""
        Killed.sends += 1
        if Killed.sends > Killed.at >= 0:
            whole = bytes(data)
            if cut := whole[: int(len(whole) * Killed.part)]:
                super().send(cut)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().send(data, *flags)


def act(source: str, target: str, url: str, words: list[str]) -> int:
    """Do what a line says; return the number of sends."""
    Killed.at, Killed.part = int(words[0]), float(words[1])
    targets.BATCH = BATCH
    socket.socket = Killed  # type: ignore[misc]
    with connect(source, journal=url) as here, connect(target, journal=url) as there:
        match words[2:]:
            case ["migrate"]:
                here.migrate(there)
            case ["resume", run]:
                here.resume(run)
            case ["undo", run]:
                there.undo(run)
    return Killed.sends


def main(source: str, target: str, url: str) -> None:
    """Serve until standard input ends."""
    beanops.journal.journal.Journal(url).close()
    for line in sys.stdin:
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(into, b"%d" % act(source, target, url, line.split()))
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        os.close(into)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(out) as answer:
            print("killed" if os.WIFSIGNALED(status) else answer.read() or "failed", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
