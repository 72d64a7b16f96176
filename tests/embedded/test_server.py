"""The server through sockets: many peers, rude peers, and what the statistics say when they are gone."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import beanops.embedded
from beanops import Client
from beanops.embedded.dialects import RELEASES, Dialect
from tests.embedded.peers import ask, dial, read_all, reset, statistics
from tests.waits import until


@pytest.fixture
def address() -> Iterator[str]:
    with beanops.embedded.serve() as address:
        yield address


def test_a_worker_in_another_connection_gets_the_job(address: str) -> None:
    with dial(address) as worker, dial(address) as producer:
        worker.sendall(b"reserve\r\ndelete 1\r\n")
        producer.sendall(b"put 1 0 60 5\r\nhello\r\n")

        replies = b""
        while not replies.endswith(b"DELETED\r\n"):
            replies += worker.recv(100)
        assert replies == b"RESERVED 1 5\r\nhello\r\nDELETED\r\n"


def test_time_passes_by_itself(address: str) -> None:
    assert ask(address, b"reserve-with-timeout 0\r\n") == b"TIMED_OUT\r\n"
    with dial(address) as worker:
        worker.sendall(b"put 1 1 60 1\r\na\r\nreserve-with-timeout 20\r\n")
        assert worker.recv(100) == b"INSERTED 1\r\n"
        assert worker.recv(100) == b"RESERVED 1 1\r\na\r\n"


def test_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "queue"
    with beanops.embedded.serve(f"unix:{path}") as address:
        assert address == f"unix:{path}"
        assert ask(address, b"list-tube-used\r\n") == b"USING default\r\n"
    assert not path.exists()


def test_a_server_leaves_the_socket_of_its_successor_alone(tmp_path: Path) -> None:
    path = f"unix:{tmp_path / 'queue'}"
    first = beanops.embedded.serve(path)
    first.__enter__()
    with beanops.embedded.serve(path):
        ask(path, b"use second\r\nput 1 0 60 1\r\na\r\n")
        first.__exit__(None, None, None)

        assert b"- second\n" in ask(path, b"list-tubes\r\n")


def test_of_several_addresses_the_first_that_can_be_had_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def several(host: str, *arguments: Any, **options: Any) -> list[Any]:
        hosts = ["192.0.2.1", "127.0.0.1"] if host == "queue.example" else [host]  # the first is nobody's, by RFC 5737
        return [found for one in hosts for found in resolve(one, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", several)

    with beanops.embedded.serve("queue.example") as address:
        assert address.startswith("127.0.0.1:")


def test_an_address_in_use_is_an_error(address: str) -> None:
    with pytest.raises(OSError, match="in use"), beanops.embedded.serve(port=int(address.rpartition(":")[2])):
        pass


@pytest.mark.parametrize("dialect", RELEASES)
def test_dialects(dialect: Dialect) -> None:
    with beanops.embedded.serve(dialect=dialect) as address:
        name = b'name: "default"\n' if dialect == "1.13" else b"name: default\n"
        assert name in ask(address, b"stats-tube default\r\n")
        assert statistics(address)["version"].strip('"') == ("1.4.6" if dialect == "1.4" else dialect)


@pytest.mark.parametrize("dialect", ["1.10", "1.11"])
def test_releases_up_to_1_11_have_no_unix_sockets(dialect: Dialect, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="unix sockets"), beanops.embedded.serve(f"unix:{tmp_path}/q", dialect=dialect):
        pass


@pytest.mark.parametrize("seconds", [b"-1", b"-5x", b"4294967295"])
def test_a_negative_timeout_waits_for_ever_with_1_12(seconds: bytes) -> None:
    with beanops.embedded.serve(dialect="1.12") as address, dial(address) as worker:
        worker.sendall(b"reserve-with-timeout %b\r\n" % seconds)
        until(lambda: statistics(address)["current-waiting"] == "1")
        ask(address, b"put 1 0 60 1\r\na\r\n")
        assert worker.recv(100) == b"RESERVED 1 1\r\na\r\n"


def test_a_client_that_never_reads_is_read_no_more(address: str) -> None:
    """It may fill the kernel's buffers and a bounded part of the server's, and others do not notice."""
    ask(address, b"put 1 0 60 60000\r\n" + b"x" * 60000 + b"\r\n")
    with dial(address) as rude:
        rude.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64e6:
                sent += rude.send((b"peek" + b" " * 200 + b"1\r\n") * 1000)
        assert sent < 64e6
        assert int(statistics(address)["cmd-peek"]) < 1000
    until(lambda: statistics(address)["current-connections"] == "1")


def test_a_client_that_reads_late_gets_everything(address: str) -> None:
    ask(address, b"put 1 0 60 1000\r\n" + b"x" * 1000 + b"\r\n")
    with dial(address) as peer:
        writer = threading.Thread(target=peer.sendall, args=(b"peek 1\r\n" * 20_000 + b"quit\r\n",))
        writer.start()
        replies = read_all(peer)
        writer.join()

    assert replies == (b"FOUND 1 1000\r\n" + b"x" * 1000 + b"\r\n") * 20_000


def test_a_busy_client_does_not_starve_others(address: str) -> None:
    with dial(address) as busy, dial(address) as other:
        enough = threading.Event()

        def write() -> None:
            while not enough.is_set():
                busy.sendall(b"stats-job 1\r\n" * 10_000)
            busy.shutdown(socket.SHUT_WR)

        threads = [threading.Thread(target=write), threading.Thread(target=read_all, args=(busy,))]
        for thread in threads:
            thread.start()
        until(lambda: statistics(address)["cmd-stats-job"] != "0")
        for _ in range(20):
            other.sendall(b"list-tube-used\r\n")
            assert other.recv(100) == b"USING default\r\n"
        enough.set()
        for thread in threads:
            thread.join()


def test_a_vanished_worker_does_not_wait_on_whatever_it_had_sent_behind_its_reserve(address: str) -> None:
    peer = dial(address)
    peer.settimeout(0.5)
    peer.sendall(b"reserve\r\n")
    with contextlib.suppress(TimeoutError):
        while True:
            peer.sendall(b"list-tube-used\r\n" * 10_000)
    assert statistics(address)["current-waiting"] == "1"
    reset(peer)

    until(lambda: statistics(address)["current-connections"] == "1")
    assert statistics(address)["current-waiting"] == "0"


def test_a_body_beyond_the_limit_takes_no_memory_and_no_id(address: str) -> None:
    big = b"put 1 0 60 4000000\r\n" + b"x" * 4_000_000 + b"\r\n"

    assert ask(address, big + b"put 1 0 60 1\r\na\r\n") == b"JOB_TOO_BIG\r\nINSERTED 1\r\n"


@pytest.mark.parametrize("seed", range(6))
def test_rude_connections_leave_nothing_behind(address: str, seed: int) -> None:
    rng = random.Random(seed)
    fragments = [
        b"put 1 0 60 5\r\nhello\r\n",
        b"put 1 9 60 5\r\nhello\r\n",
        b"put 1 0 60 50000\r\ncut off",
        b"put 1 0 60 99999999\r\ncut off",
        b"reserve\r\n",
        b"reserve-with-timeout 0\r\n",
        b"reserve-with-timeout 100\r\n",
        b"bury 3 1\r\n",
        b"use a\r\n",
        b"watch b\r\n",
        b"pause-tube a 100\r\n",
        b"kick 5\r\n",
        b"stats\r\n",
        b"quit\r\n",
        b"\r",
        b"x" * 250,
    ]
    for _ in range(60):
        peer = dial(address)
        for _ in range(rng.randint(0, 12)):
            with contextlib.suppress(OSError):
                peer.sendall(rng.choice(fragments) if rng.random() < 0.8 else rng.randbytes(rng.randint(1, 500)))
        leave = rng.choice([reset, socket.socket.close, read_to_the_end])
        leave(peer)

    until(lambda: statistics(address)["current-connections"] == "1")
    left = statistics(address)
    assert {left[f"current-{name}"] for name in ("jobs-reserved", "producers", "workers", "waiting")} == {"0"}
    clear(address)
    left = statistics(address)
    assert {left[f"current-jobs-{state}"] for state in ("urgent", "ready", "reserved", "delayed", "buried")} == {"0"}
    assert left["current-tubes"] == "1"


def read_to_the_end(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_WR)
        read_all(peer)
    peer.close()


def clear(address: str) -> None:
    """Delete all jobs."""
    ask(address, b"".join(b"delete %d\r\n" % job for job in range(1, 2000)))


def test_idle_connections_do_not_disturb_busy_ones(address: str) -> None:
    """As many as the usual limit of open files lets one process hold at both ends; the benchmark takes 1,000."""
    with contextlib.ExitStack() as idle:
        for _ in range(300):
            idle.enter_context(dial(address))
        busy = [idle.enter_context(dial(address)) for _ in range(10)]
        for round_ in range(20):
            for peer in busy:
                peer.sendall(b"put 1 0 60 1\r\na\r\nreserve\r\n")
            for peer in busy:
                replies = b""
                while replies.count(b"\r\n") < 3:
                    replies += peer.recv(1000)
                assert replies.startswith(b"INSERTED"), round_
        assert statistics(address)["current-jobs-reserved"] == "200"


def test_a_job_that_is_delayed_for_136_years_is_waited_for(address: str) -> None:
    with Client(address) as client:
        id = client.put(b"parked", delay=2**32 - 1)
        assert client.stats_job(id).state == "delayed"
        assert client.list_tubes() == ["default"]
