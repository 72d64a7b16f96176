"""journal, verify and prune; and what the shell completes."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.journal.prune import this_actor
from beanops.journal.records import Fate, Intent
from tests.cli.conftest import BEANOPS, Cli, bury, configure, one_line
from tests.waits import PATIENCE

HOSTILE_REASON = "\x1b]52;c;aGk=\x07\u202e=1+1"


@pytest.fixture
def run(cli: Cli, client: Client) -> str:
    """Kick two jobs and skip one, for a hostile reason; return the run."""
    ids = bury(client, "mail", b"1", b"2")
    arguments = ["kick", "--ids", f"{ids[0]},{ids[1]},99", "--json", "--reason", HOSTILE_REASON]
    return str(cli(*arguments).json["run"])


def test_the_journal_in_every_output(cli: Cli, run: str, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    with connect(beanstalkd.address) as session:
        columns = list(session.actions.columns)
    table = cli("journal")
    assert (table.code, table.err) == (0, "")
    assert table.out.count(run) == 3
    assert table.out.replace("\n", "").isprintable()
    assert cli("journal", run).out == table.out
    rows = cli("journal", run, "--json").json
    assert [list(row) for row in rows] == [columns] * 3
    assert [row["outcome"] for row in rows] == ["skipped", "done", "done"]
    assert rows[0]["reason"] == HOSTILE_REASON
    read = list(csv.DictReader(io.StringIO(cli("journal", "-o", "csv").out)))
    assert list(read[0]) == columns
    assert "\x1b" not in read[0]["reason"]


def test_a_journal_without_runs_on_the_server_says_where_it_has_some(cli: Cli, client: Client) -> None:
    ended = cli("journal", "--json")
    assert (ended.code, ended.json) == (0, [])
    assert one_line(ended.err).endswith("has no runs yet")
    bury(client, "mail", b"1", b"2")
    cli("kick", "mail")
    cli("pause", "mail", "9")
    for output in ("json", "csv", "table"):
        ended = cli("journal", "-s", "127.0.0.1:1", "-o", output)
        told = one_line(ended.err)
        assert ended.code == 0
        assert "has no runs on 127.0.0.1:1; it has some on" in told
        assert "(2 runs)" in told
    assert cli("journal", "--since", "2999-01-01").err == "", "it has runs on this server"


def test_an_undo_of_a_run_that_did_nothing_says_why(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail")
    for arguments, why in {
        ("kick", "mail"): "it found no jobs, or ended before it acted",
        ("kick", "--ids", "77"): "1 skipped (job 77: it does not exist)",
        ("kick", "mail", "--where", "id = 99"): "it found no job",
    }.items():
        run = cli(*arguments, "--json").json["run"]
        for more in ((), ("--dry-run",)):
            ended = cli("undo", run, "--yes", *more)
            assert f"run {run} did nothing: {why}" in ended.out + ended.err, (arguments, more)
    (id,) = bury(client, "mail", b"1")
    run = cli("kick", "--ids", str(id), "--json").json["run"]
    ended = cli("undo", run, "--where", "tube = 'other'")
    assert f"run {run} acted on no job that matched before: tube = 'other'" in ended.out
    assert cli("undo", run).out == "undo: 1 done\n"


def test_a_kick_by_number_shows_how_many_it_kicked(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1", b"2", b"3")
    cli("kick", "mail", "--next", "2")
    heading, row = cli("journal").out.splitlines()
    assert row[heading.index("jobs") :].split()[0] == "2"


def test_the_journal_as_parquet(run: str, tmp_path: Path, beanstalkd: Beanstalkd) -> None:
    import duckdb

    file = tmp_path / "actions.parquet"
    with file.open("wb") as out:
        subprocess.run([BEANOPS, "-s", beanstalkd.address, "journal", "-o", "parquet"], stdout=out, check=True)
    with duckdb.connect() as duck:
        duck.execute(f"create view actions as from '{file}'")
        rows = duck.sql("select id, outcome from actions").fetchall()
        columns = [row[0] for row in duck.sql("describe actions").fetchall()]
    assert rows == [(99, "skipped"), (2, "done"), (1, "done")]
    with connect(beanstalkd.address) as session:
        assert columns == list(session.actions.columns)


def test_what_the_journal_selects(cli: Cli, client: Client, run: str) -> None:
    cli("pause", "mail", "10")
    assert [row["action"] for row in cli("journal", "--json").json] == ["pause"] + ["kick"] * 3
    assert [row["action"] for row in cli("journal", "--action", "pause", "--json").json] == ["pause"]
    assert [row["action"] for row in cli("journal", "--limit", "2", "--json").json] == ["pause", "kick"]
    assert len(cli("journal", "--since", "1h", "--json").json) == 4
    assert cli("journal", "--since", "2999-01-01", "--json").json == []
    assert cli("--json", "journal").json, "options may stand before the group"
    assert cli("-s", "127.0.0.1:1", "journal", "--json").json == []
    assert len(cli("-s", "127.0.0.1:1", "journal", run, "--json").json) == 3, "the server need not be there"
    ended = cli("journal", "20260102-030405-1f2e")
    assert ended.code == 1
    assert "has no run" in one_line(ended.err)


def test_the_journal_takes_the_filters_of_a_session(cli: Cli, client: Client, run: str, beanstalkd: Beanstalkd) -> None:
    (sms,) = bury(client, "sms", b"3")
    other = cli("bury", "--ids", str(client.put(b"4", tube="sms-2")), "--json").json["run"]
    kicked = cli("kick", "sms", "--json").json["run"]
    actor = this_actor()
    with connect(beanstalkd.address) as session:
        for filters in (
            {"tube": "sms*"}, {"tube": "mail,sms"}, {"job": f"1,{sms}"}, {"action": "bury,pause"}, {"actor": actor},
            {"actor": "nobody@*"}, {"since": "1h"}, {"since": "3600"}, {"until": "1h"}, {"until": "2999-01-01 12:00"},
            {"tube": "s*", "action": "kick", "since": "1h", "until": "0s"},
        ):  # fmt: skip
            options = [text for name, value in filters.items() for text in (f"--{name}", value)]
            for command, frame in (("show", session.journal.actions), ("runs", session.journal.runs)):
                rows = cli("journal", command, *options, "--json").json
                assert [row["run"] for row in rows] == list(frame(**filters)["run"]), (command, filters)
    assert [row["run"] for row in cli("journal", "--tube", "sms*", "--json").json] == [kicked, other]
    assert [row["run"] for row in cli("journal", "--job", "-", "--json", stdin=b"1 2").json] == [run, run]
    assert cli("journal", run, "--job", "2", "--json").json[0]["id"] == 2


def test_the_runs_of_the_journal(cli: Cli, client: Client, run: str, beanstalkd: Beanstalkd) -> None:
    cli("pause", "mail", "9")
    heading, pause, kick = cli("journal", "runs").out.splitlines()
    assert heading.split()[:7] == ["time", "run", "action", "done", "skipped", "failed", "unknown"]
    assert pause.split()[3:5] == ["pause", "1"]
    assert kick.split()[2:7] == [run, "kick", "2", "1", "0"]
    assert len(cli("journal", "runs", "--limit", "1", "--json").json) == 1
    with connect(beanstalkd.address) as session:
        columns = list(session.journal.runs().columns)
    rows = cli("journal", "runs", "--json").json
    assert [list(row) for row in rows] == [columns] * 2
    assert cli("journal", "runs", "-o", "csv").out.splitlines()[0].split(",") == columns
    assert "has no runs on 127.0.0.1:1;" in one_line(cli("journal", "runs", "-s", "127.0.0.1:1").err)


_CUT_OFF = """
import os, signal, sys
from beanops import connect
from beanops.journal.journal import Journal
write, calls = Journal.write, 0
def kill(*arguments, **named):
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    write(*arguments, **named)
Journal.write = kill
with connect(sys.argv[1]) as session:
    session.kick([1, 2])
