"""What the command line asks before it acts; the rules themselves are tested in ``tests/ui/test_confirmation.py``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, Terminal, bury, configure

Start = Callable[..., Terminal]


@pytest.fixture(autouse=True)
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have answers read from what stands on standard input, as if it were typed."""
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)


@pytest.fixture
def prod(beanstalkd: Beanstalkd) -> str:
    """Configure a profile whose name has to be typed."""
    configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\nconfirm = "type-name"')
    return "prod"


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 4), (b"mail\n", 4), (b"prod\n", 0)])
def test_the_undo_of_a_put_is_confirmed_as_a_delete(
    cli: Cli, client: Client, prod: str, answer: bytes, code: int
) -> None:
    run = str(cli("-s", prod, "put", "mail", "x", "--json").json["run"])
    ended = cli("-s", prod, "undo", run, stdin=answer)
    assert "This deletes the jobs that it put. Type the profile's name, prod, to go on: " in ended.err
    assert ended.code == code
    assert client.stats().current_jobs_ready == (code != 0)


def test_a_move_deletes_nothing_and_needs_no_name(cli: Cli, client: Client, prod: str) -> None:
    bury(client, "mail", b"x")
    assert cli("-s", prod, "move", "mail", "--to", "other").out == "move: 1 done\n"


def test_more_than_a_hundred_need_the_name_too(cli: Cli, client: Client, prod: str) -> None:
    bury(client, "mail", *([b"x"] * 101))
    assert cli("-s", prod, "kick", "mail", stdin=b"101\n").code == 4
    assert cli("-s", prod, "kick", "mail", stdin=b"prod\n").out == "kick: 101 done\n"


def test_what_the_server_chooses_cannot_be_undone_and_says_so(cli: Cli, client: Client, prod: str) -> None:
    bury(client, "mail", b"x", b"y")
    final = "his cannot be undone: the server chooses the jobs and does not report which"
    assert final in cli("kick", "mail", "--next", "1", "--dry-run").out
    assert final in cli("kick", "mail", "--next", "1", "--dry-run", "--json").json["caution"]
    ended = cli("-s", prod, "kick", "mail", "--next", "1", stdin=b"y\n")
    assert (ended.code, final in ended.err) == (4, True)
    assert cli("-s", prod, "kick", "mail", "--next", "1", stdin=b"prod\n").out == "kick: 1 done\n"


def test_a_delete_without_bodies_says_that_nothing_brings_the_jobs_back(
    cli: Cli, client: Client, beanstalkd: Beanstalkd
) -> None:
    configure("journal_bodies = false\n")
    (id,) = bury(client, "mail", b"x")
    final = "his cannot be undone: the journal keeps no bodies"
    assert final in cli("drain", "mail", "--state", "buried", "--dry-run").out
    ended = cli("delete", "--ids", str(id), stdin=b"y\n")
    assert f"{final}. Type their number to go on: " in ended.err
    assert ended.code == 4
    assert cli("delete", "--ids", str(id), stdin=b"1\n").out == "delete: 1 done\n"


def test_prune_says_that_it_is_final(cli: Cli, client: Client) -> None:
    ended = cli("journal", "prune", "--older-than", "90d", stdin=b"n\n")
    assert ended.err.startswith("Prune runs older than 90 days? This cannot be undone: ")
    assert ended.code == 4
    assert cli("journal", "prune", "--older-than", "90d", stdin=b"y\n").out.startswith("prune: 0 runs deleted")


def test_a_reserved_job_is_deleted_by_the_same_rule(terminal: Start, client: Client, prod: str) -> None:
    client.put(b"x", tube="mail")
    shown = terminal("-s", prod, "reserve", "mail")
    shown.until("s left")
    shown.type("d")
    shown.until("Type the profile's name, prod, to go on: ")
    shown.shown = ""
    shown.type("y\r")
    shown.until("s left")
    shown.type("d")
    shown.until("Type the profile's name, prod, to go on: ")
    shown.type("prod\r")
    assert shown.end() == 0
    assert "delete: 1 done" in shown.shown
    assert client.stats().current_jobs_ready == 0
