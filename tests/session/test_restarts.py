"""A server that is stopped, started on the same port and filled by others: nothing of theirs is ever acted on.

The same ids then mean other jobs, or, where the server keeps a log, perhaps still the same ones.
"""

from __future__ import annotations

import io
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs import identity
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError, ReplyError
from beanops.session.connect import connect
from beanops.session.execution import executor as act_module
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.bench.bench_restarts import touched
from tests.session.conftest import fill
from tests.waits import PATIENCE

REUSED = "id was reused by another job"
JOBS = 3


class Server:
    """A server with three buried jobs in each of two tubes, and how it is started again."""

    def __init__(self, start: Callable[..., Beanstalkd], log: Path | None) -> None:
        self._start = start
        self._log = log
        self._flags = [] if log is None else ["-b", str(log), "-f0"]
        if log is not None:
            log.mkdir()
        self._process = start(*self._flags)
        self.address = self._process.address
        self.port = self._process.port
        self.fill("mail", "ours")

    def fill(self, tube: str, whose: str, jobs: int = JOBS) -> None:
        with Client(self.address) as client:
            fill(client, tube, "buried", jobs, body=whose.encode(), priority=100)

    def again(self, *, keep_log: bool = True) -> None:
        self._process.stop(kill=True)
        if self._log is not None and not keep_log:
            shutil.rmtree(self._log)
            self._log.mkdir()
        self._process = self._start(*self._flags, port=self.port)

    @property
    def jobs(self) -> dict[int, Any]:
        """All jobs with their bodies, and how often each was touched."""
        with Client(self.address) as client:
            ids = range(1, 100)
            answers: Any = zip(
                ids,
                list(client.pipeline(map(commands.stats_job, ids))),
                list(client.pipeline(map(commands.peek, ids))),
                strict=True,
            )
            return {
                id: (stats._replace(age=0, file=0), job.body)
                for id, stats, job in answers
                if not isinstance(stats, ReplyError)
            }


def lost(server: Server) -> None:
    server.again(keep_log=False)
    server.fill("mail", "theirs", 40)


def lost_elsewhere(server: Server) -> None:
    server.again(keep_log=False)
    server.fill("other", "theirs", 40)


def lost_twice(server: Server) -> None:
    server.again(keep_log=False)
    server.fill("mail", "theirs", 40)
    server.again()


def lost_twice_elsewhere(server: Server) -> None:
    server.again(keep_log=False)
    server.fill("other", "theirs", 40)
    server.again()


def kept(server: Server) -> None:
    server.again()


def kept_and_filled(server: Server) -> None:
    server.again()
    server.fill("mail", "theirs", 40)


LOSSES = [
    pytest.param(False, lost, id="lost"),
    pytest.param(False, lost_elsewhere, id="lost-elsewhere"),
    pytest.param(True, lost, id="log-lost"),
    pytest.param(True, lost_twice, id="log-lost-twice"),
    pytest.param(True, lost_twice_elsewhere, id="log-lost-twice-elsewhere"),
]

#: For what takes long: the plain one, and the one that is hardest to tell.
TWO_LOSSES = [LOSSES[1], LOSSES[3]]

# -- what is remembered ------------------------------------------------------------------------------------------


