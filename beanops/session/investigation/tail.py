"""`Tail`: the jobs of some tubes as they are put, without reserving any, bounded in what it costs the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.hiding import hide
from beanops.jobs.read import Bodies, FoundJob
from beanops.jobs.search.new_jobs import MOST, NewJobs
from beanops.jobs.search.pace import Pace
from beanops.jobs.select import Selection
from beanops.jobs.sql.early_end import Cancelled
from beanops.protocol import ServerStats
from beanops.protocol.errors import ConnectionLost, ProtocolError
from beanops.session.investigation.tail_counts import TailCounts
from beanops.session.investigation.tube_puts import TubePuts

if TYPE_CHECKING:
    from beanops.jobs.sql.where import Where
    from beanops.session.context import Context

#: The part of the time in which the server may work for a tail.
SHARE = 0.1
#: Seconds between two looks, while jobs come and after a while without any, and between two tries to connect again.
SHORTEST, LONGEST, AGAIN = 0.1, 1.0, 1.0


class TailBatch(NamedTuple):
    """What one look of a tail has found.

    Attributes
    ----------
    jobs : list of FoundJob
        New jobs that are selected, in the order in which they were put, with redacted bodies.
    notes : list of str
        What happened to the server and the connection before, in words.
    """

    jobs: list[FoundJob]
    notes: list[str]


class Tail:
    """Finds jobs as they are put. Iterate it for what each look has found, until the limit, the time or a cancel.

    Parameters
    ----------
    context : Context
        The connections, and the redaction.
    selection : Selection
        Tubes, states that jobs have when they are seen, predicate, and limit.
    known : callable
        Returns the highest id that the journal has of a server process.
    probe : callable or None
        Puts and deletes a job and returns its id, which is the newest one of a server with a binlog.
    seconds : float or None
        How long to look; None is without an end.
    timeout : float or None
        Seconds without a selected job after which it ends.
    rate : float or None
        Maximum ids per second.
    unwanted : callable
        Whether nobody wants more jobs; asked again and again.
    clock, sleep : callable
        Of `time`, for tests.
    """

    def __init__(
        self,
        context: Context,
        selection: Selection,
        *,
        known: Callable[[str], int] = lambda instance: 0,
        probe: Callable[[], int] | None = None,
        seconds: float | None = None,
        timeout: float | None = None,
        rate: float | None = None,
        unwanted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context = context
        self._selection = selection
        self._known = known
        self._probe = probe
        self._unwanted = unwanted
        self._seconds = seconds
        self._timeout = timeout
        self._heard = 0.0
        self._clock = clock
        self._pace = Pace(rate, False, clock, sleep)
        self._most = self._pace.block(MOST)
        self._cancelled = False
        self._where: Where | None = None
        if selection.where is not None:
            from beanops.jobs.sql.where import Where  # the search itself does not need DuckDB

            self._where = Where(selection.where, context.redact, context.query_timeout, lambda: self._cancelled)
        self._tubes = None if selection.tube is None else TubePuts(selection.tube, selection.in_tube)
        self._new: NewJobs | None = None
        self._server: ServerStats | None = None
        self._bodiless: list[FoundJob] = []
        self._peeked = 0
        self._notes: list[str] = []
        self._lost = False
        self._shown = self._read = self._undecoded = 0
        # Of earlier server processes: jobs put on them that were not found, and ids that were not asked for.
        self._missed = self._unread = 0

    def cancel(self) -> None:
        """End the iteration after the look under way. Any thread may call it."""
        self._cancelled = True

    @property
    def counts(self) -> TailCounts:
        """What it has seen so far, and what it may have missed."""
        most, unread = self._missed, self._unread
        if self._new is not None:
            most += max(0, self._new.put - self._new.found)
            unread += self._new.unread
        missed = most
        if self._tubes is not None:
            missed = min(most, max(0, self._tubes.put - self._read))
            most = missed if self._tubes.whole else most
        return TailCounts(self._shown, self._read, missed, most, unread if most else 0, self._undecoded)

    def __iter__(self) -> Iterator[TailBatch]:
        pause, end = SHORTEST, inf if self._seconds is None else self._clock() + self._seconds
        self._heard = self._clock()
        while not self._is_over():
            started, elsewhere = self._clock(), 0.0
            self._context.check_open()
            try:
                for jobs in self._look():
                    before = self._clock()
                    yield from self._up_to_limit(jobs)
                    elsewhere += self._clock() - before
                    if self._is_over():
                        return
                self._note_connection(None)
            except Cancelled:  # during the predicate
                return
            except (ConnectionLost, ProtocolError) as error:
                self._note_connection(error)
            if self._notes:
                yield TailBatch([], self._take_notes())
            if started >= end or self.timed_out:
                return
            took, asked = self._clock() - started - elsewhere, 0 if self._new is None else self._new.asked
            pause = SHORTEST if asked else min(LONGEST, pause * 1.5)
            eased = min(took, self._work) * (1 / SHARE - 1)
            rest = max(AGAIN if self._lost else pause, eased, self._pace.least(asked) - took)
            # The last look is at the end of the time.
            left = min(end, inf if self._timeout is None else self._heard + self._timeout) - self._clock()
            self._pace.rest(min(rest, left), self._is_over)

    @property
    def begun(self) -> bool:
        """Whether it knows the newest job of the server: it finds those that are put from then on."""
        return self._new is not None

    @property
    def timed_out(self) -> bool:
        """Whether no selected job came for as long as `timeout`."""
        return self._timeout is not None and self._clock() >= self._heard + self._timeout

    @property
    def full(self) -> bool:
        """Whether the limit of jobs was reached."""
        return self._selection.limit is not None and self._shown >= self._selection.limit

    def _is_over(self) -> bool:
        return self._cancelled or self.full or self._unwanted()

    def _up_to_limit(self, jobs: list[FoundJob]) -> Iterator[TailBatch]:
        limit = self._selection.limit
        wanted = jobs if limit is None else jobs[: limit - self._shown]
        self._shown += len(wanted)
        if wanted:
            self._heard = self._clock()
            yield TailBatch([hide(job, self._context.reader) for job in wanted], self._take_notes())

    def _take_notes(self) -> list[str]:
        notes, self._notes = self._notes, []
        return notes

    @property
    def _work(self) -> float:
        """Seconds that the server may have worked for the last look: bodies cost it as much as ids do."""
        new = self._new
        return inf if new is None or not (new.work and new.asked) else new.work * (1 + self._peeked / new.asked)

    # -- one look ------------------------------------------------------------------------------------------------

    def _look(self) -> Iterator[list[FoundJob]]:
        """Yield the jobs that were put since the last look and are selected, a few megabytes of bodies at once."""
        client = self._context.looking()
        if self._tubes is not None:
            # Before the server: what is put between the two must not count as missed.
            self._tubes.look(client, 0 if self._server is None else self._server.current_tubes)
        server = self._server = client.stats()
        if self._new is None or self._new.instance != server.id:
            self._begin(client, server)
        assert self._new is not None
        found = self._new.look(client, server, self._most)
        in_tubes = [job for job in found if self._selection.in_tube(job.stats.tube)]
        self._read += len(in_tubes)
        wanted = [job for job in in_tubes if job.stats.state in self._selection.states]
        if self._where is not None and not self._where.needs_bodies:
            wanted = self._where.matching(wanted)
        # Of a lost connection some may be left, which are asked for once more.
        self._bodiless += wanted
        self._peeked = len(self._bodiless)
        while self._bodiless:
            bodies = Bodies(self._bodiless, server.max_job_size)
            bodies.read_rest(client, server.id)
            if not bodies.done:
                return  # another process answered
            self._gone(bodies.done - len(bodies.found))
            self._bodiless = self._bodiless[bodies.done :]
            yield self._judged(bodies.found)

    def _begin(self, client: Client, server: ServerStats) -> None:
        """Begin with the first server process, or with the one that took its place."""
        before, self._new = self._new, None
        if before is not None:
            self._missed += max(0, before.put - before.found)
            self._unread += before.unread
            self._bodiless = []
            ids = "goes on with its binlog" if server.binlog_current_index else "begins with id 1 again"
            self._notes.append(f"the server was restarted and {ids}; jobs put shortly before may be missing")
            if self._tubes is not None:
                self._tubes.restart()
        self._new = NewJobs(
            client,
            server,
            self._context.id_maps[server.id],
            known=lambda: self._known(server.id),
            probe=self._probe,
            restarted=before is not None,
            clock=self._clock,
        )

    def _gone(self, jobs: int) -> None:
        """Count jobs that were gone when their bodies were asked for as not read."""
        assert self._new is not None
        self._new.found -= jobs
        self._read -= jobs

    def _judged(self, jobs: list[FoundJob]) -> list[FoundJob]:
        if self._where is None or not self._where.needs_bodies:
            return jobs
        judged = self._where.judge(jobs)
        self._undecoded += len(judged.undecoded)
        return judged.matching

    def _note_connection(self, error: Exception | None) -> None:
        """Note that the connection was lost, or is there again; an error is noted once."""
        if error is not None and self._server is None:
            raise error
        if error is not None and not self._lost:
            self._notes.append(f"connection lost, trying again: {error}")
        elif error is None and self._lost:
            self._notes.append("connected again")
        self._lost = error is not None
