"""How soon the dashboard answers a key on a tube's screen: with few jobs, while a scan runs, and with 100,000 jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.bench.figures import Figure, show
from tests.bench.terminal import COLUMNS, DOWN, PAGE_DOWN, PAGE_UP, ROWS, UP, Terminal, dashboard

#: Milliseconds from a key to the bytes that paint the cursor's new place, at the 95th percentile.
LIMIT = 16.0
#: How much longer a page of many jobs may take than one of few.
AS_SMOOTH = 1.5
FEW, MANY = 100, 100_000


def put_many(client: Client, tube: str, number: int) -> None:
    """Put jobs with a small JSON body."""
    client.use(tube)
    bodies = (b'{"task": "app.SendMail", "user": %d, "args": [1, 2, 3]}' % n for n in range(number))
    for result in client.pipeline(map(commands.put, bodies)):
        if isinstance(result, Exception):
            raise result
    client.use("default")


@contextmanager
def on_tube(address: str, *, all_found: bytes = b"", below: int = 0) -> Iterator[Terminal]:
    """Open the first tube, the worst, or one `below` it, and find all its jobs if their number is given."""
    with dashboard(address) as one:
        one.shows(b" tubes")
        one.send(DOWN * below + b"\r")
        one.shows(b" jobs")
        if all_found:
            one.drain(1)
            one.send(b"m")
            one.shows(all_found)
        one.drain(1)
        one.send(b"\x1b[H")
        one.drain(0.5)
        yield one


def high(times: list[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(times, n=20)[-1]


def main() -> None:
    """Print how long a key takes at the 95th percentile."""
    arrows, pages = [*[DOWN] * 20, *[UP] * 20], [PAGE_DOWN, PAGE_UP]
    with Beanstalkd() as server, Client(server.address) as client:
        put_many(client, "mail", FEW)
        with on_tube(server.address) as one:
            few, few_pages = high(one.milliseconds(*arrows)), high(one.milliseconds(*pages))
    with Beanstalkd() as server, Client(server.address) as client:
        put_many(client, "mail", MANY)
        with on_tube(server.address, all_found=b"100,000 jobs") as one:
            many, many_pages = high(one.milliseconds(*arrows)), high(one.milliseconds(*pages))
    with Beanstalkd() as server, Client(server.address) as client:
        # The ids of another tube lie between: the search has not found all, and goes on as long as keys are pressed.
        put_many(client, "mail", MANY // 2)
        put_many(client, "other", 4 * MANY)
        put_many(client, "mail", MANY // 2)
        with on_tube(server.address, below=1) as one:
            one.send(b"m")
            one.shows(b"searching")
            scanning = high(one.milliseconds(*arrows, times=60))
            one.shows(b"searching", 3)  # still
    show(
        f"the jobs of a tube in the terminal dashboard, {COLUMNS}x{ROWS}, key to paint, 95th percentile",
        [
            Figure(f"a key, {FEW} jobs", few, LIMIT, 1, at_least=False, unit="ms"),
            Figure(f"a key, {MANY:,} jobs", many, LIMIT, 1, at_least=False, unit="ms"),
            Figure("a key, while a scan runs", scanning, LIMIT, 1, at_least=False, unit="ms"),
            Figure(f"a page, {MANY:,} jobs, over {FEW}", many_pages, few_pages, AS_SMOOTH, at_least=False, unit="ms"),
        ],
    )


if __name__ == "__main__":
    main()
