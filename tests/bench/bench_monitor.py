"""What watching costs: looks, scrapes and full cycles over many tubes, beside a raw sweep that only counts replies."""

from __future__ import annotations

import gc
import http.client
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from prometheus_client import CollectorRegistry

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.exporter.exposition import exposition
from beanops.exporter.polling import PARTS, POLL_INTERVAL, ServerPoller
from beanops.exporter.service import BeanstalkdCollector, pollers_of
from beanops.exporter.web_server import MetricsServer
from beanops.monitor.history import DAY, HOUR
from beanops.monitor.past import Past
from beanops.monitor.problems.evaluation import Evaluator
from beanops.monitor.problems.server_rules import ServerFacts
from beanops.monitor.problems.thresholds import ProblemLimits
from beanops.monitor.problems.tube_rules import TubeFacts
from beanops.monitor.rates import Point
from beanops.monitor.survey import IN_TURN, SHARE
from beanops.protocol import ServerStats, TubeStats
from beanops.recording.reader import Recording
from beanops.recording.replay import Player
from tests.bench import raw
from tests.bench.figures import Figure, in_turn, show
from tests.bench.recorded_day import record_day


def fill(address: str, tubes: int) -> None:
    """Put one job into each of many tubes."""
    with Client(address) as client:
        names = (f"tube-{number}" for number in range(tubes - 1))  # "default" is there
        for _ in client.pipeline(one for name in names for one in (commands.use(name), commands.put(b"x"))):
            pass


def raw_sweep(address: str) -> Callable[[], float]:
    """Return a measure of the seconds that a socket takes which asks for all tubes and only counts CRs."""
    with Client(address) as client:
        asked = [commands.stats_tube(name) for name in client.list_tubes()]

    def measure() -> float:
        with raw.connected(address) as peer:
            return raw.seconds(peer, asked, 2 * len(asked))

    return measure


@contextmanager
def exporting(poller: ServerPoller) -> Iterator[Callable[[], float]]:
    """Serve the metrics of a poller; gives a measure of the seconds of a scrape over a connection that stays open."""
    registry = CollectorRegistry()
    registry.register(BeanstalkdCollector([poller]))
    with MetricsServer("127.0.0.1", 0, registry=registry) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]), timeout=60)

        def measure() -> float:
            start = time.perf_counter()
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            return time.perf_counter() - start

        yield measure
        connection.close()
        server.shutdown()


def timed(call: Callable[[], object]) -> Callable[[], float]:
    """Return a measure of the seconds of a call."""

    def measure() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return measure


def a_scrape(tubes: int = 1000, rounds: int = 9) -> None:
    """Print a scrape, which serves what the last look saw, and the whole cost: a look and its text."""
    with Beanstalkd() as server:
        fill(server.address, tubes)
        (poller,) = pollers_of([server.address])
        registry = CollectorRegistry()
        registry.register(BeanstalkdCollector([poller]))
        poller.look()

        def whole() -> None:
            poller.look()
            exposition(registry)

        with exporting(poller) as scrape:
            sweep, scraped, looked, wrote = in_turn(
                rounds, raw_sweep(server.address), scrape, timed(whole), timed(lambda: exposition(registry))
            )
        poller.close()
    milliseconds = [value * 1000 for value in (sweep, scraped, looked, wrote)]
    figures = [
        Figure("scrape of the last look", milliseconds[1], milliseconds[0], 1.5, at_least=False, unit="ms"),
        Figure("the text alone", milliseconds[3], milliseconds[0], 1, at_least=False, unit="ms"),
        Figure("look and text, all that it costs", milliseconds[2], milliseconds[0], 5, at_least=False, unit="ms"),
    ]
    show(f"beanops exporter against a raw pipelined sweep, {tubes:,} tubes, median of {rounds}", figures)


def many_tubes(tubes: int = 10_000, rounds: int = 5) -> None:
    """Print the server's share that looks at many tubes take, and the time until each tube was asked for again."""
    with Beanstalkd() as server:
        fill(server.address, tubes)
        (poller,) = pollers_of([server.address])
        with Client(server.address) as client, exporting(poller) as scrape:
            poller.look()
            scraped, sweep = in_turn(3, scrape, raw_sweep(server.address))
            spent = []
            for _ in range(rounds):
                before = client.stats()
                poller.look()
                after = client.stats()
                spent.append(after.rusage_utime + after.rusage_stime - before.rusage_utime - before.rusage_stime)
            before_all, looks = poller.reading().now, 0
            while min(seen.at for seen in poller.reading().tubes.values()) <= before_all:
                poller.look()
                looks += 1
        poller.close()
    pause = POLL_INTERVAL / PARTS
    figures = [
        Figure("scrape of the last looks", scraped * 1000, sweep * 1000, 1.5, at_least=False, unit="ms"),
        Figure("server's time for a look", median(spent) * 1000, pause * 1000, SHARE, at_least=False, unit="ms"),
    ]
    show(f"beanops exporter, {tubes:,} tubes, a look every {pause:g} s, by default", figures)
    print(f"  a full cycle takes {looks:,} looks, {looks * pause:,.0f} s")


