"""Each verb on the real server: what it does, what it leaves alone and why, and what it says of both."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from beanops.client.sync import Client
from beanops.embedded import serve
from beanops.embedded.process import Beanstalkd
from beanops.jobs.tube_names import UnknownTubeWarning
from beanops.journal.records import Refused
from beanops.protocol.errors import ArgumentError, NotFound, TimedOut, UsageError
from beanops.session.connect import connect
from beanops.session.execution import pause_guard, targets
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import MOVE, VERBS, Order
from beanops.session.session import Session
from tests.session.conftest import fill, population


def test_a_kick_tells_done_gone_taken_and_wrong_state(session: Session, worker: Client) -> None:
    buried, (ready,) = fill(worker, "mail", "buried", 2), fill(worker, "mail")
    (taken,) = fill(worker, "mail", "buried")
    worker.reserve_job(taken)
    run = session.kick([*buried, ready, taken, 99])
    assert (run.done, run.skipped, run.failed, run.unknown) == (2, 3, 0, 0)
    assert list(run.outcomes.outcome) == ["done", "done", "skipped", "skipped", "skipped"]
    assert list(run.outcomes.error[2:]) == [
        "it is ready; kick takes buried or delayed jobs", "a worker has reserved it", "it does not exist",
    ]  # fmt: skip
    assert run.summary.startswith("kick: 2 done, 3 skipped (job ")
    assert run.ids == buried
    assert [worker.stats_job(id).state for id in buried] == ["ready", "ready"]


def test_a_run_is_shown_escaped(session: Session, worker: Client) -> None:
    run = session.kick(99)
    run.reasons["<script>alert(1)</script>\x1b[31m"] = (1, "job 5")
    html = run._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html
    assert run.id in html


def test_kicking_so_many_of_a_tube_never_goes_on_to_its_delayed_jobs(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 1100)
    fill(worker, "mail", "delayed", 50)
    run = session.kick_next("mail", 5000)
    assert run.done == 1100
    stats = session.tube("mail")
    assert (stats.current_jobs_ready, stats.current_jobs_delayed) == (1100, 50)


@pytest.mark.parametrize(("meant", "others"), [("buried", "delayed"), ("delayed", "buried")])
def test_nor_when_somebody_else_acts_between_two_of_its_commands(
    meant: str, others: str, session: Session, worker: Client
) -> None:
    fill(worker, "mail", meant, 2500)

    def meanwhile(run: Run) -> None:
        if run.done == 1000:
            fill(worker, "mail", others, 1500)
            if meant == "buried":
                session._through("other").kick_next("mail", 1500)

    assert session.kick_next("mail", 5000, progress=meanwhile).done == 1000
    assert getattr(session.tube("mail"), f"current_jobs_{others}") == 1500


def test_kicking_so_many_takes_delayed_jobs_when_none_is_buried(session: Session, worker: Client) -> None:
    fill(worker, "mail", "delayed", 3)
    assert session.kick_next("mail", 2).done == 2
    assert session.tube("mail").current_jobs_delayed == 1


@pytest.mark.parametrize("verb", ["kick", "bury", "release", "delete", "move", "copy", "export"])
def test_passing_a_default_changes_nothing(verb: str, session: Session, worker: Client, tmp_path: Path) -> None:
    for state in ("ready", "delayed", "buried"):
        fill(worker, "mail", state, 4)
    settings: dict[str, Any] = {"move": {"to": "post"}, "copy": {"to": "post"}}.get(verb, {})
    act: Any = getattr(session, verb)
    if verb == "export":
        act = partial(session.export, tmp_path / "jobs.jsonl")
    defaults: dict[str, Any] = {"where": None, "rate": None, "reason": None, "progress": None}
    for which in ({"limit": 3}, {"state": "buried"}, {"state": "buried", "limit": 2}, {"where": "id > 2", "limit": 3}):
        if verb == "delete" and which.keys() == {"limit"}:
            continue  # it must name the jobs
        one = act("mail", **settings, **which, dry_run=True)
        for more in ({"state": None}, {"order": None}, {"limit": None}, defaults):
            other = act("mail", **settings, **(more | which), dry_run=True)
            assert (one.ids, one.summary) == (other.ids, other.summary), (which, more)


def test_a_limit_does_not_leave_the_choice_to_the_server(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 4)
    run = session.kick("mail", limit=2)
    assert sorted(run.ids) == ids[:2]
    assert session.undo(run).done == 2


def test_states_may_come_one_by_one_and_none_at_all_is_no_choice(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 2)
    ready = fill(worker, "mail", jobs=2)
    assert session.delete("mail", state=(state for state in ["ready"])).ids == ready
    assert session.tube("mail").current_jobs_buried == 2
    for verb in (session.kick, session.bury, session.release):
        with pytest.raises(ArgumentError, match="state"):
            verb("mail", state=[])
    assert session.tube("mail").current_jobs_buried == 2


def test_ids_may_come_one_by_one_and_are_on_record(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=2)
    run = session.delete(id for id in ids)
    assert run.done == 2
    assert session._context.journal().run(run.id).request["ids"] == ids


def test_bury_keeps_each_priority_and_sets_one_also_of_buried_jobs(session: Session, worker: Client) -> None:
    ids = [*fill(worker, "mail", jobs=2), *fill(worker, "mail", "delayed")]
    assert session.bury(ids).done == 3
    assert [worker.stats_job(id).priority for id in ids] == [100, 101, 100]
    assert session.bury(ids).skipped == 3
    assert session.bury(ids, priority=7).done == 3
    assert {(stats.state, stats.priority) for stats in map(worker.stats_job, ids)} == {("buried", 7)}


def test_release_changes_priority_and_delay_of_jobs_in_any_state(session: Session, worker: Client) -> None:
    ids = [fill(worker, "mail", state)[0] for state in ("ready", "delayed", "buried")]
    assert session.release(ids, priority=3).done == 3
    assert {(stats.state, stats.priority) for stats in map(worker.stats_job, ids)} == {("ready", 3)}
    assert session.release(ids, delay=500).done == 3
    assert {(stats.state, stats.priority, stats.delay) for stats in map(worker.stats_job, ids)} == {("delayed", 3, 500)}


@pytest.mark.parametrize("state", ["ready", "delayed", "buried"])
def test_move_keeps_everything_but_the_id(state: str, session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", state, 250)
    before = population(worker)
    run = session.move("mail", "post")
    assert run.complete, run.summary
    assert [("mail", *job[1:]) for job in population(worker)] == before
    assert session.tube("post").total_jobs == 250
    assert set(run.outcomes.id) == set(ids)
    assert run.outcomes.new_id.min() > max(ids)
    if state == "delayed":
        assert all(990 < worker.stats_job(id).time_left <= 1000 for id in run.outcomes.new_id[:3])


@pytest.mark.parametrize("state", ["ready", "delayed", "buried"])
def test_copy_to_a_tube_and_to_another_server(
    state: str, session: Session, worker: Client, start_beanstalkd: Callable[..., Beanstalkd],
    open_session: Callable[..., Session],
) -> None:  # fmt: skip
    fill(worker, "mail", state, 3)
    before = population(worker)
    assert session.copy("mail", "again").done == 3
    assert population(worker) == sorted(before + [("again", *job[1:]) for job in before])
    other = start_beanstalkd()
    there = open_session(other.address)
    run = session.copy("mail", server=there)
    assert run.done == 3
    with Client(other.address) as client:
        assert population(client) == before
    assert there._context.looking().list_tube_used() == "default"
    # The new ids are the other server's: taking it back here would delete other jobs.
    with pytest.raises(UsageError, match=other.address):
        session.undo(run)
    assert there.undo(run).done == 3
    with Client(other.address) as client:
        assert population(client) == []


def test_delete_of_a_tube_needs_to_be_told_which_jobs(session: Session, worker: Client) -> None:
    fill(worker, "mail")
    for empty in ({}, {"state": ""}, {"state": []}):
        with pytest.raises(UsageError, match="is missing the jobs: pass state, where or group"):
            session.delete("mail", **empty)
    with pytest.raises(ArgumentError, match="state"):
        session.drain("mail", state="burried")
    assert session.tube("mail").current_jobs_ready == 1


def test_drain_deletes_the_named_states_and_no_others(session: Session, worker: Client) -> None:
    for state in ("ready", "delayed", "buried"):
        fill(worker, "mail", state, 5)
        fill(worker, "mail-2", state, 5)
    run = session.drain("mail", state=["buried", "delayed"])
    assert run.summary == "drain: 10 done"
    assert set(session.actions["action"]) == {"delete"}
    assert list(session.journal.runs(action="drain")["run"]) == [run.id]
    stats = session.tube("mail")
    assert (stats.current_jobs_ready, stats.current_jobs_delayed, stats.current_jobs_buried) == (5, 0, 0)
    assert session.tube("mail-2").current_jobs_buried == 5


def test_a_frame_and_a_limit_and_states_and_predicates_choose(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 10)
    frame = session.jobs("mail")
    worker.kick_job(ids[0])
    run = session.delete(frame, state="buried")
    assert (run.done, run.skipped) == (9, 1)
    assert run.reasons == {"it is ready now": (1, f"job {ids[0]}")}
    ids = fill(worker, "mail", "buried", 10)
    assert session.kick("mail", where="priority >= 105", limit=3).done == 3
    assert session.kick(ids[:2], limit=1).done == 1
    assert session.tube("mail").current_jobs_buried == 6


def test_a_frame_from_before_a_restart_does_not_mean_the_new_jobs(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    first = start_beanstalkd()
    with Client(first.address) as client:
        fill(client, "mail", "buried", 3)
    session = open_session(first.address)
    frame, found = session.jobs("mail"), list(session._lookups.jobs_by_id([1, 2, 3]))
    frame["created"] -= pd.Timedelta(minutes=1)  # as after a while
    first.stop()
    start_beanstalkd(port=first.port)
    with pytest.raises(Refused, match="was restarted"):
        session.delete(frame)
    with Client(first.address) as client:
        fill(client, "mail", jobs=2)
        fill(client, "other")
        run = session.delete(frame)
        assert (run.done, run.skipped) == (0, 3), run.summary
        assert "reused by another job" in run.summary
        assert session.delete(found[2:]).skipped == 1
        assert client.stats().current_jobs_ready == 3


@pytest.mark.parametrize("where", [None, "priority >= 0"])
def test_a_predicate_keeps_the_protection_of_what_was_picked(
    where: str | None, session: Session, worker: Client
) -> None:
    ids = fill(worker, "mail", "buried", 3)
    frame = session.jobs("mail")
    frame.loc[frame.id == ids[0], "tube"] = "sms"
    frame.loc[frame.id == ids[1], "instance"] = "another"
    run = session.delete(frame, where=where)
    assert (run.done, run.skipped) == (1, 2)
    assert {worker.stats_job(id).state for id in ids[:2]} == {"buried"}
    assert list(run.reasons) == ["id was reused by another job"]


@pytest.mark.parametrize("where", [None, "priority >= 0"])
def test_batches_of_large_bodies_are_cut_by_their_bytes(where: str | None, session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=150, body=b"x" * 65_000)
    seen: list[int] = []
    run = session.delete(ids, where=where, progress=lambda run: seen.append(run.done))
    assert run.done == 150
    assert max(later - before for before, later in pairwise(seen)) == 65
    seen.clear()
    assert session.undo(run, progress=lambda run: seen.append(run.done)).done == 150
    assert max(later - before for before, later in pairwise(seen)) <= 65


def test_no_batch_holds_more_moves_than_a_server_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "BATCH", 10)
    monkeypatch.setattr(targets, "_HELD_BATCH", 3)
    mixed = [Order(verb, id, None) for id, verb in enumerate([*[VERBS["delete"]] * 12, *[MOVE] * 8])]
    batches = list(targets.in_batches(iter(mixed), None))
    assert [order.id for batch in batches for order in batch] == [*range(20)]
    assert max(len(batch) for batch in batches) == 10
    assert max(sum(order.verb is MOVE for order in batch) for batch in batches) == 3


def test_a_delete_while_workers_take_jobs_skips_what_they_took(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=2500)
    seen: list[int] = []

    def take_some(run: object) -> None:
        worker.watch("mail")
        with suppress(TimedOut):
            seen.extend(worker.reserve(0).id for _ in range(5))

    run = session.delete(ids, progress=take_some)
    assert run.done + run.skipped == 2500
    assert run.skipped == len([id for id in seen if id in ids and id not in run.ids])
    assert run.failed == run.unknown == 0
    assert run.stopped is None
    assert {worker.stats_job(id).state for id in seen} == {"reserved"}


def test_a_dry_run_tells_count_sample_and_cost_and_does_nothing(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 12)
    worker.watch("post")
    before = worker.stats()
    run = session.move("mail", "post", dry_run=True)
    assert (run.done, run.summary) == (12, "move: 12 would be done")
    assert [intent.job_id for intent in run.sample] == ids[:10]
    assert "84 commands" in run.cost
    assert "post" in run.cost  # is paused meanwhile
    after = worker.stats()
    assert (after.cmd_put, after.cmd_delete, after.cmd_pause_tube) == (before.cmd_put, before.cmd_delete, 0)
    assert session.runs.empty
    assert session.kick_next("mail", 5, dry_run=True).done == 5


def test_a_watched_tube_is_paused_while_its_buried_jobs_are_reserved(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 3)
    session.bury(ids, priority=5)
    assert list(session.runs.action) == ["bury"]  # nobody watches it
    worker.watch("mail")
    worker.pause_tube("mail", 100)
    session.bury(ids, priority=6)
    assert list(session.runs.action) == ["pause", "pause", "bury", "bury"]
    assert "reserves buried jobs" in session.runs.reason.iloc[0]
    stats = session.tube("mail")
    assert 95 <= stats.pause <= 100
    assert session.bury(ids, priority=8).complete


def test_what_others_do_to_a_pause_during_a_run_stays(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 1500)
    worker.watch("mail")
    run = session.bury(ids, priority=5, progress=lambda run: run.done and worker.pause_tube("mail", 3600))
    assert run.complete
    assert session.tube("mail").pause == 3600


def test_a_pause_is_looked_at_again_during_a_run(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 2500)
    seen = []

    def meanwhile(run: Run) -> None:
        seen.append(session.tube("mail").pause)
        match run.done:
            case 0:
                worker.watch("mail")  # nobody did when it began
                worker.pause_tube("mail", pause_guard.PAUSE)  # as another run does
            case 1000:
                worker.pause_tube("mail", 0)  # which has ended

    assert session.bury(ids, priority=5, progress=meanwhile).complete
    assert seen == [0, pause_guard.PAUSE, pause_guard.PAUSE, pause_guard.PAUSE]
    assert session.tube("mail").pause == 0
    assert list(session.runs.action) == ["unpause", "pause", "bury"], "the first batch had the other run's pause"


def test_a_pause_of_before_has_run_on_meanwhile(open_session: Callable[..., Session], worker: Client) -> None:
    now = [datetime(2026, 1, 2, tzinfo=UTC)]
    session = open_session(clock=lambda: now[0])
    ids = fill(worker, "mail", "buried", 2)
    worker.watch("mail")
    worker.pause_tube("mail", 100)

    def later(run: Run) -> None:
        if run.done:
            now[0] += timedelta(seconds=60)

    assert session.bury(ids, priority=5, progress=later).complete
    assert 35 <= session.tube("mail").pause <= 40


def test_a_rate_holds_and_looks_again_at_what_waited(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 18)
    kicked_meanwhile: list[int] = []

    def meanwhile(run: Run) -> None:
        if run.done and not kicked_meanwhile:
            worker.kick_job(ids[-1])  # of the last batch, which is not looked up yet
            kicked_meanwhile.append(ids[-1])

    started = time.monotonic()
    run = session.delete("mail", state="buried", rate=24, progress=meanwhile)
    assert time.monotonic() - started >= 0.4
    assert (run.done, run.skipped) == (17, 1), run.summary
    assert worker.stats_job(kicked_meanwhile[0]).state == "ready"
    for rate in (0, float("inf")):
        with pytest.raises(ArgumentError, match="rate"):
            session.kick("mail", rate=rate)


def test_what_a_session_holds_is_acted_on_and_touched(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=5)
    held = [session.reserve("mail") for _ in range(5)]
    assert session.touch([job.id for job in held]).done == 5
    assert session.kick(held[0].id).reasons.popitem()[0].startswith("this session has reserved it")
    assert session.move(held[0].id, "post").done == 1
    assert session.bury(held[1].id).done == 1
    assert session.release(held[2].id, delay=9).done == 1
    assert session.delete(held[3].id).done == 1
    assert session.held == {held[4].id}
    assert session.touch(99).skipped == 1
    assert [job[:2] for job in population(worker)] == [
        ("mail", "buried"), ("mail", "delayed"), ("mail", "reserved"), ("post", "ready"),
    ]  # fmt: skip


def test_a_slip_in_an_option_acts_on_nothing(session: Session, worker: Client, tmp_path: Path) -> None:
    fill(worker, "mail", jobs=3)
    acts: list[Callable[..., Run]] = [
        partial(session.kick_next, "mail", 2),
        partial(session.bury, "mail"),
        partial(session.delete, "mail", state="ready"),
        partial(session.move, "mail", "post"),
        partial(session.export, tmp_path / "file"),
        partial(session.import_, tmp_path / "file"),
    ]
    for act in acts:
        with pytest.raises(TypeError, match="dryrun"):
            act(dryrun=True)
    assert session.tube("mail").current_jobs_ready == 3
    assert session.actions.empty
    assert not list(tmp_path.iterdir())


def test_put_pause_and_resume(session: Session, worker: Client) -> None:
    (id,) = session.put(b"hello\x00", tube="mail", priority=5, delay=0, ttr=7).ids
    assert worker.peek(id).body == b"hello\x00"
    assert session.pause("mail", 60).done == 1
    assert session.tube("mail").pause == 60
    assert session.unpause("mail").done == 1
    assert session.tube("mail").pause == 0


def test_a_verb_tells_a_slip_in_a_tube(session: Session, worker: Client, tmp_path: Path) -> None:
    fill(worker, "mail")
    acts: list[Callable[[str], object]] = [
        session.kick, session.bury, session.release, session.next_jobs, session.tube, session.reserve, session.unpause,
        lambda tube: session.kick_next(tube, 1), lambda tube: session.delete(tube, state="ready"),
        lambda tube: session.drain(tube, state="ready"), lambda tube: session.move(tube, "new"),
        lambda tube: session.copy(tube, "new"), lambda tube: session.pause(tube, 9), session.__getitem__,
        lambda tube: session.export(tmp_path / "new", tube), lambda tube: session.kick(tube, dry_run=True),
    ]  # fmt: skip
    for act in acts:
        for named in ("mial", "Mail", "mails"):
            with pytest.raises(NotFound) as caught:
                act(named)
            assert str(caught.value) == f"no tube '{named}'; did you mean 'mail'?"
    for act in (session.kick, lambda glob: session.export(tmp_path / "new", glob)):
        with pytest.raises(NotFound, match=r"^no tube matches ma\.\*$"):
            act("ma.*")
    assert session.actions.empty
    assert [tube.name for tube in session._lookups.tube_stats()] == ["default", "mail"]
    assert list(tmp_path.glob("new")) == []


def test_a_look_into_a_tube_that_does_not_exist_says_so(session: Session, worker: Client) -> None:
    fill(worker, "mail")
    worker.watch("empty")
    with pytest.warns(UnknownTubeWarning, match=r"^no tube 'mial'; did you mean 'mail'\?$") as warned:
        assert session.jobs("mial").attrs["verdict"] == "complete: 0 found; no tube 'mial'; did you mean 'mail'?"
    assert [warning.filename for warning in warned] == [__file__], "it points at the line of the caller"
    with pytest.warns(UnknownTubeWarning):
        assert session.jobs("mial", where="id > 0", order="-age").attrs["verdict"].endswith("did you mean 'mail'?")
    with pytest.warns(UnknownTubeWarning):
        verdict = session.sql("select 1 from jobs", "nowhere").attrs["verdict"]
    assert verdict.startswith("complete: 0 found; no tube 'now")
    with pytest.warns(UnknownTubeWarning):
        assert session.jobs("ma.*").attrs["verdict"] == "complete: 0 found; no tube matches ma.*"
    for tube in ("empty", "mail", "ma*"):
        assert "no tube" not in session.jobs(tube, state="buried").attrs["verdict"]
    assert [tube.name for tube in session._lookups.tube_stats()] == ["default", "mail", "empty"]


def test_read_only_is_refused_below_every_face(open_session: Callable[..., Session], worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 2)
    before, session = population(worker), open_session(read_only=True)
    acts: list[Callable[[], object]] = [
        lambda: session.kick(ids), lambda: session.kick_next("mail", 1), lambda: session.bury(ids),
        lambda: session.release(ids), lambda: session.delete(ids), lambda: session.drain("mail", state="buried"),
        lambda: session.move(ids, "b"), lambda: session.copy(ids, "b"), lambda: session.touch(ids),
        lambda: session.put(b"", tube="mail"), lambda: session.pause("mail", 1), lambda: session.unpause("mail"),
        lambda: session.reserve("mail"), lambda: session.scan(probe=True),
        lambda: open_session().copy(ids, server=session),
        lambda: session._through("tui").delete(ids),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(Refused, match="read-only"):
            act()
    assert session.kick(ids, dry_run=True).done == 2
    assert population(worker) == before
    assert session.runs.empty


@pytest.mark.parametrize(
    "facts", [{"tube": "mail"}, {"instance": "another"}, {"digest": "b2-0000000000000000"}, {"created": "2026-01-01"}]
)
def test_an_id_whose_facts_do_not_agree_is_left_alone(facts: dict[str, str], session: Session, worker: Client) -> None:
    (id,) = fill(worker, "billing", "buried", 1)
    run = session.delete({"id": id, "body": "buried 0"} | facts)
    assert (run.done, run.skipped) == (0, 1)
    assert run.reasons == {"id was reused by another job": (1, f"job {id}")}
    assert session.delete({"id": id, "body": "buried 0", "tube": "billing"}).done == 1


def test_a_drain_leaves_nothing_where_statistics_are_kept(journal: str) -> None:
    """The server answers `stats` from a cache: it does not yet count the job that was put last."""
    with serve(stats_kept=0.3) as address, Client(address) as client, connect(address, journal=journal) as session:
        for _ in range(3):
            client.stats()
            fill(client, "mail", jobs=3)
            run = session.delete("mail", state="ready")
            assert (run.done, run.complete) == (3, True)
            assert client.list_tubes() == ["default"]


def test_a_job_that_cannot_be_put_elsewhere_is_left_as_it_was(
    session: Session, worker: Client, beanstalkd: Beanstalkd
) -> None:
    (reserved,) = fill(worker, "mail", priority=1)
    (ready,) = fill(worker, "mail", priority=7)
    with session.reserve("mail") as job:
        assert job.id == reserved
        os.kill(beanstalkd.pid, signal.SIGUSR1)  # it accepts no more jobs
        assert session.move([ready, reserved], "post").failed == 2
        assert session.held == frozenset({reserved})
        assert worker.stats_job(reserved).state == "reserved"
        stats = worker.stats_job(ready)
        assert (stats.state, stats.tube, stats.priority) == ("ready", "mail", 7)


@pytest.mark.parametrize(("reasons", "more"), [(2, ""), (3, "; and 1 other reason"), (4, "; and 2 other reasons")])
def test_a_summary_has_the_two_most_frequent_reasons(reasons: int, more: str) -> None:
    run = Run("", "kick", list)
    for n in range(1, reasons + 1):
        for _ in range(n):
            run.count("skipped", f"reason {n}", about=f"job {n}")
    assert run.summary.endswith(f"{more})")
    assert f"({reasons} times, first job {reasons}: reason {reasons}; " in run.summary
