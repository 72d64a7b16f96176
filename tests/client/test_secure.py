"""Both clients over TLS and with a token: what holds in plain text holds there, also when the server fails."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from beanops import Client, Reach, commands, errors
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from tests.certificates import Certificates
from tests.proxies import Proxy
from tests.waits import PATIENCE, until

TOKEN = "s3cret"


class Guarded(NamedTuple):
    """A server that wants TLS, or a client certificate and a token too, and how it is reached."""

    server: Beanstalkd
    reach: Reach
    restart: Callable[[], Beanstalkd]

    def at(self, address: str) -> Reach:
        """Return how it is reached by another address."""
        return self.reach._replace(addresses=Reach.of(f"beanstalks://{address}").addresses)


@pytest.fixture(params=["tls", "tls, certificate and token"])
def guarded(
    request: pytest.FixtureRequest,
    start_beanstalkd: Callable[..., Beanstalkd],
    certificates: Certificates,
    tmp_path: Path,
) -> Guarded:
    how = request.param
    flags = ("--tls-client-ca", str(certificates.ca)) if "certificate" in how else ()
    options: dict[str, Any] = {"tls": certificates, "token": TOKEN if "token" in how else None}
    server = start_beanstalkd(*flags, **options)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    shown = {"tls_cert": str(certificates.client), "token_file": str(tmp_path / "token")} if "token" in how else {}
    reach = Reach.of(server.address, tls_ca=str(certificates.ca), **shown)
    return Guarded(server, reach, lambda: start_beanstalkd(*flags, port=server.port, **options))


@pytest.fixture
def kind() -> str:
    """Only the embedded server listens so."""
    return "embedded"


def test_results_stay_in_order(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    ids = list(client.pipeline(commands.put(b"%d" % n) for n in range(5000)))
    assert ids == list(range(1, 5001))
    bodies = [job.body for job in client.pipeline(commands.peek(id) for id in reversed(ids))]
    assert bodies == [b"%d" % n for n in reversed(range(5000))]


def test_large_bodies_both_ways_without_deadlock(guarded: Guarded, connect: Any) -> None:
    """Many more bytes than any buffer on the way takes, sent while as many come back."""
    body = random.Random(1).randbytes(60_000)
    client = connect(guarded.reach)
    first = client.put(body)
    mixed = (commands.put(body) if n % 2 else commands.peek(first) for n in range(400))
    results = list(client.pipeline(mixed))
    assert results[0::2] == [(first, body)] * 200
    assert sorted(results[1::2]) == list(range(first + 1, first + 201))


def test_left_in_the_middle_and_used_again(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    id = client.put(b"x" * 60_000)
    with closing(client.pipeline(commands.peek(id) for _ in range(500))) as results:
        assert [job.id for job in islice(results, 2)] == [id] * 2
    assert client.stats().total_jobs == 1


def test_a_reserve_that_waits_gets_the_job_of_another(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    with Client(guarded.reach) as other:
        producer = threading.Thread(target=lambda: (waited(other), other.put(b"hello")))
        producer.start()
        assert client.reserve(timeout=round(PATIENCE)).body == b"hello"
        producer.join()


def waited(client: Client) -> None:
    until(lambda: client.stats().current_waiting == 1)


def test_closing_ends_a_reserve_that_waits(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    with Client(guarded.reach) as other:
        closer = threading.Thread(target=lambda: (waited(other), client.close()))
        closer.start()
        with pytest.raises(errors.ConnectionClosed):
            client.reserve()
        closer.join()
        until(lambda: other.stats().current_waiting == 0)


def test_a_server_that_is_killed_in_a_pipeline_and_comes_back(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    client.watch("a")
    seen: list[int] = []

    def kill_later() -> Iterator[Command[int]]:
        while True:
            if len(seen) >= 1000:
                os.kill(guarded.server.pid, signal.SIGKILL)
            yield commands.put(b"x" * 1000)

    with pytest.raises(errors.ConnectionLost):
        deque(map(seen.append, client.pipeline(kill_later())))
    assert seen == list(range(1, len(seen) + 1))
    guarded.server.stop()
    with pytest.raises(errors.ConnectFailed):
        client.reconnect()
    guarded.restart()
    client.reconnect()
    assert client.list_tubes_watched() == ["default", "a"]
    assert client.put(b"y") == 1


def test_a_frozen_server_is_not_waited_for_without_end(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach, read_timeout=0.3)
    os.kill(guarded.server.pid, signal.SIGSTOP)
    try:
        with pytest.raises(errors.ReadTimeout):
            client.stats()
        begin = time.monotonic()
        with pytest.raises(errors.BeanopsError) as caught:
            connect(guarded.reach, connect_timeout=0.3, read_timeout=0.3)
        assert isinstance(caught.value, errors.ConnectFailed)
        assert time.monotonic() - begin < PATIENCE
    finally:
        os.kill(guarded.server.pid, signal.SIGCONT)
    until(lambda: comes_back(client))
    assert client.stats().total_jobs == 0


def comes_back(client: Any) -> bool:
    try:
        client.reconnect()
    except errors.ConnectFailed:
        return False
    return True


def test_a_network_that_cuts_never_shifts_a_reply(guarded: Guarded, connect: Any) -> None:
    rng = random.Random(1)
    with Proxy(guarded.server.port) as proxy:
        client = connect(guarded.at(proxy.address))
        ids = list(client.pipeline(commands.put(b"%d" % n * 500) for n in range(100)))
        for _ in range(5):
            cut_after, seen = rng.randrange(60), 0
            try:
                for id, job in zip(ids, client.pipeline(commands.peek(id) for id in ids), strict=False):
                    assert (job.id, job.body[: len(str(id - 1))]) == (id, b"%d" % (id - 1))
                    seen += 1
                    if seen == cut_after:
                        proxy.drop()
                assert client.peek(ids[7]).id == ids[7]
            except (errors.ConnectionLost, errors.ConnectionClosed):
                client.reconnect()


def test_it_keeps_no_secret_where_one_can_be_read(guarded: Guarded, connect: Any) -> None:
    client = connect(guarded.reach)
    shown = f"{client!r} {client.reach} {client.reach!r}"
    os.kill(guarded.server.pid, signal.SIGKILL)
    with pytest.raises(errors.ConnectionLost) as caught:
        client.stats()
    assert TOKEN not in f"{shown} {caught.value!r} {caught.value}"
