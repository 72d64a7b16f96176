"""Listeners with TLS and tokens: who gets in, what the others read, and that nobody holds up anybody."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

import beanops.embedded
from tests.certificates import Certificates
from tests.embedded.peers import dial, read_all
from tests.waits import PATIENCE, until


def secure(address: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Connect with TLS."""
    return context.wrap_socket(dial(address.removeprefix("beanstalks://")), server_hostname="127.0.0.1")


def exchange(peer: socket.socket, data: bytes) -> bytes:
    """Send everything, and return what comes until the server closes."""
    with peer:
        peer.sendall(data + b"quit\r\n")
        return read_all(peer)


def statistics(peer: socket.socket) -> dict[str, str]:
    told = exchange(peer, b"stats\r\n").decode("ascii")
    return dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)


@pytest.fixture
def tls(certificates: Certificates) -> Iterator[str]:
    with beanops.embedded.serve(tls_cert=certificates.server) as address:
        yield address


@pytest.fixture(params=["1.2", "1.3"])
def context(request: pytest.FixtureRequest, certificates: Certificates) -> ssl.SSLContext:
    """Give each version of TLS."""
    context = certificates.context()
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[request.param]
    context.minimum_version = context.maximum_version = version
    return context


def test_commands_through_tls(tls: str, context: ssl.SSLContext) -> None:
    assert tls.startswith("beanstalks://127.0.0.1:")
    said = exchange(secure(tls, context), b"put 1 0 60 5\r\nhello\r\nreserve\r\ndelete 1\r\n")
    assert said == b"INSERTED 1\r\nRESERVED 1 5\r\nhello\r\nDELETED\r\n"


def test_tls_says_its_goodbye(tls: str, context: ssl.SSLContext) -> None:
    """Without it a client that is strict takes the end for an attack."""
    peer = context.wrap_socket(
        dial(tls.removeprefix("beanstalks://")), server_hostname="127.0.0.1", suppress_ragged_eofs=False
    )
    assert exchange(peer, b"list-tube-used\r\n") == b"USING default\r\n"


def test_an_older_version_than_the_least_is_refused(certificates: Certificates) -> None:
    old = certificates.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with beanops.embedded.serve(tls_cert=certificates.server, tls_min_version="1.3") as address:
        with pytest.raises(ssl.SSLError, match="VERSION"):
            secure(address, old)
        assert exchange(secure(address, certificates.context()), b"watch a\r\n") == b"WATCHING 2\r\n"


def test_a_client_certificate_is_required(certificates: Certificates) -> None:
    with beanops.embedded.serve(tls_cert=certificates.server, tls_client_ca=certificates.ca) as address:
        for client in (None, certificates.stranger):
            peer = secure(address, certificates.context(client))
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                exchange(peer, b"stats\r\n")
        known = secure(address, certificates.context(certificates.client))
        assert statistics(known)["total-connections"] == "1"  # the others were never clients of the queue


