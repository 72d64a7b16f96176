"""`Selected`: the jobs of a tube that are chosen by state, predicate or group, whether or not a list has loaded them.

An action on them calls the verb with the tube and these options, so that jobs are found again when it runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from beanops.jobs.search.scan import Scan
from beanops.protocol import TubeStats
from beanops.protocol.errors import UsageError
from beanops.protocol.states import STATES
from beanops.session.session import Session
from beanops.text import safe_text


class Selected(NamedTuple):
    """Jobs of a tube, chosen by state, predicate or group.

    Attributes
    ----------
    tube : str
        The tube.
    states : tuple of str
        Only jobs in these states.
    where : str or None
        Only jobs that match this SQL predicate.
    group : JobGroup, str or None
        Only jobs of this group: a row of groups, or a whole name.
    counts : Mapping of str to int, or None
        The number of these jobs by state; None if it is not known yet, then `count_jobs` finds it.
    words : str
        What chose them, safe, after "jobs of tube mail": ``"in group g7f31c0a2"``. Empty for all of the states.
    """

    tube: str
    states: tuple[str, ...] = STATES
    where: str | None = None
    group: Any = None
    counts: Mapping[str, int] | None = None
    words: str = ""

    @property
    def number(self) -> int:
        """The number of the jobs, 0 if it is not known."""
        return sum(self.counts.values()) if self.counts is not None else 0

    def may_have(self, states: Collection[str]) -> bool:
        """Whether there may be jobs in some states."""
        here = [state for state in self.states if state in states]
        return any(here) if self.counts is None else any(self.counts.get(state) for state in here)

    def only(self, states: Collection[str]) -> Selected:
        """Return those of the jobs that are in some states."""
        here = tuple(state for state in self.states if state in states)
        if self.counts is None:
            return self._replace(states=here)
        counts = {state: number for state in here if (number := self.counts.get(state))}
        return self._replace(states=tuple(counts), counts=counts)

    @property
    def options(self) -> dict[str, Any]:
        """The options of a verb for these jobs: the oldest first, and no more than were counted."""
        given = {"where": self.where, "group": self.group, "limit": None if self.counts is None else self.number}
        return {
            "state": self.states,
            "order": "oldest",
            **{name: value for name, value in given.items() if value is not None},
        }


def all_in(stats: TubeStats, state: str) -> Selected:
    """Return all jobs of a tube that are in a state, as many as its statistics say.

    Examples
    --------
    >>> all_in(session.tube("mail"), "buried").options["state"]
    ('buried',)
    """
    return Selected(stats.name, (state,), counts={state: getattr(stats, f"current_jobs_{state}")})


def count_jobs(session: Session, selected: Selected, begun: Callable[[Scan], object]) -> Selected:
    """Return the selection with its counts; blocks on the network.

    Parameters
    ----------
    session : Session
        Finds the jobs.
    selected : Selected
        The jobs.
    begun : callable
        Called with the search, which the caller can cancel.

    Raises
    ------
    BeanopsError
        The server does not answer, or the predicate is wrong.
    UsageError
        The search was cancelled.
    """
    scan = session.scan(
        selected.tube, state=selected.states, where=selected.where, group=selected.group, bodies=False, order="oldest"
    )
    begun(scan)
    counts: Counter[str] = Counter()
    for batch in scan:
        counts.update(job.stats.state for job in batch)
    if not scan.seen_all:
        raise UsageError(f"not all jobs could be counted; {scan.conclusion}")
    return selected._replace(counts=counts)


def words_of(selected: Iterable[Selected]) -> str:
    """Return what chose the jobs, if it is the same for all of them."""
    words = {one.words for one in selected}
    return words.pop() if len(words) == 1 else ""


def where_words(where: str) -> str:
    """Return the words of a predicate."""
    return f"where {safe_text(where, limit=60)}"
