"""How fast tubes fill and drain, from two snapshots."""

from __future__ import annotations

from typing import NamedTuple

from beanops.monitor.sample import Snapshot
from beanops.protocol import TubeStats


class Rates(NamedTuple):
    """Jobs a second through a tube; None is unknown, not zero.

    Attributes
    ----------
    puts : float or None
        Jobs put.
    deletes : float or None
        Jobs deleted, which is how a worker finishes one.
    """

    puts: float | None
    deletes: float | None


UNKNOWN = Rates(None, None)


def rates(before: Snapshot, after: Snapshot) -> dict[str, Rates]:
    """Return the rates of each tube between two snapshots.

    A tube that is new, and one whose counters went back because it vanished in between (or the server was
    restarted), has unknown rates.

    Examples
    --------
    >>> rates(before, after)["mail"].puts       # doctest: +SKIP
    12.5
    """
    seconds = after.at - before.at
    if seconds <= 0 or before.server.id != after.server.id:
        return {tube.name: UNKNOWN for tube in after.tubes}
    earlier = {tube.name: tube for tube in before.tubes}
    return {tube.name: _between(earlier.get(tube.name), tube, seconds) for tube in after.tubes}


def _between(before: TubeStats | None, after: TubeStats, seconds: float) -> Rates:
    if before is None or after.total_jobs < before.total_jobs or after.cmd_delete < before.cmd_delete:
        return UNKNOWN
    puts, deletes = after.total_jobs - before.total_jobs, after.cmd_delete - before.cmd_delete
    return Rates(puts / seconds, deletes / seconds)
