"""Every reply, split at every position, and what broken replies do."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from beanops import commands, errors
from beanops.protocol import Command, Connection
from beanops.protocol.commands import MAX_STATS
from beanops.protocol.connection import MAX_LINE
from beanops.protocol.limits import MAX_BODY
from tests.protocol.transcripts import EXCHANGES, Exchange, ok, same, server_payload

EVERY_COMMAND = {exchange.command.kind.name: exchange.command for exchange in EXCHANGES} | {
    "stats": commands.stats(),
    "quit": commands.quit(),
}


def sent(*given: Command[Any]) -> Connection:
    connection = Connection()
    for command in given:
        assert connection.send(command) == command.data
    return connection


def name(exchange: Exchange) -> str:
    return f"{exchange.command.kind.name}-{exchange.reply[:12]!r}"


@pytest.mark.parametrize("exchange", EXCHANGES, ids=name)
def test_split_at_every_position(exchange: Exchange) -> None:
    for split in range(1, len(exchange.reply)):
        connection = sent(exchange.command)
        assert connection.receive_data(exchange.reply[:split]) == []
        (result,) = connection.receive_data(exchange.reply[split:])
        assert same(result, exchange.result)
        assert connection.error is None
        assert not connection.waiting


@pytest.mark.parametrize("exchange", EXCHANGES, ids=name)
def test_byte_by_byte_between_others(exchange: Exchange) -> None:
    connection = sent(commands.touch(1), exchange.command, commands.kick(1))
    results: list[Any] = []
    for byte in b"TOUCHED\r\n" + exchange.reply + b"KICKED 3\r\n":
        results += connection.receive_data(bytes([byte]))
    assert results[0] is None
    assert same(results[1], exchange.result)
    assert results[2:] == [3]


def test_all_in_one_piece() -> None:
    connection = sent(*(exchange.command for exchange in EXCHANGES))
    results = connection.receive_data(b"".join(exchange.reply for exchange in EXCHANGES))
    assert [same(r, e.result) for r, e in zip(results, EXCHANGES, strict=True)] == [True] * len(EXCHANGES)


@pytest.mark.parametrize("command", EVERY_COMMAND.values(), ids=EVERY_COMMAND)
@pytest.mark.parametrize("error", errors.COMMON, ids=lambda error: error.token)
def test_any_command_may_be_refused(command: Command[Any], error: type[errors.ReplyError]) -> None:
    connection = sent(command)
    (result,) = connection.receive_data(error.token.encode() + b"\r\n")
    assert type(result) is error
    assert result.command == command.line
    assert str(result).startswith(f"{error.token} to '{command.line}': ")
    assert connection.error is None


def test_the_id_of_a_put_that_was_buried() -> None:
    (result,) = sent(commands.put(b"x")).receive_data(b"BURIED 77\r\n")
    assert result.job_id == 77


@pytest.mark.parametrize(
    ("version", "quote"), [(b"1.10", b""), (b"1.11", b""), (b"1.12", b""), (b"1.13", b'"')], ids=str
)
def test_statistics_of_every_version(version: bytes, quote: bytes) -> None:
    reply = ok(server_payload(version, quote))
    for split in (1, 7, 500, len(reply) - 1):
        connection = sent(commands.stats())
        assert connection.receive_data(reply[:split]) == []
        (stats,) = connection.receive_data(reply[split:])
    assert stats.version == version.decode()
    assert (stats.rusage_utime, stats.rusage_stime, stats.hostname, stats.pid) == (0.001234, 12.5, "q-1", 36)
    if version in (b"1.10", b"1.11"):
        assert (stats.draining, stats.os, stats.platform) == (None, None, None)
    else:
        assert (stats.draining, stats.os, stats.platform) == (True, "#1 SMP: Debian 6.1", "x86_64")
    assert dict(stats.extra) == {}


def test_used_and_watched_follow_the_replies_not_the_commands() -> None:
    connection = sent(
        commands.use("a"), commands.watch("b"), commands.ignore("default"), commands.ignore("b"), commands.use("z")
    )
    connection.receive_data(b"USING a\r\nWATCHING 2\r\nWATCHING 1\r\nNOT_IGNORED\r\nOUT_OF_MEMORY\r\n")
    assert (connection.used, connection.watched) == ("a", ["b"])


def test_quit_is_answered_by_the_end() -> None:
    connection = sent(commands.delete(1), commands.quit())
    assert connection.receive_data(b"DELETED\r\n") == [None]
    assert connection.receive_data(b"") == [None]
    assert isinstance(connection.error, errors.ConnectionClosed)


@pytest.mark.parametrize("read", [b"", b"DELE", b"DELETED\r"])
def test_the_end_before_the_answer(read: bytes) -> None:
    connection = sent(commands.delete(5), commands.quit())
    if read:
        assert connection.receive_data(read) == []
    assert connection.receive_data(b"") == []
    assert isinstance(connection.error, errors.ConnectionClosed)
    assert "before it answered 'delete 5'" in str(connection.error)


BROKEN = [
    (commands.put(b""), b"INSERTED\r\n"),
    (commands.put(b""), b"INSERTED 1 2\r\n"),
    (commands.put(b""), b"INSERTED  1\r\n"),
    (commands.put(b""), b"INSERTED -1\r\n"),
    (commands.put(b""), b"INSERTED +1\r\n"),
    (commands.put(b""), b"INSERTED 1.0\r\n"),
    (commands.put(b""), b"INSERTED 1_0\r\n"),
    (commands.put(b""), "INSERTED ١\r\n".encode()),
    (commands.put(b""), b"INSERTED " + b"9" * 21 + b"\r\n"),
    (commands.put(b""), b"inserted 1\r\n"),
    (commands.put(b""), b" INSERTED 1\r\n"),
    (commands.put(b""), b"NOT_FOUND\r\n"),
    (commands.delete(1), b"DELETED 1\r\n"),
    (commands.delete(1), b"\r\n"),
    (commands.delete(1), b"INSERTED 1\r\n"),
    (commands.kick(1), b"KICKED\r\n"),
    (commands.kick_job(1), b"KICKED 1\r\n"),
    (commands.bury(1, priority=1), b"BURIED 1\r\n"),
    (commands.use("a"), b"USING b\r\n"),
    (commands.peek(1), b"FOUND 2 1\r\nx\r\n"),
    (commands.reserve_job(1), b"RESERVED 2 1\r\nx\r\n"),
    (commands.peek(1), b"RESERVED 1 1\r\nx\r\n"),
    (commands.peek(1), b"FOUND 1 1\r\nxy\r\n"),
    (commands.peek(1), b"FOUND 1 1\r\n\r\n\r\n"),
    (commands.peek(1), b"FOUND 1 -1\r\n"),
    (commands.peek(1), b"FOUND 1 x\r\n"),
    (commands.peek(1), b"FOUND 1 \r\n"),
    (commands.peek(1), b"FOUND 1 %d\r\n" % (MAX_BODY + 1)),
    (commands.peek(1), b"FOUND 1 " + b"9" * 200 + b"\r\n"),
    (commands.stats(), b"OK %d\r\n" % (MAX_STATS + 1)),
    (commands.stats(), b"OK 4\r\n---\n\r\n"),
    (commands.stats(), ok(b"---\njunk\n")),
    (commands.stats_job(1), ok(b"---\nid: 1\n")),
    (commands.list_tubes(), ok(b"---\n* a\n")),
    (commands.delete(1), b"x" * (MAX_LINE + 2)),
    (commands.quit(), b"BYE\r\n"),
]


@pytest.mark.parametrize(("command", "reply"), BROKEN, ids=lambda value: repr(value)[:40])
def test_a_broken_reply_poisons(command: Command[Any], reply: bytes) -> None:
    for step in (len(reply), 1, 7):
        connection = sent(commands.touch(9), command, commands.touch(9))
        results: list[Any] = []
        data = b"TOUCHED\r\n" + reply
        for start in range(0, len(data), step):
            results += connection.receive_data(data[start : start + step])
        assert results == [None]
        assert isinstance(connection.error, errors.ProtocolError)
        assert "\n" not in str(connection.error)
        assert len(str(connection.error)) < 300
        assert connection.receive_data(b"TOUCHED\r\n") == []
        with pytest.raises(errors.ConnectionClosed, match="was not sent"):
            connection.send(commands.touch(9))


def test_an_answer_to_what_was_not_all_written_poisons() -> None:
    connection = sent(commands.touch(9), commands.put(b"x" * 100))
    assert connection.receive_data(b"TOUCHED\r\n", unsent=True) == [None]
    assert connection.receive_data(b"INSERTED 1\r\n", unsent=True) == []
    assert isinstance(connection.error, errors.ProtocolError)
    assert "before it had all of 'put 65536 0 60 100'" in str(connection.error)


def test_bytes_that_nobody_asked_for_poison() -> None:
    connection = sent(commands.delete(1))
    assert connection.receive_data(b"DELETED\r\nD") == [None]
    assert isinstance(connection.error, errors.ProtocolError)
    connection = Connection()
    assert connection.receive_data(b"\r\n") == []
    assert isinstance(connection.error, errors.ProtocolError)


def test_a_line_that_never_ends_is_not_kept() -> None:
    connection = sent(commands.delete(1))
    for _ in range(1000):
        connection.receive_data(b"x")
    assert isinstance(connection.error, errors.ProtocolError)
    assert "no end of a line" in str(connection.error)


def test_an_announced_payload_costs_what_has_come_not_what_was_said() -> None:
    connection = sent(commands.peek(1))
    connection.receive_data(b"FOUND 1 %d\r\n" % MAX_BODY)
    tracemalloc.start()
    try:
        for _ in range(200_000):
            connection.receive_data(b"x")
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert connection.error is None
    assert held < 1e6


def test_after_the_fault_nothing_is_kept() -> None:
    connection = sent(commands.delete(1))
    connection.receive_data(b"JUNK\r\n" + b"x" * 100_000)
    tracemalloc.start()
    try:
        for _ in range(100):
            connection.receive_data(b"x" * 100_000)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 200_000


def test_what_is_no_command_is_not_noted() -> None:
    connection = Connection()
    with pytest.raises(AttributeError):
        connection.send(b"stats\r\n")  # type: ignore[arg-type]
    assert not connection.waiting


def test_the_longest_line_may_be_split_before_its_last_byte() -> None:
    line = b"USING " + b"x" * (MAX_LINE - 6) + b"\r\n"
    connection = sent(commands.list_tube_used())
    assert connection.receive_data(line[:-1]) == []
    assert connection.receive_data(line[-1:]) == ["x" * (MAX_LINE - 6)]
