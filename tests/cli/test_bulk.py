"""Commands on many jobs: which they take, what they ask, what a dry run shows, and how a run ends early."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search.id_bounds import Bound
from beanops.jobs.search.id_map import IdMap
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from tests.cli.conftest import Cli, Terminal, bury, configure, one_line
from tests.waits import until

Start = Callable[..., Terminal]


def states(client: Client, *ids: int) -> list[str]:
    return [client.stats_job(id).state for id in ids]


def test_a_selection_of_a_tube(cli: Cli, client: Client) -> None:
    first, second, third = bury(client, "mail", b'{"user": 1}', b'{"user": 2}', b'{"user": 2}')
    ended = cli("kick", "mail", "--where", "data->>'$.user' = '2'", "--limit", "1", "--order", "oldest")
    assert (ended.code, ended.out, ended.err) == (0, "kick: 1 done\n", "")
    assert states(client, first, second, third) == ["buried", "ready", "buried"]
    assert cli("kick", "mail").out == "kick: 2 done\n"
    assert cli("bury", "m*", "--state", "ready").out == "bury: 3 done\n"
    assert cli("release", "mail", "--state", "buried", "--priority", "5", "--delay", "9").out == "release: 3 done\n"
    assert states(client, first, second, third) == ["delayed"] * 3
    assert client.stats_job(first).priority == 5


def test_a_tube_that_does_not_exist_is_told(cli: Cli) -> None:
    for arguments in (
        ["kick", "mial"],
        ["drain", "mial", "--state", "buried", "--yes"],
        ["export", "-", "--tube", "mial"],
    ):
        ended = cli(*arguments)
        assert ended.code == 1
        assert "no tube 'mial'" in one_line(ended.err)


def test_objects_of_json_on_standard_input(cli: Cli, client: Client) -> None:
    ids = bury(client, "mail", b"1", b"2", b"3")
    lines = cli("export", "-", "--tube", "mail").out
    assert cli("kick", "--ids", "-", stdin="".join(lines.splitlines(True)[:2]).encode()).out == "kick: 2 done\n"
    assert states(client, *ids) == ["ready", "ready", "buried"]
    for line, told in (
        (b'{"id": "5"}', "\"'5'\" is neither an id"),
        (b'{"x": 1}', "is neither an id"),
        (b"{", "'{' is"),
    ):
        ended = cli("kick", "--ids", "-", stdin=b"5\n" + line)
        assert ended.code == 2
        assert "line 2 of standard input: " in one_line(ended.err)
        assert told in ended.err


def test_objects_over_several_lines_are_read_as_well(cli: Cli, client: Client) -> None:
    ids = bury(client, "mail", b"1", b"2")
    found = json.loads(cli("jobs", "mail", "--json").out)
    pretty = "\n".join(json.dumps(job, indent=2) for job in found)  # what jq makes of it
    assert cli("kick", "--ids", "-", stdin=pretty.encode()).out == "kick: 2 done\n"
    assert cli("bury", "--ids", "-", stdin=b"\xef\xbb\xbf" + pretty.encode()).out == "bury: 2 done\n"
    ended = cli("kick", "--ids", "-", stdin=pretty.encode() + b'\n{\n  "x": 1\n}')
    assert (ended.code, states(client, *ids)) == (2, ["buried", "buried"])
    assert "job 3 of standard input: " in one_line(ended.err)


def test_drain_takes_the_named_states_only(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1", b"2")
    client.put(b"3", tube="mail")
    client.put(b"4", tube="mail", delay=100)
    assert cli("drain", "mail", "--state", "buried,delayed", "--yes").out == "drain: 3 done\n"
    tube = client.stats_tube("mail")
    assert (tube.current_jobs_ready, tube.current_jobs_buried, tube.current_jobs_delayed) == (1, 0, 0)
    for verb in ("drain", "delete", "kick"):
        ended = cli(verb, "mail", "--state", "berried")
        assert (ended.code, ended.err[:33]) == (2, "beanops: state: 'berried' given, "), "not asked about first"
    ended = cli("drain", "mail", "--state", "ready", "--ids", "3")
    assert ended.code == 2
    assert "no such option" in one_line(ended.err)


def test_move_and_copy(cli: Cli, client: Client, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    (id,) = bury(client, "mail", b"\x00\xff")
    assert cli("move", "--ids", str(id), "--to", "hospital").out == "move: 1 done\n"
    assert client.stats_tube("hospital").current_jobs_buried == 1
    assert client.stats().current_jobs_buried == 1
    there, safe = start_beanstalkd(), start_beanstalkd()
    configure(
        f'[servers.there]\naddress = "{there.address}"\n[servers.safe]\naddress = "{safe.address}"\nread_only = true'
    )
    assert cli("copy", "hospital", "--to-server", "there").out == "copy: 1 done\n"
    with Client(there.address) as other:
        assert other.stats_tube("hospital").current_jobs_buried == 1
    for protected in ("safe", f"LOCALHOST:{safe.port}", f"127.1:{safe.port}"):
        ended = cli("copy", "hospital", "--to-server", protected)
        assert ended.code == 4
        assert "read-only" in one_line(ended.err)


def test_a_dry_run_shows_count_sample_and_cost(cli: Cli, client: Client) -> None:
    bury(client, "mail", *([b"\x1b]52;c;aGk=\x07 =1+1 \xe2\x80\xae"] * 12))
    ended = cli("delete", "mail", "--state", "buried", "--dry-run", "--rate", "2/s")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("delete: 12 would be done\n\nsuch as these:\n")
    assert ended.out.count("\\x1b]52") == 10
    assert "\ncost: up to 12 commands, 6 s at this rate; " in ended.out
    assert ended.out.replace("\n", "").isprintable()
    rows = cli("kick", "--ids", "1,2", "--dry-run", "-o", "csv").out
    assert rows.startswith("id,tube,state,priority,age,body\n1,mail,")
    told = cli("kick", "--ids", "1,2,99", "--dry-run", "--json").json
    assert (told["done"], told["skipped"], told["dry_run"], told["run"]) == (2, 1, True, None)
    assert [row["id"] for row in told["sample"]] == [1, 2]
    assert (told["cost"]["commands"], told["cost"]["pauses"]) == (2, [])
    told = cli("move", "mail", "--to", "hospital", "--dry-run", "--json").json
    assert (told["cost"]["commands"], told["cost"]["pauses"]) == (84, ["hospital"])
    shown = cli("move", "mail", "--to", "hospital", "--dry-run").out
    assert "buried jobs are reserved for a moment, pausing tube hospital for that time if workers watch" in shown
    assert client.stats_tube("mail").current_jobs_buried == 12
    assert cli("journal", "--json").json == []


def test_a_dry_run_of_a_kick_by_the_server_counts_what_the_server_would_kick(cli: Cli, client: Client) -> None:
    later, sooner = client.put(b"1", tube="mail", delay=900), client.put(b"2", tube="mail", delay=100)
    told = cli("kick", "mail", "--next", "50", "--dry-run", "--json").json
    assert (told["done"], [row["id"] for row in told["sample"]]) == (2, [sooner])
    assert cli("kick", "mail", "--next", "1").out == "kick: 1 done\n"
    assert states(client, later, sooner) == ["delayed", "ready"]
    client.bury(client.reserve_job(sooner))
    client.bury(client.reserve_job(later))
    told = cli("kick", "mail", "--next", "1", "--dry-run", "--json").json
    assert (told["done"], [row["id"] for row in told["sample"]]) == (1, [sooner])
    # With a limit beanops chooses them: the oldest.
    assert cli("kick", "mail", "--limit", "1", "--dry-run", "--json").json["sample"][0]["id"] == later
    assert cli("kick", "m*", "--limit", "1").out == "kick: 1 done\n"
    assert states(client, later, sooner) == ["ready", "buried"]
    assert cli("kick", "mail", "--next", "0").out == "kick: 0 done\n"


def test_a_bury_that_sets_a_priority_means_buried_jobs_too(cli: Cli, client: Client) -> None:
    (id,) = bury(client, "mail", b"1")
    assert cli("bury", "mail", "--priority", "7", "--dry-run", "--json").json["done"] == 1
    assert cli("bury", "mail", "--priority", "7").out == "bury: 1 done\n"
    assert client.stats_job(id).priority == 7


@pytest.fixture
def lost(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put jobs, one of which has an id that no scan gets to: so it is after a restart from the binlog."""
    ids = bury(client, "mail", *([b"x"] * 5))

    def bound(client: Client, idmap: IdMap, *_: Any) -> Bound:
        idmap.top = ids[-1] - 2
        return Bound(idmap.top, exact=False)

    monkeypatch.setattr("beanops.jobs.search.scan.bound", bound)
    monkeypatch.setattr("beanops.jobs.search.highest_id.climb", lambda *_: iter(()))
    monkeypatch.setattr("beanops.jobs.search.scan._GIVE_UP", 1)
    return ids


