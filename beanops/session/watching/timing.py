"""Measure how long jobs wait and run, and of which classes they are, for `Session.job_times` and `job_classes`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, takewhile
from typing import NamedTuple

from beanops.jobs.select import select
from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.monitor.times.job_classes import Classify
from beanops.monitor.times.job_times import JobTimes
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import is_glob
from beanops.session.lookups import Lookups

#: Seconds that a measurement takes, and seconds between two looks.
LENGTH, APART = 10.0, 1.0


class Timed(NamedTuple):
    """How long the jobs of a tube wait and run.

    Attributes
    ----------
    tube : str or None
        The tube's name; None is the whole server.
    times : JobTimes
        The estimate.
    """

    tube: str | None
    times: JobTimes


def measure(
    lookups: Lookups,
    pattern: str | None,
    seconds: float = LENGTH,
    every: float = APART,
    *,
    classify: Classify | None = None,
    report: Callable[[float], None] = lambda passed: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Survey:
    """Look again and again for some seconds, and return the last survey; Ctrl-C ends it early.

    Parameters
    ----------
    lookups : Lookups
        Of the session.
    pattern : str or None
        The name of a tube or a glob that must exist; None is all tubes.
    seconds, every : float
        Length of the measurement, and the interval between two looks.
    classify : callable or None
        Returns the name of a job's class, given its body; None reads no bodies.
    report : callable
        Takes the seconds that have passed, after each look.
    clock, sleep : callable
        Monotonic seconds, and how to wait.

    Raises
    ------
    NotFound
        There is no such tube.
    """
    for name, value in (("seconds", seconds), ("every", every)):
        if not value > 0:
            raise ArgumentError(name, value, "a number of seconds above 0")
    if pattern is not None:
        lookups.check_tube(pattern)
    # Of very many tubes each look reads a part, but always one that is named.
    wanted = () if pattern is None or is_glob(pattern) else (pattern,)
    surveyor = Surveyor(clock, follow=True, classify=classify)
    started = clock()
    survey = lookups.survey(surveyor, wanted)
    try:
        for number in takewhile(lambda number: number * every <= seconds + 1e-9, count(1)):
            sleep(max(0.0, started + number * every - clock()))
            survey = lookups.survey(surveyor, wanted)
            report(clock() - started)
    except KeyboardInterrupt:
        pass
    return survey


def timed(survey: Survey, pattern: str | None) -> list[Timed]:
    """Return the tubes that match and of which something is known; all of them, and the server, for None."""
    found = [Timed(seen.name, seen.times) for seen in _matching(survey, pattern) if seen.times.jobs]
    if pattern is None and survey.times.jobs:
        found.append(Timed(None, survey.times))
    return found


def classified(survey: Survey, pattern: str | None) -> list[Seen]:
    """Return the tubes that match and of which classes are known."""
    return [seen for seen in _matching(survey, pattern) if seen.classes]


def _matching(survey: Survey, pattern: str | None) -> list[Seen]:
    wanted = None if pattern is None else select(pattern).in_tube
    return [seen for name, seen in survey.tubes.items() if wanted is None or wanted(name)]
