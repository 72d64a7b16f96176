"""Where a scan has to look: how high ids can be, and how many jobs there are to find."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.jobs.idmap import IdMap
from beanops.jobs.select import Selection
from beanops.monitor.sample import sweep
from beanops.protocol import Job, ServerStats, commands

#: Tubes whose heads are asked for a hint of how high ids are. The server walks all tubes for each.
_HINT_TUBES = 200
#: How many ids in a row must be missing above the highest known one before it is taken for the end.
_CLIMB = 2048


class Bound(NamedTuple):
    """How high ids can be.

    Attributes
    ----------
    top : int
        No id above it is known to have been given out.
    exact : bool
        Whether none can have been.
    """

    top: int
    exact: bool


class Count(NamedTuple):
    """What the server says at one moment.

    Attributes
    ----------
    expected : int or None
        Jobs that are selected; None when the server does not count them.
    stirred : tuple of int
        Counters that move with every change of a job's state. While they stand still, so do the jobs.
    waiting : int
        Workers that wait for a job.
    """

    expected: int | None
    stirred: tuple[int, ...]
    waiting: int


def count(client: Client, selection: Selection) -> Count:
    """Ask the server how many jobs are selected now."""
    server = client.stats()
    if selection.ids is not None or "invalid" in selection.states:
        expected = None
    elif selection.tube is None:
        expected = sum(getattr(server, f"current_jobs_{state}") for state in selection.states)
    else:
        expected = selection.expected(sweep(client, selection.in_tube))
    return Count(expected, _stirred(server), server.current_waiting)


def _stirred(server: ServerStats) -> tuple[int, ...]:
    return (
        server.cmd_put,
        server.cmd_reserve,
        server.cmd_reserve_with_timeout,
        server.cmd_delete,
        server.cmd_release,
        server.cmd_bury,
        server.cmd_kick,
        server.job_timeouts,
        server.current_jobs_ready,
        server.current_jobs_reserved,
        server.current_jobs_delayed,
        server.current_jobs_buried,
        # A connection that ends gives its jobs back, which no other counter tells.
        server.current_connections,
        server.total_connections,
    )


def bound(client: Client, idmap: IdMap, known: Callable[[], int], *, probe: bool) -> Bound:
    """Find out how high ids can be.

    Without a binlog ids start at 1 with the process, and each is given out by a put command that the server
    counts: that count is an exact bound. With a binlog they go on from an unknown id, so the bound is the
    highest id that is known, from earlier scans, from the record, from the heads of tubes and by climbing from
    there, unless `probe` allows to put a job, read its id and delete it.

    Parameters
    ----------
    client : Client
        One that never reserves.
    idmap : IdMap
        What is known of the ids.
    known : callable
        Returns the highest id that is on record.
    probe : bool
        Whether a job may be put into a tube of our own for a moment. It fails while the server drains.
    """
    server = client.stats()
    idmap.top = max(idmap.top, server.total_jobs)  # each has taken an id of its own
    if not server.binlog_current_index:
        return Bound(server.cmd_put, True)
    if probe:
        return Bound(_probe(client, idmap), True)
    for id in (known(), *_hints(client)):
        idmap.top = max(idmap.top, id)
    _climb(client, idmap)
    return Bound(idmap.top, False)


def _probe(client: Client, idmap: IdMap) -> int:
    tube = f"beanops-probe-{secrets.token_hex(8)}"
    id = client.put(b"beanops looks for the highest id", delay=2**32 - 1, tube=tube)
    client.delete(id)
    idmap.top = max(idmap.top, id)
    return id


def _hints(client: Client) -> list[int]:
    """Return the ids at the heads of tubes: seldom the highest, but of its size."""
    full = (
        tube for tube in sweep(client) if tube.current_jobs_ready + tube.current_jobs_delayed + tube.current_jobs_buried
    )
    tubes = [tube.name for tube in full]
    look = []
    for tube in islice(tubes, _HINT_TUBES):
        look += [commands.use(tube), commands.peek_ready(), commands.peek_buried(), commands.peek_delayed()]
    results = list(client.pipeline([*look, commands.use("default")]))
    return [job.id for job in results if isinstance(job, Job)]


def _climb(client: Client, idmap: IdMap) -> None:
    """Look above the highest known id as long as there are jobs."""
    while True:
        start = idmap.top + 1
        for stats in client.pipeline(map(commands.stats_job, range(start, start + _CLIMB))):
            if isinstance(stats, tuple):
                idmap.learn(stats.id, stats.tube)
        if idmap.top < start:
            return
