"""What a session does to tubes: pause, unpause, put, and kick the next jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import SupportsIndex

from beanops.jobs.identity import digest_of
from beanops.jobs.rows import Tube, tube_of
from beanops.journal.records import Intent
from beanops.monitor.sweep import sweep
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import NotFound
from beanops.protocol.limits import U32_MAX, check_number, check_tube
from beanops.session.arguments import Body, Seconds, body_of, whole_seconds
from beanops.session.execution.executor import Executor
from beanops.session.execution.pause_guard import PauseGuard
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import TubeStep
from beanops.session.options import How

#: Jobs of one ``kick``, which stalls the server for its length.
_KICK = 1000


def pause(executor: Executor, tube: Tube, seconds: Seconds, reason: str | None) -> Run:
    """Pause a tube that exists."""
    length = whole_seconds("seconds", seconds)
    return _set_pause(executor, "pause", executor.lookups.tube(tube).name, length, reason)


def unpause(executor: Executor, tube: Tube, reason: str | None) -> Run:
    """End the pause of a tube that exists."""
    return _set_pause(executor, "unpause", executor.lookups.tube(tube).name, 0, reason)


def _set_pause(executor: Executor, action: str, tube: str, seconds: int, reason: str | None) -> Run:
    command = commands.pause_tube(tube, seconds)
    left = next((stats.pause_time_left for stats in sweep(executor.lookups.looking(), tube.__eq__)), 0)
    intent = Intent(action, tube, delay=seconds, time_left=left)
    how = How(reason=reason)
    run = executor.begin(action, {"tube": tube, "seconds": seconds}, how)
    return executor.act_on_tube(run, [TubeStep(command, intent)], how)


def guard_of(executor: Executor) -> PauseGuard:
    """Return what pauses tubes of the executor's server while their buried jobs are reserved."""
    return PauseGuard(executor.context, executor.lookups, partial(_set_pause, executor))


def put(
    executor: Executor,
    body: Body,
    tube: Tube,
    *,
    priority: SupportsIndex,
    delay: Seconds,
    ttr: Seconds,
    reason: str | None,
) -> Run:
    """Put a job into a tube."""
    body, tube = body_of(body, executor.lookups.looking().max_job_size), check_tube(tube_of(tube))
    wait, time_to_run = whole_seconds("delay", delay), whole_seconds("ttr", ttr)
    command = commands.put(body, priority=priority, delay=wait, ttr=time_to_run)
    intent = Intent("put", tube, priority=int(priority), delay=wait, ttr=time_to_run, digest=digest_of(body))
    how = How(reason=reason)
    run = executor.begin("put", {"tube": tube}, how)
    return executor.act_on_tube(run, [TubeStep(command, intent)], how, use=True)


def kick_next(executor: Executor, tube: Tube, n: SupportsIndex, how: How) -> Run:
    """Let the server kick the next jobs of a tube."""
    most = check_number("n", n, U32_MAX)
    stats = executor.lookups.tube(tube)  # to use one that does not exist would create it
    # Where there are none, one is asked for all the same: then the journal says so.
    waiting = stats.current_jobs_buried or stats.current_jobs_delayed or int(not how.dry)
    run = executor.begin("kick", {"tube": stats.name, "next": most}, how)
    return executor.act_on_tube(run, _kicks(executor, stats, min(most, waiting)), how, use=True)


def _kicks(executor: Executor, tube: TubeStats, limit: int) -> Iterator[TubeStep]:
    """Return the kicks of a tube in chunks that leave the server room for others.

    One command kicks buried jobs, or delayed ones where none is buried: no chunk takes others than the first one does,
    whatever somebody else kicks or buries in between.
    """
    lookups = executor.lookups
    with suppress(NotFound):  # a tube that has vanished has none left
        for start in range(0, limit, _KICK):
            if start and bool(lookups.tube(tube.name).current_jobs_buried) != bool(tube.current_jobs_buried):
                return
            jobs = min(_KICK, limit - start)
            yield TubeStep(commands.kick(jobs), Intent("kick", tube.name), jobs)
