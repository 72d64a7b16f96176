"""The web config file that exporters for Prometheus share: TLS, client certificates, users with bcrypt hashes.

Paths in it are relative to the file. What it asks for and beanops cannot do is an error: nothing is served with less
protection than was asked for.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import ssl
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import bcrypt
import yaml

from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
#: How clients have to present certificates; Python cannot ask for one without verifying it.
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_TLS_KEYS = ("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version", "max_version")
#: Keys that change nothing here: Python's own order of ciphers holds, and the server speaks HTTP/1.1.
_TLS_IGNORED = ("prefer_server_cipher_suites",)
_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
#: Verified passwords that are remembered, at most: bcrypt is slow by design, and a scrape comes every few seconds.
_REMEMBERED = 100
#: Bytes of a password that bcrypt reads.
_PASSWORD = 72


class WebConfigError(UsageError):
    """The web config file cannot be read, or a key of it is wrong."""


class WebConfig(NamedTuple):
    """What a web config file says.

    Attributes
    ----------
    tls : ssl.SSLContext or None
        None serves plain HTTP.
    users : Mapping of str to bytes
        Bcrypt hashes by user; empty lets everybody in.
    headers : Mapping of str to str
        Headers of each response.
    files : tuple of Path
        The file itself, and the certificates and keys that it names.
    """

    tls: ssl.SSLContext | None = None
    users: Mapping[str, bytes] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})
    files: tuple[Path, ...] = ()


def read_web_config(path: Path) -> WebConfig:
    """Read a web config file.

    Raises
    ------
    WebConfigError
        The file, or a certificate or key that it names, cannot be read, or a key is wrong; the error names it.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise WebConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise WebConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    config = _table(path, "", {} if content is None else content)
    _check_keys(path, "", config, ("tls_server_config", "http_server_config", "basic_auth_users"))
    files, tls = [path], None
    if config.get("tls_server_config") is not None:
        table = _table(path, "tls_server_config", config["tls_server_config"])
        tls = _tls(path, table)
        names = ("cert_file", "key_file", "client_ca_file")
        files += [path.parent / table[name] for name in names if table.get(name)]
    headers = _headers(path, _table(path, "http_server_config", config.get("http_server_config") or {}))
    return WebConfig(tls, _users(path, config.get("basic_auth_users") or {}), headers, tuple(files))


