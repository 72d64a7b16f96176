"""How soon the dashboard answers a key on a tube's screen: with few jobs, while a scan runs, and with 100,000 jobs."""

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

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.bench.figures import Figure, show

COLUMNS, ROWS = 160, 50
#: Milliseconds from a key to the bytes that paint the cursor's new place, at the 95th percentile.
LIMIT = 20.0
MANY = 100_000
DOWN, UP, PAGE_DOWN = b"\x1b[B", b"\x1b[A", b"\x1b[6~"
RUN = "import sys; from beanops.tui.app import run; run(sys.argv[1])"


class Terminal:
    """The dashboard in a terminal of its own."""

    def __init__(self, address: str, folder: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        files = {"BEANOPS_JOURNAL": f"{folder}/journal.sqlite", "BEANOPS_CONFIG": f"{folder}/config.toml"}
        environment = {**os.environ, **files, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUN, address], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)

    def read(self, seconds: float) -> bytes:
        """Return what is written in the next seconds."""
        text, until = b"", time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._ours], [], [], left)[0]:
                text += os.read(self._ours, 65536)
        return text

    def wait_for(self, text: bytes, seconds: float = 60) -> None:
        """Return as soon as a text is written."""
        seen, until = b"", time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < until, f"{text!r} did not come: {seen[-2000:]!r}"
            seen += self.read(0.02)

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def milliseconds(self, key: bytes, times: int = 200) -> list[float]:
        """Return how long each of so many key presses took until the cursor was painted where it moved to."""
        taken = []
        for n in range(times):
            while select.select([self._ours], [], [], 0)[0]:
                os.read(self._ours, 65536)
            started, seen = time.perf_counter(), b""
            self.send(key)
            # The cursor's own mark, which nothing else paints.
            while "▌".encode() not in seen and select.select([self._ours], [], [], 1)[0]:
                seen += os.read(self._ours, 65536)
            taken.append(1000 * (time.perf_counter() - started))
            self.read(0.01 + 0.007 * (n % 5))
        return taken

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def put_many(client: Client, tube: str, number: int) -> None:
    """Put jobs with a small JSON body."""
    client.use(tube)
    bodies = (b'{"task": "app.SendMail", "user": %d, "args": [1, 2, 3]}' % n for n in range(number))
    for result in client.pipeline(map(commands.put, bodies)):
        if isinstance(result, Exception):
            raise result
    client.use("default")


def on_tube(address: str, *, meanwhile: bytes, wait: bytes, key: bytes) -> list[float]:
    """Open the second tube, press what has to go on meanwhile, wait for a text, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(address, folder)
        try:
            terminal.wait_for(b" tubes")
            terminal.send(DOWN + b"\r")
            terminal.wait_for(b" jobs, s finds more")
            terminal.send(meanwhile)
            if wait:
                terminal.wait_for(wait)
            terminal.read(0.5)
            if key != DOWN:
                terminal.send(b"\x1b[H")
                terminal.read(0.3)
            return terminal.milliseconds(key)
        finally:
            terminal.close()


def main() -> None:
    """Print how long a key takes at the 95th percentile."""
    with Beanstalkd() as server, Client(server.address) as client:
        put_many(client, "mail", 5000)
        few = on_tube(server.address, meanwhile=b"", wait=b"", key=DOWN)
    with Beanstalkd() as server, Client(server.address) as client:
        # The ids of another tube, which are looked at last: the scan goes on for as long as the keys are pressed.
        put_many(client, "other", 2 * MANY)
        put_many(client, "mail", MANY)
        scanning = on_tube(server.address, meanwhile=b"s", wait=b"searching", key=DOWN)
        all_found = on_tube(server.address, meanwhile=b"s", wait=b"100,000 jobs", key=PAGE_DOWN)
    title = f"the jobs of a tube in the terminal dashboard, {COLUMNS}x{ROWS}, key to paint, 95th percentile"
    show(
        title,
        [
            Figure("a key, 1,000 jobs", percentile(few, 0.95), LIMIT, 1, at_least=False, unit=" ms"),
            Figure("a key, while a scan runs", percentile(scanning, 0.95), LIMIT, 1, at_least=False, unit=" ms"),
            Figure("a page, 100,000 jobs", percentile(all_found, 0.95), LIMIT, 1, at_least=False, unit=" ms"),
        ],
    )
    for name, taken in (("1,000 jobs", few), ("while a scan runs", scanning), ("100,000 jobs", all_found)):
        print(f"  {name}: median {percentile(taken, 0.5):.1f} ms, most {max(taken):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
