"""From what a verb was asked for to orders for single jobs, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, repeat
from math import inf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypedDict

from beanops.client.sync import Client
from beanops.jobs.identity import REUSED, JobRef, doubts
from beanops.jobs.read import FoundJob, find_jobs, read_jobs
from beanops.jobs.refs import JobRefs, refs_of
from beanops.jobs.select import select
from beanops.journal.records import Intent
from beanops.protocol import Job, JobStats, TubeStats, commands
from beanops.protocol.errors import ArgumentError, BeanopsError, NotFound
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.executor import How
from beanops.session.run import Run
from beanops.session.verbs import MOVE, Order, Settings, TubeStep, Verb

if TYPE_CHECKING:
    from beanops.session.find import Finding

#: What a verb can be asked to act on: an id, a job, a row, several of these, or a frame with a column ``id``.
Jobs = SupportsIndex | Job | JobStats | FoundJob | JobRef | Iterable[Any]

#: Jobs that are looked at, written down and acted on together.
BATCH = 1000
#: A move holds the ready jobs of a batch reserved: the server gets slower the more a connection holds.
_HELD_BATCH = 200
#: Bytes of bodies in a batch, beyond which it is cut.
MOST_BYTES = 4 * 2**20
#: Jobs of one ``kick``, which stalls the server for its length.
_KICK = 1000


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


def request_of(jobs: Any, settings: Settings, options: Options, there: Client | None) -> dict[str, Any]:
    """Return what was asked for as plain data: enough to go on with it."""
    request: dict[str, Any] = {"jobs": jobs} if isinstance(jobs, str) else refs_of(jobs).plain()
    state, limit = options.get("state"), options.get("limit")
    if state is not None:
        request["state"] = state if isinstance(state, str) else list(state)
    if limit is not None:
        request["limit"] = int(limit)
    kept = ("where", "order", "rate", "buried_as")
    request |= {name: value for name in kept if (value := options.get(name)) is not None}
    request["settings"] = settings._asdict()
    if there is not None:
        request |= {"server": str(there.address), "server_instance": there.instance}
    return request


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
    meant = None if isinstance(jobs, str) else refs_of(jobs)

    def order(id: int, job: FoundJob | None, ref: JobRef | None = None, reason: str | None = None) -> Order:
        return Order(verb, id, job, settings, job and (reason or _unlike(job, states)), ref=ref)

    def looked_up(refs: JobRefs) -> Iterator[Order]:
        size = batch_size(rate, verb)
        for start in range(0, len(refs), size):
            part, client = refs[start : start + size], look._looking()
            instance = client.instance  # the look itself may renew a connection, to another process
            if part.bare:
                yield from map(order, part.ids, look_up(client, part.ids, bodies))
            elif part.are_all_of(instance):  # then their tubes alone are left to compare
                jobs, tubes = look_up(client, part.ids, bodies), part.columns["tube"] or repeat(None)
                for id, job, tube in zip(part.ids, jobs, tubes, strict=False):
                    strange = job is not None and (job.instance != instance or tube not in (None, job.stats.tube))
                    yield order(id, job, None, REUSED if strange else None)
            else:
                known = list(part)
                reasons = doubts(client, known)
                for ref, job, reason in zip(known, look_up(client, part.ids, bodies), reasons, strict=True):
                    yield order(ref.id, job, ref, reason or (job and elsewhere(ref, job)))

    if meant is not None and where is None:
        if limit is not None:
            meant = meant[: check_number("limit", limit, U32_MAX)]
        return Lookup(in_batches(looked_up(meant), rate), lambda: None)

    tube, only = (jobs, None) if isinstance(jobs, str) else (None, meant)
    # Jobs that are put where they are looked for would be found as well: all are found before the first is put.
    feeds_itself = verb.puts and not settings.there and select(tube).in_tube(settings.target or "")
    # With a rate, what was found may wait for long until its turn comes, so it is looked at again.
    again = feeds_itself or rate is not None
    scan = look.raw_scan(
        tube,
        state=states or sorted(verb.states),
        ids=None if only is None else only.ids,
        where=where,
        limit=limit,
        order=options.get("order", "newest"),
        bodies=bodies and not again,
    )
    places = {} if only is None else _places(only, look._looking().instance)
    cancelled = False

    def cancel() -> None:
        nonlocal cancelled
        cancelled = True
        scan.cancel()

    def found() -> Iterator[Order]:
        """Yield orders as the scan finds their jobs."""
        for batch in scan:
            if only is None:
                yield from (order(job.id, job) for job in batch)
            else:
                refs = [only[places[job.id]] for job in batch]
                for job, ref, reason in zip(batch, refs, doubts(look._looking(), refs), strict=True):
                    yield order(job.id, job, ref, reason or elsewhere(ref, job))

    def searched() -> Iterator[Order]:
        if not again:
            yield from found()
        size = None if feeds_itself else batch_size(rate, verb)
        matching = (found_now.meant for found_now in found())
        while part := refs_of(islice(matching, size)):
            yield from looked_up(part)
        if cancelled:
            raise BeanopsError("cancelled")
        if not (scan.complete or scan.sure):
            raise NotAllFound(scan.conclusion)

    return Lookup(in_batches(searched(), rate), cancel)


def _places(refs: JobRefs, instance: str) -> dict[int, int]:
    """Return where a job of each id stands, that of this server process where it was seen on several."""
    seen_here = {ref.id: place for place, ref in enumerate(refs) if ref.instance == instance}
    return {id: place for place, id in enumerate(refs.ids)} | seen_here


def elsewhere(ref: JobRef, job: FoundJob) -> str | None:
    """Return why a job is not the one that is meant, which is in another tube."""
    return REUSED if ref.tube is not None and ref.tube != job.stats.tube else None


def _unlike(job: FoundJob, states: frozenset[str]) -> str | None:
    """Return why a job is in none of the states that are meant, None when it is."""
    if states and job.stats.state not in states:
        return "a worker has reserved it" if job.stats.state == "reserved" else f"it is {job.stats.state} by now"
    return None


def look_up(client: Client, ids: Sequence[int], bodies: bool) -> Iterable[FoundJob | None]:
    """Return what the server says of jobs, None for those that do not exist."""
    # A list: half of a pipeline would keep the connection from others.
    return read_jobs(client, ids) if bodies else list(find_jobs(client, ids))


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
