"""Which tubes are idle: jobs wait in them that nobody takes, and nothing else happens. Faces fold them into one row."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from beanops.monitor.survey import Seen
from beanops.ui.columns.why import is_idle

#: Idle tubes that are folded at least.
FEWEST = 3


def folded(tubes: Iterable[Seen], shown: Collection[str] = (), fewest: int = FEWEST) -> list[Seen]:
    """Return the idle tubes that are worth one row together, which is none while no other tube is in use.

    Parameters
    ----------
    tubes : iterable of Seen
        All tubes.
    shown : collection of str
        Tubes that keep their row, such as a selected one.
    fewest : int
        Number of idle tubes from which on they are folded.
    """
    idle: list[Seen] = []
    in_use = False
    for tube in tubes:
        if is_idle(tube):
            if tube.name not in shown:
                idle.append(tube)
        else:
            in_use = in_use or _in_use(tube)
    return idle if in_use and len(idle) >= fewest else []


def _in_use(tube: Seen) -> bool:
    stats = tube.stats
    jobs = (
        stats.current_jobs_ready
        or stats.current_jobs_reserved
        or stats.current_jobs_delayed
        or stats.current_jobs_buried
    )
    return bool(jobs or stats.current_watching)
