"""All jobs of one server to another: what is kept, what is reported, and what is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops.accessors import connect
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.execution.run import Run
from tests.migration.conftest import Pair
from tests.proxies import Proxy
from tests.session.conftest import fill, population
from tests.waits import until


def populate(pair: Pair) -> None:
    """Put jobs in every state."""
    fill(pair.here, "mail", "ready", 30, ttr=77)
    fill(pair.here, "mail", "delayed", 5, delay=900)
    fill(pair.here, "bills", "ready", 3, priority=7)
    fill(pair.here, "bills", "buried", 4)


def test_jobs_arrive_as_they_were(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    before = population(servers.here)
    done = servers.source.migrate(servers.destination)
    assert done.complete
    assert population(servers.there) == before
    assert population(servers.here) == []
    assert done.tubes[["tube", "moved", "same", "left"]].to_numpy().tolist() == [
        ["bills", 7, 7, 0],
        ["mail", 35, 35, 0],
    ]


def test_a_parked_job_stays_parked_and_can_be_moved_again(pair: Callable[..., Pair]) -> None:
    servers = pair()
    servers.here.put(b"parked", tube="mail", delay=2**32 - 1)
    servers.here.put(b"moved by hand", tube="mail", delay=2**32 - 900)
    assert not any("held" in note for note in servers.source.migrate(servers.destination, dry_run=True).report.notes)
    assert servers.source.migrate(servers.destination).complete
    assert servers.destination.migrate(servers.source).complete
    servers.here.use("mail")
    first = servers.here.peek_delayed()
    assert first.body == b"moved by hand"
    servers.here.delete(first.id)
    assert servers.here.stats_job(servers.here.peek_delayed().id).delay == 2**32 - 1


def test_jobs_keep_their_order(pair: Callable[..., Pair]) -> None:
    servers = pair()
    for body in range(50):
        servers.here.put(b"%d" % body, tube="mail")
    servers.source.migrate(servers.destination)
    servers.there.watch("mail")
    assert [int(servers.there.reserve(0).body) for _ in range(50)] == list(range(50))


def test_only_the_named_tubes_are_moved(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    fill(servers.here, "mail-2", jobs=2)
    servers.source.migrate(servers.destination, tubes="mail*")
    assert sorted(servers.source.tubes().query("ready + buried > 0")["tube"]) == ["bills"]
    with pytest.raises(NotFound):
        servers.source.migrate(servers.destination, tubes=["mail", "nothing"])


def test_a_paused_tube_stays_paused(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "mail", jobs=3)
    servers.here.pause_tube("mail", 500)
    servers.source.migrate(servers.destination)
    assert 400 < servers.there.stats_tube("mail").pause_time_left <= 500


def test_a_dry_run_changes_nothing_and_says_what_is_not_kept(pair: Callable[..., Pair]) -> None:
    servers = pair(new={"flags": ("-z", "100")})
    populate(servers)
    servers.here.put(b"x" * 200, tube="bills")
    before = population(servers.here)
    planned = servers.source.migrate(servers.destination, dry_run=True)
    assert population(servers.here) == before
    assert population(servers.there) == []
    assert planned.run is None
    assert planned.report.jobs == 42
    assert planned.tubes.set_index("tube")["too_large"].to_dict() == {"mail": 0, "bills": 1}
    assert any("100 bytes (-z)" in note for note in planned.report.notes)


def test_a_job_that_is_too_large_stays(pair: Callable[..., Pair]) -> None:
    servers = pair(new={"flags": ("-z", "100")})
    populate(servers)
    large = servers.here.put(b"x" * 200, tube="bills")
    done = servers.source.migrate(servers.destination)
    assert not done.complete
    assert done.run.done == 42
    assert "200 bytes" in str(done.run.reasons)
    assert servers.here.stats_job(large).state == "ready"


def test_the_same_server_is_refused_however_it_is_called(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "mail")
    port = servers.source.address.port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"beanstalkd://127.1:{port}"):
        with pytest.raises(UsageError, match="are the same server"):
            servers.source.migrate(name)


def test_read_only_and_draining_servers_are_refused(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "mail")
    with pytest.raises(Refused, match="read-only"):
        servers.session(servers.old, read_only=True).migrate(servers.destination)
    with pytest.raises(Refused, match="read-only"):
        servers.source.migrate(servers.session(servers.new, read_only=True))
    os.kill(servers.new.pid, signal.SIGUSR1)
    until(lambda: servers.there.stats().draining)
    with pytest.raises(Refused, match="draining"):
        servers.source.migrate(servers.destination)
    assert servers.here.stats_tube("mail").current_jobs_ready == 1


def test_nodes_of_one_cluster_are_one_server(start_beanstalkd: Callable[..., Beanstalkd], journal: str) -> None:
    """Each has an id of its own, while their jobs are the same."""
    server = start_beanstalkd("--nodes", "5", dialect="cluster")
    with Proxy(server.port) as proxy, connect(server.address, journal=journal) as here:
        fill(here._context.looking(), "mail", jobs=3)
        with connect(proxy.address, journal=journal) as there, pytest.raises(UsageError, match="are the same server"):
            here.migrate(there)
        assert here.server().current_jobs_ready == 3


def test_an_old_destination_buries_only_where_nobody_watches(pair: Callable[..., Pair]) -> None:
    servers = pair(new={"dialect": "1.11"})
    fill(servers.here, "bills", "buried", 2)
    fill(servers.here, "mail", "buried", 2)
    servers.there.watch("bills")
    planned = servers.source.migrate(servers.destination, dry_run=True)
    assert any("bills" in note and "--as parked" in note for note in planned.report.notes)
    done = servers.source.migrate(servers.destination)
    assert done.run.done == 2
    assert servers.there.stats_tube("mail").current_jobs_buried == 2
    assert servers.here.stats_tube("bills").current_jobs_buried == 2
    assert servers.source.migrate(servers.destination, buried_as="ready").complete
    assert servers.there.stats_tube("bills").current_jobs_ready == 2


def test_a_paused_tube_of_an_old_source_is_moved(pair: Callable[..., Pair]) -> None:
    servers = pair(old={"dialect": "1.10"})
    fill(servers.here, "mail", jobs=5)
    servers.here.pause_tube("mail", 300)
    assert servers.source.migrate(servers.destination).complete
    assert servers.there.stats_tube("mail").current_jobs_ready == 5


def test_jobs_that_are_refused_there_stay_as_they_were(pair: Callable[..., Pair]) -> None:
    """The destination begins to drain while it runs."""
    servers = pair()
    fill(servers.here, "mail", jobs=30)
    fill(servers.here, "mail", "delayed", 3, delay=900)

    def drain(run: Run) -> None:
        if run.done:
            os.kill(servers.new.pid, signal.SIGUSR1)
            until(lambda: bool(servers.there.stats().draining))

    done = servers.source.migrate(servers.destination, rate=60, progress=drain)
    assert not done.complete
    assert done.run.failed
    assert "DRAINING" in str(done.run.reasons)
    left, arrived = population(servers.here), population(servers.there)
    assert len(left) + len(arrived) == 33
    assert {job[1] for job in left} == {"ready", "delayed"}
    assert all(servers.here.stats_job(id).delay <= 900 for id in range(31, 34))


def test_both_sessions_need_one_journal(pair: Callable[..., Pair], tmp_path: Path) -> None:
    servers = pair()
    fill(servers.here, "mail")
    with pytest.raises(UsageError, match="the same journal"):
        servers.source.migrate(servers.session(servers.new, journal=str(tmp_path / "other.sqlite")))
