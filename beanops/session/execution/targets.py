"""The jobs that a verb is called with, looked up and turned into orders for single jobs, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Any, NamedTuple, SupportsIndex

from beanops.client.instances import is_same
from beanops.client.sync import Client
from beanops.jobs.found import FoundJobs, look_at
from beanops.jobs.identity import REUSED, JobRef
from beanops.jobs.read import FoundJob
from beanops.jobs.refs import HasRef, HasRefs, JobRefs, refs_of
from beanops.jobs.select import select
from beanops.protocol import Job, JobStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.execution.alike import ALIKE, AlikeOrders
from beanops.session.execution.verbs import EDIT, MOVE, Order, Settings, Verb
from beanops.session.lookups import Lookups
from beanops.session.options import GroupedOptions, Options

#: Jobs that a verb accepts: an id, a job, a row, several of these, a frame with a column ``id``, a reservation, a run.
Jobs = SupportsIndex | Job | JobStats | FoundJob | JobRef | HasRef | HasRefs | Iterable[Any]

#: Sort order of all that changes or exports jobs; lists are newest first.
ORDER = "oldest"
#: Jobs that are looked up, recorded and executed together.
BATCH = 1000
#: A move reserves the ready jobs of a batch: the more a connection has reserved, the slower the server is. An edit does
#: so too, but there larger batches save more than that costs.
_HELD_BATCH = 200
#: Maximum bytes of bodies in a batch.
MOST_BYTES = 4 * 2**20


class NotAllFound(BeanopsError):
    """A search ended before it had found every matching job."""

    def __init__(self, verdict: str) -> None:
        super().__init__(f"not all jobs could be found; {verdict}")


def batch_size(rate: float | None, verb: Verb | None = None) -> int:
    """Return the number of jobs of a batch, small enough to keep a rate within each second."""
    most = _HELD_BATCH if verb is MOVE else BATCH
    return most if rate is None else max(1, min(most, int(rate / 4)))


def in_batches(orders: Iterable[Order], rate: float | None) -> Iterator[list[Order]]:
    """Cut orders into batches, limited by the rate, by bytes of bodies, and by reservations.

    After an error it yields the orders before it, then raises.
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


def _batches(parts: Iterable[Iterable[Order]], rate: float | None) -> Iterator[Sequence[Order]]:
    """Cut orders that come in parts into batches; a part in columns is one, unless its bodies are large."""
    for part in parts:
        if isinstance(part, AlikeOrders) and part.jobs.size < MOST_BYTES:
            yield part
        else:
            yield from in_batches(part, rate)


def request_of(jobs: Any, settings: Settings, options: GroupedOptions, there: Client | None) -> dict[str, Any]:
    """Return what a verb was called with as plain data for the journal, from which `resume` repeats it."""
    request: dict[str, Any] = {"jobs": jobs} if isinstance(jobs, str) else refs_of(jobs).plain()
    state, limit = options.get("state"), options.get("limit")
    if state is not None:
        request["state"] = state if isinstance(state, str) else list(state)
    if limit is not None:
        request["limit"] = int(limit)
    kept = ("where", "order", "rate", "buried_as")
    request |= {name: value for name in kept if (value := options.get(name)) is not None}
    if groups := options.get("groups"):
        request["groups"] = groups  # for people: `where` has their jobs
    request["settings"] = settings._asdict()
    if there is not None:
        request |= {"server": str(there.address), "server_instance": there.instance}
    return request


class Lookup(NamedTuple):
    """Orders in batches, looked up on demand; `cancel` ends the search."""

    batches: Iterator[Sequence[Order]]
    cancel: Callable[[], None]


