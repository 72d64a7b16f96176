"""Searches in tasks: the same jobs, groups, facets and files as in one process, also where tasks fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.snapshot import CannotSave, save_apart
from beanops.protocol import commands
from beanops.protocol.errors import ArgumentError
from beanops.session.distributed import reading, workers
from beanops.session.session import Session
from tests.session.conftest import fill
from tests.session.distributed.conftest import Pickling

JOBS = 300


class Failing(Pickling):
    """Loses every other task."""

    def __init__(self) -> None:
        super().__init__(2)
        self._numbers = count()

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        if next(self._numbers) % 2:
            lost: Future[Any] = Future()
            lost.set_exception(RuntimeError("a worker died"))
            return lost
        return super().submit(function, *arguments, **options)


class Deaf(ThreadPoolExecutor):
    """Never runs a task."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        return Future()


@pytest.fixture(params=["all tasks", "some tasks", "no task"])
def any_executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
    monkeypatch.setattr(workers, "SILENCE", 0.2 if request.param == "no task" else 60)
    kinds: dict[str, Callable[[], Executor]] = {
        "all tasks": lambda: Pickling(2),
        "some tasks": Failing,
        "no task": Deaf,
    }
    with kinds[request.param]() as chosen:
        if request.param == "all tasks":
            yield chosen
            return
        with pytest.warns(reading.TasksFailed, match=r"parts of a search are done by this process: (a task|no sign)"):
            yield chosen


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LEAST", 50)


@pytest.fixture
def jobs(worker: Client) -> list[int]:
    """Put jobs of several causes into two tubes; some ids have no job any more."""
    for tube in ("mail", "post/office"):
        worker.use(tube)
        bodies = (
            json.dumps({"error": f"Timeout: no answer of host {n % 3} in {n} s", "user": n % 7, "password": f"p{n}"})
            for n in range(JOBS)
        )
        ids = [int(id) for id in worker.pipeline(commands.put(body.encode()) for body in bodies)]
        for id in ids[::10]:
            worker.delete(id)
    worker.use("default")
    fill(worker, "mail", "buried", 20, body=b"no JSON")
    return ids


def same(one: pd.DataFrame, other: pd.DataFrame, *without: str) -> None:
    """Compare frames, without columns that time changes."""
    dropped = ["age", *without]
    pd.testing.assert_frame_equal(
        one.drop(columns=dropped, errors="ignore"), other.drop(columns=dropped, errors="ignore"), check_like=False
    )


@pytest.mark.parametrize("order", ["newest", "oldest", "-id", "size"])
def test_jobs_are_the_same_in_the_same_order(
    session: Session, jobs: list[int], any_executor: Executor, order: str
) -> None:
    alone = session.jobs("mail", order=order)
    found = session.jobs("mail", order=order, executor=any_executor)
    same(found, alone, "created")
    assert found.attrs["verdict"] == alone.attrs["verdict"] == "complete: 290 found"


def test_predicates_and_columns_are_those_of_one_process(
    session: Session, jobs: list[int], any_executor: Executor
) -> None:
    which = {"where": "data->>'$.user' = '3'", "columns": ["id", "tube", "data"], "state": "ready"}
    alone = session.jobs(None, **which)
    found = session.jobs(None, **which, executor=any_executor)
    same(found, alone)
    assert found.attrs["verdict"] == alone.attrs["verdict"]
    assert len(found)


def test_groups_are_the_same(session: Session, jobs: list[int], any_executor: Executor) -> None:
    for by in (None, "data->>'$.user'"):
        alone, found = session.groups("*", by=by), session.groups("*", by=by, executor=any_executor)
        same(found, alone, "sample_id", "sample", "trend", "oldest", "newest")
        for name in ("total", "complete", "verdict", "others", "other_groups"):
            assert found.attrs[name] == alone.attrs[name], name


def test_facets_are_the_same(session: Session, jobs: list[int], any_executor: Executor) -> None:
    alone, found = session.facets("*"), session.facets("*", executor=any_executor)
    same(found.paths, alone.paths)
    same(found.values, alone.values)
    same(found.histograms.query("column != 'age'"), alone.histograms.query("column != 'age'"))
    assert found.verdict == alone.verdict
    assert found.complete == alone.complete
    assert [one[:2] for one in found.undecoded] == [one[:2] for one in alone.undecoded]


