"""The command line on servers without `reserve-job`, which is all up to 1.11."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli, Terminal, one_line


def test_stats_say_what_the_server_cannot_do(start_beanstalkd: Callable[..., Beanstalkd], cli: Cli) -> None:
    old, new = start_beanstalkd(dialect="1.11"), start_beanstalkd(dialect="1.13")
    told = "needs beanstalkd 1.12 or newer, this is 1.11"
    assert told in cli("stats", "-s", old.address).out
    assert told in json.loads(cli("stats", "-s", old.address, "--json").out)["lacks"]
    assert "lacks" not in cli("stats", "-s", new.address).out
    both = cli("stats", "-s", old.address, "-s", new.address).out.splitlines()
    assert max(map(len, both[:-1])) < 80, "sentences are below the table"
    assert both[-1].startswith(f"{old.address} lacks reserve-job: ")
    assert told in both[-1]


@pytest.fixture
def old(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    return start_beanstalkd(dialect="1.11")


@pytest.fixture
def watched(old: Beanstalkd) -> Iterator[list[int]]:
    """Bury four jobs in a tube, and have a worker watch it."""
    with Client(old.address) as worker:
        worker.watch("mail")
        for n in range(4):
            worker.put(b"%d" % n, tube="mail")
        ids = []
        for _ in range(4):
            job = worker.reserve(0)
            worker.bury(job)
            ids.append(job.id)
        yield ids


def test_a_drain_says_before_that_its_undo_cannot_bury(old: Beanstalkd, watched: list[int], cli: Cli) -> None:
    told = "in other tubes pass --as parked or --as ready (needs beanstalkd 1.12 or newer, this is 1.11)"
    plan = cli("drain", "mail", "--state", "buried", "--dry-run", "-s", old.address)
    assert (plan.code, told in plan.out) == (0, True)
    assert told in cli("drain", "mail", "--state", "buried", "--dry-run", "--json", "-s", old.address).json["caution"]
    drained = cli("drain", "mail", "--state", "buried", "--yes", "--json", "-s", old.address).json
    undo = ("undo", drained["run"], "-s", old.address)
    assert cli(*undo, "--dry-run").out.startswith("undo: 0 would be done, 4 skipped")
    failed = cli(*undo)
    assert (failed.code, "or pass --as parked or --as ready" in failed.err) == (1, True)
    assert cli(*undo, "--as", "parked", "--dry-run").out.startswith("undo: 4 would be done")
    assert cli(*undo, "--as", "parked").code == 0
    with Client(old.address) as client:
        assert client.stats().current_jobs_delayed == 4


def test_the_question_says_so(
    old: Beanstalkd, watched: list[int], terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    for command in (("delete", "mail", "--state", "buried"), ("export", str(tmp_path / "file"), "--delete")):
        asked = terminal(*command, "-s", old.address)
        asked.until("needs beanstalkd 1.12 or newer, this is 1.11")
        asked.type("n\n")
        assert asked.end() == 4


@pytest.mark.parametrize("command", [("move", "--to"), ("copy", "--to")])
def test_what_cannot_be_buried_is_refused_before(
    command: tuple[str, str], old: Beanstalkd, watched: list[int], cli: Cli
) -> None:
    verb, to = command
    asked = (verb, "mail", to, "mail", "--state", "buried", "-s", old.address)
    assert "0 would be done, 4 skipped" in cli(*asked, "--dry-run").out
    assert cli(*asked).code == 1
    assert cli(*asked, "--as", "ready").code == 0
    assert cli("import", "--help").out.count("--as") == 1


ALL = ("--state", "ready,delayed,buried", "--no-bodies")


@pytest.fixture
def fork(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that truncates, with four jobs in a tube."""
    server = start_beanstalkd(dialect="truncate")
    with Client(server.address) as client:
        for n in range(4):
            client.put(b"%d" % n, tube="mail", delay=100 * (n == 3))
    return server


def test_a_drain_without_bodies_is_one_command(fork: Beanstalkd, cli: Cli) -> None:
    on = ("-s", fork.address)
    plan = cli("drain", "mail", *ALL, "--dry-run", *on)
    assert (plan.code, plan.out.startswith("drain: 4 would be done")) == (0, True)
    assert "up to 1 command" in plan.out
    assert "this cannot be undone: nothing keeps the bodies" in plan.out
    refused = cli("drain", "mail", *ALL, *on)
    assert (refused.code, "pass --yes" in refused.err) == (4, True)
    assert cli("drain", "mail", *ALL, "--yes", "--reason", "old", *on).out == "drain: 4 done\n"
    assert cli("journal", "--tube", "mail", *on, "--json").json[0]["action"] == "truncate"
    assert "mail" not in cli("tubes", *on).out


@pytest.mark.parametrize("more", [("--rate", "5"), ("--where", "age > interval 1 day"), ("--limit", "3")])
def test_a_drain_without_bodies_takes_whole_tubes(more: tuple[str, str], fork: Beanstalkd, cli: Cli) -> None:
    refused = cli("drain", "mail", *ALL, *more, "--yes", "-s", fork.address)
    assert (refused.code, "--no-bodies takes whole tubes" in refused.err) == (2, True)


def test_a_server_without_truncate_says_so(cli: Cli, beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        client.put(b"", tube="mail")
    refused = cli("drain", "mail", *ALL, "--yes")
    assert (refused.code, "needs a server with truncate" in one_line(refused.err)) == (4, True)


def test_the_number_is_typed_before_all_are_deleted_at_once(
    fork: Beanstalkd, terminal: Callable[..., Terminal]
) -> None:
    asked = terminal("drain", "mail", *ALL, "-s", fork.address)
    asked.until("Type their number to go on: ")
    assert "This cannot be undone" in asked.shown
    assert "jobs that are put until then are deleted too" in asked.shown
    asked.type("4\n")
    assert asked.end() == 0
