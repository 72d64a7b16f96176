"""Edits: the changed job is put in the state of the old one, which is deleted; both bodies are on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.protocol.errors import UsageError
from beanops.session.connect import connect
from beanops.session.execution import targets
from beanops.session.session import Session
from tests.session.conftest import fill, population

BODY = b'{"customer": 42, "token": "s3cret", "sum": 1.50, "n":'
CHANGE = {"$.customer": 7}


def stock(worker: Client) -> dict[str, list[int]]:
    """Put three jobs in each state, whose bodies are JSON but for what `fill` adds behind."""
    return {state: put(worker, state) for state in ("ready", "delayed", "buried")}


def put(worker: Client, state: str = "ready", jobs: int = 3, **settings: Any) -> list[int]:
    """Put jobs with bodies of JSON."""
    ids = fill(worker, "stock", state, jobs, **settings)
    found = {id: (worker.stats_job(id), worker.peek(id).body) for id in ids}
    new = []
    for id, (stats, _) in found.items():
        worker.delete(id)
        worker.use("mail")
        body = BODY + b" %d}" % id
        one = worker.put(body, priority=stats.priority, delay=stats.delay, ttr=stats.ttr)
        if state == "buried":
            worker.reserve_job(one)
            worker.bury(one, priority=stats.priority)
        new.append(one)
    worker.use("default")
    return new


def changed(jobs: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return a population after `CHANGE`."""
    return sorted((*job[:-1], job[-1].replace(b'"customer": 42', b'"customer": 7')) for job in jobs)


# -- what is put -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2, 1000])
def test_jobs_keep_everything_but_the_changed_value_and_undo_puts_the_old_ones_back(
    batch: int, session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "BATCH", batch)
    stock(worker)
    before = population(worker)
    run = session.edit("mail", CHANGE)
    assert (run.done, run.complete) == (9, True)
    assert population(worker) == changed(before)
    undone = session.undo(run)
    assert (undone.done, undone.complete) == (9, True)
    assert population(worker) == before
    again = session.undo(undone)
    assert (again.done, again.complete) == (9, True)
    assert population(worker) == changed(before)


def test_jobs_that_need_no_change_stay_and_are_counted(session: Session, worker: Client) -> None:
    ids = put(worker, jobs=3)
    session.edit(ids[0], CHANGE)
    run = session.edit("mail", CHANGE)
    assert run.summary == "edit: 2 done, 1 unchanged"
    assert run.complete
    again = session.edit("mail", CHANGE)
    assert (again.summary, again.complete) == ("edit: 0 done, 3 unchanged", True)
    assert session.edit("mail", CHANGE, dry_run=True).summary == "edit: 0 would be done, 3 unchanged"
    assert again.rows == []


def test_a_job_that_cannot_be_edited_is_skipped_with_the_reason(session: Session, worker: Client) -> None:
    put(worker, jobs=2)
    worker.use("mail")
    ids = [worker.put(body) for body in (b'{"a": 1, "a": 2}', b"{", b"\x80\x00\xff" * 9)]
    before = [worker.peek(id).body for id in ids]
    run = session.edit("mail", {"$.a.b": 1})
    assert (run.done, run.skipped) == (0, 5)
    assert not run.complete
    assert sum(times for times, _ in run.reasons.values()) == 5
    assert [worker.peek(id).body for id in ids] == before
    assert {row.outcome for row in run.rows} == {"skipped"}
    # Refused jobs are on record without their bodies.
    assert {entry.intent.body for entry in session._context.journal().entries(run.id, bodies=True)} == {None}


@pytest.mark.parametrize("state", ["ready", "delayed", "buried"])
def test_settings_change_without_the_body_and_are_undone(state: str, session: Session, worker: Client) -> None:
    put(worker, state)
    before = population(worker)
    run = session.edit("mail", priority=9, ttr="2m", to="post")
    assert run.done == 3
    assert population(worker) == sorted(("post", state, 9, 120, *job[4:]) for job in before)
    assert session.undo(run).done == 3
    assert population(worker) == before
    # The journal needs one body of each.
    entries = session._context.journal().entries(run.id, bodies=True)
    assert {entry.intent.new_body for entry in entries} == {None}


