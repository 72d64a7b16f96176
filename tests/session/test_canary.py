"""A canary: what it finds of workers that succeed, fail, hang, vanish or are not there; its waves and its record.

The workers are clients of the same server. They work while the canary waits between two looks, so that each test says
in which order things happen.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.journal.records import Refused
from beanops.protocol.errors import TimedOut, UsageError
from beanops.session.execution.ending import Interrupted
from beanops.session.execution.run import Run
from beanops.session.investigation.canary import CanaryRun, Hooks, Wave, canary, stages_of
from beanops.session.options import Options
from beanops.session.session import Session
from tests.cli.conftest import bury
from tests.session.conftest import fill
from tests.waits import PATIENCE, until

#: What a worker does while the canary waits.
Work = Callable[[], object]


class Waits:
    """A clock that goes on only while the canary waits; at each wait the next piece of work is done."""

    def __init__(self, *work: Work, always: Work = lambda: None) -> None:
        self.now = 0.0
        self.lengths: list[float] = []
        self._work = list(work)
        self._always = always

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.lengths.append(seconds)
        (self._work.pop(0) if self._work else self._always)()


def kick_some(
    session: Session,
    jobs: Any,
    waits: Waits,
    *,
    first: int = 3,
    watch: Any = "60s",
    promote_if: str | None = None,
    waves: Iterable[int] | None = None,
    hooks: Hooks = Hooks(),  # noqa: B008
    **options: Any,
) -> CanaryRun:
    stages = stages_of(first, watch, promote_if, waves)
    told = hooks._replace(clock=waits.clock, wait=waits.wait)
    return canary(session._executor, jobs, stages, Options(**options), told)


@pytest.fixture
def watcher(worker: Client) -> Client:
    """Have a worker that watches the tube mail."""
    worker.watch("mail")
    return worker


def finish(worker: Client) -> None:
    """Reserve and delete all jobs that are ready."""
    with suppress(TimedOut):
        while True:
            worker.delete(worker.reserve(0))


def fail(worker: Client) -> None:
    """Reserve and bury all jobs that are ready."""
    with suppress(TimedOut):
        while True:
            worker.bury(worker.reserve(0).id)


def verdicts(found: CanaryRun) -> list[str]:
    return [job.verdict for wave in found.waves for job in wave.jobs]


# -- verdicts --------------------------------------------------------------------------------------------------------


def test_a_fixed_worker_finishes_the_jobs(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 5)
    held: list[Any] = []

    def take() -> None:
        held.extend(watcher.reserve(0) for _ in range(2))

    def finish_all() -> None:
        for job in held:
            watcher.delete(job)
        finish(watcher)

    waits = Waits(take, finish_all)
    found = kick_some(session, "mail", waits)
    assert verdicts(found) == ["done", "done", "unseen"]
    assert found.waves[0].passed, "all of them are gone"
    assert found.passed
    assert (found.left, found.run.done) == (2, 3)
    assert len(waits.lengths) == 2, "it ends as soon as all verdicts are final"
    assert [job.seconds for job in found.waves[0].jobs] == [waits.now] * 3
    assert session.job(ids[3]).stats.state == "buried", "the rest is untouched"
    assert found.ending == "stopped after the first wave: 2 jobs left untouched"


def test_what_comes_back_buried_is_told_from_what_was_buried_all_along(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 5)
    for _ in range(3):  # these have failed before
        session.kick(ids[:3])
        fail(watcher)
    found = kick_some(session, "mail", Waits(lambda: fail(watcher)))
    assert verdicts(found) == ["buried"] * 3
    assert [job.counters["buries"] for job in found.waves[0].jobs] == [1, 1, 1]
    assert not found.passed
    assert found.waves[0].judgement == "gone = jobs is false"


def test_some_of_the_jobs_fail(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 3)

    def work() -> None:
        watcher.bury(watcher.reserve(0).id)
        finish(watcher)

    found = kick_some(session, "mail", Waits(work))
    assert sorted(verdicts(found)) == ["buried", "unseen", "unseen"]
    assert found.waves[0].counts == {"buried": 1, "unseen": 2}


def test_a_worker_that_holds_a_job_for_too_long(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 1, ttr=1)

    def hang() -> None:
        job = watcher.reserve(0)
        # A server may miss the end of a TTR; the job is then overdue.
        until(lambda: session.job(job.id).stats.timeouts > 0 or session.job(job.id).stats.time_left < 0)

    found = kick_some(session, "mail", Waits(hang))
    assert verdicts(found) == ["timed_out"]
    assert not found.passed


@pytest.mark.parametrize("delay", [0, 1000])
def test_a_worker_that_releases_jobs(session: Session, watcher: Client, delay: int) -> None:
    fill(watcher, "mail", "buried", 1)
    found = kick_some(session, "mail", Waits(lambda: watcher.release(watcher.reserve(0).id, delay=delay)))
    assert verdicts(found) == ["released"]
    assert found.waves[0].jobs[0].counters["releases"] == 1


def test_workers_that_vanish_in_the_middle(session: Session, watcher: Client, beanstalkd: Beanstalkd) -> None:
    fill(watcher, "mail", "buried", 3)
    watcher.ignore("mail")
    other = Client(beanstalkd.address)
    other.watch("mail")
    found = kick_some(session, "mail", Waits(lambda: other.reserve(0), other.close))
    assert verdicts(found) == ["released", "waiting", "waiting"]
    assert found.waves[0].notes == ["no worker watches tube mail"]


def test_a_worker_that_still_works_on_a_job_at_the_end(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 1)
    found = kick_some(session, "mail", Waits(lambda: watcher.reserve(0)), watch="5s")
    assert verdicts(found) == ["reserved"]
    assert not found.passed, "nobody knows how it ends"


def test_no_worker_at_all(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 5)
    waits = Waits()
    found = kick_some(session, "mail", waits, promote_if="buried = 0 and waiting = 0")
    assert verdicts(found) == ["waiting"] * 3
    assert found.waves[0].notes == ["no worker watches tube mail"]
    assert (found.left, found.passed) == (2, False)
    assert waits.now == pytest.approx(60), "it watches to the end"
    assert len(waits.lengths) < 50, "looks are further and further apart"


def test_a_paused_tube(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 1)
    watcher.pause_tube("mail", 1000)
    found = kick_some(session, "mail", Waits(always=lambda: finish(watcher)))
    assert verdicts(found) == ["waiting"]
    assert found.waves[0].notes == ["tube mail is paused"]


def test_a_job_that_timed_out_may_still_succeed(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 1)
    release = lambda: watcher.release(watcher.reserve(0).id)  # noqa: E731
    found = kick_some(session, "mail", Waits(release, lambda: finish(watcher)))
    assert verdicts(found) == ["done"]
    assert found.waves[0].jobs[0].counters["releases"] == 1


def test_with_real_workers_and_a_real_clock(session: Session, worker: Client, beanstalkd: Beanstalkd) -> None:
    poison = fill(worker, "mail", "buried", 1)
    fill(worker, "mail", "buried", 30)
    over = threading.Event()

    def work() -> None:
        with Client(beanstalkd.address) as client:
            client.watch("mail")
            while not over.is_set():
                with suppress(TimedOut):
                    job = client.reserve(1)  # no busy loop: it would starve the command
                    client.bury(job.id) if job.id in poison else client.delete(job)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        found = session.canary("mail", first=5, watch=PATIENCE, promote_if="buried <= 1", waves=[10])
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert found.query("verdict == 'buried'").id.tolist() == poison
    assert set(found.verdict) <= {"done", "unseen", "buried"}
    assert found.groupby("wave").size().tolist() == [5, 10, 16]
    assert (found.attrs["passed"], found.attrs["left"]) == (True, 0)


# -- restarts --------------------------------------------------------------------------------------------------------


class Restarts:
    """A server that can be started again, with or without a log, and a session on it."""

    def __init__(self, start: Callable[..., Beanstalkd], log: Path | None) -> None:
        self._start = start
        self._flags = [] if log is None else ["-b", str(log), "-f0"]
        if log is not None:
            log.mkdir()
        self.server = start(*self._flags)
        self.address = self.server.address

    def again(self) -> None:
        self.server.stop(kill=True)
        self.server = self._start(*self._flags, port=self.server.port)

    def work(self, act: Callable[[Client], object]) -> None:
        with Client(self.address) as client:
            client.watch("mail")
            act(client)


def test_jobs_are_lost_with_a_server_that_keeps_no_log(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = Restarts(start_beanstalkd, None)
    server.work(lambda client: fill(client, "mail", "buried", 5))

    def restart() -> None:
        server.again()
        server.work(lambda client: fill(client, "mail", "ready", 2))  # others take the ids

    waits = Waits(lambda: server.work(finish_one), restart)
    found = kick_some(open_session(server.address), "mail", waits, promote_if="jobs > 0")
    assert verdicts(found) == ["unseen", "lost", "lost"]
    assert found.waves[0].notes == ["the server was restarted"]
    assert found.ending == "stopped, as the server was restarted: 2 jobs left untouched"
    assert (found.run.done, found.left, found.passed) == (3, 2, False)


def finish_one(client: Client) -> None:
    client.delete(client.reserve(0))


def test_jobs_of_a_log_are_watched_on(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    server = Restarts(start_beanstalkd, tmp_path / "log")
    server.work(lambda client: fill(client, "mail", "buried", 6))
    kept = Client(server.address)
    kept.watch("mail")

    def work() -> None:
        kept.bury(kept.reserve(0).id)
        kept.reserve(0)  # it holds that one when the server dies

    def work_again() -> None:
        server.work(lambda client: client.delete(client.reserve(0)))
        server.work(lambda client: client.bury(client.reserve(0).id))

    waits = Waits(work, server.again, work_again)
    found = kick_some(open_session(server.address), "mail", waits, first=4, promote_if="jobs > 0")
    kept.close()
    assert verdicts(found) == ["buried", "done", "buried", "waiting"]
    assert "the server was restarted" in found.waves[0].notes
    assert found.left == 2, "ids may name other jobs now"


def test_a_server_that_does_not_come_back(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = Restarts(start_beanstalkd, None)
    server.work(lambda client: fill(client, "mail", "buried", 5))
    waits = Waits(lambda: server.work(finish_one), lambda: server.server.stop(kill=True))
    found = kick_some(open_session(server.address), "mail", waits, watch="5s", promote_if="buried = 0")
    assert verdicts(found) == ["unseen", "unknown", "unknown"]
    assert found.waves[0].passed is None
    assert not found.passed
    assert "cannot connect" in str(found.run.cause)


# -- waves -----------------------------------------------------------------------------------------------------------


def test_it_goes_on_in_waves_as_long_as_the_condition_is_true(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 20)
    waits = Waits(always=lambda: finish(watcher))
    found = kick_some(session, "mail", waits, promote_if="buried = 0", waves=[5, 8])
    assert [len(wave.jobs) for wave in found.waves] == [3, 5, 8, 4]
    assert (found.passed, found.left, found.ending) == (True, 0, "no jobs left to kick")
    assert len(session.runs) == 1


def test_it_stops_at_the_first_wave_that_fails(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 20)
    waits = Waits(lambda: finish(watcher), always=lambda: fail(watcher))
    found = kick_some(session, "mail", waits, promote_if="buried / jobs < 50%", waves=[5])
    assert [wave.passed for wave in found.waves] == [True, False]
    assert found.ending == "stopped, as buried / jobs < 50% is false: 12 jobs left untouched"
    assert [session.job(id).stats.buries for id in ids[8:]] == [1] * 12


def test_a_later_wave_takes_no_job_that_an_earlier_one_sent_back(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 6)
    waits = Waits(always=lambda: fail(watcher))
    fresh = fill(watcher, "mail", "buried", 1)
    found = kick_some(session, ids, waits, promote_if="jobs > 0", waves=[1])
    assert [job.id for wave in found.waves for job in wave.jobs] == ids
    assert [session.job(id).stats.kicks for id in ids + fresh] == [1] * 6 + [0]


def test_somebody_is_asked_after_each_wave(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 20)
    asked: list[tuple[int, bool | None, int, int]] = []

    def ask(wave: Wave, size: int, left: int) -> bool:
        asked.append((wave.number, wave.passed, size, left))
        return len(asked) < 2

    waits = Waits(always=lambda: finish(watcher))
    found = kick_some(session, "mail", waits, waves=[5], hooks=Hooks(ask=ask))
    assert asked == [(1, True, 5, 17), (2, True, 12, 12)]
    assert (found.ending, found.passed) == ("not confirmed: 12 jobs left untouched", False)


def test_named_jobs_that_cannot_be_kicked_come_last(session: Session, watcher: Client) -> None:
    ready = fill(watcher, "mail", "ready", 1)
    ids = fill(watcher, "mail", "buried", 4)
    waits = Waits(always=lambda: finish(watcher))
    found = kick_some(session, [*ready, 999, *ids], waits, promote_if="buried = 0")
    assert [len(wave.jobs) for wave in found.waves] == [3, 1]
    assert (found.run.done, found.run.skipped) == (4, 2)


def test_jobs_are_judged_by_the_predicate_again_before_their_wave(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 6)

    def others_kick() -> None:
        finish(watcher)
        watcher.kick_job(ids[4])
        fail(watcher)

    waits = Waits(others_kick, always=lambda: finish(watcher))
    found = kick_some(session, "mail", waits, where="kicks = 0", promote_if="buried = 0")
    assert [job.id for wave in found.waves for job in wave.jobs] == [*ids[:4], ids[5]]


def test_a_wave_that_kicks_nothing_proves_nothing(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 6)

    def others_delete() -> None:
        finish(watcher)
        for id in ids[3:5]:
            watcher.delete(id)

    waits = Waits(others_delete, always=lambda: finish(watcher))
    found = kick_some(session, "mail", waits, promote_if="buried = 0", waves=[2])
    assert [wave.passed for wave in found.waves] == [True, None]
    assert (found.passed, found.left) == (False, 1)


def test_delayed_jobs_can_be_tried_too(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "delayed", 2)
    found = kick_some(session, "mail", Waits(always=lambda: finish(watcher)), state="delayed")
    assert verdicts(found) == ["unseen", "unseen"]
    assert found.ending == "no jobs left to kick"


def test_there_may_be_no_jobs(session: Session, watcher: Client) -> None:
    found = kick_some(session, "mail", Waits())
    assert (found.waves, found.left, found.passed) == ([], 0, True)
    assert "there are no jobs to kick" in found.summary


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"first": 0}, "above 0"),
        ({"waves": [10, 0]}, "above 0"),
        ({"waves": "10,100"}, "list of numbers"),
        ({"watch": 0}, "above 0"),
        ({"promote_if": "burried = 0"}, "did you mean 'buried'"),
        ({"dry_run": True}, "dry_run"),
        ({"buried_as": "ready"}, "buried_as"),
    ],
)
def test_wrong_arguments_change_nothing(session: Session, worker: Client, arguments: Any, why: str) -> None:
    ids = fill(worker, "mail", "buried", 2)
    with pytest.raises(UsageError, match=why):
        session.canary("mail", **arguments)
    assert [session.job(id).stats.kicks for id in ids] == [0, 0]
    assert len(session.runs) == 0


def test_a_read_only_session_refuses(open_session: Callable[..., Session], worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 2)
    session = open_session(read_only=True)
    with pytest.raises(Refused):
        session.canary("mail")
    assert session.job(ids[0]).stats.kicks == 0


# -- the record ------------------------------------------------------------------------------------------------------


def test_the_frame_says_what_became_of_each_job(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 4)
    frame = session.canary("mail", first=3, watch="10ms")
    assert frame.id.tolist() == ids[:3]
    assert frame.verdict.tolist() == ["waiting"] * 3
    assert frame.seconds.isna().all()
    assert set(frame.tube) == {"mail"}
    assert frame.attrs["run"] == session.runs.run[0]
    assert frame.attrs["verdict"].startswith("wave 1: 3 waiting after 0.0s; no worker watches tube mail; gone = jobs")
    empty = session.canary("mail", state="delayed")
    assert empty.dtypes.to_dict() == frame.dtypes.to_dict()
    again = session.kick(frame)
    assert again.skipped == 3, "verbs accept the frame"


def test_the_journal_has_one_run_with_its_waves(session: Session, watcher: Client) -> None:
    fill(watcher, "mail", "buried", 5)
    kick_some(session, "mail", Waits(always=lambda: finish(watcher)), promote_if="buried = 0", reason="INC-7")
    (run,) = session.journal.runs().itertuples()
    assert (run.action, run.done, run.skipped, run.unknown, run.reason) == ("kick", 5, 0, 0, "INC-7")
    notes = session.journal.actions(action="watch")
    assert notes.error.tolist()[::-1] == [
        "wave 1: 3 unseen after 0.1s; buried = 0 is true",
        "wave 2: 2 unseen after 0.1s; buried = 0 is true",
    ]
    order = session.journal.actions().action.tolist()[::-1]
    assert order == ["kick"] * 3 + ["watch"] + ["kick"] * 2 + ["watch"]


def test_undo_buries_what_still_waits(session: Session, watcher: Client) -> None:
    ids = fill(watcher, "mail", "buried", 5)
    watcher.ignore("mail")
    found = kick_some(session, "mail", Waits(), first=4, watch="1s")
    watcher.watch("mail")
    watcher.delete(watcher.reserve(0))
    watcher.ignore("mail")
    undone = session.undo(found.run)
    assert (undone.done, undone.skipped, undone.unknown) == (3, 1, 0)
    assert [session.job(id).stats.state for id in ids[1:]] == ["buried"] * 4
    assert session.undo(found.run).done == 0


def test_a_canary_is_not_resumed(session: Session, worker: Client) -> None:
    fill(worker, "mail", "buried", 5)
    found = kick_some(session, "mail", Waits(), watch="1s")
    with pytest.raises(UsageError, match="start another one"):
        session.resume(found.run)


def test_kicks_are_on_record_before_it_watches(session: Session, watcher: Client, journal: str) -> None:
    fill(watcher, "mail", "buried", 5)
    seen: list[dict[str, int]] = []

    def read() -> None:
        record = Journal(journal)
        seen.extend(map(dict, record.counts([session.runs.run[0]]).values()))
        record.close()

    kick_some(session, "mail", Waits(read), watch="1s")
    assert seen == [{"done": 3}]


_VICTIM = """
import sys
from beanops.session.connect import connect
with connect(sys.argv[1], journal=sys.argv[2]) as session:
    session.canary("mail", first=3, watch="1h", promote_if="buried = 0")
