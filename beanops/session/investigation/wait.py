"""`wait`: look at a tube until a condition on its counts is true, for `Session.wait` and its faces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from beanops.jobs.select import select
from beanops.jobs.tube_names import NoTube
from beanops.monitor.rates import Point, Trail, grown, time_to_drain
from beanops.monitor.sweep import TUBE_COUNTS, jobs_and_tubes
from beanops.protocol.errors import ArgumentError, ConnectionClosed, ConnectionLost
from beanops.protocol.limits import is_glob
from beanops.protocol.states import STATES
from beanops.session.bars import bar_for
from beanops.session.context import Context
from beanops.session.investigation.condition import Condition
from beanops.session.lookups import Lookups
from beanops.text import span

#: Nothing is left that a worker would run by itself; buried jobs wait for a person.
DRAINED = "ready = 0 and reserved = 0 and delayed = 0"
#: Names that a condition may have, without the number of jobs in all states.
_COUNTS = (*STATES, "urgent", "watching", "waiting", "using")
NAMES = (*_COUNTS, "jobs")
#: Seconds between two looks.
EVERY = 1.0


class Waited(NamedTuple):
    """How a tube, or several, looked when the last look was over.

    It is true, as in ``if session.wait("mail"):``, where the condition is.

    Attributes
    ----------
    tube : str
        The name or the glob.
    until : str
        The condition.
    is_true : bool
        Whether it is true.
    seconds : float
        How long it has taken so far.
    counts : dict of str to int
        Jobs in each state, all ``jobs``, and the other names that a condition may have; sums over the tubes of a glob.
    tubes : list of str
        The tubes that exist.
    vanished : list of str
        The tubes that no longer exist: they have no jobs, and nobody uses or watches them.
    restarts : int
        How often the server was restarted.
    error : str or None
        Why the last look failed; the counts are then those of the look before.
    remaining : int
        Number of jobs in the states that the condition is about.
    left : float or None
        Seconds until the condition is true at the present pace, None where that is unknown.
    """

    tube: str
    until: str
    is_true: bool = False
    seconds: float = 0.0
    counts: Mapping[str, int] = {}
    tubes: list[str] = []  # noqa: RUF012
    vanished: list[str] = []  # noqa: RUF012
    restarts: int = 0
    error: str | None = None
    remaining: int = 0
    left: float | None = None

    def __bool__(self) -> bool:
        return self.is_true

    @property
    def jobs(self) -> str:
        """The number of jobs in each state, in words."""
        found = [f"{self.counts[state]:,} {state}" for state in STATES if self.counts.get(state)]
        return ", ".join(found) or "no jobs"

    @property
    def progress(self) -> str:
        """How it looks now, in words."""
        if self.error is not None:
            return self.error
        return f"{self.jobs}, about {span(self.left)} left" if self.left is not None else self.jobs

    @property
    def summary(self) -> str:
        """One line with the verdict, the jobs, and what explains them."""
        verdict = f"{self.until} is {'true' if self.is_true else 'not true'} after {span(self.seconds)}"
        notes = []
        if self.vanished and not self.tubes:
            notes.append("the tube no longer exists" if len(self.vanished) == 1 else "the tubes no longer exist")
        elif not self.tubes:
            notes.append("there is no such tube")
        if self.restarts:
            notes.append("the server was restarted, which loses jobs that are not in a binlog")
        if self.error is not None:
            notes.append(self.error)
        return "; ".join([f"{self.tube}: {verdict}", self.jobs, *notes])


def wait(
    lookups: Lookups,
    context: Context,
    tube: str,
    until: str = DRAINED,
    timeout: float | None = None,
    every: float = EVERY,
    *,
    missing_ok: bool = False,
    report: Callable[[Waited], None] = lambda now: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Waited:
    """Look at a tube until a condition is true, or the time is over. A lost connection is tried again.

    Parameters
    ----------
    lookups, context
        Of the session.
    tube : str
        Its name, or a glob, whose tubes are summed up.
    until : str
        The condition.
    timeout : float or None
        Maximum seconds; None waits for any time.
    every : float
        Seconds between two looks.
    missing_ok : bool
        Whether the tube may be one that nobody has heard of: then it has no jobs.
    report : callable
        Called after each look.
    clock, sleep : callable
        Monotonic seconds, and how to wait.

    Raises
    ------
    NotFound
        There is no such tube, and nothing is known of one.
    ConditionError
        The condition is none.
    """
    if not every > 0:
        raise ArgumentError("every", every, "a number of seconds above 0")
    waiting = _Wait(lookups, context, tube, Condition(until, NAMES))
    began = clock()
    now = waiting.look(began, began)
    if not now.tubes:
        if waiting.was_there():
            now = now._replace(vanished=[tube])
        elif not missing_ok:
            raise NoTube(tube, lookups.looking().list_tubes())
    report(now)
    while not now.is_true:
        left = None if timeout is None else began + timeout - clock()
        if left is not None and left <= 0:
            break
        sleep(every if left is None else min(every, left))
        now = waiting.look_again(began, clock)
        report(now)
    return now


#: A bar without tqdm's own pace and time left, which assume that no jobs are put.
_LAYOUT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"


def wait_with_bar(
    lookups: Lookups, context: Context, tube: str, *how: Any, missing_ok: bool, shown: tuple[bool | None, bool]
) -> Waited:
    """Wait as `wait` does, with a bar; `shown` says whether it is wanted, and whether it would be seen."""
    with bar_for(*shown, "jobs", f"wait {tube}", layout=_LAYOUT) as bar:
        most = 0

        def report(now: Waited) -> None:
            nonlocal most
            most = max(most, now.remaining)
            if bar is not None:
                bar.show(most - now.remaining, most, now.progress)

        return wait(lookups, context, tube, *how, missing_ok=missing_ok, report=report)


class _Wait:
    def __init__(self, lookups: Lookups, context: Context, tube: str, condition: Condition) -> None:
        self._lookups = lookups
        self._context = context
        self._tube = tube
        self._in_tube = select(tube).in_tube
        self._condition = condition
        self._states = [state for state in STATES if {state, "jobs"} & condition.names]
        self._instance = ""
        self._seen: set[str] = set()
        self._trail: Trail = ()
        self._last = Waited(tube, condition.text)

    def look_again(self, began: float, clock: Callable[[], float]) -> Waited:
        """Return what a look shows, or that it failed."""
        try:
            return self.look(began, clock())
        except ConnectionClosed:
            raise
        except ConnectionLost as error:
            self._trail = ()
            self._last = self._last._replace(is_true=False, seconds=clock() - began, error=str(error), left=None)
            return self._last

    def look(self, began: float, at: float) -> Waited:
        """Return what a look shows."""
        client = self._lookups.looking()
        names = list(filter(self._in_tube, client.list_tubes())) if is_glob(self._tube) else [self._tube]
        found = jobs_and_tubes(client, (), names, lambda: at, server=True)
        assert found.server is not None
        restarts = self._last.restarts
        if found.server.id != self._instance:
            restarts += bool(self._instance)
            self._instance, self._trail = found.server.id, ()
        counts = {name: sum(getattr(one, TUBE_COUNTS[name]) for one in found.tubes) for name in _COUNTS}
        counts["jobs"] = sum(counts[state] for state in STATES)
        remaining = sum(counts[state] for state in self._states)
        tubes = [one.name for one in found.tubes]
        self._seen.update(tubes)
        self._last = Waited(
            self._tube,
            self._condition.text,
            self._condition.judge(counts) is True,
            at - began,
            counts,
            tubes,
            sorted(self._seen.difference(tubes)),
            restarts,
            None,
            remaining,
            self._time_left(counts, remaining, at),
        )
        return self._last

    def _time_left(self, counts: Mapping[str, int], remaining: int, at: float) -> float | None:
        """Return the seconds until no job remains at the present pace, if the condition is true then."""
        self._trail = grown(self._trail, Point(at, remaining, 0, 0, 0, 0, 0))
        empty = {**counts, **dict.fromkeys(self._states, 0)}
        empty["jobs"] = sum(empty[state] for state in STATES)
        return time_to_drain(self._trail) if self._condition.judge(empty) else None

    def was_there(self) -> bool:
        """Whether something is known of a tube that does not exist: it had its last job deleted, and nobody used it."""
        known = self._lookups.was_there(self._tube)
        self._seen |= {self._tube} if known else set()
        return known
