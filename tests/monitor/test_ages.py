"""How long the next job has waited: for every tube that is looked at, whichever job is next now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.monitor import wait_times
from beanops.monitor.wait_times import PEEKS, Ages


@pytest.fixture
def worker(beanstalkd: Beanstalkd) -> Iterator[Client]:
    with Client(beanstalkd.address) as client:
        yield client


def look(known: Ages, client: Client, names: list[str]) -> list[int | None]:
    """Look, and return the id of the job that is next in each tube."""
    known.look(client, [client.stats_tube(name) for name in names], set(names))
    heads = [known.head(name) for name in names]
    return [None if head is None else head.id for head in heads]


def test_a_more_urgent_job_that_comes_later_is_the_next(client: Client, worker: Client) -> None:
    known = Ages()
    first = worker.put(b"x", tube="mail", priority=9)
    assert look(known, client, ["mail"]) == [first]
    urgent = worker.put(b"x", tube="mail", priority=1)
    assert look(known, client, ["mail"]) == [urgent]
    worker.reserve_job(urgent)
    assert look(known, client, ["mail"]) == [first]
    taken = known.taken("mail")
    assert taken is not None
    assert (taken.id, taken.state) == (urgent, "reserved")


def test_every_tube_has_its_turn(client: Client, worker: Client) -> None:
    known = Ages()
    names = [f"tube-{number:02}" for number in range(2 * PEEKS)]
    made = [worker.put(b"x", tube=name) for name in names]
    peeks = client.stats().cmd_peek_ready
    look(known, client, names)
    assert client.stats().cmd_peek_ready - peeks == PEEKS
    assert look(known, client, names) == made
    # Jobs of the first tubes come and go all the time; those of the last are seen all the same.
    urgent = worker.put(b"x", tube=names[-1], priority=0)
    for _ in range(2):
        for name in names[:PEEKS]:
            worker.put(b"x", tube=name, priority=0)
        heads = look(known, client, names)
    assert heads[-1] == urgent


def test_large_bodies_end_a_look_but_starve_nobody(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_times, "BYTES", 1000)
    known = Ages()
    made = [worker.put(b"x" * 2000, tube=name) for name in "abc"]
    assert look(known, client, [*"abc"]) == [made[0], None, None]
    look(known, client, [*"abc"])
    assert look(known, client, [*"abc"]) == made


def test_who_peeks_at_many_tubes_reads_more_bodies(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait_times, "BYTES", 1000)
    made = [worker.put(b"x" * 2000, tube=name) for name in "abc"]
    assert look(Ages(100 * PEEKS), client, [*"abc"]) == made


def test_a_tube_that_is_gone_is_forgotten(client: Client, worker: Client) -> None:
    known = Ages()
    worker.put(b"x", tube="mail")
    look(known, client, ["mail"])
    assert known.head("mail") is not None
    known.forget(["mail"])
    assert known.jobs("mail") == ()
    assert client.list_tube_used() == "default"
