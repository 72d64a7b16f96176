"""The timeline of one job: what workers do, what runs of beanops do, and how it ends, also over a restart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import NotFound
from beanops.session.investigation.follow import SHORTEST, Follow
from beanops.session.investigation.job_events import JobEvent, changes
from tests.session.conftest import fill
from tests.session.test_watching import Time


def followed(session: Session, id: int, *steps: Callable[[], Any]) -> list[JobEvent]:
    """Follow a job until it is gone; each step happens between two looks that are told apart."""
    waiting = iter(steps)

    def meanwhile(nap: int) -> None:
        if nap % 40 == 0 and (step := next(waiting, None)) is not None:
            step()

    time = Time(meanwhile)
    follow = Follow(session._context, id, clock=time.clock, sleep=time.sleep)
    events = list(islice(follow, 100))
    assert follow.gone
    return events


def names(events: list[JobEvent]) -> list[str]:
    return [event.event for event in events]


def test_what_a_worker_does_is_told(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail", ttr=100)
    worker.watch("mail")
    events = followed(
        session,
        id,
        lambda: worker.reserve(0),
        lambda: worker.release(id, priority=7, delay=1000),
        lambda: worker.kick_job(id),
        lambda: (worker.reserve(0), worker.bury(id, priority=7)),
        lambda: worker.kick_job(id),
        lambda: worker.reserve(0),
        lambda: worker.delete(id),
    )
    assert names(events) == [
        "put", "seen", "reserved", "released", "priority", "kicked", "reserved", "buried", "kicked", "reserved", "gone",
    ]  # fmt: skip
    assert events[0].text == "into tube mail"
    assert (events[3].state, events[3].text) == ("delayed", "for 16m40s")
    assert events[4].text == "from 100 to 7"
    assert events[-1].text == "gone after a reserve: a worker finished it"
    assert {event.run for event in events} == {None}


def test_runs_of_others_on_the_same_journal_are_told_and_workers_do_not_get_their_credit(
    session: Session, worker: Client, beanstalkd: Beanstalkd, journal: str
) -> None:
    (id,) = fill(worker, "mail", "buried")
    with connect(beanstalkd.address, journal=journal, actor="ann@desk", source="cli") as other:
        other.kick([id], reason="before")
        events = followed(
            session,
            id,
            lambda: other.bury([id], reason="poison"),
            lambda: other.kick([id]),
            lambda: other.release([id], priority=3),
            lambda: other.delete([id], reason="hopeless"),
        )
    assert names(events)[:3] == ["put", "kick", "seen"]
    assert [name for name in names(events)[3:] if name != "priority"] == ["bury", "kick", "release", "delete", "gone"]
    by = [event for event in events if event.run]
    assert {(event.actor, event.source) for event in by} == {("ann@desk", "cli")}
    assert [event.reason for event in by] == ["before", "poison", None, None, "hopeless", "hopeless"]
    assert events[-1].text == f"deleted by run {by[-1].run} of ann@desk"


def test_a_move_names_the_new_job(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail")
    events = followed(session, id, lambda: session.move([id], "other"))
    assert names(events)[-2:] == ["move", "gone"]
    assert events[-1].text.startswith(f"moved as job {id + 1} by run ")


def test_a_job_that_is_gone_is_told_from_the_journal_and_an_unknown_one_is_an_error(session: Session) -> None:
    run = session.put("x", tube="mail")
    session.delete(run.ids)
    events = list(session.follow(run.ids[0]))
    assert names(events) == ["put", "delete", "gone"]
    assert events[-1].text.startswith("deleted by run ")
    with pytest.raises(NotFound):
        list(session.follow(4711))


def test_a_job_of_the_binlog_is_the_same_after_a_restart(
    open_session: Callable[..., Session], start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    server = start_beanstalkd("-b", str(tmp_path), "-f0")
    session = open_session(server.address)
    with Client(server.address) as client:
        (id,) = fill(client, "mail")

    def restart() -> None:
        server.stop(kill=True)
        start_beanstalkd("-b", str(tmp_path), "-f0", port=server.port)

    events = followed(session, id, restart, lambda: open_session(server.address).delete([id]))
    assert "restart" in names(events)
    assert names(events)[-2:] == ["delete", "gone"]
    assert [event.text for event in events if event.event == "restart"] == [
        "the server was restarted; it is the same job"
    ]


@pytest.mark.parametrize("refilled", [True, False])
def test_another_job_with_its_id_is_not_followed(
    refilled: bool, open_session: Callable[..., Session], start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd()
    session = open_session(server.address)
    with Client(server.address) as client:
        (id,) = fill(client, "mail")

    def restart() -> None:
        server.stop(kill=True)
        with Client(start_beanstalkd(port=server.port).address) as client:
            if refilled:
                fill(client, "mail", body=b"theirs")

    events = followed(session, id, restart)
    assert names(events)[-1] == "gone"
    expected = "id was reused by another job" if refilled else "the restarted server does not have it"
    assert events[-1].text == expected


def test_what_nobody_saw_is_told_from_the_counters(worker: Client, session: Session) -> None:
    (id,) = fill(worker, "mail")
    before = worker.stats_job(id)
    at = session._context.now()
    after = before._replace(state="buried", reserves=5, timeouts=2, releases=2, buries=1)
    told = changes(before, after, at, Counter())
    assert [(one.event, one.times) for one in told] == [
        ("reserved", 5), ("timed out", 2), ("released", 2), ("buried", 1)
    ]  # fmt: skip
    assert told[-1].state == "buried"
    told = changes(after, after._replace(state="reserved", kicks=1, reserves=6), at, Counter())
    assert [one.event for one in told] == ["kicked", "reserved"]
    assert changes(before, after, at, Counter(reserves=1, buries=1))[0].times == 4


def test_a_quiet_job_is_asked_for_once_a_second(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail")
    time = Time(lambda nap: worker.delete(id) if nap == 600 else None)
    before = worker.stats().cmd_stats_job
    list(Follow(session._context, id, clock=time.clock, sleep=time.sleep))
    assert worker.stats().cmd_stats_job - before < 600 * SHORTEST + 15
