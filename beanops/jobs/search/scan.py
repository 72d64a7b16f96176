"""The scan: a stream of the jobs that match a selection, found by asking for ids, in constant memory.

`id_bounds` finds the highest id, `completeness` knows when all jobs are found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from beanops.client.sync import Client
from beanops.jobs.read import Bodies, BodyForm, FoundJob, check_bodies, present
from beanops.jobs.search.blocks import Blocks
from beanops.jobs.search.completeness import Account
from beanops.jobs.search.findings import Facts
from beanops.jobs.search.fresh_stats import FreshStats
from beanops.jobs.search.highest_id import look_above
from beanops.jobs.search.id_bounds import Bound, bound
from beanops.jobs.search.id_map import IdMap, IdMaps, learned
from beanops.jobs.search.pace import Pace
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.top_n import First
from beanops.jobs.select import Selection
from beanops.jobs.sql.early_end import TIMEOUT, Cancelled
from beanops.jobs.tube_names import is_any, no_tube
from beanops.protocol import Command, ServerStats, commands
from beanops.protocol.errors import ConnectionClosed
from beanops.protocol.limits import MAX_BODY

if TYPE_CHECKING:
    from beanops.jobs.sql.where import Where

#: Ids per pipeline: few at first, so that the first page comes soon; then many, which hides the round trips.
_FIRST_BLOCK, _BLOCK = 256, 8192
#: Ids to look at above an inexact bound while jobs are missing, before giving up.
_GIVE_UP = 1_000_000
#: Number of server restarts after which a scan gives up reading bodies.
_MOST_RESTARTS = 20
#: Returns what shows the progress of a scan while it is iterated.
Watch = Callable[[], AbstractContextManager[Callable[[Progress], None] | None]]


class Scan:
    """Finds jobs; iterate it for batches of them.

    Iterate a cancelled scan, or one that lost its connection, again: it continues where it stopped. Jobs may come and
    go during a scan; it finds those that match from its start to its end.

    Parameters
    ----------
    connect : callable
        Returns a connected client that never reserves.
    selection : Selection
        Which jobs. Jobs sorted by a column come as one batch at the end, or at a cancel.
    idmaps : IdMaps
        What earlier scans learned about ids; the scan adds to it.
    known : callable
        Returns the highest recorded id of a server process by its ``id``. Called only when it helps.
    bodies : {True, "text", "bytes", False}
        Whether to read bodies, and their type in an Arrow stream. A predicate on bodies reads them anyway.
    probe : callable or None
        Puts and deletes a job and returns its id, the exact bound of the ids. Called only with a binlog.
    rate : float or None
        Maximum ids per second.
    polite : bool
        Pause as long as each block took while workers wait for jobs.
    connections : int
        Number of connections that the client spreads a pipeline over.
    redact : sequence of str
        Patterns of keys whose values are hidden from the predicate; see `beanops.redact`.
    shown : callable or None
        Converts each found job for the caller, for example redacts it.
    query_timeout : float or None
        Seconds that the predicate may take per batch; None is no limit.
    progress : callable or None
        Called with the `Progress` after every block.
    unknown : callable or None
        Called with a message if the tube does not exist.
    watch : callable
        Returns a context manager for the time of the scan; its value, unless None, is called as `progress` is.
    clock, sleep : callable
        As in `time`, for tests.

    Attributes
    ----------
    bound : Bound or None
        The highest possible id; None before the scan knows it, and when the ids were given.
    undecoded : int
        Number of jobs skipped because the predicate needs their bodies, which could not be decoded.

    Examples
    --------
    >>> scan = session.scan("mail", state="buried")
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
        connections: int = 1,
        redact: Sequence[str] = (),
        shown: Callable[[FoundJob], FoundJob] | None = None,
        query_timeout: float | None = TIMEOUT,
        progress: Callable[[Progress], None] | None = None,
        unknown: Callable[[str], None] | None = None,
        watch: Watch = nullcontext,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace = Pace(rate, polite, clock, sleep)
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
            from beanops.jobs.sql.where import Where  # only predicates need DuckDB and what decodes bodies

            self._where = Where(selection.where, redact, query_timeout, lambda: self._cancelled)
        self._bodies_first = self._where is not None and self._where.needs_bodies
        self._bodies = bool(bodies) or self._bodies_first or selection.order.endswith("size")
        by_id = selection.order in ("newest", "oldest")
        self._limit = selection.limit if by_id else None
        self._first = None if by_id else First(selection.order, selection.limit)
        self._probe = probe
        self._shown = shown
        self._progress = progress
        self._unknown = unknown
        self._watch = watch
        self._watching: Callable[[Progress], None] | None = None
        self._stats = FreshStats(clock, sleep)
        self._in_tube = cache(selection.in_tube)
        self._idmap = IdMap()
        self._max_job_size = MAX_BODY
        self._account: Account | None = None
        self._todo = Blocks()
        self._bodiless: list[FoundJob] = []
        self._most = self._pace.block(_BLOCK * connections)
        self._block = min(_FIRST_BLOCK, self._most)
        self._looked = 0
        self._handed_out = 0
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
    def where(self) -> str | None:
        """The predicate of the jobs, with that of groups."""
        return self._selection.where

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        remaining = self._todo.left + self._handed_out
        rate = self._looked / self._seconds if self._seconds > 0 else 0.0
        expected = None if self._account is None or self._where is not None else self._account.expected
        return Progress(self._looked, self._matched, expected, remaining, rate, remaining / rate if rate else None)

    @property
    def complete(self) -> bool:
        """Whether all matching jobs were found, with their bodies where they are wanted."""
        return self.seen_all and not self.undecoded

    @property
    def seen_all(self) -> bool:
        """Whether all selected jobs were looked at, including those that could not be decoded."""
        return self._all_found and not self._bodiless

    @property
    def enough(self) -> bool:
        """Whether the limit of jobs was reached."""
        return self._at_limit and not self.undecoded

    @property
    def _at_limit(self) -> bool:
        return self._limit is not None and self._yielded >= self._limit

    @property
    def sure(self) -> bool:
        """Whether the result is exact: all matching jobs, or the first ones up to the limit in the requested order."""
        return (self.complete or self.enough) and not self.doubt

    @property
    def doubt(self) -> str:
        """Why the result may not be in the requested order; empty when it is."""
        return self._facts.doubt

    @property
    def verdict(self) -> str:
        """One line about how complete the result is."""
        return f"{self._facts.verdict}; {self._no_tube}" if self._no_tube else self._facts.verdict

    @property
    def conclusion(self) -> str:
        """The verdict, with the doubt where the verdict does not contain it."""
        doubt = self.doubt if self._at_limit or self.seen_all else ""
        return f"{self.verdict}; {doubt}" if doubt else self.verdict

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
            todo=self._todo.parts,
            top=top if not self._all_found else None,
            proven=self._highest_known,
            order=self._selection.order,
            first=None if self._first is None else self._first.limit,
            out_of_order=self._out_of_order,
        )

    # -- parts that others look at -------------------------------------------------------------------------------

    def prepare(self) -> int:
        """Begin, and return the number of ids to look at, at most."""
        if self._account is None:
            self._begin()
        self._look_whether_done()
        return self._todo.left

    def hand_out(self, size: int) -> list[Sequence[int]]:
        """Return the ids to look at, after `prepare`, in parts and in order; `note` or `take_back` gives each back."""
        parts, self._handed_out = self._todo.cut(size), self._todo.left
        self._todo = Blocks()
        return parts

    def note(self, part: Sequence[int], found: Sequence[int], matched: int, undecoded: int) -> None:
        """Take the result for a part: the ids of its selected jobs, and the numbers of those that match."""
        assert self._account is not None
        self._account.found.extend(found)
        self._handed_out -= len(part)
        self._looked += len(part)
        self._matched += matched
        self._yielded += matched
        self.undecoded += undecoded
        self._report()

    def take_back(self, part: Sequence[int]) -> None:
        """Have a part looked at by the next iteration."""
        self._handed_out -= len(part)
        self._todo = Blocks([*self._todo.parts, part])

    @property
    def selection(self) -> Selection:
        """Which jobs."""
        return self._selection

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called, until the iteration has ended."""
        return self._cancelled

    @property
    def server_process(self) -> str:
        """The ``id`` of the server process that it began with."""
        return "" if self._account is None else self._account.server.id

    @property
    def found(self) -> Sequence[int]:
        """The ids of the selected jobs so far, whether the predicate matches or not."""
        return () if self._account is None else self._account.found

    def cancel(self) -> None:
        """End this iteration after the current batch, or the next one at once. Any thread may call it."""
        self._cancelled = True

    def __iter__(self) -> Iterator[list[FoundJob]]:
        shown = self._shown
        with self._watch() as self._watching:
            for batch in self._found():
                yield batch if shown is None else [shown(job) for job in batch]

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
            self._look_whether_done()  # an earlier iteration may have ended before this
            while (self._todo or self._bodiless) and not self._cancelled and not self._at_limit:
                started = self._pace.clock()
                wanted = None if self._limit is None else self._limit - self._yielded
                try:
                    batch, asked, server = self._next_batch(wanted)
                except Cancelled:  # during the predicate: the next iteration asks for the batch again
                    break
                self._yielded += len(batch)
                elapsed = self._pace.clock() - started
                pause = self._pace.pause(asked, elapsed, server) if self._todo else 0.0
                self._seconds += elapsed + pause
                self._report()
                if batch:
                    yield batch
                # The caller has the batch: a connection that breaks here loses nothing.
                self._look_whether_done()
                if self._todo:
                    self._pace.rest(pause, lambda: self._cancelled)
            self._look_whether_tube_exists()
        finally:
            self._cancelled = False

    def _report(self) -> None:
        for report in (self._progress, self._watching):
            if report is not None:
                report(self.progress)

    def _look_whether_tube_exists(self) -> None:
        """If nothing was found, distinguish a misspelled tube from an empty one."""
        tube = self._selection.tube
        if tube is not None and self._account is not None and self.seen_all and not self._account.found:
            names = self._connect().list_tubes()
            self._no_tube = "" if is_any(tube, names) else no_tube(tube, names)
            if self._no_tube and self._unknown is not None:
                self._unknown(self._no_tube)

    def _begin(self) -> None:
        client = self._connect()
        newest = self._selection.order != "oldest"
        ids = self._selection.ids
        account = Account(client, self._selection, self._stats)
        server = account.server
        self._idmap = self._idmaps[server.id]
        self._max_job_size = server.max_job_size
        todo = Blocks()
        if ids is not None:
            todo = Blocks.of(ids, newest, _BLOCK)
        elif account.expected != 0:
            self.bound = bound(client, self._idmap, server, lambda: self._known(server.id), self._probe)
            if not self.bound.exact:
                proof = self._selection.order == "newest"
                proving = partial(Account, client, self._selection, self._stats) if proof else None
                steps = look_above(client, self._idmap, self._selection, proving, _GIVE_UP)
                looked = self._pace.follow(steps, server, lambda: self._cancelled, self._report)
                if looked is None:
                    return
                proven, highest = looked
                self._highest_known = bool(proven)
                if proven is False:  # the ids above were looked at without finding all jobs
                    self._above = range(self._idmap.top + 1, highest + 1 + _GIVE_UP)
                self.bound = Bound(self._idmap.top, False)
            elif self._probe is not None:
                account.start(client)  # the probe itself changed the counters
            top = self.bound.top
            todo = Blocks([range(top, 0, -1) if newest else range(1, top + 1)])
        self._todo = todo
        self._account = account
        self._all_found = not self._todo

    def _next_batch(self, wanted: int | None) -> tuple[list[FoundJob], int, ServerStats]:
        """Ask for the missing bodies of the last block and for the next block of ids, in one pipeline.

        The state of the scan changes only after all answers, so that a lost connection loses nothing.
        """
        assert self._account is not None
        client = self._connect()
        enough = wanted is not None and not self._bodies_first and len(self._bodiless) >= wanted
        block, rest = ((), self._todo) if enough or len(self._bodiless) > self._most else self._todo.next(self._block)
        ids: Sequence[int] = block
        if isinstance(block, range) and abs(block.step) == 1:
            ids = self._idmap.candidates(block, self._in_tube)
        bodies = Bodies(self._bodiless if self._bodies_first else self._bodiless[:wanted], self._max_job_size)
        asks: Iterator[Command[Any]] = chain((commands.stats(),), map(commands.stats_job, ids), bodies.asks())
        before, top = self._idmap, self._idmap.top  # new jobs may get ids above it during the pipeline
        # Reads answers while the server works on the next ones.
        with closing(client.pipeline(asks)) as answers:
            server: ServerStats = present(next(answers))
            self._idmap = self._idmaps[server.id]  # another map after a restart of the server
            self._max_job_size = server.max_job_size
            known_to = top if self._idmap is before else 0
            hits = learned(self._idmap, ids, answers, known_to, server.id, self._selection.states, self._in_tube)
            if self._bodiless and self._bodiless[0].instance != server.id:
                self._look_again()
                return [], len(ids), server
            bodies.read(answers)
        bodies.read_rest(client, server.id)
        found = bodies.found
        matching = hits
        if self._where is not None:
            if self._bodies_first:
                found, undecoded = self._where.judge(found).first(wanted, found)
                self.undecoded += len(undecoded)
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
        """Ask first for the jobs that lack their bodies once more: after a restart other jobs may have their ids.

        Raises
        ------
        ConnectionClosed
            The server was restarted too often.
        """
        assert self._account is not None
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise ConnectionClosed("the server was restarted too often during the scan")
        ids = [job.id for job in self._bodiless]
        self._account.forget(ids)
        self._matched -= 0 if self._bodies_first else len(ids)
        self._todo, self._bodiless, self._all_found = Blocks([ids, *self._todo.parts]), [], False

    def _look_whether_done(self) -> None:
        """Stop early when all jobs that the server counts were found; else continue above the bound."""
        if self._account is None or self._all_found or self._at_limit:
            return
        if self._todo:
            self._all_found = self._account.settled(self._connect(), self._looked, self._todo.left)
            if self._all_found:
                self._todo = Blocks()
        elif self.bound is None or self.bound.exact:
            self._all_found = True
        elif self._above is None or not self._bodiless:
            self._all_found = self._account.holds(self._connect())
            if not self._all_found and self._above is None:
                self._above = range(self.bound.top + 1, self.bound.top + 1 + _GIVE_UP)
                self._todo = Blocks([self._above])
