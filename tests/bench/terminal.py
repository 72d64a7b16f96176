"""A program in a real terminal of its own: what it writes there, how soon it answers a key, and what it costs."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

COLUMNS, ROWS = 160, 50
#: Runs the dashboard of an address, looking once in so many seconds.
DASHBOARD = "import sys; from beanops.tui.app import run; run(sys.argv[1], interval=float(sys.argv[2]))"
DOWN, UP, PAGE_DOWN, PAGE_UP = b"\x1b[B", b"\x1b[A", b"\x1b[6~", b"\x1b[5~"
#: What stands before the row that the cursor is on, and nowhere else.
CURSOR = "▌".encode()
_TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """A program that runs in a terminal; see `terminal`."""

    def __init__(self, folder: str, code: str, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        files = {f"BEANOPS_{name.upper()}": f"{folder}/{name}" for name in ("journal", "config", "state", "samples")}
        environment = {**os.environ, **files, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.monotonic()
        self.program = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)

    def read(self, until: float) -> bytes:
        """Return what is written next, nothing if that is later than `until`."""
        if not select.select([self.ours], [], [], max(0.0, until - time.monotonic()))[0]:
            return b""
        try:
            return os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return b""

    def drain(self, seconds: float) -> None:
        """Read and drop what is written in the next seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read(until)

    def shows(self, text: bytes, seconds: float = 60) -> float:
        """Wait until a text is written; return the seconds from the start until then."""
        seen, until = b"", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < until, f"{text!r} was not shown: {seen[-2000:]!r}"
            seen += self.read(time.monotonic() + 1)
        return time.monotonic() - self.started

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.ours, keys)

    def milliseconds(self, *keys: bytes, times: int = 100) -> list[float]:
        """Return how long each of so many key presses took until the cursor was painted where it moved to."""
        taken = []
        for n in range(times):
            while self.read(0):
                pass
            pressed, seen = time.monotonic(), b""
            self.send(keys[n % len(keys)])
            while CURSOR not in seen:
                seen += self.read(pressed + 2)
                assert time.monotonic() < pressed + 2, "the cursor was not painted within 2 seconds"
            taken.append(1000 * (time.monotonic() - pressed))
            self.drain(0.01 + 0.007 * (n % 5))  # the hand is in no step with the ticks
        return taken

    @property
    def cpu(self) -> float:
        """The seconds of processor time so far, user and system."""
        with open(f"/proc/{self.program.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def resident(self) -> float:
        """The megabytes that it has in memory."""
        with open(f"/proc/{self.program.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


@contextmanager
def terminal(code: str, *arguments: str) -> Iterator[Terminal]:
    """Start a program in a terminal, with files of its own; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        one = Terminal(folder, code, *arguments)
        try:
            yield one
        finally:
            one.program.kill()
            one.program.wait()
            os.close(one.ours)


def dashboard(address: str, interval: float = 1.0) -> AbstractContextManager[Terminal]:
    """Start the dashboard of a server in a terminal."""
    return terminal(DASHBOARD, address, str(interval))
