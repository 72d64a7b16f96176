"""What is wrong with a server now: one look, or two a moment apart, for `Session.problems` and the command line."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from beanops.jobs.select import select
from beanops.monitor.problems.problem import Problem, summary
from beanops.monitor.survey import Surveyor
from beanops.session.config import problem_limits
from beanops.session.lookups import Lookups

#: Seconds between the two looks.
APART = 1.0
#: Most tubes whose next jobs a look peeks at: more than that of a dashboard, which looks again and again.
_PEEKS = 200


class DatedProblem(NamedTuple):
    """A problem, and when it began or was first seen, UTC."""

    problem: Problem
    since: datetime


def problems_now(
    lookups: Lookups,
    pattern: str | None,
    seconds: float,
    now: Callable[[], datetime],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[DatedProblem]:
    """Return the problems of a server, the worst first.

    Parameters
    ----------
    lookups : Lookups
        Of the session on it.
    pattern : str or None
        The name of a tube or a glob: the problems of these tubes alone. None is the server and all tubes.
    seconds : float
        Seconds between the two looks; 0 takes one, which knows no rates.
    now : callable
        The time, UTC.
    clock, sleep : callable
        Monotonic seconds, and how to wait.
    """
    surveyor = Surveyor(clock, problem_limits(), patience=seconds, peeks=_PEEKS)
    survey = lookups.survey(surveyor)
    if seconds > 0:
        sleep(seconds)
        survey = lookups.survey(surveyor)
    found = survey.problems
    if pattern is not None:
        lookups.check_tube(pattern)
        wanted = select(pattern).in_tube
        found = summary(one for name, seen in survey.tubes.items() if wanted(name) for one in seen.problems)
    at, present = clock(), now()
    return [DatedProblem(one, present - timedelta(seconds=at - one.since)) for one in found]
