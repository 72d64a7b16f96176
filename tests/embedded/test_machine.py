"""What time does, with a clock that the test moves: delays, time-outs, pauses, warnings, and what is left behind."""

from __future__ import annotations

import tracemalloc

import pytest

from beanops.embedded.containers import Bag, Heap
from tests.embedded.peers import Local


@pytest.fixture
def server() -> Local:
    return Local()


def field(server: Local, command: str, key: str) -> str:
    """Ask on a connection of its own for one value of the statistics."""
    number = server.connect()
    reply = server.say(number, command.encode("ascii") + b"\r\n").decode("ascii")
    server.send(number, b"quit\r\n")
    return next(line.removeprefix(f"{key}: ") for line in reply.splitlines() if line.startswith(f"{key}: "))


def put(server: Local, number: int, body: str, *, priority: int = 10, delay: int = 0, ttr: int = 10) -> bytes:
    line = f"put {priority} {delay} {ttr} {len(body)}\r\n{body}\r\n"
    return server.say(number, line.encode("ascii"))


def test_a_delayed_job_is_ready_when_its_time_has_come(server: Local) -> None:
    worker, producer = server.connect(), server.connect()
    put(server, producer, "slow", delay=5)
    server.send(worker, b"reserve\r\n")

    server.sleep(4.9)
    assert server.received(worker) == b""
    assert field(server, "stats-job 1", "time-left") == "0"
    server.sleep(0.1)
    assert server.received(worker) == b"RESERVED 1 4\r\nslow\r\n"
    assert field(server, "stats-job 1", "delay") == "5"


def test_delayed_jobs_come_in_the_order_of_their_time_not_of_their_priority(server: Local) -> None:
    worker, producer = server.connect(), server.connect()
    put(server, producer, "b", priority=1, delay=3)
    put(server, producer, "a", priority=2, delay=2)
    server.send(worker, b"reserve\r\n")

    server.sleep(10)

    assert server.received(worker) == b"RESERVED 2 1\r\na\r\n"


def test_a_job_times_out_and_goes_to_the_next_worker(server: Local) -> None:
    first, second = server.connect(), server.connect()
    put(server, first, "job", ttr=10)
    server.say(first, b"reserve\r\n")
    server.send(second, b"reserve\r\n")

    server.sleep(10)

    assert server.received(second) == b"RESERVED 1 3\r\njob\r\n"
    assert server.say(first, b"delete 1\r\n") == b"NOT_FOUND\r\n"
    assert field(server, "stats-job 1", "timeouts") == "1"
    assert field(server, "stats", "job-timeouts") == "1"


def test_touch_starts_the_ttr_anew(server: Local) -> None:
    worker = server.connect()
    put(server, worker, "job", ttr=10)
    server.say(worker, b"reserve\r\n")
    server.sleep(9)
    assert server.say(worker, b"touch 1\r\n") == b"TOUCHED\r\n"
    server.sleep(9)

    assert field(server, "stats-job 1", "state") == "reserved"
    assert field(server, "stats-job 1", "time-left") == "1"


def test_a_worker_that_waits_is_warned_a_second_before_its_job_times_out(server: Local) -> None:
    worker = server.connect()
    put(server, worker, "job", ttr=10)
    server.say(worker, b"reserve\r\n")
    server.send(worker, b"reserve\r\n")

    server.sleep(8.9)
    assert server.received(worker) == b""
    server.sleep(0.1)
    assert server.received(worker) == b"DEADLINE_SOON\r\n"
    assert server.say(worker, b"reserve-with-timeout 0\r\n") == b"DEADLINE_SOON\r\n"


def test_a_worker_is_not_warned_while_a_job_is_ready(server: Local) -> None:
    worker = server.connect()
    put(server, worker, "one", ttr=1)
    put(server, worker, "two", ttr=1)
    server.say(worker, b"reserve\r\n")

    assert server.say(worker, b"reserve\r\n") == b"RESERVED 2 3\r\ntwo\r\n"
    assert server.say(worker, b"reserve\r\n") == b"DEADLINE_SOON\r\n"


def test_after_a_warning_a_touched_job_can_stay_past_its_ttr(server: Local) -> None:
    """The time-out of the wait is still set, and its tick takes the place of the job's."""
    worker = server.connect()
    put(server, worker, "job", ttr=10)
    server.say(worker, b"reserve\r\n")
    server.send(worker, b"reserve-with-timeout 9\r\n")
    server.sleep(9)
    assert server.received(worker) == b"DEADLINE_SOON\r\n"
    server.say(worker, b"touch 1\r\n")

    server.sleep(9)
    server.sleep(3)
    assert field(server, "stats-job 1", "state") == "reserved"
    assert field(server, "stats-job 1", "time-left") == "-2"
    server.say(worker, b"list-tube-used\r\n")
    assert field(server, "stats-job 1", "state") == "ready"


def test_a_reserve_times_out(server: Local) -> None:
    worker = server.connect()
    server.send(worker, b"reserve-with-timeout 3\r\nlist-tube-used\r\n")
    assert field(server, "stats", "current-waiting") == "1"

    server.sleep(2.9)
    assert server.received(worker) == b""
    server.sleep(0.1)
    assert server.received(worker) == b"TIMED_OUT\r\nUSING default\r\n"
    assert field(server, "stats", "current-waiting") == "0"


