"""TLS, with both clients: on the embedded server's own listener, and on a stunnel before the real one."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Reach, commands, errors
from beanops.embedded.process import Beanstalkd, free_port
from tests.certificates import Certificates
from tests.client.adapter import Connector
from tests.scripted import Scripted
from tests.waits import PATIENCE


@pytest.fixture
def server(start_tls: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that speaks TLS."""
    return start_tls("-z", "1000000")


def trusting(address: str, certificates: Certificates, **options: Any) -> Reach:
    return Reach.of(address, tls_ca=str(certificates.ca), **options)


def refusal(connect: Connector, reach: Reach | str, patience: float = PATIENCE) -> str:
    """Return the one line of a connection, or of its first command, that fails."""
    with pytest.raises(errors.BeanopsError) as caught:
        connect(reach, connect_timeout=patience).stats()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_commands_and_reconnects(connect: Connector, server: Beanstalkd, certificates: Certificates) -> None:
    client = connect(trusting(server.address, certificates))
    assert client.address.tls
    client.use("mail")
    for body in (b"", b"\r\n", b"x" * 16_384, b"y" * 900_000):
        assert client.peek(client.put(body)).body == body
    client.reconnect()
    assert client.list_tube_used() == "mail"
    assert client.stats().total_connections == client.stats().current_connections + 2  # the one that saw it start


def test_long_pipelines_both_ways(connect: Connector, server: Beanstalkd, certificates: Certificates) -> None:
    client = connect(trusting(server.address, certificates))
    ids = list(client.pipeline(commands.put(b"x" * 20_000) for _ in range(1_000)))
    bodies = [job.body for job in client.pipeline(map(commands.peek, ids))]
    assert bodies == [b"x" * 20_000] * 1_000


def test_through_stunnel(connect: Connector, stunnel: str, certificates: Certificates) -> None:
    client = connect(trusting(stunnel, certificates))
    ids = list(client.pipeline(commands.put(b"%d" % number) for number in range(3_000)))
    assert list(client.pipeline(map(commands.delete, ids))) == [None] * 3_000
    client.reconnect()
    with pytest.raises(errors.TimedOut):
        client.reserve(timeout=0)


def test_close_ends_a_reserve_that_waits(server: Beanstalkd, certificates: Certificates) -> None:
    client = Client(trusting(server.address, certificates))
    ended: list[Exception] = []

    def wait() -> None:
        try:
            client.reserve()
        except errors.BeanopsError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    with Client(trusting(server.address, certificates)) as other:
        while not other.stats().current_waiting:
            time.sleep(0.005)
    client.close()
    waiting.join(PATIENCE)
    assert "closed by close()" in str(ended[0])