def test_json_and_reason(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1")
    told = cli("kick", "mail", "--reason", "INC-42", "--json").json
    assert (told["action"], told["done"], told["stopped"]) == ("kick", 1, None)
    assert [row["reason"] for row in told["actions"]] == ["INC-42"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["delete", "mail", "--state", "buried"],
        ["drain", "mail", "--state", "buried"],
        ["delete", "--ids", "1-3"],
        ["kick", "mail"],
        ["kick", "mail", "--next", "101"],
        ["bury", "mail", "--state", "buried,ready"],
        ["release", "mail"],
        ["move", "mail", "--to", "there"],
        ["copy", "--ids", "1-101", "--to", "there"],
    ],
)
def test_without_a_terminal_what_must_be_asked_is_refused(cli: Cli, client: Client, arguments: list[str]) -> None:
    bury(client, "mail", *([b"x"] * 101))
    for _ in range(101):
        client.put(b"y", tube="mail")
    ended = cli(*arguments)
    assert ended.code == 4
    assert one_line(ended.err).endswith("was refused: not a terminal; pass --yes")
    assert client.stats_tube("mail").current_jobs_buried == 101
    assert cli(*arguments, "--dry-run").code == 0
    assert client.stats_tube("mail").current_jobs_buried == 101
    assert cli("journal", "--json").json == []


