"""Waiting for a tube: until it is drained, through restarts, and for tubes that vanish or never were."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import ConnectionLost, NotFound, UsageError
from beanops.session.investigation.wait import DRAINED, Waited, wait
from beanops.session.session import Session
from tests.session.conftest import fill


class Naps:
    """A clock that goes on only while somebody sleeps; at each sleep the next piece of work is done."""

    def __init__(self, *work: Callable[[], object], always: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self.seen: list[Waited] = []
        self._work = list(work)
        self._always = always

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        (self._work.pop(0) if self._work else self._always)()

    def wait(self, session: Session, tube: str, until: str = DRAINED, timeout: float = 60, **how: Any) -> Waited:
        told = {"clock": lambda: self.now, "sleep": self.sleep, "report": self.seen.append}
        return wait(session._lookups, session._context, tube, until, timeout, **how, **told)


def test_it_waits_until_workers_have_nothing_left_to_do(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 2)
    fill(worker, "mail", "delayed", 1)
    fill(worker, "mail", "buried", 1)
    worker.watch("mail")
    held: list[Any] = []
    naps = Naps(
        lambda: held.append(worker.reserve(0)),
        lambda: worker.delete(held.pop()),
        lambda: worker.delete(worker.reserve(0)),
        lambda: worker.delete(3),
    )
    found = naps.wait(session, "mail")
    assert found
    assert found.seconds == 4
    assert [now.remaining for now in naps.seen] == [3, 3, 2, 1, 0]
    assert found.summary == f"mail: {DRAINED} is true after 4s; 1 buried"


def test_a_condition_that_is_true_at_once(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 2)
    naps = Naps()
    assert naps.wait(session, "mail", "ready < 3 and watching = 0")
    assert naps.now == 0


def test_the_end_of_the_time(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 2)
    naps = Naps()
    found = naps.wait(session, "mail", timeout=2.5)
    assert not found
    assert naps.now == 2.5
    assert found.summary == f"mail: {DRAINED} is not true after 2s; 2 ready"


def test_a_glob_sums_up(session: Session, worker: Client) -> None:
    for tube in ("mail-1", "mail-2", "other"):
        fill(worker, tube, "ready", 2)
    found = Naps().wait(session, "mail-*", "jobs = 4 and ready = 4")
    assert found
    assert sorted(found.tubes) == ["mail-1", "mail-2"]


def test_a_tube_that_vanishes_is_empty(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail", "ready", 1)
    found = Naps(lambda: worker.delete(id)).wait(session, "mail")
    assert found
    assert found.vanished == ["mail"]
    assert found.summary == f"mail: {DRAINED} is true after 1s; no jobs; the tube no longer exists"


def test_a_misspelled_tube_is_an_error(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 1)
    with pytest.raises(NotFound, match="did you mean 'mail'"):
        Naps().wait(session, "mial")
    with pytest.raises(NotFound, match="no tube matches post"):
        Naps().wait(session, "post*")


def test_a_tube_that_the_journal_knows_has_vanished(session: Session) -> None:
    run = session.put("x", tube="mail")
    session.delete(run.ids)
    found = Naps().wait(session, "mail")
    assert found
    assert found.vanished == ["mail"]


def test_a_tube_may_be_missing_where_that_is_allowed(session: Session, worker: Client) -> None:
    found = Naps().wait(session, "mail", missing_ok=True)
    assert found.summary == f"mail: {DRAINED} is true after 0s; no jobs; there is no such tube"
    assert Naps(lambda: fill(worker, "mail", "ready", 1)).wait(session, "mail", "ready > 0", missing_ok=True)


def test_it_survives_a_restart_and_says_so(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd()
    with Client(server.address) as client:
        fill(client, "mail", "ready", 2)
    session = open_session(server.address)
    naps = Naps(lambda: server.stop(kill=True), lambda: None, lambda: start_beanstalkd(port=server.port))
    found = naps.wait(session, "mail")
    assert [now.error is None for now in naps.seen] == [True, False, False, True]
    assert found
    assert (found.restarts, found.vanished) == (1, ["mail"])
    assert "the server was restarted, which loses jobs that are not in a binlog" in found.summary


def test_a_server_that_does_not_come_back(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd()
    with Client(server.address) as client:
        fill(client, "mail", "ready", 2)
    found = Naps(lambda: server.stop(kill=True)).wait(open_session(server.address), "mail", timeout=5)
    assert not found
    assert "2 ready; cannot connect" in found.summary, "with what was seen last"
    with pytest.raises(ConnectionLost):
        Naps().wait(open_session(server.address), "mail")


def test_the_time_left_is_that_of_the_present_pace(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", 10)
    naps = Naps(*(partial(worker.delete, id) for id in ids[:5]))
    naps.wait(session, "mail", timeout=4)
    assert [now.left for now in naps.seen] == [None, 9, 8, 7, 6]
    assert naps.seen[-1].progress == "6 ready, about 6s left"
    growing = Naps(always=lambda: fill(worker, "mail", "ready", 1))
    growing.wait(session, "mail", timeout=2)
    assert [now.left for now in growing.seen] == [None] * 3
    assert not any(now.left for now in naps.seen if now.remaining == 0)


def test_no_time_is_left_to_a_condition_that_no_jobs_make_true(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", 3)
    naps = Naps(lambda: worker.delete(ids[0]))
    naps.wait(session, "mail", "ready > 5", timeout=1)
    assert [now.left for now in naps.seen] == [None, None]


@pytest.mark.parametrize("until", ["", "ready", "redy = 0", "gone = 0"])
def test_what_is_no_condition_is_refused(session: Session, until: str) -> None:
    with pytest.raises(UsageError, match="condition"):
        session.wait("default", until=until)


def test_what_is_no_interval_is_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="above 0"):
        session.wait("default", every=0)


def test_the_session_waits_with_a_real_clock(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 1)
    assert session.wait("mail", until="ready = 1", timeout="1m")
    waited = session.wait("mail", timeout="20ms", every="10ms")
    assert not waited
    assert waited.counts["ready"] == 1
    with worker:
        row = session.tubes("mail").iloc[0]
        assert session.wait(row, until="jobs = 1")


def test_ctrl_c_ends_it(session: Session, worker: Client) -> None:
    fill(worker, "mail", "ready", 1)
    with pytest.raises(KeyboardInterrupt):
        Naps(lambda: os.kill(os.getpid(), signal.SIGINT)).wait(session, "mail")
