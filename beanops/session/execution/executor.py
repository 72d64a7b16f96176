"""`Executor`: everything that changes a queue is checked, recorded, sent and settled here.

Jobs that an operator reserves are in `reservation`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from beanops.client.alike import Alike
from beanops.client.instances import is_same
from beanops.client.reading import IDLE
from beanops.client.sync import Client
from beanops.jobs.cluster import explore
from beanops.jobs.identity import Shown, differences, ref_of
from beanops.journal.heartbeat import Lease, lease_from
from beanops.journal.records import AlreadyClaimed, Fate, Intent, Refused, RunRow, action_of, named_in, new_run_id
from beanops.protocol.errors import BeanopsError, NotFound, ReplyError
from beanops.session.context import Context, Umbrella
from beanops.session.execution.alike import AlikeOrders, carry_out, commands_of
from beanops.session.execution.alike_edits import edits_of
from beanops.session.execution.connection_use import ahead, restarted, revived, stage, using
from beanops.session.execution.conversation import Ask, Steps
from beanops.session.execution.ending import ending_gently
from beanops.session.execution.ledger import Ledger
from beanops.session.execution.pause_guard import PauseGuard, exposed
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import EDIT, MIGRATE, MOVE, Order, TubeStep, intent_of, keeps_what_undo_needs
from beanops.session.lookups import Lookups
from beanops.session.old_servers.bury import Alone
from beanops.session.old_servers.substitutes import as_chosen, fit
from beanops.session.options import AT_ONCE, How

#: Orders that are recorded and sent together.
Batches = Iterable[Sequence[Order]]
#: The batches of each wave of a run.
Waves = Generator[Batches, None, None]
#: Verbs that reserve jobs before they put others.
_RESERVES = (MOVE.name, EDIT.name, MIGRATE.name)
#: Maximum seconds between two requests while a run waits, so that idle connections stay open.
_QUIET = 15.0


def _known(asks: dict[int, Ask]) -> dict[int, Fate]:
    return {n: ask.so_far for n, ask in asks.items() if ask.so_far is not None}


def _refuse_strangers(orders: Sequence[Order], refusals: list[Fate | None], client: Client, shown: Shown) -> None:
    """Refuse jobs that were seen on another server process and are not the same jobs on this one."""
    instance = client.instance
    seen = {order.job.instance for order in orders if order.job is not None}
    seen |= {order.ref.instance or "" for order in orders if order.ref is not None}
    if seen <= {instance, ""}:  # the usual case; to check each order would cost 2 % of a run
        return
    elsewhere = [
        n
        for n, (order, refusal) in enumerate(zip(orders, refusals, strict=True))
        if refusal is None and not _is_of(order, instance)
    ]
    found = differences(client, [orders[n].expected for n in elsewhere], shown)
    for n, reason in zip(elsewhere, found, strict=True):
        if reason is not None:
            refusals[n] = Fate("skipped", reason)


def _is_of(order: Order, instance: str) -> bool:
    """Whether all that is known of an order's job is from this server process, or it is on no server."""
    if order.job is None or not order.job.instance:
        return True
    # A lookup can reconnect, so what was seen before it may be of an earlier process.
    return is_same(order.job.instance, instance) and (
        order.ref is None or order.ref.instance is None or is_same(order.ref.instance, instance)
    )


def _about(action: Intent | Order) -> str:
    if isinstance(action, Intent):
        return f"tube {action.tube}"
    job = f"job {action.id}" if action.id else "a job"  # it was put, but its id did not arrive
    if action.line is None:
        return job
    return f"{'line' if action.verb.name == 'import' else 'body'} {action.line}"


