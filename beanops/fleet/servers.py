"""Which servers a list, a glob or a group of the configuration means: `servers_of`.

Groups are a table of ``config.toml``: names of servers, globs of names, and addresses::

    [groups]
    prod = ["mail", "billing", "web-*"]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from beanops.client.address import Address
from beanops.client.reach import Reach
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.config import ConfigError, Profile, config_path, profile, profiles, read_config
from beanops.session.reaching import give, given_for
from beanops.text import did_you_mean

_ALLOWED = "an address, or the name of a server or of a group in config.toml"


class NoServers(UsageError):
    """A glob or a group matches no server, or nothing is named."""


def groups() -> dict[str, tuple[str, ...]]:
    """Return the configured groups of servers by name.

    Raises
    ------
    ConfigError
        The configuration cannot be read, or a group is not a list of names, or has the name of a server.
    """
    config = read_config()
    found: dict[str, tuple[str, ...]] = {}
    for name, members in config.get("groups", {}).items():
        path = config_path()
        if not isinstance(members, list) or not members or not all(isinstance(one, str) for one in members):
            raise ConfigError(f"{path}: groups.{name} must be a list of servers")
        if name in config.get("servers", {}):
            raise ConfigError(f"{path}: groups.{name} has the name of a server: give it another one")
        found[name] = tuple(members)
    return found


def names_several(target: Any) -> bool:
    """Whether a value names servers in the plural: a list, a group of the configuration, or a glob of names.

    Examples
    --------
    >>> names_several(["a"]), names_several("prod-*"), names_several("127.0.0.1:11300"), names_several("[::1]:11300")
    (True, True, False, False)
    """
    if isinstance(target, str):
        return _is_glob(target) or (_may_be_named(target) and target in groups())
    several = isinstance(target, Collection | Iterator) and not isinstance(target, bytes | bytearray)
    return several and not hasattr(target, "_fields")


def _is_glob(target: str) -> bool:
    return _may_be_named(target) and any(sign in target for sign in "*?[")


def _may_be_named(target: str) -> bool:
    """Whether a text can be a name; one with a colon or a slash is an address."""
    return not any(sign in target for sign in ":/")


def servers_of(targets: str | Address | Reach | Iterable[str | Address | Reach]) -> list[Profile]:
    """Return the servers that names, addresses, globs of names and groups mean, each once.

    Parameters
    ----------
    targets : str, Address, Reach, or iterable of these
        What to connect to.

    Raises
    ------
    UsageError
        A glob or a group matches no server, or nothing is named.
    ConfigError
        The configuration cannot be read.
    ArgumentError
        A target is neither a name nor an address.
    """
    known, grouped = profiles(), groups()
    wanted: dict[str, Profile] = {}
    # An address and a reach are tuples too.
    several: Iterable[Any] = [targets] if isinstance(targets, str | Address | Reach) else targets
    for target in several:
        options = given_for(target) if isinstance(target, str) else {}
        for name in _expanded(target, known, grouped):
            if options and isinstance(name, str):
                give(name, options)
            one = profile(name)
            wanted.setdefault(one.name, one)
    if not wanted:
        raise NoServers("no server is named: pass names or addresses")
    return _each_once(wanted.values())


def _expanded(
    target: str | Address | Reach, known: Mapping[str, Profile], grouped: Mapping[str, tuple[str, ...]], of: str = ""
) -> Sequence[str | Reach]:
    """Return the names and addresses that a target stands for."""
    if isinstance(target, Reach):
        return [target]
    if not isinstance(target, str | Address):
        raise ArgumentError("target", target, _ALLOWED)
    name = str(target)
    within = f" (of group {of})" if of else ""
    if name in known:
        return [name]
    if name in grouped and not of:
        return [one for member in grouped[name] for one in _expanded(member, known, grouped, name)]
    if isinstance(target, str) and _is_glob(name):
        matching = [one for one in known if fnmatchcase(one, name)]
        if not matching:
            names = f"; config.toml has {', '.join(sorted(known))}" if known else "; config.toml has no servers"
            raise NoServers(f"no server matches {name}{within}{names}")
        return matching
    if of and _may_be_named(name):
        # A wrong name would otherwise be looked up as a host.
        raise ConfigError(f"{config_path()}: groups.{of} names {name}, which is no server{did_you_mean(name, known)}")
    return [name]


def _each_once(wanted: Iterable[Profile]) -> list[Profile]:
    """Leave out a server that was named before in another spelling: a verb must not act on it twice."""
    found: list[Profile] = []
    seen: set[Any] = set()
    for one in wanted:
        here = one.places()
        if not here & seen:
            found.append(one)
        seen |= here
    return found
