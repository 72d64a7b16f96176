"""Whatever is cut off, and whenever: no job is lost, and the journal says what is true or that it does not know."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import beanops
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search.scan import Scan
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from beanops.protocol import commands
from beanops.protocol.errors import ConnectionLost, UsageError
from beanops.session.connect import connect
from beanops.session.execution import executor as act_module
from beanops.session.execution import pause_guard, targets
from beanops.session.execution.ending import Interrupted
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.proxies import Proxy
from tests.rounds import rounds
from tests.session.conftest import fill, population
from tests.session.truth import check, jobs_by_id
from tests.session.victim import VERBS, act
from tests.waits import until

MANY = 200
_BEANOPS = str(Path(beanops.__file__).parent)


def _restock(client: Client, jobs: dict[int, tuple[str, str, bytes]], round: int) -> dict[int, tuple[str, str, bytes]]:
    """Delete what an earlier round left, and put jobs with bodies that no other round has."""
    for _ in client.pipeline(map(commands.delete, jobs)):
        pass
    for state in ("ready", "delayed", "buried"):
        fill(client, "mail", state, 8, body=b"%s of round %d" % (state.encode(), round))
    return jobs_by_id(client)


@rounds(20, MANY)
def test_killed_at_any_moment_the_journal_is_true_and_no_job_is_lost(
    rounds: int, beanstalkd: Beanstalkd, worker: Client, journal: str
) -> None:
    dice = random.Random(5)
    record = Journal(journal)
    seen, unknown, cut, longest = 0, 0, 0, 0.1
    before: dict[int, tuple[str, str, bytes]] = {}
    command = [sys.executable, "-m", "tests.session.victim", beanstalkd.address, journal]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as victims:
        assert victims.stdin is not None
        assert victims.stdout is not None
        for round in range(rounds):
            before = _restock(worker, jobs_by_id(worker), round)
            victims.stdin.write(f"{dice.choice(VERBS)} {' '.join(map(str, before))}\n")
            pid, started = int(victims.stdout.readline()), time.monotonic()
            # Some are left in peace, and show how long the others could have lived.
            patience = dice.random() * longest if round % 10 else 30.0
            ended = select.select([victims.stdout], [], [], patience)[0]
            if not ended:
                with suppress(ProcessLookupError):  # it was faster
                    os.kill(pid, signal.SIGKILL)
            assert int(victims.stdout.readline()) in (0, signal.SIGKILL)
            if ended:
                longest = max(time.monotonic() - started, longest / 2)
            until(lambda: worker.stats().current_connections == 1)
            runs = record.runs()
            if len(runs) > seen:
                seen = len(runs)
                entries = check(record, runs[0], before, worker)
                outcomes = {entry.fate.outcome for entry in entries}
                unknown += "unknown" in outcomes
                cut += len(entries) < len(before)
                if "unknown" in outcomes and round % 4 == 0:
                    _verified(beanstalkd, journal, record, runs[0].id)
        victims.stdin.close()
    record.close()
    assert seen >= rounds / 4
    if rounds == MANY:  # enough to see that the kills were spread over the whole of the runs
        assert unknown > rounds / 50
        assert cut > rounds / 50


def _verified(beanstalkd: Beanstalkd, journal: str, record: Journal, id: str) -> None:
    with connect(beanstalkd.address, journal=journal) as session:
        session.journal.verify(id)
        here = {
            job.id: job.stats.state
            for job in session._lookups.jobs_by_id(range(1, session.server().cmd_put + 1))
            if job
        }
        for entry in record.entries(id):
            old, outcome = entry.intent.job_id or 0, entry.fate.outcome
            if entry.intent.action == "delete":
                # Of a ready job that is gone nobody can tell whether a worker did it.
                gone = "unknown" if entry.intent.state_before == "ready" else "done"
                assert outcome == "failed" if old in here else outcome in ("done", gone)
            elif entry.intent.action in ("kick", "bury") and outcome != "skipped":
                left = "buried" if entry.intent.action == "bury" else "ready"
                if entry.intent.state_before != left:  # of a buried job that is buried anew, only the priority tells
                    assert outcome == ("done" if here[old] == left else "failed"), entry
            elif entry.intent.action == "move" and outcome == "done":
                assert old not in here


class _Strike:
    """Interrupts this thread as it enters, or goes on with, the nth function of beanops: no clock decides where.

    There Python looks for signals too, while an interrupt at the end of a ``with`` is nothing that can be. Functions
    of libraries are left out: not every lock of theirs is given back wherever an interrupt comes.

    Attributes
    ----------
    calls : int
        How many were entered.
    """

    def __init__(self, at: int | None = None) -> None:
        self.calls = 0
        self._at = at

    def __enter__(self) -> _Strike:
        sys.settrace(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _count(self, frame: FrameType, event: str, _: Any) -> None:
        if frame.f_code.co_filename.startswith(_BEANOPS):
            self.calls += 1
            if self.calls == self._at:
                raise KeyboardInterrupt


# An interrupt between two steps of connecting leaves a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@rounds(18, 60)
def test_interrupted_at_any_moment_the_journal_is_true(
    rounds: int, open_session: Callable[..., Session], worker: Client, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "BATCH", 7)
    monkeypatch.setattr(targets, "_HELD_BATCH", 7)
    dice = random.Random(6)
    session = open_session()
    record = session._context.journal()
    calls: dict[str, int] = {}
    interrupted = 0
    for round in range(rounds):
        before = _restock(worker, jobs_by_id(worker), round)
        seen = len(record.runs())
        verb = VERBS[round % len(VERBS)]
        # Each is left in peace once, which shows how far away its end is.
        strike = _Strike(dice.randrange(calls[verb]) if verb in calls else None)
        try:
            with strike:
                act(session, verb, list(before))
            calls.setdefault(verb, strike.calls)
        except (KeyboardInterrupt, ConnectionLost):
            interrupted += 1
            signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been about to be set back
        acting = session._context._clients.get("acting")
        if acting is not None:
            acting.close()  # gives back what an interrupted move held
        until(lambda: worker.stats().current_connections <= 2 and not worker.stats().current_jobs_reserved)
        runs = record.runs()
        if len(runs) > seen:
            check(record, runs[0], before, worker)
    # Hardly any may have come to its end: how many calls the others take varies a little.
    assert interrupted > (rounds - len(VERBS)) * 3 / 4


def test_ctrl_c_ends_a_run_between_batches_and_resume_finishes_it(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", jobs=3500)
    with pytest.raises(Interrupted) as caught:
        session.delete(ids, progress=lambda run: run.done and signal.raise_signal(signal.SIGINT))
    run = caught.value.run
    assert (run.done, run.unknown, run.stopped) == (1000, 0, "cancelled")
    assert run.summary in str(caught.value)
    assert session.tube("mail").current_jobs_ready == 2500
    assert list(session.runs.done) == [1000]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = session.resume(run)
    assert (resumed.done, resumed.skipped) == (2500, 0)
    assert session.resume(run).done == 0
    assert session.undo(run).done == 1000


def test_ctrl_c_promises_to_go_on_only_with_what_can_be_gone_on_with(session: Session, worker: Client) -> None:
    run = session.delete(fill(worker, "mail", jobs=1500))
    fill(worker, "sms", "buried", 1500)
    acts: list[Callable[[Any], Run]] = [
        lambda progress: session.undo(run, progress=progress),
        lambda progress: session.kick_next("sms", 1200, progress=progress),
    ]
    for ask in acts:
        with pytest.raises(Interrupted) as caught:
            ask(lambda run: run.done and signal.raise_signal(signal.SIGINT))
        assert str(caught.value) == caught.value.run.summary
        assert caught.value.run.done == 1000
        with pytest.raises(UsageError, match="which cannot be resumed: start it again"):
            session.resume(caught.value.run)


def test_ctrl_c_twice_ends_a_run_at_once(session: Session, worker: Client) -> None:
    def twice(run: Run) -> None:
        for _ in range(2 if run.done else 0):
            signal.raise_signal(signal.SIGINT)

    ids = fill(worker, "mail", jobs=1500)
    with pytest.raises(KeyboardInterrupt) as caught:
        session.delete(ids, progress=twice)
    assert not isinstance(caught.value, Interrupted)
    assert session.actions.outcome.value_counts().to_dict() == {"done": 1000}


def test_a_run_is_cancelled_from_another_thread_also_while_it_searches(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 1500)
    runs: list[Run] = []

    def cancel(run: Run) -> None:
        if not (run.done or run.skipped):
            return  # it only begins
        runs.append(run)
        thread = threading.Thread(target=run.cancel)
        thread.start()
        thread.join()

    run = session.kick("mail", state="buried", progress=cancel)
    assert run is runs[0]
    assert (run.done, run.stopped, run.complete) == (1000, "cancelled", False)
    assert session.resume(run.id).done == 500
    waits = session.kick("mail", state="ready", rate=0.1, progress=cancel)  # 10 seconds a job, were it not ended
    assert waits.stopped == "cancelled"


def test_resume_goes_on_with_a_limit_and_never_copies_twice(session: Session, worker: Client) -> None:
    fill(worker, "mail", jobs=2500)
    run = session.copy("mail", "post", limit=1800, progress=lambda run: run.done and run.cancel())
    assert run.done == 1000
    assert session.resume(run).done == 800
    assert session.resume(run).done == 0
    assert session.tube("post").current_jobs_ready == 1800


def test_resume_keeps_the_rate_unless_it_is_given_another(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 60)
    run = session.kick("mail", rate=16, progress=lambda run: run.done and run.cancel())
    assert run.done == 4
    resumed = session.resume(run, progress=lambda run: run.done and run.cancel())
    assert resumed.done == 4, "a batch of this rate"
    assert session.resume(run, dry_run=True).done == 52
    assert session.resume(run, rate=1000.0).done == 52


def test_a_server_killed_in_the_middle_and_restarted_from_its_binlog(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    log = ("-b", str(tmp_path / "log"), "-f0")
    server = start_beanstalkd(*log)
    with Client(server.address) as client:
        fill(client, "mail", "buried", 3000)
    session = open_session(server.address)
    ids = list(range(1, 3001))
    run = session.kick(ids, progress=lambda run: run.done and server.stop(kill=True))
    assert run.stopped is not None
    assert server.address in run.stopped
    assert 1000 <= run.done < 3000
    start_beanstalkd(*log, port=server.port)
    session = open_session(server.address)
    session.journal.verify(run)
    resumed = session.resume(run)
    assert resumed.stopped is None
    assert session.server().current_jobs_buried == 0, resumed.summary
    done = session.journal.actions()
    assert set(done.id[done.outcome == "done"]) == set(ids)


@pytest.mark.parametrize("state", ["ready", "delayed", "buried"])
def test_a_network_cut_in_the_middle_of_a_move_loses_nothing_and_undo_leaves_nothing_twice(
    state: str, beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    ids = fill(worker, "mail", state, 600)
    before = population(worker)
    with Proxy(beanstalkd.port, fatal=b"%s 307\r\n" % state.encode()) as proxy:
        run = open_session(proxy.address).move(ids, "post")
        assert run.stopped is not None
        assert (run.done, run.unknown) == (200, 200)
    until(lambda: worker.stats().current_connections == 1)
    assert len(population(worker)) == 600 + 107, "so many of the second batch were put, and none of it was deleted"
    record = run.outcomes.set_index("id")
    assert record.new_id[ids[200:307]].notna().all(), "each that was put is on record"
    assert record.new_id[ids[307:400]].isna().all()
    # The address is another's, since the network is whole again.
    session = open_session(beanstalkd.address)
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update runs set server = ?", (beanstalkd.address,))
    undoing = session.undo(run)
    assert (undoing.done, undoing.skipped) == (307, 93)
    assert "its outcome is unknown: verify the run first" in undoing.summary
    assert population(worker) == before


def test_a_network_cut_between_two_tubes_keeps_what_is_known_of_the_first(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    ids = [*fill(worker, "mail", jobs=3, body=b"mail"), *fill(worker, "sms", jobs=3, body=b"sms")]
    before = population(worker)
    with Proxy(beanstalkd.port, fatal=b"sms 2\r\n") as proxy:  # the last of it
        session = open_session(proxy.address)
        run = session.delete(ids)
        undoing = session.undo(run)
        assert (undoing.done, undoing.unknown) == (5, 1)
        again = session.undo(run)
        assert (again.done, again.skipped) == (0, 6)
        assert f"run {undoing.id} may have put it" in again.summary
        assert len(population(worker)) == 5
    session = open_session(beanstalkd.address)
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update runs set server = ?", (beanstalkd.address,))
    assert session.undo(run, repeat="unknown").done == 1
    assert population(worker) == before


def test_a_put_is_known_although_the_connection_breaks_after_it(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    with Proxy(beanstalkd.port, fatal=b"use default\r\n") as proxy:
        run = open_session(proxy.address).put(b"x", tube="mail")
    assert run.stopped is not None
    assert run.done == 1
    assert [worker.peek(id).body for id in run.ids] == [b"x"]


@pytest.mark.parametrize("fault", [JournalError("the disk is full"), KeyboardInterrupt()])
def test_a_move_that_ends_halfway_gives_back_what_it_had_reserved(
    fault: BaseException, session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", jobs=300, ttr=100_000)
    stage, stages = act_module.stage, []

    def halfway(*talks: Any) -> None:
        stages.append(len(talks[0]))
        if len(stages) == 2:
            raise fault
        stage(*talks)

    monkeypatch.setattr(act_module, "stage", halfway)
    with suppress(KeyboardInterrupt):
        session.move(ids, "post")
    until(lambda: worker.stats_tube("mail").current_jobs_ready == 300)
    assert session.held == frozenset()


def test_a_run_that_is_cut_off_searches_no_further(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", "buried", 600)
    monkeypatch.setattr(targets, "BATCH", 100)
    next_batch, ended = Scan._next_batch, []

    def far(scan: Scan, wanted: int | None) -> Any:
        if scan.progress.looked:
            until(lambda: scan._cancelled)
            ended.append(scan)
        return next_batch(scan, wanted)

    def cut(*_: Any) -> None:
        raise ConnectionLost("it was cut off")

    monkeypatch.setattr(Scan, "_next_batch", far)
    monkeypatch.setattr(act_module, "carry_out", cut)
    run = session.kick("mail", where=f"id > {ids[-101]}", order="newest")
    assert (run.unknown, run.stopped) == (100, "it was cut off")
    until(lambda: len(ended) == 1)


def test_a_run_does_not_go_on_over_another_connection(
    session: Session, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may connect anew, to a server that was restarted: there the ids are other jobs'."""
    ids = fill(worker, "mail", jobs=1500)

    def replaced(run: Run) -> None:
        if run.done:
            session._context._clients["acting"].close()
            session._context.acting()

    run = session.delete(ids, progress=replaced)
    assert (run.done, run.unknown) == (1000, 500)
    assert session.tube("mail").current_jobs_ready == 500


