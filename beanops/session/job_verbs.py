"""The verbs of a session on jobs: `act` does any of them, the others check what one verb needs before.

`Session` has the public methods, `execution.verbs` the commands, `execution.executor` executes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, SupportsIndex

from beanops.jobs.groups import both, is_groups, place_of
from beanops.jobs.read import FoundJob
from beanops.jobs.rows import Tube, tube_of, tube_or_jobs
from beanops.journal.records import Refused
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import U32_MAX, check_number, check_tube
from beanops.session.arguments import Body, Seconds, body_of, whole_seconds
from beanops.session.editing.changing import BodyEdit, Changes, by_function
from beanops.session.editing.edit import Edit, plain_edit
from beanops.session.editing.schema import Schema, SchemaLike
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import Jobs, in_batches, orders_of, request_of
from beanops.session.execution.verbs import KEEP, PUT_NEW, Order, Settings, Verb, verb_of
from beanops.session.frame_bodies import bodies_of
from beanops.session.lookups import Lookups
from beanops.session.options import GroupedOptions, How, Options, given, how_of, optional_priority
from beanops.session.tube_verbs import guard_of, truncate

if TYPE_CHECKING:
    from beanops.session.distributed.workers import Workers


def kick(executor: Executor, jobs: Jobs | str, options: Options) -> Run:
    """Make jobs ready; of a tube the buried ones, unless `state` names others."""
    jobs, asked = selected(jobs, options)
    if isinstance(jobs, str):
        asked.setdefault("state", "buried")
    return act(executor, "kick", jobs, KEEP, asked)


def bury(executor: Executor, jobs: Jobs | str, priority: SupportsIndex | None, options: Options) -> Run:
    """Bury jobs."""
    return act(executor, "bury", jobs, Settings(optional_priority(priority)), options)


def release(
    executor: Executor, jobs: Jobs | str, priority: SupportsIndex | None, delay: Seconds, options: Options
) -> Run:
    """Make jobs ready or delayed, or change their priority."""
    settings = Settings(optional_priority(priority), whole_seconds("delay", delay))
    return act(executor, "release", jobs, settings, options)


def delete(executor: Executor, jobs: Jobs | str, options: Options) -> Run:
    """Delete jobs; of a tube, those that `state`, `where` or `group` name."""
    jobs, named = tube_or_jobs(jobs), options.get("state") or options.get("where")
    if isinstance(jobs, str) and not named and options.get("group") is None:
        raise UsageError(f"delete of tube {jobs!r} is missing the jobs: pass state, where or group")
    return act(executor, "delete", jobs, KEEP, options)


def drain(executor: Executor, jobs: Jobs | str, options: Options, *, bodies: bool = True) -> Run:
    """Delete all jobs of a tube in the named states, or those of them that were confirmed.

    Without `bodies` the server deletes those of a whole tube at once, and nothing can put them again.
    """
    if not bodies:
        allowed = ("state", "reason", "dry_run", "progress")
        if others := [name for name, value in options.items() if value is not None and name not in allowed]:
            raise UsageError(f"drain without bodies takes whole tubes, and no {others[0]}")
        return truncate(executor, jobs, options.get("state"), how_of(options))
    jobs = tube_or_jobs(jobs)
    where, asked = selected(jobs, options) if is_groups(jobs) else (jobs, options)
    if isinstance(where, str) and not asked.get("state"):
        raise UsageError(f'drain of tube {where!r} is missing the states: state="buried", for example')
    return act(executor, "drain", jobs, KEEP, options)


def move(executor: Executor, jobs: Jobs | str, to: Tube, options: Options) -> Run:
    """Move jobs to another tube."""
    return act(executor, "move", jobs, Settings(target=check_tube(tube_of(to, "to"), "to")), options)


def copy(executor: Executor, jobs: Jobs | str, to: Tube | None, server: Executor | None, options: Options) -> Run:
    """Copy jobs to another tube, another server, or both."""
    if to is None and server is None:
        raise UsageError("copy is missing the destination: another tube, another server, or both")
    if server is not None and server.context.read_only:
        raise Refused(f"copy was refused: the session on {server.context.address} is read-only")
    target = None if to is None else check_tube(tube_of(to, "to"), "to")
    settings = Settings(target=target, there=server is not None)
    return act(executor, "copy", jobs, settings, options, there=server)


def edit(
    executor: Executor,
    jobs: Jobs | str,
    changes: Changes | None,
    *,
    unset: Iterable[str],
    priority: SupportsIndex | None,
    ttr: Seconds | None,
    delay: Seconds | None,
    to: Tube | None,
    kick: bool,
    schema: SchemaLike | None,
    options: Options,
    by_hand: BodyEdit | None = None,
) -> Run:
    """Put changed jobs in the place of jobs; `by_hand` makes a body as somebody edited it, instead of `changes`."""
    target = None if to is None else check_tube(tube_of(to, "to"), "to")
    settings = Settings(optional_priority(priority), target=target)
    time_to_run, wait = (
        None if value is None else whole_seconds(name, value) for name, value in (("ttr", ttr), ("delay", delay))
    )
    plain = plain_edit(changes, unset, time_to_run, wait, kick, schema)
    if by_hand is not None:
        plain["function"] = "editor"
    if plain.keys() <= {"schema"} and settings == KEEP:
        raise UsageError("nothing to change: give values by their paths, unset, priority, ttr, delay, to or kick")
    edit = Edit(plain, by_function(changes) if callable(changes) else by_hand)
    return act(executor, "edit", jobs, settings, options, edit=edit)


def put_many(
    executor: Executor,
    bodies: Iterable[Body],
    tube: Tube,
    *,
    priority: SupportsIndex,
    delay: Seconds,
    ttr: Seconds,
    how: How,
    schema: SchemaLike | None = None,
) -> Run:
    """Put a job for each body, in batches."""
    one = isinstance(bodies, str | bytes | bytearray | memoryview | Mapping) or not isinstance(bodies, Iterable)
    if one:
        raise ArgumentError("bodies", bodies, "several bodies, such as a list, or a frame with a column 'body'")
    if hasattr(bodies, "columns"):
        bodies = bodies_of(bodies)
    most, name = executor.lookups.looking().max_job_size, check_tube(tube_of(tube))
    wait, time_to_run = whole_seconds("delay", delay), whole_seconds("ttr", ttr)
    state, counts = "delayed" if wait else "ready", (0,) * 6
    new = JobStats(0, name, state, check_number("priority", priority, U32_MAX), 0, wait, time_to_run, wait, *counts)
    jobs = [FoundJob(new, body_of(body, most)) for body in bodies]
    if schema is not None:
        fits = Schema.of(schema)
        for number, job in enumerate(jobs, 1):
            fits.check(job.body or b"", f"body {number}")
    run = executor.begin("put", {"tube": name}, how)
    run.named = len(jobs)
    orders = (Order(PUT_NEW, 0, job, line=number) for number, job in enumerate(jobs, 1))
    return executor.act_on_jobs(run, in_batches(orders, how.rate), how)


def selected(jobs: Jobs | str, options: Options) -> tuple[Jobs | str, Options]:
    """Return the jobs and the options of a verb, those of groups or of a row of tubes as a tube with options."""
    asked = given(options)
    if not is_groups(jobs):
        return tube_or_jobs(jobs), asked
    if "group" in asked:
        raise UsageError("pass groups either as the jobs or as group, not as both")
    tube, state = place_of(jobs)
    if state is not None:
        asked.setdefault("state", state)
    return tube, Options(**asked, group=jobs)


def grouped(lookups: Lookups, verb: Verb, jobs: Jobs | str, options: Options) -> GroupedOptions:
    """Return options whose ``where`` has the jobs of the groups, with the whole names of these.

    Raises
    ------
    NoGroup, UsageError
        A name stands for no group of the jobs, or for several.
    """
    asked: GroupedOptions = {**options}  # type: ignore[typeddict-item]
    if "group" not in asked:
        return asked
    if isinstance(jobs, str):
        lookups.check_tube(jobs, or_jobs=True)
    state, where = asked.get("state") or sorted(verb.states), asked.get("where")
    tube, ids = (jobs, None) if isinstance(jobs, str) else (None, jobs)
    chosen = lookups.groups(asked.pop("group"), tube, state=state, ids=ids, where=where)
    asked["where"], asked["groups"] = both(chosen.where, where) or "", list(chosen.words)
    return asked


def without_executor(options: Options) -> tuple[Workers | None, Options]:
    """Return the workers of the executor that options name, and the other options."""
    asked: dict[str, Any] = {**options}
    chosen = asked.pop("executor", None)
    if chosen is None:
        return None, Options(**asked)  # type: ignore[typeddict-item]
    from beanops.session.distributed.workers import Workers

    return Workers(chosen), Options(**asked)  # type: ignore[typeddict-item]


def act(
    executor: Executor,
    verb: str,
    jobs: Jobs | str,
    settings: Settings,
    options: Options,
    there: Executor | None = None,
    edit: Edit | None = None,
) -> Run:
    """Do to jobs what a verb does; `there` has the destination server of a copy, `edit` what to change."""
    executor.context.check_open()
    jobs, options = selected(jobs, options)
    if isinstance(jobs, Iterator):
        jobs = list(jobs)  # read twice: for the lookup and for the journal
    if options.get("buried_as") is not None and not verb_of(verb, settings).puts:
        raise UsageError(f"{verb} does not take buried_as: it puts no jobs")
    with ExitStack() as opened:
        # A separate connection: the tube that `there` uses must not receive the copies.
        copying = None if there is None else opened.enter_context(there.context.another())
        keep_bodies = executor.context.keep_bodies
        how = how_of(options)
        workers, options = without_executor(options)
        options = grouped(executor.lookups, verb_of(verb, settings), jobs, options)
        lookup = orders_of(executor.lookups, verb_of(verb, settings), jobs, settings, options, keep_bodies)
        if isinstance(jobs, str):
            executor.lookups.check_tube(jobs, or_jobs=True)
        request = request_of(jobs, settings, options, copying)
        if workers is not None and not how.dry:
            from beanops.session.distributed.acting import DistributedVerb

            return DistributedVerb(executor, workers, verb, settings, options, how, there).run(jobs, request)
        if edit is None:
            run = executor.begin(verb, request, how)
            run.when_cancelled(lookup.cancel)
            return executor.act_on_jobs(run, lookup.batches, how, guard_of(there or executor), copying)
        most = executor.lookups.server().max_job_size
        run = executor.begin(verb, request | {"edit": edit.plain}, how)
        run.when_cancelled(lookup.cancel)
        batches = edit.applied(lookup.batches, executor.context.held, most)
        executor.act_on_jobs(run, batches, how, guard_of(executor))
        edit.tell(run)
        return run