"""


def test_verify(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    assert cli("journal", "verify").out == "no actions with unknown outcome\n"
    bury(client, "mail", b"1", b"2")
    subprocess.run([sys.executable, "-c", _CUT_OFF, beanstalkd.address], timeout=PATIENCE)
    assert [row["outcome"] for row in cli("journal", "--json").json] == ["unknown"] * 2
    ended = cli("journal", "verify")
    assert ended.code == 0
    assert "verify kick: 2 done" in ended.out
    assert [row["outcome"] for row in cli("journal", "--json").json] == ["done"] * 2


def test_verify_asks_each_run_of_the_server_that_its_jobs_are_on(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    there = start_beanstalkd()
    ids = bury(client, "mail", b"1", b"2")
    with connect(beanstalkd.address) as session, connect(there.address) as other:
        copied = session.copy(ids[0], server=other)
        kicked = session.kick(ids[1])
        journal, now = session._context.journal(), session._context.now()
        (entry,) = journal.entries(copied.id)
        journal.write(copied.id, now, [entry.intent], 1, [(1, Fate("unknown", "cut off", entry.fate.new_id))])
        journal.write(kicked.id, now, [Intent("kick", "mail", ids[1], "buried")], 1)
    ended = cli("journal", "verify")
    assert ended.code == 0
    found = f"job {ids[1]}: verified by {this_actor()}: the job is ready"
    assert ended.out == f"{kicked.id} verify kick: 1 done ({found})\n"
    ended = cli("-s", there.address, "journal", "verify", "--json")
    assert [row["run"] for row in ended.json] == [copied.id]


def test_prune_asks_and_is_on_the_record(cli: Cli, run: str) -> None:
    ended = cli("journal", "prune", "--older-than", "90d")
    assert ended.code == 4
    assert "not a terminal" in one_line(ended.err)
    assert "prune of runs older than 90 days was refused" in ended.err
    assert cli("journal", "prune", "--older-than", "90d", "--yes").out.startswith("prune: 0 runs deleted")
    assert len(cli("journal", "--json").json) == 4
    pruned = cli("journal", "prune", "--older-than", "0s", "--yes", "--reason", "audit").out
    assert pruned.startswith("prune: 2 runs deleted (recorded as run ")
    (row,) = cli("journal", "--json").json
    assert (row["action"], row["outcome"], row["reason"]) == ("prune", "done", "audit")
    assert row["error"].startswith("deleted 2 runs that ended before ")
    assert row["run"] in pruned
    assert cli("journal", row["run"], "--json").json == [row]
    for command in (["undo"], ["journal", "verify"]):
        ended = cli(*command, row["run"])
        assert ended.code == 2
        assert "is a prune of the journal" in one_line(ended.err)
    assert cli("journal", run).code == 1


def test_a_journal_that_cannot_be_opened(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEANOPS_JOURNAL", "/dev/null/journal")
    for arguments in (["journal"], ["put", "mail", "x"]):
        ended = cli(*arguments)
        assert ended.code == 1
        one_line(ended.err)


# -- completion --------------------------------------------------------------------------------------------------


def completed(cli: Cli, words: str, server: str) -> list[str]:
    """Return what bash would offer for the last word."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("_BEANOPS_COMPLETE", "bash_complete")
        environment.setenv("COMP_WORDS", words)
        environment.setenv("BEANOPS_SERVER", server)
        ended = cli()
    assert (ended.code, ended.err) == (0, "")
    return [line.partition(",")[2] for line in ended.out.splitlines() if line]


