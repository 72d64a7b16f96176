"""The scan: a stream of the jobs that a selection means, found by asking for ids, in constant memory.

How high ids can be is in `plan`, when all jobs are found in `account`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from itertools import chain
from math import inf
from typing import Any

from beanops.client.sync import Client
from beanops.jobs.read import Bodies, BodyForm, FoundJob, check_bodies, present
from beanops.jobs.search.completeness import Account
from beanops.jobs.search.findings import Facts
from beanops.jobs.search.fresh_stats import FreshStats
from beanops.jobs.search.highest_id import climb, prove
from beanops.jobs.search.id_bounds import Bound, bound
from beanops.jobs.search.id_map import IdMap, IdMaps
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.top_n import First
from beanops.jobs.select import Selection
from beanops.jobs.sql.engine import TIMEOUT, Cancelled
from beanops.jobs.sql.where import Judged, Where
from beanops.jobs.tube_names import is_any, no_tube
from beanops.protocol import Command, JobStats, ServerStats, commands
from beanops.protocol.errors import ArgumentError, ConnectionClosed
from beanops.protocol.limits import MAX_BODY

#: Ids asked for in one go: the first page comes soon, and a long scan seldom waits for a round trip.
_FIRST_BLOCK, _BLOCK = 256, 8192
#: How far to look above an inexact bound while jobs are missing, before giving up.
_GIVE_UP = 1_000_000
#: How often a scan begins again with what it had not read when the server was restarted.
_MOST_RESTARTS = 20
#: Seconds after which a pause hears of a cancel.
_SLICE = 0.1


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
    bodies : {True, "text", "bytes", False}
        Whether bodies are wanted, and what they are in a stream of Arrow: text or bytes. They are also read where the
        predicate needs them.
    probe : callable or None
        Returns the id of a job that it puts and deletes, the exact bound of the ids. Asked only with a binlog.
    rate : float or None
        Most ids to ask for in a second.
    polite : bool
        Pause as long as each block took while workers wait for jobs, so that the server has time for them.
    redact : sequence of str
        Patterns of keys whose values the predicate must not see; see `beanops.redact`.
    shown : callable or None
        Makes of a job that was found what the caller gets, such as one without secrets.
    query_timeout : float or None
        Seconds that the predicate may take for a batch; None means any.
    progress : callable or None
        Called with the `Progress` after every block, also when it held nothing that is wanted.
    clock, sleep : callable
        Of `time`, for tests.

    Attributes
    ----------
    bound : Bound or None
        How high ids can be; None before the scan knows, and when the ids were given.
    undecoded : int
        Jobs that were left out because the predicate reads their bodies, which could not be decoded.

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
        bodies: BodyForm = True,
        probe: Callable[[], int] | None = None,
        rate: float | None = None,
        polite: bool = True,
        redact: Sequence[str] = (),
        shown: Callable[[FoundJob], FoundJob] | None = None,
        query_timeout: float | None = TIMEOUT,
        progress: Callable[[Progress], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate is not None and not 0 < rate < inf:
            raise ArgumentError("rate", rate, "a number of ids a second above 0, or None")
        check_bodies(bodies)
        self.bound: Bound | None = None
        self._form = bodies
        self._connect = connect
        self._selection = selection
        self._idmaps = idmaps
        self._known = known
        self._cancelled = False
        self.undecoded = 0
        self._where: Where | None = None
        if selection.where is not None:
            self._where = Where(selection.where, redact, query_timeout, lambda: self._cancelled)
        self._bodies_first = self._where is not None and self._where.needs_bodies
        self._bodies = bool(bodies) or self._bodies_first or selection.order.endswith("size")
        by_id = selection.order in ("newest", "oldest")
        self._limit = selection.limit if by_id else None
        self._first = None if by_id else First(selection.order, selection.limit)
        self._probe = probe
        self._rate = rate
        self._polite = polite
        self._shown = shown
        self._progress = progress
        self._clock = clock
        self._sleep = sleep
        self._stats = FreshStats(clock, sleep)
        self._in_tube = cache(selection.in_tube)
        self._idmap = IdMap()
        self._max_job_size = MAX_BODY
        self._account: Account | None = None
        self._todo: list[Sequence[int]] = []
        self._bodiless: list[FoundJob] = []
        self._most = _BLOCK if rate is None else max(1, min(_BLOCK, int(rate / 4)))
        self._block = min(_FIRST_BLOCK, self._most)
        self._looked = 0
        self._matched = 0
        self._yielded = 0
        self._seconds = 0.0
        self._all_found = False
        self._no_tube = ""
        self._above: range | None = None
        self._highest_known = False
        self._restarts = 0
        self._out_of_order = False

    @property
    def progress(self) -> Progress:
        """How far the scan has come."""
        remaining = sum(map(_size, self._todo))
        rate = self._looked / self._seconds if self._seconds > 0 else 0.0
        expected = None if self._account is None or self._where is not None else self._account.expected
        return Progress(self._looked, self._matched, expected, remaining, rate, remaining / rate if rate else None)

    @property
    def complete(self) -> bool:
        """Whether all selected jobs were found, and the bodies that are wanted read."""
        return self.seen_all and not self.undecoded

    @property
    def seen_all(self) -> bool:
        """Whether all selected jobs were looked at, those of which the predicate cannot tell included."""
        return self._all_found and not self._bodiless

    @property
    def enough(self) -> bool:
        """Whether as many jobs were found as were wanted."""
        return self._at_limit and not self.undecoded

    @property
    def _at_limit(self) -> bool:
        return self._limit is not None and self._yielded >= self._limit

    @property
    def sure(self) -> bool:
        """Whether what was found is what was asked for: all of it, or the first so many, in the order asked for."""
        return (self.complete or self.enough) and not self.doubt

    @property
    def doubt(self) -> str:
        """Why what was found may not be in the order that was asked for; empty when it is."""
        return self._facts.doubt

    @property
    def verdict(self) -> str:
        """One line that says what is known now."""
        return f"{self._facts.verdict}; {self._no_tube}" if self._no_tube else self._facts.verdict

    @property
    def conclusion(self) -> str:
        """The verdict, with the doubt where it does not speak of it."""
        told = self.doubt if self._at_limit or self.seen_all else ""
        return f"{self.verdict}; {told}" if told else self.verdict

    @property
    def _facts(self) -> Facts:
        progress = self.progress
        top = None
        if self.bound is not None and not self.bound.exact:
            top = self._above[-1] if self._above else self.bound.top
        return Facts(
            begun=self._account is not None,
            seen_all=self.seen_all,
            at_limit=self._at_limit,
            found=progress.found,
            yielded=self._yielded,
            expected=progress.expected,
            undecoded=self.undecoded,
            unread=len(self._bodiless),
            todo=self._todo,
            top=top if not self._all_found else None,
            proven=self._highest_known,
            order=self._selection.order,
            first=None if self._first is None else self._first.limit,
            out_of_order=self._out_of_order,
        )

    def cancel(self) -> None:
        """End the iteration after the batch under way, or the next at once; from any thread. Iterate again to go on."""
        self._cancelled = True

    def __iter__(self) -> Iterator[list[FoundJob]]:
        if self._shown is None:
            return self._found()
        shown = self._shown
        return ([shown(job) for job in batch] for batch in self._found())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the jobs as a stream of Arrow with the columns of `Session.jobs`, for polars, pyarrow or DuckDB.

        Batches are asked for as the stream is read. It needs pyarrow.
        """
        from beanops.jobs.frames import arrow_reader

        return arrow_reader(self, self._form).__arrow_c_stream__(requested_schema)

    def _found(self) -> Iterator[list[FoundJob]]:
        if self._first is None:
            yield from self._by_id()
            return
        for batch in self._by_id():
            self._first.add(batch)
        if jobs := self._first.jobs:
            yield jobs

    def _by_id(self) -> Iterator[list[FoundJob]]:
        try:
            if self._account is None:
                self._begin()
            self._look_whether_done()  # an earlier iteration may have ended before it could
            while (self._todo or self._bodiless) and not self._cancelled and not self._at_limit:
                started = self._clock()
                wanted = None if self._limit is None else self._limit - self._yielded
                try:
                    batch, asked, server = self._next_batch(wanted)
                except Cancelled:  # the predicate was at work; the batch is asked for again
                    break
                self._yielded += len(batch)
                elapsed = self._clock() - started
                pause = self._pause(asked, elapsed, server) if self._todo else 0.0
                self._seconds += elapsed + pause
                if self._progress is not None:
                    self._progress(self.progress)
                if batch:
                    yield batch
                # What was found is with the caller by now: a connection that breaks here loses none of it.
                self._look_whether_done()
                if self._todo:
                    self._rest(pause)
            self._look_whether_tube_exists()
        finally:
            self._cancelled = False

    def _look_whether_tube_exists(self) -> None:
        """Tell a slip from an empty tube, once nothing was found in it."""
        tube = self._selection.tube
        if tube is not None and self._account is not None and self.seen_all and not self._account.found:
            names = self._connect().list_tubes()
            self._no_tube = "" if is_any(tube, names) else no_tube(tube, names)

    def _begin(self) -> None:
        client = self._connect()
        newest = self._selection.order != "oldest"
        ids = self._selection.ids
        account = Account(client, self._selection, self._stats)
        server = account.server
        self._idmap = self._idmaps[server.id]
        self._max_job_size = server.max_job_size
        todo: list[Sequence[int]] = []
        if isinstance(ids, range):
            todo = [ids if not ids or (ids[0] >= ids[-1]) == newest else ids[::-1]]
        elif ids is not None:
            ids = sorted(ids, reverse=newest)
            todo = [ids[at : at + _BLOCK] for at in range(0, len(ids), _BLOCK)]
        elif account.expected != 0:
            self.bound = bound(client, self._idmap, server, lambda: self._known(server.id), self._probe)
            if not self.bound.exact:
                self._politely(server, climb(client, self._idmap))
                highest = self._idmap.top
                proven = None
                if self._selection.order == "newest" and not self._cancelled:
                    found = Account(client, self._selection, self._stats)
                    proven = self._politely(server, prove(client, self._idmap, self._selection, found, _GIVE_UP))
                if self._cancelled:
                    return
                self._highest_known = bool(proven)
                if proven is False:  # so far was looked in vain
                    self._above = range(self._idmap.top + 1, highest + 1 + _GIVE_UP)
                self.bound = Bound(self._idmap.top, False)
            elif self._probe is not None:
                account.start(client)  # the probe itself stirred the counters
            top = self.bound.top
            todo = [range(top, 0, -1) if newest else range(1, top + 1)]
        self._todo = [part for part in todo if part]
        self._account = account
        self._all_found = not self._todo

    def _politely(self, server: ServerStats, steps: Iterator[int]) -> bool | None:
        """Look for the highest id as politely as for jobs; return what the steps return, None after a cancel."""
        while not self._cancelled:
            started = self._clock()
            try:
                asked = next(steps)
            except StopIteration as end:
                found: bool | None = end.value
                return found
            self._rest(self._pause(asked, self._clock() - started, server))
            if self._progress is not None:
                self._progress(self.progress)
        return None

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
        bodies = Bodies(self._bodiless if self._bodies_first else self._bodiless[:wanted], self._max_job_size)
        asks: Iterator[Command[Any]] = chain((commands.stats(),), map(commands.stats_job, ids), bodies.asks())
        before, top = self._idmap, self._idmap.top  # what is above it may be given out while it is asked for
        # Answers are read while the server works on the next ones: nothing here waits for a whole block.
        with closing(client.pipeline(asks)) as answers:
            server: ServerStats = present(next(answers))
            self._idmap = self._idmaps[server.id]  # another one after a restart of the server
            self._max_job_size = server.max_job_size
            hits = self._note(ids, answers, top if self._idmap is before else 0, server.id)
            if self._bodiless and self._bodiless[0].instance != server.id:
                self._look_again()
                return [], len(ids), server
            bodies.read(answers)
        here = True
        while here and not bodies.enough:
            with closing(client.pipeline(chain((commands.stats(),), bodies.asks()))) as answers:
                if here := present(next(answers)).id == server.id:
                    bodies.read(answers)
        found = bodies.found
        matching = hits
        if self._where is not None:
            if self._bodies_first:
                found = self._judged(self._where.judge(found), found, wanted)
            else:
                matching = self._where.matching(hits)
        self._account.found.extend([job.id for job in hits])
        self._matched += len(found if self._bodies_first else matching)
        if hits and self._selection.order == "newest" and self.bound is not None and block[-1] > self.bound.top:
            self._out_of_order = True
        self._looked += len(block)
        self._todo = rest
        if self._bodies:
            self._bodiless = self._bodiless[bodies.done :] + matching
        else:
            found = matching
        self._block = min(self._most, self._block * 2)
        return found[:wanted], len(ids), server

    def _look_again(self) -> None:
        """Look up again, and first, the jobs that still lack their bodies: after a restart others may have their ids.

        Raises
        ------
        ConnectionClosed
            It was restarted too often for that.
        """
        assert self._account is not None
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise ConnectionClosed("another server process answers again and again")
        ids = [job.id for job in self._bodiless]
        self._account.forget(ids)
        self._matched -= 0 if self._bodies_first else len(ids)
        self._todo, self._bodiless, self._all_found = [ids, *self._todo], [], False

    def _judged(self, judged: Judged, jobs: list[FoundJob], wanted: int | None) -> list[FoundJob]:
        """Count the jobs of which the predicate cannot tell, among those that are looked at until enough match."""
        matching, undecoded = judged
        if undecoded and wanted is not None and len(matching) >= wanted:
            passed = {job.id for job in jobs[: jobs.index(matching[wanted - 1])]}
            undecoded = [job for job in undecoded if job.id in passed]
        self.undecoded += len(undecoded)
        return matching

    def _next_block(self) -> tuple[Sequence[int], list[Sequence[int]]]:
        if not self._todo:
            return (), []
        first = self._todo[0]
        rest = first[self._block :]
        return first[: self._block], [rest, *self._todo[1:]] if rest else self._todo[1:]

    def _note(self, ids: Sequence[int], answers: Iterator[Any], top: int, instance: str) -> list[FoundJob]:
        """Remember what the answers tell, and return the jobs in the selected tubes and states."""
        hits = []
        gone = []
        learn, states, in_tube = self._idmap.learn, self._selection.states, self._in_tube
        now = time.time
        for id, stats in zip(ids, answers, strict=False):
            if type(stats) is JobStats:
                learn(id, stats.tube)
                if stats.state in states and in_tube(stats.tube):
                    hits.append(FoundJob(stats, None, (), instance, now()))
            elif present(stats) is None:
                gone.append(id)
        self._idmap.forget(gone, top)
        return hits

    def _look_whether_done(self) -> None:
        """Stop early when every job that the server counts is accounted for; go on above the bound when not."""
        if self._account is None or self._all_found or self._at_limit:
            return
        if self._todo:
            self._all_found = self._account.settled(self._connect(), self._looked, sum(map(_size, self._todo)))
            if self._all_found:
                self._todo = []
        elif self.bound is None or self.bound.exact:
            self._all_found = True
        elif self._above is None or not self._bodiless:
            self._all_found = self._account.stands(self._connect())
            if not self._all_found and self._above is None:
                self._above = range(self.bound.top + 1, self.bound.top + 1 + _GIVE_UP)
                self._todo = [self._above]

    def _pause(self, asked: int, elapsed: float, server: ServerStats) -> float:
        """Return how many seconds to leave to others."""
        pause = elapsed if self._polite and server.current_waiting else 0.0
        if self._rate is not None:
            pause = max(pause, asked / self._rate - elapsed)
        return pause

    def _rest(self, seconds: float) -> None:
        while seconds > 0 and not self._cancelled:
            self._sleep(min(seconds, _SLICE))
            seconds -= _SLICE


def _size(part: Sequence[int]) -> int:
    """Return the length, also of a range that is too long for `len`."""
    return abs((part[-1] - part[0]) // part.step) + 1 if isinstance(part, range) else len(part)
