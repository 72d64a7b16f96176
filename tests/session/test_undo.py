"""Undo gives back what was there, says which it cannot, takes nothing back twice, and can be undone itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.sql.where import PredicateError
from beanops.journal.journal import Journal
from beanops.journal.records import Fate
from beanops.protocol import commands
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.session.conftest import fill, population

STATES = ("ready", "delayed", "buried")
VERBS: dict[str, Callable[[Session, Any, random.Random], Run]] = {
    "kick": lambda session, ids, _: session.kick(ids),
    "bury": lambda session, ids, _: session.bury(ids),
    "bury with a priority": lambda session, ids, dice: session.bury(ids, priority=dice.randrange(2**32)),
    "release": lambda session, ids, _: session.release(ids),
    "release anew": lambda session, ids, dice: session.release(ids, priority=dice.randrange(9), delay=300),
    "delete": lambda session, ids, _: session.delete(ids),
    "move": lambda session, ids, _: session.move(ids, "post"),
    "copy": lambda session, ids, _: session.copy(ids, "post"),
    "put": lambda session, ids, _: session.put(b"new", tube="mail"),
}


def _ids(client: Client) -> list[int]:
    top = client.stats().cmd_put
    found: Any = client.pipeline(map(commands.peek, range(1, top + 1)))
    return [job.id for job in found if not isinstance(job, Exception)]


@pytest.mark.parametrize("verb", VERBS)
def test_undo_gives_the_jobs_back_and_undoing_that_does_it_again(verb: str, session: Session, worker: Client) -> None:
    for state in STATES:
        fill(worker, "mail", state, 3)
    before = population(worker)
    run = VERBS[verb](session, _ids(worker), random.Random(1))
    after = population(worker)
    assert run.done
    undoing = session.undo(run)
    assert (undoing.done, undoing.complete) == (run.done, True), undoing.summary
    assert population(worker) == before
    again = session.undo(undoing)
    assert again.complete, again.summary
    assert population(worker) == after
    assert session.undo(again).complete
    assert population(worker) == before
    # All is taken back by now: nothing must be put, kicked or deleted twice.
    twice = session.undo(run)
    assert twice.done == 0, twice.summary
    assert population(worker) == before


@pytest.mark.parametrize("seed", range(8))
def test_random_actions_taken_back_in_turn_give_the_population_back(
    seed: int, session: Session, worker: Client
) -> None:
    dice = random.Random(seed)
    for tube in ("mail", "sms"):
        for state in STATES:
            fill(worker, tube, state, dice.randrange(4), ttr=dice.randrange(1, 200))
    pictures, runs = [], []
    for _ in range(12):
        pictures.append(population(worker))
        ids = _ids(worker)
        chosen = dice.sample(ids, dice.randrange(len(ids) + 1))
        runs.append(VERBS[dice.choice(list(VERBS))](session, chosen, dice))
    for run, before in zip(reversed(runs), reversed(pictures), strict=True):
        undoing = session.undo(run)
        assert undoing.done == run.done, (run, undoing)
        assert population(worker) == before, (run, undoing)


def test_undo_is_partial_where_the_world_moved_on_and_says_which(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 5)
    run = session.kick(ids)
    worker.reserve_job(ids[0])
    worker.delete(ids[1])
    worker.reserve_job(ids[2])
    worker.release(ids[2], priority=1, delay=50)
    undoing = session.undo(run, reason="INC-42")
    assert (undoing.done, undoing.skipped) == (2, 3)
    reasons = dict(zip(undoing.outcomes.id, undoing.outcomes.error, strict=True))
    assert reasons[ids[0]] == "a worker has reserved it"
    assert reasons[ids[1]] == "it does not exist"
    assert reasons[ids[2]] == "it is delayed now"
    assert worker.stats_job(ids[2]).priority == 1
    assert session.runs.undoes.iloc[0] == run.id
    assert session.runs.reason.iloc[0] == "INC-42"


def test_undo_of_some_by_a_predicate(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 6)
    run = session.delete("mail", state="buried")
    undoing = session.undo(run, where="priority < 102 or body like '%5'")
    assert undoing.done == 3
    assert [job[2] for job in population(worker)] == [100, 101, 105]
    assert session.undo(run).done == 3
    assert session.tube("mail").current_jobs_buried == 6


def test_deletes_map_old_ids_to_new_ones_in_the_journal(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=3)
    undoing = session.undo(session.delete(ids))
    assert set(undoing.outcomes.id) == set(ids)
    assert {worker.stats_job(id).state for id in undoing.outcomes.new_id} == {"ready"}


def test_without_bodies_a_delete_cannot_be_undone_and_says_so(
    open_session: Callable[..., Session], worker: Client
) -> None:
    session = open_session(keep_bodies=False)
    ids = fill(worker, "mail", jobs=2)
    undoing = session.undo(session.delete(ids))
    assert undoing.done == 0
    assert list(undoing.reasons) == ["its body is not in the journal, so it cannot be put again"]


def test_pauses_are_restored_unless_somebody_paused_anew(session: Session, worker: Client) -> None:
    worker.watch("mail")
    worker.pause_tube("mail", 500)
    run = session.pause("mail", 20)
    undoing = session.undo(run)
    assert undoing.done == 1
    (entry,) = session._context.journal().entries(undoing.id)
    assert 18 <= int(entry.intent.time_left or 0) <= 20, "what was left of the pause that it replaced is on record"
    assert 495 <= session.tube("mail").pause <= 500
    run = session.unpause("mail")
    assert session.undo(run).done == 1
    assert 490 <= session.tube("mail").pause <= 500
    run = session.pause("mail", 20)
    worker.pause_tube("mail", 77)
    undoing = session.undo(run)
    assert undoing.reasons == {"it was paused again, for 77 s": (1, "tube mail")}
    assert session.undo(run, dry_run=True).sample == []
    assert session.tube("mail").pause == 77


def _in_turn(worker: Client, tube: str) -> list[bytes]:
    """Return the bodies in the order in which a worker gets them; it gives them back."""
    worker.watch(tube)
    jobs = [worker.reserve(timeout=0) for _ in range(worker.stats_tube(tube).current_jobs_ready)]
    for job in jobs:
        worker.release(job.id)
    return [job.body for job in jobs]


def test_workers_get_what_was_moved_copied_or_put_again_in_its_order(session: Session, worker: Client) -> None:
    worker.use("mail")
    bodies = [b"%d" % n for n in range(40)]
    for body in bodies:
        worker.put(body)
    moved = session.move("mail", "post", rate=100)
    assert _in_turn(worker, "post") == bodies
    session.undo(moved, rate=100)
    assert _in_turn(worker, "mail") == bodies
    session.copy("mail", "copies")
    assert _in_turn(worker, "copies") == bodies
    session.undo(session.delete("mail", state="ready"), rate=100)
    assert _in_turn(worker, "mail") == bodies
    session.undo(session.delete(sorted(session.jobs("mail")["id"])), rate=100)
    assert _in_turn(worker, "mail") == bodies


def test_what_kick_n_did_cannot_be_told_apart(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 3)
    run = session.kick_next("mail", 2)
    would = session.undo(run, dry_run=True)
    assert (would.done, would.skipped, would.commands) == (0, 1, 0)
    undoing = session.undo(run)
    assert (undoing.done, undoing.skipped) == (0, 1)
    assert undoing.summary.endswith(
        "(tube mail: the server chose the jobs that it kicked, and does not report their ids)"
    )
    assert [(row.tube, row.id, row.outcome) for row in undoing.rows] == [("mail", None, "skipped")]


def test_undo_of_a_run_that_was_gone_on_with_names_the_rest(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=60)
    run = session.bury("mail", state="ready", rate=40, progress=lambda run: run.done and run.cancel())
    rest = session.resume(run, rate=1000)
    assert (run.done, rest.done) == (10, 50)
    told = f"run {rest.id} did the rest of it: undo that too"
    assert session.undo(run, dry_run=True).summary == f"undo: 10 would be done; {told}"
    assert session.undo(rest, where="tube = 'sms'").done == 0, "so nothing of it is taken back"
    assert session.undo(run).summary == f"undo: 10 done; {told}"
    assert session.tube("mail").current_jobs_buried == 50
    assert session.undo(rest).summary == "undo: 50 done", "the other part is taken back by now"
    assert session.tube("mail").current_jobs_buried == 0


def test_a_restart_without_the_jobs_keeps_undo_from_their_successors(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], journal: str
) -> None:
    server = start_beanstalkd()
    with Client(server.address) as client:
        ids = fill(client, "mail", "buried", 2)
    run = open_session(server.address).kick(ids)
    # As if it had been an hour ago: what is put now came later.
    record = Journal(journal)
    with record._database.transaction() as connection:
        connection.exec_driver_sql("update actions set time = time - 3600000000")
    record.close()
    server.stop()
    start_beanstalkd(port=server.port)
    with Client(server.address) as client:
        fill(client, "mail", jobs=2)
        undoing = open_session(server.address).undo(run)
        assert (undoing.done, undoing.skipped) == (0, 2)
        assert "reused by another job" in undoing.summary
        assert client.stats().current_jobs_ready == 2


def test_undo_goes_through_its_pages_without_loss(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=2300)
    before = population(worker)
    run = session.delete(ids)
    assert session.undo(run).done == 2300
    assert population(worker) == before


def test_an_undo_keeps_a_rate_is_foretold_and_can_be_cancelled_and_asked_for_again(
    session: Session, worker: Client
) -> None:
    run = session.delete(fill(worker, "mail", jobs=12))
    told = session.undo(run, dry_run=True)
    assert (told.dry, told.done, told.summary) == (True, 12, "undo: 12 would be done")
    assert population(worker) == []
    cancelled = session.undo(run, rate=16, progress=lambda run: run.done and run.cancel())
    assert (cancelled.done, cancelled.stopped) == (4, "cancelled")
    assert session.undo(run).done == 8
    assert [job[2] for job in population(worker)] == [*range(100, 112)]


def test_two_undos_of_the_same_run_at_once_put_no_job_twice(
    open_session: Callable[..., Session], worker: Client
) -> None:
    session, colleague = open_session(), open_session()
    ids = fill(worker, "mail", jobs=30)
    before = population(worker)
    deleted = session.delete(ids)
    other: list[Run] = []

    def meanwhile(run: Run) -> None:
        if run.done and not other:
            other.append(colleague.undo(deleted))

    run = session.undo(deleted, rate=40.0, progress=meanwhile)
    assert run.done == 10
    assert run.stopped == f"run {other[0].id} is undoing the same run: undo again when it has ended"
    assert other[0].done == 20
    assert population(worker) == before
    assert session.undo(deleted).done == 0


def _as_if_cut(session: Session, run: Run) -> None:
    """Forget what became of a run, as if the connection had broken."""
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("delete from outcomes where run = ?", (run.id,))


def test_what_is_unknown_is_not_taken_back_before_it_is_verified_and_says_so(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 4)
    before = population(worker)
    run = session.delete(ids)
    _as_if_cut(session, run)
    undoing = session.undo(run)
    assert (undoing.done, undoing.skipped) == (0, 4)
    assert undoing.reasons == {"its outcome is unknown: verify the run first": (4, f"job {ids[0]}")}
    assert session.journal.verify(run).done == 4
    assert session.undo(run).done == 4
    assert population(worker) == before


def test_a_delete_that_nobody_can_verify_is_taken_back_when_that_is_asked_for(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=3)
    before = population(worker)
    run = session.delete(ids[:2])
    _as_if_cut(session, run)
    assert session.journal.verify(run).unknown == 2, "a worker may have done them"
    undoing = session.undo(run)
    assert undoing.done == 0
    assert "a worker's doing, or a restart's; look, then undo with repeat unknown" in undoing.summary
    assert session.undo(run, repeat="unknown").done == 2
    assert population(worker) == before


def test_what_the_server_cannot_tell_is_not_to_be_verified_once_more(session: Session, worker: Client) -> None:
    run = session.put(b"x", tube="mail")
    _as_if_cut(session, run)
    undoing = session.undo(run)
    assert undoing.reasons == {"its outcome is unknown: verify the run first": (1, "a job")}
    assert [row.id for row in undoing.rows] == [None]
    session.journal.verify(run)
    summary = session.undo(run).summary
    assert "the server does not know the outcome of the put" in summary
    assert "verify the run" not in summary


def test_an_undo_that_was_cut_off_is_finished_by_another(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=3)
    run = session.bury(ids)
    undoing = session.undo(run)
    worker.reserve_job(ids[2])
    worker.bury(ids[2], priority=worker.stats_job(ids[2]).priority)
    _as_if_cut(session, undoing)  # two were kicked, one was not
    again = session.undo(run)
    assert (again.done, again.skipped) == (1, 2), "a kick by id is safe to repeat"
    assert again.reasons == {"it is ready now": (2, f"job {ids[0]}")}
    deleted = session.delete(ids)
    undoing = session.undo(deleted)
    _as_if_cut(session, undoing)
    assert f"run {undoing.id} may have put it" in session.undo(deleted).summary, "a put is not"
    assert len(population(worker)) == 3


@pytest.mark.parametrize("outcome", ["unknown", "failed"])
def test_what_an_undo_left_half_put_is_not_put_once_more_before_that_is_undone(
    outcome: str, session: Session, worker: Client
) -> None:
    run = session.delete(fill(worker, "mail", "buried"))
    undoing = session.undo(run)
    (entry,) = session._context.journal().entries(undoing.id)
    _as_if_cut(session, undoing)
    session._context.journal().write(
        undoing.id, session._context.now(), fates=[(0, Fate(outcome, "cut off", entry.fate.new_id))]
    )
    twice = session.undo(run, repeat="unknown")
    assert (twice.done, twice.skipped) == (0, 1)
    assert f"put it as job {entry.fate.new_id}, and the outcome is {outcome}" in twice.summary
    assert session.undo(undoing).done == 1
    assert session.undo(run).done == 1
    assert [job[:2] for job in population(worker)] == [("mail", "buried")]


def test_a_predicate_leaves_alone_what_it_cannot_tell(session: Session, worker: Client) -> None:
    bodies = [b'{"user":1}', b'{"user":1,"user":2}', b'{"user":1,"ke', b'{"keep":1}']
    for body in bodies:
        worker.put(body, tube="mail")
    run = session.delete("mail", state="ready")
    for where, done in (("data->>'$.keep' is null", 1), ("not (data->>'$.keep' is null)", 1)):
        undoing = session.undo(run, where=where, dry_run=True)
        assert (undoing.done, undoing.skipped, undoing.complete) == (done, 2, False)
        assert "its body is not in the journal or was not decoded, and the predicate reads it" in undoing.summary
    undoing = session.undo(run, where="not (data->>'$.keep' is null)")
    assert [worker.peek(id).body for id in undoing.outcomes.new_id.dropna()] == [b'{"keep":1}']
    assert session.undo(run, where="body like '%user%'").done == 3
    kicked = session.bury(session.jobs("mail"))
    assert session.undo(kicked, where="body is not null").skipped == 4
    with pytest.raises(PredicateError, match="age of jobs before the run is not in the journal"):
        session.undo(run, where="not (age > interval 1 hour)")


def test_a_pause_is_given_back_as_it_would_be_by_now(open_session: Callable[..., Session], worker: Client) -> None:
    now = [datetime(2026, 1, 2, tzinfo=UTC)]
    session = open_session(clock=lambda: now[0])
    worker.watch("mail")
    worker.pause_tube("mail", 500)
    run = session.unpause("mail")
    now[0] += timedelta(seconds=200)
    assert session.undo(run, where="tube = 'sms'").done == 0
    assert session.undo(run).done == 1
    assert 295 <= session.tube("mail").pause <= 300
