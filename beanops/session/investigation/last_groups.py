"""The groups that were shown last, by server, so that a shell can complete their names.

One small JSON file in the user's state directory, beside that of the dashboard. Errors are ignored: it is a
convenience.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from beanops import private
from beanops.client.address import Address

#: Groups that are kept of a server, and servers.
_MOST, _SERVERS = 100, 50


class LastGroup(NamedTuple):
    """The name of a group, and its cause in one line."""

    name: str
    cause: str


def last_groups(address: str | Address) -> list[LastGroup]:
    """Return the groups that were shown last of a server, the largest first."""
    rows = _read().get(str(Address.parse(address)))
    pairs = rows if isinstance(rows, list) else []
    return [LastGroup(*pair) for pair in pairs if isinstance(pair, list) and [*map(type, pair)] == [str, str]]


def keep_groups(address: str | Address, groups: Iterable[LastGroup]) -> None:
    """Remember the groups of a server."""
    key, known = str(Address.parse(address)), _read()
    known.pop(key, None)
    kept = dict([*known.items()][1 - _SERVERS :]) | {key: [list(group) for group in groups][:_MOST]}
    with suppress(OSError):
        private.make_folder(_path().parent)
        private.replace(_path(), json.dumps(kept, indent=1).encode())


def _path() -> Path:
    if named := os.environ.get("BEANOPS_STATE"):
        return Path(named).with_suffix(".groups.json")
    from platformdirs import user_state_path

    return user_state_path("beanops") / "groups.json"


def _read() -> dict[str, Any]:
    try:
        known = json.loads(_path().read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