def test_kick_makes_buried_and_delayed_jobs_ready_and_undo_reverts_it(session: Session, worker: Client) -> None:
    stock(worker)
    before = population(worker)
    run = session.edit("mail", CHANGE, kick=True)
    assert run.done == 9
    assert {job[1] for job in population(worker)} == {"ready"}
    assert session.undo(run).done == 9
    assert population(worker) == before


def test_a_job_that_only_needs_a_kick_keeps_its_id(session: Session, worker: Client) -> None:
    ids = put(worker, "buried")
    worker.use("mail")
    session.edit(ids[0], CHANGE)
    run = session.edit("mail", {"$.customer": 42}, kick=True)
    assert run.done == 3
    assert [row.action for row in run.rows] == ["kick", "kick", "edit"]
    assert {worker.stats_job(id).state for id in ids[1:]} == {"ready"}
    assert session.undo(run).done == 3
    assert {job[1] for job in population(worker)} == {"buried"}


@pytest.mark.parametrize("state", ["ready", "delayed"])
def test_a_delay_begins_again_and_undo_brings_back_the_old_one(state: str, session: Session, worker: Client) -> None:
    put(worker, state, 1)
    before = population(worker)
    run = session.edit("mail", CHANGE, delay=500)
    (id,) = (row.new_id for row in run.rows)
    assert id is not None
    stats = worker.stats_job(id)
    assert (stats.state, stats.delay) == ("delayed", 500)
    undone = session.undo(run)
    assert undone.done == 1, undone.summary
    assert population(worker) == before
    (row,) = undone.rows
    assert row.new_id is not None
    assert worker.stats_job(row.new_id).delay in ((999, 1000) if state == "delayed" else (0,))


def test_a_buried_job_keeps_its_burial_whatever_the_delay(session: Session, worker: Client) -> None:
    put(worker, "buried", 1)
    run = session.edit("mail", delay=30)
    (job,) = session.jobs("mail").itertuples()
    assert (job.state, job.delay.total_seconds()) == ("buried", 30)
    assert session.edit("mail", delay=30).summary == "edit: 0 done, 1 unchanged"
    assert session.undo(run).done == 1
    assert session.edit("mail", delay=60, kick=True).done == 1
    (job,) = session.jobs("mail").itertuples()
    assert (job.state, job.delay.total_seconds()) == ("delayed", 60)


def test_a_job_that_this_session_holds_is_edited_and_one_of_a_worker_is_not(session: Session, worker: Client) -> None:
    put(worker, jobs=2)
    held = session.reserve("mail")
    worker.watch("mail")
    theirs = worker.reserve(timeout=0)
    run = session.edit([held.id, theirs.id], CHANGE)
    assert (run.done, run.skipped) == (1, 1)
    assert run.reasons == {"a worker has reserved it": (1, f"job {theirs.id}")}
    assert session.held == frozenset()
    assert [job[1] for job in population(worker)] == ["ready", "reserved"]


# -- by a function ---------------------------------------------------------------------------------------------------


def test_a_function_gets_the_data_and_its_changes_are_spliced(session: Session, worker: Client) -> None:
    worker.use("mail")
    id = worker.put(b'{"items":[{"n":1},{"n":2}],  "sum": 1.50, "old": 1}')

    def change(data: Any) -> Any:
        data["items"][1]["n"] += 1
        del data["old"]
        data["new"] = None
        return data

    run = session.edit(id, change)
    (new,) = (row.new_id for row in run.rows)
    assert new is not None
    assert worker.peek(new).body == b'{"items":[{"n":1},{"n":3}],  "sum": 1.50, "new": null}'
    in_place = session.edit(new, lambda data: data["items"][0].update(n=0))
    assert in_place.done == 1
    assert session.edit("mail", lambda data: None).summary == "edit: 0 done, 1 unchanged"


