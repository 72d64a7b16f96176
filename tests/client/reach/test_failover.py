"""Several addresses of one server, with both clients: which answers, and that nothing is executed twice."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from beanops import Reach, commands, errors
from beanops.client.reading import ReadingClient
from beanops.embedded.process import Beanstalkd, free_port
from tests.client.adapter import Connector
from tests.proxies import Proxy
from tests.scripted import Scripted
from tests.waits import PATIENCE


@contextmanager
def frozen(server: Beanstalkd) -> Iterator[None]:
    """Stop a server: its system still takes connections."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_the_first_that_answers(connect: Connector, beanstalkd: Beanstalkd) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    client = connect(Reach.of(nobody, beanstalkd.address))
    assert (str(client.address), str(client.endpoint)) == (nobody, beanstalkd.address)
    assert client.put(b"x") == 1
    assert repr(client) == f"<{connect.kind} {nobody} by {beanstalkd.address}>"


def test_one_that_takes_connections_and_does_not_answer(
    connect: Connector, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    first, second = start_beanstalkd(), start_beanstalkd()
    with frozen(first):
        client = connect(Reach.of(first.address, second.address), connect_timeout=1)
        assert str(client.endpoint) == second.address
    client.reconnect()
    assert str(client.endpoint) == first.address


def test_none_that_answers(connect: Connector) -> None:
    with Scripted(b"HTTP/1.1 200 OK\r\n\r\n") as other:
        nobody = f"127.0.0.1:{free_port()}"
        with pytest.raises(errors.ConnectFailed) as caught:
            connect(Reach.of(nobody, other.address))
    assert f"{nobody}: Connection refused; {other.address}: an HTTP server" in str(caught.value)


def test_they_share_the_time(connect: Connector) -> None:
    with Scripted(hold=True) as silent:
        started = time.monotonic()
        with pytest.raises(errors.ConnectFailed, match="no answer to 'list-tube-used'"):
            connect(Reach.of(*[silent.address] * 10), connect_timeout=0.5)
        assert time.monotonic() - started < PATIENCE / 4


def test_one_that_sends_a_byte_now_and_then(connect: Connector, beanstalkd: Beanstalkd) -> None:
    """It is not frozen, and it never ends the line of its answer."""
    ended = threading.Event()

    def dribble(listener: socket.socket) -> None:
        with suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                while not ended.wait(0.1):
                    peer.send(b"U")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        slow = threading.Thread(target=dribble, args=(listener,))
        slow.start()
        reach = Reach.of(f"127.0.0.1:{listener.getsockname()[1]}", beanstalkd.address)
        started = time.monotonic()
        client = connect(reach, connect_timeout=1)
        assert str(client.endpoint) == beanstalkd.address
        assert time.monotonic() - started < PATIENCE / 4
        ended.set()
        slow.join()


def test_a_command_that_may_have_been_executed_is_not_sent_again(
    connect: Connector, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd()
    with Proxy(server.port) as proxy:
        client = connect(Reach.of(proxy.address, server.address))
        proxy.held = True  # the server executes it, and its answer never comes
        getattr(client, "inner", client).read_timeout = 0.2
        with pytest.raises(errors.ConnectionLost):
            list(client.pipeline(commands.put(b"x") for _ in range(5)))
        proxy.away = True
        client.reconnect()
        getattr(client, "inner", client).read_timeout = PATIENCE
        assert str(client.endpoint) == server.address
        assert client.stats().total_jobs == 5


def test_reading_goes_on_at_the_next(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    first, second = start_beanstalkd(), start_beanstalkd()
    with ReadingClient(Reach.of(first.address, second.address)) as client:
        before = client.stats().id
        first.stop()
        assert client.stats().id != before
        assert str(client.endpoint) == second.address
