"""tubes, stats and peek: what they print in each format, and what they say when there is nothing to print."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import socket
from pathlib import Path

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, bury, one_line
from tests.waits import until

HOSTILE = b'\x1b]52;c;aGk=\x07\x1b[2J \xe2\x80\xae gnp \x9b31m \xff"\x7f'


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_tubes_are_a_table_with_numbers_to_the_right(cli: Cli, client: Client) -> None:
    for _ in range(12):
        client.put(b"x", tube="mail")
    bury(client, "billing", b"y")
    ended = cli("tubes")
    assert (ended.code, ended.err) == (0, "")
    heading, *tubes = ended.out.splitlines()
    assert heading.split()[:5] == ["tube", "ready", "reserved", "delayed", "buried"]
    assert [line.split()[0] for line in tubes] == ["billing", "default", "mail"]
    end = heading.index("ready") + len("ready")
    assert [line[:end].split()[1] for line in tubes] == ["0", "0", "12"]
    assert tubes[2][end - 2 : end] == "12"
    assert rows(ended.out)[1][4] == "1"


def test_tubes_as_json_and_csv_have_every_field(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail", priority=5)
    tubes = {tube["name"]: tube for tube in cli("tubes", "-o", "json").json}
    assert tubes["mail"]["current_jobs_urgent"] == 1
    (row,) = csv.DictReader(io.StringIO(cli("tubes", "mail", "-o", "csv").out))
    assert row["current_jobs_urgent"] == "1"
    assert set(row) == set(tubes["mail"])


def test_tubes_by_pattern(cli: Cli, client: Client) -> None:
    for tube in ("mail.in", "mail.out", "web"):
        client.put(b"x", tube=tube)
    assert [tube["name"] for tube in cli("tubes", "mail*", "--json").json] == ["mail.in", "mail.out"]
    ended = cli("tubes", "nothing*")
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: no tube matches nothing*"


def test_a_tube_named_like_a_number_stays_a_name(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="1e3")
    assert cli("stats", "1e3", "--json").json["name"] == "1e3"


def test_stats_of_the_server_and_of_a_tube(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    client.put(b"x", tube="mail")
    assert cli("stats", "--json").json["pid"] == beanstalkd.pid
    assert ["current_jobs_ready", "1"] in rows(cli("stats", "mail").out)
    (row,) = csv.DictReader(io.StringIO(cli("stats", "mail", "-o", "csv").out))
    assert row["current_jobs_ready"] == "1"


def test_stats_of_no_tube(cli: Cli, beanstalkd: Beanstalkd) -> None:
    ended = cli("stats", "nowhere")
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: no tube 'nowhere'"


def test_options_stand_before_or_after_the_command(
    cli: Cli, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = beanstalkd.address
    monkeypatch.setenv("BEANOPS_SERVER", "127.0.0.1:1")
    for arguments in (["-s", address, "--json", "tubes"], ["tubes", "-o", "json", "-s", address]):
        assert cli(*arguments).json[0]["name"] == "default"
    assert cli("-s", address, "-o", "csv", "tubes", "--json").json[0]["name"] == "default"
    assert cli("-s", "127.0.0.1:1", "tubes", "-s", address).code == 0


def test_peek_shows_the_heads_of_a_tube(cli: Cli, client: Client) -> None:
    first = client.put(b'{"user": 42}', tube="mail")
    client.put(b"second", tube="mail")
    later = client.put(b"later", tube="mail", delay=100)
    assert [job["id"] for job in cli("peek", "mail", "--json").json] == [first, later]
    whole = cli("peek", "mail", "--state", "ready").out
    assert ["state", "ready"] in rows(whole)
    assert whole.endswith('{\n  "user": 42\n}\n')


def test_a_pattern_that_matches_nothing_is_told_beside_those_that_match(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail")
    ended = cli("tubes", "ma*", "nowhere", "--json")
    assert [tube["name"] for tube in ended.json] == ["mail"]
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: no tube 'nowhere'; did you mean 'mail'?"


@pytest.mark.parametrize(
    "arguments", [["jobs", "nowhere"], ["sql", "select 1", "nowhere"], ["snapshot", "x", "--tube", "nowhere"],
                  ["stats", "nowhere"], ["peek", "nowhere"], ["export", "-", "--tube", "nowhere"],
                  ["pause", "nowhere", "9"], ["unpause", "nowhere"],
                  ["kick", "nowhere"], ["kick", "nowhere", "--next", "5"], ["bury", "nowhere", "--state", "ready"],
                  ["release", "nowhere", "--state", "buried"], ["delete", "nowhere", "--state", "ready", "--yes"],
                  ["drain", "nowhere", "--state", "ready", "--yes"], ["move", "nowhere", "--to", "new"],
                  ["copy", "nowhere", "--to", "new"], ["kick", "nowhere", "--dry-run"]],
)  # fmt: skip
def test_a_slip_in_a_tube_is_told_from_an_empty_one(cli: Cli, beanstalkd: Beanstalkd, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (1, "")
    assert one_line(ended.err) == "beanops: no tube 'nowhere'"


def test_a_pattern_of_jobs_that_means_no_tube_is_told_beside_what_there_is(cli: Cli) -> None:
    ended = cli("jobs", "nothing*", "--json")
    assert (ended.code, ended.json) == (0, [])
    assert one_line(ended.err) == "beanops: no tube matches nothing*"
    ended = cli("drain", "nothing*", "--state", "buried", "--yes")
    assert (ended.code, one_line(ended.err)) == (1, "beanops: no tube matches nothing*")


def test_a_body_that_is_still_on_its_way_is_not_an_empty_one(cli: Cli, client: Client, beanstalkd: Beanstalkd) -> None:
    done = client.put(b"", tube="mail")
    with socket.create_connection(("127.0.0.1", beanstalkd.port)) as slow:
        slow.sendall(b"put 0 0 60 100\r\nonly the beginning")
        until(lambda: client.stats().cmd_put == 2)
        on_its_way = str(done + 1)
        assert cli("job", on_its_way, "--json").json[0]["body"] is None
        assert [job["body"] for job in cli("peek", "--ids", f"{done},{on_its_way}", "--json").json] == ["", None]
        assert "invalid" in cli("peek", "--ids", on_its_way).out
        assert cli("peek", "--ids", on_its_way).out.endswith("not yet at the server\n")
        assert cli("peek", "--ids", f"{done},{on_its_way}").out.endswith("not yet at the server\n")
        bodies = csv.DictReader(io.StringIO(cli("peek", "--ids", f"{done},{on_its_way}", "-o", "csv").out))
        assert [row["body"] for row in bodies] == ["", ""]
        for arguments in (["peek", "--ids", on_its_way, "--raw"], ["sample", "save", "half", "--id", on_its_way]):
            ended = cli(*arguments)
            assert (ended.code, ended.out) == (1, "")
            assert one_line(ended.err) == f"beanops: the body of job {on_its_way} is not yet at the server"


def test_peek_of_more_than_memory_should_hold_says_what_does(cli: Cli) -> None:
    ended = cli("peek", "--ids", "1-10001")
    assert ended.code == 2
    assert "these are 10,001 ids, and peek takes 10,000: beanops jobs --ids ... -o jsonl" in one_line(ended.err)


def test_peek_by_ids_tells_the_missing_one(cli: Cli, client: Client) -> None:
    ids = [client.put(b"x", tube="mail") for _ in range(3)]
    ended = cli("peek", "--ids", f"{ids[0]}-{ids[2]},99", "--json")
    assert [job["id"] for job in ended.json] == ids
    assert ended.code == 1
    assert one_line(ended.err) == "beanops: job 99 does not exist"


def test_peek_reads_ids_from_standard_input(cli: Cli, client: Client) -> None:
    ids = [client.put(b"x") for _ in range(3)]
    ended = cli("peek", "--ids", "-", "-o", "csv", stdin=b"%d\n\n%d\n" % (ids[0], ids[2]))
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(ended.out))] == [ids[0], ids[2]]


def test_peek_of_an_empty_tube_and_of_none(cli: Cli) -> None:
    assert one_line(cli("peek", "default").err) == "beanops: no job of tube default is ready or delayed or buried"
    ended = cli("peek", "nowhere")
    assert ended.code == 1
    assert "no tube 'nowhere'" in one_line(ended.err)


def test_json_has_the_exact_body_and_the_decoded_one(cli: Cli, client: Client) -> None:
    body = gzip.compress(b'{"user": 42}')
    id = client.put(body)
    (job,) = cli("peek", "--ids", str(id), "--json").json
    assert base64.b64decode(job["body_base64"]) == body
    assert (job["format"], job["data"]) == (["gzip", "json"], {"user": 42})


def test_raw_writes_the_bytes(cli: Cli, client: Client, program: object, tmp_path: Path) -> None:
    id = client.put(HOSTILE)
    with (tmp_path / "body").open("wb") as file:
        process = program("peek", "--ids", str(id), "--raw", stdout=file)  # type: ignore[operator]
        process.communicate()
    assert process.returncode == 0
    assert (tmp_path / "body").read_bytes() == HOSTILE


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_a_hostile_body_does_not_reach_the_terminal(cli: Cli, client: Client, output: str) -> None:
    client.put(HOSTILE + b"\ntwo lines", tube="mail")
    client.put(HOSTILE, tube="mail", delay=100)
    for arguments in (["peek", "mail"], ["peek", "mail", "--state", "ready"]):
        ended = cli(*arguments, "-o", output)
        assert ended.code == 0
        assert not set(ended.out + ended.err) & {"\x1b", "\x07", "\x7f", "\x9b", "\u202e"}
        assert ended.out
