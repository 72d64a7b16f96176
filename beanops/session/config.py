"""The configuration: named servers, journal, recording, key bindings, and from which numbers on something is a problem.

The table ``[web]`` is in `web_access`, ``[groups]`` in `beanops.fleet.servers`.

The file is ``config.toml`` in the user's configuration directory (``BEANOPS_CONFIG`` names another)::

    journal = "postgresql+psycopg://ops@db/journal"
    journal_bodies = true
    recording = "/var/lib/beanops/recording.sqlite"
    bell = true

    [servers.prod]
    address = "queue.internal:11300"
    read_only = false
    color = "red"
    label = "PRODUCTION"
    confirm = "type-name"
    redact = ["*token*"]

    [servers.mail]
    addresses = ["beanstalks://mail.internal", "ssh://bastion/beanstalks://mail.internal"]
    tls_ca = "/etc/beanops/ca.pem"
    token_command = "pass show beanstalkd/mail"

    [keys]
    "table.page-up" = "ctrl+b"

    [problems]
    oldest = "30m"

    [problems."mail-*"]
    buried = 100
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from beanops.client.address import Address
from beanops.client.places import Place, places
from beanops.client.reach import Reach, TlsOptions, TokenSource
from beanops.journal.storage.url import without_passwords
from beanops.monitor.problems.problem import PROBLEMS
from beanops.monitor.problems.thresholds import ProblemLimits, ServerThresholds, Thresholds
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.reaching import KEYS, given_for, reach_of
from beanops.text import did_you_mean

_SERVER_KEYS = {
    "read_only": bool,
    "color": str,
    "label": str,
    "confirm": str,
    "redact": list,
    **KEYS,
}
_KEYS = {
    "journal": str,
    "journal_bodies": bool,
    "recording": str,
    "bell": bool,
    "servers": dict,
    "keys": dict,
    "problems": dict,
    "web": dict,  # see `web_access`
    "groups": dict,  # see `beanops.fleet.servers`
}
#: What TOML calls them.
_TYPES = {str: "a text in quotes", bool: "true or false", list: "a list", dict: "a table"}
CONFIRMS = ("ask", "type-name")


class ConfigError(UsageError):
    """The configuration file cannot be read, or has an unknown key or a wrong value."""

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))  # the URL of a journal may be under a wrong key


class Profile(NamedTuple):
    """A named server of the configuration, with the rules that protect it.

    Attributes
    ----------
    name : str
        The name, or the address of a server that is not in the configuration.
    address : str
        Where it listens; of several addresses the first.
    read_only : bool
        Whether all changes are rejected.
    color : str
        Colour of the header in dashboards; empty for none.
    label : str
        Text of the header, such as ``"PRODUCTION"``.
    confirm : str
        ``"ask"``, or ``"type-name"``: the user types the name to confirm an action that deletes, that cannot be
        undone, or that changes more than 100 jobs.
    redact : tuple of str
        Patterns of keys in bodies whose values are hidden, such as ``"*token*"``.
    keep_bodies : bool
        Whether the journal keeps the bodies of deleted jobs.
    others : tuple of str
        Addresses that are tried when the first does not answer.
    tls : TlsOptions
        For addresses that begin with ``beanstalks://``.
    token : TokenSource or None
        Where the server's token comes from.
    """

    name: str
    address: str
    read_only: bool = False
    color: str = ""
    label: str = ""
    confirm: str = "ask"
    redact: tuple[str, ...] = ()
    keep_bodies: bool = True
    others: tuple[str, ...] = ()
    tls: TlsOptions = TlsOptions()
    token: TokenSource | None = None

    @property
    def reach(self) -> Reach:
        """How the server is reached."""
        return Reach(tuple(map(Address.parse, (self.address, *self.others))), self.tls, self.token)

    def through(self, reach: Reach) -> Profile:
        """Return the profile with another way to reach the server."""
        others = tuple(map(str, reach.addresses[1:]))
        return self._replace(others=others, tls=reach.tls, token=reach.token)

    def places(self, *, ask: bool = False) -> frozenset[Place]:
        """Return the places that its addresses may lead to, as `beanops.client.places` does."""
        return frozenset().union(*(places(address, ask=ask) for address in self.reach.addresses))

    @property
    def guards(self) -> tuple[bool, bool, frozenset[str]]:
        """The rules that protect the server; more of any is stricter."""
        return self.read_only, self.confirm == "type-name", frozenset(self.redact)


def strictest(profile: Profile, same: Iterable[Profile]) -> Profile:
    """Return a profile with the strictest rules of itself and of `same`, other profiles of the same server.

    A server that was given by its address gets the name of the profile with ``confirm = "type-name"``.
    """
    for one in same:
        unnamed = profile.name == profile.address
        profile = profile._replace(
            name=one.name if unnamed and one.confirm == "type-name" else profile.name,
            read_only=profile.read_only or one.read_only,
            color=profile.color or one.color,
            label=profile.label or one.label,
            confirm="type-name" if "type-name" in (profile.confirm, one.confirm) else "ask",
            redact=tuple(dict.fromkeys((*profile.redact, *one.redact))),
        )
    return profile


def config_path() -> Path:
    """Return the path of the configuration file, which may not exist."""
    if named := os.environ.get("BEANOPS_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("beanops") / "config.toml"


def read_config() -> dict[str, Any]:
    """Return the content of the configuration file; empty if there is none.

    Raises
    ------
    ConfigError
        It cannot be read, or has an unknown key or a wrong value.
    """
    path = config_path()
    try:
        with path.open("rb") as file:
            config = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    _check(path, "", config, _KEYS)
    for name, server in config.get("servers", {}).items():
        if not isinstance(server, dict):
            raise ConfigError(f"{path}: servers.{name} must be a table")
        _check(path, f"servers.{name}.", server, _SERVER_KEYS)
        try:
            reach_of(server)
        except UsageError as error:
            raise ConfigError(f"{path}: servers.{name}: {error}") from None
        if not all(isinstance(pattern, str) for pattern in server.get("redact", ())):
            raise ConfigError(f"{path}: servers.{name}.redact must be a list of texts")
        if server.get("confirm", "ask") not in CONFIRMS:
            raise ConfigError(f"{path}: servers.{name}.confirm must be one of {', '.join(CONFIRMS)}")
    _limits(path, config.get("problems", {}))
    return config


def _check(path: Path, where: str, table: dict[str, Any], keys: dict[str, type]) -> None:
    for key, value in table.items():
        if key not in keys:
            raise ConfigError(f"{path}: {where}{key} is unknown; known are {', '.join(keys)}")
        if not isinstance(value, keys[key]):
            shown = "" if key.startswith("token_") else f", not {value!r}"
            raise ConfigError(f"{path}: {where}{key} must be {_TYPES[keys[key]]}{shown}")


def key_bindings() -> dict[str, str]:
    """Return the configured key bindings of the terminal dashboard, by action.

    Raises
    ------
    ConfigError
        The configuration cannot be read, or a value is not a key.
    """
    keys: dict[str, Any] = read_config().get("keys", {})
    for name, value in keys.items():
        if not isinstance(value, str) or not value:
            raise ConfigError(f'{config_path()}: keys.{name} must name keys, such as "ctrl+b", not {value!r}')
    return keys


def rings() -> bool:
    """Return whether the terminal dashboard rings the bell for new alerts and problems.

    Raises
    ------
    ConfigError
        The configuration cannot be read.
    """
    return bool(read_config().get("bell", False))


def problem_limits() -> ProblemLimits:
    """Return from which numbers on something is a problem, for the server and for each tube.

    Raises
    ------
    ConfigError
        The configuration cannot be read, or has an unknown key or a wrong value.
    """
    return _limits(config_path(), read_config().get("problems", {}))


def _limits(path: Path, table: dict[str, Any]) -> ProblemLimits:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    of_server = {key: value for key, value in plain.items() if key in ServerThresholds._fields}
    of_tubes = {key: value for key, value in plain.items() if key not in of_server}
    every = (*Thresholds._fields, *ServerThresholds._fields)
    patterns = {pattern: value for pattern, value in table.items() if isinstance(value, dict)}
    return ProblemLimits(
        Thresholds(**_thresholds(path, "problems.", of_tubes, Thresholds._field_defaults, every)),
        ServerThresholds(**_thresholds(path, "problems.", of_server, ServerThresholds._field_defaults, every)),
        [
            (
                pattern,
                _thresholds(path, f'problems."{pattern}".', value, Thresholds._field_defaults, Thresholds._fields),
            )
            for pattern, value in patterns.items()
        ],
    )


def _thresholds(
    path: Path, where: str, table: dict[str, Any], defaults: dict[str, Any], known: tuple[str, ...]
) -> dict[str, Any]:
    """Return the thresholds of a table; each has the type of its default."""
    found = {}
    for key, value in table.items():
        if key not in defaults:
            server = " is of the server: set it under [problems]" if key in ServerThresholds._fields else ""
            unknown = f" is unknown{did_you_mean(key, known)}; known are {', '.join(known)}"
            raise ConfigError(f"{path}: {where}{key}{server or unknown}")
        found[key], allowed = _threshold(key, value, defaults[key])
        if found[key] is None:
            raise ConfigError(f"{path}: {where}{key} must be {allowed}, not {value!r}")
    return found


def _threshold(key: str, value: Any, default: Any) -> tuple[Any, str]:
    """Return a threshold, None where its value is not allowed, and what is."""
    from beanops.session.arguments import seconds_of

    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, tuple):
        names = isinstance(value, list) and all(name in PROBLEMS for name in value)
        return tuple(value) if names else None, f"a list of these: {', '.join(PROBLEMS)}"
    if key == "cpu":
        return float(value) if number and 0 < value <= 1 else None, "a share above 0 and at most 1"
    if isinstance(default, int):
        return value if number and isinstance(value, int) and value > 0 else None, "a whole number from 1 on"
    allowed = 'seconds, or a text such as "10m"'
    try:
        return (seconds_of(key, value) if number or isinstance(value, str) else None), allowed
    except ArgumentError:
        return None, allowed


def profiles() -> dict[str, Profile]:
    """Return the configured servers by name."""
    config = read_config()
    bodies = config.get("journal_bodies", True)
    return {name: _profile(name, server, bodies) for name, server in config.get("servers", {}).items()}


def _profile(name: str, server: dict[str, Any], keep_bodies: bool) -> Profile:
    address, reach = reach_of(server)
    rules = {key: server[key] for key in ("read_only", "color", "label", "confirm") if key in server}
    redact = tuple(server.get("redact", ()))
    return Profile(name, address, **rules, redact=redact, keep_bodies=keep_bodies).through(reach)


def profile(target: str | Address | Reach) -> Profile:
    """Return the profile of a server by name or address; an address without a profile gets a new one.

    The rules of all profiles with the same address apply, however the address is written. The options of the command
    line apply to the server that they are for, and a `Reach` has its own.

    Raises
    ------
    ConfigError
        The configuration cannot be read.
    ArgumentError
        The target is neither a name nor an address.
    """
    known = profiles()
    named = known.get(target) if isinstance(target, str) else None
    reach = named.reach if named is not None else Reach.of(target)
    if reach.connected is not None:
        raise UsageError("a session needs several connections; a connected socket is for beanops.Client")
    here = frozenset[Place]().union(*map(places, reach.addresses))
    same = [one for one in known.values() if here & one.places()]
    if named is None:
        address = reach.address
        keep_bodies = read_config().get("journal_bodies", True)
        named = Profile(str(address), str(address), keep_bodies=keep_bodies).through(reach)
        if same:
            # The name of the strictest one, which the user types to confirm.
            named = named._replace(name=max(same, key=lambda one: one.guards[:2]).name)
        # A token for a connection with TLS is not for one without.
        alike = [one.reach for one in same if address in one.reach.addresses]
        if alike and not isinstance(target, Reach):
            named = named._replace(tls=alike[0].tls, token=alike[0].token)
    if isinstance(target, str) and (options := given_for(target)):
        try:
            named = named.through(named.reach.with_options(options))
        except UsageError as error:
            raise ConfigError(f"server {target}: {error}") from None
    return strictest(named, same)


def default_journal() -> str:
    """Return the path or URL of the journal: ``BEANOPS_JOURNAL``, the configured one, or a file of the user."""
    if named := os.environ.get("BEANOPS_JOURNAL") or read_config().get("journal"):
        return str(named)
    from platformdirs import user_data_path

    return str(user_data_path("beanops") / "journal.sqlite")


def default_recording() -> Path:
    """Return the path of the recording: ``BEANOPS_RECORDING``, the configured one, or a file of the user."""
    if named := os.environ.get("BEANOPS_RECORDING") or read_config().get("recording"):
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("beanops") / "recording.sqlite"
