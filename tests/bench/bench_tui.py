"""What the dashboard costs, in a real terminal: its start, thousands of tubes once a second, and a key press."""

from __future__ import annotations

import time
from statistics import quantiles

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.bench.figures import Figure, in_turn, show
from tests.bench.terminal import COLUMNS, DOWN, ROWS, UP, dashboard, terminal

FEW, MANY = 1000, 10_000
#: Share of one core, in percent, that the dashboard may take, and the server for it.
LIMIT = 4.0
#: Megabytes resident, and more after the looks of ten minutes; milliseconds from a key to the cursor; starts over
#: that of a bare app.
MEMORY, GROWTH, KEY, START = 90.0, 1.0, 16.0, 1.3
#: Looks until the course of each tube is as long as it gets, looks of ten minutes, and how many a second are made here.
FILL, LOOKS, PACE = 400, 600, 10
#: How often a look asks for the server's statistics: before and after the tubes, for what these cost.
STATS = 2
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("tube-0001")
Bare().run()
"""


def put_into(client: Client, names: list[str]) -> None:
    """Put one job into each tube."""
    for result in client.pipeline(one for name in names for one in (commands.use(name), commands.put(b"x"))):
        if isinstance(result, Exception):
            raise result


def start(address: str | None) -> float:
    """Return the seconds from the start of the dashboard, or of a bare app, until it shows a tube."""
    with dashboard(address) if address else terminal(BARE) as one:
        return one.shows(b"tube-0001")


def watch(server: Beanstalkd, client: Client, names: list[str], seconds: int = 20) -> list[Figure]:
    """Return what it takes to watch a server while `names` get a job each, once a second, and what a key takes."""
    with dashboard(server.address) as one:
        one.shows(b"tube-0001")
        one.drain(4)  # its start is not what is measured
        before, begin, used, puts = client.stats(), time.monotonic(), one.cpu, 0.0
        for second in range(1, seconds + 1):
            begun = client.stats()
            put_into(client, names)
            ended = client.stats()
            puts += ended.rusage_utime + ended.rusage_stime - begun.rusage_utime - begun.rusage_stime
            one.drain(begin + second - time.monotonic())
        assert one.program.poll() is None, "the dashboard ended"
        passed, after = time.monotonic() - begin, client.stats()
        share = 100 * (one.cpu - used) / passed
        served = after.rusage_utime + after.rusage_stime - before.rusage_utime - before.rusage_stime - puts
        looks = (after.cmd_stats - before.cmd_stats - 2 * seconds - 1) // STATS
        times = one.milliseconds(*[DOWN] * 20, *[UP] * 20)
        return [
            Figure("of one core", share, LIMIT, 1, at_least=False, unit="%"),
            Figure("the server's core, for us", 100 * served / passed, LIMIT, 1, at_least=False, unit="%"),
            # The seconds begin between two looks: one look less is none that was missed.
            Figure(f"looks in {seconds} seconds", looks, seconds - 1, 1, unit=""),
            Figure("resident memory", one.resident, MEMORY, 1, at_least=False, unit="MB"),
            Figure("key to cursor, 95th percentile", quantiles(times, n=20)[-1], KEY, 1, at_least=False, unit="ms"),
        ]


def last(server: Beanstalkd, client: Client, names: list[str]) -> list[Figure]:
    """Return what memory does over the looks of ten minutes, made ten times as fast, when all courses are filled."""
    with dashboard(server.address, 1 / PACE) as one:
        one.shows(b"tube-0001")
        one.drain(4)
        asked, begin = 0, client.stats().cmd_stats

        def until(number: int) -> float:
            nonlocal asked
            looks = 0
            while looks < number:
                put_into(client, names)
                one.drain(1)
                asked += 1
                looks = (client.stats().cmd_stats - begin - asked) // STATS
                assert one.program.poll() is None, "the dashboard ended"
            return one.resident

        before, after = until(FILL), until(FILL + LOOKS)
        return [
            Figure("resident memory after them", after, MEMORY, 1, at_least=False, unit="MB"),
            Figure("of that since they began", after - before, GROWTH, 1, at_least=False, unit="MB"),
        ]


def main() -> None:
    """Print what the start takes, and what it takes to watch few and many tubes."""
    names = [f"tube-{number:04}" for number in range(MANY)]
    where = f"at 1 Hz, {COLUMNS}x{ROWS}"
    with Beanstalkd() as server, Client(server.address) as client:
        put_into(client, names[:FEW])
        bare, ours = in_turn(5, lambda: 1000 * start(None), lambda: 1000 * start(server.address))
        limit = [Figure("first tubes, a bare app's line", ours, bare, START, at_least=False, unit="ms")]
        show(f"the terminal dashboard starts, {FEW:,} tubes", limit)
        show(f"{FEW:,} tubes {where}, nothing changes", watch(server, client, []))
        show(f"{FEW:,} tubes {where}, every tube changes", watch(server, client, names[:FEW]))
        put_into(client, names[FEW:])
        show(f"{MANY:,} tubes {where}, 200 of them change", watch(server, client, names[:200]))
        title = f"{MANY:,} tubes, the {LOOKS} looks of ten minutes at {PACE} a second, 200 tubes change"
        show(title, last(server, client, names[:200]))


if __name__ == "__main__":
    main()
