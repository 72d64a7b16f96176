"""The dashboard's state file: the theme, and how the tubes of each server are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from beanops import private
from beanops.state_files import read_state, write_state


class Shown(NamedTuple):
    """How the tubes of one server are shown.

    Attributes
    ----------
    sort : str
        The sort column.
    descending : bool
        Whether the largest come first.
    filter : str
        The filter as typed.
    columns : tuple of str
        The chosen columns; empty for all.
    groups : tuple of str
        Globs whose tubes are folded into one row.
    preview : bool
        Whether there is a preview.
    """

    sort: str = "problem"
    descending: bool = False
    filter: str = ""
    columns: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    preview: bool = True


class StateFile:
    """The state file.

    Parameters
    ----------
    path : Path
        Its path.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        private.tighten(path)

    def theme(self) -> str:
        """Return the theme's name; empty when none was chosen."""
        theme = self._read().get("theme", "")
        return theme if isinstance(theme, str) else ""

    def keep_theme(self, theme: str) -> None:
        """Remember a theme."""
        self._write({**self._read(), "theme": theme})

    def shown(self, server: str) -> Shown:
        """Return how the tubes of a server were shown."""
        servers = self._read().get("servers")
        known = servers.get(server) if isinstance(servers, dict) else None
        return _shown(known) if isinstance(known, dict) else Shown()

    def keep(self, server: str, shown: Shown) -> None:
        """Remember how the tubes of a server are shown."""
        known = self._read()
        servers = known.get("servers")
        self._write({**known, "servers": {**(servers if isinstance(servers, dict) else {}), server: shown._asdict()}})

    def part(self, name: str) -> Any:
        """Return what was kept under a name; None for nothing."""
        return self._read().get(name)

    def keep_part(self, name: str, value: Any) -> None:
        """Keep something that JSON can hold under a name."""
        self._write({**self._read(), name: value})

    def _read(self) -> dict[str, Any]:
        known = read_state(self._path)
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, Any]) -> None:
        write_state(self._path, known)


def _shown(known: dict[str, Any]) -> Shown:
    default = Shown()
    fields: dict[str, Any] = {}
    for field, value in default._asdict().items():
        given = known.get(field)
        if isinstance(value, tuple):
            fields[field] = tuple(one for one in given if isinstance(one, str)) if isinstance(given, list) else value
        else:
            fields[field] = given if isinstance(given, type(value)) else value
    return Shown(**fields)