def _csv(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def _duckdb(how: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def travel(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.drop(columns=[name for name in ("data", "ttr", "delay", "age", "time_left") if name in frame])
        path = str(Path(os.environ["BEANOPS_STATE"]).with_suffix(f".{how}"))
        with duckdb.connect() as connection:
            connection.register("frame", frame.astype({"state": "str"}))
            connection.sql(f"copy frame to '{path}' (format {how})")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # DuckDB uses what pandas has deprecated
                return connection.sql(f"from '{path}'").df()

    return travel


TRAVELS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "none": lambda frame: frame,
    "csv": _csv,
    "duckdb-csv": _duckdb("csv"),
    "parquet": _duckdb("parquet"),
    "ns": lambda frame: frame.assign(created=frame.created.astype("datetime64[ns, UTC]")),
    "naive": lambda frame: frame.assign(created=frame.created.dt.tz_localize(None)),
    "text": lambda frame: frame.assign(created=frame.created.astype(str)),
    "rows": lambda frame: frame.to_dict("records"),
    "id-instance": lambda frame: frame[["id", "instance"]],
    "no-instance": lambda frame: frame.drop(columns=["instance"]),
    "id-digest": lambda frame: frame[["id", "digest"]],
    "found": lambda frame: None,
    "refs": lambda frame: None,
}


def _seen(session: Session, *travels: str) -> list[Any]:
    """Return the jobs of a tube as each of the travels leaves them."""
    frame = session.jobs("mail", bodies=True)
    others = {
        "found": lambda: [job for batch in session.scan("mail", bodies=True) for job in batch],
        "refs": lambda: session.delete("mail", state="buried", dry_run=True).refs,
    }
    return [others[how]() if how in others else TRAVELS[how](frame) for how in travels]


VERBS: dict[str, Callable[[Session, Any], Run]] = {
    "delete": lambda session, jobs: session.delete(jobs),
    "delete-rate": lambda session, jobs: session.delete(jobs, rate=1000),
    "delete-where": lambda session, jobs: session.delete(jobs, where="priority < 1000"),
    "kick": lambda session, jobs: session.kick(jobs),
    "bury": lambda session, jobs: session.bury(jobs, priority=1),
    "release": lambda session, jobs: session.release(jobs, delay=100),
    "move": lambda session, jobs: session.move(jobs, "post"),
    "copy": lambda session, jobs: session.copy(jobs, "post"),
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask until jobs show what they are: the moments at which they do are short, and on a busy machine easily missed.

    Ours were put a moment before the restart, and were seen a moment before it.
    """
    monkeypatch.setattr(identity, "_PATIENCE", PATIENCE)


@pytest.fixture
def make_server(start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path) -> Callable[[bool], Server]:
    return lambda log: Server(start_beanstalkd, tmp_path / "log" if log else None)


@pytest.fixture
def open_on(journal: str) -> Iterator[Callable[[Server], Session]]:
    opened = []

    def open_on(server: Server, **options: Any) -> Session:
        opened.append(connect(server.address, journal=journal, **options))
        return opened[-1]

    yield open_on
    for session in opened:
        session.close()


def spared(server: Server, act: Callable[[], Run]) -> Run:
    """Act, and see that nothing became of any job."""
    before = server.jobs
    run = act()
    assert server.jobs == before, run.summary
    assert (run.done, run.failed, run.unknown) == (0, 0, 0), run.summary
    assert run.stopped is None
    return run


def meet(session: Session) -> None:
    """Let a session see that its connections were lost: what comes next is said to a new process."""
    for _ in range(2):
        with suppress(BeanopsError):
            session.server()


@pytest.mark.parametrize(("log", "restart"), LOSSES)
def test_what_was_seen_is_not_what_has_the_ids_now(
    log: bool, restart: Callable[[Server], None], make_server: Any, open_on: Any
) -> None:
    server = make_server(log)
    session = open_on(server)
    seen = dict(zip(TRAVELS, _seen(session, *TRAVELS), strict=True))
    restart(server)
    meet(session)
    tries = [(how, "delete") for how in TRAVELS] + [("none", verb) for verb in VERBS]
    for how, verb in tries:
        run = spared(server, lambda how=how, verb=verb: VERBS[verb](session, seen[how]))
        assert run.skipped == JOBS, (how, verb, run.summary)
        if how not in ("id-instance", "refs"):
            assert list(run.reasons) == [REUSED], (how, verb, run.summary)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("restart", "verb"), [(kept, "delete"), *((kept_and_filled, verb) for verb in VERBS)])
def test_jobs_that_a_log_brought_back_are_acted_on(
    restart: Callable[[Server], None], verb: str, make_server: Any, open_on: Any
) -> None:
    server = make_server(True)
    session = open_on(server)
    (seen,) = _seen(session, "parquet" if verb == "delete" else "none")
    restart(server)
    meet(session)
    before = server.jobs
    run = VERBS[verb](session, seen)
    assert (run.done, run.skipped) == (JOBS, 0), run.summary
    after = server.jobs
    touched = {id for id in before if after.get(id) != before[id]}
    assert touched == ({1, 2, 3} if verb != "copy" else set())


# -- runs of before ----------------------------------------------------------------------------------------------


def _import(session: Session) -> Run:
    line = b'{"tube": "mail", "body": "imported"}\n'
    return session.import_(io.BytesIO(line * JOBS))


def _undone(session: Session) -> Run:
    return session.undo(session.kick("mail"))


RUNS: dict[str, Callable[[Session], Run]] = {
    "put": lambda session: session.put(b"mine", tube="mail"),
    "import": _import,
    "copy": lambda session: session.copy("mail", "post", state="buried"),
    "move": lambda session: session.move("mail", "post", state="buried"),
    "kick": lambda session: session.kick("mail"),
    "bury": lambda session: session.bury("mail", state="buried", priority=1),
    "release": lambda session: session.release("mail", state="buried", delay=1000),
    "undo": _undone,
    "undo of a move": lambda session: session.undo(session.move("mail", "post", state="buried")),
}


@pytest.mark.parametrize(("log", "restart"), TWO_LOSSES)
@pytest.mark.parametrize("does", RUNS)
def test_undo_and_verify_of_a_run_of_before_leave_the_others_alone(
    log: bool, restart: Callable[[Server], None], does: str, make_server: Any, open_on: Any
) -> None:
    server = make_server(log)
    session = open_on(server)
    run = RUNS[does](session)
    assert run.complete
    restart(server)
    for opened in (session, open_on(server)):
        meet(opened)
        undoing = spared(server, partial(opened.undo, run))
        assert undoing.skipped == run.done
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("delete from outcomes where run = ?", (run.id,))
    verified = session.journal.verify(run)
    assert verified.unknown == run.done, verified.summary


@pytest.mark.parametrize(("log", "restart"), LOSSES)
def test_undo_of_a_delete_puts_the_jobs_again_beside_the_others(
    log: bool, restart: Callable[[Server], None], make_server: Any, open_on: Any
) -> None:
    server = make_server(log)
    session = open_on(server)
    run = session.delete("mail", state="buried")
    restart(server)
    meet(session)
    before = server.jobs
    assert session.undo(run).done == JOBS
    after = server.jobs
    assert {id: after[id] for id in before} == before
    assert sorted(body for id, (_, body) in after.items() if id not in before) == [b"ours 0", b"ours 1", b"ours 2"]


def test_undo_of_a_copy_to_another_server_leaves_alone_what_has_the_ids_there(
    start_beanstalkd: Any, make_server: Any, open_on: Any
) -> None:
    there = make_server(False)
    here = Server(start_beanstalkd, None)
    session, other = open_on(here), open_on(there)
    run = session.copy("mail", "post", state="buried", server=other)
    lost(there)
    meet(other)
    assert spared(there, lambda: other.undo(run)).reasons.keys() == {REUSED}


CUT: dict[str, Callable[[Session, Any], Run]] = {
    "ids": lambda session, how: session.delete(range(1, JOBS + 1), **how),
    "frame": lambda session, how: session.delete(session.jobs("mail"), **how),
    "found": lambda session, how: session.move(
        [job for batch in session.scan("mail", bodies=True) for job in batch], "post", **how
    ),
    "tube": lambda session, how: session.delete("mail", state="buried", **how),
    "glob": lambda session, how: session.kick("*", **how),
    "where": lambda session, how: session.delete("*", where="priority < 1000", **how),
    "ids-where": lambda session, how: session.kick(range(1, JOBS + 1), where="priority < 1000", **how),
    "limit": lambda session, how: session.delete("*", state="buried", limit=2, **how),
}


@pytest.mark.parametrize(("log", "restart"), TWO_LOSSES)
@pytest.mark.parametrize("asked", CUT)
def test_resume_of_a_run_that_was_cut_before_leaves_the_others_alone(
    log: bool, restart: Callable[[Server], None], asked: str, make_server: Any, open_on: Any
) -> None:
    server = make_server(log)
    session = open_on(server)
    run = CUT[asked](session, {"rate": 4, "progress": lambda run: run.done and run.cancel()})
    assert (run.done, run.skipped) == (1, 0)
    restart(server)
    session = open_on(server)
    resumed = spared(server, lambda: session.resume(run, rate=100_000))
    assert resumed.skipped or asked == "tube"
    spared(server, lambda: session.resume(resumed, rate=100_000))


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("restart", [kept_and_filled])
@pytest.mark.parametrize("asked", CUT)
def test_resume_goes_on_with_jobs_that_a_log_brought_back(
    restart: Callable[[Server], None], asked: str, make_server: Any, open_on: Any
) -> None:
    server = make_server(True)
    session = open_on(server)
    run = CUT[asked](session, {"rate": 4, "progress": lambda run: run.done and run.cancel()})
    restart(server)
    before = server.jobs
    session = open_on(server)
    resumed = session.resume(run, rate=100_000)
    assert resumed.done == (1 if asked == "limit" else 2), resumed.summary
    after = server.jobs
    assert {id for id in before if after.get(id) != before[id]} <= {1, 2, 3}


@pytest.mark.parametrize("act", ["delete", "bury", "release"])
def test_a_reservation_that_is_kept_over_a_restart_acts_on_nothing(act: str, make_server: Any, open_on: Any) -> None:
    server = make_server(False)
    session = open_on(server)
    with Client(server.address) as client:
        client.kick_job(1)
    reservation = session.reserve("mail")
    lost(server)
    meet(session)
    before = server.jobs
    for _ in range(2):
        with suppress(BeanopsError):
            run = getattr(reservation, act)()
            assert run.done == 0
    assert server.jobs == before
    assert not reservation.held


def test_a_run_that_idled_over_a_restart_does_not_go_on_with_the_jobs_that_have_the_ids_now(
    make_server: Any, open_on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act_module, "IDLE", 0)
    server = make_server(False)
    session = open_on(server)

    def restart(run: Run) -> None:
        if run.done == 1 and not run.skipped:
            lost(server)
            meet(session)  # what looks goes on over a new connection

    run = session.delete(session.jobs("mail"), rate=4, progress=restart)
    assert (run.done, run.unknown) == (1, 0), run.summary
    assert "was restarted" in run.summary
    assert len(server.jobs) == 40


def test_restarts_in_the_middle_of_runs_touch_no_job_of_others() -> None:
    assert touched(rounds=4) == 0
