"""Commands on several servers at once, with three real ones, of which one may be frozen or killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops.alerts.files import rules_path
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, one_line
from tests.fleet.conftest import NAMES, Servers


@pytest.fixture
def servers(start_beanstalkd: Callable[..., Beanstalkd]) -> Servers:
    """Start three servers in the group all, each with a tube of buried jobs."""
    started = Servers(start_beanstalkd)
    for name in NAMES:
        started.fill(name, body=b'{"error": "timeout"} ')
    return started


def test_tables_have_a_first_column_with_the_server(cli: Cli, servers: Servers) -> None:
    for arguments in (
        ("tubes", "mail"),
        ("problems", "--seconds", "0"),
        ("jobs", "mail"),
        ("groups", "mail"),
        ("sql", "select tube, count(*) as jobs from jobs group by 1", "mail"),
    ):
        shown = cli("-s", "all", *arguments)
        heading, *rows = shown.out.splitlines()
        assert heading.split()[0] == "server", arguments
        assert {row.split()[0] for row in rows} == {*NAMES}, arguments
        found = cli(*arguments, "-s", "a", "-s", "c", "--json").json
        assert {row["server"] for row in found} == {"a", "c"}, arguments
        assert next(iter(found[0])) == "server"
        assert cli("-s", "[ab]", *arguments, "-o", "csv").out.startswith("server,")
    stats = cli("-s", "all", "stats", "mail").out.splitlines()
    assert stats[0].split() == [*NAMES]
    assert stats[1].split() == ["name", "mail", "mail", "mail"]
    facets = cli("-s", "all", "facets", "mail", "--json").json
    assert [(row["server"], row["jobs"]) for row in facets] == [("a", 3), ("b", 3), ("c", 3)]


def test_a_limit_and_an_order_are_those_of_all_servers(cli: Cli, servers: Servers) -> None:
    for name, priority in zip(NAMES, (30, 10, 20), strict=True):
        servers.fill(name, "urgent", "ready", 2, priority=priority)
    rows = [json.loads(line) for line in cli("-s", "*", "jobs", "urgent", "--order", "priority", "--limit", "3", "-o",
                                             "jsonl").out.splitlines()]  # fmt: skip
    assert [(row["server"], row["priority"]) for row in rows] == [("b", 10), ("b", 11), ("c", 20)]
    assert cli("-s", "all", "kick", "mail", "--limit", "4", "--yes").out == "kick: 4 done on 2 servers\n"
    oldest = [json.loads(line) for line in cli("-s", "all", "jobs", "urgent", "--order", "oldest", "-o", "jsonl")
              .out.splitlines()]  # fmt: skip
    assert [[row["id"] for row in oldest if row["server"] == name] for name in NAMES] == [[4, 5]] * 3


@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_a_server_that_does_not_answer_is_named_and_the_rest_is_done(cli: Cli, servers: Servers, fault: str) -> None:
    servers.kill("b") if fault == "killed" else servers.freeze("b")
    try:
        shown = cli("-s", "all", "--patience", "4", "tubes", "mail")
        assert shown.code == 1
        assert [line.split()[0] for line in shown.out.splitlines()] == ["server", "a", "c"]
        assert one_line(shown.err).startswith("beanops: b: ")
        run = cli("-s", "all", "kick", "mail", "--yes", "--json", "--patience", "4s")
        assert (run.code, run.json["done"], list(run.json["servers"])) == (1, 6, ["a", "c"])
        assert list(run.json["unanswered"]) == ["b"]
        assert "b: " in one_line(run.err)
        checked = cli("-s", "all", "check", "--buried", "10", "--timeout", "4")
        assert checked.code == 2
        assert checked.out.startswith("BEANSTALKD CRITICAL - b: ")
    finally:
        servers.thaw_all()


def test_without_any_server_the_exit_code_says_so(cli: Cli, servers: Servers) -> None:
    for name in NAMES:
        servers.kill(name)
    for arguments in (("tubes",), ("kick", "mail", "--yes"), ("jobs",)):
        shown = cli("-s", "all", *arguments)
        assert (shown.code, shown.out) == (3, "")
        assert "no server could answer: a: cannot connect" in one_line(shown.err)


def test_one_confirmation_is_for_all_servers(cli: Cli, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *streams: True)
    asked = cli("-s", "all", "delete", "mail", "--state", "buried", stdin=b"n\n")
    assert asked.code == 4
    assert "Delete 9 of the buried jobs of tube mail on all (3 servers: a, b, c) (a: 3, b: 3, c: 3)? [y/N]" in asked.err
    servers.configure(b='confirm = "type-name"\nlabel = "PRODUCTION"')
    asked = cli("-s", "all", "delete", "mail", "--state", "buried", stdin=b"b\n")
    assert asked.code == 4
    assert "[PRODUCTION] Delete 9" in asked.err
    assert "Type the profile's name, all, to go on" in asked.err
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}] * 3
    done = cli("-s", "all", "delete", "mail", "--state", "buried", stdin=b"all\n")
    assert (done.code, done.out) == (0, "delete: 9 done on 3 servers\n")


def test_jobs_that_come_after_the_question_are_left_alone(
    cli: Cli, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *streams: True)

    def answer(question: str = "") -> str:
        servers.fill("a", jobs=2)
        return "y"

    monkeypatch.setattr("beanops.cli.confirm.answer", answer)
    assert cli("-s", "all", "drain", "mail", "--state", "buried").out == "drain: 9 done on 3 servers\n"
    assert [servers.states(name) for name in NAMES] == [{"buried": 2}, {}, {}]


def test_undo_takes_the_id_of_all_runs_on_all_servers_or_on_one(cli: Cli, servers: Servers) -> None:
    run = cli("-s", "all", "delete", "mail", "--state", "buried", "--yes", "--json").json["fleet_run"]
    assert cli("-s", "b", "undo", run, "--yes").out == "undo: 3 done\n"
    assert [servers.states(name) for name in NAMES] == [{}, {"buried": 3}, {}]
    rest = cli("-s", "a", "-s", "c", "undo", run, "--yes")
    assert (rest.code, rest.out) == (0, "undo: 6 done on 2 servers\n")
    elsewhere = cli("undo", run)
    assert elsewhere.code == 2
    assert f"run {run} is not on" in one_line(elsewhere.err)
    rows = cli("-s", "all", "journal", "runs", "--action", "delete", "--json").json
    assert {(row["server"], row["fleet"], row["done"]) for row in rows} == {(name, run, 3) for name in NAMES}
    actions = cli("journal", run, "-o", "csv").out.splitlines()
    assert len(actions) == 10
    assert cli("-s", "all", "journal", "verify").out == "no actions with unknown outcome\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "mail", "x"), ("reserve", "mail"), ("peek", "mail"), ("job", "1"), ("export", "x.jsonl"),
        ("wait", "mail"), ("tail",),
        ("kick", "mail", "--next", "3"), ("kick", "mail", "--canary", "1"), ("kick", "--ids", "1"),
        ("jobs", "--ids", "1"), ("drain", "mail", "--state", "ready", "--no-bodies"), ("edit", "--ids", "1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_on_several_servers_is_refused_in_one_line(
    cli: Cli, servers: Servers, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = cli("-s", "all", *arguments, stdin=b"")
    assert refused.code == 2
    assert "one server" in one_line(refused.err)
    assert [servers.states(name) for name in NAMES] == [{"buried": 3}] * 3


def test_wrong_servers_are_one_line(cli: Cli, servers: Servers) -> None:
    for target in ("x-*", "nothing*"):
        refused = cli("-s", target, "tubes")
        assert refused.code == 2
        assert one_line(refused.err) == f"beanops: no server matches {target}; config.toml has a, b, c"
    servers.configure(extra='bad = ["aa"]')
    assert "did you mean 'a'?" in one_line(cli("-s", "bad", "tubes").err)
    for patience in ("0", "soon", "-1", "inf"):
        assert f"{patience!r} is no time such as 10" in one_line(cli("-s", "all", "--patience", patience, "tubes").err)


def test_rows_that_name_their_server_are_jobs_of_it(cli: Cli, servers: Servers) -> None:
    lines = cli("-s", "all", "jobs", "mail", "--order", "oldest", "-o", "jsonl").out
    chosen = [line for line in lines.splitlines() if (row := json.loads(line))["server"] != "b" and row["id"] == 2]
    kicked = cli("-s", "all", "kick", "--ids", "-", "--json", stdin="\n".join(chosen).encode()).json
    assert {name: one["done"] for name, one in kicked["servers"].items()} == {"a": 1, "c": 1}
    assert [servers.states(name) for name in NAMES] == [
        {"buried": 2, "ready": 1},
        {"buried": 3},
        {"buried": 2, "ready": 1},
    ]
    table = cli("-s", "all", "jobs", "mail", "--state", "ready", "-o", "csv").out
    assert cli("-s", "all", "bury", "--ids", "-", stdin=table.encode()).out == "bury: 2 done on 2 servers\n"
    mixed = cli("-s", "all", "jobs", "mail", "-o", "jsonl").out.encode()
    assert cli("-s", "a", "kick", "mail", "--limit", "1").code == 0
    partly = cli("-s", "all", "kick", "--ids", "-", stdin=mixed)
    assert (partly.code, partly.out) == (1, "kick: 8 done on 3 servers\n")
    assert "1 were left out, it is ready" in one_line(partly.err)
    assert cli("-s", "all", "kick", "default").out == "kick: 0 done\n"
    assert cli("-s", "all", "bury", "mail").code == 0
    elsewhere = cli("-s", "[ab]", "delete", "--ids", "-", "--yes", stdin=lines.encode())
    assert (elsewhere.code, "no server 'c' in this fleet" in one_line(elsewhere.err)) == (2, True)
    one = cli("-s", "b", "delete", "--ids", "-", "--yes", stdin="\n".join(chosen).encode())
    assert (one.code, servers.states("b")) == (1, {"buried": 3})  # they are jobs of other servers


def test_a_snapshot_of_several_servers_has_a_folder_for_each(
    cli: Cli, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("-s", "all", "snapshot", "saved", "--tube", "mail").out == "9 jobs of 3 servers saved in saved\n"
    assert {path.name for path in Path("saved").iterdir()} == {"server=a", "server=b", "server=c"}
    assert "no tube 'mial'" in one_line(cli("-s", "all", "snapshot", "other", "--tube", "mial").err)
    assert not Path("other").exists()


def test_servers_are_listed_with_their_groups(cli: Cli, servers: Servers) -> None:
    servers.configure(extra='some = ["[ab]"]')
    assert [(row["name"], row["groups"]) for row in cli("servers", "--json").json] == [
        ("a", "all, some"), ("b", "all, some"), ("c", "all"),
    ]  # fmt: skip


def test_a_pause_is_of_all_servers_that_have_the_tube(cli: Cli, servers: Servers) -> None:
    servers.fill("a", "only")
    assert cli("-s", "all", "pause", "only", "60").out == "pause: 1 done on 1 server\n"
    assert cli("-s", "all", "pause", "mail", "60").out == "pause: 3 done on 3 servers\n"
    assert cli("-s", "all", "unpause", "mail").out == "unpause: 3 done on 3 servers\n"
    missing = cli("-s", "all", "pause", "mial", "60")
    assert missing.code == 1
    assert "no tube 'mial'; did you mean 'mail'?" in one_line(missing.err)


def test_a_variable_names_a_group(cli: Cli, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEANOPS_SERVER", "all")
    assert {row["server"] for row in cli("tubes", "--json").json} == {*NAMES}


def test_rules_of_alerts_name_groups_and_globs(cli: Cli, servers: Servers) -> None:
    rule = '[[rule]]\nname = "buried"\nwhen = "buried > 1"\n'
    rules_path().write_text(f'servers = ["[ab]"]\n{rule}')
    assert cli("alert", "--once").out.splitlines()[-1] == "2 alerts firing"
    assert {row["server"] for row in cli("alert", "status", "--json").json} == {"a", "b"}
    rules_path().write_text(rule)
    assert cli("-s", "all", "alert", "--once").out.splitlines()[-1] == "3 alerts firing"