def problems(tubes: int = 10_000, rounds: int = 15) -> None:
    """Print the time in which a look finds the problems of some tubes, and lists them with those of all others."""
    counts: dict[str, Any] = dict.fromkeys(TubeStats._fields[1:-1], 0)
    counts |= {"current_jobs_ready": 5, "current_jobs_buried": 7, "current_watching": 1, "total_jobs": 90}
    stats = [TubeStats(f"tube-{number}", **counts) for number in range(tubes)]
    numbers: dict[str, Any] = dict.fromkeys(ServerStats._fields[:48], 0)
    server = ServerStats(**{**numbers, "version": "", "id": "", "hostname": ""})
    now, evaluator, asked = [0.0], Evaluator(ProblemLimits()), cycle(stats)

    def evaluate(several: Iterable[TubeStats]) -> None:
        at = now[0]
        before = Point(at - 60, 0, 0, 0, 7, 90, 0)
        for tube in several:
            evaluator.tube(TubeFacts(at, tube, tube, lambda _: before, (), evaluator.began(tube.name)))
        assert evaluator.all(ServerFacts(at, server, ())) or at < 60

    def tick() -> None:
        now[0] += 1
        evaluate(islice(asked, IN_TURN + IN_TURN // 4))

    def whole() -> None:
        now[0] += 60
        evaluate(stats)

    whole()
    ticked, first = in_turn(rounds, timed(tick), timed(whole))
    show(
        f"problems of {tubes:,} tubes that have two each, median of {rounds}",
        [Figure("a look at some of them", ticked * 1000, 20, 1, at_least=False, unit="ms")],
    )
    print(f"  a look at all of them takes {first * 1000:,.0f} ms")


def a_week(tubes: int = 1000, busy: int = 100, slow: int = 300) -> None:
    """Print the memory of a week of history: some tubes are busy, some slow, and the others at rest, as servers are."""
    noise = random.Random(1)
    past, at = Past(), 0.0
    counts = [[noise.randrange(200), 5, 20, 10, 0, 0] for _ in range(tubes)]
    gc.collect()
    base = _resident()
    # Each tier is filled with looks as dense as its cells.
    for until, step in [(5 * DAY, 120), (7 * DAY - 2 * HOUR, 30), (7 * DAY - 600, 5), (7 * DAY, 1)]:
        while at < until:
            at += step
            past.begin(at, "one", gap=10 * step)
            past.add(None, Point(at, 0, 0, 0, 0, 0, 0))
            for number, tube in enumerate(counts):
                if number < busy or (number < busy + slow and noise.random() < step / 60):
                    _work(tube, step, 20 if number < busy else 0.02, noise)
                past.add(f"tube-{number}", Point(at, *tube))
    gc.collect()
    used = (_resident() - base) / 1e6
    title = f"a week of history, {tubes:,} tubes, of which {busy} busy and {slow} slow"
    show(title, [Figure("memory", used, 60, 1, at_least=False, unit="MB")])


def a_recorded_day(tubes: int = 100, rounds: int = 3) -> None:
    """Print the size of a recording of a day at a look per second, and the time until its replay shows a moment."""
    for busy, slow in ((tubes // 3, tubes // 3), (tubes, 0)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "recording.sqlite"
            took = record_day(path, tubes, busy, slow)
            (opened,) = in_turn(rounds, timed(partial(_open_replay, path, tubes)))
            size = path.stat().st_size / 1e6
        title = f"a recording of a day at 1 Hz, {tubes} tubes, of which {busy} busy and {slow} slow"
        show(title, [Figure("replay opened", opened * 1000, 1000, 1, at_least=False, unit="ms")])
        print(f"  it takes {size:,.1f} MB, and {took * 1000:,.1f} ms to write a look")


def _open_replay(path: Path, tubes: int) -> None:
    """Show noon of a recorded day, and the charts of a tube."""
    with Recording(path) as recording:
        player = Player(recording)
        player.jump(player.began + 12.5 * HOUR)
        survey, _ = player.look()
        assert len(survey.tubes) == tubes
        assert player.past("tube-0").cells(survey.at - 2 * HOUR, survey.at, 60)


def _work(tube: list[int], seconds: float, rate: float, noise: random.Random) -> None:
    """Move a tube on: jobs come and go at a rate, with the noise of chance."""
    spread = (rate * seconds) ** 0.5
    puts = max(0, round(noise.gauss(rate * seconds, spread)))
    deletes = min(tube[0] + puts, max(0, round(noise.gauss(rate * seconds + 0.01 * (tube[0] - 200), spread))))
    tube[0] += puts - deletes
    tube[1] = max(0, tube[1] + noise.randrange(-2, 3))
    tube[4] += puts
    tube[5] += deletes


def _resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    """Print all figures of watching."""
    problems()
    a_scrape()
    many_tubes()
    a_week()
    a_recorded_day()


if __name__ == "__main__":
    main()
