"""From what a verb was asked for to orders for single jobs, in batches."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypedDict

from beanops.jobs.read import FoundJob, read_jobs, read_stats
from beanops.jobs.select import ids_of, select
from beanops.protocol import Job, JobStats, TubeStats, commands
from beanops.protocol.errors import ArgumentError, BeanopsError, NotFound
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.act import How
from beanops.session.record import Intent
from beanops.session.run import Run
from beanops.session.verbs import MOVE, Order, Settings, TubeStep, Verb

if TYPE_CHECKING:
    from beanops.session.find import Finding
    from beanops.session.session import Session

#: What a verb can be asked to act on: an id, a job, several of either, or a frame with a column ``id``.
Jobs = SupportsIndex | Job | JobStats | FoundJob | Iterable[Any]

#: Jobs that are looked at, written down and acted on together.
BATCH = 1000
#: A move holds the ready jobs of a batch reserved: the server gets slower the more a connection holds.
_HELD_BATCH = 200
#: Bytes of bodies in a batch, beyond which it is cut.
MOST_BYTES = 4 * 2**20
#: Jobs of one ``kick``, which stalls the server for its length.
_KICK = 1000
#: Seconds by which two looks at a job may differ on when it was put.
_SLACK = 5


class NotAllFound(BeanopsError):
    """A search ended before it had seen every job that was meant."""

    def __init__(self, verdict: str) -> None:
        super().__init__(f"not all jobs could be found; {verdict}")


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
        Called with the `Run` before the first batch and after each; the run's ``cancel`` ends it.
    buried_as : {"parked", "ready"} or None
        What buried jobs become where a move, copy, import or undo puts them: parked, which is delayed for ever, or
        ready. A server up to 1.11 can bury a chosen job only in a tube that no worker watches.
    seen_in : str or None
        The tube where jobs that are named by id were seen; an id that is in another tube by now is left alone.
    """

    state: str | Iterable[str] | None
    where: str | None
    limit: SupportsIndex | None
    order: str
    reason: str | None
    dry_run: bool
    rate: float | None
    progress: Callable[[Run], None] | None
    buried_as: Literal["parked", "ready"] | None
    seen_in: str | None


def given(options: Options) -> Options:
    """Return the options that are not None, which stands for the default of each; states as a tuple.

    Raises
    ------
    ArgumentError
        No state is named: that would mean the jobs in all of them.
    """
    _check_known(options)
    asked: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if "state" in asked and not isinstance(asked["state"], str):
        asked["state"] = tuple(asked["state"])
        if not asked["state"]:
            raise ArgumentError("state", [], "at least one state, or None for the default")
    return Options(**asked)  # type: ignore[typeddict-item, no-any-return]


def _check_known(options: Options) -> None:
    """Refuse what is no option, which would else be more jobs than were meant."""
    if unknown := options.keys() - Options.__optional_keys__:
        known = ", ".join(sorted(Options.__optional_keys__))
        raise TypeError(f"there is no option {' or '.join(sorted(unknown))}; there are {known}")


def how_of(options: Options) -> How:
    """Return how a run is carried out."""
    _check_known(options)
    rate = options.get("rate")
    if rate is not None and not 0 < rate < inf:
        raise ArgumentError("rate", rate, "a number above 0, of jobs a second")
    buried_as = options.get("buried_as")
    if buried_as not in (None, "parked", "ready"):
        raise ArgumentError("buried_as", buried_as, "parked or ready")
    dry = options.get("dry_run", False)
    return How(
        buried_as=buried_as,
        reason=options.get("reason"),
        dry=dry,
        rate=None if dry else rate,
        progress=options.get("progress"),
    )


def batch_size(rate: float | None, verb: Verb | None = None) -> int:
    """Return how many jobs to act on at once, so that a rate is kept within each second."""
    most = _HELD_BATCH if verb is MOVE else BATCH
    return most if rate is None else max(1, min(most, int(rate / 4)))


