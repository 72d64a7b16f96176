"""The web config file: what it may say, and errors that name the file and the key."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from beanops.exporter.web_config import WebConfigError, read_web_config

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
PAIR = "tls_server_config: {cert_file: server.pem, key_file: server.key"


@pytest.fixture
def path(certificates: Path) -> Path:
    return certificates / "web.yml"


def test_all_that_it_may_say(path: Path) -> None:
    path.write_text(
        f"{PAIR}, client_ca_file: ca.pem, client_auth_type: VerifyClientCertIfGiven, min_version: TLS12,"
        " max_version: TLS13, prefer_server_cipher_suites: true}\n"
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny}}\n"
        f"basic_auth_users: {{ann: {HASH}}}\n"
    )
    config = read_web_config(path)
    assert config.tls is not None
    assert config.tls.verify_mode is ssl.CERT_OPTIONAL
    assert config.tls.minimum_version is ssl.TLSVersion.TLSv1_2
    assert config.users == {"ann": HASH.encode()}
    assert config.headers == {"X-Frame-Options": "deny"}
    assert [file.name for file in config.files] == ["web.yml", "server.pem", "server.key", "ca.pem"]


def test_nothing_is_plain_http_for_everybody(path: Path) -> None:
    path.write_text("# nothing yet\n")
    assert read_web_config(path)[:3] == (None, {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML: "),
        ("\x00", "not YAML: "),
        ("[" * 10_000, "not YAML: "),
        ("- x", "the file must be a mapping"),
        ("basic_auth_user: {}", "basic_auth_user is unknown or not supported; did you mean 'basic_auth_users'?"),
        ("rate_limit: {}", "rate_limit is unknown or not supported"),
        ("basic_auth_users: {ann: secret}", "basic_auth_users.ann is not a bcrypt hash"),
        ("basic_auth_users: {ann: 12}", "basic_auth_users.ann is not a bcrypt hash"),
        (f"basic_auth_users: {{1: {HASH}}}", "basic_auth_users must be a mapping with names as keys"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "a user cannot be called 'a:b'"),
        ("basic_auth_users: [ann]", "basic_auth_users must be a mapping"),
        ("tls_server_config: {}", "tls_server_config.cert_file is missing"),
        ("tls_server_config: {cert_file: server.pem}", "tls_server_config.key_file is missing"),
        (f"{PAIR}, ciphers: x}}", "tls_server_config.ciphers is unknown or not supported"),
        (f"{PAIR}, client_allowed_sans: [x]}}", "tls_server_config.client_allowed_sans is unknown or not supported"),
        (f"{PAIR}, min_version: 1.2}}", "tls_server_config.min_version must be a text, not 1.2"),
        (f"{PAIR}, min_version: TLS10}}", "tls_server_config.min_version: 'TLS10' given, allowed is one of TLS12"),
        (f"{PAIR}, min_version: TLS13, max_version: TLS12}}", "tls_server_config.min_version is above max_version"),
        (f"{PAIR}, client_auth_type: RequireAnyClientCert}}", "client_auth_type: 'RequireAnyClientCert' given"),
        (f"{PAIR}, client_auth_type: RequireAndVerifyClientCert}}", "tls_server_config.client_ca_file is missing"),
        (f"{PAIR}, client_ca_file: ca.pem}}", "client_ca_file needs a client_auth_type that verifies"),
        (
            f"{PAIR}, client_ca_file: server.key, client_auth_type: RequireAndVerifyClientCert}}",
            "tls_server_config.client_ca_file has no usable certificate: ",
        ),
        ("tls_server_config: {cert_file: gone.pem, key_file: server.key}", "cert_file: {folder}/gone.pem: No such"),
        ("tls_server_config: {cert_file: server.pem, key_file: ca.key}", "cert_file and key_file are no usable pair: "),
        ("http_server_config: {headers: {X-Else: y}}", "http_server_config.headers.X-Else is unknown"),
        ('http_server_config: {headers: {X-Frame-Options: "a\\r\\nb"}}', "X-Frame-Options must be a text in one line"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(WebConfigError) as failed:
        read_web_config(path)
    said = str(failed.value)
    assert said.startswith(f"{path}: ")
    assert message.replace("{folder}", str(path.parent)) in said
    assert "\n" not in said


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"gone\.yml: No such file or directory"):
        read_web_config(path.with_name("gone.yml"))
