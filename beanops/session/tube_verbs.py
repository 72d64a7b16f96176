"""The verbs of a session on tubes: pause, unpause, put, kick the next jobs, and truncate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import SupportsIndex

from beanops.jobs.identity import digest_of
from beanops.jobs.rows import Tube, tube_of
from beanops.jobs.select import select
from beanops.journal.records import Intent, Refused
from beanops.monitor.sweep import sweep
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import NotFound, UsageError
from beanops.protocol.limits import U32_MAX, check_number, check_tube
from beanops.protocol.states import AT_REST
from beanops.session.arguments import Body, Seconds, body_of, whole_seconds
from beanops.session.editing.schema import Schema, SchemaLike
from beanops.session.execution.executor import Executor
from beanops.session.execution.pause_guard import PauseGuard
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import TubeStep
from beanops.session.frame_bodies import body_of_row
from beanops.session.options import How
from beanops.text import plural

#: Jobs of one ``kick`` command, during which the server answers nobody else.
_KICK = 1000
#: Of jobs that are reserved when their tube is truncated.
_LATER = "and what their workers say of them later is answered with NOT_FOUND"


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


def guard_of(executor: Executor, part: str = "") -> PauseGuard:
    """Return the guard that pauses tubes while their buried jobs are reserved, by a run or a part of one."""
    return PauseGuard(executor.context, executor.lookups, partial(_set_pause, executor), part)


def put(
    executor: Executor,
    body: Body,
    tube: Tube,
    *,
    priority: SupportsIndex,
    delay: Seconds,
    ttr: Seconds,
    reason: str | None,
    schema: SchemaLike | None = None,
) -> Run:
    """Put a job into a tube."""
    body, tube = body_of(body_of_row(body), executor.lookups.looking().max_job_size), check_tube(tube_of(tube))
    if schema is not None:
        Schema.of(schema).check(body, "body")
    wait, time_to_run = whole_seconds("delay", delay), whole_seconds("ttr", ttr)
    command = commands.put(body, priority=priority, delay=wait, ttr=time_to_run)
    intent = Intent("put", tube, priority=int(priority), delay=wait, ttr=time_to_run, digest=digest_of(body))
    how = How(reason=reason)
    run = executor.begin("put", {"tube": tube}, how)
    return executor.act_on_tube(run, [TubeStep(command, intent)], how, use=True)


def kick_next(executor: Executor, tube: Tube, n: SupportsIndex, how: How) -> Run:
    """Kick the next jobs of a tube, which the server chooses."""
    most = check_number("n", n, U32_MAX)
    stats = executor.lookups.tube(tube)  # using a tube that does not exist would create it
    # At least one, so that the journal records that there was none.
    waiting = stats.current_jobs_buried or stats.current_jobs_delayed or int(not how.dry)
    run = executor.begin("kick", {"tube": stats.name, "next": most}, how)
    return executor.act_on_tube(run, _kicks(executor, stats, min(most, waiting)), how, use=True)


def _kicks(executor: Executor, tube: TubeStats, limit: int) -> Iterator[TubeStep]:
    """Yield the kicks of a tube in chunks, so that the server can answer others in between.

    A command kicks buried jobs, or delayed ones if none is buried. All chunks kick jobs of the same state, even if
    somebody else kicks or buries jobs in between.
    """
    lookups = executor.lookups
    with suppress(NotFound):  # a tube that no longer exists has no jobs
        for start in range(0, limit, _KICK):
            if start and bool(lookups.tube(tube.name).current_jobs_buried) != bool(tube.current_jobs_buried):
                return
            jobs = min(_KICK, limit - start)
            yield TubeStep(commands.kick(jobs), Intent("kick", tube.name), jobs)


def truncate(executor: Executor, tube: Tube, state: str | Iterable[str] | None, how: How) -> Run:
    """Delete all ready, delayed and buried jobs of tubes with one command each, on a server that can."""
    name = tube_of(tube)
    if select(state=state).states != frozenset(AT_REST):
        raise UsageError(f"drain without bodies deletes jobs in all of these states: pass state={','.join(AT_REST)!r}")
    executor.lookups.check_tube(name)
    can = executor.lookups.capabilities
    if not can.truncate:
        raise Refused(
            f"drain without bodies was refused: it needs a server with truncate, and this is {can.version};"
            " drain with bodies works on all servers"
        )
    wanted = select(name)
    tubes = [stats for stats in executor.lookups.tube_stats() if wanted.in_tube(stats.name)]
    counts = {one: sum(getattr(stats, f"current_jobs_{one}") for stats in tubes) for one in (*AT_REST, "reserved")}
    run = executor.begin("drain", {"jobs": name, "bodies": False, "counts": counts}, how)
    reserved = counts["reserved"]
    run.caution = "jobs that are put until then are deleted too"
    if reserved:
        run.caution += f"; so {'is' if reserved == 1 else 'are'} {plural(reserved, 'reserved job')}, {_LATER}"
    return executor.act_on_tube(run, _truncates(tubes), how)


def _truncates(tubes: Iterable[TubeStats]) -> Iterator[TubeStep]:
    for stats in tubes:
        jobs = sum(getattr(stats, f"current_jobs_{state}") for state in AT_REST)
        none = None if jobs else "no job was ready, delayed or buried"
        yield TubeStep(commands.truncate(stats.name), Intent("truncate", stats.name), jobs, none)