def in_batches(orders: Iterable[Order], rate: float | None) -> Iterator[list[Order]]:
    """Cut orders into batches that keep a rate and fill no memory, neither of bodies here nor of reservations there.

    What was ordered before a fault comes before the fault.
    """
    fault = None
    batch: list[Order] = []
    held = 0
    try:
        for order in orders:
            batch.append(order)
            if order.job is not None and order.job.body is not None:
                held += len(order.job.body)
            if len(batch) >= batch_size(rate, order.verb) or held >= MOST_BYTES:
                yield batch
                batch, held = [], 0
    except BeanopsError as error:
        fault = error
    if batch:
        yield batch
    if fault is not None:
        raise fault


def optional_priority(priority: SupportsIndex | None) -> int | None:
    """Return a checked priority, None for a job's own."""
    return None if priority is None else check_number("priority", priority, U32_MAX)


def request_of(jobs: Any, settings: Settings, options: Options, there: Session | None) -> dict[str, Any]:
    """Return what was asked for as plain data: enough to go on with it."""
    request: dict[str, Any] = {"jobs": jobs} if isinstance(jobs, str) else {"ids": _plain(ids_of(jobs))}
    state, limit = options.get("state"), options.get("limit")
    if state is not None:
        request["state"] = state if isinstance(state, str) else list(state)
    if limit is not None:
        request["limit"] = int(limit)
    kept = ("where", "order", "seen_in", "rate", "buried_as")
    request |= {name: value for name in kept if (value := options.get(name)) is not None}
    request["settings"] = settings._asdict()
    if there is not None:
        request["server"] = str(there.address)
    return request


def _plain(ids: Any) -> Any:
    return {"range": [ids.start, ids.stop, ids.step]} if isinstance(ids, range) else list(ids)


def asked_ids(request: dict[str, Any]) -> Any:
    """Return the ids that a run on record was asked for."""
    ids = request["ids"]
    return range(*ids["range"]) if isinstance(ids, dict) else ids


class Lookup(NamedTuple):
    """Orders in batches, looked up when they are asked for; `cancel` ends a search that goes on."""

    batches: Iterator[list[Order]]
    cancel: Callable[[], None]


def orders_of(look: Finding, verb: Verb, jobs: Any, settings: Settings, options: Options, keep_bodies: bool) -> Lookup:
    """Check what is asked for, and return orders for it; looking jobs up begins with the first batch.

    Raises
    ------
    ArgumentError, PredicateError
        It means no jobs; nothing was sent.
    """
    rate = options.get("rate")
    bodies = not options.get("dry_run") and (verb.puts or (verb.destroys and keep_bodies))
    state, where, limit = options.get("state"), options.get("where"), options.get("limit")
    select(None, state=state, limit=limit, order=options.get("order", "newest"))
    states = frozenset((state.split(",") if isinstance(state, str) else state) or ())
    meant, seen_in = _meant(jobs), options.get("seen_in")
    others = None if seen_in is None else _Meant(seen_in)

    def order(id: int, job: FoundJob | None) -> Order:
        return Order(verb, id, job, settings, job and _unlike(job, states, meant.get(id, others)))

    def looked_up(ids: Sequence[int]) -> Iterator[Order]:
        size = batch_size(rate, verb)
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            yield from (order(id, job) for id, job in zip(part, look_up(look, part, bodies), strict=True))

    if not isinstance(jobs, str) and where is None:
        named = ids_of(jobs)
        ids = named if isinstance(named, range) else array("Q", named)  # a fifth of a list's memory
        if limit is not None:
            ids = ids[: check_number("limit", limit, U32_MAX)]
        return Lookup(in_batches(looked_up(ids), rate), lambda: None)

    tube, only = (jobs, None) if isinstance(jobs, str) else (None, jobs)
    # Jobs that are put where they are looked for would be found as well: all are found before the first is put.
    feeds_itself = verb.puts and not settings.there and select(tube).in_tube(settings.target or "")
    # With a rate, what was found may wait for long until its turn comes, so it is looked at again.
    again = feeds_itself or rate is not None
    scan = look.raw_scan(
        tube,
        state=states or sorted(verb.states),
        ids=only,
        where=where,
        limit=limit,
        order=options.get("order", "newest"),
        bodies=bodies and not again,
    )
    cancelled = False

    def cancel() -> None:
        nonlocal cancelled
        cancelled = True
        scan.cancel()

    def searched() -> Iterator[Order]:
        found = (job for batch in scan for job in batch)
        if not again:
            yield from (order(job.id, job) for job in found)
        size = None if feeds_itself else batch_size(rate, verb)
        while part := array("Q", (job.id for job in islice(found, size))):
            yield from looked_up(part)
        if cancelled:
            raise BeanopsError("cancelled")
        if not (scan.complete or scan.sure):
            raise NotAllFound(scan.conclusion)

    return Lookup(in_batches(searched(), rate), cancel)


