"""``beanops check`` as monitoring systems run it: one line, an exit code, and never anything else."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli


@pytest.fixture
def mail(beanstalkd: Beanstalkd) -> None:
    """Put three ready and two buried jobs into the tube mail."""
    with Client(beanstalkd.address) as client:
        put(client, 5)
        for id in (1, 2):
            client.bury(client.reserve_job(id))


def put(client: Client, jobs: int) -> None:
    client.use("mail")
    for result in client.pipeline([commands.put(b"x")] * jobs):
        assert isinstance(result, int)


LINE = re.compile(r"BEANSTALKD (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| [^|\n]+)?\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("check", 0),
        ("check mail", 0),
        ("check mail --buried 5", 0),
        ("check mail --buried 1,100", 1),
        ("check mail --buried 1", 2),
        ("check mail --buried @1:2", 2),
        ("check mail --ready 10:", 2),
        ("check mail --ready ~:2,~:5", 1),
        ("check mail --workers 1:", 2),
        ("check mail --age 5m,1h", 0),
        ("check mail --age @0:5m", 2),
        ("check mail --waiting 0 --urgent 0", 0),
        ("check mail --rate 0:10 --seconds 1", 0),
        ("check mail --puts 0.5: --seconds 1", 2),
        ("check 'ma*' --buried 1", 2),
        ("check --buried 1", 2),
        ("check nowhere --ready 0 --buried 0", 0),
        ("check nowhere --workers 1:", 2),
        ("check 'no*'", 3),
        ("check mail --buried x", 3),
        ("check mail --buried 5:1", 3),
        ("check mail --buryed 5", 3),
        ("check mail post", 3),
        ("check mail --age 5x", 3),
        ("check mail --timeout 0", 3),
        ("check mail,post", 3),
    ],
)
def test_every_end_is_one_line_and_its_exit_code(arguments: str, code: int, mail: None, cli: Cli) -> None:
    ended = cli(*arguments.replace("'", "").split())
    assert LINE.fullmatch(ended.out), ended.out
    assert (ended.code, ended.err) == (code, "")


def test_the_line_names_the_value_its_limit_and_all_that_was_measured(mail: None, cli: Cli) -> None:
    ended = cli("check", "mail", "--buried", "1,100", "--workers", "1:")
    assert ended.out.startswith("BEANSTALKD CRITICAL - mail workers 0 is outside 1:; mail buried 2 is outside 1 | ")
    for data in ("'mail ready'=3;;;0", "'mail buried'=2;1;100;0", "'mail workers'=0;;1:;0"):
        assert data in ended.out
    assert cli("check", "mail").out.startswith("BEANSTALKD OK - mail: 3 ready, 0 reserved, 0 delayed, 2 buried | ")


@pytest.mark.parametrize("tube", ["", "two words", 'quoted"', "two\nlines"])
def test_a_name_that_no_tube_can_have_is_unknown_and_not_fine(tube: str, mail: None, cli: Cli) -> None:
    ended = cli("check", tube, "--buried", "0")
    assert LINE.fullmatch(ended.out), ended.out
    assert ended.code == 3


@pytest.mark.parametrize("arguments", [["mail"], ["ma*"], [], ["mail", "--all-problems", "--seconds", "1"]])
def test_the_age_of_the_next_job_is_measured(arguments: list[str], mail: None, cli: Cli) -> None:
    time.sleep(1.1)  # the server's ages are whole seconds
    ended = cli("check", *arguments, "--age", "0")
    assert ended.code == 2
    assert re.search(r"age [1-9]\d*s is outside 0", ended.out), ended.out


def test_the_other_forms(mail: None, cli: Cli) -> None:
    found = cli("check", "mail", "--buried", "1", "--format", "json")
    assert found.code == 2
    assert found.json["state"] == "CRITICAL"
    assert {"tube": "mail", "name": "buried", "value": 2, "unit": "", "state": "CRITICAL"} in found.json["values"]
    assert 'beanops_check_value{tube="mail",name="buried"} 2\n' in cli("check", "mail", "--format", "prometheus").out
    assert cli("check", "mail", "--buried", "1", "--format", "text").out == "CRITICAL  mail buried 2 is outside 1\n"


def test_all_problems_are_findings(beanstalkd: Beanstalkd, mail: None, cli: Cli) -> None:
    with Client(beanstalkd.address) as client:
        put(client, 2000)
    ended = cli("check", "mail", "--all-problems", "--seconds", "1")
    assert ended.code in (1, 2)
    assert "mail: no workers" in ended.out


def test_a_server_that_is_gone_or_hangs_is_critical_in_time(
    start_beanstalkd: Callable[..., Beanstalkd], cli: Cli
) -> None:
    server = start_beanstalkd()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        hangs = cli("check", "-s", server.address, "--timeout", "0.3")
        assert time.monotonic() - began < 10
    finally:
        os.kill(server.pid, signal.SIGCONT)
    server.stop()
    gone = cli("check", "-s", server.address, "mail", "--buried", "1")
    for ended in (hangs, gone):
        assert ended.code == 2
        assert LINE.fullmatch(ended.out), ended.out
        assert server.address in ended.out


def test_what_is_no_beanstalkd_is_critical_too(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ended = cli("check", "-s", f"127.0.0.1:{other.getsockname()[1]}", "--timeout", "0.3")
    assert ended.code == 2
    assert LINE.fullmatch(ended.out)


def test_a_result_that_cannot_be_written_is_unknown(mail: None, beanstalkd: Beanstalkd) -> None:
    main = "import sys; from beanops.cli import main; sys.argv[0] = 'beanops'; main()"
    command = [sys.executable, "-c", main, "check", "-s", beanstalkd.address]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (3, "beanops: cannot write the result: No space left on device\n")
