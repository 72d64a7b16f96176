"""Warnings about a tube, each with its reason: pure functions of its statistics and history."""

from __future__ import annotations

from typing import NamedTuple

from beanops.monitor.rates import Trail, since
from beanops.protocol import JobStats, TubeStats
from beanops.text import plural, span

#: Seconds over which buried jobs are compared.
WINDOW = 60.0


class Flag(NamedTuple):
    """One warning.

    Attributes
    ----------
    name : str
        One or two words.
    reason : str
        One line with its numbers.
    """

    name: str
    reason: str


def without_workers(stats: TubeStats) -> Flag | None:
    """Return a warning about ready jobs in a tube that no worker watches."""
    if not stats.current_jobs_ready or stats.current_watching:
        return None
    return Flag("no workers", f"{plural(stats.current_jobs_ready, 'job')} ready and no worker watches it")


def burying(stats: TubeStats, trail: Trail) -> Flag | None:
    """Return a warning about buried jobs that increase."""
    before = since(trail, WINDOW)
    if before is None or stats.current_jobs_buried <= before.buried:
        return None
    more, seconds = stats.current_jobs_buried - before.buried, trail[-1].at - before.at
    return Flag(
        "burying", f"{plural(more, 'job')} buried in the last {seconds:.0f} s, {stats.current_jobs_buried:,} in all"
    )


def overdue(taken: JobStats | None) -> Flag | None:
    """Return a warning about a job that has been reserved for longer than its TTR."""
    if taken is None or taken.state != "reserved" or taken.time_left >= 0:
        return None
    return Flag("overdue", f"job {taken.id} is reserved {span(-taken.time_left)} longer than its TTR")


def paused(stats: TubeStats) -> Flag | None:
    """Return a warning about ready jobs in a paused tube."""
    if not stats.pause_time_left or not stats.current_jobs_ready:
        return None
    return Flag(
        "paused", f"{plural(stats.current_jobs_ready, 'job')} ready, held back for {span(stats.pause_time_left)} more"
    )


def flags(stats: TubeStats, trail: Trail, taken: JobStats | None = None) -> tuple[Flag, ...]:
    """Return the warnings about a tube, the worst first.

    Parameters
    ----------
    stats : TubeStats
        The tube now.
    trail : Trail
        Its history.
    taken : JobStats or None
        A reserved job of the tube that is known from earlier looks; the server does not list reserved jobs.
    """
    found = (without_workers(stats), burying(stats, trail), overdue(taken), paused(stats))
    return tuple(flag for flag in found if flag is not None)
