"""``beanops binlog``: what it prints, what it refuses, and what it never does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import beanops
from beanops import Binlog, Client
from beanops.embedded.process import Beanstalkd
from tests.binlog.logs import Start, record, version, work, write
from tests.cli.conftest import BEANOPS, Cli, cli, configure, one_line
from tests.test_import_hygiene import HEAVY, loaded
from tests.waits import PATIENCE

__all__ = ["cli"]

COMMANDS = (["list"], ["stats"], ["jobs"], ["pins"], ["export", "-"])


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Write the log of a server that is down: two files, and jobs in each state."""
    first = [
        record(1, b'{"user": 7, "token": "s3cret"}', state="buried", counts=(1, 0, 0, 1, 0)),
        record(2, b"gone"),
        record(3, b"later", tube="web", state="delayed", delay=100, deadline=4 * 10**18),
    ]
    second = [record(2, None, state="deleted", size=6), record(4, b'{"user": 8}', tube="web", state="reserved")]
    folder = write(tmp_path / "log", version() + b"".join(first), version() + b"".join(second) + bytes(4096))
    return str(folder)


def test_list_has_each_job_with_its_place(cli: Cli, log: str) -> None:
    rows = [line.split() for line in cli("binlog", log, "list").out.splitlines()]
    assert rows[0] == ["id", "tube", "state", "logged", "age", "size", "file", "offset", "at_start"]
    assert [(*row[:4], *row[5:]) for row in rows[1:]] == [
        ("1", "mail", "buried", "buried", "30", "1", "4", "restored"),
        ("3", "web", "delayed", "delayed", "5", "1", "218", "restored"),
        ("4", "web", "ready", "reserved", "11", "2", "88", "restored"),
    ]
    shown = cli("binlog", log, "list", "--json").json
    assert [(row["id"], row["logged"], row["file"]) for row in shown] == [
        (1, "buried", 1),
        (3, "delayed", 1),
        (4, "reserved", 2),
    ]
    assert cli("binlog", log, "list", "-o", "csv").out.count("\n") == 4
    assert cli("binlog", log, "list", "-o", "jsonl", "--order", "newest").out.splitlines()[0].startswith('{"id": 4,')


def test_jobs_are_selected_as_everywhere(cli: Cli, log: str) -> None:
    def ids(*options: str) -> list[int]:
        return [row["id"] for row in cli("binlog", log, "jobs", "--json", *options).json]

    assert ids() == [4, 3, 1]
    assert ids("--order", "oldest", "--limit", "2") == [1, 3]
    assert ids("--tube", "w*") == [4, 3]
    assert ids("--state", "buried,delayed") == [3, 1]
    assert ids("--ids", "1-3") == [3, 1]
    assert ids("--where", "data->>'$.user' = '7'") == [1]
    assert ids("--where", "buries = 2 and state = 'buried'") == [1]  # a start counts one more
    assert ids("--where", "age > interval 1 hour and created < now()") == [4, 3, 1]
    assert ids("--where", "file = 2") == [4]
    assert ids("--at-start", "lost") == []


def test_jobs_show_the_columns_of_a_server(cli: Cli, log: str) -> None:
    headings = cli("binlog", log, "jobs").out.splitlines()[0].split()
    assert headings == cli("jobs").out.splitlines()[0].split()
    assert '{"user": 8}' in cli("binlog", log, "jobs").out


@pytest.mark.parametrize("where", ["--where", "profile"])
def test_secrets_are_hidden(where: str, cli: Cli, log: str) -> None:
    """By the option, and by any profile: the folder of a log names no server."""
    option = ("--redact", "*token*") if where == "--where" else ()
    if where == "profile":
        configure('[servers.prod]\naddress = "prod:11300"\nredact = ["*token*"]\n')
    for form in ("table", "json", "jsonl", "csv"):
        assert "s3cret" not in cli("binlog", log, "jobs", "-o", form, *option).out
    assert cli("binlog", log, "jobs", "--json", "--where", "body like '%s3cret%'", *option).json == []
    assert "s3cret" in cli("binlog", log, "export", "-", *option).out


