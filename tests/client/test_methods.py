"""Every method of the clients on a real server: what a user asks, and what the server then says of it."""

from __future__ import annotations

from typing import Any

import pytest

from beanops import errors
from beanops.protocol.limits import U32_MAX, U64_MAX

ANYTHING = [
    b"",
    b"\r\n",
    b"\r\nquit\r\n",
    b"kick 100\r\ndelete 1\r\n",
    b"RESERVED 1 5\r\nhello\r\n",
    bytes(range(256)),
    b"\0" * 1000,
    b"x" * 65_535,
]


@pytest.mark.parametrize("body", ANYTHING, ids=lambda body: f"{body[:12]!r}-{len(body)}")
def test_a_body_comes_back_as_it_was_put(client: Any, body: bytes) -> None:
    id = client.put(body)
    assert client.peek(id) == (id, body)
    assert client.peek_ready() == (id, body)
    assert client.reserve(timeout=0) == (id, body)
    client.delete(id)
    assert client.stats().total_jobs == 1


@pytest.mark.parametrize("make", [bytearray, memoryview])
def test_a_body_may_be_any_kind_of_bytes(client: Any, make: Any) -> None:
    assert client.peek(client.put(make(b"abc"))).body == b"abc"


def test_put_sends_what_it_was_given(client: Any) -> None:
    id = client.put(b"abc", priority=7, delay=100, ttr=30, tube="later")
    stats = client.stats_job(id)
    assert (stats.id, stats.tube, stats.state) == (id, "later", "delayed")
    assert (stats.priority, stats.delay, stats.ttr) == (7, 100, 30)
    assert 98 <= stats.time_left <= 100
    client.use("later")
    assert client.peek_delayed() == (id, b"abc")


def test_the_limits_of_the_numbers_reach_the_server(client: Any) -> None:
    id = client.put(b"", priority=U32_MAX, delay=U32_MAX, ttr=U32_MAX)
    stats = client.stats_job(id)
    assert (stats.priority, stats.delay, stats.ttr) == (U32_MAX, U32_MAX, U32_MAX)
    assert client.kick(U32_MAX) == 1


def test_ttr_zero_becomes_one(client: Any) -> None:
    assert client.stats_job(client.put(b"", ttr=0)).ttr == 1


def test_ids_are_64_bit(client: Any) -> None:
    for ask in (client.peek, client.stats_job, client.delete, client.kick_job, client.reserve_job, client.touch):
        with pytest.raises(errors.NotFound) as caught:
            ask(U64_MAX)
        assert str(U64_MAX) in str(caught.value)


def test_put_into_a_tube_comes_back_to_the_used_one(client: Any) -> None:
    client.use("mine")
    there = client.put(b"1", tube="theirs")
    here = client.put(b"2")
    again = client.put(b"3", tube="mine")
    assert [client.stats_job(id).tube for id in (there, here, again)] == ["theirs", "mine", "mine"]
    assert client.list_tube_used() == "mine"


def test_use_watch_and_ignore(client: Any) -> None:
    assert client.list_tube_used() == "default"
    assert client.use("a") == "a"
    assert client.list_tube_used() == "a"
    assert client.list_tubes_watched() == ["default"]
    assert client.watch("b") == 2
    assert client.watch("b") == 2
    assert client.ignore("default") == 1
    assert client.ignore("never-watched") == 1
    assert client.list_tubes_watched() == ["b"]
    assert sorted(client.list_tubes()) == ["a", "b", "default"]


@pytest.mark.parametrize("name", ["123", "true", "null", "1e3", "yes", "0x1F", "+", "$(x);/.", "T" * 200])
def test_tube_names_stay_text(client: Any, name: str) -> None:
    assert client.use(name) == name
    id = client.put(b"")
    assert client.stats_job(id).tube == name
    assert client.stats_tube(name).name == name
    assert name in client.list_tubes()
    client.watch(name)
    assert client.list_tubes_watched() == ["default", name]


def test_release_keeps_the_priority_or_sets_it(client: Any) -> None:
    id = client.put(b"", priority=5)
    client.release(client.reserve(timeout=0))
    assert (client.stats_job(id).state, client.stats_job(id).priority) == ("ready", 5)
    client.release(client.reserve(timeout=0), priority=9, delay=50)
    stats = client.stats_job(id)
    assert (stats.state, stats.priority, stats.delay, stats.releases) == ("delayed", 9, 50, 2)


