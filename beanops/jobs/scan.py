"""The scan: a stream of the jobs that a selection means, found by asking for ids, in constant memory.

How high ids can be is in `plan`, when all jobs are found in `account`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from itertools import chain
from typing import Any

from beanops.client.sync import Client
from beanops.jobs.account import Account
from beanops.jobs.idmap import IdMap, IdMaps
from beanops.jobs.order import First
from beanops.jobs.plan import Bound, bound
from beanops.jobs.progress import Progress
from beanops.jobs.read import Bodies, FoundJob, present
from beanops.jobs.select import Selection
from beanops.jobs.where import Where
from beanops.protocol import Command, JobStats, ServerStats, commands
from beanops.protocol.errors import ArgumentError

#: Ids asked for in one go: the first page comes soon, and a long scan seldom waits for a round trip.
_FIRST_BLOCK, _BLOCK = 256, 8192
#: How far to look above an inexact bound while jobs are missing, before giving up.
_GIVE_UP = 1_000_000


class Scan:
    """Finds jobs; iterate it for batches of them.

    A scan that was cancelled, or that lost its connection, goes on where it stopped when it is iterated again.
    Jobs that come and go while it runs are no error: what is selected from its start to its end is found.

    Parameters
    ----------
    connect : callable
        Returns a connected client that never reserves.
    selection : Selection
        Which jobs. In the order of a column they come as one batch, when all were looked at or at a cancel.
    idmaps : IdMaps
        What is known of the server's ids; the scan adds to it.
    known : callable
        Returns the highest id that is on record for a server process, by its ``id``. Asked only when it helps.
    bodies : bool
        Whether bodies are wanted. They are also read where the predicate needs them.
    probe : bool
        Find the exact bound of the ids by putting a job for a moment (only needed with a binlog).
    max_rate : float or None
        Most ids to ask for in a second.
    polite : bool
        Pause as long as each block took while workers wait for jobs, so that the server has time for them.
    redact : sequence of str
        Patterns of keys whose values the predicate must not see; see `beanops.redact`.
    report : callable or None
        Called with the `Progress` after every block, also when it held nothing that is wanted.
    clock, sleep : callable
        Of `time`, for tests.

    Attributes
    ----------
    complete : bool
        Whether all selected jobs were found.
    bound : Bound or None
        How high ids can be; None before the scan knows, and when the ids were given.

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
        idmaps: IdMaps,
        *,
        known: Callable[[str], int] = lambda instance: 0,
        bodies: bool = True,
        probe: bool = False,
        max_rate: float | None = None,
        polite: bool = True,
        redact: Sequence[str] = (),
        report: Callable[[Progress], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if max_rate is not None and not max_rate > 0:
            raise ArgumentError("max_rate", max_rate, "a number of ids a second above 0, or None")
        self.complete = False
        self.bound: Bound | None = None
        self._connect = connect
        self._selection = selection
        self._idmaps = idmaps
        self._known = known
        self._where = None if selection.where is None else Where(selection.where, redact)
        self._bodies_first = self._where is not None and self._where.needs_bodies
        self._bodies = bodies or self._bodies_first or selection.order.endswith("size")
        by_id = selection.order in ("newest", "oldest")
        self._limit = selection.limit if by_id else None
        self._first = None if by_id else First(selection.order, selection.limit)
        self._probe = probe
        self._max_rate = max_rate
        self._polite = polite
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._in_tube = cache(selection.in_tube)
        self._idmap = IdMap()
        self._account: Account | None = None
        self._todo: list[Sequence[int]] = []
        self._bodiless: list[FoundJob] = []
        self._most = _BLOCK if max_rate is None else max(1, min(_BLOCK, int(max_rate / 4)))
        self._block = min(_FIRST_BLOCK, self._most)
        self._looked = 0
        self._yielded = 0
        self._seconds = 0.0
        self._above: range | None = None
        self._cancelled = False

    @property
    def progress(self) -> Progress:
        """How far the scan has come."""
        remaining = sum(map(_size, self._todo))
        rate = self._looked / self._seconds if self._seconds > 0 else 0.0
        found, expected = (len(self._account.found), self._account.expected) if self._account else (0, None)
        return Progress(self._looked, found, expected, remaining, rate, remaining / rate if rate else None)

    @property
    def unlooked(self) -> list[Sequence[int]]:
        """Ids that were not looked at. Above an inexact bound there may be more."""
        return list(self._todo)

    @property
    def enough(self) -> bool:
        """Whether as many jobs were found as were wanted."""
        return self._limit is not None and self._yielded >= self._limit

    @property
    def verdict(self) -> str:
        """One line that says what is known now."""
        progress = self.progress
        if self.complete:
            return f"complete: {progress.found} found"
        if self.enough:
            return f"the {self._selection.order} {self._yielded}; no more were looked for"
        if self._account is None:
            return "incomplete: nothing was looked at"
        parts = [f"ids {min(part[0], part[-1])} to {max(part[0], part[-1])}" for part in self._todo[:3]]
        if len(self._todo) > 3:
            parts.append("and more")
        if self.bound is not None and not self.bound.exact:
            parts.append(f"ids above {self._above[-1] if self._above else self.bound.top}")
        of = "" if progress.expected is None else f" of {progress.expected}"
        return f"incomplete: {progress.found}{of} found; not looked at: {', '.join(parts) or 'nothing'}"

    def cancel(self) -> None:
        """End the iteration after the batch under way; from any thread. Iterate again to go on."""
        self._cancelled = True

    def __iter__(self) -> Iterator[list[FoundJob]]:
        if self._first is None:
            yield from self._by_id()
            return
        for batch in self._by_id():
            self._first.add(batch)
        if jobs := self._first.jobs:
            yield jobs

    def _by_id(self) -> Iterator[list[FoundJob]]:
        self._cancelled = False
        if self._account is None:
            self._begin()
        limit = self._limit
        while (self._todo or self._bodiless) and not self._cancelled and not self.enough:
            started = self._clock()
            batch, asked, server = self._next_batch(None if limit is None else limit - self._yielded)
            self._yielded += len(batch)
            elapsed = self._clock() - started
            pause = self._pause(asked, elapsed, server)
            self._seconds += elapsed + pause
            if self._report is not None:
                self._report(self.progress)
            if batch:
                yield batch
            if pause:
                self._sleep(pause)

    def _begin(self) -> None:
        client = self._connect()
        newest = self._selection.order != "oldest"
        ids = self._selection.ids
        account = Account(client, self._selection)
        instance = client.stats().id
        self._idmap = self._idmaps[instance]
        if isinstance(ids, range):
            self._todo = [ids if not ids or (ids[0] >= ids[-1]) == newest else ids[::-1]]
        elif ids is not None:
            ids = sorted(ids, reverse=newest)
            self._todo = [ids[at : at + _BLOCK] for at in range(0, len(ids), _BLOCK)]
        elif account.expected != 0:
            self.bound = bound(client, self._idmap, lambda: self._known(instance), probe=self._probe)
            top = self.bound.top
            self._todo = [range(top, 0, -1) if newest else range(1, top + 1)]
            if self._probe:
                account.start(client)  # the probe itself stirred the counters
        self._todo = [part for part in self._todo if part]
        self._account = account
        self.complete = not self._todo

    def _next_batch(self, wanted: int | None) -> tuple[list[FoundJob], int, ServerStats]:
        """Ask for the bodies that the last block still lacks and for the next block of ids, in one pipeline.

        The scan moves on only after all of it was answered, so that a lost connection loses nothing.
        """
        assert self._account is not None
        client = self._connect()
        enough = wanted is not None and not self._bodies_first and len(self._bodiless) >= wanted
        block, rest = ((), self._todo) if enough or len(self._bodiless) > self._most else self._next_block()
        ids: Sequence[int] = block
        if isinstance(block, range) and abs(block.step) == 1:
            ids = self._idmap.candidates(block, self._in_tube)
        bodies = Bodies(self._bodiless if self._bodies_first else self._bodiless[:wanted])
        asks: Iterator[Command[Any]] = chain((commands.stats(),), map(commands.stats_job, ids), bodies.asks())
        # Answers are read while the server works on the next ones: nothing here waits for a whole block.
        with closing(client.pipeline(asks)) as answers:
            server: ServerStats = present(next(answers))
            self._idmap = self._idmaps[server.id]  # another one after a restart of the server
            hits = self._note(ids, answers)
            found, asked = bodies.read(answers)
        matching = hits
        if self._where is not None:
            if self._bodies_first:
                found = self._where.matching(found)
            else:
                matching = self._where.matching(hits)
        self._account.found.extend([job.id for job in hits])
        self._looked += len(block)
        self._todo = rest
        if self._bodies:
            self._bodiless = self._bodiless[asked:] + matching
        else:
            found = matching
        self._block = min(self._most, self._block * 2)
        if not enough:
            self._look_whether_done(client, self._account)
        return found[:wanted], len(ids), server

    def _next_block(self) -> tuple[Sequence[int], list[Sequence[int]]]:
        if not self._todo:
            return (), []
        first = self._todo[0]
        rest = first[self._block :]
        return first[: self._block], [rest, *self._todo[1:]] if rest else self._todo[1:]

    def _note(self, ids: Sequence[int], answers: Iterator[Any]) -> list[FoundJob]:
        """Remember what the answers tell, and return the jobs in the selected tubes and states."""
        hits = []
        gone = []
        learn, states, in_tube = self._idmap.learn, self._selection.states, self._in_tube
        for id, stats in zip(ids, answers, strict=False):
            if type(stats) is JobStats:
                learn(id, stats.tube)
                if stats.state in states and in_tube(stats.tube):
                    hits.append(FoundJob(stats, None))
            elif present(stats) is None:
                gone.append(id)
        self._idmap.forget(gone)
        return hits

    def _look_whether_done(self, client: Client, account: Account) -> None:
        """Stop early when every job that the server counts is accounted for; go on above the bound when not."""
        if self._todo:
            self.complete = account.settled(client, self._looked, sum(map(_size, self._todo)))
            if self.complete:
                self._todo = []
        elif self.bound is None or self.bound.exact:
            self.complete = True
        else:
            self.complete = account.stands(client)
            if not self.complete and self._above is None:
                self._above = range(self.bound.top + 1, self.bound.top + 1 + _GIVE_UP)
                self._todo = [self._above]

    def _pause(self, asked: int, elapsed: float, server: ServerStats) -> float:
        """Return how many seconds to leave to others."""
        pause = elapsed if self._polite and server.current_waiting else 0.0
        if self._max_rate is not None:
            pause = max(pause, asked / self._max_rate - elapsed)
        return pause if self._todo else 0.0


def _size(part: Sequence[int]) -> int:
    """Return the length, also of a range that is too long for `len`."""
    return abs((part[-1] - part[0]) // part.step) + 1 if isinstance(part, range) else len(part)
