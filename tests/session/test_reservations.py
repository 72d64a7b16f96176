"""Reservations: kept while they are wanted, given back with the job's own priority, and never a job of another tube."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import JournalError
from beanops.protocol.errors import DeadlineSoon, NotFound, OutOfMemory, TimedOut
from beanops.session import reservation
from beanops.session.reservation import Reserver
from beanops.session.session import Session
from tests.proxies import Proxy
from tests.session.conftest import fill
from tests.waits import until


def test_a_job_is_held_and_given_back_with_its_own_priority(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail", priority=7)
    with session.reserve("mail") as job:
        assert (job.id, job.body, job.tube, job.priority, job.ttr) == (id, b"ready 0", "mail", 7, 60)
        assert 58 < job.time_left <= 60
        assert "60 s left" in repr(job) or "59 s left" in repr(job)
        assert worker.stats_job(id).state == "reserved"
    assert not job.held
    assert job.time_left == 0
    stats = worker.stats_job(id)
    assert (stats.state, stats.priority) == ("ready", 7)
    assert list(session.actions.action) == ["release", "reserve"]


def test_what_the_operator_decided_stays(session: Session, worker: Client) -> None:
    for decide, state in (("bury", "buried"), ("delete", None), ("release", "ready")):
        (id,) = fill(worker, "mail")
        with session.reserve("mail") as job:
            assert getattr(job, decide)().done == 1
        if state is None:
            with pytest.raises(NotFound):
                worker.stats_job(id)
        else:
            assert worker.stats_job(id).state == state
            worker.delete(id)


def test_a_held_job_is_touched_by_itself(session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservation, "_TOUCHED_AT", 0.001)
    (id,) = fill(worker, "mail", ttr=60)
    job = session.reserve("mail")
    before = worker.stats().cmd_touch
    until(lambda: worker.stats().cmd_touch >= before + 3)
    assert 50 < job.time_left <= 60
    assert job.held
    assert worker.stats_job(id).state == "reserved"


def test_no_thread_goes_on_for_a_job_that_was_let_go(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=3, ttr=100_000)
    before = set(threading.enumerate())
    for way_out in ("delete", "bury", "release"):
        assert getattr(session.reserve("mail"), way_out)().done == 1
    until(lambda: set(threading.enumerate()) <= before)


def test_a_held_job_is_touched_while_another_is_waited_for(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(worker, "mail")
    fill(worker, "later")
    job = session.reserve("mail")
    reserve, touched = Reserver._reserve_soon, []

    def nearly_due(self: Reserver, tube: str, seconds: int, got: list[int]) -> object:
        touched.append(worker.stats().cmd_touch)
        return DeadlineSoon("reserve") if len(touched) == 1 else reserve(self, tube, seconds, got)

    monkeypatch.setattr(Reserver, "_reserve_soon", nearly_due)
    assert session.reserve("later", timeout=30).tube == "later"
    assert touched == [0, 1]
    assert job.held


def test_a_touch_that_the_server_refuses_is_tried_again(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservation, "_TOUCHED_AT", 0.001)
    fill(worker, "mail")
    keep, refused = Reserver.keep, []

    def no_memory(self: Reserver, id: int) -> bool:
        if len(refused) < 2:
            refused.append(id)
            raise OutOfMemory("touch")
        return keep(self, id)

    monkeypatch.setattr(Reserver, "keep", no_memory)
    job = session.reserve("mail")
    until(lambda: worker.stats().cmd_touch >= 1)
    assert refused == [job.id, job.id]


@pytest.mark.parametrize("fault", ["the outcome", "the statistics"])
def test_a_job_that_the_caller_does_not_get_is_given_back(
    fault: str, session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = fill(worker, "mail", priority=7)
    write = session._context.journal().write

    def full(*arguments: Any, **named: Any) -> None:
        if named.get("fates"):
            raise JournalError("the disk is full")
        write(*arguments, **named)

    with monkeypatch.context() as patched:
        if fault == "the outcome":
            patched.setattr(session._context.journal(), "write", full)
        else:
            execute = Client.execute
            stats: list[str] = []

            def once(client: Client, command: Any) -> Any:
                if command.line.startswith("stats-job") and not stats:
                    stats.append(command.line)
                    raise OutOfMemory("stats-job")
                return execute(client, command)

            patched.setattr(Client, "execute", once)
        with pytest.raises((JournalError, OutOfMemory)):
            session.reserve("mail")
    assert (worker.stats_job(id).state, worker.stats_job(id).priority) == ("ready", 7)
    assert session.held == frozenset()
    if fault == "the statistics":
        assert list(session.actions.outcome) == ["failed"]
        assert "the job was released" in session.actions.error.iloc[0]


def test_a_reason_is_on_record_of_the_reservation_and_of_what_became_of_the_job(
    session: Session, worker: Client
) -> None:
    fill(worker, "mail", jobs=3)
    with session.reserve("mail", reason="INC-42") as job:
        job.touch()
    session.reserve("mail", reason="INC-42").delete(reason="poison")
    session.reserve("mail").bury(reason="later")
    assert [None if reason != reason else reason for reason in session.actions.reason[::-1]] == [
        "INC-42", "INC-42", "INC-42", "INC-42", "poison", None, "later",
    ]  # fmt: skip


def test_closing_gives_all_back(open_session: Callable[..., Session], worker: Client) -> None:
    ids, session = fill(worker, "mail", jobs=2), open_session()
    jobs = [session.reserve("mail"), session.reserve("mail")]
    session.close()
    until(lambda: all(worker.stats_job(id).state == "ready" for id in ids))
    assert not any(job.held for job in jobs)


def test_a_lost_connection_loses_the_reservation_and_says_so(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    (id,) = fill(worker, "mail")
    fill(worker, "sms", jobs=2)
    with Proxy(beanstalkd.port) as proxy:
        session = open_session(proxy.address)
        job = session.reserve("mail")
        proxy.drop()
        until(lambda: worker.stats_job(id).state == "ready")
        # The connection is made anew, and watches what is asked for alone.
        assert session.reserve("sms").tube == "sms"
        assert worker.stats_job(id).state == "ready"
        assert not job.held
        assert session.held != frozenset()


def test_a_watch_that_was_interrupted_does_not_bring_a_job_of_another_tube(session: Session, worker: Client) -> None:
    fill(worker, "mail")
    fill(worker, "sms")
    session._context.acting().watch("mail")  # as an interrupt between two commands leaves it
    assert session.reserve("sms").tube == "sms"
    with pytest.raises(TimedOut):
        session.reserve("sms")
    with pytest.raises(NotFound):
        session.reserve("nosuch")


def test_a_release_that_cannot_be_written_down_is_made_up_for_as_soon_as_it_can_be(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = fill(worker, "mail", ttr=1)
    job = session.reserve("mail")
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise JournalError("the disk is full")

        patched.setattr(session._context.journal(), "begin", full)
        with pytest.raises(JournalError), job:
            pass
        assert worker.stats_job(id).state == "reserved"
    until(lambda: worker.stats_job(id).state == "ready")


def test_a_job_whose_ttr_ran_out_is_no_longer_held_when_a_worker_has_it(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservation, "_TOUCHED_AT", 1000)
    (id,) = fill(worker, "mail", ttr=1)
    session.reserve("mail")
    until(lambda: worker.stats_job(id).state == "ready")
    assert session.kick([id]).skipped == 1
    verbs = (session.release, session.bury, session.delete, session.touch)
    for verb in verbs:
        with suppress(NotFound):
            worker.release(id)
        worker.reserve_job(id)  # anew for each verb: it is the worker's for a second
        asked = worker.stats()
        assert verb([id]).skipped == 1
        now = worker.stats()
        assert (now.cmd_release, now.cmd_bury, now.cmd_delete, now.cmd_touch) == (
            asked.cmd_release, asked.cmd_bury, asked.cmd_delete, asked.cmd_touch,
        )  # fmt: skip
    assert list(session.actions.error.iloc[: len(verbs)]) == ["a worker has reserved it"] * len(verbs)