def test_bury_keeps_the_priority_or_sets_it(client: Any) -> None:
    id = client.put(b"", priority=5)
    client.bury(client.reserve(timeout=0))
    assert (client.stats_job(id).state, client.stats_job(id).priority) == ("buried", 5)
    assert client.peek_buried().id == id
    client.bury(client.reserve_job(id), priority=9)
    assert (client.stats_job(id).state, client.stats_job(id).priority) == ("buried", 9)


def test_jobs_are_named_by_id_by_job_or_by_their_statistics(client: Any) -> None:
    ids = [client.put(b"") for _ in range(3)]
    client.delete(ids[0])
    client.delete(client.peek(ids[1]))
    client.delete(client.stats_job(ids[2]))
    assert client.stats().cmd_delete == 3


def test_touch_starts_the_ttr_anew(client: Any) -> None:
    job = client.put(b"", ttr=100)
    client.reserve(timeout=0)
    client.touch(job)
    assert client.stats_job(job).time_left >= 99


def test_reserve_job_takes_any_job_whatever_is_watched(client: Any) -> None:
    id = client.put(b"abc", delay=1000, tube="elsewhere")
    assert client.reserve_job(id) == (id, b"abc")
    assert client.stats_job(id).state == "reserved"


def test_kick_takes_buried_jobs_first_and_says_how_many(client: Any) -> None:
    delayed = client.put(b"", delay=1000)
    buried = client.put(b"")
    client.bury(client.reserve_job(buried))
    assert client.kick(100) == 1
    assert client.stats_job(buried).state == "ready"
    assert client.stats_job(delayed).state == "delayed"
    assert client.kick(100) == 1
    assert client.kick(100) == 0


def test_kick_job_makes_one_job_ready(client: Any) -> None:
    ids = [client.put(b"", delay=1000) for _ in range(2)]
    assert client.kick_job(ids[1]) is None
    assert [client.stats_job(id).state for id in ids] == ["delayed", "ready"]


def test_pause_holds_reserves_back_and_zero_resumes(client: Any) -> None:
    id = client.put(b"", tube="work")
    client.watch("work")
    client.pause_tube("work", 1000)
    stats = client.stats_tube("work")
    assert (stats.pause, stats.cmd_pause_tube) == (1000, 1)
    assert 998 <= stats.pause_time_left <= 1000
    with pytest.raises(errors.TimedOut):
        client.reserve(timeout=0)
    client.pause_tube("work", 0)
    assert client.reserve(timeout=0).id == id


def test_stats_of_a_tube_count_every_state(client: Any) -> None:
    client.use("t")
    client.watch("t")
    ready, urgent, buried, reserved = (client.put(b"", priority=p) for p in (5000, 10, 20, 30))
    client.put(b"", delay=1000)
    client.bury(client.reserve_job(buried))
    client.reserve_job(reserved)
    stats = client.stats_tube("t")
    assert ready < urgent
    assert (stats.current_jobs_urgent, stats.current_jobs_ready) == (1, 2)
    assert (stats.current_jobs_reserved, stats.current_jobs_delayed, stats.current_jobs_buried) == (1, 1, 1)
    assert (stats.total_jobs, stats.current_using, stats.current_watching, stats.current_waiting) == (5, 1, 1, 0)


def test_stats_of_the_server(client: Any, beanstalkd: Any) -> None:
    stats = client.stats()
    assert stats.pid == beanstalkd.pid
    assert stats.max_job_size == client.max_job_size == 65_535
    assert stats.draining is False
    assert stats.version.startswith("1.")
    assert not stats.version.startswith('"')
    assert stats.rusage_utime >= 0
    assert dict(stats.extra) == {}


def test_a_bad_argument_sends_nothing(client: Any) -> None:
    before = client.stats()
    for wrong in (
        lambda: client.put("text"),
        lambda: client.put(b"", priority=-1),
        lambda: client.put(b"", tube="-x"),
        lambda: client.put(b"x" * 65_536),
        lambda: client.use("a b"),
        lambda: client.reserve(timeout=1.5),
        lambda: client.release(1, delay=-1),
        lambda: client.release("1"),
        lambda: client.bury(None),
        lambda: client.kick(2**32),
        lambda: client.pause_tube("a", True),
        lambda: client.peek(2**64),
    ):
        with pytest.raises(errors.ArgumentError):
            wrong()
    after = client.stats()
    changed = {
        name for name in before._fields if name.startswith("cmd_") and getattr(before, name) != getattr(after, name)
    }
    assert changed == {"cmd_stats"}
    assert not client.closed
