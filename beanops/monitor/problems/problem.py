"""`Problem`: what is wrong with a server or a tube, since when, and where to look; and the order of problems.

`tube_rules` and `server_rules` find them, `evaluation` keeps them from look to look.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

from beanops.text import plural

#: How bad a problem is.
Severity = Literal["critical", "warning"]
#: The severities, worst first.
SEVERITIES: tuple[Severity, ...] = ("critical", "warning")

#: The problems of a server and of a tube by name, with their meaning; of one severity those named first come first.
SERVER_PROBLEMS = {
    "draining": "the server refuses puts until it is restarted",
    "puts-refused": "the server refused puts: bodies larger than max-job-size, or malformed ones",
    "connections": "the server is near its limit of connections",
    "busy": "the server uses all of its core",
    "slow": "the server answers late",
    "restarted": "the server was restarted a short time ago",
    "binlog-pinned": "an old job keeps the oldest file of the binlog, and all files after it",
    "binlog-growing": "the binlog has many files",
}
TUBE_PROBLEMS = {
    "no-workers": "jobs are ready and no worker watches the tube",
    "not-consuming": "jobs are ready, and the workers that watch the tube take none",
    "falling-behind": "more jobs are put than deleted, and ready jobs increase",
    "burying": "more jobs are buried than a minute ago",
    "buried": "buried jobs that nobody kicks",
    "poison": "one job timed out or was released again and again",
    "overdue": "a job has been reserved for longer than its TTR",
    "paused": "a pause holds back ready jobs",
    "oldest": "the next job was put long ago",
    "delayed": "very many jobs are delayed",
}
#: All names of problems, with their meaning.
PROBLEMS = {**SERVER_PROBLEMS, **TUBE_PROBLEMS}
_SINCE = attrgetter("since")


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes
    ----------
    name : str
        The kind of problem, such as ``"no-workers"``; `PROBLEMS` has them all.
    severity : str
        ``"critical"`` or ``"warning"``.
    tube : str or None
        The tube; None for the server, and for a line that sums up several tubes.
    reason : str
        One line with its numbers.
    since : float
        Seconds of the surveyor's clock at which it was first seen, or at which it began where the server knows that.
    look_at : str
        The command that shows more, such as ``beanops jobs mail --state buried``.
    tubes : tuple of str
        The tubes that the line sums up; empty where it is about one tube or the server.
    job : int or None
        The job that it is about.
    job_tube : str or None
        The tube of that job.
    """

    name: str
    severity: Severity
    tube: str | None
    reason: str
    since: float
    look_at: str
    tubes: tuple[str, ...] = ()
    job: int | None = None
    job_tube: str | None = None

    @property
    def title(self) -> str:
        """The name in words.

        Examples
        --------
        >>> Problem("no-workers", "warning", "mail", "3 jobs ready", 0.0, "beanops stats mail").title
        'no workers'
        """
        return self.name.replace("-", " ")

    @property
    def place(self) -> str:
        """What it is about: a tube, several tubes, or the server."""
        if self.tube is not None:
            return self.tube
        return plural(len(self.tubes), "tube") if self.tubes else "server"


#: A kind of problem: severity and name.
Kind = tuple[str, str]
#: The kinds, the worst first, and the one that jobs in idle tubes are.
_ORDER: tuple[Kind, ...] = tuple((severity, name) for severity in SEVERITIES for name in PROBLEMS)
_PLACES = {kind: place for place, kind in enumerate(_ORDER)}
IDLE: Kind = ("warning", "no-workers")


def rank(problems: Sequence[Problem]) -> int:
    """Return the place of the worst of some problems among all kinds, 0 for the worst kind; of none the last place.

    Examples
    --------
    >>> buried = Problem("buried", "warning", "mail", "2 jobs buried", 5.0, "beanops jobs mail --state buried")
    >>> rank([buried._replace(severity="critical")]) < rank([buried]) < rank([])
    True
    """
    return min((_PLACES[one.severity, one.name] for one in problems), default=len(_ORDER))


def worst_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems by severity, then by kind, the longest-lasting first.

    Examples
    --------
    >>> buried = Problem("buried", "warning", "mail", "2 jobs buried", 5.0, "beanops jobs mail --state buried")
    >>> [one.since for one in worst_first([buried, buried._replace(since=1.0)])]
    [1.0, 5.0]
    """
    return tuple(sorted(problems, key=lambda one: (_PLACES[one.severity, one.name], one.since)))


def summary(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems, the worst first, with one line for all idle tubes: no worker watches them, nobody puts jobs.

    Examples
    --------
    >>> idle = Problem("no-workers", "warning", "a", "1 job ready", 1.0, "beanops stats a")
    >>> [one.reason for one in summary([idle, idle._replace(tube="b")])]
    ['2 idle tubes with ready jobs that no worker watches: a, b']
    """
    kinds: dict[Kind, list[Problem]] = {}
    for one in problems:
        kinds.setdefault((one.severity, one.name), []).append(one)
    return summary_of_kinds(kinds)


def summary_of_kinds(
    kinds: Mapping[Kind, Collection[Problem]], of_idle_tubes: Callable[[Collection[Problem]], Problem] | None = None
) -> tuple[Problem, ...]:
    """Return problems that are known by kind, as `summary` does; fast for many."""
    one_line = of_idle_tubes or idle_tubes
    found: list[Problem] = []
    for kind in _ORDER:
        some = kinds.get(kind)
        if some:
            # Where jobs are put, it is critical.
            found += [one_line(some)] if kind == IDLE and len(some) > 1 else sorted(some, key=_SINCE)
    return tuple(found)


def idle_tubes(idle: Collection[Problem]) -> Problem:
    """Return one line for all idle tubes."""
    names = tuple(sorted([one.tube for one in idle if one.tube is not None]))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    reason = f"{plural(len(names), 'idle tube')} with ready jobs that no worker watches: {shown}"
    return Problem("no-workers", "warning", None, reason, min(map(_SINCE, idle)), "beanops tubes", names)