def test_a_function_may_return_bytes_and_what_it_raises_is_a_reason_without_values(
    session: Session, worker: Client
) -> None:
    worker.use("mail")
    for body in (b'{"n": "s3cret"}', b"\x00\xff\x80" * 20):
        worker.put(body)
    run = session.edit("mail", lambda data: {"n": int(data["n"])})
    assert run.skipped == 2
    raised = [reason for reason in run.reasons if "ValueError" in reason]
    assert raised == [f"the function raised ValueError (line {_line('int(data')} of test_edit.py)"]
    assert "not decoded whole (hex)" in run.reasons
    assert session.edit("mail", lambda data: b"new \x00").done == 1
    assert population(worker)[0][-1] == b"\x00\xff\x80" * 20
    assert population(worker)[1][-1] == b"new \x00"
    assert "s3cret" not in json.dumps([row.error for row in run.rows])


def _line(text: str) -> int:
    with open(__file__) as file:
        return next(number for number, line in enumerate(file, 1) if f'lambda data: {{"n": {text}' in line)


def test_an_edit_by_a_function_cannot_be_resumed_and_one_by_paths_can(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "BATCH", 2)
    put(worker, jobs=6)
    before = population(worker)
    run = session.edit("mail", CHANGE, schema={"type": "object"}, progress=lambda run: run.done and run.cancel())
    assert (run.done, run.stopped, run.resumable) == (2, "cancelled", True)
    resumed = session.resume(run)
    assert resumed.done == 4
    assert population(worker) == changed(before)
    stopped = session.edit("mail", lambda data: data | {"x": 1}, progress=lambda run: run.done and run.cancel())
    assert (stopped.done, stopped.resumable) == (2, False)
    with pytest.raises(UsageError, match="edited jobs by a function and cannot be resumed: edit the same jobs again"):
        session.resume(stopped)


# -- what is refused before anything is sent ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "nothing to change"),
        ({"changes": {}}, "nothing to change"),
        ({"changes": {"customer": 7}}, "a path begins with"),
        ({"changes": {"$.a": object()}}, "JSON"),
        ({"changes": {"$.a": 1, "$.a.b": 2}}, "inside the other"),
        ({"changes": [1]}, "changes"),
        ({"changes": len, "unset": ["$.a"]}, "unset goes with values"),
        ({"unset": ["$.a["]}, "expected a number"),
        ({"ttr": -1}, "ttr"),
        ({"priority": 2**32}, "priority"),
        ({"to": "a b"}, "to"),
        ({"changes": CHANGE, "schema": 7}, "schema"),
        ({"changes": CHANGE, "schema": {"type": "nonsense"}}, "no valid JSON Schema"),
    ],
)
def test_wrong_arguments_are_one_clear_error(
    arguments: dict[str, Any], words: str, session: Session, worker: Client
) -> None:
    put(worker, jobs=1)
    with pytest.raises(UsageError, match=words) as caught:
        session.edit("mail", **arguments)
    assert "\n" not in str(caught.value)
    assert session._context.journal().runs() == []


def test_a_read_only_session_only_shows_what_would_be_done(
    open_session: Callable[..., Session], worker: Client
) -> None:
    put(worker, jobs=1)
    session = open_session(read_only=True)
    before = population(worker)
    with pytest.raises(Refused, match="read-only"):
        session.edit("mail", CHANGE)
    run = session.edit("mail", CHANGE, dry_run=True)
    assert run.done == 1
    assert population(worker) == before


def test_a_dry_run_changes_nothing_and_has_redacted_bodies_before_and_after(
    open_session: Callable[..., Session], worker: Client
) -> None:
    stock(worker)
    session = open_session(redact=["token"])
    before = population(worker)
    run = session.edit("mail", CHANGE, kick=True, dry_run=True)
    assert run.done == 9
    assert population(worker) == before
    intent = run.sample[0]
    assert b"s3cret" not in (intent.body or b"") + (intent.new_body or b"")
    assert b'"customer":42' in (intent.body or b"")
    assert b'"customer":7' in (intent.new_body or b"")
    assert session._context.journal().runs() == []


