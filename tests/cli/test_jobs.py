"""jobs, job, sql and snapshot: what they find and print, and how they end when it is not all."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search import highest_id, scan
from tests.cli.conftest import Cli, Terminal, bury, one_line
from tests.waits import PATIENCE, until

Program = Callable[..., subprocess.Popen[str]]


def fill(client: Client, count: int, tube: str = "mail") -> None:
    client.use(tube)
    for _ in client.pipeline(commands.put(b'{"user": %d}' % number) for number in range(count)):
        pass


def test_jobs_are_selected_as_everywhere(cli: Cli, client: Client) -> None:
    fill(client, 10)
    buried = bury(client, "billing", b"poison")
    assert [job["id"] for job in cli("jobs", "mail", "--json").json] == list(range(10, 0, -1))
    assert [job["id"] for job in cli("jobs", "--state", "buried", "--json").json] == buried
    assert [job["id"] for job in cli("jobs", "--ids", "3,5-6", "--order", "oldest", "--json").json] == [3, 5, 6]
    some = cli("jobs", "m*", "--where", "data->>'$.user' in ('3', '4')", "--json")
    assert [job["data"]["user"] for job in some.json] == [4, 3]
    assert [job["id"] for job in cli("jobs", "--order", "-size", "--limit", "1", "--json").json] == [10]
    assert cli("jobs", "nothing*", "--json").json == []


def test_ids_come_from_standard_input(cli: Cli, client: Client) -> None:
    fill(client, 5)
    assert [job["id"] for job in cli("jobs", "--ids", "-", "--json", stdin=b"2\n4\n").json] == [4, 2]


def test_every_format_holds_the_same_jobs(cli: Cli, client: Client) -> None:
    client.put(b'{"displayName": "App\\\\Jobs\\\\Send"}', tube="a/b")
    client.put(b"\xff\x1b[2J", tube="a/b")
    table = cli("jobs")
    assert table.out.splitlines()[0].split()[:3] == ["id", "tube", "state"]
    assert "App\\Jobs\\Send" in table.out
    assert "\x1b" not in table.out
    lines = [json.loads(line) for line in cli("jobs", "-o", "jsonl").out.splitlines()]
    again = cli("jobs", "--json").json
    assert [line | {"created": None} for line in lines] == [line | {"created": None} for line in again]
    assert [line["id"] for line in lines] == [2, 1]
    rows = list(csv.DictReader(io.StringIO(cli("jobs", "-o", "csv").out)))
    assert [(row["id"], row["tube"], row["state"]) for row in rows] == [("2", "a/b", "ready"), ("1", "a/b", "ready")]


def test_parquet_keeps_the_order(program: Program, client: Client, tmp_path: Path) -> None:
    for priority in (3, 1, 2):
        client.put(b"x", tube=f"t{priority}", priority=priority)
    target = tmp_path / "jobs.parquet"
    with target.open("wb") as file, program("jobs", "--order", "priority", "-o", "parquet", stdout=file) as running:
        assert running.wait(PATIENCE) == 0
    assert duckdb.sql(f"select priority from '{target}'").fetchall() == [(1,), (2,), (3,)]


def test_parquet_goes_to_a_file_or_a_pipe(cli: Cli, program: Program, client: Client, tmp_path: Path) -> None:
    fill(client, 3, "a/b")
    target = tmp_path / "jobs.parquet"
    for tube, ids in (("a/b", [1, 2, 3]), ("none*", [])):
        with target.open("wb") as file, program("jobs", tube, "-o", "parquet", stdout=file) as running:
            assert running.wait(PATIENCE) == 0
        rows = duckdb.sql(f"select id, tube, body from '{target}' order by id").fetchall()
        assert rows == [(id, "a/b", b'{"user": %d}' % (id - 1)) for id in ids]


def test_without_bodies_none_is_asked_for_and_no_column_shows_one(
    cli: Cli, program: Program, client: Client, tmp_path: Path
) -> None:
    fill(client, 3)
    for arguments in ([], ["-o", "json"], ["-o", "jsonl"], ["-o", "csv"]):
        printed = cli("jobs", "--no-bodies", *arguments).out
        assert "ttr" in printed
        assert "body" not in printed
        assert "digest" not in printed
    assert cli("jobs", "--no-bodies", "--order", "-created").out.split("\n")[0].endswith("timeouts  created")
    target = tmp_path / "jobs.parquet"
    with target.open("wb") as file, program("jobs", "--no-bodies", "-o", "parquet", stdout=file) as running:
        assert running.wait(30) == 0
    assert duckdb.sql(f"from '{target}'").columns[-2:] == ["created", "instance"]
    assert client.stats().cmd_peek == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--where", "colour = 1"], "the predicate at character 1: there is no column 'colour'"),
        (["--state", "burried"], "state: 'burried' given, allowed is one of ready, reserved"),
        (["--order", "colour"], "order: 'colour' given"),
    ],
)
def test_a_wrong_selection_is_one_line(cli: Cli, arguments: list[str], says: str) -> None:
    ended = cli("jobs", *arguments)
    assert ended.code == 2
    assert says in one_line(ended.err)


def test_secrets_are_hidden_in_every_output(cli: Cli, client: Client, tmp_path: Path) -> None:
    id = client.put(b'{"password": "hunter2", "n": 1}', tube="mail")
    hide = ("--redact", "*passw*")
    for output in ("table", "json", "jsonl", "csv", "parquet"):
        assert "hunter2" not in cli("jobs", *hide, "-o", output).out
    assert "hunter2" not in cli("job", str(id), *hide).out
    assert "hunter2" not in cli("peek", "mail", *hide).out
    assert "hunter2" not in cli("sql", "select body, data from jobs", *hide).out
    assert cli("jobs", *hide, "--where", "body like '%hunter2%'", "--json").json == []
    cli("snapshot", str(tmp_path / "out"), *hide)
    assert duckdb.sql(f"select body from '{tmp_path}/out/*/*.parquet'").fetchall() == [
        (b'{"password":"[redacted]","n":1}',)
    ]
    assert "hunter2" in cli("job", str(id)).out


def test_one_job_is_shown_whole(cli: Cli, client: Client) -> None:
    id = client.put(b'{"user": 7}', tube="mail", priority=5)
    shown = cli("job", str(id))
    assert "priority   5" in shown.out
    assert '"user": 7' in shown.out
    ended = cli("job", "99")
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: job 99 does not exist"


def test_a_job_is_shown_with_what_was_done_to_it(cli: Cli, client: Client) -> None:
    (id,) = bury(client, "mail", b"poison")
    assert cli("kick", "--ids", str(id), "--reason", "INC-42").code == 0
    shown = cli("job", str(id)).out
    assert re.search(r"kick +buried +done +\S+ +INC-42", shown)
    (job,) = cli("job", str(id), "--json").json
    assert [(action["action"], action["outcome"]) for action in job["actions"]] == [("kick", "done")]
    assert cli("delete", "--ids", str(id), "--yes").code == 0
    gone = cli("job", str(id))
    assert (gone.code, one_line(gone.err)) == (1, f"beanops: job {id} does not exist")
    assert [line.split()[3] for line in gone.out.splitlines()[2:]] == ["kick", "delete"]
    made = cli("put", "mail", "new").out.strip()
    assert re.search(r" put +done ", cli("job", made).out)


def test_sql_answers_about_the_jobs(cli: Cli, client: Client) -> None:
    fill(client, 4)
    fill(client, 2, "billing")
    query = "select tube, count(*) as n, max(age) as oldest from jobs group by 1 order by 1"
    assert [(row["tube"], row["n"]) for row in cli("sql", query, "--json").json] == [("billing", 2), ("mail", 4)]
    assert cli("sql", "select max(data->>'$.user') as u from jobs", "mail", "-o", "csv").out == "u\n3\n"
    assert cli("sql", "select null as x").out.split() == ["x"]
    ended = cli("sql", "select colour from jobs")
    assert ended.code == 2
    assert "the query at character 8" in one_line(ended.err)


def test_sql_shows_lists_and_large_numbers_exactly(cli: Cli, client: Client) -> None:
    fill(client, 3)
    query = (
        "select sum(size) as size, list(id order by id) as ids, sum(id::hugeint << 62) as large, 1.5 as half from jobs"
    )
    (row,) = cli("sql", query, "--json").json
    assert row == {"size": 33, "ids": [1, 2, 3], "large": 6 << 62, "half": 1.5}
    assert cli("sql", query).out.splitlines()[1].split()[0] == "33"
    assert cli("sql", "select now() > age_of as past from (select now() - age as age_of from jobs)").code == 0
    assert cli("sql", "select now() as n from jobs limit 1", "--json").json[0]["n"].startswith("20")


@pytest.mark.parametrize("query", ["drop table jobs", "select 1; select 2", "copy jobs to 'x'"])
def test_sql_is_one_select(cli: Cli, client: Client, query: str) -> None:
    fill(client, 3)
    ended = cli("sql", query)
    assert (ended.code, one_line(ended.err)) == (2, "beanops: the query: it is not one SELECT")


def test_a_snapshot_is_saved_and_never_over_another(cli: Cli, client: Client, tmp_path: Path) -> None:
    fill(client, 4)
    ended = cli("snapshot", str(tmp_path / "out"))
    assert (ended.code, ended.out) == (0, f"4 jobs saved in {tmp_path / 'out'}\n")
    again = cli("snapshot", str(tmp_path / "out"))
    assert again.code == 2
    assert "is not an empty directory" in one_line(again.err)


def test_a_reader_that_leaves_is_no_crash(program: Program, client: Client) -> None:
    fill(client, 5000)
    with program("jobs", "-o", "jsonl") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["id"] == 5000
        running.stdout.close()
        running.wait(PATIENCE)
        assert running.stderr.read() == ""


def test_ctrl_c_ends_a_scan_with_what_is_known(program: Program, client: Client) -> None:
    fill(client, 3000)
    with program("jobs", "-o", "jsonl", "--rate", "400") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["id"] == 3000
        running.send_signal(signal.SIGINT)
        # Not communicate, which knows nothing of what the line above read ahead.
        out, err = running.stdout.read(), running.stderr.read()
        assert running.wait(PATIENCE) == 130
    assert "interrupted, incomplete: " in one_line(err)
    assert re.search(r"of 3,000 found(, [\d,]+ of them not read)?; not looked at: ids 1 to ", err)
    assert all(json.loads(line) for line in out.splitlines())


def test_the_progress_shows_on_a_terminal_only(program: Program, client: Client) -> None:
    fill(client, 3000)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    running = program("jobs", "--json", "--rate", "1500", stderr=theirs)
    os.close(theirs)
    out, _ = running.communicate(timeout=PATIENCE)
    assert len(json.loads(out)) == 3000
    assert "of 3,000 jobs" in os.read(ours, 1 << 16).decode()
    os.close(ours)


def test_on_a_terminal_the_bar_is_gone_before_the_first_line(terminal: Callable[..., Terminal], client: Client) -> None:
    fill(client, 3000)
    running = terminal("jobs", "--no-bodies", "--rate", "1500")
    assert running.end() == 0
    before, _, after = running.shown.partition("time_left")
    assert "of 3,000 jobs" in before
    assert re.split(r"[\r\n]", before)[-1].split() == ["id", "tube", "state", "priority", "age", "delay", "ttr"]
    assert "of 3,000 jobs" not in after


def test_lines_that_come_one_by_one_have_the_terminal_to_themselves(
    terminal: Callable[..., Terminal], client: Client
) -> None:
    fill(client, 1500)
    running = terminal("jobs", "-o", "jsonl", "--no-bodies", "--rate", "1500")
    assert running.end() == 0
    assert [json.loads(line)["id"] for line in running.shown.splitlines()] == [*range(1500, 0, -1)]


def test_jobs_that_could_not_be_found_are_code_1_and_a_verdict(
    cli: Cli, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart from the binlog nothing tells of the job far above the head."""
    server = start_beanstalkd("-b", str(tmp_path))
    with Client(server.address) as client:
        client.put(b"head", tube="mail", priority=0)
        client.use("gap")
        gap = [commands.put(b"x")] * 3998
        assert list(client.pipeline(gap)) == [*range(2, 4000)]
        client.put(b"far", tube="mail")
        for _ in client.pipeline(map(commands.delete, range(2, 4000))):
            pass
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path), port=server.port)
    monkeypatch.setenv("BEANOPS_SERVER", server.address)
    monkeypatch.setattr(scan, "_GIVE_UP", 1000)
    verdict = "incomplete: 1 of 2 found; not looked at: ids above 1001"
    for command in (["jobs", "--json"], ["sql", "select id from jobs", "--json"]):
        ended = cli(*command)
        assert (ended.code, one_line(ended.err)) == (1, f"beanops: {verdict}")
        assert [job["id"] for job in ended.json] == [1]
    ended = cli("snapshot", str(tmp_path / "out"))
    assert (ended.code, one_line(ended.err)) == (1, f"beanops: {verdict}")
    assert [job["id"] for job in cli("jobs", "--probe", "--json").json] == [4000, 1]


