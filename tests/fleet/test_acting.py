"""What a fleet does: each verb on three real servers, as runs of one id, which are undone and resumed together."""

from __future__ import annotations

import signal
from collections.abc import Callable
from signal import SIGINT
from typing import Any

import pytest

from beanops import Fleet, FleetRun, connect
from beanops.fleet.dispatch import ServersUnanswered
from beanops.journal.filters import Filter
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError, Refused
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.execution.ending import Interrupted
from tests.fleet.conftest import NAMES, Servers


@pytest.mark.parametrize(
    ("verb", "after"),
    [
        (lambda fleet: fleet.kick("mail"), {"ready": 4}),
        (lambda fleet: fleet.bury("mail"), {"buried": 4}),
        (lambda fleet: fleet.release("mail", delay="1h"), {"delayed": 4}),
        (lambda fleet: fleet.delete("mail", state="ready"), {"buried": 3}),
        (lambda fleet: fleet.drain("mail", state=["ready", "buried"]), {}),
        (lambda fleet: fleet.move("mail", "other"), {}),
        (lambda fleet: fleet.copy("mail", "other"), {"buried": 3, "ready": 1}),
        (lambda fleet: fleet.edit("mail", lambda data: b"changed"), {"buried": 3, "ready": 1}),
        (lambda fleet: fleet.edit("mail", priority=7), {"buried": 3, "ready": 1}),
    ],
)
def test_each_verb_acts_on_all_servers_and_is_undone_on_all(
    servers: Servers, fleet: Fleet, journal: str, verb: Callable[[Fleet], FleetRun], after: dict[str, int]
) -> None:
    for name in NAMES:
        servers.fill(name)
        servers.fill(name, state="ready", jobs=1)
    run = verb(fleet)
    assert (run.complete, len(run.runs)) == (True, 3)
    assert [servers.states(name) for name in NAMES] == [after] * 3
    rows = Journal(journal).find_runs(Filter(fleets=[run.id]))
    assert {row.id for row in rows} == {one.id for one in run.runs.values()}
    back = fleet.undo(run)
    assert (back.complete, back.done) == (True, run.done)
    assert [servers.states(name) for name in NAMES] == [{"buried": 3, "ready": 1}] * 3
    assert {servers.states(name, "other").get("ready", 0) for name in NAMES} == {0}


def test_pauses_are_of_every_server_that_has_the_tube(servers: Servers, fleet: Fleet) -> None:
    for name in ("a", "b"):
        servers.fill(name)
    assert list(fleet.pause("mail", "10m").runs) == ["a", "b"]
    assert (fleet.tubes("mail")["pause_left"].dt.total_seconds() > 590).all()
    row = fleet.tubes("mail").iloc[1]
    assert list(fleet.unpause(row).runs) == ["b"]
    with pytest.raises(NotFound, match="no tube 'mial'"):
        fleet.pause("mial", 60)


def test_ctrl_c_ends_runs_on_all_servers_after_their_batches(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=20)

    def once(run: FleetRun) -> None:
        if run.done and len(run.runs) == len(NAMES) and not run.cancelled:  # what has not begun is not resumed
            signal.raise_signal(SIGINT)

    with pytest.raises(Interrupted) as caught:
        fleet.delete("mail", state="buried", rate=20, progress=once)
    run = caught.value.run
    assert isinstance(run, FleetRun)
    assert 0 < run.done < 60
    assert str(caught.value).endswith(f"; fleet.resume({run.id!r}) resumes it")
    assert signal.getsignal(SIGINT) is signal.default_int_handler
    assert fleet.resume(run).done == 60 - run.done


def test_a_run_that_was_cancelled_is_resumed_where_it_is_not_done(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=20)

    def once(run: FleetRun) -> None:
        if run.done and len(run.runs) == len(NAMES):
            run.cancel()

    run = fleet.delete("mail", state="buried", rate=20, progress=once)
    assert run.resumable
    rest = fleet.resume(run, rate=10_000)
    assert run.done + rest.done == 60
    assert [servers.states(name) for name in NAMES] == [{}] * 3
    with pytest.raises(UsageError, match="cannot be resumed"):
        fleet.resume(fleet.pause("default", 1))


def test_a_copy_to_another_server_is_undone_there(
    servers: Servers, open_fleet: Callable[..., Fleet], journal: str
) -> None:
    for name in ("a", "b"):
        servers.fill(name)
    two = open_fleet("a", "b")
    with connect("c", journal=journal) as there:
        run = two.copy("mail", server=there)
    assert (run.done, servers.states("c")) == (6, {"buried": 6})
    with pytest.raises(Refused, match="which is not in this fleet"):
        two.undo(run)
    assert open_fleet().undo(run).done == 6
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}, {"buried": 3}, {}]
    with pytest.raises(UsageError, match="is one of these servers"):
        two.copy("mail", server=two["a"])


