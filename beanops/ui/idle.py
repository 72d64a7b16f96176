"""Which tubes are idle: jobs wait in them that nobody takes, and nothing else happens. Faces fold them into one row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Literal

from beanops.monitor.survey import Seen
from beanops.ui.columns.why import is_idle

#: Idle tubes that are folded at least.
FEWEST = 3


#: How a tube is used; "empty" has neither jobs nor workers.
Use = Literal["idle", "used", "empty"]


def use_of(tube: Seen) -> Use:
    """Return how a tube is used."""
    if is_idle(tube):
        return "idle"
    stats = tube.stats
    jobs = (
        stats.current_jobs_ready
        or stats.current_jobs_reserved
        or stats.current_jobs_delayed
        or stats.current_jobs_buried
    )
    return "used" if jobs or stats.current_watching else "empty"


def folded(
    tubes: Iterable[Seen], shown: Collection[str] = (), fewest: int = FEWEST, use: Callable[[Seen], Use] = use_of
) -> list[Seen]:
    """Return the idle tubes that are worth one row together, which is none while no other tube is in use.

    Parameters
    ----------
    tubes : iterable of Seen
        All tubes.
    shown : collection of str
        Tubes that keep their row, such as a selected one.
    fewest : int
        Number of idle tubes from which on they are folded.
    use : callable
        Returns how a tube is used.
    """
    idle: list[Seen] = []
    in_use = False
    for tube in tubes:
        how = use(tube)
        if how == "idle" and tube.name not in shown:
            idle.append(tube)
        in_use = in_use or how == "used"
    return idle if in_use and len(idle) >= fewest else []
