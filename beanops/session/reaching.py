"""How a server of the configuration is reached: its keys, and the options of the command line over them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from beanops.client.address import Address
from beanops.client.reach import OPTIONS, Reach
from beanops.protocol.errors import ArgumentError, UsageError

#: Keys with their types, which `config` checks.
KEYS: dict[str, type] = {"address": str, "addresses": list, **dict.fromkeys(OPTIONS, str)}

#: Options of the command line by the server that they are for, as it was given.
_given: dict[str, Mapping[str, str]] = {}


def reach_of(table: Mapping[str, Any]) -> tuple[str, Reach]:
    """Return the first address in the table of a server, as it is written, and how the server is reached.

    Raises
    ------
    UsageError
        A value is wrong, or keys do not go together; the text names the keys.
    """
    if "address" in table and "addresses" in table:
        raise UsageError("it has address and addresses; give one of them")
    addresses = table.get("addresses", [table["address"]] if "address" in table else [])
    if not addresses:
        raise UsageError("it has no address")
    return addresses[0], Reach.of(*addresses, **{name: table[name] for name in OPTIONS if name in table})


def give(target: str, options: Mapping[str, str]) -> None:
    """Have `options`, such as ``{"tls_ca": path}``, say how a server that the user named is reached, over its profile.

    Other servers get none of them: a token is for one server.
    """
    for name in (target, _spelled(target)):
        _given[name] = options


def given_for(target: str) -> Mapping[str, str]:
    """Return the options that were given for a server, by its name or address."""
    return _given.get(target) or _given.get(_spelled(target)) or {}


def as_environment(target: str) -> dict[str, str]:
    """Return the options for a server as variables, for a process that shows it; see `give_environment`."""
    return {variable_of(name): value for name, value in given_for(target).items()}


def give_environment(target: str) -> None:
    """Have the variables of this process say how a server is reached."""
    give(target, {name: os.environ[variable_of(name)] for name in OPTIONS if os.environ.get(variable_of(name))})


def variable_of(option: str) -> str:
    """Return the variable of an option.

    Examples
    --------
    >>> variable_of("tls_ca")
    'BEANOPS_TLS_CA'
    """
    return f"BEANOPS_{option.upper()}"


def _spelled(target: str) -> str:
    try:
        return str(Address.parse(target))
    except ArgumentError:  # the name of a profile
        return target
