"""What one command prints of jobs, and another acts on, after a restart and on another server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, Terminal, one_line

Start = Callable[..., Terminal]
#: The commands that print jobs so that others can act on them.
PRINTS = [
    ("export", "-", "--tube", "mail"),
    ("jobs", "mail", "-o", "json"),
    ("jobs", "mail", "-o", "jsonl"),
    ("jobs", "mail", "-o", "csv"),
    ("jobs", "mail", "-o", "jsonl", "--no-bodies"),
    ("peek", "--ids", "1-3", "--json"),
]
REUSED = "id was reused by another job"


def put(address: str, *bodies: bytes) -> None:
    with Client(address) as client:
        for body in bodies:
            client.put(body, tube="mail")


def ready(address: str) -> list[bytes]:
    """Return the bodies of the jobs that nobody touched."""
    with Client(address) as client:
        jobs = [id for id in (1, 2, 3) if client.stats_job(id)[9:14] == (0, 0, 0, 0, 0)]
        return [client.peek(id).body for id in jobs]


@pytest.mark.parametrize("printing", PRINTS, ids=" ".join)
@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "another server"])
def test_lines_mean_the_jobs_that_they_describe(
    printing: tuple[str, ...], restarted: bool, cli: Cli, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd()
    put(server.address, b"1", b"2", b"3")
    lines = cli("-s", server.address, *printing).out.encode()
    if restarted:
        server.stop(kill=True)
        other = start_beanstalkd(port=server.port)
    else:
        other = start_beanstalkd()
    put(other.address, b"a", b"b", b"c")
    for act in (["delete", "--yes"], ["bury"], ["move", "--to", "x"]):
        ended = cli("-s", other.address, *act, "--ids", "-", stdin=lines)
        assert ended.code == 1, ended
        assert f"0 done, 3 skipped (3 times, first job {3 if printing[0] == 'jobs' else 1}: {REUSED})" in one_line(
            ended.err
        )
    assert ready(other.address) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("printing", [line for line in PRINTS if "--no-bodies" not in line], ids=" ".join)
def test_lines_of_jobs_that_a_log_brought_back_mean_them_still(
    printing: tuple[str, ...], cli: Cli, start_beanstalkd: Callable[..., Beanstalkd], tmp_path: Path
) -> None:
    log = ("-b", str(tmp_path), "-f0")
    server = start_beanstalkd(*log)
    put(server.address, b"1", b"2", b"3")
    lines = cli("-s", server.address, *printing).out.encode()
    server.stop(kill=True)
    again = start_beanstalkd(*log, port=server.port)
    put(again.address, b"4")
    assert cli("-s", again.address, "bury", "--ids", "-", stdin=lines).out == "bury: 3 done\n"


def test_bare_ids_mean_the_jobs_that_have_them_now(cli: Cli, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    put(server.address, b"1", b"2", b"3")
    stripped = b'{"id": 1}\n{"id": 2, "tube": "mail"}\n{"id": 3, "tube": "sms"}\n'
    ended = cli("-s", server.address, "delete", "--ids", "-", "--yes", stdin=stripped)
    assert (ended.code, one_line(ended.err)) == (1, f"beanops: delete: 2 done, 1 skipped (job 3: {REUSED})")


def test_a_question_that_stands_open_over_a_restart_means_the_jobs_that_it_showed(
    terminal: Start, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd()
    put(server.address, b"1", b"2", b"3")
    for asked in (["delete", "--ids", "1-3"], ["delete", "mail", "--state", "ready"]):
        shown: Any = terminal("-s", server.address, *asked)
        shown.until("[y/N]")
        server.stop(kill=True)
        server = start_beanstalkd(port=server.port)
        put(server.address, b"a", b"b", b"c")
        shown.type("y\r")
        assert shown.end() != 0
        assert ready(server.address) == [b"a", b"b", b"c"], shown.shown


def test_a_file_from_before_says_what_is_wrong_with_it(cli: Cli, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd()
    ended = cli("-s", server.address, "kick", "--ids", "-", stdin=b'{"id": 1, "created": "yesterday"}')
    assert ended.code == 2
    assert "line 1 of standard input: created: 'yesterday'" in one_line(ended.err)
    ended = cli("-s", server.address, "kick", "--ids", "-", stdin=b"tube,state\nmail,ready\n")
    assert ended.code == 2
    assert "neither an id nor a range of ids" in one_line(ended.err)
