"""The fast path for edits that are all alike: each puts a ready or delayed job into the same tube.

The reserves, the puts and the deletes of a batch are each sent as one piece. From the first other answer than expected,
the talks of the orders go on with the answers so far, in the usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from itertools import chain, repeat
from typing import Any

from beanops.client.alike import Alike, Changes
from beanops.client.alike_puts import Puts, Reserves, ToPut
from beanops.client.sync import Client
from beanops.journal.records import Fate
from beanops.session.execution.connection_use import using
from beanops.session.execution.conversation import Ask, Steps
from beanops.session.execution.putting import NewJob, not_yet_ready, wait_of
from beanops.session.execution.verbs import EDIT, Order, not_yet_deleted


class AlikeEdits:
    """A batch of edits that are all alike; `edits_of` makes one.

    Parameters
    ----------
    orders : sequence of Order
        The edits.
    jobs : sequence of NewJob
        The job that each puts.

    Attributes
    ----------
    done : bool
        Whether all of it was done; the new ids are on record.
    """

    def __init__(self, orders: Sequence[Order], jobs: Sequence[NewJob]) -> None:
        self._orders = orders
        self._jobs = jobs
        # The answers of each step by the place of the order, as far as they came.
        self._steps: list[dict[int, Any]] = []
        self.done = False

    def carry_out(self, client: Client, record: Callable[[Iterable[tuple[int, Fate]]], None]) -> None:
        """Send the commands, up to the step whose answers are not all as expected.

        Parameters
        ----------
        client : Client
            The acting connection.
        record : callable
            Records outcomes by the places of the orders, before commands that depend on them are sent.
        """
        orders, jobs = self._orders, self._jobs
        ready = [n for n, order in enumerate(orders) if order.stats.state == "ready"]
        if ready:
            bodies = [job.body or b"" for n in ready if (job := orders[n].job) is not None]
            reserves = Reserves([orders[n].id for n in ready], bodies)
            if not self._sent(client, reserves, ready, repeat(None)):
                return
        waits = ((job, wait_of(job.delay, job.left) if job.state == "delayed" else job.delay) for job in jobs)
        puts = Puts([ToPut(job.body, job.priority, wait, job.ttr) for job, wait in waits])
        places = range(len(orders))
        with using(client, jobs[0].tube):
            if not self._sent(client, puts, places, puts.ids):
                return
        # A ready job keeps the delay that it once had.
        kicked = [n for n, job in enumerate(jobs) if job.state == "ready" and job.delay]
        if kicked:
            record((n, not_yet_ready(puts.ids[n])) for n in kicked)
            if not self._sent(client, Changes("kick", [puts.ids[n] for n in kicked]), kicked, repeat(None)):
                return
        record((n, not_yet_deleted(new)) for n, new in enumerate(puts.ids))
        deletes = Changes("delete", [order.id for order in orders])
        self.done = self._sent(client, deletes, places, repeat(None))

    def _sent(self, client: Client, alike: Alike, places: Sequence[int], expected: Iterable[Any]) -> bool:
        """Send one step, note the answers, and return whether all were as expected."""
        others: list[Any] = []
        try:
            with closing(client.send_alike(alike)) as answers:
                others.extend(answers)
        finally:
            known = chain((answer for answer, _ in zip(expected, range(alike.answered), strict=False)), others)
            self._steps.append(dict(zip(places, known, strict=False)))
        return not others

    def go_on(self, held: set[int], talks: dict[int, Steps], asks: dict[int, Ask], fates: list[Fate | None]) -> None:
        """Bring talks to where the answers so far have led; `stage` describes the arguments."""
        for n, order in enumerate(self._orders):
            talk = order.verb.steps(order, held)
            try:
                ask = next(talk)
                for answers in self._steps:
                    if n in answers:
                        ask = talk.send([answers[n]])
            except StopIteration as stop:
                fates[n] = stop.value
            else:
                talks[n], asks[n] = talk, ask


def edits_of(orders: Sequence[Order], held: set[int]) -> AlikeEdits | None:
    """Return edits of which none is refused as one batch; None where they are not all alike."""
    first = orders[0].instead if orders else None
    if first is None:
        return None
    tube, jobs = first.tube, []
    for order in orders:
        new = order.instead
        if order.verb is not EDIT or new is None or new.tube != tube or order.id in held:
            return None
        if new.state not in ("ready", "delayed"):
            return None
        jobs.append(new)
    return AlikeEdits(orders, jobs)