def test_a_hundred_need_no_asking_unless_they_are_destroyed(cli: Cli, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 100))
    assert cli("kick", "mail").out == "kick: 100 done\n"


MISSING = "not all jobs could be found; incomplete: 4 of 5 found; not looked at: ids above"


def test_what_could_not_be_found_is_told_before_and_after(
    cli: Cli, lost: list[int], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["drain", "mail", "--state", "buried"], ["export", "/dev/null"]):
        ended = cli(*arguments, "--dry-run")
        assert ended.code == 1
        assert f"4 would be done; stopped: {MISSING}" in ended.out
        assert MISSING in one_line(ended.err)
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)
    ended = cli("drain", "mail", "--state", "buried", stdin=b"y\n")
    question, _, told = ended.err.partition("[y/N]")
    assert question.startswith("Delete 4 of the buried jobs of tube mail on ")
    assert MISSING in question
    assert ended.code == 1
    assert f"drain: 4 done; stopped: {MISSING}" in told
    assert "beanops resume" not in ended.err
    assert states(client, lost[-1]) == ["buried"]


def test_the_exit_code_says_why_nothing_was_done(cli: Cli, client: Client, lost: list[int]) -> None:
    client.kick_job(lost[0])
    ended = cli("kick", "mail", "--where", "priority = 5", "--yes")
    assert ended.code == 1
    assert "not all jobs could be found" in one_line(ended.err)
    for more in (["--yes"], [], ["--dry-run"]):
        ended = cli("kick", "mail", "--where", "cast(body as integer) = 1", *more)
        assert ended.code == 2
        assert "Could not convert string" in one_line(ended.err)
    assert states(client, *lost) == ["ready", *["buried"] * 4]