@pytest.mark.parametrize("hello", [b"stats\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 70000])
def test_what_does_not_speak_tls_is_closed(tls: str, hello: bytes, certificates: Certificates) -> None:
    with dial(tls.removeprefix("beanstalks://")) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(hello)
        with contextlib.suppress(ConnectionResetError):
            assert b"\r\n" not in read_all(peer)
    assert statistics(secure(tls, certificates.context()))["current-connections"] == "1"


@pytest.fixture(params=["plain", "tls"])
def guarded(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Any]:
    """Give what connects to a server that wants a token."""
    cert = certificates.server if request.param == "tls" else None
    with beanops.embedded.serve(tls_cert=cert, auth_token="s3cret") as address:
        yield lambda: secure(address, certificates.context()) if cert else dial(address)


def test_a_token_lets_in(guarded: Any) -> None:
    assert exchange(guarded(), b"auth s3cret\r\nput 1 0 60 1\r\na\r\n") == b"AUTHENTICATED\r\nINSERTED 1\r\n"
    with guarded() as slow:
        for byte in b"auth s3cret\r\n":
            slow.sendall(bytes([byte]))
        assert slow.recv(100) == b"AUTHENTICATED\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"auth wrong\r\n",
        b"auth s3cret \r\n",
        b"auth\r\n",
        b"auth \r\n",
        b"AUTH s3cret\r\n",
        b"stats\r\n",
        b"put 1 0 60 1\r\na\r\nauth s3cret\r\n",
        b"\r\nauth s3cret\r\n",
        b"x" * 100_000,
        b"auth " + b"s3cret" * 10_000 + b"\r\n",
    ],
)
def test_whoever_has_no_token_is_told_and_closed(guarded: Any, data: bytes) -> None:
    with guarded() as peer:
        with contextlib.suppress(OSError):
            peer.sendall(data)
        assert read_all(peer) == b"UNAUTHORIZED\r\n"
    told = exchange(guarded(), b"auth s3cret\r\nstats\r\n")
    assert b"\ntotal-connections: 1\n" in told
    assert b"\ntotal-jobs: 0\n" in told


def test_without_tokens_auth_is_unknown() -> None:
    with beanops.embedded.serve() as address:
        assert exchange(dial(address), b"auth x\r\n") == b"UNKNOWN_COMMAND\r\n"


def test_those_that_do_not_come_in_hold_nobody_up_and_are_dropped(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.embedded.sockets.entrance.PATIENCE", 0.5)
    with beanops.embedded.serve(tls_cert=certificates.server, auth_token="t") as address:
        idle = [dial(address.removeprefix("beanstalks://")) for _ in range(20)]
        half = secure(address, certificates.context())
        idle[0].sendall(b"\x16\x03\x01\x02\x00\x01")
        begin = time.monotonic()
        assert exchange(secure(address, certificates.context()), b"auth t\r\nwatch a\r\n").endswith(b"WATCHING 2\r\n")
        assert time.monotonic() - begin < PATIENCE
        for peer in [*idle, half]:
            assert read_all(peer) == b""
            peer.close()


def test_a_client_that_reads_late_gets_everything_through_tls(tls: str, context: ssl.SSLContext) -> None:
    with secure(tls, context) as peer:
        peer.sendall(b"put 1 0 60 60000\r\n" + b"x" * 60000 + b"\r\n")
        assert peer.recv(100) == b"INSERTED 1\r\n"
        peer.sendall(b"peek 1\r\n" * 500 + b"quit\r\n")
        replies = read_all(peer)
    assert replies == (b"FOUND 1 60000\r\n" + b"x" * 60000 + b"\r\n") * 500


def test_a_client_that_never_reads_is_read_no_more_through_tls(tls: str, certificates: Certificates) -> None:
    with secure(tls, certificates.context()) as rude:
        rude.sendall(b"put 1 0 60 60000\r\n" + b"x" * 60000 + b"\r\n")
        rude.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64e6:
                sent += rude.send((b"peek" + b" " * 200 + b"1\r\n") * 1000)
        assert sent < 64e6
        assert int(statistics(secure(tls, certificates.context()))["cmd-peek"]) < 1000
    until(lambda: statistics(secure(tls, certificates.context()))["current-connections"] == "1")


def test_a_body_of_many_megabytes_goes_through_tls_both_ways(certificates: Certificates) -> None:
    body = random.Random(1).randbytes(5_000_000)
    with (
        beanops.embedded.serve(tls_cert=certificates.server, max_job_size=10_000_000) as address,
        secure(address, certificates.context()) as peer,
    ):
        # No two threads: a socket of ssl breaks when one reads while the other writes.
        peer.sendall(b"put 1 0 60 %d\r\n%b\r\npeek 1\r\nquit\r\n" % (len(body), body))
        told = read_all(peer)
    assert told == b"INSERTED 1\r\nFOUND 1 %d\r\n%b\r\n" % (len(body), body)
