"""One client over several connections: results in order, restarts noticed, connections that stay usable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

import pytest

from beanops.client.several import SeveralConnections
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import ConnectionClosed, ConnectionLost, NotFound

JOBS = 3000


@pytest.fixture
def several(beanstalkd: Beanstalkd) -> Iterator[SeveralConnections]:
    with SeveralConnections(beanstalkd.address, connections=3) as client:
        yield client


def fill(address: str, jobs: int = JOBS) -> None:
    with Client(address) as client:
        assert len(list(client.pipeline(commands.put(b"%d" % n) for n in range(1, jobs + 1)))) == jobs


def test_results_come_in_the_order_of_the_commands(beanstalkd: Beanstalkd, several: SeveralConnections) -> None:
    fill(beanstalkd.address)
    bodies = [job.body for job in several.pipeline(commands.peek(id) for id in range(1, JOBS + 1))]
    assert bodies == [b"%d" % n for n in range(1, JOBS + 1)]
    *found, missing = several.pipeline(commands.stats_job(id) for id in range(JOBS, JOBS * 2))
    assert isinstance(found[0], JobStats)
    assert isinstance(missing, NotFound)
    assert several.stats().current_connections == 3


def test_pipeline_that_is_left_early_keeps_the_connections_usable(
    beanstalkd: Beanstalkd, several: SeveralConnections
) -> None:
    fill(beanstalkd.address)
    with closing(several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1))) as answers:
        assert [stats.id for stats in islice(answers, 5)] == [1, 2, 3, 4, 5]
    assert len(list(several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1)))) == JOBS


def test_connections_that_were_lost_while_idle_are_renewed(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    with SeveralConnections(server.address, connections=2) as several:
        fill(server.address)
        assert len(list(several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1)))) == JOBS
        server.stop()
        host, _, port = server.address.rpartition(":")
        start_beanstalkd(port=int(port))
        fill(f"{host}:{port}", 10)
        # All were lost before the first answer, and lead to the same new process.
        found = list(several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1)))
        assert sum(isinstance(one, JobStats) for one in found) == 10


def test_lost_connection_ends_the_pipeline(beanstalkd: Beanstalkd, several: SeveralConnections) -> None:
    fill(beanstalkd.address)
    answers = several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1))
    next(answers)
    beanstalkd.stop()
    with pytest.raises(ConnectionLost):
        list(answers)


def test_connections_to_different_processes_are_refused(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    one, other = start_beanstalkd(), start_beanstalkd()
    fill(one.address)
    with SeveralConnections(one.address, connections=2) as several:
        several.others[0].close()
        several.others[0] = type(several.others[0])(other.address)
        with pytest.raises(ConnectionClosed, match="lead to different server processes"):
            list(several.pipeline(commands.stats_job(id) for id in range(1, JOBS + 1)))
