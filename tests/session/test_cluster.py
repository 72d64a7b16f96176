"""Several processes that share their jobs behind one address are no restarted server, and a restarted one is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.client.instances import is_same
from beanops.client.reading import ReadingClient
from beanops.embedded.process import Beanstalkd
from beanops.jobs import identity
from beanops.jobs.cluster import explore, join
from beanops.jobs.identity import JobRef
from beanops.journal.records import Refused
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError
from tests.proxies import Proxy
from tests.session.conftest import fill


@pytest.fixture(params=["3", "20"])
def cluster(request: pytest.FixtureRequest, start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a cluster of three nodes, or one of so many that each connection of a test has an id of its own."""
    return start_beanstalkd("--nodes", request.param, dialect="cluster")


def test_what_one_process_shows_is_acted_on_through_another(cluster: Beanstalkd, journal: str) -> None:
    with Client(cluster.address) as client:
        fill(client, "mail", "buried", 5)
        fill(client, "mail", "ready", 5)
    with connect(cluster.address, journal=journal) as session:
        found = session.jobs("mail")
        assert session.kick(found[found["state"] == "buried"]).done == 5
        run = session.delete(found.head(4))
        assert run.done == 4, run.summary
        assert session.undo(run).done == 4
        assert len(session.jobs("mail")) == 10


def test_another_session_acts_on_what_an_earlier_one_saw(cluster: Beanstalkd, journal: str) -> None:
    with Client(cluster.address) as client:
        fill(client, "mail", "buried", 4)
    with connect(cluster.address, journal=journal) as session:
        found = session.jobs("mail")
        run = session.kick(found.head(2))
        deleted = session.delete(found.tail(1))
    with connect(cluster.address, journal=journal) as session:
        assert session.undo(run.id).done == 2
        assert session.undo(deleted.id).done == 1
        assert session.delete(found.head(2)).done == 2


def test_a_lost_connection_is_no_restart(cluster: Beanstalkd, journal: str) -> None:
    with Client(cluster.address) as client:
        fill(client, "mail", "buried", 6)
    with connect(cluster.address, journal=journal) as session:
        found = session.jobs("mail")
        assert session.kick(found.head(1)).done == 1
        session._context.looking()._wire.hang_up("the network failed")
        again = session.jobs("mail")
        assert set(again["instance"]) == set(found["instance"])
        session._context.acting()._wire.hang_up("the network failed")
        assert session.delete(found.tail(2)).done == 2
        assert session.delete(again.head(1)).done == 1


def test_a_cluster_that_is_started_again_with_other_jobs_is_not_acted_on(
    start_beanstalkd: Callable[..., Beanstalkd], journal: str
) -> None:
    first = start_beanstalkd("--nodes", "3", dialect="cluster")
    with Client(first.address) as client:
        fill(client, "mail", "buried", 3, body=b"ours")
    with connect(first.address, journal=journal) as session:
        found = session.jobs("mail")
        assert session.kick(found.head(1)).done == 1
        first.stop(kill=True)
        start_beanstalkd("--nodes", "3", dialect="cluster", port=first.port)
        with Client(first.address) as client:
            fill(client, "mail", "buried", 3, body=b"theirs")
        for _ in range(3):
            try:
                run = session.delete(found)
            except BeanopsError:
                continue
            assert run.done == 0, run.summary
    with Client(first.address) as client:
        assert [client.peek(id).body for id in (1, 2, 3)] == [b"theirs 0", b"theirs 1", b"theirs 2"]


@contextmanager
def _pair(one: Beanstalkd, other: Beanstalkd) -> Iterator[tuple[Client, Client]]:
    with Client(one.address) as first, Client(other.address) as second:
        yield first, second


