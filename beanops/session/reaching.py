"""How a server of the configuration is reached: the keys for its addresses, for TLS and for its token."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from typing import Any

from beanops.client.address import Address
from beanops.client.reach import TlsOptions, TokenSource
from beanops.protocol.errors import UsageError

#: Keys with their types, which `config` checks.
KEYS: dict[str, type] = {
    "address": str,
    "addresses": list,
    **dict.fromkeys((f"tls_{name}" for name in TlsOptions._fields), str),
    "token_file": str,
    "token_command": str,
    "token_keyring": str,
}
_TOKENS = ("file", "command", "keyring")
_VERSIONS = ("1.2", "1.3")


def reach_of(table: Mapping[str, Any]) -> tuple[tuple[str, ...], TlsOptions, TokenSource | None]:
    """Return the addresses, the options of TLS and the source of the token in a table of a server.

    Raises
    ------
    UsageError
        A value is wrong, or keys do not go together; the text names the keys.
    """
    addresses = _addresses(table)
    tls = TlsOptions(**{name: str(table.get(f"tls_{name}", "")) for name in TlsOptions._fields})
    tls = tls._replace(**{name: os.path.expanduser(getattr(tls, name)) for name in ("ca", "cert", "key")})
    check_tls(tls, [Address.parse(one) for one in addresses])
    return addresses, tls, token_source(table)


def _addresses(table: Mapping[str, Any]) -> tuple[str, ...]:
    if "address" in table and "addresses" in table:
        raise UsageError("it has address and addresses; give one of them")
    given = table.get("addresses", [table["address"]] if "address" in table else [])
    if not given:
        raise UsageError("it has no address")
    for one in given:
        Address.parse(one)
    return tuple(given)


def check_tls(tls: TlsOptions, addresses: list[Address]) -> None:
    """Raise `UsageError` if options of TLS have no effect, or no meaning."""
    given = [name for name, value in tls._asdict().items() if value]
    if given and not any(address.tls for address in addresses):
        raise UsageError(f"tls_{given[0]} needs an address that begins with beanstalks://")
    if tls.min_version and tls.min_version not in _VERSIONS:
        raise UsageError(f"tls_min_version must be one of {', '.join(_VERSIONS)}, not {tls.min_version!r}")
    if tls.key and not tls.cert:
        raise UsageError("tls_key needs tls_cert")


def token_source(table: Mapping[str, Any]) -> TokenSource | None:
    """Return where the token of a table comes from.

    Raises
    ------
    UsageError
        It comes from several places, or from none.
    """
    given = [TokenSource(kind, str(table[f"token_{kind}"])) for kind in _TOKENS if table.get(f"token_{kind}")]
    if len(given) > 1:
        raise UsageError(f"it has {' and '.join(f'token_{one.kind}' for one in given)}; give one of them")
    if given and given[0].kind == "keyring" and not all(given[0].place.rpartition("/")[::2]):
        raise UsageError("token_keyring must be service/user")
    return given[0] if given else None
