"""Whole names of groups for their beginnings, such as ``g7f3``, looked up among the groups of the selected jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.jobs.groups import WHOLE, GroupChoice
from beanops.jobs.search.scan import Scan
from beanops.protocol.errors import NotFound, UsageError
from beanops.text import plural

#: Groups that are named in an error, and groups that are counted for it.
_SHOWN, _MOST = 5, 2000


class NoGroup(NotFound):
    """No selected job is in such a group; the text names the largest groups."""

    def __init__(self, message: str) -> None:
        super().__init__("group")
        self._message = message

    def __str__(self) -> str:
        return self._message


def whole(chosen: GroupChoice, scan: Scan, reader: Reader) -> GroupChoice:
    """Return groups with whole names.

    Parameters
    ----------
    chosen : GroupChoice
        The groups as they were given.
    scan : Scan
        Finds the selected jobs of all groups with their bodies. It ends early once all are found.
    reader : Reader
        Redacts the bodies, which the names depend on.

    Raises
    ------
    NoGroup
        No job is in one of them.
    UsageError
        Several groups begin as one was given.
    """
    if not chosen.names:
        return chosen
    found = _look(chosen.names, scan, reader)
    return chosen._replace(names=tuple(dict.fromkeys(_whole(name, found) for name in chosen.names)))


def _look(names: Iterable[str], scan: Scan, reader: Reader) -> Counter[str]:
    """Return the number of jobs in each group, as far as that is needed to complete the names."""
    causes, found = Causes(reader), Counter[str]()
    missing, short = {name for name in names if len(name) == WHOLE}, any(len(name) < WHOLE for name in names)
    wanted = tuple(names)
    for batch in scan:
        for job in batch:
            name = causes.of(job.body).name
            if len(found) < _MOST or name in found or name.startswith(wanted):
                found[name] += 1
        missing.difference_update(found)
        if not (missing or short):
            break
    return found


def _whole(name: str, found: Counter[str]) -> str:
    fitting = [known for known in found if known.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"several groups begin with {name!r}: {_listed(found, fitting)}")
    there = f"; groups are {_listed(found, found)}" if found else ": no job was found"
    how = "is called" if len(name) == WHOLE else "begins with"
    raise NoGroup(f"no group of these jobs {how} {name!r}{there}")


def _listed(found: Counter[str], names: Iterable[str]) -> str:
    """Return the names of the largest groups with their numbers of jobs."""
    largest = sorted(names, key=lambda name: (-found[name], name))
    more = f" and {plural(len(largest) - _SHOWN, 'other')}" if len(largest) > _SHOWN else ""
    return ", ".join(f"{name} ({plural(found[name], 'job')})" for name in largest[:_SHOWN]) + more
