"""Adapt orders to a server that cannot reserve a job by its id, as all up to 1.11.

`fit` adapts each batch before it is recorded, also in a dry run: it replaces commands that the server lacks, and
refuses orders without a replacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from beanops.jobs.read import FoundJob, present, read_jobs
from beanops.protocol import commands
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.alike import AlikeOrders
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import COPY, IMPORT, KEEP, RESTORE, VERBS, Order, Verb, move, put_copy
from beanops.session.lookups import Lookups
from beanops.session.old_servers.bury import bury_alone, watchers
from beanops.session.old_servers.capabilities import Capabilities
from beanops.session.old_servers.claims import PUT_ALONE, claim

_KICK, _RELEASE = VERBS["kick"], VERBS["release"]
#: Verbs that reserve jobs by id if this session does not hold them.
_RESERVING = ("bury", "release", "move", "edit")
#: Verbs whose undo has to bury a job that was buried.
_BURIED_AGAIN = ("delete", "kick", "release", "move", "edit")
_NEW_IDS = "on this server a release changes the ids of jobs"
_PUTTING = partial(put_copy, put=PUT_ALONE)
_MOVING = partial(move, put=PUT_ALONE)
#: The new job is buried, so that no worker runs it: there the delete claims the old one, which may be ready.
_BURYING = partial(move, put=PUT_ALONE, reserve=False)


def as_chosen(orders: Iterable[Order], chosen: str) -> list[Order]:
    """Return orders that put or bury buried jobs, changed to put them ``"parked"`` or ``"ready"``."""
    return [_as_chosen(order, chosen) for order in orders]


def _as_chosen(order: Order, chosen: str) -> Order:
    if order.refusal is not None or order.job is None:
        return order
    if order.verb.puts and order.put_as == "buried":
        return order._replace(settings=order.settings._replace(buried_as=chosen))
    if order.verb.name != "bury":
        return order
    # An undo that buries again what was kicked or released.
    settings = order.settings._replace(delay=U32_MAX if chosen == "parked" else 0)
    ready = chosen == "ready" and order.stats.state == "ready" and order.priority == order.stats.priority
    return order._replace(verb=_RELEASE, settings=settings, refusal="it is ready already" if ready else None)


def fit(
    lookups: Lookups, run: Run, orders: Sequence[Order], held: set[int], keep_bodies: bool, undoable: bool = True
) -> Sequence[Order]:
    """Return orders that the server can execute.

    Parameters
    ----------
    lookups : Lookups
        Lookups on the server where jobs are put and reserved.
    run : Run
        The run; it gets a caution on what cannot be undone.
    orders : sequence of Order
        A batch.
    held : set of int
        Jobs that the session has reserved.
    keep_bodies : bool
        Whether the journal keeps bodies.
    undoable : bool
        Whether the run can be undone and is no undo itself.
    """
    if run.capable or not orders:
        return orders
    if _are_plain(orders) and (run.buries_again or not _any_buried(orders)):
        return orders
    going = [order for order in orders if order.refusal is None and order.job is not None]
    again = (order.verb.name in _BURIED_AGAIN and order.stats.state == "buried" for order in going)
    buries_again = undoable and any(again)
    if not (buries_again or any(_needs(order, held) for order in going)):
        return orders
    can = lookups.capabilities
    if can.reserve_job:
        run.capable = True
        return orders
    fitted = _Fitting(lookups, can, held, keep_bodies, run.dry).all(orders)
    put_again = any(order.verb.name == "release" and order.verb.puts and order.refusal is None for order in fitted)
    cautions = ([_NEW_IDS] if put_again else []) + ([caution(can)] if buries_again else [])
    run.buries_again |= buries_again
    run.caution = "; ".join(cautions) or run.caution
    return fitted


def _are_plain(orders: Sequence[Order]) -> bool:
    """Whether all delete, or all kick."""
    verbs = [orders.verb] if isinstance(orders, AlikeOrders) else [order.verb for order in orders]
    return verbs[0].name in ("delete", "kick") and all(verb is verbs[0] for verb in verbs)


def _any_buried(orders: Sequence[Order]) -> bool:
    if isinstance(orders, AlikeOrders):
        return "buried" in orders.states
    return any(order.job and order.job.stats.state == "buried" for order in orders)


def caution(can: Capabilities) -> str:
    """Return a caution before a buried job is deleted, kicked or moved; empty if none is needed."""
    if can.reserve_job:
        return ""
    return (
        "undo and import bury a job only in a tube that no worker watches, "
        f"in other tubes pass --as parked or --as ready ({can.needs})"
    )


def remark(verb: str, buried: int, can: Capabilities | None) -> str:
    """Return the note on a server for the confirmation of an action, one line; empty if none is needed.

    Parameters
    ----------
    verb : str
        Name of the action.
    buried : int
        Number of buried jobs.
    can : Capabilities or None
        Capabilities of the server, None if unknown.
    """
    if can is None or can.reserve_job:
        return ""
    if verb == "bury" or (buried and verb == "copy"):
        return f"a job is buried only in a tube that no worker watches ({can.needs})"
    remarks = [_NEW_IDS] if verb == "release" else []
    if buried and verb in _BURIED_AGAIN:
        remarks.append(caution(can))
    return "; ".join(remarks)


def _needs(order: Order, held: set[int]) -> bool:
    state = order.stats.state
    if state == "reserved" and order.id in held:
        return False
    return order.verb.name in _RESERVING or (order.verb.puts and order.put_as == "buried")


class _Fitting:
    def __init__(self, lookups: Lookups, can: Capabilities, held: set[int], keep_bodies: bool, dry: bool) -> None:
        self._lookups, self._can, self._held, self._dry = lookups, can, held, dry
        self._claim = partial(claim, on_record=keep_bodies)
        self._watched: dict[str, bool] = {}

    def all(self, orders: Sequence[Order]) -> list[Order]:
        tubes = {_buried_in(order) for order in orders if order.job is not None} - {None}
        self._look(sorted(tube for tube in tubes if tube is not None))
        fitted = [order if order.job is None or order.refusal else self._one(order) for order in orders]
        return fitted if self._dry else self._with_bodies(fitted)

    def _look(self, tubes: list[str]) -> None:
        """Find out which tubes workers watch; a tube that does not exist has none."""
        looking = self._lookups.looking()
        workers = self._lookups.server().current_workers if "default" in tubes else 0
        found = map(present, list(looking.pipeline(map(commands.stats_tube, tubes))))
        self._watched = {stats.name: watchers(stats, workers) > 0 for stats in found if stats is not None}

    def _one(self, order: Order) -> Order:
        verb, state = order.verb, order.stats.state
        if state not in verb.states:
            return order
        tube = _buried_in(order)
        if tube is not None and self._watched.get(tube):
            return order._replace(refusal=self._why(order, tube))
        if verb.name == "bury":
            return _by(order, verb._replace(steps=bury_alone))
        if verb.name == "release":
            return self._release(order)
        if verb.name in ("move", "edit") and state == "delayed" and not self._can.delete_delayed:
            return order._replace(refusal=f"this server ({self._can.version}) deletes no delayed jobs: kick it first")
        if verb.name in ("move", "edit") and state == "ready":
            if order.put_as == "buried" and not order.settings.buried_as:
                return _by(order, verb._replace(steps=_BURYING))
            return self._claimed(order)
        if verb.name in (COPY.name, RESTORE.name, IMPORT.name):
            return _by(order, verb._replace(steps=_PUTTING))
        return _by(order, verb._replace(steps=_MOVING)) if verb.steps is move else order

    def _release(self, order: Order) -> Order:
        if order.priority != order.stats.priority or order.settings.delay:
            return self._claimed(order, puts=True)
        if order.stats.state == "ready":
            return order._replace(refusal="it is ready already, with that priority")
        return order._replace(verb=_KICK, settings=KEEP)

    def _claimed(self, order: Order, *, puts: bool | None = None) -> Order:
        """Have the job's delete claim it; not where its delayed copy could not be deleted, and would be done too."""
        if not self._can.delete_delayed:
            why = f"this server ({self._can.version}) cannot delete the delayed copy that keeps the job meanwhile"
            instead = "" if order.verb.name == "release" else ": copy it, then delete it"
            return order._replace(refusal=why + instead)
        verb = order.verb
        return _by(order, verb._replace(steps=self._claim, destroys=True, puts=verb.puts if puts is None else puts))

    def _why(self, order: Order, tube: str) -> str:
        instead = "; or pass --as parked or --as ready" if order.verb.puts else ""
        return f"workers watch tube {tube} and could run it before it is buried ({self._can.needs}){instead}"

    def _with_bodies(self, orders: list[Order]) -> list[Order]:
        """Read the bodies of jobs that only this server needs to put again."""
        ids = [order.id for order in orders if _lacks_body(order)]
        if not ids:
            return orders
        read = read_jobs(self._lookups.looking(), ids)
        return [
            order._replace(job=_with_body(order.job, next(read))) if order.job and _lacks_body(order) else order
            for order in orders
        ]


def _lacks_body(order: Order) -> bool:
    job = order.job
    return job is not None and order.refusal is None and order.verb.puts and job.body is None


def _with_body(job: FoundJob, read: FoundJob | None) -> FoundJob | None:
    # A body that was read on another server process may be another job's.
    return job._replace(body=read.body) if read is not None and read.instance == job.instance else None


def _by(order: Order, verb: Verb) -> Order:
    return order._replace(verb=verb)


def _buried_in(order: Order) -> str | None:
    """Return the tube in which an order has a job buried."""
    if order.verb.puts:
        return order.put_into if order.put_as == "buried" and not order.settings.buried_as else None
    return order.stats.tube if order.verb.name == "bury" else None