def test_some_servers_of_a_run_may_be_missing(servers: Servers, fleet: Fleet, open_fleet: Callable[..., Fleet]) -> None:
    for name in NAMES:
        servers.fill(name)
    run = fleet.kick("mail")
    servers.kill("b")
    with pytest.warns(ServersUnanswered, match="lacks b: "):
        back = fleet.undo(run)
    assert (back.done, list(back.unanswered), back.complete) == (6, ["b"], False)
    with pytest.warns(ServersUnanswered, match="which is not in this fleet"):
        rest = open_fleet("a").undo(run)
    assert rest.done == 0
    with pytest.raises(UsageError, match=f"^no run of it is on b, c, but on {servers.processes['a'].address}$"):
        open_fleet("b", "c").undo(fleet.kick({"a": []}), servers=["b", "c"])
    with pytest.raises(JournalError, match="has no run nonsense"):
        fleet.undo("nonsense")
    with pytest.raises(JournalError, match=rf"{run.id} is an action on several servers, .*: use a fleet"):
        fleet["a"].undo(run.id)


def test_what_the_fleet_did_is_newest_first_with_the_names(servers: Servers, fleet: Fleet) -> None:
    assert list(fleet.runs.columns)[:2] == list(fleet.actions.columns)[:2] == ["server", "time"]
    for name in NAMES:
        servers.fill(name)
    first, second = fleet.kick("mail"), fleet.bury("mail")
    assert list(fleet.runs["fleet"]) == [second.id] * 3 + [first.id] * 3
    assert set(fleet.runs["server"]) == {*NAMES}
    assert len(fleet.actions) == 18
    fleet["a"].kick("mail")
    everybody = fleet.journal.runs()
    assert list(everybody["fleet"].isna()) == [True] + [False] * 6
    assert set(fleet.journal.actions(run=first)["server"]) == {*NAMES}
    assert len(fleet["a"].journal.actions(run=first.id)) == 9  # named runs may be on other servers
    assert fleet.journal.verify(first.runs["c"].id).unknown == 0
    row = everybody[everybody["fleet"] == first.id].iloc[0]
    assert list(fleet.undo(row).runs) == [row["server"]]


def test_a_function_that_fails_is_a_fault_of_its_jobs_alone(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)

    def broken(data: Any) -> Any:
        raise ValueError("no")

    run = fleet.edit("mail", broken)
    assert (run.done, run.skipped) == (0, 9)
    assert "ValueError" in run.summary
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}] * 3


def test_a_limit_counts_the_jobs_of_a_group_on_all_servers(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name, jobs=3, body=b"Traceback (most recent call last):\nKeyError: 'card'\n#")
        servers.fill(name, jobs=2, body=b"ready\n")
    groups = fleet.groups("mail", state="buried")
    [failed] = groups[groups["count"] == 3]["name"].unique()
    planned = fleet.kick("mail", group=failed, limit=5, dry_run=True)
    assert len(planned.jobs) == 5
    run = fleet.kick("mail", group=failed, limit=5)
    assert (run.complete, run.done) == (True, 5)
    assert all("KeyError" in body for body in fleet.jobs("mail", state="ready")["body"])


def test_a_limit_checks_what_the_verb_checks(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    with pytest.raises(UsageError, match="pass state, where or group"):
        fleet.delete("mail", limit=2)
    with pytest.raises(NotFound, match="no tube 'mial'"):
        fleet.kick("mial", limit=2)
    with pytest.raises(NotFound, match="no group of these jobs"):
        fleet.kick("mail", group="g0", limit=2)
    servers.kill("c")
    with pytest.warns(ServersUnanswered):
        run = fleet.drain("mail", state="buried", limit=5)
    assert (run.done, list(run.unanswered)) == (5, ["c"])
    assert fleet._dispatch.record().find_runs()[0].action == "drain"


def test_a_journal_of_a_team_joins_the_runs_too(
    servers: Servers, open_fleet: Callable[..., Fleet], journal_url: str
) -> None:
    for name in NAMES:
        servers.fill(name)
    with open_fleet(journal=journal_url) as fleet:
        run = fleet.delete("mail", state="buried")
        assert set(fleet.journal.runs()["fleet"]) == {run.id}
    with open_fleet(journal=journal_url) as later:
        assert later.undo(run.id, servers=["a", "c"]).done == 6
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}, {}, {"buried": 3}]


def test_jobs_come_in_all_forms_that_name_their_server(servers: Servers, fleet: Fleet) -> None:
    for name in NAMES:
        servers.fill(name)
    jobs = fleet.jobs("mail", columns=["server", "id"])
    forms: list[tuple[Any, int]] = [
        (jobs, 9),
        (jobs.set_index("server"), 9),
        (jobs.astype({"server": "category"}), 9),
        (jobs.to_dict("records")[:2], 2),
        (list(jobs.itertuples())[:2], 2),
        (jobs.iloc[0], 1),
        ({"a": [1], "c": range(2, 4)}, 3),
        ({"a": jobs[jobs["server"] == "a"]}, 3),
        (jobs.iloc[:0], 0),
        ([], 0),
        ({}, 0),
        (fleet.tubes("mail").iloc[0], 3),
    ]
    for form, number in forms:
        assert fleet.kick(form, dry_run=True).done == number, form
    with pytest.warns(ServersUnanswered, match="c: no tube '2,3'; ids are numbers"):
        wrong = fleet.kick({"a": [1], "c": "2,3"}, dry_run=True)
    assert (wrong.done, wrong.complete) == (1, False)
