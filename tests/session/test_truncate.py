"""A drain without bodies: one command of a server that has it, on record with its counts, and with no way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.session import Session
from tests.session.conftest import fill

ALL = "ready,delayed,buried"


@pytest.fixture
def server(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that has the command truncate."""
    return start_beanstalkd(dialect="truncate")


@pytest.fixture
def truncating(server: Beanstalkd, journal: str) -> Iterator[Session]:
    """Open a session on it, with jobs of all states in the tube mail."""
    with Client(server.address) as client:
        for state, number in (("ready", 20), ("delayed", 5), ("buried", 3)):
            fill(client, "mail", state, number)
        fill(client, "other", "ready", 2)
    with connect(server.address, journal=journal) as session:
        yield session


def test_a_tube_is_emptied_with_one_command_and_on_record(truncating: Session) -> None:
    run = truncating.drain("mail", bodies=False, state=ALL, reason="old campaign")
    assert (run.done, run.complete, bool(run.lasting)) == (28, True, True)
    assert truncating.jobs("mail").empty
    assert len(truncating.jobs("other")) == 2
    assert truncating.server().extra["cmd-truncate"] == "1" or truncating.capabilities.cached_stats
    (row,) = truncating.journal.actions().itertuples()
    assert (row.action, row.tube, row.outcome, row.jobs, row.reason) == ("truncate", "mail", "done", 28, "old campaign")
    (row,) = truncating._context.journal().runs()
    assert row.request["counts"] == {"ready": 20, "delayed": 5, "buried": 3, "reserved": 0}
    assert row.about == "mail 20 ready, 5 delayed, 3 buried"


def test_nothing_puts_the_jobs_again(truncating: Session) -> None:
    run = truncating.drain("mail", bodies=False, state=ALL)
    undone = truncating.undo(run)
    assert (undone.done, undone.skipped) == (0, 1)
    assert "nothing kept their bodies" in undone.summary
    with pytest.raises(UsageError, match="cannot be resumed"):
        truncating.resume(run)


def test_a_worker_of_a_reserved_job_is_told_later(truncating: Session, server: Beanstalkd) -> None:
    with Client(server.address) as worker:
        worker.watch("mail")
        job = worker.reserve(0)
        would = truncating.drain("mail", bodies=False, state=ALL, dry_run=True)
        assert would.done == 27
        assert "1 reserved job" in (would.caution or "")
        assert "NOT_FOUND" in (would.caution or "")
        assert truncating.drain("mail", bodies=False, state=ALL).done == 27
        with pytest.raises(NotFound):
            worker.delete(job)


def test_a_dry_run_deletes_nothing(truncating: Session) -> None:
    assert truncating.drain("mail", bodies=False, state=ALL, dry_run=True).done == 28
    assert len(truncating.jobs("mail")) == 28


def test_several_tubes_have_a_command_each(truncating: Session) -> None:
    run = truncating.drain("*", bodies=False, state=ALL)
    assert (run.done, run.skipped) == (30, 1), "the tube default is empty"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "pass state='ready,delayed,buried'"),
        ({"state": "buried"}, "pass state='ready,delayed,buried'"),
        ({"state": ALL, "where": "age > interval 1 day"}, "no where"),
        ({"state": ALL, "rate": 5}, "no rate"),
        ({"state": ALL, "limit": 5}, "no limit"),
    ],
)
def test_it_takes_whole_tubes(truncating: Session, options: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        truncating.drain("mail", bodies=False, **options)  # type: ignore[arg-type]
    assert len(truncating.jobs("mail")) == 28


def test_a_server_without_the_command_refuses_in_one_line(session: Session, beanstalkd: Beanstalkd) -> None:
    with Client(beanstalkd.address) as client:
        fill(client, "mail", "ready", 3)
    with pytest.raises(Refused, match="needs a server with truncate"):
        session.drain("mail", bodies=False, state=ALL)
    assert len(session.jobs("mail")) == 3


def test_a_read_only_session_truncates_nothing(truncating: Session, server: Beanstalkd, tmp_path: Path) -> None:
    with connect(server.address, read_only=True) as looking, pytest.raises(Refused, match="read-only"):
        looking.drain("mail", bodies=False, state=ALL)
    assert len(truncating.jobs("mail")) == 28


def test_all_servers_of_a_fleet_are_drained_at_once(start_beanstalkd: Callable[..., Beanstalkd], journal: str) -> None:
    servers = [start_beanstalkd(dialect="truncate") for _ in range(2)]
    for server in servers:
        with Client(server.address) as client:
            fill(client, "mail", "ready", 3)
    with connect([server.address for server in servers], journal=journal) as fleet:
        run = fleet.drain("mail", bodies=False, state=ALL)
        assert (run.done, run.complete) == (6, True)
        assert fleet.undo(run).done == 0
