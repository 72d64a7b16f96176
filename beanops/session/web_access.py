"""Who may use the dashboard in a browser, and what for: the table ``[web]`` of the configuration.

::

    [web]
    idle = "1h"                # "never" for none
    longest = "12h"
    memory = 512               # megabytes of a visitor's process

    [web.users.ann]
    role = "operate"
    password = "scrypt$..."    # made by beanops web --hash-password

    [web.proxy]
    from = ["10.0.0.5", "10.1.0.0/16"]
    header = "X-Forwarded-User"
    role = "view"              # of those who are not in [web.users]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from beanops.protocol.errors import ArgumentError
from beanops.session.arguments import seconds_of
from beanops.session.config import ConfigError, config_path, read_config
from beanops.text import did_you_mean


class WebRole(NamedTuple):
    """What a visitor may do.

    Attributes
    ----------
    name : str
        ``"view"``, ``"operate"`` or ``"admin"``.
    read_only : bool
        Whether all changes are rejected.
    denied : frozenset of str
        Names of actions that are rejected, also as a part of others.
    words : str
        What it may do, for messages.
    """

    name: str
    read_only: bool
    denied: frozenset[str]
    words: str


#: Files of this machine are never a visitor's.
FILES = frozenset({"export", "import"})
#: The roles, weakest first. The manual has this table too.
ROLES = {
    role.name: role
    for role in (
        WebRole("view", True, FILES, "looks, and changes nothing"),
        WebRole("operate", False, FILES | {"delete", "drain"}, "does everything except delete and drain"),
        WebRole("admin", False, FILES, "does everything that the server's profile allows"),
    )
}
#: The form of a password's hash: cost, block size, parallelism, salt and key.
HASH = re.compile(r"scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/]{16,88}=*)\$([A-Za-z0-9+/]{22,88}=*)")
#: Maximum characters of a visitor's name.
LONGEST_NAME = 64
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Headers that say something else, or that any client sends.
_NO_HEADERS = ("authorization", "cookie", "host", "origin", "forwarded", "x-forwarded-for", "user-agent", "referer")


class WebUser(NamedTuple):
    """A user of the configuration; without a password only the proxy can name the user."""

    role: WebRole
    password: str = ""


class TrustedProxy(NamedTuple):
    """Addresses of proxies, the header in which they name the visitor, and the role of names without an entry."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    header: str = ""
    role: WebRole | None = None

    def has(self, address: str) -> bool:
        """Whether a request from an address is from a proxy."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in self.networks)


class WebAccess(NamedTuple):
    """The table ``[web]``.

    Attributes
    ----------
    users : mapping
        Users by name.
    proxy : TrustedProxy
        Whom to believe the name of a visitor.
    idle, longest : float or None
        Seconds without a key, and from the start, after which a visit ends; None for no limit.
    memory : int
        Maximum megabytes of a visitor's process.
    """

    users: Mapping[str, WebUser] = MappingProxyType({})
    proxy: TrustedProxy = TrustedProxy()
    idle: float | None = 3600.0
    longest: float | None = 43_200.0
    memory: int = 512

    @property
    def by_password(self) -> bool:
        """Whether somebody can log in with a password."""
        return any(user.password for user in self.users.values())

    @property
    def asked(self) -> bool:
        """Whether visitors have to say who they are."""
        return bool(self.users or self.proxy.header)


_KEYS = ("users", "proxy", "idle", "longest", "memory")


def web_access() -> WebAccess:
    """Return who may use the dashboard in a browser.

    Raises
    ------
    ConfigError
        The configuration cannot be read, or has an unknown key or a wrong value.
    """
    path, table = config_path(), read_config().get("web", {})
    _known(path, "web.", table, _KEYS)
    given = WebAccess()
    memory = table.get("memory", given.memory)
    if not isinstance(memory, int) or isinstance(memory, bool) or memory < 128:
        raise ConfigError(f"{path}: web.memory must be megabytes, at least 128, not {memory!r}")
    access = WebAccess(
        {name: _user(path, name, user) for name, user in _table(path, "web.users", table.get("users", {})).items()},
        _proxy(path, _table(path, "web.proxy", table.get("proxy", {}))),
        _limit(path, table, "idle", given.idle),
        _limit(path, table, "longest", given.longest),
        memory,
    )
    if access.users and not access.by_password and not access.proxy.header:
        raise ConfigError(f"{path}: nobody can log in: web.users have no password, and web.proxy has no header")
    return access


def check_name(name: str) -> str | None:
    """Return why nobody can have a name, None if somebody can."""
    if not name or name != name.strip():
        return "it is empty or has blanks around it"
    if len(name) > LONGEST_NAME:
        return f"it has more than {LONGEST_NAME} characters"
    return None if name.isprintable() and ":" not in name else "it has a colon or characters that cannot be printed"


def _table(path: Path, where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: {where} must be a table")
    return value


def _known(path: Path, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            all_known = f"known are {', '.join(known)}"
            raise ConfigError(f"{path}: {where}{key} is unknown{did_you_mean(key, known)}; {all_known}")


def _limit(path: Path, table: Mapping[str, Any], key: str, default: float | None) -> float | None:
    value = table.get(key, default)
    if value in (None, "never"):
        return None
    try:
        seconds = seconds_of(key, value) if not isinstance(value, bool) else 0.0
    except ArgumentError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigError(f'{path}: web.{key} must be seconds, a text such as "1h", or "never", not {value!r}')
    return seconds


def _role(path: Path, where: str, value: Any) -> WebRole:
    if not isinstance(value, str) or value not in ROLES:
        raise ConfigError(f"{path}: {where}.role must be one of {', '.join(ROLES)}, not {value!r}")
    return ROLES[value]


def _user(path: Path, name: str, value: Any) -> WebUser:
    where = f"web.users.{name}"
    if (why := check_name(name)) is not None:
        raise ConfigError(f"{path}: web.users: nobody can be called {name!r}: {why}")
    table = _table(path, where, value)
    _known(path, f"{where}.", table, ("role", "password"))
    password = table.get("password", "")
    if password != "" and (not isinstance(password, str) or HASH.fullmatch(password) is None):
        # The value may be the password itself.
        raise ConfigError(f"{path}: {where}.password is no hash; make one with beanops web --hash-password")
    return WebUser(_role(path, where, table.get("role", "view")), password)


def _proxy(path: Path, table: Mapping[str, Any]) -> TrustedProxy:
    if not table:
        return TrustedProxy()
    _known(path, "web.proxy.", table, ("from", "header", "role"))
    named = table.get("from", [])
    try:
        networks = tuple(ip_network(one) for one in named) if isinstance(named, list) else ()
    except ValueError as error:
        raise ConfigError(f"{path}: web.proxy.from: {error}") from None
    if not networks:
        raise ConfigError(f'{path}: web.proxy.from must be a list of addresses or networks, such as ["10.0.0.5"]')
    if any(not network.prefixlen for network in networks):
        raise ConfigError(f"{path}: web.proxy.from must not be all addresses: anybody could send the header")
    header = table.get("header", "")
    if header != "" and (not isinstance(header, str) or not _HEADER.fullmatch(header) or header.lower() in _NO_HEADERS):
        raise ConfigError(f"{path}: web.proxy.header must name a header that the proxy sets, not {header!r}")
    return TrustedProxy(networks, header, _role(path, "web.proxy", table["role"]) if "role" in table else None)
