"""TLS at the level of bytes: cut anywhere, damaged, cut off, ended on one side, and never read."""

from __future__ import annotations

import contextlib
import random
import re
import select
import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest

import beanops.embedded
from beanops.embedded.sockets.tls import TlsStream, server_context
from tests.certificates import Certificates
from tests.embedded.peers import dial, reset
from tests.embedded.test_like_real import Actor
from tests.embedded.test_listeners import exchange, secure, statistics
from tests.waits import PATIENCE, until

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Sealed:
    """A client whose bytes a test has in its hands before they are sent."""

    def __init__(self, peer: socket.socket, context: ssl.SSLContext) -> None:
        self.peer = peer
        peer.settimeout(PATIENCE)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")

    def shake(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
                self.peer.sendall(self._outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.peer.sendall(self._outgoing.read())
                self._incoming.write(self.peer.recv(65536))

    def seal(self, data: bytes) -> bytes:
        while data:
            data = data[self.tls.write(data) :]
        return self._outgoing.read()

    def seal_end(self) -> bytes:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._outgoing.read()

    def receive(self, size: int = 65536) -> bool:
        """Take in what there is of the server's bytes, at most so many; return whether it has not closed."""
        data = self.peer.recv(size)
        self._incoming.write(data)
        return bool(data)

    def opened(self) -> bytes:
        chunks = []
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while chunk := self.tls.read(65536):
                chunks.append(chunk)
        return b"".join(chunks)


@pytest.fixture
def tls(certificates: Certificates) -> Iterator[str]:
    with beanops.embedded.serve(tls_cert=certificates.server) as address:
        yield address


def sealed(address: str, context: ssl.SSLContext) -> Sealed:
    client = Sealed(dial(address.removeprefix("beanstalks://")), context)
    client.shake()
    return client


def plainly(data: bytes) -> bytes:
    """Return what a server without TLS answers."""
    with beanops.embedded.serve() as address:
        return exchange(dial(address), data)


def timeless(replies: bytes) -> bytes:
    return re.sub(rb"^OK \d+|^id: [0-9a-f]{16}$|^(rusage-[us]time|uptime|age): .*$", b"", replies, flags=re.MULTILINE)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(4))
def test_however_it_is_cut_the_answers_are_those_without_tls(
    tls: str, certificates: Certificates, version: str, seed: int
) -> None:
    rng, actor = random.Random(seed), Actor(seed)
    asked = b"".join(filter(lambda line: line != b"reserve\r\n", (actor.command() for _ in range(400))))
    context = certificates.context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    client = sealed(tls, context)
    client.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    pieces, rest = [], client.seal(asked[:5000]) + client.seal(asked[5000:] + b"quit\r\n")
    while rest:
        size = rng.choice([1, 2, 5, 6, 100, 16384, 50000])
        pieces.append(rest[:size])
        rest = rest[size:]
    told = b""
    with client.peer:
        while True:
            readable, writable, _ = select.select([client.peer], [client.peer] if pieces else [], [], PATIENCE)
            if writable:
                client.peer.sendall(pieces.pop(0))
            if readable:
                if not client.receive(rng.choice([1, 100, 65536])):
                    break
                told += client.opened()
    assert timeless(told) == timeless(plainly(asked))


@pytest.mark.parametrize("seed", range(5))
def test_damaged_bytes_end_the_connection_and_free_its_jobs(tls: str, certificates: Certificates, seed: int) -> None:
    client = sealed(tls, certificates.context())
    client.peer.sendall(client.seal(b"put 1 0 60 1\r\na\r\nreserve\r\n"))
    until(lambda: statistics(secure(tls, certificates.context()))["current-jobs-reserved"] == "1")
    damaged = bytearray(client.seal(b"delete 1\r\n"))
    damaged[random.Random(seed).randrange(5, len(damaged))] ^= 1 << random.Random(seed).randrange(8)
    client.peer.sendall(damaged)

    until(lambda: statistics(secure(tls, certificates.context()))["current-connections"] == "1")
    told = statistics(secure(tls, certificates.context()))
    assert (told["current-jobs-ready"], told["current-jobs-reserved"]) == ("1", "0")
    client.peer.close()


def test_a_client_that_ends_its_side_of_tls_still_gets_its_answers(tls: str, certificates: Certificates) -> None:
    client = sealed(tls, certificates.context())
    with client.peer:
        client.peer.sendall(client.seal(b"put 1 0 60 1\r\na\r\nreserve\r\nreserve\r\n") + client.seal_end())
        while client.receive():
            pass
    told = client.opened()
    # As without TLS: the second reserve need not wait for one that says nothing more.
    assert told == b"INSERTED 1\r\nRESERVED 1 1\r\na\r\nTIMED_OUT\r\n"


@pytest.mark.parametrize("seed", range(3))
def test_rude_connections_leave_nothing_behind_through_tls_and_token(certificates: Certificates, seed: int) -> None:
    rng = random.Random(seed)
    with beanops.embedded.serve(tls_cert=certificates.server, auth_token="t") as address:
        for _ in range(40):
            peer = dial(address.removeprefix("beanstalks://"))
            kind = rng.randrange(4)
            if kind == 0:
                peer.sendall(rng.randbytes(rng.randint(1, 600)))
            elif kind == 1:
                hello, _ = hello_of(certificates)
                peer.sendall(hello[: rng.randint(1, len(hello))])
            else:
                client = Sealed(peer, certificates.context())
                client.shake()
                data = client.seal(b"auth t\r\n" * (kind == 3) + rng.choice([b"stats\r\n", b"reserve\r\n", b"put 1 0"]))
                peer.sendall(data[: rng.randint(1, len(data))])
            rng.choice([reset, socket.socket.close])(peer)
        until(
            lambda: (
                b"\ncurrent-connections: 1\n"
                in exchange(secure(address, certificates.context()), b"auth t\r\nstats\r\n")
            )
        )


def hello_of(certificates: Certificates) -> tuple[bytes, ssl.SSLObject]:
    """Return the first bytes of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certificates.context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read(), tls


def test_questions_of_tls_itself_that_are_never_read_end_the_connection(certificates: Certificates) -> None:
    """Each renegotiation that is asked for with TLS 1.2 is refused with a few bytes; nobody may pile them up."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    ours.setblocking(False)
    stream = TlsStream(ours, server_context(str(certificates.server), None, None, "1.2"))
    with ours, theirs:
        stream._sealed = memoryview(bytes(1 << 20))
        with contextlib.suppress(BlockingIOError):
            stream.flush()
        assert stream.unsent
        stream._outgoing.write(bytes(10))
        with pytest.raises(ConnectionResetError, match="too many"):
            stream.receive()


def test_renegotiation_is_refused(tls: str, certificates: Certificates) -> None:
    place = tls.removeprefix("beanstalks://")
    done = subprocess.run(
        ["openssl", "s_client", "-connect", place, "-tls1_2", "-CAfile", certificates.ca],
        input=b"R\n",
        capture_output=True,
        timeout=PATIENCE,
    )
    assert b"RENEGOTIATING" in done.stdout + done.stderr
    assert b"no renegotiation" in done.stderr
