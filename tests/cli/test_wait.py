"""The command that waits for a tube."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from signal import SIGINT

import pytest

from beanops import Client
from tests.cli.conftest import Cli, Terminal, bury, one_line
from tests.waits import PATIENCE, until


def test_a_condition_that_is_true(cli: Cli, client: Client) -> None:
    bury(client, "mail", b"a", b"b")
    ended = cli("wait", "mail", "--timeout", "1m")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "mail: ready = 0 and reserved = 0 and delayed = 0 is true after 0s; 2 buried\n"


def test_the_timeout_says_what_is_left(cli: Cli, client: Client) -> None:
    client.put(b"a", tube="mail")
    ended = cli("wait", "mail", "--until", "jobs = 0", "--timeout", "200ms", "--interval", "0.1")
    assert (ended.code, ended.out) == (1, "")
    assert one_line(ended.err) == "beanops: mail: jobs = 0 is not true after 0s; 1 ready"


def test_for_programs(cli: Cli, client: Client) -> None:
    client.put(b"a", tube="mail")
    found = cli("wait", "ma*", "--until", "ready = 1", "-o", "json")
    assert found.code == 0
    assert (found.json["true"], found.json["tubes"], found.json["counts"]["jobs"]) == (True, ["mail"], 1)
    ended = cli("wait", "mail", "--until", "ready = 0", "--timeout", "0", "-o", "json")
    assert (ended.code, ended.json["true"]) == (1, False)
    heading, row = cli("wait", "mail", "--until", "ready = 1", "-o", "csv").out.splitlines()
    assert dict(zip(heading.split(","), row.split(","), strict=True))["ready"] == "1"


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["mial"], 1, "no tube 'mial'; did you mean 'mail'?"),
        (["mail", "--until", "redy = 0"], 2, "unknown name 'redy'; did you mean 'ready'"),
        (["mail", "--timeout", "soon"], 2, "'soon'"),
        (["mail", "-s", "127.0.0.1:1"], 3, "cannot connect"),
        ([], 2, "missing argument"),
    ],
)
def test_errors_are_one_line(cli: Cli, client: Client, arguments: list[str], code: int, why: str) -> None:
    client.put(b"a", tube="mail")
    ended = cli("wait", *arguments)
    assert ended.code == code
    assert why in one_line(ended.err)


def test_a_tube_that_nobody_has_heard_of(cli: Cli) -> None:
    assert cli("wait", "mail").code == 1
    assert cli("wait", "mail", "--missing-ok").code == 0


def test_a_bar_on_a_terminal(terminal: Callable[..., Terminal], client: Client) -> None:
    id = client.put(b"a", tube="mail")
    waiting = terminal("wait", "mail", "--interval", "0.1")
    waiting.until("1 ready")
    client.delete(id)
    assert waiting.end() == 0
    assert "wait mail" in waiting.shown
    assert "the tube no longer exists" in waiting.shown


def test_ctrl_c_ends_it(program: Callable[..., subprocess.Popen[str]], client: Client) -> None:
    client.put(b"a", tube="mail")
    waiting = program("wait", "mail", "--interval", "0.1")
    until(lambda: client.stats().current_connections > 1)
    waiting.send_signal(SIGINT)
    _, err = waiting.communicate(timeout=PATIENCE)
    assert waiting.returncode == 130
    assert "Traceback" not in err
