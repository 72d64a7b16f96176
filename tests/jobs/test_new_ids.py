"""The sequence of a server's ids, followed by its counters: no job is overlooked that could have been asked for."""

from __future__ import annotations

import random

import pytest

from beanops import Client
from beanops.jobs.search.new_ids import NewIds
from beanops.protocol import ServerStats


class Sequence:
    """A server that gives out ids as beanstalkd does: refused puts take an id, or none, and bodies arrive late."""

    def __init__(self, stats: ServerStats, base: int, rand: random.Random) -> None:
        self._stats = stats
        self._rand = rand
        self._base = base
        self.newest = base
        self.puts = self.jobs = 0
        self.there: set[int] = set()
        self._arriving: list[int] = []

    def act(self, most: int) -> None:
        for _ in range(self._rand.randrange(most)):
            self.puts += 1
            kind = self._rand.random()
            if kind < 0.05:  # too big: no id
                continue
            self.newest += 1
            if kind < 0.1:  # draining: the id is lost
                continue
            if kind < 0.2:
                self._arriving.append(self.newest)
            else:
                self.jobs += 1
            self.there.add(self.newest)
        while self._arriving and self._rand.random() < 0.5:
            self._arriving.pop()
            self.jobs += 1

    def end_some(self) -> None:
        self.there = {id for id in self.there if self._rand.random() < 0.5}

    @property
    def stats(self) -> ServerStats:
        return self._stats._replace(cmd_put=self.puts, total_jobs=self.jobs, binlog_current_index=bool(self._base))


@pytest.mark.parametrize("seed", range(200))
def test_every_job_that_stays_is_found_once_and_old_ones_are_not(client: Client, seed: int) -> None:
    rand = random.Random(seed)
    server = Sequence(client.stats(), rand.choice([0, 1000]), rand)
    server.act(50)
    began = server.newest
    ids = NewIds(server.stats, server.newest, exact=True)
    found: list[int] = []
    gone: set[int] = set()
    for _ in range(60):
        if rand.random() < 0.7:
            server.act(40)
        before = set(server.there)
        if rand.random() < 0.3:
            server.end_some()
            gone |= before - server.there
        ids.look(server.stats)
        asked = ids.ids(30)
        middle = rand.randrange(len(asked) + 1)
        jobs = [id for id in asked[:middle] if id in server.there]
        server.act(5)  # while it asks
        jobs += [id for id in asked[middle:] if id in server.there]
        ids.take(jobs, server.puts)
        found += jobs
    for _ in range(100):
        ids.look(server.stats)
        jobs = [id for id in ids.ids(30) if id in server.there]
        ids.take(jobs, server.puts)
        found += jobs
    assert len(found) == len(set(found))
    assert min(found, default=began + 1) > began
    assert {id for id in server.there if id > began} <= set(found)


def test_a_burst_that_is_too_large_is_left_out_with_its_number(client: Client) -> None:
    stats = client.stats()._replace(binlog_current_index=0, cmd_put=10, total_jobs=10)
    ids = NewIds(stats, 10, exact=True)
    assert ids.ids(100) == []
    ids.take([], 10)
    assert ids.quiet
    ids.look(stats._replace(cmd_put=5010, total_jobs=5010))
    assert ids.behind == 5000
    ids.skip(1000)
    assert (ids.passed, ids.behind) == (4000, 1000)
    assert ids.ids(3) == [4011, 4012, 4013]
