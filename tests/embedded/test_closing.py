"""Connections that end: whoever knows of it finds that the server knows it too, as with the real one."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

import beanops.embedded
from tests.embedded.peers import dial, read_all, reset, statistics
from tests.waits import until


@pytest.fixture(params=["embedded", "real"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of either server: what is said here of one must be true of the other."""
    if request.param == "real":
        yield request.getfixturevalue("beanstalkd").address
    else:
        with beanops.embedded.serve() as address:
            yield address


def close(peer: socket.socket) -> None:
    peer.close()


def shut(peer: socket.socket) -> None:
    """Send no more, and read to the end."""
    peer.shutdown(socket.SHUT_WR)
    read_all(peer)
    peer.close()


def shut_at_once(peer: socket.socket) -> None:
    """Send no more, and wait for nothing."""
    peer.shutdown(socket.SHUT_WR)


LEAVE = [close, reset, shut, shut_at_once]


def say(peer: socket.socket, line: bytes, size: int) -> bytes:
    peer.sendall(line)
    reply = b""
    while len(reply) < size:
        reply += peer.recv(size - len(reply))
    return reply


@pytest.mark.parametrize("leave", LEAVE)
def test_the_job_of_a_worker_that_left_is_ready_for_the_next(
    address: str, leave: Callable[[socket.socket], None]
) -> None:
    reserved = b"RESERVED %d 1\r\na\r\n"
    with dial(address) as boss:
        for job in range(1, 61):
            assert say(boss, b"put 1 0 60 1\r\na\r\n", 10 + len(str(job)) + 1) == b"INSERTED %d\r\n" % job
            worker = dial(address)
            assert say(worker, b"reserve\r\n", len(reserved % job)) == reserved % job
            leave(worker)
            assert say(boss, b"reserve-with-timeout 0\r\n", 11).startswith(b"RESERVED"), job
            read = say(boss, b"delete %d\r\n" % job, len(reserved % job) - 11 + 9)
            assert read.endswith(b"DELETED\r\n")
            worker.close()


@pytest.mark.parametrize("leave", LEAVE)
def test_a_connection_that_left_is_counted_no_more(address: str, leave: Callable[[socket.socket], None]) -> None:
    with dial(address) as boss:
        for _ in range(60):
            peer = dial(address)
            say(peer, b"list-tube-used\r\n", 15)
            leave(peer)
            boss.sendall(b"stats\r\n")
            told = b""
            while not told.endswith(b"\n\r\n"):
                told += boss.recv(65536)
            assert re.search(rb"^current-connections: 1$", told, re.MULTILINE)
            peer.close()


@pytest.mark.parametrize("leave", [close, reset, shut])
def test_a_worker_that_left_while_it_waited_gets_no_job(address: str, leave: Callable[[socket.socket], None]) -> None:
    with dial(address) as boss:
        for job in range(1, 61):
            worker = dial(address)
            worker.sendall(b"reserve\r\n")
            until(lambda: statistics(address)["current-waiting"] == "1")
            leave(worker)
            answers = b"INSERTED %d\r\nRESERVED %d 1\r\na\r\n" % (job, job)
            assert say(boss, b"put 1 0 60 1\r\na\r\nreserve-with-timeout 0\r\n", len(answers)) == answers


@pytest.mark.parametrize("reserve", [b"reserve", b"reserve-with-timeout 60"])
@pytest.mark.parametrize(("leave", "run"), [(close, 1), (reset, 0), (shut, 100)])
def test_of_what_follows_a_reserve_that_waits(
    address: str, reserve: bytes, leave: Callable[[socket.socket], None], run: int
) -> None:
    """Its time-out still can be sent to one that closed, the reply to the next command cannot."""
    worker = dial(address)
    worker.sendall(reserve + b"\r\n" + b"put 1 0 60 1\r\na\r\n" * 100)
    until(lambda: statistics(address)["current-waiting"] == "1")
    leave(worker)

    until(lambda: statistics(address)["current-connections"] == "1")
    assert statistics(address)["cmd-put"] == str(run)


@pytest.mark.parametrize(("leave", "run"), [(close, 0), (shut, 100)])
def test_of_what_follows_a_reserve_in_the_middle(
    address: str, leave: Callable[[socket.socket], None], run: int
) -> None:
    """Replies that were not read turn the close into a reset."""
    worker = dial(address)
    worker.sendall(b"use x\r\n" * 10 + b"reserve\r\n" + b"list-tubes\r\n" * 100)
    until(lambda: statistics(address)["current-waiting"] == "1")
    leave(worker)

    until(lambda: statistics(address)["current-connections"] == "1")
    assert statistics(address)["cmd-list-tubes"] == str(run)


def test_clients_are_accepted_within_a_tenth_of_a_second() -> None:
    """So long do others give a server; on a machine that is busy with other tests, Python itself may need longer."""
    ours, pythons = zip(*((_seconds_to_connect(), _seconds_of_python()) for _ in range(5)), strict=True)

    assert min(ours) < max(0.1, 3 * min(pythons))


def _seconds_of_python() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return time.perf_counter() - begin


def _seconds_to_connect() -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "beanops.embedded", "-p", str(port)], stdout=subprocess.DEVNULL)
    try:
        while time.perf_counter() - begin < 5:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.001)
        return time.perf_counter() - begin
    finally:
        process.kill()
        process.wait()
