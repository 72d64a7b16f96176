"""Acts in tasks: each job has its place in the run, and only one execution of a task sends what is claimed there."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beanops.client.reach import Reach
from beanops.client.sync import Client
from beanops.journal.heartbeat import shared_lease_from
from beanops.journal.journal import Journal
from beanops.journal.records import Fate, Intent, JournalError, Refused
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError, TimedOut, UsageError
from beanops.session.config import profile
from beanops.session.distributed import acting, workers
from beanops.session.distributed.acting import Part, act_on_part
from beanops.session.distributed.workplace import JournalPlace, Workplace
from beanops.session.execution import targets
from beanops.session.execution.verbs import Settings
from beanops.session.keywords import UnknownKeyword
from beanops.session.options import How, Options
from beanops.session.session import Session
from tests.session.conftest import fill

JOBS = 40


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "_LEAST", 10)
    monkeypatch.setattr(targets, "BATCH", 4)
    monkeypatch.setattr(targets, "_HELD_BATCH", 4)


class Deaf(Executor):
    """Accepts tasks and never runs them."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        return Future()


class Broken(Executor):
    """Accepts no task."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        raise RuntimeError("cannot schedule new futures after shutdown")


class Closing(ThreadPoolExecutor):
    """Is closed after its first task, and as a cluster of Dask then cannot even cancel."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        if self._work_queue.qsize() or self._threads:
            self.shutdown(wait=False)
        future = super().submit(function, *arguments, **options)
        future.cancel = self._cannot  # type: ignore[method-assign]
        return future

    def _cannot(self) -> bool:
        raise RuntimeError("Client is closed")


def copies(client: Client, tube: str) -> Counter[bytes]:
    """Count the ready jobs of a tube by body, and delete them."""
    client.watch(tube)
    found: Counter[bytes] = Counter()
    with suppress(TimedOut):
        while True:
            job = client.reserve(0)
            found[job.body] += 1
            client.delete(job.id)
    return found


def begun(session: Session, ids: list[int]) -> tuple[Workplace, JournalPlace, Part]:
    """Begin a run that copies jobs, and return the arguments of its only task."""
    executor = session._executor
    how = How()
    run = executor.begin("copy", {"ids": ids, "settings": Settings(target="post")._asdict()}, how, shared_lease_from)
    part = Part(run.id, run.instance, 0, "copy", Settings(target="post"), acting.refs_of(ids), Options(), how)
    return Workplace.of(session._context, "script"), JournalPlace(session._context.journal()), part


@pytest.mark.parametrize("verb", ["kick", "bury", "release", "delete", "drain", "move", "copy"])
def test_verbs_do_in_tasks_what_they_do_in_one_process(
    session: Session, worker: Client, executor: Executor, verb: str
) -> None:
    state = "ready" if verb in ("bury", "release", "move", "copy") else "buried"
    fill(worker, "mail", state, JOBS)
    arguments: dict[str, Any] = {"to": "post"} if verb in ("move", "copy") else {}
    run = getattr(session, verb)("mail", state=state, executor=executor, **arguments)
    assert run.complete
    assert run.summary == f"{verb}: {JOBS} done"
    rows = run.outcomes
    assert list(rows["outcome"].unique()) == ["done"]
    assert rows["id"].nunique() == JOBS
    assert session.runs.iloc[0]["done"] == JOBS
    left = session.tubes().set_index("tube")
    expected = {
        "kick": ("mail", "ready"),
        "bury": ("mail", "buried"),
        "release": ("mail", "ready"),
        "move": ("post", "ready"),
        "copy": ("post", "ready"),
    }.get(verb)
    if expected is None:
        assert "mail" not in left.index
    else:
        assert left.loc[expected[0], expected[1]] == JOBS


def test_run_in_tasks_is_undone_as_any_other(session: Session, worker: Client, executor: Executor) -> None:
    fill(worker, "mail", "ready", JOBS)
    run = session.delete("mail", state="ready", reason="a rehearsal", executor=executor)
    assert session.undo(run).done == JOBS
    assert session.tube("mail").current_jobs_ready == JOBS


