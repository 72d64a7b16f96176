"""From what a verb was asked for to orders for single jobs, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, SupportsIndex, TypedDict

from beanops.jobs.read import FoundJob, read_jobs, read_stats
from beanops.jobs.select import ids_of
from beanops.protocol import Command, Job, JobStats, commands
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.act import How
from beanops.session.record import Intent
from beanops.session.run import Run
from beanops.session.verbs import MOVE, Order, Settings, Verb

if TYPE_CHECKING:
    from beanops.session.find import Finding
    from beanops.session.session import Session

#: What a verb can be asked to act on: an id, a job, several of either, or a frame with a column ``id``.
Jobs = SupportsIndex | Job | JobStats | FoundJob | Iterable[Any]

#: Jobs that are looked at, written down and acted on together.
BATCH = 1000
#: A move holds the ready jobs of a batch reserved: the server gets slower the more a connection holds.
_HELD_BATCH = 200
#: Jobs of one ``kick``, which stalls the server for its length.
_KICK = 1000


class Options(TypedDict, total=False):
    """Which jobs of a tube a verb means, and how it goes about it.

    Attributes
    ----------
    state, where, limit, order
        Which jobs, as in `beanops.jobs.select.select`.
    reason : str or None
        Why, in the operator's words, for the record.
    dry_run : bool
        Only say what would be done.
    rate : float or None
        Most jobs a second.
    progress : callable or None
        Called with the `Run` after each batch; its ``cancel`` ends it.
    """

    state: str | Iterable[str] | None
    where: str | None
    limit: SupportsIndex | None
    order: str
    reason: str | None
    dry_run: bool
    rate: float | None
    progress: Callable[[Run], None] | None


def how_of(options: Options) -> How:
    """Return how a run is carried out."""
    rate = options.get("rate")
    if rate is not None and not rate > 0:
        raise ArgumentError("rate", rate, "a number above 0, of jobs a second")
    return How(
        reason=options.get("reason"),
        dry=options.get("dry_run", False),
        rate=rate,
        progress=options.get("progress"),
    )


def optional_priority(priority: SupportsIndex | None) -> int | None:
    """Return a checked priority, None for a job's own."""
    return None if priority is None else check_number("priority", priority, U32_MAX)


def request_of(jobs: Any, settings: Settings, options: Options, there: Session | None) -> dict[str, Any]:
    """Return what was asked for as plain data: enough to go on with it."""
    request: dict[str, Any] = {"jobs": jobs} if isinstance(jobs, str) else {"ids": list(ids_of(jobs))}
    state, limit = options.get("state"), options.get("limit")
    if state is not None:
        request["state"] = state if isinstance(state, str) else list(state)
    if limit is not None:
        request["limit"] = int(limit)
    request |= {name: value for name in ("where", "order") if (value := options.get(name)) is not None}
    request["settings"] = settings._asdict()
    if there is not None:
        request["server"] = str(there.address)
    return request


def orders_of(
    look: Finding, verb: Verb, jobs: Any, settings: Settings, options: Options, keep_bodies: bool
) -> Iterator[list[Order]]:
    """Check what is asked for, and return orders for it in batches; looking jobs up begins with the first batch.

    Raises
    ------
    ArgumentError, PredicateError
        It means no jobs; nothing was sent.
    """
    size = _HELD_BATCH if verb is MOVE else BATCH
    rate = options.get("rate")
    if rate is not None:
        size = max(1, min(size, int(rate / 4)))
    bodies = verb.puts or (verb.destroys and keep_bodies)
    state, where, limit = options.get("state"), options.get("where"), options.get("limit")
    if isinstance(jobs, str) or where is not None or state is not None:
        tube, ids = (jobs, None) if isinstance(jobs, str) else (None, jobs)
        scan = look.scan(
            tube,
            state=state or sorted(verb.states),
            ids=ids,
            where=where,
            limit=limit,
            order=options.get("order", "newest"),
            bodies=bodies,
        )
        found = (job for batch in scan for job in batch)
        return _in_batches((Order(verb, job.id, job, settings) for job in found), size)
    ids = ids_of(jobs)
    if limit is not None:
        ids = ids[: check_number("limit", limit, U32_MAX)]
    return _looked_up(look, verb, ids, settings, bodies, size)


def look_up(look: Finding, ids: list[int], bodies: bool) -> list[FoundJob | None]:
    """Return what the server says of jobs, None for those that do not exist."""
    if bodies:
        return list(read_jobs(look._looking(), ids))
    stats = read_stats(look._looking(), ids)
    return [None if found is None else FoundJob(found, None) for found in stats]


def _looked_up(
    look: Finding, verb: Verb, ids: Any, settings: Settings, bodies: bool, size: int
) -> Iterator[list[Order]]:
    for start in range(0, len(ids), size):
        part = list(ids[start : start + size])
        yield [Order(verb, id, job, settings) for id, job in zip(part, look_up(look, part, bodies), strict=True)]


def _in_batches(orders: Iterator[Order], size: int) -> Iterator[list[Order]]:
    while batch := list(islice(orders, size)):
        yield batch


def kick_steps(tube: str, limit: int) -> Iterator[tuple[Command[Any], Intent]]:
    """Return the kicks of a tube in chunks that leave the server room for others."""
    for start in range(0, limit, _KICK):
        yield commands.kick(min(_KICK, limit - start)), Intent("kick", tube)