def test_a_journal_that_is_full_is_no_lost_server(cli: Cli, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise JournalError("the journal failed: disk is full")

    (id,) = bury(client, "mail", b"x")
    monkeypatch.setattr(Journal, "write", full)
    ended = cli("kick", "mail")
    assert ended.code == 1
    assert "kick: 0 done; stopped: the journal failed: disk is full" in one_line(ended.err)
    assert states(client, id) == ["buried"]


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("\r", 4, 120), ("y\r", 4, 120), ("119\r", 4, 120), ("120\r", 0, 0)]
)
def test_the_number_of_many_is_typed(terminal: Start, client: Client, answer: str, code: int, left: int) -> None:
    bury(client, "mail", *([b"x"] * 120))
    shown = terminal("drain", "mail", "--state", "buried")
    shown.until("Delete 120 of the buried jobs of tube mail on ")
    shown.until("Type their number to go on: ")
    shown.type(answer)
    assert shown.end() == code
    assert client.stats().current_jobs_buried == left


def test_the_question_names_the_tube_that_is_paused(terminal: Start, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 101))
    shown = terminal("move", "mail", "--to", "hospital")
    shown.until("Move 101 of the jobs of tube mail on ")
    shown.until(", pausing tube hospital for that time if workers watch? [y/N]")
    shown.type("\r")
    assert shown.end() == 4


def test_what_comes_after_the_question_is_not_meant(terminal: Start, client: Client) -> None:
    moved, _ = bury(client, "mail", b"1", b"2")
    shown = terminal("drain", "mail", "--state", "buried")
    shown.until("[y/N]")
    (late,) = bury(client, "mail", b"3")
    client.kick_job(moved)
    shown.type("y\r")
    assert shown.end() == 1
    assert states(client, moved, late) == ["ready", "buried"]
    assert f"drain: 1 done, 1 skipped (job {moved}: it is ready now)" in shown.shown


def test_on_a_terminal_the_way_back_is_named(terminal: Start, client: Client, cli: Cli) -> None:
    (id,) = bury(client, "mail", b"1")
    shown = terminal("kick", "mail")
    assert shown.end() == 0
    (run,) = re.findall(r"recorded as run (\S+); beanops undo \1 undoes what can be undone", shown.shown)
    assert cli("undo", run).out == "undo: 1 done\n"
    assert states(client, id) == ["buried"]


@pytest.mark.parametrize(("answer", "code", "left"), [("y\r", 4, 1), ("prod\r", 0, 0)])
def test_a_profile_has_its_label_shown_and_its_name_typed(
    terminal: Start, client: Client, beanstalkd: Beanstalkd, answer: str, code: int, left: int
) -> None:
    configure(
        f'[servers.prod]\naddress = "{beanstalkd.address}"\nlabel = "PRODUCTION\\u001b[2J"\nconfirm = "type-name"'
    )
    (id,) = bury(client, "mail", b"x")
    shown = terminal("-s", "prod", "delete", "--ids", str(id))
    shown.until(f"job {id}: buried in tube mail")
    shown.until(f"[PRODUCTION\\x1b[2J] Delete job {id} on prod ({beanstalkd.address})? Type the profile's name, prod,")
    shown.type(answer)
    assert shown.end() == code
    assert client.stats().current_jobs_buried == left


@pytest.mark.parametrize(
    "arguments",
    [
        ["kick", "mail"], ["bury", "mail"], ["release", "mail"], ["delete", "mail", "--state", "ready", "--yes"],
        ["drain", "mail", "--state", "ready"], ["move", "mail", "--to", "x"], ["copy", "mail", "--to", "x"],
        ["put", "mail", "x"], ["pause", "mail", "10"], ["unpause", "mail"], ["export", "FILE", "--delete"],
        ["import", "/dev/null"],
    ],
)  # fmt: skip
def test_a_read_only_profile_refuses(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, tmp_path: object, arguments: list[str]
) -> None:
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\nread_only = true')
    client.put(b"x", tube="mail")
    ended = cli("-s", "prod", *[str(argument).replace("FILE", f"{tmp_path}/f") for argument in arguments])
    assert ended.code == 4
    assert "read-only" in one_line(ended.err)
    assert client.stats_tube("mail").current_jobs_ready == 1
    assert client.stats_tube("mail").pause == 0


