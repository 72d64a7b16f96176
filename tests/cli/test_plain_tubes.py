"""What `beanops tui` prints where no dashboard can be shown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, Terminal, bury, configure, one_line
from tests.waits import PATIENCE


@pytest.mark.parametrize(("term", "told"), [("dumb", "the terminal is dumb (TERM)"), ("", "TERM is not set")])
def test_a_dumb_terminal_gets_the_tubes_as_plain_text(
    beanstalkd: Beanstalkd, client: Client, monkeypatch: pytest.MonkeyPatch, term: str, told: str
) -> None:
    bury(client, "mail", *[b"x"] * 7)
    client.put(b"x", tube="calm")
    monkeypatch.setenv("TERM", term)
    terminal = Terminal("-s", beanstalkd.address, "tui")
    assert terminal.end() == 0
    assert told in terminal.shown
    assert "\x1b" not in terminal.shown
    lines = terminal.shown.splitlines()
    assert lines[1].split() == ["tube", "why", "ready", "reserved", "delayed", "buried", "workers"]
    assert sorted(line.split()[0] for line in lines[2:]) == ["calm", "default", "mail"]


def test_without_a_terminal_the_tubes_are_printed_once(cli: Cli, client: Client) -> None:
    client.put(b"x", tube="mail")
    ended = cli("tui")
    assert ended.code == 0
    assert ended.err.startswith("beanops: no dashboard: standard input or output is not a terminal")
    assert [line.split()[0] for line in ended.out.splitlines()] == ["tube", "mail", "default"]


def test_with_an_interval_they_are_printed_until_the_reader_has_enough(
    program: Callable[..., subprocess.Popen[str]], client: Client
) -> None:
    client.put(b"x", tube="mail")
    process = program("tui", "--interval", "0.1", stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    assert sum(line.startswith("mail") for line in lines) == 2
    process.stdout.close()  # as `| head` does
    assert process.wait(PATIENCE) >= 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_tubes_of_several_servers_are_one_table_and_one_that_is_down_is_named(
    cli: Cli, client: Client, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    other = start_beanstalkd()
    configure(
        f"[servers.prod-a]\naddress = '{beanstalkd.address}'\n"
        f"[servers.prod-b]\naddress = '{other.address}'\n"
        "[servers.prod-c]\naddress = '127.0.0.1:1'\n"
    )
    bury(client, "mail", *[b"x"] * 7)
    ended = cli("tui", "-s", "prod-a", "-s", "prod-b")
    assert ended.code == 0
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0][:2] == ["server", "tube"]
    assert [row[:2] for row in rows[1:]] == [["prod-a", "mail"], ["prod-a", "default"], ["prod-b", "default"]]
    ended = cli("tui", "-s", "prod-*")
    assert ended.code == 1
    assert [line.split()[:2] for line in ended.out.splitlines()] == [row[:2] for row in rows]
    assert ended.err.splitlines()[1].startswith("beanops: prod-c: cannot connect to beanstalkd at 127.0.0.1:1")
    assert one_line(cli("tui", "-s", "127.0.0.1:1", "-s", "127.0.0.1:2").err).startswith(
        "beanops: no server could answer: prod-c: "
    )
    assert one_line(cli("tui", "-s", "stage-*").err).startswith("beanops: no server matches stage-*")