def orders_of(look: Lookups, verb: Verb, jobs: Any, settings: Settings, options: Options, keep_bodies: bool) -> Lookup:
    """Check the arguments of a verb and return its orders; the lookup begins with the first batch.

    Raises
    ------
    ArgumentError, PredicateError
        An argument is not as described; nothing was sent.
    """
    rate = options.get("rate")
    # The bodies decide what an edit does, so a dry run reads them too.
    acts = not options.get("dry_run")
    bodies = verb is EDIT or (acts and (verb.puts or (verb.destroys and keep_bodies)))
    state, where, limit = options.get("state"), options.get("where"), options.get("limit")
    select(None, state=state, limit=limit, order=options.get("order", ORDER))
    states = frozenset((state.split(",") if isinstance(state, str) else state) or ())
    named = None if isinstance(jobs, str) else refs_of(jobs)

    def order(id: int, job: FoundJob | None, ref: JobRef | None = None, reason: str | None = None) -> Order:
        return Order(verb, id, job, settings, job and (reason or _unlike(job, states)), ref=ref)

    # A batch that may go the fast path is left in columns.
    in_columns = verb in ALIKE and acts

    def looked_up(refs: JobRefs) -> Iterator[Iterable[Order]]:
        """Yield the orders for each batch of jobs."""
        size = batch_size(rate, verb)
        for start in range(0, len(refs), size):
            part, client = refs[start : start + size], look.looking()
            instance = client.instance  # this lookup may reconnect, to another process
            if not (part.bare or part.are_all_of(instance)):
                known = list(part)
                reasons = look.reused(known, client)
                jobs = look_at(client, part.ids, bodies)
                yield [
                    order(ref.id, job, ref, reason or (job and elsewhere(ref, job)))
                    for ref, job, reason in zip(known, jobs, reasons, strict=True)
                ]
                continue
            jobs, tubes = look_at(client, part.ids, bodies), part.facts["tube"]  # only these are left to compare
            if in_columns and isinstance(jobs, FoundJobs) and (part.bare or jobs.are_of(instance, tubes)):
                alike = AlikeOrders(verb, settings, jobs)
                if not states or alike.states <= states:
                    yield alike
                    continue
            if part.bare:
                yield map(order, part.ids, jobs)
                continue
            strange = (
                job is not None and (job.instance != instance or tube not in (None, job.stats.tube))
                for job, tube in zip(jobs, tubes or repeat(None), strict=False)
            )
            yield [
                order(id, job, None, REUSED if reused else None)
                for id, job, reused in zip(part.ids, jobs, strange, strict=True)
            ]

    if named is not None and where is None:
        if limit is not None:
            named = named[: check_number("limit", limit, U32_MAX)]
        return Lookup(_batches(looked_up(named), rate), lambda: None)

    tube, only = (jobs, None) if isinstance(jobs, str) else (None, named)
    # A search would find the jobs that it puts into the same tube, so it ends before the first is put.
    into = settings.target
    feeds_itself = verb.puts and not settings.there and (into is None or select(tube).in_tube(into))
    # With a rate, jobs may change before their turn, so they are looked up again.
    again = feeds_itself or rate is not None
    scan = look.raw_scan(
        tube,
        state=states or sorted(verb.states),
        ids=None if only is None else only.ids,
        where=where,
        limit=limit,
        order=options.get("order", ORDER),
        bodies=bodies and not again,
    )
    places = {} if only is None else _places(only, look.looking().instance)
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
                for job, ref, reason in zip(batch, refs, look.reused(refs), strict=True):
                    yield order(job.id, job, ref, reason or elsewhere(ref, job))

    def searched() -> Iterator[Iterable[Order]]:
        if not again:
            yield found()
        size = None if feeds_itself else batch_size(rate, verb)
        matching = (order.expected for order in found())
        while part := refs_of(islice(matching, size)):
            yield from looked_up(part)
        if cancelled:
            raise BeanopsError("cancelled")
        if not (scan.complete or scan.sure):
            raise NotAllFound(scan.conclusion)

    return Lookup(_batches(searched(), rate), cancel)


def _places(refs: JobRefs, instance: str) -> dict[int, int]:
    """Return the place of the job of each id; that of this server process if several had the id."""
    seen_here = {ref.id: place for place, ref in enumerate(refs) if is_same(ref.instance, instance)}
    return {id: place for place, id in enumerate(refs.ids)} | seen_here


def elsewhere(ref: JobRef, job: FoundJob) -> str | None:
    """Return why a job is another one than expected: it is in another tube. None if it is the same."""
    return REUSED if ref.tube is not None and ref.tube != job.stats.tube else None


def _unlike(job: FoundJob, states: frozenset[str]) -> str | None:
    """Return why a job is skipped that is in none of the given states; None if it is in one."""
    if states and job.stats.state not in states:
        return "a worker has reserved it" if job.stats.state == "reserved" else f"it is {job.stats.state} now"
    return None
