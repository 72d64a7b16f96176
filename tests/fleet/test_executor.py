"""A fleet hands an executor down to its servers, and saves all of them as one dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from beanops import Fleet
from beanops.fleet.dispatch import ServersUnanswered
from beanops.protocol.errors import UsageError
from tests.fleet.conftest import Servers

JOBS = 30


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(3) as threads:
        yield threads


@pytest.fixture
def filled(servers: Servers) -> Servers:
    for name in servers.processes:
        servers.fill(name, "mail", "ready", JOBS)
        servers.fill(name, "post/office", "buried", 5)
    return servers


def test_run_of_a_fleet_in_tasks_is_undone_on_one_server(filled: Servers, fleet: Fleet, executor: Executor) -> None:
    run = fleet.delete("mail", state="ready", executor=executor)
    assert run.complete
    assert run.summary.startswith(f"delete: {3 * JOBS} done")
    assert [filled.states(name) for name in "abc"] == [{}, {}, {}]
    fleet.undo(run, servers="b")
    assert [filled.states(name) for name in "abc"] == [{}, {"ready": JOBS}, {}]


def test_searches_of_a_fleet_in_tasks_are_those_without(filled: Servers, fleet: Fleet, executor: Executor) -> None:
    alone, found = fleet.jobs("mail", bodies=False), fleet.jobs("mail", bodies=False, executor=executor)
    which = ["server", "id", "tube", "state"]
    assert set(found[which].itertuples(index=False)) == set(alone[which].itertuples(index=False))
    counts = fleet.groups("*", executor=executor)[["server", "count"]].groupby("server")["count"].sum()
    assert counts.to_dict() == dict.fromkeys("abc", JOBS + 5)
    assert fleet.facets("*", executor=executor).complete


def test_lost_server_is_named_and_the_others_are_acted_on(filled: Servers, fleet: Fleet, executor: Executor) -> None:
    fleet.tubes()
    filled.kill("b")
    with pytest.warns(ServersUnanswered, match="the result lacks b: "):
        run = fleet.kick("post/*", executor=executor)
    assert list(run.unanswered) == ["b"]
    assert [filled.states(name, "post/office") for name in "ac"] == [{"ready": 5}, {"ready": 5}]


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Dask has it
def test_snapshot_is_one_dataset_by_server_and_tube(
    filled: Servers, fleet: Fleet, executor: Executor, tmp_path: Path
) -> None:
    saved = fleet.snapshot(tmp_path / "saved", executor=executor)
    assert (saved.jobs, saved.complete, saved.unanswered) == (3 * (JOBS + 5), True, {})
    assert repr(saved) == "<FleetSnapshot: 105 jobs of 3 servers>"
    assert sorted(path.name for path in (tmp_path / "saved" / "server=b").iterdir()) == [
        "folder=mail",
        "folder=post%2Foffice",
    ]
    query = f"select server, tube, count(*) from read_parquet('{tmp_path}/saved/*/*/*.parquet') group by all"
    expected = {(name, tube, jobs) for name in "abc" for tube, jobs in (("mail", JOBS), ("post/office", 5))}
    assert set(duckdb.sql(query).fetchall()) == expected
    frame = pd.read_parquet(tmp_path / "saved")
    assert frame.groupby(["server", "tube"], observed=True).size().to_dict() == {key[:2]: key[2] for key in expected}
    dataframe = pytest.importorskip("dask.dataframe")
    counts = dataframe.read_parquet(tmp_path / "saved").groupby("tube").size().compute(scheduler="synchronous")
    assert counts.to_dict() == {"mail": 3 * JOBS, "post/office": 15}
    with pytest.raises(UsageError, match="is not an empty directory"):
        fleet.snapshot(tmp_path / "saved")


def test_snapshot_of_the_servers_that_answer_names_the_others(
    filled: Servers, open_fleet: Callable[..., Fleet], tmp_path: Path
) -> None:
    addresses = [process.address for process in filled.processes.values()]
    filled.kill("c")
    fleet = open_fleet(*addresses)
    with pytest.warns(ServersUnanswered):
        saved = fleet.snapshot(tmp_path / "saved", "mail")
    assert (saved.jobs, saved.complete, list(saved.unanswered)) == (2 * JOBS, False, ["c"])
    assert len(list((tmp_path / "saved").iterdir())) == 2
    assert not list(tmp_path.glob(".saved*"))


def test_dask_frame_of_a_fleet_has_the_server(filled: Servers, fleet: Fleet) -> None:
    pytest.importorskip("dask.dataframe")
    frame = fleet.to_dask("mail", bodies=False, size=10)
    assert list(frame.columns)[:2] == ["server", "id"]
    counts = frame.groupby("server").size().compute(scheduler="synchronous")
    assert counts.to_dict() == dict.fromkeys("abc", JOBS)