def test_a_body_that_grows_over_what_the_server_takes_is_skipped(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd("-z", "60")
    session = open_session(server.address)
    session.put(b'{"a": 1}', tube="mail")
    run = session.edit("mail", {"$.a": "x" * 60})
    assert run.reasons == {"its new body has 69 bytes, and the server takes 60": (1, "job 1")}
    assert session.tube("mail").current_jobs_ready == 1


# -- on record ---------------------------------------------------------------------------------------------------


def test_the_journal_has_both_bodies(session: Session, worker: Client) -> None:
    (id,) = put(worker, "buried", 1)
    body = worker.peek(id).body
    run = session.edit(id, CHANGE, priority=3, kick=True)
    (entry,) = session._context.journal().entries(run.id, bodies=True)
    assert (entry.intent.body, entry.intent.new_body) == (body, body.replace(b"42", b"7"))
    assert (entry.intent.priority_before, entry.intent.priority) == (100, 3)
    assert (entry.intent.state_before, entry.intent.new_state) == ("buried", "ready")
    assert run.lasting is None


def test_without_bodies_an_edit_of_a_body_cannot_be_undone_and_one_of_settings_can(
    beanstalkd: Beanstalkd, worker: Client
) -> None:
    put(worker, jobs=2)
    before = population(worker)
    with connect(beanstalkd.address, keep_bodies=False) as session:
        run = session.edit("mail", priority=1)
        assert run.lasting is None
        assert session.undo(run).done == 2
        assert population(worker) == before
        run = session.edit("mail", CHANGE)
        assert "bodies" in (run.lasting or "")
        undone = session.undo(run)
        assert (undone.done, undone.skipped) == (0, 2)
        assert "not in the journal" in undone.summary
        assert population(worker) == changed(before)


def test_an_undo_keeps_what_others_changed_since(session: Session, worker: Client) -> None:
    put(worker, "buried", 2)
    run = session.edit("mail", CHANGE)
    new = [row.new_id for row in run.rows]
    worker.kick_job(new[0])
    undone = session.undo(run)
    assert undone.done == 2
    assert sorted(job[1] for job in population(worker)) == ["buried", "ready"]
    kicked = session.edit("mail", CHANGE, kick=True, state="buried")
    (id,) = (row.new_id for row in kicked.rows)
    worker.reserve_job(id)
    assert session.undo(kicked).reasons == {"a worker has reserved it": (1, f"job {id}")}
    worker.bury(id)
    assert session.undo(kicked).reasons == {"it is buried now": (1, f"job {id}")}
    worker.delete(id)
    assert session.undo(kicked).reasons == {"it does not exist": (1, f"job {id}")}


def test_after_a_restart_an_edit_is_undone_for_the_same_jobs_only(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    log = ("-b", str(tmp_path), "-f", "0")
    with start_beanstalkd(*log) as server:
        with Client(server.address) as worker:
            put(worker, "buried")
            before = population(worker)
        run = open_session(server.address).edit("mail", CHANGE)
        port = server.port
    start_beanstalkd(*log, port=port)
    session = open_session(f"127.0.0.1:{port}")
    undone = session.undo(run)
    assert undone.done == 3, undone.summary
    left = sorted((job.stats.state, job.body) for batch in session.scan() for job in batch)
    assert left == [(state, body) for _, state, *_, body in before]
    assert session.undo(run).done == 0


def test_after_a_restart_without_a_log_other_jobs_with_these_ids_are_left(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    with start_beanstalkd() as server:
        with Client(server.address) as worker:
            put(worker, jobs=2)
        run = open_session(server.address).edit("mail", CHANGE)
        port = server.port
    start_beanstalkd(port=port)
    with Client(f"127.0.0.1:{port}") as worker:
        fill(worker, "mail", jobs=9)
        before = population(worker)
        undone = open_session(f"127.0.0.1:{port}").undo(run)
        assert (undone.done, undone.skipped) == (0, 2)
        assert population(worker) == before
