"""What is wrong with a tube, each with its reason, as pure functions of what is known of it."""

from __future__ import annotations

from typing import NamedTuple

from beanops.monitor.history import Trail, since
from beanops.protocol import JobStats, TubeStats
from beanops.text import plural, span

#: Seconds over which buried jobs are compared.
WINDOW = 60.0


class Flag(NamedTuple):
    """One thing that is wrong.

    Attributes
    ----------
    name : str
        In a word or two.
    reason : str
        With its numbers, in one line.
    """

    name: str
    reason: str


def without_workers(stats: TubeStats) -> Flag | None:
    """Tell of jobs that are ready while nobody watches the tube."""
    if not stats.current_jobs_ready or stats.current_watching:
        return None
    return Flag("no workers", f"{plural(stats.current_jobs_ready, 'job')} ready and no worker watches it")


def burying(stats: TubeStats, trail: Trail) -> Flag | None:
    """Tell of buried jobs that have become more."""
    before = since(trail, WINDOW)
    if before is None or stats.current_jobs_buried <= before.buried:
        return None
    more, seconds = stats.current_jobs_buried - before.buried, trail[-1].at - before.at
    return Flag(
        "burying", f"{plural(more, 'job')} buried in the last {seconds:.0f} s, {stats.current_jobs_buried:,} in all"
    )


def overdue(taken: JobStats | None) -> Flag | None:
    """Tell of a job that is reserved for longer than its ttr, as far as one is known."""
    if taken is None or taken.state != "reserved" or taken.time_left >= 0:
        return None
    return Flag("overdue", f"job {taken.id} is reserved {span(-taken.time_left)} longer than its TTR")


def paused(stats: TubeStats) -> Flag | None:
    """Tell of jobs that a pause holds back."""
    if not stats.pause_time_left or not stats.current_jobs_ready:
        return None
    return Flag(
        "paused", f"{plural(stats.current_jobs_ready, 'job')} ready, held back for {span(stats.pause_time_left)} more"
    )


def flags(stats: TubeStats, trail: Trail, taken: JobStats | None = None) -> tuple[Flag, ...]:
    """Return all that is wrong with a tube, the worst first.

    Parameters
    ----------
    stats : TubeStats
        The tube now.
    trail : Trail
        Where it came from.
    taken : JobStats or None
        A job of it that was last seen reserved; the server does not tell which jobs are.
    """
    found = (without_workers(stats), burying(stats, trail), overdue(taken), paused(stats))
    return tuple(flag for flag in found if flag is not None)
