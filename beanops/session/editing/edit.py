"""`Edit`: what becomes of each job that is edited: its new body, priority, TTR, delay, state and tube."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from beanops.jobs.bodies.edits import EditRefused
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.editing.changing import BodyEdit, Changes, by_paths
from beanops.session.editing.schema import Schema
from beanops.session.execution.putting import NewJob
from beanops.session.execution.run import UNCHANGED, Run
from beanops.session.execution.verbs import KEEP, VERBS, Order


class Edit:
    """An edit of any number of jobs; makes orders that put changed jobs.

    Parameters
    ----------
    plain : dict
        As `plain_edit` returns it; the journal has it, and `resume` reads it.
    function : callable or None
        Returns the changed body, instead of ``set`` and ``unset``.

    Attributes
    ----------
    unchanged : int
        Number of jobs so far that needed no change.

    Raises
    ------
    UsageError
        There is nothing to change, or a path is none.
    """

    def __init__(self, plain: dict[str, Any], function: BodyEdit | None = None) -> None:
        self.plain = plain
        self.unchanged = 0
        self._ttr: int | None = plain.get("ttr")
        self._delay: int | None = plain.get("delay")
        self._kick = bool(plain.get("kick"))
        self._schema = None if plain.get("schema") is None else Schema(plain["schema"])
        self._body: BodyEdit = bytes
        if function is not None:
            self._body = function
        elif "set" in plain or "unset" in plain:
            self._body = by_paths(plain.get("set", {}), plain.get("unset", ()))

    def applied(self, batches: Iterable[Sequence[Order]], held: Collection[int], most: int) -> Iterator[list[Order]]:
        """Yield orders that put changed jobs, without those for jobs that need no change.

        Parameters
        ----------
        batches : iterable of sequence of Order
            Orders with the jobs and their bodies.
        held : collection of int
            Jobs that the session has reserved.
        most : int
            Maximum bytes of a body.
        """
        for batch in batches:
            edited = [new for order in batch if (new := self._applied(order, held, most)) is not None]
            if edited:
                yield edited

    def tell(self, run: Run) -> None:
        """Count the jobs that needed no change."""
        if self.unchanged:
            run.count(UNCHANGED, jobs=self.unchanged)

    def _applied(self, order: Order, held: Collection[int], most: int) -> Order | None:
        job = order.job
        if order.refusal is not None or job is None or order.verb.refuses(job.stats.state, order.id in held):
            return _without_body(order, order.refusal)
        if job.body is None:
            return _without_body(order, "its body is not known")
        try:
            body = self._body(job.body)
        except EditRefused as refused:
            return _without_body(order, refused.reason)
        new = self._new_job(order, job.stats, body)
        only_kick = False
        if (
            body == job.body
            and _settings(new) == _settings_of(job.stats)
            and not (self._delay and new.state != "buried")
        ):
            if new.state == ("ready" if job.stats.state == "reserved" else job.stats.state):
                self.unchanged += 1
                return None
            only_kick = True
        if len(body) > most:
            return _without_body(order, f"its new body has {len(body):,} bytes, and the server takes {most:,}")
        problem = None if self._schema is None else self._schema.problem(body)
        if problem is not None:
            return _without_body(order, problem)
        if only_kick:
            return order._replace(verb=VERBS["kick"], settings=KEEP)  # the job keeps its id
        return Order(order.verb, order.id, job, order.settings, ref=order.ref, instead=new)

    def _new_job(self, order: Order, stats: JobStats, body: bytes) -> NewJob:
        state = "ready" if stats.state == "reserved" else stats.state
        delay, left = stats.delay, max(stats.time_left, 0) if state == "delayed" else 0
        if self._delay is not None:
            delay = left = self._delay
            if self._kick or state != "buried":
                state = "delayed" if delay else "ready"
        elif self._kick:
            state = "ready"
        priority, target = order.settings.priority, order.settings.target
        return NewJob(
            body,
            stats.tube if target is None else target,
            stats.priority if priority is None else priority,
            stats.ttr if self._ttr is None else self._ttr,
            delay,
            left,
            state=state,
        )


def _settings(new: NewJob) -> tuple[object, ...]:
    return new.tube, new.priority, new.ttr, new.delay


def _settings_of(stats: JobStats) -> tuple[object, ...]:
    return stats.tube, stats.priority, stats.ttr, stats.delay


def _without_body(order: Order, refusal: str | None) -> Order:
    """Return an order that is skipped; the journal needs no body of it."""
    return order._replace(job=order.job and order.job._replace(body=None), refusal=refusal)


def plain_edit(
    changes: Changes | None, unset: Iterable[str], ttr: int | None, delay: int | None, kick: bool, schema: Any
) -> dict[str, Any]:
    """Return an edit as plain data for the journal, of a function its name.

    Raises
    ------
    ArgumentError
        The changes are neither values by paths nor a function, or there are paths besides a function.
    """
    paths = [unset] if isinstance(unset, str) else list(unset)
    plain: dict[str, Any] = {"ttr": ttr, "delay": delay, "kick": kick or None}
    if schema is not None:
        plain["schema"] = Schema.of(schema).plain
    if callable(changes):
        if paths:
            raise UsageError("unset goes with values by paths, not with a function")
        plain["function"] = str(getattr(changes, "__qualname__", type(changes).__name__))
    elif changes is not None and not hasattr(changes, "items"):
        raise ArgumentError("changes", changes, "a dict of values by their paths, or a function")
    elif changes or paths:
        plain |= {"set": dict(changes or {}), "unset": paths}
    return {name: value for name, value in plain.items() if value is not None}
