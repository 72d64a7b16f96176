"""A fleet of three real servers: look at them, act on them, undo, with one that is frozen, killed or restarted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import beanops
from beanops import Fleet, FleetRun, Session, connect
from beanops.fleet.calls import NoServer
from beanops.fleet.dispatch import ServersUnanswered
from beanops.jobs.tube_names import UnknownTubeWarning
from beanops.journal.records import Refused
from beanops.protocol.errors import ArgumentError, ConnectionClosed, NotFound, UsageError
from tests.fleet.conftest import NAMES, Servers
from tests.waits import until

#: Seconds for which the tests wait for a frozen server; the others must answer in it on a busy machine.
SHORT = 4.0


def test_tubes_have_a_first_column_with_their_server(servers: Servers, fleet: Fleet) -> None:
    servers.fill("a", "mail", "ready", 2)
    servers.fill("c", "sms", "buried", 1)
    tubes = fleet.tubes()
    assert tubes.columns[0] == "server"
    assert list(tubes.columns[1:]) == list(fleet["a"].tubes().columns)
    found = tubes.set_index(["server", "tube"])
    assert found.loc[("a", "mail"), "ready"] == 2
    assert found.loc[("c", "sms"), "buried"] == 1
    assert ("b", "mail") not in found.index
    assert tubes.attrs["unanswered"] == {}
    assert list(fleet.tubes("mail")["server"]) == ["a"]


def test_a_tube_of_no_server_is_reported_once(servers: Servers, fleet: Fleet) -> None:
    servers.fill("b", "mail")
    assert len(fleet.tubes("mail")) == 1  # no warning: one server has it
    with pytest.warns(UnknownTubeWarning, match="no tube 'mial'") as told:
        assert fleet.tubes("mial").empty
    assert len(told) == 1


def test_jobs_are_of_all_servers_in_one_order(servers: Servers, fleet: Fleet) -> None:
    for name, priority in zip(NAMES, (30, 10, 20), strict=True):
        servers.fill(name, jobs=2, priority=priority)
    jobs = fleet.jobs("mail", order="priority", columns=["id", "priority"])
    assert list(jobs.columns) == ["server", "id", "priority"]
    assert list(jobs["priority"]) == [10, 11, 20, 21, 30, 31]
    assert list(jobs["server"]) == ["b", "b", "c", "c", "a", "a"]
    least = fleet.jobs("mail", order="-priority", limit=3, columns=["id"])
    assert list(least["server"]) == ["a", "a", "c"]
    oldest = fleet.jobs("mail", order="oldest")
    for _, rows in oldest.groupby("server"):
        assert list(rows["id"]) == [1, 2]
    assert jobs.attrs["verdict"] == "complete: 6 found"


def test_a_verb_acts_on_every_server_under_one_id(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    run = fleet.kick("mail")
    assert isinstance(run, FleetRun)
    assert (run.done, run.complete, run.unanswered) == (9, True, {})
    assert {name: one.done for name, one in run.runs.items()} == dict.fromkeys(NAMES, 3)
    assert [servers.states(name) for name in NAMES] == [{"ready": 3}] * 3
    runs = fleet["a"].journal.runs()
    assert list(runs["fleet"]) == [run.id]
    assert list(run.counts["server"]) == [*NAMES]
    assert run.summary == "kick: 9 done on 3 servers"
    assert set(run.outcomes["server"]) == {*NAMES}


def test_an_undo_takes_all_servers_or_some(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    run = fleet.delete("mail", state="buried")
    assert [servers.states(name) for name in NAMES] == [{}] * 3
    back = fleet.undo(run, servers="b")
    assert list(back.runs) == ["b"]
    assert [servers.states(name) for name in NAMES] == [{}, {"buried": 3}, {}]
    rest = fleet.undo(run.id)  # b is undone already
    assert {name: one.done for name, one in rest.runs.items()} == {"a": 3, "b": 0, "c": 3}
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}] * 3
    with pytest.raises(UsageError, match="no server 'x' in this fleet: it has a, b, c"):
        fleet.undo(run, servers=["x"])


def test_a_frame_acts_on_the_jobs_of_each_rows_server(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    jobs = fleet.jobs("mail")
    chosen = jobs[(jobs["server"] == "a") & (jobs["id"] == 1) | (jobs["server"] == "c") & (jobs["id"] == 2)]
    run = fleet.delete(chosen)
    assert {name: one.ids for name, one in run.runs.items()} == {"a": [1], "c": [2]}
    assert [servers.states(name) for name in NAMES] == [{"buried": 2}, {"buried": 3}, {"buried": 2}]
    assert fleet.undo(run).done == 2
    row = fleet.jobs("mail", order="oldest").query("server == 'b'").iloc[0]
    assert list(fleet.kick(row).runs) == ["b"]
    assert list(fleet.kick(next(jobs.query("server == 'c' and id == 3").itertuples())).runs) == ["c"]
    assert fleet.kick({"a": [2], "b": [3]}).done == 2
    records = [{"server": "a", "id": 3}, {"server": "b", "id": 2}]
    assert fleet.bury(records).skipped == 2 if hasattr(Fleet, "bury") else True


def test_ids_without_a_server_are_refused(servers: Servers, fleet: Fleet, open_fleet: Callable[..., Fleet]) -> None:
    ids = servers.fill("a")
    for jobs in (ids, 1, fleet["a"].jobs("mail"), fleet["a"].jobs("mail").iloc[0], iter(ids)):
        with pytest.raises(UsageError, match="ids name jobs of one server, and these are 3 servers"):
            fleet.delete(jobs)
    with pytest.raises(UsageError, match="ids name jobs of one server"):
        fleet.jobs(ids="1,2")
    with pytest.raises(ArgumentError, match="did you mean 'a'"):
        fleet.delete(pd.DataFrame({"server": ["aa"], "id": [1]}))
    with pytest.raises(ArgumentError, match="rows that each have a 'server'"):
        fleet.delete(pd.DataFrame({"server": ["a", None], "id": [1, 2]}))
    with pytest.raises(ArgumentError, match="did you mean 'a'"):
        fleet.delete({"a": ids, "aa": [1]})
    assert servers.states("a") == {"buried": 3}
    assert fleet.delete({}).done == 0
    assert open_fleet("a").delete(ids).done == 3  # a fleet of one


def test_a_limit_is_that_of_all_servers_together(servers: Servers, fleet: Fleet) -> None:
    for name, priority in zip(NAMES, (30, 10, 20), strict=True):
        servers.fill(name, priority=priority)
        servers.fill(name, state="ready", jobs=1)
    run = fleet.kick("mail", limit=4, order="priority")
    assert {name: one.done for name, one in run.runs.items()} == {"b": 3, "c": 1}
    dry = fleet.delete("mail", state="ready", limit=2, dry_run=True)
    assert (dry.done, dry.dry, len(dry.jobs)) == (2, True, 2)


def test_what_a_dry_run_found_can_be_done(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    dry = fleet.kick("mail", dry_run=True)
    assert (dry.summary, dry.complete) == ("kick: 9 would be done on 3 servers", True)
    servers.fill("a", jobs=1)  # too late
    assert fleet.kick(dry).done == 9
    assert fleet["a"].journal.runs()["action"].to_list() == ["kick"]


@pytest.mark.parametrize("fault", ["frozen", "killed"])
def test_a_server_that_does_not_answer_holds_up_no_other(servers: Servers, fleet: Fleet, fault: str) -> None:
    for name in NAMES:
        servers.fill(name)
    fleet.tubes()
    servers.freeze("b") if fault == "frozen" else servers.kill("b")
    with pytest.warns(ServersUnanswered, match="the result lacks b: ") as told:
        tubes = fleet.tubes("mail", patience=SHORT)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert list(tubes["server"]) == ["a", "c"]
    assert list(tubes.attrs["unanswered"]) == ["b"]
    with pytest.warns(ServersUnanswered):
        run = fleet.kick("mail", patience=SHORT)
    assert (list(run.runs), list(run.unanswered), run.complete, run.done) == (["a", "c"], ["b"], False, 6)
    assert "b: " in run.summary
    if fault == "frozen":
        servers.thaw("b")
        assert servers.states("b") == {"buried": 3}  # and nothing comes later
        until(lambda: list(_quietly(fleet).tubes("mail")["server"]) == [*NAMES])
        assert servers.states("b") == {"buried": 3}


def _quietly(fleet: Fleet) -> Fleet:
    fleet._dispatch.watched = False
    return fleet


def test_a_server_that_freezes_during_a_run_is_named_with_it(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=50)
    frozen: list[str] = []

    def progress(run: FleetRun) -> None:
        if not frozen and "b" in run.runs:
            frozen.append("b")
            servers.freeze("b")

    with pytest.warns(ServersUnanswered):
        run = fleet.delete("mail", state="buried", rate=20, progress=progress, patience=SHORT)
    assert run.runs["a"].done == run.runs["c"].done == 50
    assert run.runs["b"].done < 50
    assert f"run {run.runs['b'].id} ends early, and the journal has its outcomes" in run.unanswered["b"]
    done = run.runs["b"].done
    servers.thaw("b")
    until(lambda: run.runs["b"].stopped is not None)
    left = servers.states("b")["buried"]
    assert 50 - left in (run.runs["b"].done, run.runs["b"].done + run.runs["b"].unknown)
    assert run.runs["b"].done >= done
    rest = fleet.resume(run)
    assert (rest.runs["b"].done, servers.states("b")) == (left, {})
    assert fleet.undo(run).done == 150 - left


def test_a_killed_server_is_found_again_with_its_fresh_ids(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    jobs = fleet.jobs("mail")
    servers.kill("b")
    servers.restart("b")
    servers.fill("b")  # other jobs with the same ids
    run = _quietly(fleet).delete(jobs)
    assert (run.runs["a"].done, run.runs["c"].done) == (3, 3)
    assert servers.states("b") == {"buried": 3}
    assert "b" in run.unanswered or run.runs["b"].done == 0
    assert not run.complete
    again = fleet.delete(fleet.jobs("mail"))
    assert {name: one.done for name, one in again.runs.items()} == {"b": 3}


def test_without_any_server_a_method_raises(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.kill(name)
    with pytest.raises(NoServer, match=r"no server could answer: a: .*; b: .*; c: "):
        fleet.tubes()
    with pytest.raises(NoServer):
        fleet.kick("mail")
    servers.restart("a")
    with pytest.raises(NoServer, match="no server could answer: a: no tube 'nothing'; b: cannot connect"):
        fleet.kick("nothing")


def test_wrong_arguments_are_raised_before_anything_is_sent(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    with pytest.raises(UsageError, match="pass state, where or group"):
        fleet.delete("mail")
    with pytest.raises(NotFound, match="no tube 'mial'"):
        fleet.kick("mial")
    with pytest.raises(UsageError, match=r"unknown keyword 'sate'; it takes .*did you mean 'state'"):
        fleet.delete("mail", sate="buried")  # type: ignore[call-arg]
    with pytest.raises(UsageError):
        fleet.delete("mail", where="no_such_column = 1")
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}] * 3
    assert fleet["a"].journal.runs().empty


def test_a_tube_that_only_some_servers_have_is_no_fault(servers: Servers, fleet: Fleet) -> None:
    servers.fill("b")
    run = fleet.kick("mail")
    assert (list(run.runs), run.complete, sorted(run.absent)) == (["b"], True, ["a", "c"])


def test_a_read_only_server_is_named_and_the_rest_is_done(servers: Servers, open_fleet: Callable[..., Fleet]) -> None:
    servers.configure(b="read_only = true")
    for name in NAMES:
        servers.fill(name)
    fleet = _quietly(open_fleet())
    run = fleet.kick("mail")
    assert (list(run.runs), list(run.unanswered)) == (["a", "c"], ["b"])
    assert "read-only" in run.unanswered["b"]
    with pytest.raises(Refused):
        open_fleet("b").kick("mail")


def test_a_plan_and_a_limit_leave_out_a_read_only_server(servers: Servers, open_fleet: Callable[..., Fleet]) -> None:
    servers.configure(b="read_only = true")
    for name in NAMES:
        servers.fill(name, priority=1 if name == "b" else 2)
    fleet = _quietly(open_fleet())
    plan = fleet.kick("mail", dry_run=True)
    assert (plan.done, list(plan.runs), list(plan.unanswered)) == (6, ["a", "c"], ["b"])
    assert "read-only" in plan.unanswered["b"]
    few = fleet.kick("mail", limit=2, order="priority")
    assert (few.done, list(few.unanswered)) == (2, ["b"])
    # Where nothing may be changed at all, a plan still counts.
    assert open_fleet("b").kick("mail", dry_run=True).done == 3
    assert open_fleet(read_only=True).kick("mail", dry_run=True).done == 7
    assert servers.states("b") == {"buried": 3}


def test_a_closed_fleet_says_so_once(servers: Servers, fleet: Fleet) -> None:
    fleet.close()
    for call in (fleet.tubes, lambda: fleet.kick("mail"), lambda: fleet["a"]):
        with pytest.raises(ConnectionClosed, match=r"^this fleet was closed by close\(\); connect again to continue$"):
            call()


def test_one_server_by_two_addresses_is_acted_on_once(servers: Servers, open_fleet: Callable[..., Fleet]) -> None:
    address = servers.processes["a"].address
    assert open_fleet("a", address, f"LOCALHOST:{address.rpartition(':')[2]}").servers == ("a",)


def test_the_session_of_one_server_is_at_hand(servers: Servers, fleet: Fleet) -> None:
    assert isinstance(fleet["a"], Session)
    assert fleet[servers.processes["a"].address] is fleet["a"]
    assert ("a" in fleet, "x" in fleet, len(fleet), list(fleet)) == (True, False, 3, [*NAMES])
    with pytest.raises(AttributeError, match=r"a fleet has no reserve: fleet\['a'\].reserve is that of one server"):
        fleet.reserve  # noqa: B018
    assert repr(fleet) == "<Fleet a, b, c>"
    fleet.close()
    for closed in (lambda: fleet["b"], fleet.tubes, lambda: fleet.kick("mail"), fleet.journal.runs):
        with pytest.raises(beanops.errors.ConnectionClosed, match="this fleet was closed"):
            closed()


def test_what_names_several_servers_gives_a_fleet(servers: Servers) -> None:
    for target in (["a"], ("a", "b"), "all", "[ab]", "*", iter(["c"])):
        with connect(target) as opened:  # type: ignore[call-overload]
            assert isinstance(opened, Fleet)
    address = servers.processes["a"].address
    for target in ("a", address, beanops.Address.parse(address)):
        with connect(target) as session:
            assert isinstance(session, Session)
    with pytest.raises(UsageError, match=r"no server matches prod-\*; config.toml has a, b, c"):
        connect("prod-*")
    with pytest.raises(UsageError, match="no server is named"):
        connect([])


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ('bad = "a"', "groups.bad must be a list of servers"),
        ("bad = [1]", "groups.bad must be a list of servers"),
        ('a = ["b"]', "groups.a has the name of a server"),
        ('bad = ["aa"]', "groups.bad names aa, which is no server; did you mean 'a'?"),
        ('bad = ["x-*"]', r"no server matches x-\* \(of group bad\)"),
    ],
)
def test_a_wrong_group_is_one_line(servers: Servers, groups: str, said: str) -> None:
    servers.configure(extra=groups)
    with pytest.raises(UsageError, match=said):
        connect("bad")


def test_a_slow_scan_is_not_silence(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=6)
    began = time.monotonic()
    run = fleet.kick("mail", rate=1, patience=SHORT)
    assert time.monotonic() - began > SHORT
    assert (run.done, run.unanswered) == (18, {})


def test_cancel_ends_all_runs_after_their_batches(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=20)

    def progress(run: Any) -> None:
        if run.done:
            run.cancel()

    run = fleet.delete("mail", state="buried", rate=8, progress=progress)
    assert 0 < run.done < 60
    assert all(one.stopped == "cancelled" for one in run.runs.values() if one.done < 20)
    assert run.resumable
