"""What the dashboard costs, in a real terminal: its start, thousands of tubes once a second, and a key press."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.bench.figures import Figure, in_turn, show

FEW, MANY = 1000, 10_000
COLUMNS, ROWS = 160, 50
#: Share of one core, in percent, that the dashboard may take, and the server for it.
LIMIT = 5.0
#: Megabytes resident, milliseconds from a key to the cursor, and starts over that of a bare app.
MEMORY, KEY, START = 90.0, 20.0, 1.5
KEYS = 100
TICKS = os.sysconf("SC_CLK_TCK")
RUN = "import sys; from beanops.tui.app import run; run(sys.argv[1])"
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("tube-0001")
Bare().run()
"""


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far, user and system."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> float:
    """Return the megabytes of a process in memory."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, code: str, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "BEANOPS_STATE": os.devnull}
        self.started = time.monotonic()
        self.program = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)

    def read(self, until: float) -> bytes:
        """Return what is written to the terminal next, nothing if that is later than `until`."""
        left = max(0.0, until - time.monotonic())
        if not select.select([self.ours], [], [], left)[0]:
            return b""
        try:
            return os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return b""

    def drain(self, until: float) -> int:
        """Read and drop what is written until then; return how much it was."""
        size = 0
        while time.monotonic() < until:
            size += len(self.read(until))
        return size

    def shows(self, text: bytes) -> float:
        """Return the seconds from the start until a text was written."""
        seen = b""
        while text not in seen:
            assert time.monotonic() < self.started + 20, f"{text!r} was not shown within 20 seconds"
            seen += self.read(time.monotonic() + 1)
        return time.monotonic() - self.started

    def press(self, key: bytes) -> float:
        """Return the milliseconds from a key press to what is written next."""
        pressed = time.monotonic()
        os.write(self.ours, key)
        assert self.read(pressed + 2), "nothing was drawn within 2 seconds"
        taken = time.monotonic() - pressed
        self.drain(time.monotonic() + 0.03)
        return 1000 * taken


@contextmanager
def terminal(code: str, *arguments: str) -> Iterator[Terminal]:
    """Start a program in a terminal; it ends with the block."""
    one = Terminal(code, *arguments)
    try:
        yield one
    finally:
        one.program.kill()
        one.program.wait()
        os.close(one.ours)


def put_into(client: Client, names: list[str]) -> None:
    """Put one job into each tube."""
    for result in client.pipeline(one for name in names for one in (commands.use(name), commands.put(b"x"))):
        if isinstance(result, Exception):
            raise result


def start(code: str, *arguments: str) -> float:
    """Return the seconds from the start of a program until it shows a tube."""
    with terminal(code, *arguments) as one:
        return one.shows(b"tube-0001")


def watch(server: Beanstalkd, client: Client, names: list[str], seconds: int = 20) -> list[Figure]:
    """Return what it takes to watch a server while `names` get a job each, once a second, and what a key takes."""
    with terminal(RUN, server.address) as one:
        one.shows(b"tube-0001")
        one.drain(time.monotonic() + 4)  # its start is not what is measured
        pid, before, begin = one.program.pid, client.stats(), time.monotonic()
        used, memory, puts = cpu_seconds(pid), resident(pid), 0.0
        for second in range(1, seconds + 1):
            begun = client.stats()
            put_into(client, names)
            ended = client.stats()
            puts += ended.rusage_utime + ended.rusage_stime - begun.rusage_utime - begun.rusage_stime
            one.drain(begin + second)
        assert one.program.poll() is None, "the dashboard ended"
        passed, after = time.monotonic() - begin, client.stats()
        share = 100 * (cpu_seconds(pid) - used) / passed
        served = after.rusage_utime + after.rusage_stime - before.rusage_utime - before.rusage_stime - puts
        looks = after.cmd_stats - before.cmd_stats - 2 * seconds - 1
        times = [one.press(b"\x1b[B" if place % 40 < 20 else b"\x1b[A") for place in range(KEYS)]
        return [
            Figure("of one core", share, LIMIT, 1, at_least=False, unit="%"),
            Figure("the server's core, for us", 100 * served / passed, LIMIT, 1, at_least=False, unit="%"),
            Figure("looks in that time", looks, seconds, 0.95, unit=""),
            Figure("resident memory", resident(pid), MEMORY, 1, at_least=False, unit="MB"),
            Figure("of that since the beginning", resident(pid) - memory, 5, 1, at_least=False, unit="MB"),
            Figure("key to cursor, 95th percentile", quantiles(times, n=20)[-1], KEY, 1, at_least=False, unit="ms"),
        ]


def main() -> None:
    """Print what the start takes, and what it takes to watch few and many tubes."""
    names = [f"tube-{number:04}" for number in range(MANY)]
    where = f"at 1 Hz, {COLUMNS}x{ROWS}"
    with Beanstalkd() as server, Client(server.address) as client:
        put_into(client, names[:FEW])
        bare, ours = in_turn(5, lambda: 1000 * start(BARE), lambda: 1000 * start(RUN, server.address))
        limit = [Figure("first tubes, a bare app's line", ours, bare, START, at_least=False, unit="ms")]
        show(f"the terminal dashboard starts, {FEW:,} tubes", limit)
        show(f"{FEW:,} tubes {where}, nothing changes", watch(server, client, []))
        show(f"{FEW:,} tubes {where}, every tube changes", watch(server, client, names[:FEW]))
        put_into(client, names[FEW:])
        show(f"{MANY:,} tubes {where}, 200 of them change", watch(server, client, names[:200]))


if __name__ == "__main__":
    main()
