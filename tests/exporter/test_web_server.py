"""The HTTP server: paths, methods, compression, users, TLS, clients that misbehave."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import shutil
import socket
import ssl
import threading
from contextlib import ExitStack
from pathlib import Path

import bcrypt
import pytest
from prometheus_client import CollectorRegistry

from beanops.embedded.process import Beanstalkd
from beanops.exporter import web_server
from beanops.protocol.errors import UsageError
from tests.exporter.conftest import Exporter, Start, key, samples_of
from tests.waits import until


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_paths_of_a_running_exporter(exporter: Exporter, beanstalkd: Beanstalkd) -> None:
    assert exporter.ask("/-/healthy").text == "healthy\n"
    assert exporter.ask("/-/ready").status == 503
    exporter.look()
    assert exporter.ask("/-/ready").text == "ready\n"
    page = exporter.ask("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'href="metrics"' in page.text
    assert beanstalkd.address in page.text
    assert exporter.ask("/metrics?x=1").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert exporter.ask("/else").status == 404


def test_a_lost_server_does_not_keep_it_from_being_ready(exporter: Exporter, beanstalkd: Beanstalkd) -> None:
    beanstalkd.stop()
    exporter.look()
    assert exporter.ask("/-/ready").status == 200


def test_head_has_the_headers_alone_and_other_methods_are_refused(exporter: Exporter) -> None:
    answer = exporter.ask("/-/healthy", "HEAD")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "8")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = exporter.ask("/metrics", method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_metrics_are_compressed_for_who_takes_that(exporter: Exporter) -> None:
    exporter.look()
    packed = exporter.ask(headers={"Accept-Encoding": "deflate, gzip;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert samples_of(gzip.decompress(packed.body).decode()).keys() == exporter.samples().keys()
    for refused in ("", "identity", "gzip;q=0", "br"):
        assert exporter.ask(headers={"Accept-Encoding": refused}).headers["Content-Encoding"] is None


def test_a_connection_serves_several_requests(exporter: Exporter) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=30)
    for path in ("/metrics", "/else", "/-/healthy"):
        connection.request("GET", path)
        connection.getresponse().read()
        sock = connection.sock
    connection.request("GET", "/metrics")
    assert connection.sock is sock
    connection.close()


def test_clients_that_say_nothing_hold_up_nobody(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    address = ("127.0.0.1", exporter.port)
    with ExitStack() as silent:
        for _ in range(web_server.MOST_CONNECTIONS - 1):
            silent.enter_context(socket.create_connection(address))
        assert exporter.ask("/-/healthy").status == 200


def test_more_connections_than_allowed_are_closed(exporter: Exporter) -> None:
    address = ("127.0.0.1", exporter.port)
    with ExitStack() as silent:
        for _ in range(web_server.MOST_CONNECTIONS):
            silent.enter_context(socket.create_connection(address))
        with socket.create_connection(address) as late:
            late.settimeout(30)
            assert late.recv(1) == b""


@pytest.mark.parametrize(("host", "shown"), [("::1", "[::1]"), ("localhost", "localhost"), ("0.0.0.0", "0.0.0.0")])
def test_addresses_to_listen_on(host: str, shown: str) -> None:
    try:
        server = web_server.MetricsServer(host, 0, registry=CollectorRegistry())
    except UsageError:
        if host == "::1" and not has_ipv6():
            pytest.skip("this machine has no IPv6")
        raise
    with server:
        assert server.url == f"http://{shown}:{server.server_address[1]}"


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def test_a_used_port_is_reported(exporter: Exporter) -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
        web_server.MetricsServer("127.0.0.1", exporter.port, registry=exporter.server.registry)
    with pytest.raises(UsageError, match=r"cannot listen on 203\.0\.113\.1:0: Cannot assign"):
        web_server.MetricsServer("203.0.113.1", 0, registry=exporter.server.registry)


def test_only_users_are_let_in(start_exporter: Start, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    config = write(tmp_path / "web.yml", f"basic_auth_users:\n  ann: {hashed('secret')}\n  bob: {hashed('p:w')}\n")
    exporter = start_exporter(beanstalkd.address, web_config=config)
    for path in ("/metrics", "/", "/-/healthy", "/else"):
        answer = exporter.ask(path)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="beanops"')
    for _ in range(2):  # the second time from memory
        assert exporter.ask("/-/healthy", user=("ann", "secret")).status == 200
        assert exporter.ask("/-/healthy", user=("bob", "p:w")).status == 200
        for user in (("ann", "p:w"), ("ann", ""), ("eve", "secret"), ("", ""), ("ann", "secret\0"), ("ann", "x" * 100)):
            assert exporter.ask("/-/healthy", user=user).status == 401, user
    for given in ("Basic", "Basic !", "Bearer c2VjcmV0", "Basic YW5u", "Basic YW5uOnNlY3JldA==="):
        assert exporter.ask("/-/healthy", headers={"Authorization": given}).status == 401, given


def test_a_change_of_the_file_takes_effect_and_a_wrong_one_does_not(
    start_exporter: Start, beanstalkd: Beanstalkd, tmp_path: Path
) -> None:
    config = write(tmp_path / "web.yml", f"basic_auth_users:\n  ann: {hashed('old')}\n")
    lines: list[str] = []
    exporter = start_exporter(beanstalkd.address, web_config=config, log=lines.append)
    assert exporter.ask("/-/healthy", user=("ann", "old")).status == 200

    def replace(text: str) -> None:
        os.replace(write(tmp_path / "next", text), config)

    replace(f"basic_auth_users:\n  ann: {hashed('new')}\n")
    assert exporter.ask("/-/healthy", user=("ann", "old")).status == 401
    assert exporter.ask("/-/healthy", user=("ann", "new")).status == 200
    replace("basic_auth_users:\n  ann: plain\n")
    assert exporter.ask("/-/healthy", user=("ann", "plain")).status == 401
    assert exporter.ask("/-/healthy", user=("ann", "new")).status == 200
    (line,) = lines
    assert line == (
        f"beanops exporter: {config}: basic_auth_users.ann is not a bcrypt hash such as $2b$10$...;"
        " the earlier web config stays in effect"
    )


def test_headers_of_the_file_are_sent(start_exporter: Start, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    config = write(tmp_path / "web.yml", "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
    exporter = start_exporter(beanstalkd.address, web_config=config)
    assert exporter.ask("/else").headers["X-Frame-Options"] == "deny"
    assert exporter.ask("/", "POST").headers["X-Frame-Options"] == "deny"


TLS = "tls_server_config:\n  cert_file: {0}/server.pem\n  key_file: {0}/server.key\n"


def client_of(folder: Path, certificate: str = "", authority: str = "ca") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / f"{authority}.pem"))
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    return context


def test_tls(start_exporter: Start, beanstalkd: Beanstalkd, certificates: Path, tmp_path: Path) -> None:
    config = write(tmp_path / "web.yml", TLS.format(certificates) + f"basic_auth_users:\n  ann: {hashed('x')}\n")
    exporter = start_exporter(beanstalkd.address, web_config=config)
    exporter.look()
    assert exporter.server.url.startswith("https://")
    answer = exporter.ask(tls=client_of(certificates), user=("ann", "x"))
    assert "beanstalkd_up 1\n" in answer.text
    assert exporter.ask(tls=client_of(certificates)).status == 401
    with pytest.raises(ssl.SSLError):
        exporter.ask(tls=client_of(certificates, authority="other-ca"))
    with pytest.raises((OSError, http.client.HTTPException)):
        exporter.ask()  # plain HTTP
    old = client_of(certificates)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert exporter.ask("/-/healthy", tls=old, user=("ann", "x")).status == 200


def test_clients_need_a_certificate(
    start_exporter: Start, beanstalkd: Beanstalkd, certificates: Path, tmp_path: Path
) -> None:
    verified = f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {certificates}/ca.pem\n"
    config = write(tmp_path / "web.yml", TLS.format(certificates) + verified + "  min_version: TLS13\n")
    exporter = start_exporter(beanstalkd.address, web_config=config)
    assert exporter.ask("/-/healthy", tls=client_of(certificates, "client")).status == 200
    for refused in (client_of(certificates), client_of(certificates, "other-ca")):
        with pytest.raises(OSError):  # noqa: PT011 (a reset or an alert, as the kernel wills)
            exporter.ask("/-/healthy", tls=refused)
    old = client_of(certificates, "client")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):  # noqa: PT011
        exporter.ask("/-/healthy", tls=old)


def test_a_renewed_certificate_is_used(
    start_exporter: Start, beanstalkd: Beanstalkd, certificates: Path, tmp_path: Path
) -> None:
    for name in ("server.pem", "server.key"):
        shutil.copy(certificates / name, tmp_path)
    config = write(tmp_path / "web.yml", TLS.format("."))  # relative to the file
    exporter = start_exporter(beanstalkd.address, web_config=config)
    assert exporter.ask("/-/healthy", tls=client_of(certificates)).status == 200
    for kind in ("pem", "key"):
        shutil.copy(certificates / f"renewed.{kind}", tmp_path / "next")
        os.replace(tmp_path / "next", tmp_path / f"server.{kind}")
    assert exporter.ask("/-/healthy", tls=client_of(certificates, authority="other-ca")).status == 200


def test_a_client_that_is_slow_at_the_handshake_holds_up_nobody(
    start_exporter: Start, beanstalkd: Beanstalkd, certificates: Path, tmp_path: Path
) -> None:
    exporter = start_exporter(beanstalkd.address, web_config=write(tmp_path / "web.yml", TLS.format(certificates)))
    with socket.create_connection(("127.0.0.1", exporter.port)):
        assert exporter.ask("/-/healthy", tls=client_of(certificates)).status == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_beanops_makes_it_unhealthy(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> float:
        raise ZeroDivisionError

    (poller,) = exporter.pollers
    monkeypatch.setattr(poller, "look", fail)
    assert exporter.ask("/-/healthy").status == 200
    poller.start()
    until(lambda: exporter.ask("/-/healthy").status == 500)
    assert exporter.samples()[key("beanstalkd_up")] == 0


def test_an_interrupt_while_a_thread_starts_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        thread.join()
        raise KeyboardInterrupt

    with (
        web_server.MetricsServer("127.0.0.1", 0, registry=CollectorRegistry()) as server,
        socket.create_connection((server.server_name, server.server_port)) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.handle_request()