def test_a_cut_while_buried_jobs_are_reserved_leaves_the_tube_paused_and_says_so(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", "buried", 2000)
    worker.watch("mail")
    with Proxy(beanstalkd.port) as proxy:
        session = open_session(proxy.address)
        carry_out, batches = act_module.carry_out, []

        def cut(*batch: Any) -> None:
            batches.append(len(batch[0]))
            if len(batches) > 1:
                proxy.drop()
            carry_out(*batch)

        monkeypatch.setattr(act_module, "carry_out", cut)
        run = session.bury(ids, priority=1)
        assert run.done == 1000
        assert run.unknown == 1000
        assert "tube mail stays paused" in str(run.stopped)
        assert session_pause(worker) == pause_guard.PAUSE


def session_pause(client: Client) -> int:
    return client.stats_tube("mail").pause


def test_a_lost_server_is_one_line_and_not_the_end_of_the_session(
    beanstalkd: Beanstalkd, open_session: Callable[..., Session], worker: Client
) -> None:
    ids = fill(worker, "mail", "buried", 2)
    with Proxy(beanstalkd.port) as proxy:
        session = open_session(proxy.address)
        session.kick(ids[0])
        proxy.away = True
        proxy.drop()
        with pytest.raises(ConnectionLost) as caught:
            session.kick(ids[1])
        assert "\n" not in str(caught.value)
        proxy.away = False
        assert session.kick(ids[1]).done == 1