def _table(path: Path, key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise WebConfigError(f"{path}: {key or 'the file'} must be a mapping with names as keys")
    return value


def _check_keys(path: Path, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise WebConfigError(f"{path}: {where}{key} is unknown or not supported{did_you_mean(key, known)}")


def _text_of(path: Path, table: Mapping[str, Any], key: str, default: str = "") -> str:
    value = table.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise WebConfigError(f"{path}: tls_server_config.{key} must be a text, not {value!r}")
    return value


def _one_of(path: Path, table: Mapping[str, Any], key: str, default: str, allowed: Mapping[str, Any]) -> Any:
    value = _text_of(path, table, key, default)
    if value not in allowed:
        raise WebConfigError(
            f"{path}: tls_server_config.{key}: {value!r} given, allowed is one of {', '.join(allowed)}"
        )
    return allowed[value]


def _tls(path: Path, table: dict[str, Any]) -> ssl.SSLContext:
    _check_keys(path, "tls_server_config.", table, (*_TLS_KEYS, *_TLS_IGNORED))
    names = {name: _text_of(path, table, name) for name in ("cert_file", "key_file", "client_ca_file")}
    for name in ("cert_file", "key_file"):
        if not names[name]:
            raise WebConfigError(f"{path}: tls_server_config.{name} is missing")
    for name, file in names.items():
        _check_readable(path, name, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _one_of(path, table, "min_version", "TLS12", _VERSIONS)
    context.maximum_version = _one_of(path, table, "max_version", "TLS13", _VERSIONS)
    if context.minimum_version > context.maximum_version:
        raise WebConfigError(f"{path}: tls_server_config.min_version is above max_version")
    try:
        # A key with a passphrase would make OpenSSL ask for it on the terminal.
        context.load_cert_chain(path.parent / names["cert_file"], path.parent / names["key_file"], password="")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise WebConfigError(f"{path}: tls_server_config.cert_file and key_file are no usable pair: {why}") from None
    verify = _one_of(path, table, "client_auth_type", "NoClientCert", _CLIENT_AUTH)
    if names["client_ca_file"]:
        if verify is ssl.CERT_NONE:
            raise WebConfigError(f"{path}: tls_server_config.client_ca_file needs a client_auth_type that verifies")
        try:
            context.load_verify_locations(path.parent / names["client_ca_file"])
        except OSError as error:
            why = getattr(error, "reason", None) or error
            raise WebConfigError(f"{path}: tls_server_config.client_ca_file has no usable certificate: {why}") from None
    elif verify is not ssl.CERT_NONE:
        raise WebConfigError(f"{path}: tls_server_config.client_ca_file is missing")
    context.verify_mode = verify
    return context


def _check_readable(path: Path, name: str, file: str) -> None:
    if file:
        try:
            (path.parent / file).read_bytes()
        except OSError as error:
            raise WebConfigError(f"{path}: tls_server_config.{name}: {path.parent / file}: {error.strerror}") from None


def _users(path: Path, value: Any) -> dict[str, bytes]:
    users = {}
    for user, hashed in _table(path, "basic_auth_users", value).items():
        if not isinstance(hashed, str) or _HASH.fullmatch(hashed) is None:
            raise WebConfigError(f"{path}: basic_auth_users.{user} is not a bcrypt hash such as $2b$10$...")
        if not user or ":" in user:
            raise WebConfigError(f"{path}: basic_auth_users: a user cannot be called {user!r}")
        users[user] = hashed.encode()
    return users


def _headers(path: Path, table: dict[str, Any]) -> dict[str, str]:
    _check_keys(path, "http_server_config.", table, ("headers", "http2"))
    headers = _table(path, "http_server_config.headers", table.get("headers") or {})
    _check_keys(path, "http_server_config.headers.", headers, _HEADERS)
    for name, value in headers.items():
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise WebConfigError(f"{path}: http_server_config.headers.{name} must be a text in one line")
    return headers


class Passwords:
    """Checks passwords against bcrypt hashes, and remembers those that were right.

    A user that does not exist takes as long as a wrong password.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._right: deque[bytes] = deque(maxlen=_REMEMBERED)

    def right(self, users: Mapping[str, bytes], user: str, password: bytes) -> bool:
        """Whether a password is that of a user."""
        hashed = users.get(user) or next(iter(users.values()))
        parts = (user.encode("utf-8", "surrogateescape"), hashed, password)
        asked = hmac.digest(self._secret, b"\0".join(len(part).to_bytes(8, "big") + part for part in parts), "sha256")
        if asked in self._right:
            return True
        right = _matches(password, hashed) and user in users
        if right:
            self._right.append(asked)
        return right


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_PASSWORD], hashed)
    except ValueError:  # such as a NUL in it
        return False


def state_of(files: tuple[Path, ...]) -> tuple[tuple[int, int] | None, ...]:
    """Return what changes when one of the files does; None for one that is missing."""
    found: list[tuple[int, int] | None] = []
    for file in files:
        try:
            stat = os.stat(file)
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_mtime_ns, stat.st_ino))
    return tuple(found)


class WatchedWebConfig:
    """The web config file as it is now: renewed certificates and passwords are used without a restart.

    While the file is wrong, what it said before holds.

    Parameters
    ----------
    path : Path or None
        None for no file: plain HTTP for everybody.

    Raises
    ------
    WebConfigError
        The file is wrong from the start.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._config = WebConfig() if path is None else read_web_config(path)
        self._state = state_of(self._config.files)
        #: Why the file, after its last change, could not be used; empty if it could.
        self.error = ""

    def current(self) -> WebConfig:
        """Return what the file says; read it again where it has changed."""
        state = state_of(self._config.files)
        if self._path is not None and state != self._state:
            self._state = state
            try:
                self._config, self.error = read_web_config(self._path), ""
            except WebConfigError as error:
                self.error = str(error)
            else:
                self._state = state_of(self._config.files)
        return self._config