@pytest.mark.parametrize("command", [["jobs"], ["sql", "select 1"], ["snapshot", "out"]])
def test_read_only_refuses_a_probe(cli: Cli, client: Client, command: list[str]) -> None:
    for arguments in (["--read-only", *command, "--probe"], [*command, "--probe", "--read-only"]):
        ended = cli(*arguments)
        assert ended.code == 4
        assert "a probe was refused" in one_line(ended.err)
    assert client.stats().cmd_put == 0


def test_a_server_that_goes_away_is_said(cli: Cli, program: Program, beanstalkd: Beanstalkd, client: Client) -> None:
    fill(client, 3000)
    assert cli("jobs", "--limit", "5").code == 0
    running = program("jobs", "-o", "jsonl", "--rate", "1000")
    assert running.stdout is not None
    assert running.stdout.readline()
    beanstalkd.stop()
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 3
    one_line(err)


ENDLESS = "(select count(*) from range(1000000000000)) = id"
UNDECODED = (b'{"user":1,"user":2}', b'{"user":1,"ke', b"[" * 100 + b"]" * 100)


@pytest.fixture
def half_decoded(client: Client) -> None:
    """Put one job without `keep`, and three of which nobody knows."""
    for body in (b'{"user":1}', *UNDECODED):
        client.put(body, tube="mail")


