"""The fast path for orders that are all alike: deletes, kicks or buries of jobs, of which none is refused.

Such a batch is in columns from the lookup to the journal, and is sent as one piece. What the server does not answer as
expected goes the usual way, as do all other batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, repeat
from typing import Any, overload

from beanops.client.alike import Alike, Buries, Changes
from beanops.client.sync import Client
from beanops.jobs.found import FoundJobs
from beanops.jobs.identity import digest_of
from beanops.journal.records import Fate, Intent
from beanops.session.execution.verbs import VERBS, Order, Settings, Verb, verb_of

_KICK, _BURY, _DELETE = VERBS["kick"], VERBS["bury"], VERBS["delete"]
#: The verbs of the fast path.
ALIKE = (_KICK, _DELETE, _BURY, verb_of("bury", Settings(0)))


class AlikeOrders(Sequence[Order]):
    """Orders of one verb for jobs that exist, in columns; an `Order` is made of one that is asked for.

    Parameters
    ----------
    verb : Verb
        What to do.
    settings : Settings
        What it sets.
    jobs : FoundJobs
        The jobs.
    """

    def __init__(self, verb: Verb, settings: Settings, jobs: FoundJobs) -> None:
        self.verb = verb
        self.settings = settings
        self.jobs = jobs
        self.states = frozenset(jobs.columns["state"])

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Order]:
        return (Order(self.verb, job.id, job, self.settings) for job in self.jobs)

    @overload
    def __getitem__(self, place: int) -> Order: ...
    @overload
    def __getitem__(self, place: slice) -> list[Order]: ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(self)[place]
        job = self.jobs[place]
        return Order(self.verb, job.id, job, self.settings)

    @property
    def ids(self) -> list[int]:
        """The ids of the jobs."""
        return self.jobs.columns["id"]

    @property
    def priorities(self) -> list[int]:
        """The priority of each job afterwards."""
        own = self.jobs.columns["priority"]
        return own if self.settings.priority is None else [self.settings.priority] * len(own)

    def are_certain(self, instance: str, held: set[int]) -> bool:
        """Whether none needs a look of its own: all may be acted on, and all are of the server process that acts."""
        return (
            self.states <= self.verb.states
            and not (self.verb.name == "bury" and "buried" in self.states)
            and self.jobs.instance == instance
            and held.isdisjoint(self.ids)
        )

    def intents(self, keep_bodies: bool) -> list[Intent]:
        """Return what is recorded before they are executed, as `intent_of` does for each."""
        columns, bodies = self.jobs.columns, self.jobs.bodies
        kept = keep_bodies and self.verb.destroys
        left = (
            (time if state == "delayed" else 0)
            for state, time in zip(columns["state"], columns["time_left"], strict=True)
        )
        created = (seen - age for seen, age in zip(self.jobs.seen, columns["age"], strict=True))
        digests: Iterable[str | None] = repeat(None) if kept or bodies is None else map(digest_of, bodies)
        return list(
            map(
                Intent,
                repeat(self.verb.name), columns["tube"], columns["id"], columns["state"], self.priorities,
                columns["delay"], columns["priority"], left, columns["ttr"], repeat(self.settings.target),
                bodies if kept and bodies is not None else repeat(None), created, digests,
            )
        )  # fmt: skip


def commands_of(orders: Sequence[Order], held: set[int]) -> Alike | None:
    """Return the commands of orders of which none is refused; None where they are not all alike."""
    if isinstance(orders, AlikeOrders):
        ids, priorities, verb = orders.ids, orders.priorities, orders.verb
    else:
        ids, priorities, verb = [], [], orders[0].verb
        for order in orders:
            if order.verb is not verb:
                return None
            ids.append(order.id)
            priorities.append(order.priority)
    if verb not in ALIKE or not held.isdisjoint(ids):
        return None
    return Buries(ids, priorities) if verb.name == "bury" else Changes(verb.name, ids)


def carry_out(orders: Sequence[Order], commands: Alike, client: Client, held: set[int], fates: dict[int, Fate]) -> None:
    """Send commands, and note by place the outcomes of the orders whose replies are not as expected.

    If the connection breaks, `commands` and `fates` have all that is known.
    """
    with closing(client.send_alike(commands)) as answers:
        for first in answers:
            rest = chain((first,), answers)
            for place in range(commands.answered, len(orders)):
                steps = orders[place].verb.steps(orders[place], held)
                results = [next(rest) for _ in next(steps).commands]
                try:
                    steps.send(results)
                except StopIteration as stop:
                    fates[place] = stop.value