def test_a_server_that_the_configuration_does_not_know(cli: Cli) -> None:
    configure("[servers.prod]\naddres = 'x'")
    ended = cli("tubes")
    assert ended.code == 2
    assert "servers.prod.addres is unknown" in one_line(ended.err)


def test_servers(cli: Cli) -> None:
    assert "no servers configured" in cli("servers").err
    configure('[servers.prod]\naddress = "queue:11300"\nlabel = "PRODUCTION"\nread_only = true')
    assert cli("servers").out.splitlines()[1].split() == ["prod", "queue:11300", "yes", "ask", "PRODUCTION"]
    (row,) = cli("servers", "--json").json
    assert (row["name"], row["address"], row["read_only"]) == ("prod", "queue:11300", True)


def test_ctrl_c_ends_a_run_after_its_batch_and_resume_goes_on(terminal: Start, cli: Cli, client: Client) -> None:
    ids = bury(client, "mail", *([b"x"] * 60))
    shown = terminal("kick", "mail", "--rate", "40/s", "--yes")
    shown.until("kick:")
    until(lambda: client.stats_tube("mail").current_jobs_ready >= 10)
    shown.type("\x03")
    shown.until("kick ends after this batch; Ctrl-C again ends it at once")
    assert shown.end() == 1
    assert "Traceback" not in shown.shown
    last = shown.shown.replace("\r", "\n").strip().splitlines()[-1]
    kicked = states(client, *ids).count("ready")
    assert 0 < kicked < 60
    assert f"kick: {kicked} done; stopped: cancelled; to continue: beanops resume " in last
    run = last.rpartition("resume ")[2].split()[0]
    assert cli("resume", run).out == f"kick: {60 - kicked} done\n"


def test_ctrl_c_twice_ends_at_once(terminal: Start, cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    bury(client, "mail", *([b"x"] * 100))
    shown = terminal("kick", "mail", "--rate", "4/s", "--yes")
    shown.until("kick:")
    os.kill(beanstalkd.pid, signal.SIGSTOP)  # a batch that waits for the server is ended by no cancel
    try:
        shown.type("\x03")
        shown.until("Ctrl-C again")
        shown.type("\x03")
        shown.until("beanops: interrupted")
    finally:
        os.kill(beanstalkd.pid, signal.SIGCONT)
    assert shown.end() == 130
    assert "was cut off; to continue: beanops resume " in shown.shown
    assert "beanops: interrupted" in shown.shown
    assert "Traceback" not in shown.shown
    run = shown.shown.partition("beanops resume ")[2].split()[0]
    assert cli("resume", run, "--rate", "9000").code == 0
    assert client.stats_tube("mail").current_jobs_ready == 100


def test_a_drain_is_resumed_only_when_agreed(cli: Cli, terminal: Start, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 60))
    shown = terminal("drain", "mail", "--state", "buried", "--rate", "40/s", "--yes")
    shown.until("drain:")
    shown.process.send_signal(signal.SIGINT)
    assert shown.end() == 1
    run = shown.shown.partition("beanops resume ")[2].split()[0]
    ended = cli("resume", run)
    assert ended.code == 4
    assert f"resume drain of run {run} was refused" in one_line(ended.err)
    assert cli("resume", run, "--yes").code == 0
    assert client.stats().current_jobs_buried == 0


