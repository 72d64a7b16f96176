"""The scan: a stream of the jobs that a selection means, found by asking for ids, in constant memory."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.idmap import IdMap
from beanops.jobs.plan import Bound, Count, bound, count
from beanops.jobs.read import FoundJob
from beanops.jobs.select import Selection
from beanops.jobs.where import Where
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import NotFound, ReplyError, UsageError

#: Ids asked for in one go: the first page comes soon, and a long scan seldom waits for a round trip.
_FIRST_BLOCK, _BLOCK = 256, 4096
#: How far to look above an inexact bound while jobs are missing, before giving up.
_GIVE_UP = 1_000_000
#: Bytes of bodies in one batch beyond which batches get smaller.
_MAX_BODIES = 4 * 2**20


class Progress(NamedTuple):
    """How far a scan has come.

    Attributes
    ----------
    looked : int
        Ids that were looked at, those known to be gone included.
    found : int
        Jobs found in the selected tubes and states, before the predicate.
    expected : int or None
        How many the server counted; None when it does not count them.
    remaining : int
        Ids that are still to be looked at, at most.
    rate : float
        Ids a second.
    seconds_left : float or None
        At that rate, at most; None before there is one.
    """

    looked: int
    found: int
    expected: int | None
    remaining: int
    rate: float
    seconds_left: float | None


class Scan:
    """Finds jobs; iterate it for batches of them.

    A scan that was cancelled, or that lost its connection, goes on where it stopped when it is iterated again.
    Jobs that come and go while it runs are no error: what is selected from its start to its end is found.

    Parameters
    ----------
    connect : callable
        Returns a connected client that never reserves.
    selection : Selection
        Which jobs; `order` must be ``"newest"`` or ``"oldest"``.
    idmap : IdMap
        What is known of the server's ids; the scan adds to it.
    bodies : bool
        Whether bodies are wanted. They are also read where the predicate needs them.
    probe : bool
        Find the exact bound of the ids by putting a job for a moment (only needed with a binlog).
    max_rate : float or None
        Most ids to ask for in a second.
    polite : bool
        Pause as long as each block took while workers wait for jobs, so that the server has time for them.
    clock, sleep : callable
        Of `time`, for tests.

    Attributes
    ----------
    complete : bool
        Whether all selected jobs were found.
    unlooked : list of sequence of int
        Ids that were not looked at. Above an inexact bound there may be more.
    bound : Bound or None
        How high ids can be; None before the scan knows.

    Examples
    --------
    >>> scan = session.scan("mail", state="buried")        # doctest: +SKIP
    >>> for batch in scan:
    ...     print(len(batch), scan.progress.seconds_left)
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        selection: Selection,
        idmap: IdMap,
        *,
        bodies: bool = True,
        probe: bool = False,
        max_rate: float | None = None,
        polite: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if selection.order not in ("newest", "oldest"):
            raise UsageError(f"a scan goes newest or oldest first, not by {selection.order}: sort what it found")
        self.complete = False
        self.bound: Bound | None = None
        self._connect = connect
        self._selection = selection
        self._idmap = idmap
        self._where = None if selection.where is None else Where(selection.where)
        self._bodies_first = self._where is not None and self._where.needs_bodies
        self._bodies = bodies or self._bodies_first
        self._probe = probe
        self._max_rate = max_rate
        self._polite = polite
        self._clock = clock
        self._sleep = sleep
        self._start: Count | None = None
        self._waiting = 0
        self._todo: list[Sequence[int]] = []
        self._bodiless: list[FoundJob] = []
        self._block = _FIRST_BLOCK
        self._found = array("Q")
        self._looked = 0
        self._yielded = 0
        self._seconds = 0.0
        self._looked_when_verified = 0
        self._went_above = False
        self._cancelled = False

    @property
    def progress(self) -> Progress:
        """How far the scan has come."""
        remaining = sum(map(len, self._todo))
        rate = self._looked / self._seconds if self._seconds > 0 else 0.0
        expected = self._start.expected if self._start else None
        return Progress(self._looked, len(self._found), expected, remaining, rate, remaining / rate if rate else None)

    @property
    def unlooked(self) -> list[Sequence[int]]:
        """Ids that were not looked at."""
        return list(self._todo)

    @property
    def limited(self) -> bool:
        """Whether as many jobs were found as were wanted at most."""
        return self._selection.limit is not None and self._yielded >= self._selection.limit

    @property
    def verdict(self) -> str:
        """One line that says what is known now."""
        progress = self.progress
        if self.complete:
            return f"complete: {progress.found} found"
        if self.limited:
            return f"the {self._selection.order} {self._yielded}; no more were looked for"
        parts = [f"ids {min(part)} to {max(part)}" for part in self._todo[:3]]
        if self.bound is not None and not self.bound.exact and not self._went_above:
            parts.append(f"ids above {self.bound.top}")
        of = "" if progress.expected is None else f" of {progress.expected}"
        return f"incomplete: {progress.found}{of} found; not looked at: {', '.join(parts) or 'nothing'}"

    def cancel(self) -> None:
        """End the iteration after the batch under way; from any thread. Iterate again to go on."""
        self._cancelled = True

    def __iter__(self) -> Iterator[list[FoundJob]]:
        self._cancelled = False
        if self._start is None:
            self._begin()
        limit = self._selection.limit
        while (self._todo or self._bodiless) and not self._cancelled and (limit is None or self._yielded < limit):
            started = self._clock()
            batch, asked = self._next_batch(None if limit is None else limit - self._yielded)
            self._yielded += len(batch)
            elapsed = self._clock() - started
            self._seconds += elapsed
            if batch:
                yield batch
            self._pause(asked, elapsed)

    def _begin(self) -> None:
        client = self._connect()
        newest = self._selection.order == "newest"
        ids = self._selection.ids
        start = count(client, self._selection)
        if ids is not None:
            ids = sorted(ids, reverse=newest) if not isinstance(ids, range) or (ids.step > 0) == newest else ids
            self._todo = [ids[at : at + _BLOCK] for at in range(0, len(ids), _BLOCK)]
        elif start.expected != 0:
            self.bound = bound(client, self._idmap, probe=self._probe)
            top = self.bound.top
            self._todo = [range(top, 0, -1) if newest else range(1, top + 1)]
            if self._probe:
                start = count(client, self._selection)  # the probe itself stirred the counters
        self._start = start
        self.complete = not self._todo

    def _next_batch(self, wanted: int | None) -> tuple[list[FoundJob], int]:
        """Ask for the bodies that the last block still lacks and for the next block of ids, in one pipeline.

        Nothing is noted before all of it was answered, so that a lost connection loses nothing.
        """
        client = self._connect()
        enough = wanted is not None and not self._bodies_first and len(self._bodiless) >= wanted
        block, rest = ((), self._todo) if enough else self._next_block()
        ids: Sequence[int] = block
        if isinstance(block, range) and self._selection.ids is None:
            ids = self._idmap.candidates(block, self._selection.in_tube)
        asks = chain(
            (commands.peek(job.id) for job in self._bodiless), map(commands.stats_job, ids), (commands.stats(),)
        )
        answers: list[Any] = list(client.pipeline(asks))
        server = answers.pop()
        peeked, looked = answers[: len(self._bodiless)], answers[len(self._bodiless) :]
        found = [
            job._replace(body=answer.body)
            for job, answer in zip(self._bodiless, peeked, strict=True)
            if _exists(answer)
        ]
        matching = self._note(ids, looked)
        self._todo = rest
        self._looked += len(block)
        self._found.extend([job.id for job in matching])
        self._waiting = server.current_waiting
        self._adapt(sum(len(job.body or b"") for job in found))
        if self._where is not None:
            if self._bodies_first:
                found = self._where.matching(found)
            else:
                matching = self._where.matching(matching)
        if self._bodies:
            self._bodiless = matching
        else:
            found = matching
        if not enough:
            self._look_whether_done(client)
        return found[:wanted], len(ids)

    def _next_block(self) -> tuple[Sequence[int], list[Sequence[int]]]:
        if not self._todo:
            return (), []
        first = self._todo[0]
        rest = first[self._block :]
        return first[: self._block], [rest, *self._todo[1:]] if rest else self._todo[1:]

    def _adapt(self, size: int) -> None:
        """Let blocks grow until they are large, or their bodies are."""
        most = _BLOCK if self._max_rate is None else max(1, min(_BLOCK, int(self._max_rate / 4)))
        self._block = min(most, self._block * 2 if size < _MAX_BODIES else max(self._block // 2, 16))

    def _note(self, ids: Sequence[int], looked: list[JobStats | ReplyError]) -> list[FoundJob]:
        """Remember what the answers tell, and return the jobs in the selected tubes and states."""
        matching = []
        gone = []
        for id, stats in zip(ids, looked, strict=True):
            if isinstance(stats, ReplyError):
                if not isinstance(stats, NotFound):
                    raise stats
                gone.append(id)
            else:
                self._idmap.learn(id, stats.tube)
                if self._selection.takes(stats):
                    matching.append(FoundJob(stats, None))
        self._idmap.forget(gone)
        return matching

    def _look_whether_done(self, client: Client) -> None:
        """Stop early when every job that the server counts is accounted for; go on above the bound when not."""
        assert self._start is not None
        expected = self._start.expected
        if self._todo and expected is not None and len(self._found) >= expected:
            now = count(client, self._selection)
            if now.stirred == self._start.stirred or self._all_still_there(client):
                self._todo = []
                self.complete = True
            self._start = now
        elif not self._todo:
            inexact = self.bound is not None and not self.bound.exact
            missing = inexact and expected is not None and len(self._found) < expected
            if missing and self.bound is not None and not self._went_above:
                self._went_above = True
                self._todo = [range(self.bound.top + 1, self.bound.top + 1 + _GIVE_UP)]
            else:
                self.complete = not missing

    def _all_still_there(self, client: Client) -> bool:
        """Whether the jobs that were found are selected now, and are as many as the server counts now.

        While jobs move, equal numbers alone prove nothing: one may have left that was found, one come that was
        not. This costs a command for each job found, so it is only done again when that many ids were looked at.
        """
        if self._looked - self._looked_when_verified < len(self._found):
            return False
        self._looked_when_verified = self._looked
        here = 0
        for stats in client.pipeline(map(commands.stats_job, self._found)):
            here += isinstance(stats, JobStats) and self._selection.takes(stats)
        return here == count(client, self._selection).expected

    def _pause(self, asked: int, elapsed: float) -> None:
        pause = elapsed if self._polite and self._waiting else 0.0
        if self._max_rate is not None:
            pause = max(pause, asked / self._max_rate - elapsed)
        if pause > 0 and self._todo:
            self._sleep(pause)


def _exists(answer: Any) -> bool:
    if isinstance(answer, ReplyError) and not isinstance(answer, NotFound):
        raise answer
    return not isinstance(answer, NotFound)