def test_servers_with_jobs_of_their_own_are_not_one(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    one, other = start_beanstalkd(), start_beanstalkd()
    with _pair(one, other) as (first, second):
        assert not join(first, second), "nothing is on either"
        fill(first, "mail", "ready", 5)
        fill(second, "mail", "ready", 5)
        assert join(first, first)
        fill(first, "other", "ready", 1)
        fill(second, "mail", "buried", 1)
        assert not join(first, second)
        assert not join(second, first)
        assert second.list_tube_used() == "default"


def test_jobs_that_come_again_and_again_are_no_proof(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    with _pair(start_beanstalkd(), start_beanstalkd()) as (first, second):
        for client in (first, second):
            list(client.pipeline([commands.use("cron"), *[commands.put(b"tick") for _ in range(20)]]))
        assert not join(first, second)


def test_a_restart_while_the_proof_is_made_is_no_cluster(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """A client for lookups connects again by itself: what the new process says is no proof about the one before."""
    one, other = start_beanstalkd(), start_beanstalkd()
    with Proxy(one.port) as proxy, ReadingClient(proxy.address) as known, Client(other.address) as new:
        before = known.stats().id

        def use(tube: str) -> str:
            proxy._target = other.port
            known._wire.hang_up("the first server ends")
            return Client.use(new, tube)

        new.use = use  # type: ignore[method-assign]
        assert not join(known, new)
        assert not is_same(before, new.instance)


def test_a_copied_log_makes_no_cluster(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    with _pair(start_beanstalkd(), start_beanstalkd()) as (first, second):
        for client in (first, second):
            fill(client, "mail", "buried", 5)
            fill(client, "mail", "ready", 5)
            fill(client, "mail", "delayed", 5)
        assert not join(first, second)


def test_jobs_prove_it_where_a_process_keeps_its_tubes_to_itself(
    start_beanstalkd: Callable[..., Beanstalkd], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.jobs.cluster._sees_tube", lambda known, new, process: False)
    server = start_beanstalkd("--nodes", "2", dialect="cluster")
    with _pair(server, server) as (first, second):
        assert not join(first, second), "there is nothing to tell by"
        for tube in ("a", "b", "c"):
            fill(first, tube, "buried", body=tube.encode())
        assert join(first, second)
        assert second.instance == first.instance


def test_two_servers_behind_one_address_are_never_mixed_up(
    start_beanstalkd: Callable[..., Beanstalkd], journal: str
) -> None:
    one, other = start_beanstalkd(), start_beanstalkd()
    for server, whose in ((one, b"ours"), (other, b"theirs")):
        with Client(server.address) as client:
            fill(client, "mail", "buried", 3, body=whose)
    with Proxy(one.port) as proxy, connect(proxy.address, journal=journal) as session:
        found = session.jobs("mail")
        proxy._target = other.port  # from now on connections lead to the other one
        with pytest.raises(Refused, match="another server"):
            session.delete(found)
    with Client(other.address) as client:
        assert [client.peek(id).body for id in (1, 2, 3)] == [b"theirs 0", b"theirs 1", b"theirs 2"]


def test_a_single_server_is_no_cluster(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        assert not explore(client)
        assert client.stats().process == client.stats().id
        assert not is_same(client.instance, "0123456789abcdef")


def test_rules_of_a_profile_hold_on_every_process(cluster: Beanstalkd) -> None:
    path = Path(os.environ["BEANOPS_CONFIG"])
    path.write_text(f'[servers.prod]\naddress = "{cluster.address}"\nread_only = true\n')
    with Proxy(cluster.port) as tunnel, connect(tunnel.address) as session:
        with pytest.raises(Refused, match="read-only"):
            session.put(b"x", tube="mail")
        assert session.read_only


def test_times_from_a_cache_are_not_relied_on(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    """A process whose statistics are of a moment ago may be a second older, and may have had a put since."""
    server = start_beanstalkd("--stats-kept", "2", dialect="truncate")
    with Client(server.address) as client:
        client.stats()
        (id,) = fill(client, "mail")
        process, _ = identity._look(client, [JobRef(id)], 0.0)
        assert process.puts == 1
        assert process.after == client.stats().uptime + 1


def test_the_history_of_a_job_has_what_was_done_through_every_process(cluster: Beanstalkd, journal: str) -> None:
    with Client(cluster.address) as client:
        (id,) = fill(client, "mail", "buried")
    with connect(cluster.address, journal=journal) as session:
        session.kick([id])
        looking, acting = session._context.looking().instance, session._context.acting().instance
        session._context.looking()._wire.hang_up("the network failed")
        assert [action.action for action in session._lookups.job_actions(id)] == ["kick"]
        assert is_same(looking, acting)
