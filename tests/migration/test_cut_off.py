"""Migrations that are killed: wherever that happens, no job is lost or done twice, and the rest is moved."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.journal.filters import Filter
from beanops.journal.records import Refused, RunRow
from beanops.protocol.errors import ReplyError, TimedOut
from tests.migration.conftest import Pair
from tests.session.conftest import fill, population

Jobs = list[tuple[Any, ...]]
#: How much of its last send a process has sent when it is killed.
PARTS = (0.0, 0.5, 1.0)


class Victims:
    """Starts processes that are killed in the middle of a migration."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, at: int, part: float, *words: str) -> str:
        """Have one killed in a send; return ``killed``, or the number of sends if it ended before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{at} {part} {' '.join(words)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer != "failed"
        return answer


@contextmanager
def victims(pair: Pair, journal: str) -> Iterator[Victims]:
    command = [sys.executable, "-m", "tests.migration.victim", pair.old.address, pair.new.address, journal]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victims(process)
        assert process.stdin is not None
        process.stdin.close()


def populate(client: Client, buried: bool) -> None:
    """Put jobs of all kinds, each with a body of its own."""
    fill(client, "mail", "ready", 7, body=b"ready")
    fill(client, "mail", "delayed", 3, delay=900, body=b"delayed")
    fill(client, "bills", "ready", 2, body=b"bill")
    if buried:
        fill(client, "bills", "buried", 3, body=b"buried")


def work(client: Client, most: int | None = None) -> list[bytes]:
    """Reserve and delete jobs as a worker does; return their bodies."""
    done = []
    for tube in ("mail", "bills"):
        client.watch(tube)
    for _ in count() if most is None else range(most):
        try:
            job = client.reserve(0)
        except TimedOut:
            break
        done.append(job.body)
        client.delete(job)
    for tube in ("mail", "bills"):
        client.ignore(tube)
    return done


def clear(client: Client) -> Jobs:
    """Delete all jobs; return what they were."""
    left = population(client)
    top = client.stats().cmd_put
    for id in range(1, top + 1):
        with suppress(ReplyError):
            client.delete(id)
    return left


def last_run(pair: Pair) -> RunRow | None:
    """Return the last migration, None where it did not come so far."""
    rows = pair.source._context.journal().find_runs(Filter(str(pair.source.address), actions=["migrate"]), limit=1)
    return rows[0] if rows else None


def check_all_are_there(done: list[bytes], arrived: Jobs, before: Jobs) -> None:
    """Assert that each job was done once, or is there once, and as it was."""
    assert Counter(done + [job[-1] for job in arrived]) == Counter(job[-1] for job in before)
    assert set(arrived) <= set(before)


SERVERS = [(None, None), ("1.11", None), (None, "1.10")]


@pytest.mark.parametrize(("old", "new"), SERVERS, ids=["real", "from 1.11", "to 1.10"])
def test_a_killed_migration_goes_on(old: Any, new: Any, pair: Callable[..., Pair], journal: str) -> None:
    """Beside workers, of whom each server has some until the migration goes on."""
    servers = pair({"dialect": old} if old else {}, {"dialect": new} if new else {})
    with victims(servers, journal) as victim:
        populate(servers.here, buried=old is None)
        sends = int(victim(-1, 1.0, "migrate"))
        clear(servers.there)
        for n, at in enumerate(range(sends * 2 // 5, sends, max(1, sends // (12 if old is None else 8)))):
            populate(servers.here, buried=old is None)
            before, earlier = population(servers.here), last_run(servers)
            victim(at, PARTS[n % 3], "migrate")
            done = [*work(servers.here, 2), *work(servers.there, 2)]
            row = last_run(servers)
            if row is None or row == earlier:
                servers.source.migrate(servers.destination)
            else:
                if n % 2:  # which is killed too
                    victim(at // 2 + 4 * n, PARTS[(n + 1) % 3], "resume", row.id)
                servers.source.resume(last_run(servers).id)  # type: ignore[union-attr]
            assert clear(servers.here) == []
            check_all_are_there(done, clear(servers.there), before)


def test_a_killed_migration_is_undone(pair: Callable[..., Pair], journal: str) -> None:
    """Also where the undo is killed first."""
    servers = pair()
    with victims(servers, journal) as victim:
        populate(servers.here, buried=True)
        sends = int(victim(-1, 1.0, "migrate"))
        clear(servers.there)
        for n, at in enumerate(range(sends // 2, sends, max(1, sends // 10))):
            populate(servers.here, buried=True)
            before, earlier = population(servers.here), last_run(servers)
            victim(at, PARTS[n % 3], "migrate")
            row = last_run(servers)
            if row is not None and row != earlier:
                victim(at // 2 + 4 * n, PARTS[(n + 1) % 3], "undo", row.id)
                servers.destination.undo(row.id)
            assert clear(servers.there) == []
            check_all_are_there([], clear(servers.here), before)


def test_a_new_migration_waits_for_one_that_was_cut_off(pair: Callable[..., Pair], journal: str) -> None:
    servers = pair()
    with victims(servers, journal) as victim:
        populate(servers.here, buried=True)
        sends = int(victim(-1, 1.0, "migrate"))
        servers.destination.undo(last_run(servers).id)  # type: ignore[union-attr]
        victim(sends * 3 // 4, 0.5, "migrate")
        with pytest.raises(Refused, match="was cut off"):
            servers.source.migrate(servers.destination, tubes="mail")
        again = servers.source.migrate(servers.destination)  # the same goes on with it
        assert "under way when it was cut off" in str(again.run.besides)
        assert again.complete