"""


def test_a_process_that_is_killed_between_waves_leaves_an_honest_record(
    session: Session, worker: Client, beanstalkd: Beanstalkd, journal: str
) -> None:
    ids = fill(worker, "mail", "buried", 5)
    victim = subprocess.Popen([sys.executable, "-c", _VICTIM, beanstalkd.address, journal])
    try:
        record = Journal(journal)
        until(lambda: record.runs() != [] and record.counts([record.runs()[0].id])[record.runs()[0].id]["done"] == 3)
        record.close()
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait(PATIENCE)
    (run,) = session.journal.runs().itertuples()
    assert (run.done, run.unknown) == (3, 0)
    assert [session.job(id).stats.state for id in ids] == ["ready"] * 3 + ["buried"] * 2
    assert session.undo(run.run).done == 3
    assert [session.job(id).stats.state for id in ids] == ["buried"] * 5


def test_ctrl_c_ends_it_with_the_verdicts_so_far(session: Session, worker: Client) -> None:
    ids = fill(worker, "mail", "buried", 5)

    def interrupt(wait: Callable[[float], None]) -> Callable[[float], None]:
        def waiting(seconds: float) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            wait(seconds)

        return waiting

    waits = Waits()
    waits.wait = interrupt(waits.wait)  # type: ignore[method-assign]
    with pytest.raises(Interrupted) as caught:
        kick_some(session, "mail", waits, promote_if="waiting > 0")
    run: Run = caught.value.run
    assert (run.done, run.stopped, run.resumable) == (3, "cancelled", False)
    assert session.journal.actions(action="watch").error[0].startswith("wave 1: 3 waiting after 0.1s")
    assert [session.job(id).stats.state for id in ids[3:]] == ["buried"] * 2


def test_a_closed_session_ends_it(open_session: Callable[..., Session], worker: Client) -> None:
    fill(worker, "mail", "buried", 5)
    session = open_session()
    found = kick_some(session, "mail", Waits(session.close), promote_if="jobs > 0")
    assert not found.passed
    assert "closed by close()" in str(found.run.stopped)


def test_a_group_can_be_tried(session: Session, watcher: Client) -> None:
    bury(watcher, "mail", *[b'{"error": "no such user"}'] * 4)
    ids = bury(watcher, "mail", *(b'{"error": "card %d declined"}' % n for n in range(1000, 1003)))
    groups = session.groups("mail", state="buried").set_index("count")
    finishing = Waits(always=lambda: finish(watcher))
    found = kick_some(session, "mail", finishing, first=2, promote_if="buried = 0", group=groups.name[3])
    assert [job.id for wave in found.waves for job in wave.jobs] == ids
    found = kick_some(session, groups.reset_index().iloc[0], finishing, first=1)
    assert (found.run.done, found.left) == (1, 3)
    asked = session._context.journal().run(found.run.id).request
    assert asked["groups"] == [groups.name[4]]
