"""Servers up to 1.11 cannot reserve a job by its id: what goes another way, and what is refused before it is done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.jobs.read import FoundJob, read_jobs
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError, NotFound, TimedOut, UsageError
from beanops.protocol.limits import U32_MAX
from beanops.session.execution import executor, targets
from beanops.session.execution.conversation import Ask
from beanops.session.execution.run import Run
from beanops.session.old_servers import substitutes
from beanops.session.session import Session
from tests.waits import PATIENCE


@pytest.fixture(params=["1.10", "1.11"])
def beanstalkd(request: pytest.FixtureRequest, start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server without `reserve-job`."""
    return start_beanstalkd(dialect=request.param)


def ready(client: Client, count: int = 1, tube: str = "mail", **settings: Any) -> list[int]:
    return [client.put(b"ready %d" % n, tube=tube, **settings) for n in range(count)]


def buried(client: Client, count: int = 1, tube: str = "mail", delay: int = 0, priority: int = 9) -> list[int]:
    """Bury jobs as a worker does, and watch nothing afterwards."""
    ids = []
    client.watch(tube)
    for n in range(count):
        id = client.put(b"buried %d" % n, tube=tube, delay=delay, priority=priority)
        if delay:
            client.kick_job(id)
        assert client.reserve(0).id == id
        client.bury(id, priority=priority)
        ids.append(id)
    client.watch("default")
    client.ignore(tube)
    return ids


def facts(client: Client, id: int | None) -> tuple[str, str, int, int]:
    stats = client.stats_job(id or 0)
    return stats.tube, stats.state, stats.priority, stats.delay


def new_ids(run: Run) -> list[int]:
    return [row.new_id or 0 for row in run.rows]


@pytest.fixture
def watching(beanstalkd: Beanstalkd) -> Iterator[Client]:
    """Connect a worker that watches the tubes, and takes nothing."""
    with Client(beanstalkd.address) as client:
        for tube in ("mail", "post"):
            client.watch(tube)
        yield client


@pytest.mark.parametrize("delay", [0, 5, 1000, U32_MAX])
def test_a_ready_job_is_moved_by_record(delay: int, session: Session, worker: Client, watching: Client) -> None:
    (id,) = ready(worker, delay=delay, priority=7, ttr=33)
    if delay:
        worker.kick_job(id)
    run = session.move(id, "post", reason="why")
    assert run.complete
    (new,) = new_ids(run)
    assert facts(worker, new) == ("post", "ready", 7, delay)
    assert (worker.stats_job(new).ttr, worker.peek(new).body) == (33, b"ready 0")
    with pytest.raises(NotFound):
        worker.stats_job(id)
    assert session.server().current_jobs_delayed == 0
    assert session._context.journal().entries(run.id, bodies=True)[0].intent.body == b"ready 0"
    undone = session.undo(run)
    assert facts(worker, new_ids(undone)[0]) == ("mail", "ready", 7, delay)
    assert watching.reserve(0).body == b"ready 0"


def test_a_ready_job_gets_another_priority_and_delay(session: Session, worker: Client) -> None:
    first, second, third = ready(worker, 3, priority=7)
    run = session.release([first], priority=1)
    assert facts(worker, new_ids(run)[0]) == ("mail", "ready", 1, 0)
    later = session.release([second, third], delay=1000)
    assert [facts(worker, id) for id in new_ids(later)] == [("mail", "delayed", 7, 1000)] * 2
    assert session.release(new_ids(run)).skipped == 1, "it is ready, and stays what it is"
    assert session.undo(run).complete
    assert session.undo(later).complete
    assert [facts(worker, id)[:3] for id in new_ids(later)] == [("mail", "ready", 7)] * 2, "kicked, with their ids"


