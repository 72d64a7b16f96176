"""What a fleet sees besides tubes and jobs: groups, facets, SQL, problems, the past, the servers themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from beanops import Fleet, connect
from beanops.fleet.dispatch import ServersUnanswered
from beanops.jobs.search.progress import Progress
from tests.cli.conftest import bury
from tests.fleet.conftest import NAMES, Servers
from tests.proxies import Proxy
from tests.waits import until


def _causes(servers: Servers) -> None:
    bodies = {"a": ["timeout"] * 4, "b": ["timeout", "card declined", "card declined"]}
    for name, errors in bodies.items():
        with servers.client(name) as client:
            bury(client, "mail", *(b'{"error": "%s"}' % error.encode() for error in errors))


def test_groups_of_all_servers_are_the_largest_first_with_their_share_of_all(servers: Servers, fleet: Fleet) -> None:
    _causes(servers)
    groups = fleet.groups("mail")
    assert list(groups["server"]) == ["a", "b", "b"]
    assert list(groups["count"]) == [4, 2, 1]
    assert list(groups["share"].round(3)) == [0.571, 0.286, 0.143]
    assert groups.groupby("name")["count"].sum().to_list().count(5) == 1  # the same cause has one name
    assert {name: groups.attrs[name] for name in ("total", "others", "complete")} == {
        "total": 7, "others": 0, "complete": True,
    }  # fmt: skip
    fewer = fleet.groups("mail", most=1)
    assert (len(fewer), fewer.attrs["others"], fewer.attrs["other_groups"]) == (1, 3, 2)
    run = fleet.kick(groups.iloc[1])  # of b alone
    assert {name: one.done for name, one in run.runs.items()} == {"b": 2}
    again = fleet.kick("mail", group=groups["name"].iloc[0])
    assert {name: one.done for name, one in again.runs.items()} == {"a": 4, "b": 1}
    assert fleet.jobs("mail", group=groups[groups["server"] == "a"])["server"].to_list() == ["a"] * 4


def test_facets_are_frames_of_all_servers(servers: Servers, fleet: Fleet) -> None:
    _causes(servers)
    facets = fleet.facets("mail")
    values = facets.values.set_index(["server", "value"])["jobs"]
    assert values.to_dict() == {("a", "timeout"): 4, ("b", "timeout"): 1, ("b", "card declined"): 2}
    assert (facets.paths.columns[0], facets.histograms.columns[0]) == ("server", "server")
    assert (facets.complete, facets.verdict) == (True, "complete: 7 found")
    servers.kill("a")
    with pytest.warns(ServersUnanswered):
        lost = fleet.facets("mail")
    assert (lost.complete, list(lost.unanswered), list(lost.by_server)) == (False, ["a"], ["b", "c"])


def test_a_query_sees_each_server_alone(servers: Servers, fleet: Fleet) -> None:
    _causes(servers)
    found = fleet.sql("select state, count(*) as jobs from jobs group by 1", "mail")
    assert found[["server", "state", "jobs"]].to_numpy().tolist() == [["a", "buried", 4], ["b", "buried", 3]]
    runs = fleet.kick("mail").runs
    own = fleet.sql("select run, server, done from runs")
    assert list(own.columns) == ["server", "run", "done"]
    assert dict(zip(own["server"], own["run"], strict=True)) == {name: run.id for name, run in runs.items()}


def test_problems_are_the_worst_first_with_their_server(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=2)
    problems = fleet.problems(seconds=0)
    assert set(problems[problems["problem"] == "buried"]["server"]) == {*NAMES}
    assert list(problems["severity"]) == sorted(problems["severity"])


def test_the_servers_themselves_are_rows(servers: Servers, fleet: Fleet) -> None:
    servers.fill("b", jobs=2)
    found = fleet.server().set_index("server")
    assert list(found.index) == [*NAMES]
    assert found["current_jobs_buried"].to_dict() == {"a": 0, "b": 2, "c": 0}
    assert found["version"].notna().all()


def test_the_past_has_a_row_per_server_and_span(servers: Servers, fleet: Fleet) -> None:
    for name in ("a", "b"):
        servers.fill(name)
    trend = fleet.trend("mail", since="1m")
    assert trend.index.name == "time"
    assert set(trend["server"]) == {"a", "b"}
    assert list(trend.columns)[:2] == ["server", "ready"]
    rates = fleet.rates("mail", seconds=0.2, every=0.1)
    assert set(rates["server"]) == {"a", "b"}


def test_a_watched_server_comes_back_after_it_was_lost(servers: Servers, fleet: Fleet) -> None:
    frames: Iterator[pd.DataFrame] = fleet.watch(0.05)
    assert set(next(frames)["server"]) == {*NAMES}
    servers.kill("b")
    with pytest.warns(ServersUnanswered, match="lacks b: "):
        lost = next(frames)
    assert set(lost["server"]) == set(next(frames)["server"]) == {"a", "c"}  # and told once, not with each frame
    servers.restart("b")
    until(lambda: set(next(frames)["server"]) == {*NAMES})


def test_the_progress_of_a_search_is_that_of_all_servers(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=3)
    seen: list[Progress] = []
    fleet.jobs("mail", progress=seen.append)
    assert seen[-1].found <= 9
    assert all(one.looked <= 9 for one in seen)


def test_one_server_behind_two_addresses_is_refused_when_it_answers(servers: Servers) -> None:
    servers.fill("a")
    with Proxy(servers.processes["a"].port) as proxy, connect(["a", proxy.address]) as fleet:
        with pytest.warns(ServersUnanswered, match="is the same server as"):
            tubes = fleet.tubes("mail")
        assert len(tubes) == 1
        with pytest.warns(ServersUnanswered):
            run = fleet.copy("mail", "copies")
        assert run.done == 3
    assert servers.states("a", "copies") == {"buried": 3}


def test_one_server_behind_two_addresses_is_refused_after_its_restart_too(servers: Servers) -> None:
    with Proxy(servers.processes["a"].port) as proxy, connect(["a", proxy.address]) as fleet:
        with pytest.warns(ServersUnanswered, match="is the same server as"):
            fleet.tubes()
        servers.kill("a")
        servers.restart("a")
        servers.fill("a")
        for _ in range(2):
            with pytest.warns(ServersUnanswered, match="is the same server as"):
                assert len(fleet.tubes("mail")) == 1
        with pytest.warns(ServersUnanswered, match="is the same server as"):
            assert fleet.copy("mail", "copies").done == 3
    assert servers.states("a", "copies") == {"buried": 3}
