"""Whether a run can be undone: what is offered is what `undo` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.session.execution.run import Run
from beanops.session.execution.undoable import lasting

Act = Callable[[Session, list[int]], Run]

WAYS: dict[str, tuple[Act, bool]] = {
    "kick": (lambda session, ids: session.kick(ids), True),
    "kick by the server": (lambda session, ids: session.kick_next("mail", 1), False),
    "kick of a tube": (lambda session, ids: session.kick("mail"), True),
    "kick of no job": (lambda session, ids: session.kick(999_999), False),
    "bury": (lambda session, ids: session.bury(ids), True),
    "release": (lambda session, ids: session.release(ids, priority=3), True),
    "delete": (lambda session, ids: session.delete(ids), True),
    "move": (lambda session, ids: session.move(ids, "spam"), True),
    "copy": (lambda session, ids: session.copy(ids, "spam"), True),
    "put": (lambda session, ids: session.put(b"x", tube="mail"), True),
    "pause": (lambda session, ids: session.pause("mail", 60), True),
    "touch": (lambda session, ids: session.reserve("mail").touch(), False),
    "dry run": (lambda session, ids: session.delete(ids, dry_run=True), False),
    "undo": (lambda session, ids: session.undo(session.bury(ids)), True),
}


@pytest.fixture
def ids(client: Client) -> list[int]:
    ids = [client.put(b"x", tube="mail") for _ in range(4)]
    for id in ids[:2]:
        client.reserve_job(id)
        client.bury(id)
    return ids


def on_record(session: Session, run: str) -> str | None:
    journal, server = session._context.journal(), str(session.address)
    return lasting(journal, [journal.run(run)], server)[run]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_offered_can_be_undone_and_what_is_not_cannot(session: Session, ids: list[int], way: str) -> None:
    act, can = WAYS[way]
    run = act(session, ids)
    assert (run.lasting is None) == can
    if not run.dry:
        assert (on_record(session, run.id) is None) == can
        assert bool(session.undo(run).done) == can


def test_without_bodies_no_delete_is_offered_to_be_undone(beanstalkd: Beanstalkd, ids: list[int]) -> None:
    with connect(beanstalkd.address, keep_bodies=False) as session:
        run = session.delete(ids[0])
        assert "bodies" in (run.lasting or "")
        assert on_record(session, run.id) == run.lasting
        assert session.undo(run).done == 0
        kick = session.kick(ids[1])
        assert kick.lasting is None
        assert session.undo(kick).lasting is None


def test_without_bodies_the_undo_of_a_put_is_not_offered_to_be_undone(beanstalkd: Beanstalkd, ids: list[int]) -> None:
    with connect(beanstalkd.address, keep_bodies=False) as session:
        put, copied = session.put("x", tube="mail"), session.copy(ids, "spam")
        for undone in (session.undo(put), session.undo(copied)):
            assert undone.done
            assert "bodies" in (undone.lasting or "")
            assert on_record(session, undone.id) == undone.lasting
            assert session.undo(undone).done == 0
        kicked = session.undo(session.kick(ids[0]))
        assert kicked.lasting is on_record(session, kicked.id) is None


def test_bodies_are_looked_for_in_what_an_undo_did(
    session: Session, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.journal.journal._PAGE", 2)
    run = session.put_many(["x"] * 4, tube="mail")
    session.delete(run.ids[2:])
    undone = session.undo(run)  # its first actions are of jobs that are gone
    assert (undone.done, undone.skipped) == (2, 2)
    assert on_record(session, undone.id) is None


def test_what_is_undone_is_offered_again_once_that_is_undone(session: Session, ids: list[int]) -> None:
    run = session.bury(ids[2:])
    undo = session.undo(run)
    assert on_record(session, run.id) == "it is undone already"
    assert on_record(session, undo.id) is None
    session.undo(undo)
    assert on_record(session, run.id) is None
    assert on_record(session, undo.id) == "it is undone already"


def test_what_was_copied_to_another_server_is_undone_there(
    session: Session, ids: list[int], start_beanstalkd: Callable[..., Any]
) -> None:
    other = start_beanstalkd()
    with connect(other.address) as there:
        run = session.copy(ids[3], server=there)
        assert run.about["server"] == str(there.address)
        assert on_record(session, run.id) == f"its jobs are on {there.address}: undo it there"
        journal = session._context.journal()
        assert lasting(journal, [journal.run(run.id)], str(there.address))[run.id] is None
