"""export, import and sample on the command line: what they print, ask and refuse, and where files go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client
from beanops.embedded.process import free_port
from tests.cli.conftest import Cli, Terminal, bury, configure, one_line
from tests.waits import PATIENCE

HOSTILE = b"\x1b]52;c;aGk=\x07 \xe2\x80\xae =1+1\r\n\xff\x00"
Program = Callable[..., "subprocess.Popen[str]"]


def test_export_delete_and_import(cli: Cli, client: Client, tmp_path: Path) -> None:
    bury(client, "mail", HOSTILE, b"text")
    file = str(tmp_path / "jobs.jsonl")
    ended = cli("export", file, "--tube", "mail", "--delete")
    assert ended.code == 4
    assert one_line(ended.err).endswith("was refused: not a terminal; pass --yes")
    assert not os.path.exists(file)
    ended = cli("export", file, "--tube", "mail", "--delete", "--yes", "--reason", "INC-42")
    assert (ended.code, ended.out, ended.err) == (0, "export: 2 done\n", "")
    assert client.stats().current_jobs_buried == 0
    ended = cli("export", file, "--tube", "mail")
    assert ended.code == 1
    assert "no tube 'mail'" in one_line(ended.err), "it went with its last job"
    ended = cli("export", file)
    assert ended.code == 2
    assert "exists already" in one_line(ended.err)
    shown = cli("import", file, "--dry-run").out
    assert shown.startswith("import: 2 would be done\n\nthese:\n")
    assert "pausing tube mail for that time if workers watch" in shown
    hostile, text = (row["body"] for row in cli("import", file, "--dry-run", "--json").json["sample"])
    assert hostile.startswith("25 bytes: 1b5d")
    assert text == "text"
    assert cli("import", file).out == "import: 2 done\n"
    assert client.stats_tube("mail").current_jobs_buried == 2
    assert cli("import", file).out == "import: 0 done, 2 imported before\n"
    assert cli("import", file, "--repeat", "all", "--json").json["done"] == 2


def test_from_pipe_to_pipe(cli: Cli, client: Client) -> None:
    bury(client, "mail", HOSTILE)
    ended = cli("export", "-", "--state", "buried", "--json")
    assert ended.code == 0
    assert ended.out.strip().isprintable()
    assert ended.err == "export: 1 done\n"
    ended = cli("import", "-", stdin=ended.out.encode())
    assert (ended.code, ended.out) == (0, "import: 1 done\n")
    assert client.stats().current_jobs_buried == 2


def test_import_of_many_asks(cli: Cli, client: Client, terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    bury(client, "mail", *([b"x"] * 101))
    file = str(tmp_path / "jobs")
    cli("export", file)
    ended = cli("import", file)
    assert ended.code == 4
    assert one_line(ended.err) == "beanops: import of 101 jobs was refused: not a terminal; pass --yes"
    shown = terminal("import", file)
    shown.until("Import 101 jobs on")
    shown.type("y\r")
    assert shown.end() == 0
    assert client.stats().current_jobs_buried == 202


def test_a_bad_line_is_told(cli: Cli, client: Client) -> None:
    ended = cli("import", "-", stdin=b'{"tube": "\\u001b[2J"}\n')
    assert ended.code == 2
    assert "line 1: tube: '\\x1b[2J' given" in one_line(ended.err)
    assert "line 1: it has no tube" in one_line(cli("import", "-", stdin=b'{"body": "x"}\n').err)
    assert client.stats().current_jobs_ready == 0


def test_an_import_without_a_server(cli: Cli) -> None:
    assert cli("-s", f"127.0.0.1:{free_port()}", "import", "-", stdin=b"").code == 3


def test_a_reader_that_has_left(program: Program, client: Client) -> None:
    for _ in range(200):
        client.put(b"x" * 10_000, tube="mail")
    ours, theirs = os.pipe()
    os.close(ours)
    process = program("export", "-", stdout=theirs)
    _, err = process.communicate(timeout=PATIENCE)
    os.close(theirs)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert client.stats_tube("mail").current_jobs_ready == 200


def test_a_full_disk(program: Program, client: Client) -> None:
    client.put(b"x", tube="mail")
    with Path("/dev/full").open("w") as full:
        process = program("export", "-", stdout=full)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "No space left on device" in one_line(err)
    process = program("export", "/dev/full", "--force", "--delete", "--yes")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "No space left on device; nothing was exported" in one_line(err)
    assert client.stats().current_jobs_ready == 1


def test_export_dry_run_tells_what_would_go(cli: Cli, client: Client, tmp_path: Path) -> None:
    bury(client, "mail", HOSTILE)
    ended = cli("export", str(tmp_path / "x"), "--delete", "--dry-run")
    assert "export: 1 would be done" in ended.out
    assert "cost: up to 1 command; " in ended.out
    assert "\x1b" not in ended.out
    assert list(tmp_path.iterdir()) == []
    client.put(b"held", tube="held")
    client.watch("held")
    client.reserve()
    assert "export: 1 would be done" in cli("export", "-", "--state", "reserved", "--dry-run").out


@pytest.mark.parametrize("body", [HOSTILE, b"", b"text"])
def test_samples(cli: Cli, client: Client, body: bytes) -> None:
    assert cli("sample", "list", "--json").json == []
    id = client.put(body, tube="mail", priority=3, ttr=33, delay=100)
    assert cli("sample", "save", "charge", "--id", str(id)).out == "charge\n"
    new = int(cli("sample", "put", "charge").out)
    stats = client.stats_job(new)
    assert (stats.tube, stats.state, stats.priority, stats.ttr) == ("mail", "ready", 3, 33)
    assert client.peek(new).body == body
    assert client.stats_job(int(cli("sample", "put", "charge", "--tube", "other").out)).tube == "other"
    listed = cli("sample", "list").out
    assert listed.splitlines()[1].split()[:3] == ["charge", "mail", str(len(body))]
    shown = cli("sample", "show", "charge").out
    assert [line.split()[:2] for line in shown.splitlines()[:4]] == [
        ["name", "charge"], ["tube", "mail"], ["priority", "3"], ["ttr", "33"],
    ]  # fmt: skip
    assert not {"id", "state", "age"} & {line.partition(" ")[0] for line in shown.splitlines()}, "it was never put"
    assert list(cli("sample", "show", "charge", "--json").json[0])[:4] == ["name", "tube", "priority", "ttr"]
    assert "\x1b" not in listed + shown
    ended = cli("sample", "save", "charge", "--id", str(id))
    assert ended.code == 2
    assert "there is a sample charge already" in one_line(ended.err)
    assert cli("sample", "save", "charge", "-", "--force", stdin=b"new").code == 0
    assert client.peek(int(cli("sample", "put", "charge").out)).body == b"new"


def test_secrets_of_samples_are_hidden(cli: Cli) -> None:
    cli("sample", "save", "charge", "-", stdin=b'{"token": "hunter2"}')
    for arguments in (["list"], ["show", "charge"]):
        assert "hunter2" in cli("sample", *arguments).out
        hidden = cli("sample", *arguments, "--redact", "*token*").out
        assert "token" in hidden
        assert "hunter2" not in hidden


def test_a_sample_of_a_job_that_does_not_exist(cli: Cli) -> None:
    ended = cli("sample", "save", "x", "--id", "77")
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: job 77 does not exist"


def test_a_broken_sample_is_told(cli: Cli) -> None:
    cli("sample", "save", "x", "-", stdin=b"body")
    file = Path(os.environ["BEANOPS_SAMPLES"]) / "x.json"
    file.write_text("{}")
    for arguments in (["put", "x"], ["show", "x"], ["list"]):
        ended = cli("sample", *arguments)
        assert ended.code == 2
        assert "it has no tube" in one_line(ended.err)


def test_read_only_puts_no_sample(cli: Cli, client: Client) -> None:
    cli("sample", "save", "x", "-", stdin=b"body")
    configure("")
    for arguments in (["--read-only", "sample", "put", "x"], ["sample", "put", "x", "--read-only"]):
        ended = cli(*arguments)
        assert ended.code == 4
        assert "read-only" in one_line(ended.err)
    assert client.stats().current_jobs_ready == 0
