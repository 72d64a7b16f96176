"""The selection: one way to choose jobs, for scripts, the command line and both dashboards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, SupportsIndex

from beanops.jobs.groups import WHOLE, both, groups_of, is_groups, place_of
from beanops.jobs.identity import JobRef
from beanops.jobs.read import FoundJob
from beanops.jobs.rows import Tube, tube_of
from beanops.protocol import Job, JobStats
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U64_MAX, check_choice, check_number
from beanops.protocol.states import EVERY_STATE, STATES
from beanops.text import did_you_mean, plural

#: What a tube can be chosen by, for an error.
TUBE_OR_GLOB = "the name of a tube or a glob such as 'mail-*'"
_COUNTED = frozenset(STATES)
#: Sort orders of jobs; a leading ``-`` reverses them.
COLUMNS = ("id", "tube", "state", "priority", "age", "delay", "ttr", "time_left", "created", "file", "reserves",
           "timeouts", "releases", "buries", "kicks", "instance", "size")  # fmt: skip
#: Ids in several ranges: these are spelt out.
_MOST = 10_000_000
#: Types with the id of a job in an attribute.
_JOBS = (Job, JobStats, FoundJob, JobRef)
_RANGE = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?")
#: What jobs can be given as, for an error.
_ANY_JOBS = "ids, jobs, rows of a frame, or a frame with a column 'id'"


class Selection(NamedTuple):
    """The choice of jobs, checked by `select`.

    Attributes
    ----------
    tube : str or None
        A name, or a glob such as ``"mail-*"``; None means all tubes.
    states : frozenset of str
        The states that are wanted.
    ids : sequence of int or None
        The only ids that are looked at; None means all.
    where : str or None
        A SQL predicate, see `beanops.jobs.sql.where`.
    limit : int or None
        Most jobs that are wanted.
    order : str
        ``"newest"``, ``"oldest"``, or one of `COLUMNS`, reversed by a leading ``-``.
    """

    tube: str | None = None
    states: frozenset[str] = _COUNTED
    ids: Sequence[int] | None = None
    where: str | None = None
    limit: int | None = None
    order: str = "newest"

    def in_tube(self, name: str) -> bool:
        """Whether the jobs of a tube are selected."""
        return self.tube is None or name == self.tube or fnmatchcase(name, self.tube)

    def takes(self, stats: JobStats) -> bool:
        """Whether a job is selected, apart from the predicate."""
        return stats.state in self.states and self.in_tube(stats.tube)


def select(
    tube: Tube | None = None,
    *,
    state: str | Iterable[str] | None = None,
    ids: Any = None,
    where: str | None = None,
    group: Any = None,
    limit: SupportsIndex | None = None,
    order: str = "newest",
) -> Selection:
    """Choose jobs.

    Parameters
    ----------
    tube : str, TubeStats, row or None
        A name, a glob such as ``"mail-*"``, a row of a frame of tubes, or groups of jobs as rows: their jobs.
    state : str, iterable of str, or None
        ``"ready"``, ``"reserved"``, ``"delayed"`` or ``"buried"``, all four by default, or ``"invalid"``, a job
        whose body is still on the way; several in a list or with commas.
    ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
        The only jobs that are looked at; a text as in ``"5,7-9"``.
    where : str or None
        A SQL predicate, see `beanops.jobs.sql.where`.
    limit : int or None
        Most jobs that are wanted.
    order : str
        ``"newest"``, ``"oldest"``, or a column such as ``"priority"`` or ``"-age"``.

    Raises
    ------
    ArgumentError
        One of them is not as described; nothing was sent.

    Examples
    --------
    >>> select("mail-*", state="buried,delayed", limit=100).takes
    <bound method Selection.takes of ...>
    """
    if is_groups(tube):
        tube, state, where = of_groups(tube, state, where)
    if group is not None:
        chosen = groups_of(group)
        short = [name for name in chosen.names if len(name) < WHOLE]
        if short:
            raise ArgumentError("group", short[0], "a whole name such as 'g7f31c0a2'")
        where = both(chosen.where, where)
    states = [] if state is None else names_of("state", state)
    for name in states:
        check_choice("state", name, EVERY_STATE)
    _check_order(order)
    return Selection(
        None if tube is None else tube_of(tube, allowed=_tube_allowed(tube)),
        frozenset(states) or _COUNTED,
        None if ids is None else ids_of(ids, "ids"),
        where,
        None if limit is None else check_number("limit", limit, U64_MAX),
        order,
    )


def _tube_allowed(tube: Any) -> str:
    return f"{TUBE_OR_GLOB}; jobs by id are ids={tube}" if isinstance(tube, int | range) else TUBE_OR_GLOB


def of_groups(groups: Any, state: Any, where: str | None) -> tuple[str, Any, str | None]:
    """Return the tube, the states and the predicate of groups that are given as rows.

    Parameters
    ----------
    groups : row, frame or list of rows
        Of one look at groups.
    state, where
        As in `select`: states that replace those of the look, and a predicate besides.
    """
    tube, states = place_of(groups)
    return tube, states if state is None else state, both(groups_of(groups).where, where)


def _check_order(order: str) -> None:
    known = ("newest", "oldest", *COLUMNS)
    if not isinstance(order, str) or (order not in known and order.removeprefix("-") not in COLUMNS):
        allowed = f"newest, oldest, or one of {', '.join(COLUMNS)}, reversed by a leading '-'"
        reversed_ = isinstance(order, str) and order.startswith("-")
        near = [f"-{name}" for name in COLUMNS] if reversed_ else known
        raise ArgumentError("order", order, allowed + did_you_mean(order, near))


def names_of(argument: str, value: str | Iterable[str]) -> list[str]:
    """Return names that are given with commas, or as several.

    Raises
    ------
    ArgumentError
        A name is no text.

    Examples
    --------
    >>> names_of("state", "ready,buried")
    ['ready', 'buried']
    """
    if isinstance(value, str):
        return value.split(",")
    names = list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError(argument, value, "a name, or several in a list or with commas")
    return names


def ids_of(jobs: Any, argument: str = "jobs") -> Sequence[int]:
    """Return the ids of jobs in any form, each once, in order.

    Parameters
    ----------
    jobs : id, job, row, iterable of these, DataFrame with a column ``id``, str, or what has ``ref`` or ``refs``
        Text has ids and ranges, as in ``"5,7-9"``. A single range stays a range.
    argument : str
        Name of the argument, for an error.

    Raises
    ------
    ArgumentError
        It does not name jobs.
    """
    if isinstance(jobs, range) and (not jobs or min(jobs) >= 0):
        return jobs
    if isinstance(jobs, bytes):
        raise ArgumentError(argument, jobs, _ANY_JOBS)
    if isinstance(jobs, str):
        return _ids_in(jobs, argument)
    if hasattr(jobs, "columns"):
        jobs = ids_in_frame(jobs, argument)
    jobs = plain_row(jobs)
    one = isinstance(jobs, (*_JOBS, Mapping)) or not isinstance(jobs, Iterable)
    several: Iterable[Any] = [jobs] if one else jobs
    return list(dict.fromkeys(_id_of(job, argument) for job in several))


def plain_row(job: Any) -> Any:
    """Return a row of a frame as a dict, and the references that a run or a reservation has; anything else unchanged.

    Other numbers of a row are no ids. Its body is dropped: a frame shows bodies redacted, so their digest differs.
    """
    if isinstance(job, (int, *_JOBS)):
        return job
    if hasattr(job, "to_dict") and "id" in job.index:
        row = job.to_dict()
    elif "id" in getattr(job, "_fields", ()):
        row = job._asdict()
    else:
        # Looked up in the class: a row may have a column of that name.
        has = (name for name in ("ref", "refs") if isinstance(getattr(type(job), name, None), property))
        return getattr(job, next(has, ""), job)
    return {name: value for name, value in row.items() if name != "body"}


def ids_in_frame(frame: Any, argument: str = "jobs") -> list[Any]:
    """Return the column ``id`` of a frame.

    Raises
    ------
    ArgumentError
        There is none, or a row has no id, such as that of an action on a tube.
    """
    if "id" not in frame.columns:
        raise ArgumentError(argument, list(frame.columns), "a frame with a column 'id'")
    if missing := int(frame["id"].isna().sum()):
        given = f"{plural(missing, 'row')} without an id"
        raise ArgumentError(argument, given, "an id in each row: frame.dropna(subset='id')")
    ids: list[Any] = frame["id"].tolist()
    return ids


def _id_of(job: Any, argument: str) -> int:
    job = plain_row(job)
    if isinstance(job, Mapping) and "id" not in job:
        raise ArgumentError(argument, sorted(job), "rows with an 'id'")
    return check_id(argument, job["id"] if isinstance(job, Mapping) else getattr(job, "id", job))


def check_id(argument: str, value: Any) -> int:
    """Return `value` as the id of a job.

    Raises
    ------
    ArgumentError
        It is none; the text says how to give what was probably meant.

    Examples
    --------
    >>> check_id("jobs", 17)
    17
    """
    if value is None or isinstance(value, bytes):
        raise ArgumentError(argument, value, _ANY_JOBS)
    if isinstance(value, str):
        number = value.strip().isdecimal()
        allowed = _ANY_JOBS + ("; a tube is given alone, not in a list" if argument == "jobs" else "")
        raise ArgumentError(argument, value, f"ids as numbers: {int(value)}" if number else allowed)
    return check_number(argument, value, U64_MAX)


def looks_like_ids(text: str) -> bool:
    """Whether a text has the form of ids and ranges, such as ``"17"`` or ``"5,7-9"``; a tube's name may have it too."""
    words = text.replace(",", " ").split()
    return bool(words) and all(map(_RANGE.fullmatch, words))


def _ids_in(text: str, argument: str) -> Sequence[int]:
    parts: list[range] = []
    for word in text.replace(",", " ").split():
        match = _RANGE.fullmatch(word)
        if match is None:
            raise ArgumentError(argument, word, "ids and ranges such as 5,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > U64_MAX:
            raise ArgumentError(argument, word, f"ranges that grow, up to {U64_MAX}")
        if not any(first in part and last in part for part in parts):
            parts.append(range(first, last + 1))
    if len(parts) == 1:
        return parts[0]
    if sum(part.stop - part.start for part in parts) > _MOST:
        raise ArgumentError(argument, text, f"one range, or several with at most {_MOST:,} ids in all")
    return list(dict.fromkeys(id for part in parts for id in part))