def test_a_body_that_another_server_process_gave_is_not_put(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = ready(worker)

    def after_a_restart(client: Client, ids: list[int]) -> Iterator[FoundJob | None]:
        return (job and job._replace(body=b"another", instance="after") for job in read_jobs(client, ids))

    with monkeypatch.context() as patched:
        patched.setattr(substitutes, "read_jobs", after_a_restart)
        run = session.release(id, priority=3)
    assert (run.done, run.skipped) == (0, 1)
    assert worker.peek(id).body == b"ready 0"
    assert session.server().current_jobs_ready == 1
    assert session.release(id, priority=3).complete


def test_a_delayed_or_buried_job_is_released(session: Session, worker: Client) -> None:
    (delayed,) = ready(worker, delay=1000)
    (at_rest,) = buried(worker, tube="post")
    assert session.release([delayed, at_rest]).complete
    assert [worker.stats_job(id).state for id in (delayed, at_rest)] == ["ready", "ready"], "with the ids they had"
    (other,) = buried(worker, tube="other")
    (new,) = new_ids(session.release(other, priority=3, delay=90))
    assert facts(worker, new) == ("other", "delayed", 3, 90)


@pytest.mark.parametrize("delay", [0, 5, 1000])
def test_a_buried_job_is_put_again_as_such_where_nobody_watches(
    delay: int, session: Session, worker: Client, tmp_path: Path
) -> None:
    ids = buried(worker, 3, delay=delay)
    bystanders = ready(worker, 30, priority=0, delay=0)
    run = session.delete(ids)
    back = session.undo(run)
    assert (back.done, back.complete) == (3, True)
    assert [facts(worker, id) for id in new_ids(back)] == [("mail", "buried", 9, delay)] * 3
    moved = session.move(new_ids(back), "post")
    assert [facts(worker, id) for id in new_ids(moved)] == [("post", "buried", 9, delay)] * 3
    copied = session.copy(new_ids(moved), "third")
    assert [facts(worker, id) for id in new_ids(copied)] == [("third", "buried", 9, delay)] * 3
    assert session.export(tmp_path / "file", "third", delete=True).done == 3
    imported = session.import_(tmp_path / "file")
    assert [facts(worker, id) for id in new_ids(imported)] == [("third", "buried", 9, delay)] * 3
    assert [worker.stats_job(id).state for id in bystanders] == ["ready"] * 30
    assert session.server().current_jobs_reserved == 0


def test_jobs_are_buried_where_nobody_watches(session: Session, worker: Client) -> None:
    ids = ready(worker, 40)
    (delayed,) = ready(worker, delay=1000, priority=2)
    before = [worker.stats_job(id).delay for id in ids]
    run = session.bury([ids[35], delayed, ids[3]])
    assert run.complete
    assert [worker.stats_job(id).state for id in (ids[35], delayed, ids[3])] == ["buried"] * 3
    assert worker.stats_job(delayed).delay == 1000
    assert session.server().current_jobs_ready == 38
    assert [worker.stats_job(id).delay for id in ids] == before
    assert session.bury(ids[35], priority=1).complete
    assert facts(worker, ids[35]) == ("mail", "buried", 1, 0)
    kicked = session.kick([delayed])
    assert session.undo(kicked).complete
    assert worker.stats_job(delayed).state == "buried"


def test_where_workers_watch_nothing_is_buried_and_it_is_said_before(
    session: Session, worker: Client, watching: Client, tmp_path: Path
) -> None:
    (one,) = ready(worker, priority=1)
    plan = session.bury(one, dry_run=True)
    assert (plan.done, plan.skipped) == (0, 1)
    assert "needs beanstalkd 1.12 or newer" in plan.summary
    assert "--as" not in plan.summary, "a bury leaves no choice"
    assert session.bury(one).skipped == 1
    assert worker.stats_job(one).state == "ready"
    worker.delete(one)
    watching.ignore("mail")
    ids = buried(worker, 4)
    watching.watch("mail")
    plan = session.drain("mail", state="buried", dry_run=True)
    assert plan.done == 4
    assert "needs beanstalkd 1.12 or newer" in (plan.caution or "")
    assert "--as parked" in plan.summary
    assert session.move(ids, "post", dry_run=True).skipped == 4
    assert session.move(ids, "post").skipped == 4
    copied = session.copy(ids, "post", dry_run=True)
    assert copied.done == 0
    assert "pass --as parked or --as ready" in copied.summary
    exported = session.export(tmp_path / "file", ids, delete=True, dry_run=True)
    assert "import" in (exported.caution or "")
    assert session.export(tmp_path / "file", ids, delete=True).done == 4
    assert session.import_(tmp_path / "file", dry_run=True).done == 0
    imported = session.import_(tmp_path / "file", buried_as="parked")
    assert [facts(worker, id) for id in new_ids(imported)] == [("mail", "delayed", 9, U32_MAX)] * 4
    assert session.undo(imported).complete
    assert session.import_(tmp_path / "file", buried_as="ready").done == 4
    assert {watching.reserve(0).body for _ in range(4)} == {b"buried %d" % n for n in range(4)}


def test_the_dry_run_of_an_undo_says_what_the_undo_will(session: Session, worker: Client, watching: Client) -> None:
    watching.ignore("mail")
    ids = buried(worker, 4)
    watching.watch("mail")
    run = session.delete(ids)
    plan, undone = session.undo(run, dry_run=True), session.undo(run)
    assert (plan.done, plan.skipped) == (undone.done, undone.skipped) == (0, 4)
    assert "could run it" in undone.summary
    assert session.undo(run, buried_as="parked", dry_run=True).done == 4
    parked = session.undo(run, buried_as="parked")
    assert parked.complete
    assert {facts(worker, id) for id in new_ids(parked)} == {("mail", "delayed", 9, U32_MAX)}
    assert session.kick(new_ids(parked)).done == 4
    assert session.server().current_jobs_ready == 4


@pytest.mark.parametrize(("chosen", "state"), [("parked", "delayed"), ("ready", "ready")])
def test_what_was_kicked_is_parked_or_stays_ready(
    chosen: Any, state: str, session: Session, worker: Client, watching: Client
) -> None:
    watching.ignore("mail")
    ids = buried(worker, 2)
    run = session.kick(ids)
    watching.watch("mail")
    assert "parked" in (run.caution or "")
    assert session.undo(run).done == 0
    back = session.undo(run, buried_as=chosen)
    assert back.done == (2 if chosen == "parked" else 0)
    assert {job.stats.state for batch in session.scan("mail") for job in batch} == {state}


def test_what_is_chosen_holds_on_every_server(start_beanstalkd: Callable[..., Beanstalkd], journal: str) -> None:
    with connect(start_beanstalkd(dialect="1.13").address, journal=journal) as session:
        with Client(session.address) as client:
            ids = buried(client, 2)
            run = session.move(ids, "post", buried_as="parked")
            assert [facts(client, id)[1] for id in new_ids(run)] == ["delayed"] * 2
            assert run.caution is None
        with pytest.raises(UsageError, match="buried_as"):
            session.kick(ids, buried_as="parked")
        with pytest.raises(ArgumentError, match="one of parked, ready"):
            session.move(ids, "post", buried_as="dug")  # type: ignore[typeddict-item]


def test_copies_to_an_old_server_from_a_new_one(
    session: Session, worker: Client, watching: Client, start_beanstalkd: Callable[..., Beanstalkd], journal: str
) -> None:
    with connect(start_beanstalkd().address, journal=journal) as here, Client(here.address) as client:
        ids = buried(client, 2)
        assert here.copy(ids, server=session).skipped == 2
        assert here.copy(ids, "third", server=session).done == 2
    assert worker.stats_tube("third").current_jobs_buried == 2


@pytest.mark.parametrize("beanstalkd", ["1.11"], indirect=True)
@pytest.mark.parametrize("verb", ["move", "release", "edit"])
@pytest.mark.parametrize("keep_bodies", [True, False])
def test_beside_workers_each_job_is_done_once_or_there_once(
    verb: str,
    keep_bodies: bool,
    beanstalkd: Beanstalkd,
    open_session: Callable[..., Session],
    worker: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "BATCH", 40)
    monkeypatch.setattr(targets, "_HELD_BATCH", 40)
    session = open_session(keep_bodies=keep_bodies)
    ids = ready(worker, 400)
    worked: Counter[bytes] = Counter()
    over = threading.Event()

    def work() -> None:
        with Client(beanstalkd.address) as client:
            client.watch("mail")
            while not over.is_set():
                with suppress(TimedOut):
                    job = client.reserve(0)
                    worked[job.body] += 1
                    client.delete(job)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    calls: dict[str, Callable[[list[int]], Run]] = {
        "move": lambda ids: session.move(ids, "post"),
        "release": lambda ids: session.release(ids, delay=1000),
        "edit": lambda ids: session.edit(ids, lambda text: f"new {text}", to="post"),
    }
    run = calls[verb](ids[::-1])
    over.set()
    for thread in threads:
        thread.join(PATIENCE)
    jobs = [job for batch in session.scan() for job in batch]
    left = Counter(job.body.removeprefix(b"new ") for job in jobs)
    assert worked + left == Counter(b"ready %d" % n for n in range(400))
    assert (run.failed, run.unknown) == (0, 0)
    assert run.done == sum(job.stats.tube == "post" or job.stats.state == "delayed" for job in jobs)
    assert {job.body.startswith(b"new ") == (verb == "edit") for job in jobs if job.stats.tube == "post"} <= {True}


def test_a_job_that_the_server_does_not_take_back_is_put_again_from_the_journal(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that of a server which runs out of memory."""
    ids = ready(worker, 2)
    inner = executor.stage

    def refused(asks: dict[int, Ask], *given: Any) -> None:
        for n, ask in asks.items():
            if len(ask.commands) == 2:  # the put in the place of the deleted job, and the delete of its copy
                asks[n] = ask._replace(commands=(commands.put(bytes(70_000)), ask.commands[1]))
        inner(asks, *given)

    with monkeypatch.context() as patched:
        patched.setattr(executor, "stage", refused)
        run = session.move(ids, "post")
    assert (run.done, run.failed, session.server().current_jobs_delayed) == (0, 2, 0)
    assert "its body is only in the journal: undo puts it again" in run.summary
    assert session.undo(run).done == 2
    jobs = [job for batch in session.scan("mail") for job in batch]
    assert sorted((job.body, job.stats.state) for job in jobs) == [(b"ready 0", "ready"), (b"ready 1", "ready")]
    assert session.undo(run).done == 0


# -- a crash between the delete and the put ----------------------------------------------------------------------------


class _Crash(Exception):
    pass


@pytest.mark.parametrize("beanstalkd", ["1.11"], indirect=True)
@pytest.mark.parametrize("verb", ["move", "release", "edit"])
@pytest.mark.parametrize("stage", range(1, 5))
@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("after", ["undo", "resume"])
def test_a_crash_is_repaired_from_the_journal(
    verb: str,
    stage: int,
    sent: bool,
    after: str,
    open_session: Callable[..., Session],
    worker: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process dies before or after it sends what each stage asks."""
    session = open_session()
    ids = ready(worker, 3, priority=7)
    stages = 0
    inner = executor.stage

    def dying(*given: Any) -> None:
        nonlocal stages
        stages += 1
        if stages == stage and not sent:
            raise _Crash
        inner(*given)
        if stages == stage:
            raise _Crash

    monkeypatch.setattr(executor, "stage", dying)
    with suppress(_Crash):
        if verb == "edit":  # what a function changes is not resumed
            session.edit(ids, (lambda text: f"new {text}") if after == "undo" else None, to="post", ttr=9)
        else:
            _ = session.move(ids, "post") if verb == "move" else session.release(ids, delay=30)
    monkeypatch.setattr(executor, "stage", inner)
    run = session._context.journal().runs(str(session.address))[0].id
    session.journal.verify(run)
    if after == "undo":
        session.undo(run)
        session.undo(run, repeat="unknown")
        where, state = "mail", "ready"
    else:
        session.resume(run)
        where, state = ("mail", "delayed") if verb == "release" else ("post", "ready")
        if verb != "release" and stage + sent <= 2:  # what was not done to a job before its claim is not resumed
            where = "mail"
    jobs = [job for batch in session.scan() for job in batch]
    real = [job for job in jobs if job.stats.delay != U32_MAX]
    assert sorted(job.body for job in real) == [b"ready 0", b"ready 1", b"ready 2"], "each once"
    assert session.journal.verify(run).done >= 0
    assert {(job.stats.tube, job.stats.state, job.stats.priority) for job in real} == {(where, state, 7)}
    assert {job.stats.ttr for job in real} == {9 if (verb, where) == ("edit", "post") else 60}


# -- edits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0, 5, 1000])
def test_a_ready_or_delayed_job_is_edited_by_record(
    delay: int, session: Session, worker: Client, watching: Client
) -> None:
    ids = [*ready(worker, delay=delay), *ready(worker, delay=900)]
    if delay:
        worker.kick_job(ids[0])
    run = session.edit(ids, lambda text: f"new {text}", priority=3)
    assert run.done == 2
    one, other = (facts(worker, id) for id in new_ids(run))
    assert (one, other[:3]) == (("mail", "ready", 3, delay), ("mail", "delayed", 3))
    assert [worker.peek(id).body for id in new_ids(run)] == [b"new ready 0"] * 2
    undone = session.undo(run)
    assert undone.done == 2
    assert [facts(worker, id)[1] for id in new_ids(undone)] == ["ready", "delayed"]
    assert [worker.peek(id).body for id in new_ids(undone)] == [b"ready 0"] * 2
    assert session.server().current_jobs_delayed == 1


def test_a_buried_job_is_edited_where_nobody_watches(session: Session, worker: Client) -> None:
    ids = buried(worker, 2)
    run = session.edit(ids, lambda text: f"new {text}")
    assert run.done == 2
    assert [facts(worker, id) for id in new_ids(run)] == [("mail", "buried", 9, 0)] * 2
    kicked = session.edit(new_ids(run), lambda text: f"more {text}", kick=True)
    assert [facts(worker, id)[1] for id in new_ids(kicked)] == ["ready"] * 2
    back = session.undo(kicked)
    assert back.done == 2, back.summary
    assert [facts(worker, id) for id in new_ids(back)] == [("mail", "buried", 9, 0)] * 2
    assert [worker.peek(id).body for id in new_ids(back)] == [b"new buried 0", b"new buried 1"]


def test_where_workers_watch_a_buried_job_is_edited_to_ready_only(
    session: Session, worker: Client, watching: Client
) -> None:
    (id,) = buried(worker)
    for dry in (True, False):
        run = session.edit(id, lambda text: f"new {text}", dry_run=dry)
        assert (run.done, run.skipped) == (0, 1)
        assert "pass --as parked or --as ready" in run.summary
    assert worker.peek(id).body == b"buried 0"
    run = session.edit(id, lambda text: f"new {text}", kick=True)
    assert run.done == 1
    assert "undo and import bury a job only in a tube that no worker watches" in (run.caution or "")
    assert session.undo(run).skipped == 1
    assert session.undo(run, buried_as="parked").done == 1
    (job,) = (job for batch in session.scan() for job in batch)
    assert (job.body, job.stats.state) == (b"buried 0", "delayed")