class Executor:
    """Acts on one server and records what it does.

    Parameters
    ----------
    context : Context
        The connections and the journal.
    lookups : Lookups
        Lookups on the same server.
    source : str
        The face that acts, for the journal.
    under : Umbrella or None
        The call on several servers that its first run is part of.
    """

    def __init__(self, context: Context, lookups: Lookups, source: str, under: Umbrella | None = None) -> None:
        self.context = context
        self.lookups = lookups
        self.source = source
        self._under = under

    def begin(
        self, action: str, request: dict[str, Any], how: How = AT_ONCE, lease: Callable[[datetime], Lease] = lease_from
    ) -> Run:
        """Begin a run in the journal, or refuse it; `lease` makes its lease."""
        if self.context.read_only and not how.dry:
            raise Refused(f"{action} was refused: this session on {self.context.address} is read-only")
        if not how.dry:
            self.context.check_allowed(action)
        fleet = None if self._under is None else self._under.enter()
        now = self.context.now()
        id = new_run_id(now)
        if how.dry:
            run = Run(id, action, list, dry=True)
        else:
            journal = self.context.journal()
            self.context.check_process()
            acting = self.context.acting()
            facts = (str(self.context.address), acting.instance, self.context.actor, self.source)
            row = RunRow(id, now, *facts, action, how.reason, how.undoes, request, fleet)
            journal.begin(row, lease(now))
            resumable = row.at_its_end is None
            row = row.without_ids  # frees perhaps a hundred thousand
            self.context.runs.append(row)
            run = Run(id, action, lambda: [action_of(row, entry) for entry in journal.entries(id)])
            run.pages = lambda: journal.pages(row)
            run.resumable, run.instance = resumable, acting.instance
            run.about = {name: request[name] for name in ("tube", "server", "groups", "bodies") if name in request}
        run.named = named_in(request)
        if self._under is not None:
            self._under.began(run)
        if how.progress is not None:
            how.progress(run)
        return run

    # -- jobs ----------------------------------------------------------------------------------------------------

    def act_on_jobs(
        self,
        run: Run,
        batches: Iterable[Sequence[Order]],
        how: How = AT_ONCE,
        guard: PauseGuard | None = None,
        there: Client | None = None,
        unless: Callable[[], str | None] = lambda: None,
        ledger: Ledger | None = None,
    ) -> Run:
        """Execute orders. It skips jobs that no longer exist or are reserved; a lost connection ends the run.

        Parameters
        ----------
        run : Run
            From `begin`.
        batches : iterable of sequence of Order
            Each batch is recorded before it is sent, while a thread looks up the next.
        how : How
            Rate, progress, dry run.
        guard : PauseGuard or None
            Pauses the tubes whose buried jobs are reserved.
        there : Client or None
            A separate connection to the destination server of a copy.
        unless : callable
            Called when a batch is recorded: returns why it must not be sent, which ends the run, or None.
        ledger : Ledger or None
            Records what the run does; None is the one of `ledger`.

        Raises
        ------
        Interrupted, Terminated
            Ctrl-C, SIGTERM or SIGHUP; the current batch was finished, and the journal has all of it.
        """
        ledger = self.ledger(run) if ledger is None else ledger
        with ending_gently(run), self._stopping(run):
            try:
                with ledger.underway():
                    # One connection for all jobs: a new one may reach a restarted server, whose ids name other jobs.
                    clients = {} if how.dry else {False: (acting := self._acting_for(run)), True: there or acting}
                    self._in_batches(run, batches, how, guard, clients, unless, ledger)
            finally:
                if guard is not None:
                    guard.lift(run)
        return run

    def act_in_waves(
        self,
        run: Run,
        waves: Callable[[Ledger], Waves],
        how: How = AT_ONCE,
        guard: PauseGuard | None = None,
        there: Client | None = None,
    ) -> Run:
        """Execute waves of orders as one run, which stays under way between them.

        Parameters
        ----------
        run : Run
            From `begin`; not a dry run.
        waves : callable
            Yields the batches of each wave, given the ledger of the run. It is resumed once the outcomes of the wave
            are on record.
        how : How
            Rate and progress.
        guard, there
            As in `act_on_jobs`.

        Raises
        ------
        Interrupted, Terminated
            As `act_on_jobs`.
        """
        ledger = self.ledger(run)
        with ending_gently(run), self._stopping(run):
            try:
                with ledger.underway(), closing(waves(ledger)) as coming:
                    acting = self._acting_for(run)
                    clients = {False: acting, True: there or acting}
                    for batches in coming:
                        self._in_batches(run, batches, how, guard, clients, lambda: None, ledger)
                        ledger.flush()
            finally:
                if guard is not None:
                    guard.lift(run)
        return run

    def _acting_for(self, run: Run) -> Client:
        """Return the acting connection; refuse if it is to another server process than that of the run."""
        acting = self.context.acting()
        if not is_same(acting.instance, run.instance):
            explore(acting)  # another process began the run, maybe through another process of a cluster
        if not is_same(acting.instance, run.instance):
            raise Refused(restarted(acting.address))
        return acting

    def ledger(self, run: Run) -> Ledger:
        """Return the ledger that records what a run does."""
        return Ledger(run, self.context.journal, self.context.now)

    def _in_batches(
        self,
        run: Run,
        batches: Iterable[Sequence[Order]],
        how: How,
        guard: PauseGuard | None,
        clients: Mapping[bool, Client],
        unless: Callable[[], str | None],
        ledger: Ledger,
    ) -> None:
        place = ledger.size
        with ahead(run, batches) as looked_up:
            for orders in looked_up:
                if run.cancelled:
                    run.stopped = "cancelled"
                    return
                started = time.monotonic()
                if how.buried_as is not None:
                    orders = as_chosen(orders, how.buried_as)
                if guard is not None:
                    orders = fit(
                        guard.lookups, run, orders, self.context.held, self.context.keep_bodies, how.undoes is None
                    )
                if how.dry:
                    self._preview(run, orders, [self._refusal(order) for order in orders])
                else:
                    clients = self._awake(clients)
                    refusals, intents = self._checked(run, orders, clients[False], guard)
                    kept = run.bodies if place else self.context.keep_bodies
                    run.bodies = kept or any(map(keeps_what_undo_needs, intents))
                    self._claim_and_send(run, orders, refusals, intents, place, ledger, clients, unless)
                    place += len(orders)
                if how.progress is not None:
                    how.progress(run)
                if how.rate is not None:
                    self._wait(run, len(orders) / how.rate - (time.monotonic() - started), clients)

    def _claim_and_send(
        self,
        run: Run,
        orders: Sequence[Order],
        refusals: Sequence[Fate | None],
        intents: Sequence[Intent],
        place: int,
        ledger: Ledger,
        clients: Mapping[bool, Client],
        unless: Callable[[], str | None],
    ) -> None:
        """Record a batch and send it, without what another execution of the same task has recorded."""
        try:
            ledger.intend(intents, place)
        except AlreadyClaimed:
            for start, stop in ledger.unclaimed(place, len(orders)):
                part = orders[start:stop], refusals[start:stop], intents[start:stop]
                self._claim_and_send(run, *part, place + start, ledger, clients, unless)
            return
        try:
            problem = unless()
        except BeanopsError as error:
            problem = str(error)
        if problem is not None:
            refusals = [Fate("skipped", problem) for _ in orders]
        with self.context.turn:
            self._carry_out(run, orders, refusals, place, ledger, clients)
        if problem is not None:
            raise BeanopsError(problem)

    def _checked(
        self, run: Run, orders: Sequence[Order], acting: Client, guard: PauseGuard | None
    ) -> tuple[list[Fate | None], list[Intent]]:
        """Return why orders are refused, None for those that are not, and what to record of each; pause tubes."""
        keep_bodies = self.context.keep_bodies
        if isinstance(orders, AlikeOrders) and orders.are_certain(acting.instance, self.context.held):
            return [None] * len(orders), orders.intents(keep_bodies)
        refusals = [self._refusal(order) for order in orders]
        # On the acting connection: a lookup may have reached another process.
        _refuse_strangers(orders, refusals, acting, self.context.shown)
        if guard is not None:
            guard.cover(run, (order for order, refusal in zip(orders, refusals, strict=True) if refusal is None))
        return refusals, [intent_of(order, keep_bodies) for order in orders]

    def _awake(self, clients: Mapping[bool, Client]) -> Mapping[bool, Client]:
        """Return the connections of a run, reconnected where one was lost while idle; refuse a restarted server."""
        acting, there = clients[False], clients[True]
        if acting.idle >= IDLE:
            before, acting = acting.instance, self.context.acting()
            if not is_same(acting.instance, before):  # a lookup may know it already, and a new run would accept it
                raise Refused(restarted(acting.address))
        return {False: acting, True: acting if there is clients[False] else revived(there)}

    def _wait(self, run: Run, seconds: float, clients: Mapping[bool, Client]) -> None:
        """Wait until the next batch is due, with a request now and then: firewalls cut idle connections."""
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0 and not run.cancelled:
            run.wait(min(left, _QUIET))
            if left > _QUIET:
                self._awake(clients)

    def _refusal(self, order: Order) -> Fate | None:
        if order.refusal is not None:
            return Fate("skipped", order.refusal)
        if order.job is None:
            return Fate("skipped", "it does not exist")
        if order.verb.name in self.context.denied:  # as a part of another action, such as an undo
            return Fate("skipped", f"your role does not allow {order.verb.name}")
        state = order.job.stats.state
        if order.id in self.context.held and state != "reserved":
            self.context.held.discard(order.id)  # its ttr ended
        refusal = order.verb.refuses(state, order.id in self.context.held)
        return Fate("skipped", refusal) if refusal else None

    def _preview(self, run: Run, orders: Sequence[Order], refusals: Sequence[Fate | None]) -> None:
        """Count what a dry run would do, and note the first jobs and the number of commands."""
        for order, refusal in zip(orders, refusals, strict=True):
            fate = refusal or Fate("done")
            run.count(fate.outcome, fate.error, fate.jobs, _about(order))
            if refusal is None:
                # A job of the journal or of a file is not on the server, so the body is shown from here.
                body = order.job.body if order.job is not None and order.verb.puts else None
                body = None if body is None else self.context.shown(body)
                new = None if order.instead is None else self.context.shown(order.instead.body)
                intent, job = intent_of(order, False)._replace(body=body, new_body=new), order.job
                ref = None if job is None or intent.job_id is None else ref_of(job._replace(body=None))
                run.preview(intent, order.verb.commands, exposed(order), ref)

    def _carry_out(
        self,
        run: Run,
        orders: Sequence[Order],
        refusals: Sequence[Fate | None],
        place: int,
        ledger: Ledger,
        clients: Mapping[bool, Client],
    ) -> None:
        """Run the steps of all orders in parallel; settle the outcome of each, in order."""
        alike = None if any(refusals) else commands_of(orders, self.context.held)
        if alike is not None:
            self._carry_out_alike(orders, alike, place, ledger, clients[False])
            return
        fates = list(refusals)
        talks: dict[int, Steps] = {}
        asks: dict[int, Ask] = {}
        so_far: dict[int, Fate] = {}

        def record(known: Iterable[tuple[int, Fate]]) -> None:
            self.context.journal().write(run.id, self.context.now(), fates=[(place + n, fate) for n, fate in known])

        edits = None if any(refusals) else edits_of(orders, self.context.held)
        for n, order in enumerate(orders if edits is None else ()):
            if fates[n] is None:
                talks[n] = order.verb.steps(order, self.context.held)
                try:
                    asks[n] = next(talks[n])
                except StopIteration as stop:
                    fates[n] = stop.value
        why = "it was interrupted"
        alone = Alone(dict(clients))
        try:
            if edits is not None:
                try:
                    edits.carry_out(clients[False], record)
                finally:
                    if not edits.done:
                        edits.go_on(self.context.held, talks, asks, fates)
            while asks:
                known = _known(asks)
                if known:
                    so_far |= known
                    record(known.items())
                stage(asks, talks, fates, clients, alone)
        except BaseException as error:
            if isinstance(error, BeanopsError):
                why = str(error)
            if any(orders[n].verb.name in _RESERVES for n in asks):
                clients[False].close()  # or jobs reserved for these would stay so until their ttr ends
            raise
        finally:
            alone.close()
            so_far |= _known(asks)
            if edits is not None and edits.done:
                ledger.settle_done(place, len(orders))
            else:
                for n, (order, fate) in enumerate(zip(orders, fates, strict=True)):
                    ledger.settle(place + n, fate or so_far.get(n, Fate("unknown", why)), _about(order))

    def _carry_out_alike(
        self, orders: Sequence[Order], commands: Alike, place: int, ledger: Ledger, client: Client
    ) -> None:
        """Send orders that are all alike; settle the outcome of each, in order."""
        others: dict[int, Fate] = {}
        why = "it was interrupted"
        try:
            carry_out(orders, commands, client, self.context.held, others)
        except BeanopsError as error:
            why = str(error)
            raise
        finally:
            ledger.settle_done(place, commands.answered)
            for n in range(commands.answered, len(orders)):
                ledger.settle(place + n, others.get(n, Fate("unknown", why)), _about(orders[n]))

    # -- tubes ---------------------------------------------------------------------------------------------------

    def act_on_tube(self, run: Run, steps: Iterable[TubeStep], how: How = AT_ONCE, use: bool = False) -> Run:
        """Send commands on tubes, one after the other; with `use` their tube is used for them."""
        ledger = self.ledger(run)
        with ending_gently(run), self._stopping(run), ledger.underway():
            client = None if how.dry else self._acting_for(run)
            for place, step in enumerate(steps):
                if run.cancelled:
                    run.stopped = "cancelled"
                    break
                if client is None:
                    fate = Fate("skipped", step.refusal) if step.refusal else Fate("done", jobs=step.jobs)
                    run.count(fate.outcome, fate.error, fate.jobs, _about(step.intent))
                    if step.refusal is None:
                        run.preview(step.intent, 1)
                else:
                    result = self._send_one(place, step, client, use, ledger)
                    if step.intent.action == "kick" and result != step.jobs:
                        break  # no more of them: the server would kick jobs of another state
                if how.progress is not None:
                    how.progress(run)
        return run

    def _send_one(self, place: int, step: TubeStep, client: Client, use: bool, ledger: Ledger) -> Any:
        intent, result = step.intent, None
        ledger.intend([intent], place)
        fate = Fate("unknown", "it was interrupted")
        try:
            if step.refusal is not None:
                fate = Fate("skipped", step.refusal)
                return None
            with self.context.turn, using(client, intent.tube if use else None):
                (result,) = client.pipeline([step.command])
                # The outcome is known now, even if the connection breaks before the tube is released.
                fate = self._fate_of(intent.action, result)
        except BeanopsError as error:
            if result is None:
                fate = Fate("unknown", str(error))
            raise
        finally:
            ledger.settle(place, fate, _about(intent))
        return result

    def _fate_of(self, action: str, result: Any) -> Fate:
        if isinstance(result, NotFound):
            return Fate("skipped", "the tube no longer exists")
        if isinstance(result, ReplyError):
            return Fate("failed", str(result))
        if action == "put":
            return Fate("done", new_id=result)
        if action == "truncate":
            return Fate("done", jobs=result) if result else Fate("skipped", "no job was ready, delayed or buried")
        if action == "kick":
            return Fate("done", jobs=result) if result else Fate("skipped", "no job is buried or delayed")
        return Fate("done")

    @contextmanager
    def _stopping(self, run: Run) -> Iterator[None]:
        """End the run on an error instead of raising it: its rows already say what is known."""
        try:
            yield
        except BeanopsError as error:
            run.stop(error)
