"""The delay that a job had is the delay that it has after it was put anew, and no worker sees how."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from beanops import Client, Job
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import TimedOut
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.pause_guard import PauseGuard
from beanops.session.session import Session
from tests.waits import PATIENCE, until

DELAYS = (0, 1, 7, 86_400, U32_MAX - 1, U32_MAX)


@pytest.fixture
def beanstalkd(request: pytest.FixtureRequest, start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start the real server, or the embedded one as the release that the test is for."""
    return start_beanstalkd(dialect=getattr(request, "param", None))


def bury(client: Client, tube: str, copies: int = 3) -> dict[int, int]:
    """Bury jobs that had delays; return these by their ids."""
    client.use(tube)
    delays = {}
    for n in range(copies):
        for delay in DELAYS:
            id = client.put(b"%d %d" % (n, delay), delay=delay, priority=9)
            client.reserve_job(id)
            client.bury(id, priority=9)
            delays[id] = delay
    client.use("default")
    return delays


@contextmanager
def working(address: str, *tubes: str) -> Iterator[list[Job]]:
    """Have four workers wait for jobs of tubes, and two that come and go; yield what they got."""
    got: list[Job] = []
    over = threading.Event()

    def work(stays: bool) -> None:
        while not over.is_set():
            with Client(address) as client, suppress(TimedOut):
                for tube in (*tubes, "end"):
                    client.watch(tube)
                while not over.is_set():
                    job = client.reserve(60 if stays else 0)
                    if job.body == b"end":
                        return
                    got.append(job)

    threads = [threading.Thread(target=work, args=(n < 4,)) for n in range(6)]
    for thread in threads:
        thread.start()
    try:
        yield got
    finally:
        over.set()
        with Client(address) as client:
            for _ in threads:
                client.put(b"end", tube="end")  # ends those that wait
        for thread in threads:
            thread.join(PATIENCE)


def delays_of(client: Client, ids: list[int]) -> list[tuple[str, int]]:
    """Return state and delay of jobs."""
    return [(stats.state, stats.delay) for stats in map(client.stats_job, ids)]


@pytest.mark.parametrize("beanstalkd", [None, "1.12", "1.13"], indirect=True)
@pytest.mark.parametrize("way", ["move", "copy", "undo", "import"])
@pytest.mark.parametrize("workers", ["known", "newly come", "none"])
def test_a_buried_job_keeps_its_delay_and_no_worker_gets_it(
    way: str,
    workers: str,
    beanstalkd: Beanstalkd,
    session: Session,
    worker: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if workers == "newly come":  # nobody watched the tube when it was looked whether it has to be paused
        monkeypatch.setattr(PauseGuard, "cover", lambda *_: None)
    delays = bury(worker, "mail")
    ids = list(delays)
    if way == "import":
        session.export(tmp_path / "jobs", delete=True)
    elif way == "undo":
        deleted = session.delete(ids)
    with ExitStack() as around:
        got = around.enter_context(working(beanstalkd.address, "mail", "post")) if workers != "none" else []
        if way == "move":
            run = session.move(ids, "post")
        elif way == "copy":
            run = session.copy(ids, "post")
        elif way == "undo":
            run = session.undo(deleted)
        else:
            run = session.import_(tmp_path / "jobs")
    assert run.complete
    new = [row.new_id or 0 for row in run.rows]
    assert delays_of(worker, new) == [("buried", delay) for delay in delays.values()]
    assert got == []
    assert all(not tube.pause_time_left for tube in session._lookups.tube_stats())
    workers_delay = worker.stats_job(new[2]).delay + 5  # what a worker computes has to be a delay
    worker.reserve_job(new[2])
    worker.release(new[2], priority=9, delay=workers_delay)


@pytest.mark.parametrize("way", ["move", "copy"])
def test_a_ready_job_that_was_delayed_keeps_its_delay(way: str, session: Session, worker: Client) -> None:
    ids = [worker.put(b"%d" % delay, tube="mail", delay=delay) for delay in (5, 86_400, U32_MAX)]
    for id in ids:
        worker.kick_job(id)
    run = getattr(session, way)(ids, "post")
    assert delays_of(worker, [row.new_id for row in run.rows]) == [("ready", d) for d in (5, 86_400, U32_MAX)]


def test_a_delayed_job_keeps_the_time_that_is_left(session: Session, worker: Client) -> None:
    id = worker.put(b"x", tube="mail", delay=1000)
    (row,) = session.move(id, "post").rows
    stats = worker.stats_job(row.new_id or 0)
    assert (stats.state, 990 < stats.time_left <= 1000) == ("delayed", True)


@pytest.mark.parametrize("way", ["move", "copy", "edit", "undo of a delete", "import"])
def test_a_parked_job_stays_parked(way: str, session: Session, worker: Client, tmp_path: Path) -> None:
    worker.put(b"1", tube="mail", delay=U32_MAX)
    until(lambda: worker.stats_job(1).time_left < U32_MAX - 1)
    match way:
        case "move":
            session.move(1, "post")
        case "copy":
            session.copy(1, "post")
        case "edit":
            session.edit(1, lambda text: text + "!", to="post")
        case "undo of a delete":
            session.undo(session.delete(1))
        case "import":
            session.export(tmp_path / "jobs")
            session.import_(tmp_path / "jobs")
    new = worker.stats_job(2)
    assert (new.state, new.delay) == ("delayed", U32_MAX)


def test_a_tube_keeps_the_pause_that_an_operator_gave_it(session: Session, worker: Client) -> None:
    bury(worker, "mail", copies=1)
    worker.put(b"x", tube="post")
    worker.pause_tube("post", 40)
    assert session.move("mail", "post", state="buried").complete
    assert 35 <= session.tube("post").pause_time_left <= 40


def test_a_job_may_be_moved_into_its_own_tube(session: Session, worker: Client) -> None:
    (id,) = [worker.put(b"x", tube="mail", priority=3)]
    worker.reserve_job(id)
    worker.release(id, priority=3)
    run = session.move("mail", "mail", state="ready")
    assert (run.done, run.complete) == (1, True)
    (row,) = run.rows
    stats = worker.stats_job(row.new_id or 0)
    assert (stats.tube, stats.priority, stats.reserves, stats.releases) == ("mail", 3, 0, 0)
    assert worker.stats_tube("mail").current_jobs_ready == 1
    assert session.undo(run).complete
