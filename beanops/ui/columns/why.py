"""What is wrong with a tube, in the few words that a cell of a table has room for."""

from __future__ import annotations

from collections.abc import Callable

from beanops.monitor.problems.problem import Problem, rank
from beanops.monitor.survey import Seen
from beanops.text import span
from beanops.ui.formatting import rate

#: The marks of problems by severity: a terminal without colours tells them apart.
MARKS = {"critical": "✖", "warning": "▲"}
#: The marks of what is not urgent: jobs that wait in an idle tube, and a pause.
IDLE, PAUSED = "○", "‖"


#: Seconds for which a tube that lost its workers is not idle.
NEWS = 300.0
#: The name of the row that sums up idle tubes; a name of a tube has no blanks.
IDLE_TUBES = "idle tubes without workers"


def lasted(seconds: float) -> str:
    """Return for how long something lasts, in one unit.

    Examples
    --------
    >>> lasted(7.5), lasted(870), lasted(7500), lasted(300000)
    ('7s', '14m', '2h', '3d')
    """
    whole = max(0, int(seconds))
    if whole < 100:
        return f"{whole}s"
    return next(f"{whole // size}{unit}" for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")) if whole >= size)


def is_idle(row: Seen) -> bool:
    """Whether nobody works on a tube and nobody puts jobs, and that has long been so: nothing that is urgent."""
    if len(row.problems) != 1 or row.problems[0].name != "no-workers" or row.problems[0].severity != "warning":
        return False
    since = row.problems[0].since
    if row.at - since >= NEWS:
        return True
    # A tube that was fine at the first look may have lost its workers a moment ago.
    begun = row.history.begun
    return begun is None or since - begun <= 1


def why(row: Seen, now: float) -> str:
    """Return the worst problem of a tube with its mark and for how long it lasts; empty if nothing is wrong.

    The time ends in ``+`` if it lasts for at least so long.
    """
    if not row.problems:
        return f"{PAUSED} paused" if row.stats.pause_time_left else ""
    worst = row.problems[0]
    mark = PAUSED if worst.name == "paused" else IDLE if is_idle(row) else MARKS[worst.severity]
    seconds = now - worst.since
    known = f", {lasted(seconds)}" if seconds >= 1 and worst.name not in _WITH_TIME else ""
    begun = row.history.begun
    if known and begun is not None and abs(worst.since - begun) <= 1:
        known += "+"  # it was there at the first look: since when is not known
    return f"{mark} {_WORDS.get(worst.name, _title)(worst, row)}{known}"


def tone(row: Seen) -> str:
    """Return the tone of these words."""
    if not row.problems or row.problems[0].name == "paused":
        return "paused"
    if is_idle(row):
        return "muted"
    return "warn" if row.problems[0].severity == "critical" else "delayed"


#: How bad no problem is: most tubes of a large server have none.
_NOTHING: tuple[float, int] = (rank(()), 0)


def badness(row: Seen) -> tuple[float, int]:
    """Return how bad the worst problem is, then how many jobs there are roughly: the worst tube is the least.

    Idle tubes come last of those with a problem.
    """
    if not row.problems:
        return _NOTHING
    stats = row.stats
    # Roughly, so that a few jobs more do not move rows.
    jobs = stats.current_jobs_buried + stats.current_jobs_ready
    worst = rank(row.problems)
    return _NOTHING[0] - 0.5 if is_idle(row) else worst, -jobs.bit_length()


def _title(problem: Problem, row: Seen) -> str:
    return problem.title


def _falling_behind(problem: Problem, row: Seen) -> str:
    growth = row.rates.growth
    return f"behind by {rate(growth)}/s" if growth is not None and growth > 0 else "falling behind"


def _buried(problem: Problem, row: Seen) -> str:
    number = row.stats.current_jobs_buried
    # A recording may know of a problem what it does not know of the tube.
    return f"{number:,} buried" if number else problem.title


def _burying(problem: Problem, row: Seen) -> str:
    more = row.trail[-1].buried - row.trail[0].buried if row.trail else 0
    return f"burying, +{more:,}" if more > 0 else problem.title


def _paused(problem: Problem, row: Seen) -> str:
    return f"paused, {span(row.stats.pause_time_left)} left"


def _poison(problem: Problem, row: Seen) -> str:
    return f"job {problem.job} fails" if problem.job is not None else problem.title


#: The problems whose short words are not their name.
_WORDS: dict[str, Callable[[Problem, Seen], str]] = {
    "falling-behind": _falling_behind,
    "buried": _buried,
    "burying": _burying,
    "paused": _paused,
    "poison": _poison,
    "not-consuming": lambda problem, row: "workers idle",
    "oldest": lambda problem, row: "next job is old",
    "delayed": lambda problem, row: f"{row.stats.current_jobs_delayed:,} delayed",
}
#: The problems whose words have a time of their own.
_WITH_TIME = frozenset({"paused"})
