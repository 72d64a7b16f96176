"""The forks: what differs from the release that each is made from stands here, and nothing else differs."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

import beanops.embedded
from beanops.embedded.dialects import FORKS, NEWEST, Dialect
from tests.embedded.peers import Local, ask, dial, read_all, split_replies, statistics
from tests.embedded.test_like_real import Actor
from tests.waits import until


class Difference(NamedTuple):
    """A reply of the release, for commands that begin so, and what the fork says instead."""

    command: bytes
    release: bytes
    fork: bytes


UNKNOWN = (rb"BAD_FORMAT", rb"UNKNOWN_COMMAND")
DIFFERENCES: dict[Dialect, list[Difference]] = {
    "truncate": [
        Difference(b"stats\r", rb"(cmd-pause-tube: \d+\n)", rb"\1cmd-truncate: 0\n"),
        Difference(b"peek-ready now", *UNKNOWN),
    ],
    "cluster": [
        Difference(b"stats\r", rb"binlog-max-size: 10485760", rb"binlog-max-size: 0"),
        Difference(b"stats-", rb"time-left: -\d+", rb"time-left: 0"),
    ],
}


def expected(dialect: Dialect, command: bytes, reply: bytes) -> bytes:
    """Return what the fork answers where the release answers `reply`, without the length and the id."""
    for difference in DIFFERENCES[dialect]:
        if command.startswith(difference.command):
            reply = re.sub(difference.release, difference.fork, reply)
    return plain(reply)


def plain(reply: bytes) -> bytes:
    """Take out what two servers never have alike."""
    return re.sub(rb"^OK \d+|^id: [0-9a-f]{16}$|^rusage-.*$", b"", reply, flags=re.MULTILINE)


@pytest.mark.parametrize("dialect", FORKS)
@pytest.mark.parametrize("seed", range(10))
def test_a_fork_answers_as_its_release_but_for_what_is_stated(dialect: Dialect, seed: int) -> None:
    actor = Actor(seed)
    ours, theirs = Local(dialect, 1000, stats_kept=0), Local(NEWEST, 1000)
    for _ in range(3):
        ours.connect()
        theirs.connect()
    for _ in range(300):
        number = actor.choose([0, 1, 2])
        if ours.is_waiting(number):
            ours.sleep(150)
            theirs.sleep(150)
            continue
        command = actor.command()
        ours.send(number, command)
        theirs.send(number, command)
        for each in range(3):
            told = split_replies(ours.received(each))
            assert list(map(plain, told)) == [
                expected(dialect, command, reply) for reply in split_replies(theirs.received(each))
            ], command


def truncating() -> Local:
    """Give a server with a job in each state in the tube ``a``, the reserved one held by connection 0."""
    server = Local("truncate", stats_kept=0)
    server.connect()
    server.connect()
    server.say(0, b"use a\r\nwatch a\r\n")
    server.say(0, b"put 1 0 60 1\r\na\r\nreserve\r\nput 1 0 60 1\r\nb\r\nreserve\r\nbury 2 1\r\n")
    server.say(0, b"put 1 0 60 1\r\nc\r\nput 1 99 60 1\r\nd\r\n")
    return server


def test_truncate_drops_what_nobody_holds() -> None:
    server = truncating()

    assert server.say(1, b"truncate a\r\n") == b"TRUNCATED 3\r\n"
    assert server.say(1, b"peek 1\r\npeek 2\r\npeek 3\r\nstats-job 4\r\n") == b"NOT_FOUND\r\n" * 4
    told = server.say(1, b"stats-tube a\r\nstats\r\n")
    for line in (b"ready: 0", b"delayed: 0", b"buried: 0", b"reserved: 1"):
        assert told.count(b"\ncurrent-jobs-" + line) == 2
    assert b"\ncmd-pause-tube: 0\ncmd-truncate: 1\njob-timeouts: " in told


@pytest.mark.parametrize("command", [b"touch 1", b"delete 1", b"release 1 0 0", b"bury 1 0"])
def test_the_holder_of_a_truncated_job_is_told_later(command: bytes) -> None:
    server = truncating()
    server.say(1, b"truncate a\r\n")

    assert server.say(0, command + b"\r\n" + command + b"\r\n") == b"NOT_FOUND\r\n" * 2
    assert b"\ncurrent-jobs-reserved: 0\n" in server.say(0, b"stats\r\n")


@pytest.mark.parametrize("leaves", ["by time", "by closing"])
def test_a_truncated_job_does_not_come_back(leaves: str) -> None:
    server = truncating()
    server.say(1, b"truncate a\r\n")
    if leaves == "by time":
        server.sleep(61)
    else:
        server.end(0)

    assert b"\ncurrent-jobs-ready: 0\n" in server.say(1, b"stats\r\n")
    assert server.say(1, b"kick-job 1\r\n") == b"NOT_FOUND\r\n"


def test_jobs_of_afterwards_and_of_other_tubes_stay() -> None:
    server = truncating()
    server.say(1, b"put 1 0 60 1\r\ne\r\n")
    server.say(1, b"truncate a\r\n")
    server.say(0, b"put 1 0 60 1\r\nf\r\n")

    assert server.say(0, b"peek 5\r\nreserve-job 6\r\n") == b"FOUND 5 1\r\ne\r\nRESERVED 6 1\r\nf\r\n"
    assert server.say(0, b"touch 6\r\ndelete 6\r\n") == b"TOUCHED\r\nDELETED\r\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"truncate nowhere", b"NOT_FOUND\r\n"),
        (b"truncate -a", b"BAD_FORMAT\r\n"),
        (b"truncate ", b"BAD_FORMAT\r\n"),
        (b"truncate a b", b"BAD_FORMAT\r\n"),
        (b"truncate", b"UNKNOWN_COMMAND\r\n"),
        (b"stats ", b"UNKNOWN_COMMAND\r\n"),
        (b"list-tubes ", b"UNKNOWN_COMMAND\r\n"),
    ],
)
def test_lines_of_the_fork_with_truncate(line: bytes, answer: bytes) -> None:
    assert truncating().say(1, line + b"\r\n") == answer


@pytest.mark.parametrize("dialect", [NEWEST, "cluster"])
def test_others_do_not_know_truncate(dialect: Dialect) -> None:
    server = Local(dialect)
    server.connect()

    assert server.say(0, b"truncate default\r\n") == b"UNKNOWN_COMMAND\r\n"


def test_its_statistics_are_cached_for_half_a_second() -> None:
    server = Local("truncate")
    server.connect()

    def puts() -> bytes:
        return re.findall(rb"cmd-put: \d+", server.say(0, b"put 1 0 60 1\r\na\r\nstats\r\n"))[0]

    assert [puts(), puts()] == [b"cmd-put: 1"] * 2
    server.sleep(0.5)
    assert puts() == b"cmd-put: 3"


def test_no_time_left_of_a_cluster_is_negative() -> None:
    """A job is past its ttr for as long as the server has not looked, which only a clock of one's own can show."""
    told = {}
    for dialect in (NEWEST, FORKS[1]):
        server = Local(dialect)
        server.connect()
        server.say(0, b"put 1 0 1 1\r\na\r\nreserve\r\n")
        job = server.machine.queues.jobs[1]
        server.machine.now += 5 * 10**9
        told[dialect] = re.findall(rb"time-left: .*", server.service.reports.job(job))
    assert told == {NEWEST: [b"time-left: -4"], "cluster": [b"time-left: 0"]}