def test_reasons_and_skipped_jobs_are_read_from_the_journal(
    session: Session, worker: Client, executor: Executor
) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    for id in ids[:5]:
        worker.delete(id)
    run = session.delete(ids, executor=executor)
    assert (run.done, run.skipped) == (JOBS - 5, 5)
    assert run.reasons == {"it does not exist": (5, f"job {ids[0]}")}


def test_second_execution_of_a_task_sends_nothing_again(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    task = begun(session, ids)
    assert act_on_part(*task) is None
    assert act_on_part(*task) is None
    assert set(copies(worker, "post").values()) == {1}


def test_executions_at_the_same_time_share_the_jobs(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    task = begun(session, ids)
    with ThreadPoolExecutor(4) as threads:
        assert [one.result() for one in [threads.submit(act_on_part, *task) for _ in range(4)]] == [None] * 4
    found = copies(worker, "post")
    assert (len(found), set(found.values())) == (JOBS, {1})


def test_execution_goes_on_where_a_lost_one_stopped(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    task = begun(session, ids)
    journal, run = session._context.journal(), task[2].run
    # A worker claimed two jobs in the middle of a batch, and was lost before it sent them.
    journal.write(run, datetime.now(UTC), [Intent("copy", "mail", id, "ready", target="post") for id in ids[5:7]], 5)
    assert act_on_part(*task) is None
    found = copies(worker, "post")
    assert (len(found), set(found.values())) == (JOBS - 2, {1})
    assert journal.counts([run])[run] == {"done": JOBS - 2, "unknown": 2}


def test_ended_run_is_claimed_by_no_task(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    task = begun(session, ids)
    journal, run = session._context.journal(), task[2].run
    assert journal.end_tasks(run, datetime.now(UTC), JOBS) == JOBS
    assert "its lease had run out" in str(act_on_part(*task))
    assert not copies(worker, "post")
    assert not journal.counts([run])[run]


def test_places_without_actions_count_as_not_sent(journal_url: str) -> None:
    now = datetime.now(UTC)
    journal = Journal(journal_url)
    journal.write("one", now, [Intent("kick", "mail", id) for id in (1, 2)], 0, lease=None)
    journal.write("one", now, [Intent("kick", "mail", id) for id in (5, 6)], 4, [(0, Fate("done")), (1, Fate("done"))])
    assert [action.n for action in journal.entries("one")] == [0, 1, 4, 5]
    assert journal.claimed("one", 1, 5) == [1, 4]
    assert journal.end_tasks("one", now, 9) == 5
    journal.close()


def test_worker_without_the_journal_of_the_run_refuses(
    session: Session, worker: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    workplace, place, part = begun(session, ids)
    url = place.url
    place.url = str(tmp_path / "another" / "journal.sqlite")
    with pytest.raises(Refused, match="does not exist on"):
        act_on_part(workplace, place, part)
    assert not Path(place.url).exists()
    place.url = str(tmp_path / "another.sqlite")
    Journal(place.url).close()
    with pytest.raises(Refused, match=r"does not see the run: the journal at .* has no run"):
        act_on_part(workplace, place, part)
    place.url, place.machine = url, "elsewhere"
    with pytest.raises(Refused, match=r"is a file of another machine than .*: use PostgreSQL"):
        act_on_part(workplace, place, part)
    assert session.tube("mail").current_jobs_ready == JOBS


def test_place_of_a_journal_shows_no_password(open_session: Callable[..., Session]) -> None:
    class Place:
        url = "postgresql://ops:secret@db/journal"

    assert repr(JournalPlace(Place())) == "<JournalPlace postgresql://ops:***@db/journal>"  # type: ignore[arg-type]


def test_journal_in_memory_is_refused(open_session: Callable[..., Session], worker: Client, executor: Executor) -> None:
    fill(worker, "mail", "ready", 3)
    session = open_session(journal="sqlite://")
    with pytest.raises(Refused, match="this one is in memory"):
        session.delete("mail", state="ready", executor=executor)
    assert session.tube("mail").current_jobs_ready == 3


def test_workers_that_give_no_sign_end_the_run(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SILENCE", 0.3)
    ids = fill(worker, "mail", "ready", JOBS)
    run = session.delete(ids, executor=Deaf())
    assert run.summary == f"delete: 0 done, {JOBS} not sent; stopped: no sign of a worker for 0.3 s"
    assert not run.complete
    assert session.tube("mail").current_jobs_ready == JOBS
    again = session.resume(run.id)
    assert again.done == JOBS


def test_executor_that_accepts_no_task_ends_the_run(session: Session, worker: Client) -> None:
    run = session.delete(fill(worker, "mail", "ready", JOBS), executor=Broken())
    assert run.stopped == ("the executor accepts no task: RuntimeError: cannot schedule new futures after shutdown")


def test_executor_that_is_closed_in_the_middle_ends_the_run(session: Session, worker: Client) -> None:
    run = session.delete(fill(worker, "mail", "ready", JOBS), executor=Closing(1))
    assert str(run.stopped).startswith("the executor accepts no task: RuntimeError")
    assert run.done + run.unknown + run._counts["not sent"] == JOBS
    assert session.resume(run.id).done + run.done + run.unknown == JOBS  # not "still under way"


def test_cancelled_run_ends_with_the_batches_under_way(session: Session, worker: Client, executor: Executor) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    run = session.delete(ids, executor=executor, progress=lambda run: run.cancel())
    assert run.stopped == "cancelled"
    assert run.done + run._counts["not sent"] == JOBS
    assert not run.unknown
    assert session.server().current_jobs_ready == JOBS - run.done


def test_pause_of_a_tube_lasts_until_the_last_task_has_ended(
    session: Session, worker: Client, executor: Executor
) -> None:
    fill(worker, "mail", "buried", JOBS)
    worker.watch("post")
    run = session.move("mail", "post", executor=executor)
    assert (run.done, run.stopped) == (JOBS, None)
    tube = session.tube("post")
    assert (tube.current_jobs_buried, tube.pause_time_left) == (JOBS, 0)


def test_journal_that_fails_ends_the_run_in_one_line(
    session: Session, worker: Client, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any) -> int:
        raise JournalError("the journal failed: disk full")

    monkeypatch.setattr(Journal, "end_tasks", fails)
    run = session.delete(fill(worker, "mail", "ready", 3), executor=executor)
    assert run.stopped == "the journal failed: disk full"


def test_tasks_carry_no_token(session: Session, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    secured = profile(Reach.of(str(session.address), token_file=str(tmp_path / "token")))
    carried = pickle.dumps(Workplace.of(session._context, "script")._replace(profile=secured))
    assert b"hunter2" not in carried
    assert pickle.loads(carried).profile.reach == secured.reach


def test_restarted_server_is_refused(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    workplace, place, part = begun(session, ids)
    assert "was restarted" in str(act_on_part(workplace, place, part._replace(instance="another")))
    assert not copies(worker, "post")


def test_wrong_arguments_are_raised_as_without_an_executor(
    session: Session, worker: Client, executor: Executor
) -> None:
    fill(worker, "mail", "ready", 1)
    wrong: dict[str, Any]
    for wrong in ({"where": len}, {"where": "no such column ("}, {"state": "red"}, {"order": "red"}, {"limit": -1}):
        with pytest.raises(UsageError) as plain:
            session.bury("mail", **wrong)
        with pytest.raises(type(plain.value)) as parted:
            session.bury("mail", executor=executor, **wrong)
        assert str(parted.value) == str(plain.value)
    assert session.journal.runs().empty


def test_wrong_executors_are_named(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "ready", 1)
    for wrong in (3, ThreadPoolExecutor, "dask"):
        with pytest.raises(ArgumentError, match=r"an executor of concurrent.futures, or a distributed.Client"):
            session.delete(ids, executor=wrong)
    with pytest.raises(UnknownKeyword, match="executor"):
        session.edit(ids, {"a": 1}, executor=ThreadPoolExecutor)  # type: ignore[call-arg]
    assert worker.execute(commands.stats_job(ids[0])).state == "ready"
