"""Which jobs of which server a verb on several servers is called with: `parts_of`.

A tube means the tube on every server. An id means a job of one server, so what has ids must say of which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beanops.fleet.fleet_run import FleetRun
from beanops.jobs.groups import is_groups
from beanops.jobs.rows import field_of, tube_or_jobs
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.text import did_you_mean

_WITHOUT = (
    "ids name jobs of one server, and these are {count} servers: pass a frame with a column 'server',"
    " or act on fleet[{first!r}]"
)


def parts_of(value: Any, names: Mapping[str, str], argument: str = "jobs") -> dict[str, Any] | None:
    """Return what an argument is for each server, None where it is the same for all.

    Parameters
    ----------
    value : object
        What a verb of a session takes; or a frame with a column ``server``, rows with one, a mapping of servers to what
        a session takes, or for ``jobs`` and ``ids`` a `FleetRun`.
    names : mapping of str to str
        The name of each server by its name and by its address.
    argument : {"jobs", "ids", "tube", "group"}
        Name of the argument. Only jobs and ids can name jobs by their ids, and only as jobs a text is a tube.

    Raises
    ------
    UsageError
        Ids come without their server.
    ArgumentError
        A server is none of these.
    """
    if value is None or (isinstance(value, str) and argument != "ids"):
        return None
    if isinstance(value, FleetRun):
        return {name: run.refs for name, run in value.runs.items() if len(run.refs)}
    if hasattr(value, "columns"):
        if "server" not in value.columns and "server" in value.index.names:
            value = value.reset_index("server")
        if "server" in value.columns:
            return _of_frame(value, names, argument)
    if isinstance(value, list | tuple | Mapping) and not value:
        return {}
    named = _server_of(value)
    if isinstance(value, Mapping) and named is None and _names_servers(value, names, argument):
        return {_known(key, names, argument): part for key, part in value.items()}
    if named is not None:
        return {_known(named, names, argument): value}
    if isinstance(value, list | tuple) and value and _server_of(value[0]) is not None:
        found: dict[str, list[Any]] = {}
        for row in value:
            found.setdefault(_known(_server_of(row), names, argument), []).append(row)
        return {name: found[name] for name in dict.fromkeys(names.values()) if name in found}
    if argument in ("tube", "group"):
        return None
    if argument == "jobs" and (isinstance(tube_or_jobs(value), str) or is_groups(value)):
        return None
    return _of_the_only(value, names)


def _names_servers(value: Mapping[Any, Any], names: Mapping[str, str], argument: str) -> bool:
    """Whether the keys of a mapping are, or should be, servers; else it is a row of a job, a tube or a group."""
    if argument in ("jobs", "ids"):
        return "id" not in value and not is_groups(value) and not isinstance(tube_or_jobs(value), str)
    return bool(value) and all(isinstance(key, str) and key in names for key in value)


def spread(arguments: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the arguments for each server that all of them name, in the order of the servers.

    Parameters
    ----------
    arguments : mapping of str to object
        As `parts_of` takes them, by the names of the arguments.
    names : mapping of str to str
        The name of each server by its name and by its address.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in dict.fromkeys(names.values())}
    for argument, value in arguments.items():
        parts = parts_of(value, names, argument)
        if parts is not None:
            found = {name: known for name, known in found.items() if name in parts}
        for name, known in found.items():
            known[argument] = value if parts is None else parts[name]
    return found


def spread_search(
    places: Mapping[str, Any], selection: dict[str, Any], names: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the arguments of a search for each server, as `spread` does; takes ids and group out of `selection`."""
    apart: dict[str, Any] = {name: selection.pop(name) for name in ("ids", "group") if name in selection}
    return spread({**places, **apart}, names)


def _of_frame(frame: Any, names: Mapping[str, str], argument: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in frame["server"].unique().tolist():
        mine = frame["server"] == value if isinstance(value, str) else frame["server"].isna()
        found[_known(value, names, argument)] = frame[mine]
    return {name: found[name] for name in dict.fromkeys(names.values()) if name in found}


def _of_the_only(jobs: Any, names: Mapping[str, str]) -> dict[str, Any]:
    every = list(dict.fromkeys(names.values()))
    if len(every) > 1:
        raise UsageError(_WITHOUT.format(count=len(every), first=every[0]))
    return {every[0]: jobs}


def _server_of(row: Any) -> str | None:
    """Return the server that a row names, None if it is no row with one."""
    if isinstance(row, str):
        return None
    named = field_of(row, "server")
    return named if isinstance(named, str) else None


def _known(value: Any, names: Mapping[str, str], argument: str) -> str:
    if not isinstance(value, str):
        raise ArgumentError(argument, value, "rows that each have a 'server'")
    if value not in names:
        known = list(dict.fromkeys(names.values()))
        raise ArgumentError(argument, value, f"jobs of {', '.join(known)}{did_you_mean(value, known)}")
    return names[value]