def test_each_connection_is_with_a_node_of_its_own() -> None:
    with beanops.embedded.serve(dialect="cluster", nodes=3) as address:
        ask(address, b"put 1 0 60 1\r\na\r\n")
        told = [statistics(address) for _ in range(6)]

    for field in ("id", "pid", "hostname"):
        assert len({one[field] for one in told}) == 3, field
        assert [one[field] for one in told[:3]] == [one[field] for one in told[3:]]
    assert {one["current-jobs-ready"] for one in told} == {"1"}


def test_idle_connections_are_closed_but_not_those_that_wait() -> None:
    with beanops.embedded.serve(idle_timeout=0.3) as address, dial(address) as worker:
        worker.sendall(b"reserve\r\n")
        for _ in range(2):
            with dial(address) as idle:
                idle.sendall(b"watch a\r\n")
                assert read_all(idle) == b"WATCHING 2\r\n"
        assert ask(address, b"put 1 0 60 1\r\na\r\n") == b"INSERTED 1\r\n"
        assert worker.recv(100) == b"RESERVED 1 1\r\na\r\n"


def test_connections_beyond_the_most_are_closed_at_once() -> None:
    with beanops.embedded.serve(max_connections=2) as address, dial(address) as first, dial(address) as second:
        for peer in (first, second):
            peer.sendall(b"list-tube-used\r\n")
            assert peer.recv(100) == b"USING default\r\n"
        with dial(address) as third:
            assert read_all(third) == b""
        first.close()
        until(lambda: answers(address))


def answers(address: str) -> bool:
    try:
        return ask(address, b"list-tube-used\r\n") == b"USING default\r\n"
    except ConnectionError:
        return False


def test_a_put_beyond_the_memory_is_refused_until_there_is_room() -> None:
    server = Local(max_memory=10)
    server.connect()
    server.connect()

    assert server.say(0, b"put 1 0 60 8\r\n12345678\r\n") == b"INSERTED 1\r\n"
    assert server.say(0, b"put 1 0 60 3\r\nabc\r\nput 1 0 60 2\r\nab\r\n") == b"OUT_OF_MEMORY\r\nINSERTED 2\r\n"
    assert server.say(1, b"delete 1\r\nput 1 0 60 8\r\n12345678\r\n") == b"DELETED\r\nINSERTED 3\r\n"