def test_threads_share_a_client(server: Beanstalkd, certificates: Certificates) -> None:
    with Client(trusting(server.address, certificates)) as client:
        threads = [threading.Thread(target=lambda: [client.put(b"x" * 5000) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert client.stats().current_jobs_ready == 200


def test_the_end_of_the_server_is_noticed(connect: Connector, server: Beanstalkd, certificates: Certificates) -> None:
    client = connect(trusting(server.address, certificates))
    client.put(b"x")
    server.stop()
    with pytest.raises(errors.ConnectionClosed, match="the server closed the connection"):
        client.stats()


@pytest.mark.parametrize(
    ("cert", "complaint"),
    [
        ("expired", "certificate has expired"),
        ("elsewhere", "IP address mismatch, certificate is not valid for '127.0.0.1'; set tls_server_name"),
    ],
)
def test_certificates_that_are_refused(
    connect: Connector, start_tls: Callable[..., Beanstalkd], certificates: Certificates, cert: str, complaint: str
) -> None:
    server = start_tls(cert=getattr(certificates, cert))
    assert complaint in refusal(connect, trusting(server.address, certificates))


def test_a_name_other_than_that_of_the_address(
    connect: Connector, start_tls: Callable[..., Beanstalkd], certificates: Certificates
) -> None:
    server = start_tls(cert=certificates.elsewhere)
    assert connect(trusting(server.address, certificates, tls_server_name="queue.example.org")).put(b"x") == 1


def test_a_ca_that_is_not_trusted(connect: Connector, server: Beanstalkd, certificates: Certificates) -> None:
    for reach in (Reach.of(server.address), Reach.of(server.address, tls_ca=str(certificates.other_ca))):
        assert "certificate is not trusted" in refusal(connect, reach)
        assert "tls_ca" in refusal(connect, reach)


def test_certificates_of_clients(
    connect: Connector, start_tls: Callable[..., Beanstalkd], certificates: Certificates
) -> None:
    server = start_tls("--tls-client-ca", str(certificates.ca), client=certificates.client)
    reach = trusting(server.address, certificates, tls_cert=str(certificates.client))
    assert connect(reach).put(b"x") == 1
    assert "requires a client certificate; set tls_cert" in refusal(connect, trusting(server.address, certificates))
    stranger = trusting(server.address, certificates, tls_cert=str(certificates.stranger))
    assert "refused the client certificate" in refusal(connect, stranger)


def test_versions_that_do_not_meet(
    connect: Connector, start_tls: Callable[..., Beanstalkd], certificates: Certificates
) -> None:
    server = start_tls("--tls-min-version", "1.3")
    assert connect(trusting(server.address, certificates, tls_min_version="1.3")).put(b"x") == 1
    with pytest.raises(errors.UsageError, match=r"tls_min_version must be one of 1\.2, 1\.3, not '1\.1'"):
        trusting(server.address, certificates, tls_min_version="1.1")


def test_tls_to_a_server_that_speaks_none(
    connect: Connector, beanstalkd: Beanstalkd, certificates: Certificates
) -> None:
    """Beanstalkd waits for the end of what it takes for a command; others answer in their own words."""
    reach = trusting(f"beanstalks://{beanstalkd.address}", certificates)
    assert "no TLS handshake in time; does the server speak TLS there?" in refusal(connect, reach, 0.3)
    with Scripted(b"BAD_FORMAT\r\n") as plain:
        reach = trusting(f"beanstalks://{plain.address}", certificates)
        assert "the server answered without TLS" in refusal(connect, reach)


def test_no_tls_to_a_server_that_speaks_it(
    connect: Connector, server: Beanstalkd, stunnel: str, certificates: Certificates
) -> None:
    for address in (server.address, stunnel):
        assert "use beanstalks://" in refusal(connect, address.removeprefix("beanstalks://"))


def test_an_alert_of_tls_is_known(connect: Connector) -> None:
    with Scripted(b"\x15\x03\x03\x00\x02\x02\x0a", hold=True) as server:
        assert "the server speaks TLS there; use beanstalks://" in refusal(connect, server.address)


def test_an_answer_of_http_is_known(connect: Connector) -> None:
    with Scripted(b"HTTP/1.1 400 Bad Request\r\nServer: proxy\r\n\r\n") as server:
        assert "an HTTP server or proxy answered" in refusal(connect, server.address)


def test_a_handshake_that_is_never_answered(connect: Connector, certificates: Certificates) -> None:
    with Scripted(hold=True) as silent:
        started = time.monotonic()
        assert "no TLS handshake in time" in refusal(connect, f"beanstalks://{silent.address}", 0.2)
        assert time.monotonic() - started < PATIENCE / 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"tls_ca": "none.pem"}, r"none\.pem \(tls_ca\): No such file"),
        ({"tls_cert": "none.pem"}, r"none\.pem \(tls_cert\): No such file"),
        ({"tls_ca": "empty.pem"}, "no certificate in .*empty.pem"),
        ({"tls_cert": "empty.pem"}, "no certificate and unencrypted key in .*empty.pem"),
        ({"tls_cert": "CLIENT", "tls_key": "STRANGER"}, "the key does not belong to the certificate"),
    ],
)
def test_files_that_cannot_be_used(
    connect: Connector, certificates: Certificates, tmp_path: Path, options: dict[str, str], complaint: str
) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    known = {"CLIENT": str(certificates.client), "STRANGER": str(certificates.stranger)}
    files = {name: known.get(file, str(tmp_path / file)) for name, file in options.items()}
    with Scripted(hold=True) as silent, pytest.raises(errors.ConnectFailed, match=complaint):
        connect(Reach.of(f"beanstalks://{silent.address}", **files))


def test_a_renewed_certificate_is_read_again(
    start_tls: Callable[..., Beanstalkd], certificates: Certificates, tmp_path: Path
) -> None:
    server = start_tls()
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificates.other_ca.read_bytes())
    reach = Reach.of(server.address, tls_ca=str(trusted))
    with pytest.raises(errors.ConnectFailed, match="not trusted"):
        Client(reach)
    trusted.write_bytes(certificates.ca.read_bytes() + b"\n")
    Client(reach).close()


def test_options_without_tls_are_refused() -> None:
    with pytest.raises(errors.UsageError, match="tls_ca needs an address that begins with beanstalks://"):
        Reach.of("queue", tls_ca="ca.pem")
    with pytest.raises(errors.UsageError, match="tls_key needs tls_cert"):
        Reach.of("beanstalks://queue", tls_key="key.pem")
    with pytest.raises(errors.UsageError, match="tls_verify is unknown; known are tls_ca, "):
        Reach.of("beanstalks://queue", tls_verify="no")


def test_a_reach_pickles(certificates: Certificates) -> None:
    reach = trusting(f"beanstalks://127.0.0.1:{free_port()}", certificates, token_command="print-token secret")
    assert pickle.loads(pickle.dumps(reach)) == reach
    assert "secret" not in f"{reach!r} {reach}"


def test_a_connected_socket(connect: Connector, beanstalkd: Beanstalkd) -> None:
    made = socket.create_connection(("127.0.0.1", beanstalkd.port))
    client = connect(made)
    assert str(client.address) == beanstalkd.address
    assert client.put(b"x") == 1
    client.close()
    with pytest.raises(errors.ConnectFailed, match="again: it was given as a connected socket"):
        client.reconnect()
    with socket.socket() as unconnected, pytest.raises(errors.UsageError, match="the socket is not connected"):
        connect(unconnected)