def test_stats_add_up(cli: Cli, log: str) -> None:
    found = cli("binlog", log, "stats", "--json").json
    assert {name: found[name] for name in ("jobs", "ready", "delayed", "buried", "reserved", "lost", "next_id")} == {
        "jobs": 3, "ready": 1, "delayed": 1, "buried": 1, "reserved": 1, "lost": 0, "next_id": 5,
    }  # fmt: skip
    assert [(row["number"], row["version"], row["jobs"], row["records"]) for row in found["per_file"]] == [
        (1, 7, 2, 3),
        (2, 7, 1, 2),
    ]
    assert [(row["tube"], row["ready"], row["delayed"], row["buried"]) for row in found["tubes"]] == [
        ("mail", 0, 0, 1),
        ("web", 1, 1, 0),
    ]
    shown = cli("binlog", log, "stats").out
    assert "next_id" in shown
    assert "live_bytes" in shown


def test_pins_are_the_jobs_of_the_oldest_file(cli: Cli, log: str) -> None:
    shown = cli("binlog", log, "pins")
    assert [line.split()[0] for line in shown.out.splitlines()[1:3]] == ["1", "3"]
    assert "2 jobs pin binlog.1: 2 files" in shown.out
    assert [row["id"] for row in cli("binlog", log, "pins", "--json", "--limit", "1").json] == [1]


def test_what_is_exported_is_imported(cli: Cli, log: str, client: Client, tmp_path: Path) -> None:
    file = str(tmp_path / "rescued.jsonl")
    assert cli("binlog", log, "export", file).out == "3 jobs written\n"
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert cli("import", file, "--yes").code == 0
    assert [(client.peek(id).body, client.stats_job(id).state) for id in (1, 2, 3)] == [
        (b'{"user": 7, "token": "s3cret"}', "buried"),
        (b"later", "delayed"),
        (b'{"user": 8}', "ready"),
    ]
    assert client.stats_job(2).time_left > 10**6
    again = cli("binlog", log, "export", file)
    assert (again.code, "exists already" in again.err) == (2, True)
    assert cli("binlog", log, "export", file, "--force", "--tube", "mail").out == "1 job written\n"


def test_a_damage_is_reported_and_the_exit_code_is_1(cli: Cli, tmp_path: Path) -> None:
    torn = record(3, b"three")[:-5] + bytes(50)
    folder = str(write(tmp_path / "log", version() + record(1, b"one") + torn))
    for command in COMMANDS:
        shown = cli("binlog", folder, *command)
        assert shown.code == 1
        assert "binlog.1 at 97: the end of the body of job 3 is missing" in shown.err
        assert shown.err.splitlines()[-1].endswith(f"1 damage in {folder}")
    exported = cli("binlog", folder, "export", "-")
    assert exported.out.count("\n") == 1
    assert "1 job written; job 3 left out: the body is not whole, or" in exported.err
    assert cli("binlog", folder, "export", "-", "--damaged").out.count("\n") == 2
    assert cli("binlog", folder, "list", "--at-start", "damaged", "-o", "csv").out.count("\n") == 2


def test_a_job_that_needs_a_larger_limit_is_named(cli: Cli, tmp_path: Path) -> None:
    folder = str(write(tmp_path / "log", version() + record(8, b"x" * 65_535) + record(9, b"behind")))
    shown = cli("binlog", folder, "list")
    assert shown.code == 0
    assert one_line(shown.err) == (
        "beanops: job 8 needs a start with -z 65537 or more: one with less loses it and the rest of binlog.1"
    )
    warned = "beanops: a start removes binlog.1 with 2 jobs that it does not bring back"
    assert warned in cli("binlog", folder, "stats", "-z", "65535").err
    assert warned not in cli("binlog", folder, "stats", "-z", "65537").err
    limited = cli("binlog", folder, "list", "-z", "65535")
    assert (limited.code, limited.out.count("lost")) == (1, 2)
    assert "job 8 has 65,535 bytes, 65,537 with the line end, over the limit of 65,535" in limited.err


