"""The undo of a migration: what nobody has taken goes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops.protocol.errors import UsageError
from tests.migration.conftest import Pair
from tests.migration.test_migrate import populate
from tests.session.conftest import fill, population


def test_undo_moves_everything_back(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    before = population(servers.here)
    done = servers.source.migrate(servers.destination)
    undone = servers.destination.undo(done.run)
    assert undone.complete
    assert population(servers.here) == before
    assert population(servers.there) == []


def test_undo_leaves_what_workers_have_taken(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "mail", "ready", 4)
    done = servers.source.migrate(servers.destination)
    servers.there.watch("mail")
    finished, held = servers.there.reserve(0), servers.there.reserve(0)
    servers.there.delete(finished)
    undone = servers.destination.undo(done.run)
    assert (undone.done, undone.skipped) == (2, 2)
    assert any("worker has reserved it" in reason for reason in undone.reasons)
    assert servers.here.stats_tube("mail").current_jobs_ready == 2
    assert servers.there.stats_job(held).state == "reserved"


def test_an_undo_is_undone_and_nothing_is_undone_twice(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    before = population(servers.here)
    done = servers.source.migrate(servers.destination)
    undone = servers.destination.undo(done.run)
    assert servers.destination.undo(done.run).done == 0
    again = servers.source.undo(undone)
    assert again.complete
    assert population(servers.there) == before


def test_a_part_is_undone_where_a_predicate_matches(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    done = servers.source.migrate(servers.destination)
    servers.destination.undo(done.run, where="tube = 'bills'")
    assert {job[0] for job in population(servers.here)} == {"bills"}
    assert {job[0] for job in population(servers.there)} == {"mail"}


def test_a_dry_run_of_an_undo_changes_nothing(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    done = servers.source.migrate(servers.destination)
    before = population(servers.there)
    assert servers.destination.undo(done.run, dry_run=True).done == 42
    assert population(servers.there) == before


def test_undo_and_resume_name_the_server_where_they_are_possible(pair: Callable[..., Pair]) -> None:
    servers = pair()
    populate(servers)
    done = servers.source.migrate(servers.destination)
    with pytest.raises(UsageError, match=f"this session is on {servers.source.address}"):
        servers.source.undo(done.run)
    with pytest.raises(UsageError, match=f"this session is on {servers.destination.address}"):
        servers.destination.resume(done.run)


def test_parked_jobs_are_buried_again(pair: Callable[..., Pair]) -> None:
    servers = pair()
    fill(servers.here, "bills", "buried", 3)
    before = population(servers.here)
    done = servers.source.migrate(servers.destination, buried_as="parked")
    assert servers.there.stats_tube("bills").current_jobs_delayed == 3
    servers.destination.undo(done.run)
    assert population(servers.here) == before