def test_the_shell_completes_commands_tubes_runs_servers_and_samples(
    cli: Cli, run: str, beanstalkd: Beanstalkd
) -> None:
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"')
    cli("sample", "save", "charge", "-", stdin=b"x")
    here = beanstalkd.address
    assert completed(cli, "beanops ki", here) == ["kick"]
    assert completed(cli, "beanops kick m", here) == ["mail"]
    assert completed(cli, "beanops -s prod kick ma", "127.0.0.1:1") == ["mail"]
    assert completed(cli, "beanops kick -s prod ma", "127.0.0.1:1") == ["mail"]
    assert completed(cli, "beanops undo 2", here) == [run]
    assert completed(cli, "beanops resume ", here) == [run]
    assert completed(cli, "beanops unpause ", here) == ["default", "mail"]
    assert completed(cli, "beanops kick --server p", here) == ["prod"]
    assert completed(cli, "beanops sample put ", here) == ["charge"]
    assert completed(cli, "beanops journal ", here) == ["prune", "runs", "show", "verify", run]
    assert completed(cli, "beanops journal 2", here) == completed(cli, "beanops journal verify ", here) == [run]
    assert completed(cli, "beanops journal --si", here) == ["--since"]


def test_a_shell_is_never_told_of_errors(cli: Cli) -> None:
    assert completed(cli, "beanops kick m", "127.0.0.1:1") == []
    configure("nonsense [")
    assert completed(cli, "beanops -s ", "127.0.0.1:1") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(cli: Cli, shell: str) -> None:
    ended = cli("completion", shell)
    assert ended.code == 0
    assert "_BEANOPS_COMPLETE" in ended.out
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=ended.out, text=True, check=True)
