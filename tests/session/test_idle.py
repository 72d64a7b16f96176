"""Lines that idle: whoever looks need not know, whoever acts does so once, on the process that was looked at."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from beanops import AsyncClient
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.protocol import Command
from beanops.protocol.errors import ConnectionLost, ReadTimeout
from beanops.session import reservation
from beanops.session.execution import executor
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.proxies import Proxy
from tests.session.conftest import fill
from tests.waits import until

Cut = Callable[[Proxy], None]
CUTS: dict[str, Cut] = {
    "ended": Proxy.drop,
    "reset": lambda proxy: proxy.drop(reset=True),
    "forgotten": Proxy.forget,
}


@pytest.fixture
def proxy(beanstalkd: Beanstalkd) -> Iterator[Proxy]:
    with Proxy(beanstalkd.port) as between:
        yield between


@pytest.fixture
def session(proxy: Proxy, open_session: Callable[..., Session]) -> Session:
    """Open a session through a network, with little patience: what a firewall forgot never answers."""
    return open_session(proxy.address, read_timeout=0.2)


def idle(session: Session) -> None:
    """Let a minute go by on the connections of a session."""
    for client in session._context._clients.values():
        client._wire.clock = lambda now=client._wire.clock: now() + 60  # type: ignore[misc]


@pytest.mark.parametrize("asleep", [True, False])
@pytest.mark.parametrize("how", CUTS)
def test_looking_goes_on_over_a_new_connection(
    how: str, asleep: bool, proxy: Proxy, session: Session, worker: Client
) -> None:
    (id,) = fill(worker, "mail")
    looks: list[Callable[[], object]] = [
        session.server,
        session._lookups.tube_stats,
        lambda: session.tube("mail"),
        lambda: session.job(id).body,
        lambda: list(session._lookups.jobs_by_id([id])),
        lambda: session.next_jobs("mail")["ready"],
        lambda: len(session.jobs("mail")),
    ]
    for look in looks:
        assert look()
        CUTS[how](proxy)
        if asleep:
            idle(session)
        assert look()
    assert worker.stats().current_jobs_ready == 1
    assert session._context.looking().list_tube_used() == "default"


def test_a_look_is_repeated_once_and_not_for_ever(proxy: Proxy, session: Session) -> None:
    assert session.server().current_connections
    proxy.away = True
    proxy.drop()
    before = proxy.taken
    with pytest.raises(ConnectionLost) as caught:
        session.server()
    assert proxy.address in str(caught.value)
    assert proxy.taken <= before + 2
    proxy.away = False
    assert session.server().current_connections


def test_a_server_that_does_not_answer_is_given_up_after_its_time(proxy: Proxy, session: Session) -> None:
    proxy.held = True
    with pytest.raises(ReadTimeout, match="no answer to 'stats'"):
        session.server()


def test_what_a_pipeline_has_begun_to_answer_is_not_asked_again(proxy: Proxy, session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=3000)
    jobs = session._lookups.jobs_by_id(ids, bodies=False)
    next(jobs)
    proxy.drop()
    with pytest.raises(ConnectionLost):
        list(jobs)


@pytest.mark.parametrize("how", CUTS)
def test_acting_after_a_pause_is_done_once(how: str, proxy: Proxy, session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 6)
    assert session.kick(ids[:2]).done == 2
    CUTS[how](proxy)
    idle(session)
    run = session.kick(ids[2:4])  # as after a question that somebody thought about
    assert (run.done, run.stopped) == (2, None)
    CUTS[how](proxy)
    idle(session)
    assert session.put(b"x", tube="mail").complete
    CUTS[how](proxy)
    idle(session)
    assert session.undo(run).done == 2
    assert worker.stats().cmd_put == 7


def test_what_was_sent_is_never_sent_again(session: Session, proxy: Proxy, worker: Client) -> None:
    session.put(b"1", tube="mail")
    send = session._context.acting().pipeline

    def unanswered(commands: Iterable[Command[Any]]) -> Any:
        proxy.held = True
        return send(commands)

    session._context.acting().pipeline = unanswered  # type: ignore[method-assign]
    run = session.put(b"2", tube="mail")
    assert run.unknown == 1
    proxy.held = False
    until(lambda: worker.stats().cmd_put == 2)
    assert session.put(b"3", tube="mail").complete
    assert worker.stats().cmd_put == 3


def test_another_process_is_not_acted_on_before_it_was_looked_at(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd()
    with Client(server.address) as client:
        ids = fill(client, "mail", "buried", 3)
    session = open_session(server.address)
    session.kick(ids[0])
    server.stop()
    server = start_beanstalkd(port=server.port)
    with Client(server.address) as client:
        fill(client, "other", "buried", 3)
        for act_on in (lambda: session.kick(ids[1:]), lambda: session.put(b"x", tube="mail")):
            with pytest.raises(Refused, match=rf"{server.address} was restarted.*look again"):
                act_on()
            assert client.stats().cmd_put == 3
            assert client.stats().current_jobs_buried == 3
            assert session.server().cmd_put == 3
            assert session.kick("other", limit=0).stopped is None  # who has looked may act
            server.stop()
            server = start_beanstalkd(port=server.port)
            client.reconnect()
            fill(client, "other", "buried", 3)


def test_a_run_that_waits_between_batches_keeps_its_lines_alive(
    proxy: Proxy, session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_QUIET", 0.01)
    monkeypatch.setattr(executor, "IDLE", 0.0)
    ids = fill(worker, "mail", "buried", 2)
    before = worker.stats().cmd_list_tube_used

    def cut(run: object) -> None:
        idle(session)
        proxy.drop()

    assert session.kick(ids, rate=20, progress=cut).done == 2
    assert session.kick(fill(worker, "mail", "buried", 2), rate=20).done == 2
    assert worker.stats().cmd_list_tube_used >= before


def test_a_run_that_waits_does_not_go_on_with_the_jobs_of_another_process(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    servers = [start_beanstalkd()]
    with Client(servers[0].address) as client:
        ids = fill(client, "mail", "buried", 2)
    session = open_session(servers[0].address)

    def restart(run: Run) -> None:
        if run.done and len(servers) == 1:
            until(lambda: session.server().cmd_stats_job >= 2)  # the other one was looked up too
            servers[0].stop()
            servers.append(start_beanstalkd(port=servers[0].port))
            with Client(servers[1].address) as client:
                fill(client, "mail", "buried", 2)
            session.server()  # whoever looks knows the new process, which the run must not
            idle(session)

    run = session.delete(ids, rate=4, progress=restart)
    assert run.done == 1
    assert run.stopped is not None
    assert "was restarted" in run.stopped
    assert session.server().current_jobs_buried == 2


@pytest.mark.parametrize("how", CUTS)
def test_a_held_job_is_lost_with_its_line_and_nothing_else_is(
    how: str, proxy: Proxy, session: Session, worker: Client
) -> None:
    fill(worker, "mail", ttr=1000)
    (other,) = fill(worker, "sms", "buried")
    job = session.reserve("mail")
    CUTS[how](proxy)
    idle(session)
    assert session.kick(other).done == 1
    assert not job.held


def test_a_job_of_a_long_ttr_is_touched_every_quarter_of_a_minute(session: Session, worker: Client) -> None:
    assert reservation._TOUCHED_WITHIN < 20
    fill(worker, "mail", ttr=100_000)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reservation, "_TOUCHED_WITHIN", 0.01)
        with session.reserve("mail"):
            until(lambda: worker.stats().cmd_touch >= 3)


OPTIONS = [
    name for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT") if hasattr(socket, name)
]


def _kept_alive(peer: socket.socket) -> None:
    assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    idle, every, times, unanswered = (peer.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in OPTIONS)
    assert idle <= 60
    assert idle + every * times <= 120
    assert 0 < unanswered <= 120_000


@pytest.mark.skipif(len(OPTIONS) < 4, reason="this system does not know all of these options")
async def test_the_system_asks_whether_the_other_end_is_there(beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        _kept_alive(client._wire.socket)
    async with AsyncClient(beanstalkd.address) as waiting:
        assert waiting._stream is not None
        _kept_alive(waiting._stream.transport.get_extra_info("socket"))