@pytest.mark.parametrize("content", ["nothing", "a file", "no log", "a folder as a file", "not there"])
def test_a_folder_that_is_none_is_one_line(content: str, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    if content == "a file":
        folder.write_text("x")
    elif content != "not there":
        folder.mkdir()
        (folder / "binlog.x").touch()
        if content == "a folder as a file":
            (folder / "binlog.1").mkdir()
    for command in COMMANDS:
        shown = cli("binlog", str(folder), *command)
        assert shown.code in (1, 2)
        assert str(folder) in one_line(shown.err)
        assert shown.out == ""


def test_wrong_arguments_are_one_line(cli: Cli, log: str) -> None:
    for arguments in (
        ["list", "--at-start", "nowhere"],
        ["list", "--state", "none"],
        ["list", "--ids", "x"],
        ["jobs", "--where", "nothing = 1"],
        ["list", "-z", "0"],
        ["none"],
    ):
        shown = cli("binlog", log, *arguments)
        assert (shown.code, shown.out) == (2, "")
        one_line(shown.err)


def test_names_of_tubes_cannot_control_a_terminal(cli: Cli, tmp_path: Path) -> None:
    """A damaged record can have any bytes for the name of its tube."""
    folder = str(write(tmp_path / "log", version() + record(1, b"\x1b]0;owned\x07", tube="\x1b[2J\x07\u202e")))
    for command in COMMANDS:
        shown = cli("binlog", folder, *command)
        assert not {"\x1b", "\x07", "\u202e"} & set(shown.out + shown.err)
    assert Binlog(folder).tubes()["tube"].tolist() == ["\x1b[2J\x07\\xe2\\x80\\xae"]


@pytest.mark.parametrize("number", [7, 5])
@pytest.mark.parametrize("value", [b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\0" * 7 + b"\x80"])
def test_absurd_times_of_a_damaged_record(number: int, value: bytes, cli: Cli, tmp_path: Path) -> None:
    """They are shown, can be asked for, and are not exported: an import would refuse the whole file."""
    sound = record(1, b"one", version=number)
    head = len(sound) - len(b"one\r\n") - (80 if number == 7 else 77)
    absurd = bytearray(record(2, b"two", version=number, state="delayed"))
    for place in (16, 24, 40, 48):  # delay, ttr, created, deadline
        absurd[head + place : head + place + 8] = value
    folder = str(write(tmp_path / "log", version(number) + sound + absurd))
    for command in (["list"], ["jobs"], ["pins"], ["stats"]):
        for form in ("table", "json", "csv"):
            assert cli("binlog", folder, *command, "-o", form).code == 0
    where = "age > interval 1 hour or created < now() or ttr > interval 1 day or delay > time_left or true"
    assert len(cli("binlog", folder, "jobs", "--json", "--where", where).json) == 2
    assert len(Binlog(folder).jobs()) == len(Binlog(folder).pins()) == 2
    exported = cli("binlog", folder, "export", str(tmp_path / "out.jsonl"))
    assert (exported.code, (tmp_path / "out.jsonl").read_bytes().count(b"\n")) == (1, 1)


def test_nothing_is_changed_and_nothing_is_locked(cli: Cli, log: str) -> None:
    before = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in Path(log).iterdir()}
    for file in Path(log).iterdir():
        file.chmod(0o400)
    for command in COMMANDS:
        assert cli("binlog", log, *command).code == 0
    assert {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in Path(log).iterdir()} == before


def test_a_server_that_holds_the_log_is_named(cli: Cli, start_beanstalkd: Start, tmp_path: Path) -> None:
    """The log of a server at work is read; its lock stays, and it goes on."""
    folder = tmp_path / "held"
    folder.mkdir()
    server = start_beanstalkd("-b", str(folder), "-s", "8192")
    with Client(server.address) as client:
        work(client, 120)
        shown = cli("binlog", str(folder), "list", "--json")
        assert shown.code == 0
        assert (
            one_line(shown.err)
            == f"beanops: a server (pid {server.pid}) holds this log, which may change while it is read"
        )
        assert {row["id"] for row in shown.json} == {id for id in range(1, 121) if _exists(client, id)}
        assert Binlog(folder).stats().held_by == server.pid
        client.put(b"", tube="mail")
    with pytest.raises(beanops.errors.BeanopsError):
        Beanstalkd("-b", str(folder))  # the lock is still held
    server.stop(kill=True)
    assert cli("binlog", str(folder), "stats", "--json").json["held_by"] is None


def _exists(client: Client, id: int) -> bool:
    try:
        client.stats_job(id)
    except beanops.errors.NotFound:
        return False
    return True


def test_a_file_that_a_server_removes_is_passed_over(tmp_path: Path) -> None:
    folder = write(tmp_path / "log", version() + record(1, b"one"), version() + record(2, b"two"))
    log = Binlog(folder)
    log.stats()
    (folder / "binlog.1").unlink()
    assert [job.id for job in log] == [2]
    assert log.removed == 1


def test_a_pipe_that_is_closed_ends_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "log", version() + b"".join(record(id, b"x") for id in range(1, 20_000)))
    command = f"'{BEANOPS}' binlog '{folder}' list | head -1"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
    assert (ended.stdout.split()[0], ended.stderr) == ("id", "")


def test_what_lists_jobs_is_light(log: str) -> None:
    for command in (["list"], ["stats"], ["pins"], ["jobs", "--no-bodies"]):
        assert not loaded("binlog", log, *command) & {*HEAVY, "ssl"}


def test_frames(log: str, tmp_path: Path) -> None:
    opened = Binlog(log, redact="*token*")
    assert repr(opened) == f"<Binlog {log}, 2 files>"
    jobs = opened.jobs("mail", where="data->>'$.user' = '7'")
    assert jobs[["id", "state", "file", "buries"]].values.tolist() == [[1, "buried", 1, 2]]
    assert "s3cret" not in jobs["body"][0]
    assert jobs.attrs["verdict"] == "1 job found"
    assert opened.jobs(bodies=False, columns="id", order="oldest")["id"].tolist() == [1, 3, 4]
    assert opened.pins()["id"].tolist() == [1, 3]
    assert opened.files()["at_start"].tolist() == ["kept", "kept"]
    assert opened.damages().empty
    assert "next_id" in opened.stats()._repr_html_()
    done = opened.export(tmp_path / "all.jsonl")
    assert (done.jobs, done.complete) == (3, True)
    with pytest.raises(beanops.errors.ArgumentError, match="order"):
        opened.jobs(order="-age")
    with pytest.raises(TypeError, match="stat"):
        opened.jobs(stat="ready")  # type: ignore[call-arg]


@pytest.mark.skipif(sys.platform != "linux", reason="zeros are what Linux leaves of a body")
def test_a_job_that_a_server_filled_with_zeros_is_read_from_it(
    cli: Cli, start_beanstalkd: Start, tmp_path: Path
) -> None:
    """The server sends its body without a line end: it must not keep the other jobs from being found."""
    torn = record(3, b"three")[:-5] + bytes(50)
    folder = write(tmp_path / "log", version() + record(1, b"one") + torn)
    server = start_beanstalkd("-b", str(folder))
    found = cli("-s", server.address, "jobs", "--json")
    assert (found.code, [row["body"] for row in found.json]) == (0, ["th\0\0\0", "one"])
