"""Runs that go on: nobody else goes on with them, and nobody ends a pause that they need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.heartbeat import TERM
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError, Refused
from beanops.session.execution import pause_guard, targets
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import Order, Settings, verb_of
from beanops.session.session import Session
from beanops.session.tube_verbs import guard_of
from tests.session.conftest import fill
from tests.waits import PATIENCE, until

_SLOWLY = """
import sys
import threading
from beanops.session.connect import connect
address, journal, verb, *ids = sys.argv[1:]
more = {"priority": 3} if verb == "bury" else {}
def told(run):
    print(run.id, run.done, flush=True)
with connect(address, journal=journal) as session:
    print(getattr(session, verb)([int(id) for id in ids], rate=40, progress=told, **more).stopped, flush=True)
"""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "BATCH", 10)


@contextmanager
def _elsewhere(address: str, journal: str, verb: str, ids: list[int]) -> Iterator[subprocess.Popen[str]]:
    """Act in a process of its own, ten jobs at a time, four times a second."""
    command = [sys.executable, "-c", _SLOWLY, address, journal, verb, *map(str, ids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _run_of(process: subprocess.Popen[str]) -> str:
    """Return the run of a process when its first batch is done."""
    assert process.stdout is not None
    line = next(line for line in process.stdout if not line.endswith(" 0\n"))
    return line.split()[0]


def _once(do: Callable[[], Any]) -> Callable[[Run], None]:
    """Return what does something after the first batch."""
    again = []

    def progress(run: Run) -> None:
        if run.done and not again:
            again.append(run)
            do()

    return progress


# -- resume ------------------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_is_not_resumed_and_one_that_ended_is(
    journal_url: str, open_session: Callable[..., Session], worker: Client
) -> None:
    session, other = open_session(journal=journal_url), open_session(journal=journal_url)
    ids = fill(worker, "mail", jobs=40)
    refused = []

    def resume() -> None:
        for dry in (False, True):
            with pytest.raises(Refused) as caught:
                other.resume(session._context.runs[-1].id, dry_run=dry)
            refused.append(str(caught.value))
        assert worker.stats_tube("mail").current_jobs_ready == 30

    def end(run: Run) -> None:
        _once(resume)(run)
        if run.done:
            run.cancel()

    run = session.delete(ids, progress=end)
    assert (run.done, run.stopped) == (10, "cancelled")
    assert refused[0] == f"run {run.id} is still under way in process {os.getpid()} on {os.uname().nodename}: " \
        "resume it when it has ended"  # fmt: skip
    assert other.resume(run.id).done == 30
    assert other.resume(run.id).done == 0


@pytest.mark.parametrize("which", ["the first", "the one that goes on"])
def test_a_run_is_not_resumed_twice_at_once(which: str, open_session: Callable[..., Session], worker: Client) -> None:
    session, other = open_session(), open_session()
    ids = fill(worker, "mail", jobs=40)
    first = session.copy(ids, "post", progress=lambda run: run.done and run.cancel())
    assert first.done == 10

    def again() -> None:
        goes_on = session._context.runs[-1].id
        with pytest.raises(Refused, match=f"run {goes_on} is still under way"):
            other.resume(first.id if which == "the first" else goes_on)

    assert session.resume(first, progress=_once(again)).done == 30
    assert worker.stats_tube("post").current_jobs_ready == 40
    assert other.resume(first).done == 0


def test_an_undo_of_a_run_that_goes_on_says_so(open_session: Callable[..., Session], worker: Client) -> None:
    session, other = open_session(), open_session()
    ids = fill(worker, "mail", "buried", 30)
    undone = []

    def progress(run: Run) -> None:
        if run.done == 20:  # the first ten are on record
            undone.append(other.undo(run.id))

    run = session.kick(ids, progress=progress)
    assert (run.done, undone[0].done) == (30, 10)
    assert f"run {run.id} was still under way: undo that again when it has ended" in undone[0].summary
    again = other.undo(run.id)
    assert again.done == 20
    assert "went on" not in again.summary


def test_an_import_that_goes_on_is_not_resumed(
    open_session: Callable[..., Session], worker: Client, tmp_path: Path
) -> None:
    session, other = open_session(), open_session()
    fill(worker, "mail", jobs=30)
    session.export(tmp_path / "jobs.jsonl", "mail")

    def again() -> None:
        with pytest.raises(Refused, match="is still under way"):
            other.resume(session._context.runs[-1].id)

    assert session.import_(tmp_path / "jobs.jsonl", progress=_once(again)).done == 30


def test_what_a_killed_process_left_is_resumed_at_once(
    session: Session, worker: Client, beanstalkd: Beanstalkd, journal: str
) -> None:
    ids = fill(worker, "mail", jobs=40)
    with _elsewhere(beanstalkd.address, journal, "delete", ids) as process:
        run = _run_of(process)
        with pytest.raises(Refused, match=f"is still under way in process {process.pid} on"):
            session.resume(run)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
        session.resume(run, rate=4000)
    assert worker.stats().current_jobs_ready == 0


def test_a_process_that_was_taken_for_dead_sends_no_more(
    session: Session, worker: Client, beanstalkd: Beanstalkd, journal: str
) -> None:
    ids = fill(worker, "mail", jobs=60)
    with _elsewhere(beanstalkd.address, journal, "delete", ids) as process:
        run = _run_of(process)
        process.send_signal(signal.SIGSTOP)
        _on_another_host(session._context.journal(), run, session._context.now() - timedelta(seconds=1))
        resumed = session.resume(run, rate=4000, progress=lambda run: run.done and run.cancel())
        left = worker.stats().current_jobs_ready
        assert left >= 10
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        told = process.stdout.read()
    assert f"run {run} ends here: its lease had run out and another process resumed it" in told
    assert worker.stats().current_jobs_ready == left
    assert session.resume(resumed, rate=4000).done == left


def _on_another_host(journal: Journal, run: str, alive_until: datetime) -> None:
    """Let a run be carried out where its process cannot be looked for."""
    with journal._database.transaction() as connection:
        microseconds = int(alive_until.timestamp() * 1e6)
        connection.exec_driver_sql(
            f"update leases set owner = 'far boot ns 4711 1', alive_until = {microseconds}, ended = null"
            f" where run = '{run}'"
        )


def test_a_run_on_another_host_is_taken_for_dead_when_its_lease_is_over(
    journal_url: str, open_session: Callable[..., Session], worker: Client
) -> None:
    now = [datetime(2026, 1, 2, tzinfo=UTC)]
    session = open_session(clock=lambda: now[0], journal=journal_url)
    ids = fill(worker, "mail", jobs=40)
    run = session.delete(ids, progress=lambda run: run.done and run.cancel())
    _on_another_host(session._context.journal(), run.id, now[0] + TERM)
    now[0] += TERM - timedelta(seconds=1)
    with pytest.raises(Refused, match=r"in process 4711 on far: .* or in 1 s if that process has died"):
        session.resume(run)
    now[0] += timedelta(seconds=2)
    assert session.resume(run).done == 30


def test_a_run_that_waits_gives_signs_of_life(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.journal.heartbeat._BEAT", 0.01)
    ids = fill(worker, "mail", jobs=20)

    def leases() -> list[Any]:
        with session._context.journal()._database.transaction() as connection:
            return list(connection.exec_driver_sql("select alive_until, ended from leases").all())

    def wait() -> None:
        before = leases()
        until(lambda: leases()[0][0] > before[0][0])

    assert session.delete(ids, progress=_once(wait)).done == 20
    ((_, ended),) = leases()
    assert ended is not None


def test_a_run_that_could_not_write_its_end_is_resumed_by_the_same_process(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", jobs=40)
    write = Journal.write

    def full(*arguments: Any, **options: Any) -> None:
        raise JournalError("the disk is full")

    run = session.delete(ids, progress=_once(lambda: monkeypatch.setattr(Journal, "write", full)))
    monkeypatch.setattr(Journal, "write", write)
    assert (run.done, run.unknown, run.stopped) == (0, 10, "the disk is full")
    assert session.resume(run, rate=4000).done == 30


# -- pauses ------------------------------------------------------------------------------------------------------


def _pause(client: Client) -> int:
    stats = client.stats_tube("mail")
    return stats.pause if stats.pause_time_left else 0


def test_the_last_run_that_needs_a_pause_ends_it(
    journal_url: str, open_session: Callable[..., Session], worker: Client
) -> None:
    long, short = open_session(journal=journal_url), open_session(journal=journal_url)
    ids = fill(worker, "mail", "buried", 40)
    worker.watch("mail")
    seen = []

    def meanwhile() -> None:
        assert short.bury(ids[-5:], priority=7).complete
        seen.append(_pause(worker))

    assert long.bury(ids[:20], priority=5, progress=_once(meanwhile)).complete
    assert seen == [pause_guard.PAUSE]
    assert _pause(worker) == 0
    assert list(long.runs.action).count("pause") == 1
    assert list(long.runs.action).count("unpause") == 1


def test_a_run_that_ends_first_leaves_the_pause_that_it_made_to_the_other(
    open_session: Callable[..., Session], worker: Client
) -> None:
    first, second = open_session(), open_session()
    ids = fill(worker, "mail", "buried", 40)
    worker.watch("mail")
    worker.pause_tube("mail", 100)
    other, needs = Run("other", "bury", list), guard_of(second._executor)
    settings = Settings(priority=7)
    order = Order(verb_of("bury", settings), ids[-1], second.job(ids[-1]), settings)
    assert first.bury(ids[:20], priority=5, progress=_once(lambda: needs.cover(other, [order]))).complete
    assert _pause(worker) == pause_guard.PAUSE, "the other still needs it"
    needs.lift(other)
    assert 90 <= _pause(worker) <= 100, "the operator's"


def test_a_process_does_not_end_the_pause_of_another(
    session: Session, worker: Client, beanstalkd: Beanstalkd, journal: str
) -> None:
    ids = fill(worker, "mail", "buried", 60)
    worker.watch("mail")
    with _elsewhere(beanstalkd.address, journal, "bury", ids[:30]) as process:
        _run_of(process)
        assert session.bury(ids[30:40], priority=7).complete
        assert _pause(worker) == pause_guard.PAUSE
        assert process.wait(PATIENCE) == 0
        assert _pause(worker) == 0
    with _elsewhere(beanstalkd.address, journal, "bury", ids[:30]) as process:
        _run_of(process)
        process.kill()
        process.wait()
        assert session.bury(ids[30:40], priority=7).complete
        assert _pause(worker) == pause_guard.PAUSE, "a job may have been caught: it runs out by itself"


def test_a_pause_for_a_run_that_went_wrong_is_not_ended_by_another(
    open_session: Callable[..., Session], worker: Client
) -> None:
    broken, sound = open_session(), open_session()
    ids = fill(worker, "mail", "buried", 40)
    worker.watch("mail")
    run = broken.bury(ids[:20], priority=5, progress=_once(lambda: broken._context._clients["acting"].close()))
    assert run.unknown
    assert "stays paused" in str(run.stopped)
    assert sound.bury(ids[20:], priority=6).complete
    assert _pause(worker) == pause_guard.PAUSE


def test_a_run_waits_while_another_ends_the_pause(
    open_session: Callable[..., Session], worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would see the tube paused, and have it no longer paused when it acts."""
    first, second = open_session(), open_session()
    ids = fill(worker, "mail", "buried", 20)
    worker.watch("mail")
    seen: list[int] = []
    begun: list[threading.Thread] = []

    def look() -> None:
        second.bury(ids[10:], priority=6, progress=lambda run: seen.append(_pause(worker)) if run.done else None)

    act = pause_guard.PauseGuard._act

    def meanwhile(self: pause_guard.PauseGuard, run: Run, tube: str, seconds: int) -> None:
        if seconds == 0 and not begun:
            begun.append(threading.Thread(target=look))
            begun[0].start()
            until(lambda: _registered(first._context.journal()) == 2)
        act(self, run, tube, seconds)

    monkeypatch.setattr(pause_guard.PauseGuard, "_act", meanwhile)
    assert first.bury(ids[:10], priority=5).complete
    begun[0].join(PATIENCE)
    assert seen == [pause_guard.PAUSE]
    assert _pause(worker) == 0
    assert _registered(first._context.journal()) == 0


def _registered(journal: Journal) -> int:
    with journal._database.transaction() as connection:
        return int(connection.exec_driver_sql("select count(*) from pauses").scalar_one())
