"""What a run records: intents before they are sent, outcomes after, and its end.

Counts follow the journal: an outcome that cannot be recorded counts as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple

from beanops.journal.heartbeat import alive, lease_from
from beanops.journal.records import AlreadyClaimed, Fate, Intent, gaps_between
from beanops.protocol.errors import BeanopsError
from beanops.session.execution.run import Run

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

DONE = Fate("done")
#: Why an outcome is unknown although the server's answer came.
NOT_WRITTEN = "its outcome could not be recorded"


class _Settled(NamedTuple):
    place: int
    fate: Fate
    about: str
    actions: int = 1


class Ledger:
    """Records one run in the journal.

    Parameters
    ----------
    run : Run
        The run; a dry run records nothing.
    journal : callable
        Returns the journal.
    clock : callable
        Returns the time, UTC.

    Attributes
    ----------
    size : int
        Number of actions recorded so far; the place of the next one in the run.
    """

    def __init__(self, run: Run, journal: Callable[[], Journal], clock: Callable[[], datetime]) -> None:
        self._run = run
        self._journal = journal
        self._clock = clock
        self.size = 0
        # Counted, but not yet recorded.
        self._settled: list[_Settled] = []

    @property
    def _kept(self) -> bool:
        return bool(self._run.id) and not self._run.dry

    @contextmanager
    def underway(self) -> Iterator[None]:
        """Mark the run as under way within a ``with`` block, and record its last outcomes and its end."""
        if not self._kept:
            yield
            return
        with alive(self._run.id, lambda *lease: self._journal().prolong(*lease), self._clock):
            try:
                yield
            finally:
                self._end()

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Record the end of a run that fails before it begins to act."""
        try:
            yield
        except BaseException:
            if self._kept:
                with suppress(BeanopsError):
                    self._journal().write(self._run.id, self._clock(), ended=True)
            raise

    def intend(self, intents: Sequence[Intent], place: int) -> None:
        """Record actions that are about to be sent, and the outcomes of those before.

        Parameters
        ----------
        intents : sequence of Intent
            The actions.
        place : int
            The place of the first of them in the run.
        """
        now = self._clock()
        self._journal().write(self._run.id, now, intents, place, self._fates(), lease=lease_from(now))
        self.size = place + len(intents)
        self._recorded()

    def unclaimed(self, place: int, actions: int) -> list[tuple[int, int]]:
        """Return which of so many actions from a place on are not on record: the starts and ends of stretches."""
        known = self._journal().claimed(self._run.id, place, place + actions)
        # Their outcomes may be unknown, which decides whether tubes stay paused.
        self._run.count("unknown", jobs=len(known))
        return [(gap.start, gap.stop) for gap in gaps_between((n - place for n in known), actions)]

    def note(self, intent: Intent, fate: Fate) -> None:
        """Record what is not an action on a job, with its outcome: it counts as no job."""
        now, place = self._clock(), self.size
        fates = chain(self._fates(), [(place, fate._replace(jobs=0))])
        self._journal().write(self._run.id, now, [intent], place, fates, lease=lease_from(now))
        self.size += 1
        self._recorded()

    def flush(self) -> None:
        """Record the outcomes of the actions so far."""
        now = self._clock()
        self._journal().write(self._run.id, now, fates=self._fates(), lease=lease_from(now))
        self._recorded()

    def settle(self, place: int, fate: Fate, about: str) -> None:
        """Count the outcome of an action, on `about` such as ``"job 5"``; the next batch records it."""
        self._settled.append(_Settled(place, fate, about))
        self._run.count(fate.outcome, fate.error, fate.jobs, about)

    def settle_done(self, place: int, actions: int) -> None:
        """Count actions that were done, the first of them at a place; the next batch records that."""
        if actions:
            self._settled.append(_Settled(place, DONE, f"action {place}", actions))
            self._run.count("done", jobs=actions)

    def _fates(self) -> Iterator[tuple[int, Fate]]:
        for place, fate, _, actions in self._settled:
            yield from zip(range(place, place + actions), repeat(fate, actions), strict=True)

    def _recorded(self) -> None:
        self._settled.clear()
        self._run.recorded()

    def _end(self) -> None:
        try:
            self._journal().write(self._run.id, self._clock(), fates=self._fates(), ended=True)
        except BaseException:
            self._count_as_journal()
            raise
        self._recorded()

    def _count_as_journal(self) -> None:
        self._run.forget_unrecorded()
        for _, fate, about, actions in self._settled:
            for _ in range(actions):
                self._run.count("unknown", fate.error if fate.outcome == "unknown" else NOT_WRITTEN, about=about)
        with suppress(BeanopsError):  # a full disk can still be read
            self._run.count_as(self._journal().counts([self._run.id])[self._run.id])


class SharedLedger(Ledger):
    """Records the part of a run that one task of an executor does; who began the run ends it.

    An action is on record at most once, whichever executions of the task try it: only that one may send it.

    Parameters
    ----------
    run, journal, clock
        As in `Ledger`.
    place : int
        The place of the first action of the task in the run.
    """

    def __init__(self, run: Run, journal: Callable[[], Journal], clock: Callable[[], datetime], place: int) -> None:
        super().__init__(run, journal, clock)
        self.size = place

    def intend(self, intents: Sequence[Intent], place: int) -> None:
        """As `Ledger.intend`.

        Raises
        ------
        AlreadyClaimed
            Another execution of the task has recorded some of these actions.
        """
        # Looked up before, because drivers complain of a failed insert; the insert decides.
        if self._journal().claimed(self._run.id, place, place + len(intents)):
            raise AlreadyClaimed(f"actions of run {self._run.id} from {place} on are on record already")
        super().intend(intents, place)

    @contextmanager
    def underway(self) -> Iterator[None]:
        """Record the last outcomes at the end of the block, also where the run has ended."""
        try:
            yield
        finally:
            self._journal().write(self._run.id, self._clock(), fates=self._fates())
            self._recorded()