def test_going_on_with_many_asks_and_shows_what_is_left(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    bury(client, "mail", *([b"x"] * 300))
    with connect(beanstalkd.address) as session:
        run = session.kick("mail", rate=400, progress=lambda run: run.cancel() if run.done else None)
    assert run.done == 100
    ended = cli("resume", run.id)
    assert ended.code == 4
    assert f"resume kick of run {run.id} (200 jobs) was refused" in one_line(ended.err)
    assert cli("resume", run.id, "--dry-run").out.startswith("kick: 200 would be done\n")
    assert client.stats_tube("mail").current_jobs_buried == 200
    assert cli("resume", run.id, "--rate", "9000", "--yes").out == "kick: 200 done\n"


def test_a_tube_whose_name_looks_like_a_run_is_unpaused(cli: Cli, client: Client) -> None:
    tube = "20260102-030405-1f2e"
    client.put(b"x", tube=tube)
    cli("pause", tube, "100")
    assert cli("resume", tube).code != 0
    assert client.stats_tube(tube).pause == 100
    assert cli("unpause", tube).out == "unpause: 1 done\n"
    assert client.stats_tube(tube).pause == 0


def test_undo(cli: Cli, client: Client) -> None:
    ids = bury(client, "mail", b"1", b"2")
    run = cli("kick", "mail", "--json").json["run"]
    assert cli("undo", run, "--reason", "wrong tube").out == "undo: 2 done\n"
    assert states(client, *ids) == ["buried", "buried"]
    deleted = cli("delete", "--ids", "1-2", "--yes", "--json").json["run"]
    sample = cli("undo", deleted, "--dry-run", "--json").json["sample"]
    assert [(row["id"], row["body"]) for row in sample] == [(ids[0], "1"), (ids[1], "2")], "as the journal knows them"
    assert cli("undo", deleted, "--where", "body = '2'").out == "undo: 1 done\n"
    assert client.stats_tube("mail").current_jobs_buried == 1
    put = cli("put", "mail", "x", "--json").json["run"]
    ended = cli("undo", put)
    assert ended.code == 4
    assert f"undo of the put of run {put} was refused" in one_line(ended.err)
    assert "undo: 1 would be done\n" in cli("undo", put, "--dry-run").out
    assert cli("undo", put, "--yes").out == "undo: 1 done\n"
    ended = cli("undo", "20260102-030405-1f2e", "--yes")
    assert ended.code == 1
    assert "has no run 20260102-030405-1f2e" in one_line(ended.err)


def test_undo_tells_what_is_unknown_and_puts_it_when_that_is_asked_for(cli: Cli, client: Client) -> None:
    client.put(b"1", tube="mail")
    run = cli("delete", "--ids", "1", "--yes", "--json").json["run"]
    with sqlite3.connect(os.environ["BEANOPS_JOURNAL"]) as journal:  # as if the connection had broken
        journal.execute("delete from outcomes")
    journal.close()
    ended = cli("undo", run)
    assert ended.code == 1
    assert "undo: 0 done, 1 skipped (job 1: its outcome is unknown: verify the run first)" in one_line(ended.err)
    assert cli("undo", run, "--repeat", "unknown").out == "undo: 1 done\n"
    assert client.stats_tube("mail").current_jobs_ready == 1


@pytest.mark.parametrize(("key", "state"), [("r", "ready"), ("b", "buried"), ("q", "ready"), ("\x03", "ready")])
def test_reserve_holds_a_job_until_a_key(terminal: Start, cli: Cli, client: Client, key: str, state: str) -> None:
    id = client.put(b'{"a": "\x1b[2J"}', tube="mail", priority=7)
    shown = terminal("reserve", "mail", "--reason", "INC-42")
    shown.until("s left, kept by itself")
    assert "\x1b[2J" not in shown.shown
    assert states(client, id) == ["reserved"]
    shown.type(key)
    assert shown.end() == (130 if key == "\x03" else 0)
    stats = client.stats_job(id)
    assert (stats.state, stats.priority) == (state, 7)
    assert [row["reason"] for row in cli("journal", "--json").json] == ["INC-42"] * 2


def test_reserve_asks_before_it_deletes(terminal: Start, client: Client) -> None:
    client.put(b"x", tube="mail")
    shown = terminal("reserve", "mail")
    shown.until("s left")
    shown.type("d")
    shown.until("delete job 1?")
    shown.type("n")
    shown.type("d")
    shown.type("y")
    assert shown.end() == 0
    assert "delete: 1 done" in shown.shown
    assert client.stats().current_jobs_ready == 0


@pytest.mark.parametrize("by", ["option", "profile"])
def test_secrets_are_hidden_in_what_is_shown(
    cli: Cli, terminal: Start, client: Client, beanstalkd: Beanstalkd, by: str
) -> None:
    if by == "profile":
        configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\nredact = ["*token*"]')
    option = ["--redact", "*token*"] if by == "option" else []
    client.put(b'{"token": "hunter2"}', tube="mail")
    bury(client, "mail", b'{"token": "hunter2"}')
    for arguments in (
        ["kick", "mail"], ["kick", "mail", "--next", "1"], ["export", "x"], ["delete", "--ids", "1,2"],
        ["move", "mail", "--to", "x"],
    ):  # fmt: skip
        shown = cli(*arguments, *option, "--dry-run")
        assert shown.code == 0
        assert "hunter2" not in shown.out
        assert "token" in shown.out
    held = terminal("reserve", "mail", *option)
    held.until("s left")
    held.type("q")
    held.end()
    assert "hunter2" not in held.shown
    assert "hunter2" in cli("export", "-", *option).out, "what is exported can be imported"


def test_reserve_of_nothing(terminal: Start, client: Client) -> None:
    client.watch("mail")
    shown = terminal("reserve", "mail")
    assert shown.end() == 1
    assert "no job of tube mail is ready" in shown.shown
    shown = terminal("reserve", "mial")
    assert shown.end() == 1
    assert "no tube 'mial'" in shown.shown
    shown = terminal("reserve", "mail", "--read-only")
    assert shown.end() == 4


def test_a_bar_shows_the_progress_on_a_terminal(terminal: Start, cli: Cli, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 40))
    shown = terminal("kick", "mail", "--rate", "20")
    shown.until("/40 ")
    assert shown.end() == 0
    assert "kick: 40 done" in shown.shown
    run = cli("journal", "--limit", "1", "--json").json[0]["run"]
    shown = terminal("undo", run, "--rate", "20")
    shown.until("/40 ")
    assert shown.end() == 0
    assert "undo: 40 done" in shown.shown


