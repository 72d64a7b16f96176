"""put, kick, bury, release, delete, pause and resume: what they do, print and refuse."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, bury, one_line


def test_put_prints_the_id(cli: Cli, client: Client) -> None:
    ended = cli("put", "mail", "hello", "--priority", "7", "--delay", "60", "--ttr", "30")
    assert (ended.code, ended.err) == (0, "")
    id = int(ended.out)
    assert client.peek(id).body == b"hello"
    stats = client.stats_job(id)
    assert (stats.tube, stats.priority, stats.delay, stats.ttr) == ("mail", 7, 60, 30)


def test_put_takes_a_file_and_standard_input(cli: Cli, client: Client, tmp_path: Path) -> None:
    body = bytes(range(256))
    (tmp_path / "body").write_bytes(body)
    for arguments in (["-"], [], [f"@{tmp_path / 'body'}"]):
        id = int(cli("put", "mail", *arguments, stdin=body).out)
        assert client.peek(id).body == body


def test_put_takes_an_argument_that_is_not_utf8(cli: Cli, client: Client) -> None:
    assert client.peek(int(cli("put", "mail", os.fsdecode(b"\xff\xfe")).out)).body == b"\xff\xfe"


def test_put_of_too_much_and_of_no_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    ended = cli("put", "mail", f"@{tmp_path / 'big'}")
    assert ended.code == 2
    assert "longer than the 65,535 bytes" in one_line(ended.err)
    ended = cli("put", "mail", f"@{tmp_path / 'none'}")
    assert ended.code == 2
    assert "No such file" in one_line(ended.err)


def test_kick_of_a_tube(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"1", b"2", b"3")
    ended = cli("kick", "mail", "--next", "2")
    assert (ended.code, ended.out, ended.err) == (0, "kick: 2 done\n", "")
    assert client.stats_tube("mail").current_jobs_buried == 1


def test_kick_by_ids_skips_what_is_not_buried_and_says_so(cli: Cli, client: Client) -> None:
    (buried,) = bury(client, "mail", b"1")
    ready = client.put(b"2", tube="mail")
    ended = cli("kick", "--ids", f"{buried},{ready}", "--json")
    assert ended.code == 1
    assert (ended.json["done"], ended.json["skipped"]) == (1, 1)
    assert [(row["id"], row["outcome"]) for row in ended.json["actions"]] == [(buried, "done"), (ready, "skipped")]
    assert f"job {ready}: it is ready" in one_line(ended.err)


def test_bury_and_release_chosen_jobs(cli: Cli, client: Client) -> None:
    ids = [client.put(b"x", tube="mail", priority=9) for _ in range(3)]
    assert cli("bury", "--ids", "-", stdin=b"%d\n%d\n" % (ids[0], ids[1])).out == "bury: 2 done\n"
    assert [client.stats_job(id).state for id in ids] == ["buried", "buried", "ready"]
    assert cli("release", "--ids", str(ids[0]), "--delay", "50").out == "release: 1 done\n"
    stats = client.stats_job(ids[0])
    assert (stats.state, stats.delay, stats.priority) == ("delayed", 50, 9)


def test_actions_as_csv(cli: Cli, client: Client) -> None:
    id = client.put(b"x", tube="mail")
    (row,) = csv.DictReader(io.StringIO(cli("bury", "--ids", str(id), "-o", "csv").out))
    assert (row["id"], row["outcome"], row["source"], row["tube"]) == (str(id), "done", "cli", "mail")
    assert cli("undo", row["run"]).out == "undo: 1 done\n"


def test_delete_needs_somebody_to_ask_or_yes(cli: Cli, client: Client) -> None:
    id = client.put(b"x", tube="mail")
    ended = cli("delete", "--ids", str(id))
    assert ended.code == 4
    assert one_line(ended.err) == f"beanops: delete of job {id} was refused: not a terminal; pass --yes"
    assert client.stats_job(id).state == "ready"
    assert cli("delete", "--ids", str(id), "--yes").out == "delete: 1 done\n"
    ended = cli("delete", "--ids", str(id), "--yes")
    assert ended.code == 1
    assert "it does not exist" in one_line(ended.err)


def test_pause_and_resume(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail")
    assert cli("pause", "mail", "1m40s").out == "pause: 1 done\n"
    assert client.stats_tube("mail").pause == 100
    assert cli("unpause", "mail").code == 0
    assert client.stats_tube("mail").pause == 0
    ended = cli("pause", "nowhere", "10")
    assert ended.code == 1
    assert "no tube 'nowhere'; did you mean 'mail'?" in one_line(ended.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["put", "mail", "x"],
        ["kick", "mail", "--next", "1"],
        ["kick", "--ids", "1"],
        ["bury", "--ids", "1"],
        ["release", "--ids", "1"],
        ["delete", "--ids", "1", "--yes"],
        ["delete", "--ids", "1"],
        ["pause", "mail", "10"],
        ["unpause", "mail"],
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_read_only_refuses_every_action(cli: Cli, client: Client, arguments: list[str], before: bool) -> None:
    client.put(b"x", tube="mail")
    ended = cli("--read-only", *arguments) if before else cli(*arguments, "--read-only")
    assert ended.code == 4
    assert "read-only" in one_line(ended.err)
    stats = client.stats_tube("mail")
    assert (stats.current_jobs_ready, stats.pause) == (1, 0)


def test_a_draining_server_refuses_a_put(cli: Cli, beanstalkd: Beanstalkd) -> None:
    os.kill(beanstalkd.pid, 10)  # SIGUSR1
    ended = cli("put", "mail", "x", "--json")
    assert ended.code == 1
    assert ended.json["failed"] == 1
    assert "DRAINING" in one_line(ended.err)