@pytest.mark.parametrize(
    "command",
    [
        ["jobs", "mail"],
        ["jobs", "mail", "--order", "-size", "-o", "jsonl"],
        ["sql", "select id from jobs", "mail"],
        ["delete", "mail", "--yes"],
        ["delete", "mail", "--dry-run"],
        ["move", "mail", "--to", "other", "--yes"],
        ["copy", "mail", "--to", "other", "--dry-run", "-o", "json"],
        ["bury", "mail", "--yes"],
        ["export", "-", "--tube", "mail"],
        ["snapshot", "FOLDER", "--tube", "mail"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
@pytest.mark.parametrize("where", ["data->>'$.keep' is null", "not (data->>'$.keep' is null)"])
@pytest.mark.usefixtures("half_decoded")
def test_what_was_not_decoded_is_left_out_and_told(
    cli: Cli, client: Client, tmp_path: Path, command: list[str], where: str
) -> None:
    ended = cli(*[str(tmp_path / "new") if word == "FOLDER" else word for word in command], "--where", where)
    assert ended.code == 1
    assert "3 jobs left out: their bodies were not decoded" in one_line(ended.err)
    for body, id in zip(UNDECODED, (2, 3, 4), strict=True):
        assert client.peek(id).body == body
        assert client.stats_job(id).state == "ready"


@pytest.mark.usefixtures("half_decoded")
def test_the_limit_counts_what_was_passed_on_the_way(cli: Cli) -> None:
    where = ("--where", "data->>'$.keep' is null", "--limit", "1")
    assert cli("jobs", "mail", *where, "--order", "oldest").code == 0
    newest = cli("jobs", "mail", *where)
    assert newest.code == 1
    assert "; 3 jobs left out" in one_line(newest.err)


@pytest.mark.usefixtures("half_decoded")
def test_predicates_on_the_body_reach_what_was_not_decoded(cli: Cli) -> None:
    for where in ("body like '%user%' or size > 100", "age >= interval 0 seconds", "tube <> 'data'"):
        ended = cli("jobs", "mail", "--where", where, "-o", "json")
        assert (ended.code, len(ended.json)) == (0, 4)


@pytest.mark.usefixtures("half_decoded")
def test_sql_that_reads_data_says_how_many_rows_were_not_decoded(cli: Cli) -> None:
    ended = cli("sql", "select count(*) as n from jobs where data->>'$.keep' is null", "mail", "--json")
    assert ended.code == 1
    assert "3 rows were not decoded, or not for certain, and the query reads data" in one_line(ended.err)
    assert cli("sql", "select count(*) as n from jobs where body <> 'data'", "mail", "--json").json == [{"n": 4}]


@pytest.mark.parametrize("command", ["jobs", "delete", "snapshot", "sql"])
def test_a_predicate_that_takes_too_long_is_one_line(cli: Cli, client: Client, tmp_path: Path, command: str) -> None:
    client.put(b"x", tube="mail")
    arguments = {
        "jobs": ["jobs", "mail", "--where", ENDLESS],
        "delete": ["delete", "mail", "--where", ENDLESS, "--yes"],
        "snapshot": ["snapshot", str(tmp_path / "new"), "--where", ENDLESS],
        "sql": ["sql", "select count(*) from jobs, range(1000000000000)", "mail"],
    }[command]
    ended = cli(*arguments, "--query-timeout", "0.2")
    assert ended.code == 2
    assert "it took longer than 0.2 s; simplify it, or allow more with --query-timeout" in one_line(ended.err)


@pytest.mark.parametrize("command", ["jobs", "delete", "sql", "bury"])
def test_ctrl_c_ends_a_query_at_once(program: Program, client: Client, command: str) -> None:
    client.put(b"x", tube="mail")
    asked = ["sql", "select count(*) from jobs, range(1000000000000)", "mail"]
    if command != "sql":
        asked = [command, "mail", "--where", ENDLESS, *(["--yes"] if command != "jobs" else [])]
    with program(*asked) as running:
        until(lambda: _threads(running.pid) > 1)
        time.sleep(0.3)  # DuckDB is at work
        running.send_signal(signal.SIGINT)
        try:
            _, err = running.communicate(timeout=3)
        except subprocess.TimeoutExpired:  # it ends what it found in order first; the second time at once
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    assert "Error" not in err
    assert running.returncode == 130 if command in ("jobs", "sql") else running.returncode in (1, 130), err


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.fixture
def restarted(
    start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Beanstalkd:
    """Give a server that was started again: of 3,000 jobs the first and the last hundred are left."""
    (tmp_path / "log").mkdir()
    server = start_beanstalkd("-b", str(tmp_path / "log"))
    with Client(server.address) as client:
        fill(client, 3000, "w")
        for _ in client.pipeline(map(commands.delete, range(101, 2901))):
            pass
    server.stop()
    server = start_beanstalkd("-b", str(tmp_path / "log"), port=server.port)
    monkeypatch.setenv("BEANOPS_SERVER", server.address)
    return server


def test_the_newest_of_a_restarted_server_are_the_newest(cli: Cli, restarted: Beanstalkd, tmp_path: Path) -> None:
    shown = cli("jobs", "w", "--limit", "3", "--json")
    assert (shown.code, [job["id"] for job in shown.json], shown.err) == (0, [3000, 2999, 2998], "")
    deleted = cli("delete", "w", "--state", "ready", "--limit", "3", "--order", "newest", "--yes", "--json")
    assert (deleted.code, [row["id"] for row in deleted.json["actions"]]) == (0, [3000, 2999, 2998])
    moved = cli(
        "move", "w", "--state", "ready", "--to", "there", "--limit", "2", "--order", "newest", "--yes", "--json"
    )
    assert (moved.code, [row["id"] for row in moved.json["actions"]]) == (0, [2997, 2996])
    everything = cli("jobs", "w", "--json")
    assert [job["id"] for job in everything.json] == [*range(2995, 2900, -1), *range(100, 0, -1)]


def test_a_page_that_may_not_be_the_newest_says_so(
    cli: Cli, restarted: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more ids are to be looked at than a page may cost."""
    monkeypatch.setattr(highest_id, "_FEW", 50)
    said = "the newest 3 of the ids up to 3000; no more were looked for; newer jobs may have ids above 3000"
    shown = cli("jobs", "w", "--limit", "3", "--json")
    assert [job["id"] for job in shown.json] == [3000, 2999, 2998]
    assert (shown.code, one_line(shown.err)) == (1, f"beanops: {said} (--probe finds out)")
    deleted = cli("delete", "w", "--state", "ready", "--limit", "3", "--order", "newest", "--yes")
    assert deleted.code == 1
    assert said in deleted.out + deleted.err
    probed = cli("jobs", "w", "--limit", "3", "--probe", "--json")
    assert (probed.code, [job["id"] for job in probed.json]) == (0, [2997, 2996, 2995])


def test_which_job_pins_the_binlog(
    start_beanstalkd: Callable[..., Beanstalkd], cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = start_beanstalkd("-b", str(tmp_path), "-s", "4096")
    monkeypatch.setenv("BEANOPS_SERVER", server.address)
    with Client(server.address) as client:
        for body in (b"first", b"x" * 3000, b"x" * 3000, b"last"):
            client.put(body, tube="mail")
    heading, *rows = cli("jobs", "mail", "--order", "-file", "--ids", "1-4").out.splitlines()
    assert heading.split()[-2:] == ["file", "body"]
    assert rows[0].split()[-2] > rows[-1].split()[-2] == "1"
    youngest = cli("jobs", "--order", "-created", "--ids", "1-4", "--limit", "1").out.splitlines()
    assert youngest[0].split()[-2:] == ["created", "body"]
    assert youngest[1].endswith("last")
    assert cli("jobs", "--ids", "1-4", "--where", "file = 1", "--json").json[-1]["id"] == 1
    assert cli("sql", "select max(file) > min(file) as pinned from jobs", "mail", "--ids", "1-4", "--json").json == [
        {"pinned": True}
    ]