class _Meant(NamedTuple):
    """What is known of a job that was picked: its tube, and when it was put in seconds since 1970."""

    tube: str
    created: float | None = None


def _meant(jobs: Any) -> dict[int, _Meant]:
    """Return what picked jobs were: a server that lost its jobs gives their ids out again, for others."""
    if hasattr(jobs, "columns"):
        if "tube" not in jobs.columns:
            return {}
        created = [None] * len(jobs)
        if "created" in jobs.columns and str(jobs["created"].dtype).startswith("datetime64[us, "):
            created = [None if moment < 0 else moment / 1e6 for moment in jobs["created"].astype("int64").tolist()]
        return {
            id: _Meant(tube, moment)
            for id, tube, moment in zip(jobs["id"].tolist(), jobs["tube"].tolist(), created, strict=True)
        }
    known = [jobs] if isinstance(jobs, JobStats | FoundJob) else jobs if isinstance(jobs, list | tuple) else []
    stats = [job.stats if isinstance(job, FoundJob) else job for job in known]
    return {job.id: _Meant(job.tube) for job in stats if isinstance(job, JobStats)}


def _unlike(job: FoundJob, states: frozenset[str], meant: _Meant | None) -> str | None:
    """Return why a job is not one that was meant, None when it is."""
    stats = job.stats
    if meant is not None and meant.tube != stats.tube:
        return f"it is in tube {stats.tube}, not in {meant.tube}: the id is another job's by now"
    if meant is not None and put_after(stats, meant.created):
        return ANOTHER
    if states and stats.state not in states:
        return "a worker has reserved it" if stats.state == "reserved" else f"it is {stats.state} by now"
    return None


#: Why a job is left alone whose id was another's before.
ANOTHER = "the id is another job's by now: the server was restarted without its jobs"


def put_after(stats: JobStats, moment: float | None) -> bool:
    """Whether a job was put after a moment, given in seconds since 1970."""
    return moment is not None and time.time() - stats.age > moment + _SLACK


def look_up(look: Finding, ids: Sequence[int], bodies: bool) -> Iterable[FoundJob | None]:
    """Return what the server says of jobs, None for those that do not exist."""
    if bodies:
        return read_jobs(look._looking(), ids)
    # A list: half of a pipeline would keep the connection from others.
    return [None if stats is None else FoundJob(stats, None) for stats in read_stats(look._looking(), ids)]


def kick_steps(look: Finding, tube: TubeStats, limit: int) -> Iterator[TubeStep]:
    """Return the kicks of a tube in chunks that leave the server room for others.

    One command kicks buried jobs, or delayed ones where none is buried: no chunk takes others than the first one does,
    whatever somebody else kicks or buries meanwhile.
    """
    with suppress(NotFound):  # a tube that has vanished has none left
        for start in range(0, limit, _KICK):
            if start and bool(look.tube(tube.name).current_jobs_buried) != bool(tube.current_jobs_buried):
                return
            jobs = min(_KICK, limit - start)
            yield TubeStep(commands.kick(jobs), Intent("kick", tube.name), jobs)
