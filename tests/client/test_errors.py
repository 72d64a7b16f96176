"""Every error reply, provoked on a real server where it can be, played by a script where it cannot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from beanops import commands, errors
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from tests.scripted import Scripted
from tests.waits import until


def by_hand(model: Command[Any], data: bytes) -> Command[Any]:
    """Make a command that beanops itself would never write."""
    return Command(model.kind, data)


def test_not_found_is_about_this_command_only(client: Any) -> None:
    for ask in (client.peek, client.stats_job, client.delete, client.kick_job, client.reserve_job, client.touch):
        with pytest.raises(errors.NotFound) as caught:
            ask(999)
        assert caught.value.token == "NOT_FOUND"
        assert caught.value.command.endswith(" 999")
        assert "\n" not in str(caught.value)
    for ask in (client.peek_ready, client.peek_delayed, client.peek_buried):
        with pytest.raises(errors.NotFound):
            ask()
    for wrong in (
        lambda: client.release(999, priority=1),
        lambda: client.bury(999, priority=1),
        lambda: client.bury(999),
        lambda: client.stats_tube("nowhere"),
        lambda: client.pause_tube("nowhere", 1),
    ):
        with pytest.raises(errors.NotFound):
            wrong()
    assert client.list_tubes() == ["default"]


def test_timed_out(client: Any) -> None:
    with pytest.raises(errors.TimedOut, match="reserve-with-timeout 0"):
        client.reserve(timeout=0)
    assert client.put(b"") == 1


def test_deadline_soon(client: Any) -> None:
    client.put(b"", ttr=1)
    job = client.reserve(timeout=0)
    with pytest.raises(errors.DeadlineSoon):
        client.reserve()
    client.delete(job)


def test_not_ignored(client: Any) -> None:
    with pytest.raises(errors.NotIgnored):
        client.ignore("default")
    assert client.list_tubes_watched() == ["default"]


def test_draining(client: Any, beanstalkd: Beanstalkd) -> None:
    id = client.put(b"")
    os.kill(beanstalkd.pid, signal.SIGUSR1)
    until(lambda: client.stats().draining is True)
    with pytest.raises(errors.Draining):
        client.put(b"")
    with pytest.raises(errors.Draining):
        client.put(b"", tube="elsewhere")
    assert client.list_tube_used() == "default"
    client.delete(id)


def test_job_too_big(connect: Any, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    client = connect(start_beanstalkd("-z", "10").address)
    with pytest.raises(errors.JobTooBig):
        client.put(b"x" * 11)
    assert client.put(b"x" * 10) > 0
    client.stats()
    # From here on the limit is known, and nothing is sent.
    with pytest.raises(errors.ArgumentError, match="at most 10 bytes"):
        client.put(b"x" * 11)


def test_expected_crlf(client: Any) -> None:
    # The server takes two bytes for the trailer, refuses, and reads on: it must find a whole command there.
    with pytest.raises(errors.ExpectedCrlf):
        client.execute(by_hand(commands.put(b""), b"put 0 0 10 3\r\nabcde"))
    assert client.stats().current_jobs_ready == 0


def test_bad_format(client: Any) -> None:
    with pytest.raises(errors.BadFormat):
        client.execute(by_hand(commands.delete(1), b"delete x\r\n"))
    with pytest.raises(errors.BadFormat):
        client.execute(by_hand(commands.stats(), b"stats" + b" " * 300 + b"\r\n"))
    assert client.stats().current_jobs_ready == 0


def test_unknown_command(client: Any) -> None:
    with pytest.raises(errors.UnknownCommand):
        client.execute(by_hand(commands.stats(), b"status\r\n"))
    assert client.put(b"") == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [(b"OUT_OF_MEMORY", errors.OutOfMemory), (b"INTERNAL_ERROR", errors.InternalError), (b"BURIED 7", errors.Buried)],
)
def test_what_a_healthy_server_does_not_say(connect: Any, reply: bytes, error: type[errors.ReplyError]) -> None:
    with Scripted(reply + b"\r\n", b"INSERTED 8\r\n") as server:
        client = connect(server.address)
        with pytest.raises(error) as caught:
            client.put(b"x")
        assert getattr(caught.value, "job_id", 7) == 7
        assert ("its disk is full (with -b)" in str(caught.value)) is (error is not errors.InternalError)
        assert client.put(b"x") == 8


def test_release_that_buries_is_an_error(connect: Any) -> None:
    with Scripted(b"BURIED\r\n") as server, pytest.raises(errors.Buried, match="release 3 1 0"):
        connect(server.address).release(3, priority=1)


def test_quit_ends_with_the_connection(client: Any) -> None:
    assert client.execute(commands.quit()) is None
    assert client.closed
    with pytest.raises(errors.ConnectionClosed, match="not connected"):
        client.stats()


@pytest.mark.parametrize(
    "reply",
    [
        b"WHAT 1\r\n",
        b"INSERTED\r\n",
        b"INSERTED one\r\n",
        b"INSERTED 1 2\r\n",
        b"DELETED\r\n",
        b"x" * 5000,
        b"INSERTED 1\r\nINSERTED 2\r\n",
        b"\r\n",
    ],
    ids=lambda reply: repr(reply[:20]),
)
def test_a_server_that_talks_nonsense_is_not_talked_to_again(connect: Any, reply: bytes) -> None:
    with Scripted(reply, hold=True) as server:
        client = connect(server.address)
        with pytest.raises(errors.BeanopsError) as caught:
            [client.put(b"x") for _ in range(2)]
        assert isinstance(caught.value, errors.ProtocolError | errors.ConnectionClosed)
        assert server.address in str(caught.value)
        assert "\n" not in str(caught.value)
        assert client.closed


def test_who_speaks_unasked_is_no_beanstalkd(connect: Any) -> None:
    # The greeting may arrive before the client is connected, or after.
    refused = pytest.raises(errors.BeanopsError, match="220 mail ready")
    with Scripted(hold=True, greeting=b"220 mail ready\r\n") as server, refused:
        connect(server.address).stats()


def test_the_wrong_job_is_no_answer(connect: Any) -> None:
    with Scripted(b"FOUND 6 1\r\nx\r\n", hold=True) as server:
        client = connect(server.address)
        with pytest.raises(errors.ProtocolError, match="'peek 5' with job 6"):
            client.peek(5)
        assert client.closed
