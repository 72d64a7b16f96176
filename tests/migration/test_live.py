"""Migrations beside producers and workers, and servers that die and come back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.read import read_jobs
from beanops.protocol.errors import DeadlineSoon, TimedOut
from tests.migration.conftest import Pair
from tests.proxies import Proxy
from tests.session.conftest import fill, population


class Workers:
    """Workers of some servers; each finishes its jobs.

    Attributes
    ----------
    done : list of bytes
        The bodies of the jobs that they have finished.
    """

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def on(self, address: str, tube: str, takes: float = 0.0) -> None:
        """Start one; `takes` are its seconds for a job."""
        self._threads.append(threading.Thread(target=self._work, args=(address, tube, takes)))
        self._threads[-1].start()

    def _work(self, address: str, tube: str, takes: float) -> None:
        with Client(address) as client:
            client.watch(tube)
            while not self._over.is_set():
                try:
                    job = client.reserve(0)
                except (TimedOut, DeadlineSoon):
                    time.sleep(0.002)
                    continue
                time.sleep(takes)
                self.done.append(job.body)
                client.delete(job)

    def end(self) -> None:
        """End them."""
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def workers() -> Iterator[Workers]:
    some = Workers()
    try:
        yield some
    finally:
        some.end()


@pytest.mark.parametrize("old", [None, "1.11"], ids=["real", "from 1.11"])
def test_beside_producers_and_workers_each_job_is_done_once(old: str | None, pair: Callable[..., Pair]) -> None:
    servers = pair({"dialect": old} if old else {})
    put = [b"job %d" % n for n in range(400)]
    fill(servers.here, "other", "delayed", 3, delay=900)
    for body in put[:200]:
        servers.here.put(body, tube="mail")

    def produce() -> None:
        with Client(servers.old.address) as producer:
            for body in put[200:]:
                producer.put(body, tube="mail")
                time.sleep(0.001)

    producing = threading.Thread(target=produce)
    with workers() as some:
        some.on(servers.old.address, "mail", takes=0.1)
        some.on(servers.new.address, "mail")
        producing.start()
        done = servers.source.migrate(servers.destination, follow=0.5)
        producing.join()
        left = [job[-1] for one in (servers.here, servers.there) for job in population(one) if job[0] == "mail"]
    assert Counter(some.done) + Counter(left) - Counter(put) == Counter()
    assert Counter(put) - Counter(some.done) - Counter(left) == Counter()
    assert done.run.done > 3
    assert servers.there.stats_tube("other").current_jobs_delayed == 3


def test_reserved_jobs_follow_when_they_are_let_go(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "mail", jobs=3)
    servers.here.watch("mail")
    held = servers.here.reserve(0)
    first = servers.source.migrate(servers.destination)
    assert not first.complete
    assert first.tubes["reserved"].tolist() == [1]
    threading.Timer(0.2, lambda: servers.here.release(held)).start()
    followed = servers.source.migrate(servers.destination, follow=0.1)
    assert followed.complete
    assert followed.run.done == 1


def restarted(server: Beanstalkd, start: Callable[..., Beanstalkd], *flags: str) -> Beanstalkd:
    """Kill a server, and start one at its port."""
    port = int(server.address.rpartition(":")[2])
    server.stop(kill=True)
    return start(*flags, port=port)


@pytest.mark.parametrize("lost", ["source", "destination"])
def test_a_server_that_is_killed_and_comes_back(
    lost: str, pair: Callable[..., Pair], start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    """Both keep their jobs in a binlog, and write it at once."""
    flags = {name: ("-b", str(tmp_path / name), "-f", "0") for name in ("old", "new")}
    for name in flags:
        (tmp_path / name).mkdir()
    servers = pair({"flags": flags["old"]}, {"flags": flags["new"]})
    fill(servers.here, "mail", "ready", 40)
    fill(servers.here, "mail", "delayed", 5, delay=900)
    fill(servers.here, "mail", "buried", 5)
    before = population(servers.here)
    name, server = ("old", servers.old) if lost == "source" else ("new", servers.new)
    again: list[Beanstalkd] = []

    def end_it(run: object) -> None:
        if not again and getattr(run, "done", 0) >= 20:
            again.append(restarted(server, start_beanstalkd, *flags[name]))

    cut_off = servers.source.migrate(servers.destination, rate=40, progress=end_it)
    assert again
    assert cut_off.run.stopped
    assert not cut_off.complete
    with servers.session(servers.old) as here, servers.session(servers.new) as there:
        here.migrate(there)
        with Client(servers.old.address) as left, Client(servers.new.address) as arrived:
            assert found(left) == []
            assert found(arrived) == before


def test_jobs_are_given_back_when_the_destination_is_lost(pair: Callable[..., Pair]) -> None:
    """Only those whose copies are on record stay held, until the migration goes on."""
    servers = pair()
    fill(servers.here, "mail", "ready", 40)
    before = population(servers.here)
    with Proxy(servers.new.port, fatal=b"ready 25") as proxy:
        there = servers.session(servers.new, target=proxy.address)
        cut_off = servers.source.migrate(there)
        assert cut_off.run.unknown == 40
        assert cut_off.run.stopped
        assert cut_off.run.besides == "15 jobs that it held: given back"
        assert servers.here.stats_tube("mail").current_jobs_ready == 15
        proxy.fatal = b""
        again = servers.source.migrate(there)
        assert again.complete
        assert "25 completed" in str(again.run.besides)
    assert population(servers.there) == before


def found(client: Client) -> list[object]:
    """Return every job of a server that was restarted, whose counters began at 0, as `population` does."""
    jobs = [job for job in read_jobs(client, range(1, 200)) if job is not None]
    rows = ((job.stats, job.stats.state == "delayed" and job.stats.time_left > 0, job.body) for job in jobs)
    return sorted((one.tube, one.state, one.priority, one.ttr, left, body) for one, left, body in rows)
