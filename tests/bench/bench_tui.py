"""What the dashboard costs: a thousand tubes once a second, in a real terminal, as share of a core."""

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

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.bench.figures import Figure, show

TUBES = 1000
COLUMNS, ROWS = 160, 50
#: Share of one core, in percent, that the dashboard may take.
LIMIT = 5.0
TICKS = os.sysconf("SC_CLK_TCK")
RUN = "import sys; from beanops.tui.app import run; run(sys.argv[1])"


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process so far, user and system."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def drain(terminal: int, until: float) -> int:
    """Read and drop what is written to the terminal, until then or its end; return how much it was."""
    size = 0
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                size += len(os.read(terminal, 65536))
            except OSError:  # the other side is closed
                break
    return size


def put_into(client: Client, names: list[str]) -> None:
    """Put one job into each tube."""
    for result in client.pipeline(one for name in names for one in (commands.use(name), commands.put(b"x"))):
        if isinstance(result, Exception):
            raise result


def watch(address: str, client: Client, names: list[str], seconds: int = 20) -> tuple[float, float]:
    """Return percent of a core and bytes a second while `names` get a job each, once a second."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    dashboard = subprocess.Popen(
        [sys.executable, "-c", RUN, address], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    try:
        drain(ours, time.monotonic() + 4)  # its start is not what is measured
        before, begin, size = cpu_seconds(dashboard.pid), time.monotonic(), 0
        for second in range(1, seconds + 1):
            put_into(client, names)
            size += drain(ours, begin + second)
        assert dashboard.poll() is None, "the dashboard ended"
        taken, passed = cpu_seconds(dashboard.pid) - before, time.monotonic() - begin
        os.write(ours, b"q")
        drain(ours, time.monotonic() + 5)
        dashboard.wait(5)
        return 100 * taken / passed, size / passed
    finally:
        dashboard.kill()
        dashboard.wait()
        os.close(ours)


def main() -> None:
    """Print the share of a core with nothing going on, and with every tube changing every second."""
    names = [f"tube-{number:04}" for number in range(TUBES)]
    with Beanstalkd() as server, Client(server.address) as client:
        put_into(client, names)
        calm, calm_size = watch(server.address, client, [])
        busy, busy_size = watch(server.address, client, names)
    show(
        f"the terminal dashboard, {TUBES:,} tubes at 1 Hz, {COLUMNS}x{ROWS}, of one core",
        [
            Figure("nothing changes", calm, LIMIT, 1, at_least=False, unit="%"),
            Figure("every tube changes", busy, LIMIT, 1, at_least=False, unit="%"),
        ],
    )
    print(f"  written to the terminal: {calm_size:,.0f} and {busy_size:,.0f} bytes a second", flush=True)


if __name__ == "__main__":
    main()
