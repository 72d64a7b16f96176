"""`JobColumns`: the columns that a user chose for the jobs of a tube, and where they are kept."""

from __future__ import annotations

from typing import Any, NamedTuple

from beanops.jobs.bodies.paths import PathError
from beanops.tui.bodies.path import BodyPath
from beanops.tui.state import StateFile

#: Tubes of all servers whose columns are kept, the last changed.
MOST = 200


class JobColumns(NamedTuple):
    """The columns that a user chose for the jobs of a tube.

    Attributes
    ----------
    names : tuple of str or None
        Names of columns; None for those in which the jobs differ.
    paths : tuple of BodyPath
        Paths into the bodies.
    """

    names: tuple[str, ...] | None = None
    paths: tuple[BodyPath, ...] = ()


def kept_columns(state_file: StateFile | None, server: str, tube: str) -> JobColumns:
    """Return the columns that were chosen for a tube; the file may be anybody's work."""
    for entry in _entries(state_file):
        if entry[:2] == [server, tube]:
            names, paths = entry[2], entry[3] if isinstance(entry[3], list) else []
            return JobColumns(tuple(filter(_is_text, names)) if isinstance(names, list) else None, _parsed(paths))
    return JobColumns()


def keep_columns(state_file: StateFile | None, server: str, tube: str, chosen: JobColumns) -> None:
    """Remember the columns of a tube."""
    if state_file is None:
        return
    others = [entry for entry in _entries(state_file) if entry[:2] != [server, tube]]
    names = None if chosen.names is None else list(chosen.names)
    entry = [server, tube, names, [path.text for path in chosen.paths]]
    state_file.keep_part("job_columns", [*others, *([] if chosen == JobColumns() else [entry])][-MOST:])


def _entries(state_file: StateFile | None) -> list[list[Any]]:
    known = state_file.part("job_columns") if state_file is not None else None
    return [one for one in known if isinstance(one, list) and len(one) == 4] if isinstance(known, list) else []


def _parsed(paths: list[Any]) -> tuple[BodyPath, ...]:
    parsed = []
    for path in filter(_is_text, paths):
        try:
            parsed.append(BodyPath.parse(path))
        except PathError:
            continue
    return tuple(parsed)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
