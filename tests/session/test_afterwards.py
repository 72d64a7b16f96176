"""Going on with a run does what is left of it and no more; verify says only what the server shows."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Fate, Intent
from beanops.session.execution.run import Run
from beanops.session.past_runs import recovery
from beanops.session.session import Session
from tests.proxies import Proxy
from tests.session.conftest import fill, population


def _cancel(run: Run) -> None:
    if run.done:
        run.cancel()


def _forget(session: Session, run: Run) -> None:
    """Forget what became of a run, as if the connection had broken."""
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("delete from outcomes where run = ?", (run.id,))


# -- resume ------------------------------------------------------------------------------------------------------


def test_what_is_unknown_counts_toward_the_limit(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=60)
    run = session.delete("mail", state="ready", limit=20, rate=40, progress=_cancel)
    assert run.done == 10
    _forget(session, run)
    assert session.resume(run, rate=1000).done == 10
    assert session.tube("mail").current_jobs_ready == 40
    assert session.resume(run).done == 0


def test_what_is_unknown_is_tried_again_and_takes_nobody_elses_place(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 60)
    run = session.kick("mail", where="priority >= 0", limit=20, rate=40, progress=_cancel)
    assert run.done == 10
    kicked = run.ids
    for id in kicked[:4]:
        worker.reserve_job(id)
        worker.bury(id)  # as if they had not been kicked
    _forget(session, run)
    assert session.resume(run, rate=1000).done == 4 + 10
    assert session.tube("mail").current_jobs_buried == 40


@pytest.mark.parametrize("by_ids", [False, True])
def test_jobs_that_may_have_been_put_are_not_passed_over_in_silence(
    session: Session, worker: Client, by_ids: bool
) -> None:
    ids = fill(worker, "mail", jobs=60)
    jobs: Any = ids if by_ids else "mail"
    run = session.copy(jobs, "post", rate=40, progress=_cancel)
    assert run.done == 10
    _forget(session, run)
    resumed = session.resume(run, rate=1000)
    assert (resumed.done, resumed.skipped) == (50, 10)
    why = f"run {run.id} may have put a copy of it, which is unknown: look, then repeat it"
    assert [(row.id, row.error) for row in resumed.rows if row.outcome == "skipped"] == [(id, why) for id in ids[:10]]
    assert session.tube("post").current_jobs_ready == 60, "none was copied twice"


def test_a_limit_of_ids_means_the_first_of_them(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 60)
    worker.kick_job(ids[3])
    run = session.kick(ids, limit=20, rate=40, progress=_cancel)
    assert (run.done, run.skipped) == (9, 1)
    assert session.resume(run, rate=1000).done == 10
    assert session.tube("mail").current_jobs_buried == 40


def test_what_came_after_a_run_began_is_not_meant_by_going_on(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 20)
    run = session.drain("mail", state="buried", rate=40, progress=_cancel)
    assert run.done == 10
    with (
        session._context.journal()._database.transaction() as connection
    ):  # as if the run had begun before any of them was put
        connection.exec_driver_sql("update runs set time = time - 3600000000")
    resumed = session.resume(run)
    assert (resumed.done, resumed.skipped) == (0, 10)
    assert f"it was put after run {run.id} had begun" in resumed.summary
    assert session.tube("mail").current_jobs_buried == 10


def test_what_goes_on_with_a_run_of_before_a_restart_leaves_the_jobs_of_after_it_alone(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd()
    with Client(server.address) as client:
        ids = fill(client, "mail", "buried", 60)
    run = open_session(server.address).delete(ids, rate=40, progress=_cancel)
    assert run.done == 10
    server.stop()
    start_beanstalkd(port=server.port)
    session = open_session(server.address)
    with session._context.journal()._database.transaction() as connection:  # as if it had been an hour ago
        connection.exec_driver_sql("update runs set time = time - 3600000000")
    with Client(server.address) as client:
        fill(client, "mail", "buried", 60)
        second = session.resume(run, progress=lambda run: run.skipped and run.cancel())
        assert (second.done, second.skipped) == (0, 10)
        third = session.resume(second)
        assert (third.done, third.skipped) == (0, 40)
        assert client.stats().current_jobs_buried == 60


# -- copies that would be found again ----------------------------------------------------------------------------


@pytest.mark.parametrize("glob", ["mail*", "mail"])
@pytest.mark.parametrize("binlog", [False, True])
def test_a_copy_into_what_it_searches_copies_each_job_once(
    glob: str,
    binlog: bool,
    start_beanstalkd: Callable[..., Beanstalkd],
    open_session: Callable[..., Session],
    tmp_path: Path,
) -> None:
    server = start_beanstalkd(*(["-b", str(tmp_path)] if binlog else []))
    session = open_session(server.address)
    with Client(server.address) as client:
        fill(client, "mail", jobs=40)
    target = "mail" if glob == "mail" else "mail-2"
    run = session.copy(glob, target)
    assert (run.done, run.stopped) == (40, None)
    cut = session.copy(glob, target, rate=40, progress=_cancel)
    assert cut.done == 10
    assert session.resume(cut, rate=1000).done == 70
    assert session.server().current_jobs_ready == 40 + 40 + 80


# -- verify ------------------------------------------------------------------------------------------------------


def _verified(session: Session, run: Run) -> list[tuple[str, str]]:
    _forget(session, run)
    session.journal.verify(run)
    entries = session._context.journal().entries(run.id)
    return [(entry.fate.outcome, (entry.fate.error or "").partition(": ")[2]) for entry in entries]


def test_a_delete_is_verified_where_no_worker_can_have_done_it(session: Session, worker: Client) -> None:
    ids = [fill(worker, "mail", state)[0] for state in ("ready", "delayed", "buried")]
    run = session.delete([*ids, *fill(worker, "mail")])
    (left,) = fill(worker, "mail")
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update actions set job_id = ? where n = 3", (left,))
    found = _verified(session, run)
    assert [outcome for outcome, _ in found] == ["unknown", "done", "done", "failed"]
    assert "a worker's doing" in found[0][1]
    assert found[3][1] == "the job is still ready"
    entry = session._context.journal().entries(run.id)[1]
    assert (entry.fate.error or "").startswith(f"verified by {session.journal.actions().actor.iloc[0]}: ")


def test_a_kick_is_told_from_the_end_of_a_delay_and_from_a_burial_after_it(session: Session, worker: Client) -> None:
    kicked, untouched, again = fill(worker, "mail", "buried", 3)
    (delayed,) = fill(worker, "mail", "delayed")
    run = session.kick([kicked, untouched, again, delayed])
    worker.reserve_job(again)
    worker.bury(again)
    # As if two of the kicks had not been sent, and the delay of one had ended by itself.
    (buried,), (ready,) = fill(worker, "mail", "buried"), fill(worker, "mail")
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update actions set job_id = ? where job_id = ?", (buried, untouched))
        connection.exec_driver_sql("update actions set job_id = ?, time_left = 0 where job_id = ?", (ready, delayed))
    assert _verified(session, run) == [
        ("done", "the job is ready"),
        ("failed", "the job is buried, and no kick ever met it"),
        ("unknown", "the job is buried now, and was changed more than once"),
        ("failed", "the job is ready, and no kick ever met it"),
    ]


def test_a_release_that_was_never_sent_is_told_from_a_kick_by_somebody_else(session: Session, worker: Client) -> None:
    released, kicked = fill(worker, "mail", "buried", 2)
    run = session.release(released)
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update actions set job_id = ?, priority = priority + 1", (kicked,))
        connection.exec_driver_sql("update actions set priority_before = priority")
    worker.kick_job(kicked)
    assert _verified(session, run) == [("failed", "the job is ready, and no release ever met it")]
    assert session.undo(run).done == 0
    assert worker.stats_job(kicked).state == "ready"


def test_what_a_run_settles_while_it_is_verified_stays(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = session.delete(fill(worker, "mail", "buried", 2))
    _forget(session, run)
    look_at = recovery.look_at

    def settled_meanwhile(*asked: Any, **how: Any) -> Any:
        session._context.journal().write(
            run.id, session._context.now(), fates=[(0, Fate("skipped", "no longer available (reserved or deleted)"))]
        )
        return look_at(*asked, **how)

    monkeypatch.setattr(recovery, "look_at", settled_meanwhile)
    assert session.journal.verify(run).done == 1
    assert [row.outcome for row in run.rows] == ["skipped", "done"]


def test_a_move_whose_copy_is_gone_does_not_say_that_it_is_there_twice(session: Session, worker: Client) -> None:
    (id,) = fill(worker, "mail", "buried")
    run = session.copy(id, "post")
    (copy,) = session._context.journal().entries(run.id)
    with session._context.journal()._database.transaction() as connection:  # as if the move had ended before the delete
        connection.exec_driver_sql("update actions set action = 'move'")
    _forget(session, run)
    session._context.journal().write(
        run.id, session._context.now(), fates=[(0, Fate("unknown", "cut off", copy.fate.new_id))]
    )
    worker.delete(copy.fate.new_id or 0)
    assert "was put in its place and no longer exists" in session.journal.verify(run).summary


def test_a_move_whose_job_is_gone_keeps_the_copy_that_is_left(session: Session, worker: Client) -> None:
    """Nobody knows whether the delete or a worker took it; the copy may be the only one."""
    (id,) = fill(worker, "mail")
    run = session.move(id, "post")
    (entry,) = session._context.journal().entries(run.id)
    _forget(session, run)
    cut = Fate("unknown", "cut off", entry.fate.new_id)
    session._context.journal().write(run.id, session._context.now(), fates=[(0, cut)])
    verified = session.journal.verify(run)
    assert verified.unknown == 1
    assert "a worker may have taken it" in verified.summary
    assert session.undo(run).done == 1
    assert [job[:2] for job in population(worker)] == [("mail", "ready")]


def test_a_buried_copy_that_was_kicked_meanwhile_is_not_taken_for_a_failure(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 2)
    for run in (session.move(ids[0], "post"), session.copy(ids[1], "post")):
        (entry,) = session._context.journal().entries(run.id)
        _forget(session, run)
        session._context.journal().write(
            run.id, session._context.now(), fates=[(0, Fate("unknown", "cut off", entry.fate.new_id))]
        )
        worker.kick_job(entry.fate.new_id or 0)
        assert session.journal.verify(run).done == 1
    assert worker.stats_tube("post").current_jobs_ready == 2


def test_lines_of_a_file_are_verified_by_the_jobs_that_were_put_for_them(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    line = {"tube": "mail", "state": "buried", "priority": 1, "ttr": 60, "time_left": 0, "body": "x"}
    file = b"\n".join(json.dumps(line).encode() for _ in range(3))
    with Proxy(beanstalkd.port, fatal=b"reserve-job 2\r\n") as proxy:  # the first is buried, its answer comes
        session = open_session(proxy.address)
        run = session.import_(io.BytesIO(file))
        assert run.unknown == 2
        assert session.journal.verify(run).unknown == 2, "they are delayed, not buried"
        for id in (2, 3):
            worker.reserve_job(id)
            worker.bury(id)
        assert session.journal.verify(run).done == 2
        assert session.import_(io.BytesIO(file)).summary == "import: 0 done, 3 imported before"


def test_what_the_server_cannot_tell_stays_unknown(session: Session, worker: Client) -> None:
    run = session.put(b"x", tube="mail")
    _forget(session, run)
    session._context.journal().write(run.id, session._context.now(), [Intent("put", "mail")], 1)
    assert session.journal.verify(run).unknown == 2
