"""One look at a tube's jobs: the heads of its states, those held here, and what became of those on the screen.

It runs in the sampling thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import NotFound
from beanops.protocol.states import AT_REST
from beanops.session.session import Session


class TubeLook(NamedTuple):
    """What one look found.

    Attributes
    ----------
    tube : str
        The tube.
    top : Mapping of int to (str, FoundJob)
        By id: the next job of each state, and those held here, with their place (`JobRow.place`).
    fresh : Mapping of int to JobStats or None
        What became of the jobs that were asked about, None for those that are gone.
    gone : bool
        Whether there is no such tube.
    turn : int
        How many actions had ended when it began: an earlier look does not know what they changed.
    """

    tube: str
    top: Mapping[int, tuple[str, FoundJob]]
    fresh: Mapping[int, JobStats | None]
    gone: bool = False
    turn: int = 0


def look_at(session: Session, tube: str, seen: Iterable[int], turn: int) -> TubeLook:
    """Look at a tube, and at what became of jobs that were seen before; one that left the tube counts as gone."""
    try:
        heads = session.next_jobs(tube)
        gone = False
    except NotFound:
        heads, gone = {}, True
    top = {head.id: (state, head) for state in AT_REST if (head := heads.get(state)) is not None}
    for job in session.jobs_by_id(sorted(session.held)):
        if job is not None and job.stats.tube == tube and job.stats.state == "reserved":
            top[job.id] = ("held", job)
    wanted = [id for id in seen if id not in top]
    now = session.jobs_by_id(wanted, bodies=False)
    fresh = {
        id: job.stats if job is not None and job.stats.tube == tube else None
        for id, job in zip(wanted, now, strict=True)
    }
    return TubeLook(tube, top, fresh, gone, turn)
