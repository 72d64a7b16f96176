"""Where a scan has to look: how high ids can be, and how many jobs there are to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.read import at_once
from beanops.jobs.search.id_map import IdMap
from beanops.jobs.select import Selection
from beanops.monitor.sweep import sweep
from beanops.protocol import Command, Job, ServerStats, commands

#: Tubes whose heads are asked for a hint of how high ids are. The server walks all tubes for each.
_HINT_TUBES = 200


class Bound(NamedTuple):
    """How high ids can be.

    Attributes
    ----------
    top : int
        No job is known to have a higher id.
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
        Counters that change with every change of a job's state. While they are equal, no job changed.
    server : ServerStats
        The statistics that they are from, no older than those of the tubes.
    """

    expected: int | None
    stirred: tuple[int, ...]
    server: ServerStats


def count(client: Client, selection: Selection, stats: Callable[[Client], ServerStats]) -> Count:
    """Ask the server, with `stats`, how many jobs are selected now."""
    counts = selection.ids is None and "invalid" not in selection.states
    tubes = sweep(client, selection.in_tube) if counts and selection.tube is not None else None
    server = stats(client)
    expected = None
    if counts:
        names = [f"current_jobs_{state}" for state in selection.states]
        expected = sum(int(getattr(one, name)) for one in ([server] if tubes is None else tubes) for name in names)
    return Count(expected, _stirred(server), server)


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
        # The jobs of a connection that ends become ready again, which no other counter shows.
        server.current_connections,
        server.total_connections,
    )


def bound(
    client: Client, idmap: IdMap, server: ServerStats, known: Callable[[], int], probe: Callable[[], int] | None
) -> Bound:
    """Find out how high ids can be.

    Without a binlog ids start at 1 with the process, and each is assigned by a put command that the server
    counts: that count is an exact bound. With a binlog they continue from an unknown id, so the bound is the
    highest id that is known, from earlier scans, from the record and from the heads of tubes, and `highest` looks
    further up; unless `probe` finds it.

    Parameters
    ----------
    client : Client
        One that never reserves.
    idmap : IdMap
        What is known of the ids.
    server : ServerStats
        Its statistics now.
    known : callable
        Returns the highest id that the journal has.
    probe : callable or None
        Returns an id that the server gave out just now.
    """
    idmap.top = max(idmap.top, server.total_jobs)  # each has taken an id of its own
    if not server.binlog_current_index:
        return Bound(server.cmd_put, True)
    if probe is not None:
        idmap.top = max(idmap.top, probe())
        return Bound(idmap.top, True)
    idmap.top = max(idmap.top, known(), *_hints(client, server.max_job_size))
    return Bound(idmap.top, False)


def _hints(client: Client, max_job_size: int) -> Iterator[int]:
    """Yield the ids at the heads of tubes: seldom the highest, but of its size."""
    full = [
        tube.name
        for tube in sweep(client)
        if tube.current_jobs_ready + tube.current_jobs_delayed + tube.current_jobs_buried
    ]
    most = max(1, at_once(max_job_size) // 3)
    for start in range(0, min(len(full), _HINT_TUBES), most):
        look: list[Command[Any]] = []
        for tube in full[start : min(start + most, _HINT_TUBES)]:
            look += [commands.use(tube), commands.peek_ready(), commands.peek_buried(), commands.peek_delayed()]
        for job in client.pipeline([*look, commands.use("default")]):
            if isinstance(job, Job):
                yield job.id