def test_json_keys_of_a_summary_are_stable(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1")
    expected = {"run", "action", "done", "skipped", "failed", "unknown", "besides", "stopped", "actions"}
    assert set(json.loads(cli("kick", "mail", "--json").out)) == expected


def test_a_summary_of_many_leaves_the_rows_to_the_journal(cli: Cli, client: Client) -> None:
    for _ in range(1001):
        client.put(b"x", tube="mail")
    told = cli("bury", "mail", "--yes", "--json").json
    assert (told["done"], told["actions"]) == (1001, None)
    assert len(cli("journal", told["run"], "--json").json) == 1001


def test_a_kick_by_the_server_names_no_way_to_go_on(terminal: Start, client: Client) -> None:
    bury(client, "mail", *([b"x"] * 101))
    shown = terminal("kick", "mail", "--next", "500")
    shown.until("Kick 101 of the buried jobs of tube mail on")
    shown.type("101\r")
    assert shown.end() == 0
    assert "kick: 101 done" in shown.shown
    assert "beanops undo" not in shown.shown


def test_a_kick_by_the_server_takes_no_delayed_jobs_where_buried_ones_were_shown(
    terminal: Start, client: Client
) -> None:
    ids = bury(client, "mail", *([b"x"] * 101))
    delayed = client.put(b"x", tube="mail", delay=900)
    shown = terminal("kick", "mail", "--next", "500")
    shown.until("Kick 101 of the buried jobs of tube mail on")
    for id in ids:
        client.kick_job(id)
    shown.type("101\r")
    assert shown.end() == 4
    assert "nothing was done: the server would no longer kick the buried jobs of tube mail" in shown.shown
    assert states(client, delayed) == ["delayed"]