def test_a_pause_ends(server: Local) -> None:
    worker, producer = server.connect(), server.connect()
    put(server, producer, "job")
    server.say(producer, b"pause-tube default 60\r\n")
    server.send(worker, b"reserve\r\n")
    server.sleep(59)
    assert field(server, "stats-tube default", "pause") == "60"
    assert field(server, "stats-tube default", "pause-time-left") == "1"
    assert server.received(worker) == b""

    server.sleep(1)

    assert server.received(worker) == b"RESERVED 1 3\r\njob\r\n"
    assert field(server, "stats-tube default", "pause") == "0"


def test_a_tube_vanishes_with_the_last_thing_in_it_and_takes_its_pause_along(server: Local) -> None:
    number = server.connect()
    server.say(number, b"use mail\r\n")
    server.say(number, b"pause-tube mail 60\r\n")
    put(server, number, "job")
    server.say(number, b"use default\r\n")
    assert server.say(number, b"list-tubes\r\n").endswith(b"- default\n- mail\n\r\n")

    server.say(number, b"delete 1\r\n")

    assert server.say(number, b"stats-tube mail\r\n") == b"NOT_FOUND\r\n"
    server.sleep(60)
    server.say(number, b"use mail\r\n")
    assert field(server, "stats-tube mail", "total-jobs") == "0"


def test_a_job_whose_body_is_on_its_way_can_be_looked_at_and_nothing_else(server: Local) -> None:
    producer, other = server.connect(), server.connect()
    server.send(producer, b"put 1 0 10 6\r\nabc")

    assert field(server, "stats-job 1", "state") == "invalid"
    assert server.say(other, b"peek 1\r\n") == b"FOUND 1 6\r\nabc\0\0\0\r\n"
    for command in (b"delete 1", b"reserve-job 1", b"kick-job 1", b"touch 1", b"bury 1 1", b"release 1 1 1"):
        assert server.say(other, command + b"\r\n") == b"NOT_FOUND\r\n"
    assert server.say(producer, b"def\r\n") == b"INSERTED 1\r\n"
    assert server.say(other, b"peek 1\r\n") == b"FOUND 1 6\r\nabcdef\r\n"


def test_a_vanished_producer_leaves_no_half_job(server: Local) -> None:
    producer = server.connect()
    server.send(producer, b"use mail\r\nput 1 0 10 6\r\nabc")
    server.end(producer)

    assert server.machine.queues.jobs == {}
    assert len(server.machine.queues.tubes) == 1


def test_draining_refuses_puts_once_their_body_is_there(server: Local) -> None:
    producer = server.connect()
    server.send(producer, b"put 1 0 10 3\r\na")
    server.machine.draining = True

    assert server.say(producer, b"bc\r\n") == b"DRAINING\r\n"
    assert put(server, producer, "x") == b"DRAINING\r\n"
    assert server.machine.queues.jobs == {}


def test_nothing_is_left_of_connections_and_jobs_that_are_gone(server: Local) -> None:
    for _ in range(150):
        worker = server.connect()
        put(server, worker, "x", ttr=2**32 - 1)
        put(server, worker, "y", delay=2**32 - 1)
        server.say(worker, b"watch other\r\nreserve\r\npause-tube other 1000000\r\n")
        for job in server.machine.queues.jobs.copy():
            assert server.say(worker, b"delete %d\r\n" % job) == b"DELETED\r\n"
        server.send(worker, b"reserve-with-timeout 1000000\r\n")
        server.end(worker)

    machine, queues = server.machine, server.machine.queues
    assert (machine.connections, machine.waiting, queues.ready, machine.reserved) == (0, 0, 0, 0)
    for heap in (queues.delayed, queues.paused, machine._ticks, queues.default.ready):
        assert len(heap) == 0
        assert len(heap._entries) < 100


def test_an_idle_connection_keeps_nothing_of_what_it_sent(server: Local) -> None:
    numbers = [server.connect() for _ in range(20)]
    tracemalloc.start()
    try:
        for number in numbers:
            server.say(number, b"list-tube-used\r\n" * 4_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 256_000  # of 1,280,000 bytes


class Item:
    def __init__(self, id: int) -> None:
        self.id = id


def test_heap_gives_the_smallest_key_whatever_was_removed() -> None:
    heap: Heap[Item] = Heap()
    items = [Item(id) for id in range(1000)]
    for item in items:
        heap.push(item.id * 7919 % 1000, item)
    for item in items[::3]:
        heap.remove(item)
    for item in items[1::3]:
        heap.push(5000 - item.id, item)

    keys = []
    while (first := heap.first()) is not None:
        keys.append(heap.smallest(-1))
        heap.remove(first)
    assert keys == sorted(keys)
    assert len(keys) == 1000 - len(items[::3])
    assert heap.smallest(-1) == -1


def test_bag_takes_round_robin_and_fills_gaps_with_the_last() -> None:
    bag: Bag[Item] = Bag()
    items = [Item(id) for id in range(5)]
    for item in items:
        bag.add(item)
    bag.remove(items[1])
    bag.remove(items[1])

    assert [item.id for item in bag.items] == [0, 4, 2, 3]
    assert [bag.take().id for _ in range(4)] == [0, 4, 3, 2]
    assert len(bag) == 0
