"""Pipelines: one result for each command, in order, in constant memory, whatever happens on the way."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import pytest

from beanops import commands, errors
from beanops.client.pipeline_window import MAX_WAITING
from tests.scripted import Scripted
from tests.waits import until


def test_an_error_is_a_result_and_not_an_end(client: Any) -> None:
    id = client.put(b"abc")
    results = list(
        client.pipeline(
            [commands.peek(id), commands.peek(999), commands.delete(id), commands.delete(id), commands.stats()]
        )
    )
    assert results[0] == (id, b"abc")
    assert isinstance(results[1], errors.NotFound)
    assert results[2] is None
    assert str(results[3]) == f"NOT_FOUND to 'delete {id}': {errors.NotFound.meaning}"
    assert results[4].cmd_delete == 2


def test_no_commands_no_results(client: Any) -> None:
    assert list(client.pipeline([])) == []
    assert list(client.pipeline(iter(()))) == []


@pytest.mark.parametrize("count", [1, MAX_WAITING - 1, MAX_WAITING, MAX_WAITING + 1, 3 * MAX_WAITING, 10_000])
def test_results_stay_in_order(client: Any, count: int) -> None:
    ids = list(client.pipeline(commands.put(b"%d" % n) for n in range(count)))
    assert ids == list(range(1, count + 1))
    bodies = [job.body for job in client.pipeline(commands.peek(id) for id in reversed(ids))]
    assert bodies == [b"%d" % n for n in reversed(range(count))]


def test_huge_bodies_both_ways_without_deadlock(client: Any) -> None:
    body = bytes(range(256)) * 234
    ids = list(client.pipeline(commands.put(body) for _ in range(3000)))
    assert len(set(ids)) == 3000
    assert all(job.body == body for job in client.pipeline(commands.peek(id) for id in ids))


def test_puts_and_peeks_of_huge_bodies_mixed(client: Any) -> None:
    body = b"\r\nINSERTED 1\r\n" * 4000
    first = client.put(body)
    mixed = (commands.put(body) if n % 2 else commands.peek(first) for n in range(1000))
    results = list(client.pipeline(mixed))
    assert results[0::2] == [(first, body)] * 500
    assert sorted(results[1::2]) == list(range(first + 1, first + 501))


def test_memory_stays_constant(client: Any) -> None:
    id = client.put(b"x" * 60_000)
    for _ in client.pipeline(commands.peek(id) for _ in range(100)):
        pass
    tracemalloc.start()
    try:
        for _ in client.pipeline(commands.peek(id) for _ in range(2000)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 2,000 bodies are 120 MB.
    assert peak < 8e6


def test_commands_are_drawn_as_results_come(client: Any) -> None:
    drawn = 0

    def source() -> Iterator[Any]:
        nonlocal drawn
        for _ in range(10_000):
            drawn += 1
            yield commands.peek(1)

    results = client.pipeline(source())
    assert drawn == 0
    taken = 0
    for _ in results:
        taken += 1
        assert drawn - taken <= 2 * MAX_WAITING
    assert (drawn, taken) == (10_000, 10_000)


def test_results_may_feed_the_source(client: Any) -> None:
    """A source may decide by the results so far: they are all there when it is asked again."""
    id = client.put(b"x")
    seen = 0

    def source() -> Iterator[Any]:
        while seen < 5000:
            yield commands.peek(id)

    for _ in client.pipeline(source()):
        seen += 1
    assert 5000 <= seen <= 5000 + 2 * MAX_WAITING


def test_left_early_and_used_again(client: Any) -> None:
    ids = list(client.pipeline(commands.put(b"%d" % n) for n in range(5000)))
    for _ in range(3):
        with closing(client.pipeline(commands.peek(id) for id in ids)) as results:
            assert [job.id for job in islice(results, 3)] == ids[:3]
        assert client.peek(ids[-1]) == (ids[-1], b"4999")
    assert client.stats().cmd_peek < 3 * 5000


def test_left_before_the_first_result(client: Any) -> None:
    with closing(client.pipeline([commands.put(b"x")])):
        pass
    assert client.stats().total_jobs == 0


def test_left_in_the_middle_of_huge_bodies(client: Any) -> None:
    id = client.put(b"x" * 60_000)
    with closing(client.pipeline(commands.peek(id) for _ in range(2000))) as results:
        next(results)
    assert client.stats().total_jobs == 1


def test_left_while_it_waits_for_ever_closes(client: Any) -> None:
    with closing(client.pipeline([commands.put(b"x"), commands.reserve(), commands.reserve()])) as results:
        next(results)
    assert client.closed
    client.reconnect()
    until(lambda: client.stats().current_jobs_ready == 1)


def test_a_source_that_raises_ends_after_the_results_before_it(client: Any) -> None:
    def source() -> Iterator[Any]:
        yield commands.put(b"a")
        yield commands.put(b"b")
        raise LookupError("the source is broken")

    results = client.pipeline(source())
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(LookupError, match="the source is broken"):
        next(results)
    assert client.stats().total_jobs == 2


def test_a_bad_argument_in_the_source_is_raised_where_it_stands(client: Any) -> None:
    results = client.pipeline(commands.delete(id) for id in (1, 2, -1, 4))
    assert isinstance(next(results), errors.NotFound)
    assert isinstance(next(results), errors.NotFound)
    with pytest.raises(errors.ArgumentError, match="id: -1 given"):
        next(results)
    assert client.stats().cmd_delete == 2


def test_what_is_no_command_is_raised_and_nothing_shifts(client: Any) -> None:
    with pytest.raises(AttributeError):
        list(client.pipeline([commands.stats(), b"stats\r\n"]))
    assert client.put(b"x") == 1


def test_results_before_a_broken_reply_are_given(connect: Any) -> None:
    with Scripted(b"DELETED\r\nNOT_FOUND\r\nJUNK\r\nDELETED\r\n", hold=True) as server:
        client = connect(server.address)
        results = client.pipeline(commands.delete(n) for n in range(4))
        assert next(results) is None
        assert isinstance(next(results), errors.NotFound)
        with pytest.raises(errors.ProtocolError, match="it answered 'delete 2' with b'JUNK'"):
            next(results)
        assert client.closed


def test_reserve_and_bury_in_pairs(client: Any) -> None:
    ids = list(client.pipeline(commands.put(b"", priority=n) for n in range(2000)))

    def pairs() -> Iterator[Any]:
        for n, id in enumerate(ids):
            yield commands.reserve_job(id)
            yield commands.bury(id, priority=n)

    results = list(client.pipeline(pairs()))
    assert [job.id for job in results[0::2]] == ids
    assert set(results[1::2]) == {None}
    assert client.stats().current_jobs_buried == 2000
    assert client.stats_job(ids[77]).priority == 77


def test_tubes_followed_through_a_pipeline(client: Any) -> None:
    list(client.pipeline([commands.use("a"), commands.watch("b"), commands.ignore("default"), commands.ignore("b")]))
    client.reconnect()
    assert client.list_tube_used() == "a"
    assert client.list_tubes_watched() == ["b"]
