"""The command that moves the jobs of a server to another one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, configure, one_line
from tests.session.conftest import fill


@pytest.fixture
def other(start_beanstalkd: Callable[..., Beanstalkd], beanstalkd: Beanstalkd) -> Beanstalkd:
    """Start another server, and name both."""
    started = start_beanstalkd()
    configure(
        f'[servers.old]\naddress = "{beanstalkd.address}"\n[servers.new]\naddress = "{started.address}"\nlabel = "NEW"'
    )
    return started


def test_a_dry_run_shows_both_servers_the_tubes_and_what_is_not_kept(
    cli: Cli, client: Client, other: Beanstalkd
) -> None:
    fill(client, "mail", jobs=3)
    fill(client, "bills", "buried", 2)
    ended = cli("migrate", "old", "new", "--dry-run")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].endswith(": 5 jobs of 2 tubes, 37 bytes")
    assert "not kept: jobs get new ids" in ended.out
    plain = cli("migrate", "old", "new", "--dry-run", "--json").json
    assert (plain["jobs"], [row["tube"] for row in plain["tubes"]]) == (5, ["mail", "bills"])
    assert cli("migrate", "old", "new", "--dry-run", "-o", "csv").out.startswith("tube,ready,delayed,")
    assert client.stats().current_jobs_ready == 3


def test_it_moves_compares_and_is_undone(cli: Cli, client: Client, other: Beanstalkd) -> None:
    fill(client, "mail", jobs=3)
    ended = cli("migrate", "old", "new", "--yes", "--reason", "INC-42")
    assert (ended.code, ended.err) == (0, "")
    table = [line.split() for line in ended.out.splitlines()]
    assert table[1] == ["mail", "3", "3", *["0"] * 6]
    assert client.stats().current_jobs_ready == 0
    run = cli("-s", "old", "journal", "runs", "--json").json[0]
    assert (run["action"], run["done"], run["reason"]) == ("migrate", 3, "INC-42")
    assert run["about"] == f"* → {other.address}"
    told = one_line(cli("-s", "old", "undo", run["run"], "--yes").err)
    assert told.endswith(f"this session is on {run['server']}: connect to {other.address}")
    assert cli("-s", "new", "undo", run["run"], "--yes").out == "undo: 3 done\n"
    assert client.stats().current_jobs_ready == 3


def test_it_asks_and_a_name_is_typed_where_one_of_the_profiles_wants_that(
    cli: Cli, client: Client, other: Beanstalkd, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", jobs=101)
    assert one_line(cli("migrate", "old", "new").err).endswith("not a terminal; pass --yes")
    monkeypatch.setattr("beanops.cli.confirm.on_terminal", lambda *_: True)
    configure(
        f'[servers.old]\naddress = "{beanstalkd.address}"\n'
        f'[servers.new]\naddress = "{other.address}"\nlabel = "NEW"\nconfirm = "type-name"'
    )
    ended = cli("migrate", "old", "new", stdin=b"y\n")
    assert ended.code == 4
    assert "101 jobs of" in ended.err
    assert client.stats().current_jobs_ready == 101
    assert cli("migrate", "old", "new", stdin=b"new\n").code == 0


def test_what_stays_behind_ends_with_1(cli: Cli, client: Client, other: Beanstalkd) -> None:
    fill(client, "mail", jobs=2)
    client.watch("mail")
    client.reserve(0)
    ended = cli("migrate", "old", "new", "--yes", "--json")
    assert ended.code == 1
    assert (ended.json["complete"], ended.json["tubes"][0]["reserved"]) == (False, 1)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["old", "old"], 2, "are the same server"),
        (["old", "127.0.0.1:1"], 3, "Connection refused"),
        (["old", "new", "--tubes", "nothing"], 1, "no tube 'nothing'"),
        (["old", "new", "--read-only"], 4, "read-only"),
        (["old", "new", "--as", "gone"], 2, "'gone'"),
        (["old"], 2, "missing argument"),
    ],
)
def test_an_error_is_one_line(
    cli: Cli, client: Client, other: Beanstalkd, words: list[str], code: int, says: str
) -> None:
    fill(client, "mail")
    ended = cli("migrate", *words, "--yes")
    assert ended.code == code
    assert says in one_line(ended.err)
    assert client.stats().current_jobs_ready == 1