def test_snapshot_is_one_dataset(session: Session, jobs: list[int], any_executor: Executor, tmp_path: Path) -> None:
    saved = session.snapshot(tmp_path / "saved", executor=any_executor)
    assert (saved.jobs, saved.complete, saved.verdict) == (560, True, "complete: 560 found")
    folders = sorted(folder.name for folder in (tmp_path / "saved").iterdir())
    assert folders == ["folder=mail", "folder=post%2Foffice"]
    read = duckdb.sql(f"select tube, count(distinct id), count(*) from '{tmp_path}/saved/*/*.parquet' group by all")
    assert sorted(read.fetchall()) == [("mail", 290, 290), ("post/office", 270, 270)]
    assert len(pd.read_parquet(tmp_path / "saved")) == 560
    assert not list(tmp_path.glob(".saved*"))


def test_bodies_are_redacted_in_tasks(
    open_session: Callable[..., Session], jobs: list[int], executor: Executor, tmp_path: Path
) -> None:
    session = open_session(redact="password")
    found = session.jobs("post/office", executor=executor)
    assert not found["body"].str.contains('"p[0-9]', regex=True).any()
    values = session.facets("post/office", executor=executor).values
    assert not values[values["path"] == "$.password"]["value"].str.startswith("p").any()
    session.snapshot(tmp_path / "saved", executor=executor)
    bodies = pd.read_parquet(tmp_path / "saved", filters=[("tube", "==", "post/office")])["body"]
    assert len(bodies) == 270
    assert not any(b'"p1' in body for body in bodies)


def test_search_with_a_limit_needs_no_executor(session: Session, jobs: list[int], executor: Executor) -> None:
    with pytest.raises(ArgumentError, match="whose tasks look at all ids"):
        session.jobs("mail", limit=5, executor=executor)


def test_restarted_server_ends_a_search_in_tasks(
    session: Session, jobs: list[int], executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    parted = reading.PartedScan(session._context, session.scan("mail"), {}, "script")
    (part, *_), search = parted.cut(2), parted.search(2)
    with pytest.raises(Exception, match="was restarted"):
        reading.in_parts(parted.workplace, search._replace(instance="another"), part, reading.count_facets)


def test_snapshot_on_a_disk_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotSave, match="is not a directory that this worker shares"):
        save_apart([], tmp_path / "elsewhere" / "workshop", "1-")


def test_search_over_several_connections_is_the_same(session: Session, jobs: list[int]) -> None:
    same(session.jobs("*", connections=3), session.jobs("*"), "created")
    assert session.server().current_connections <= 5
    for wrong in (0, 33, "two"):
        with pytest.raises(ArgumentError, match="connections"):
            session.jobs("*", connections=wrong)


def test_dask_frame_reads_its_partitions_when_it_is_computed(session: Session, worker: Client, jobs: list[int]) -> None:
    pytest.importorskip("dask.dataframe")
    import dask

    with dask.config.set(scheduler="threads"):
        frame = session.to_dask("*", size=100)
        assert frame.npartitions > 3
        whole = frame.compute()
        alone = session.jobs("*")
        assert list(whole.columns) == list(alone.columns)
        assert set(whole["id"]) == set(alone["id"])
        counts = session.to_dask("*", bodies=False, size=100).groupby("tube").size().compute()
        assert counts.to_dict() == {"mail": 290, "post/office": 270}
        worker.delete(jobs[1])
        assert len(frame) == 559
        assert len(session.to_dask("nothing-*").compute()) == 0


def test_dask_frame_refuses_a_restarted_server(
    open_session: Callable[..., Session], start_beanstalkd: Callable[..., Beanstalkd], jobs: list[int]
) -> None:
    pytest.importorskip("dask.dataframe")
    server = start_beanstalkd()
    session = open_session(server.address)
    with Client(server.address) as client:
        fill(client, "mail", "ready", 3)
        frame = session.to_dask("mail", bodies=False)
    server.stop()
    again = start_beanstalkd(port=server.port)
    with Client(again.address) as client:
        fill(client, "mail", "ready", 3)
    with pytest.raises(Exception, match="was restarted"):
        frame.compute(scheduler="synchronous")
