"""The one funnel: everything that changes a queue is guarded, written down, sent and settled by `Actor`."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from copy import copy
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.client.sync import Client
from beanops.protocol import Command, Job, commands
from beanops.protocol.errors import BeanopsError, ConnectionLost, NotFound, ProtocolError, ReplyError, TimedOut
from beanops.session.record import Fate, Intent, JournalError, RunRow, action_of
from beanops.session.run import Run
from beanops.session.verbs import Ask, Order, Steps, intent_of

if TYPE_CHECKING:
    from beanops.session.journal import Journal


class Refused(BeanopsError):
    """beanops itself refused to act, such as in a read-only session; nothing was sent."""


class Who(NamedTuple):
    """Whose actions these are: what each run on record repeats."""

    server: str
    actor: str
    source: str


class How(NamedTuple):
    """How a run is carried out.

    Attributes
    ----------
    reason : str or None
        Why, in the operator's words, for the record.
    undoes : str or None
        The run that it takes back.
    dry : bool
        Only say what would be done.
    rate : float or None
        Most jobs a second, so that a kick does not flood the workers.
    progress : callable or None
        Called with the `Run` before the first batch and after each.
    """

    reason: str | None = None
    undoes: str | None = None
    dry: bool = False
    rate: float | None = None
    progress: Callable[[Run], None] | None = None


AT_ONCE = How()


def new_run_id(now: datetime) -> str:
    """Return a name for a run that begins now; names sort by time."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class Actor:
    """Acts on one server and writes down what it does.

    Parameters
    ----------
    who : Who
        For the record.
    journal : callable
        Returns the journal; opened when it is first needed.
    keep_bodies : bool
        Whether bodies are written down; without them a delete cannot be undone.
    acting : callable
        Returns the connected client that reserves and acts.
    instance : callable
        Returns the server's own name for the process that answers.
    clock : callable
        Tells the time, UTC.
    read_only : bool
        Whether to refuse everything.

    Attributes
    ----------
    held : set of int
        Ids of the jobs that the acting connection has reserved.
    """

    def __init__(
        self,
        who: Who,
        journal: Callable[[], Journal],
        keep_bodies: bool,
        acting: Callable[[], Client],
        instance: Callable[[], str],
        clock: Callable[[], datetime],
        read_only: bool,
    ) -> None:
        self.read_only = read_only
        self.keep_bodies = keep_bodies
        self.held: set[int] = set()
        self._who = who
        self._journal = journal
        self._acting = acting
        self._instance = instance
        self._clock = clock
        self._sleep = time.sleep
        # What is used and watched belongs to one action at a time.
        self._turn = threading.Lock()

    def through(self, source: str) -> Actor:
        """Return an actor with the same connections, reservations and journal, whose runs say `source`."""
        other = copy(self)
        other._who = self._who._replace(source=source)
        return other

    def begin(self, action: str, request: dict[str, Any], how: How = AT_ONCE) -> Run:
        """Refuse, or open a run in the journal."""
        if self.read_only and not how.dry:
            raise Refused(f"{action} was refused: this session on {self._who.server} is read-only")
        now = self._clock()
        id = new_run_id(now)
        if how.dry:
            run = Run(id, action, list, dry=True)
        else:
            facts = (self._who.server, self._instance(), self._who.actor, self._who.source)
            row = RunRow(id, now, *facts, action, how.reason, how.undoes, request)
            journal = self._journal()
            journal.begin(row)
            run = Run(id, action, lambda: [action_of(row, entry) for entry in journal.entries(id)])
        if how.progress is not None:
            how.progress(run)
        return run

    # -- jobs ----------------------------------------------------------------------------------------------------

    def act_on_jobs(
        self,
        run: Run,
        batches: Iterable[Sequence[Order]],
        how: How = AT_ONCE,
        there: Callable[[], Client] | None = None,
    ) -> Run:
        """Carry out orders. A job that is gone or taken is skipped and ends nothing; a lost connection ends the run.

        Parameters
        ----------
        run : Run
            From `begin`.
        batches : iterable of sequence of Order
            Each batch is on record before it is sent; the next is looked up meanwhile.
        how : How
            Rate, progress, dry run.
        there : callable or None
            Returns the client of the server that jobs are copied to.
        """
        place = 0
        settled: list[tuple[int, Fate]] = []
        with self._stopping(run), closing(_ahead(batches)) as ahead:
            for orders in ahead:
                if run.cancelled:
                    run.stopped = "cancelled"
                    break
                started = time.monotonic()
                if how.dry:
                    for order in orders:
                        self._count(run, self._refusal(order) or Fate("done"), order)
                else:
                    intents = [intent_of(order, self.keep_bodies) for order in orders]
                    self._journal().write(run.id, self._clock(), intents, place, settled)
                    settled = []
                    with self._turn:
                        self._carry_out(run, orders, place, settled, there)
                    place += len(orders)
                if how.progress is not None:
                    how.progress(run)
                if how.rate is not None:
                    self._sleep(max(0.0, len(orders) / how.rate - (time.monotonic() - started)))
        if settled:
            with self._stopping(run):
                self._journal().write(run.id, self._clock(), fates=settled)
        return run

    def _refusal(self, order: Order) -> Fate | None:
        if order.refusal is not None:
            return Fate("skipped", order.refusal)
        if order.job is None:
            return Fate("skipped", "it does not exist")
        if order.id in self.held and order.verb.name not in ("kick", "move", "copy"):
            return None
        refusal = order.verb.refuses(order.stats.state)
        return Fate("skipped", refusal) if refusal else None

    def _carry_out(
        self,
        run: Run,
        orders: Sequence[Order],
        place: int,
        settled: list[tuple[int, Fate]],
        there: Callable[[], Client] | None,
    ) -> None:
        """Run the steps of all orders side by side; add to `settled` what became of each, in order."""
        fates: list[Fate | None] = [self._refusal(order) for order in orders]
        talks: dict[int, Steps] = {}
        asks: dict[int, Ask] = {}
        for n, order in enumerate(orders):
            if fates[n] is None:
                talks[n] = order.verb.steps(order, self.held)
                asks[n] = next(talks[n])
        try:
            while asks:
                asks = self._stage(asks, talks, fates, there)
        except (ConnectionLost, ProtocolError) as error:
            self.held.clear()
            for n, talk in talks.items():
                if fates[n] is None:
                    fates[n] = _last_words(talk, error)
            raise
        finally:
            for n, fate in enumerate(fates):
                fate = fate or Fate("unknown", "it was interrupted")
                settled.append((place + n, fate))
                self._count(run, fate, orders[n])

    def _stage(
        self,
        asks: dict[int, Ask],
        talks: dict[int, Steps],
        fates: list[Fate | None],
        there: Callable[[], Client] | None,
    ) -> dict[int, Ask]:
        """Send what all talks ask now, give them the answers, and return what they ask next."""
        following: dict[int, Ask] = {}
        groups: dict[tuple[bool, str | None], list[int]] = {}
        for n, ask in asks.items():
            groups.setdefault((ask.there, ask.tube), []).append(n)
        for (elsewhere, tube), members in groups.items():
            client = there() if elsewhere and there is not None else self._acting()
            with _using(client, tube):
                wanted = (command for n in members for command in asks[n].commands)
                with closing(client.pipeline(wanted)) as results:
                    for n in members:
                        answers = list(islice(results, len(asks[n].commands)))
                        try:
                            following[n] = talks[n].send(answers)
                        except StopIteration as stop:
                            fates[n] = stop.value
        return following

    # -- tubes ---------------------------------------------------------------------------------------------------

    def act_on_tube(
        self, run: Run, steps: Iterable[tuple[Command[Any], Intent]], how: How = AT_ONCE, use: bool = False
    ) -> Run:
        """Send commands that are about tubes, one after the other, with the tube used where they need that."""
        with self._stopping(run):
            for place, (command, intent) in enumerate(steps):
                if run.cancelled:
                    run.stopped = "cancelled"
                    break
                if how.dry:
                    run.count("done")
                else:
                    self._send_one(run, place, command, intent, use=intent.tube if use else None)
                if how.progress is not None:
                    how.progress(run)
        return run

    def reserve(self, tube: str, timeout: int) -> Job:
        """Reserve the next job of a tube on the acting connection, which watches nothing else meanwhile."""
        run = self.begin("reserve", {"tube": tube, "timeout": timeout})
        intent = Intent("reserve", tube, state_before="ready")
        result = self._send_one(run, 0, commands.reserve(timeout), intent, watch=tube)
        if isinstance(result, ReplyError):
            raise result
        assert isinstance(result, Job)
        return result

    def keep(self, id: int) -> bool:
        """Start the ttr of a held job anew, off the record; return whether it is still held."""
        with self._turn:
            if id in self.held:
                try:
                    self._acting().touch(id)
                except NotFound:
                    self.held.discard(id)
        return id in self.held

    def _send_one(
        self,
        run: Run,
        place: int,
        command: Command[Any],
        intent: Intent,
        use: str | None = None,
        watch: str | None = None,
    ) -> Any:
        journal = self._journal()
        journal.write(run.id, self._clock(), [intent], place)
        fate = Fate("unknown", "it was interrupted")
        try:
            with self._turn:
                client = self._acting()
                with _using(client, use), _watching(client, watch):
                    (result,) = client.pipeline([command])
            fate = self._fate_of(intent.action, result)
        except (ConnectionLost, ProtocolError) as error:
            self.held.clear()
            fate = Fate("unknown", str(error))
            raise
        finally:
            self._count(run, fate, intent)
            journal.write(run.id, self._clock(), fates=[(place, fate)])
        return result

    def _fate_of(self, action: str, result: Any) -> Fate:
        if isinstance(result, NotFound):
            return Fate("skipped", "there is no such tube")
        if isinstance(result, ReplyError):
            return Fate("skipped" if isinstance(result, TimedOut) else "failed", str(result))
        if action == "reserve":
            self.held.add(result.id)
            return Fate("done", new_id=result.id)
        if action == "put":
            return Fate("done", new_id=result)
        if action == "kick":
            return Fate("done", jobs=result) if result else Fate("skipped", "no job is buried or delayed")
        return Fate("done")

    def _count(self, run: Run, fate: Fate, intent: Intent | Order) -> None:
        if isinstance(intent, Intent):
            about = f"tube {intent.tube}"
        else:
            about = f"job {intent.id}" if intent.line is None else f"line {intent.line}"
        run.count(fate.outcome, fate.error, fate.jobs, about)

    @contextmanager
    def _stopping(self, run: Run) -> Iterator[None]:
        """Let a fault end the run instead of the program: its rows already say what is known."""
        try:
            yield
        except (ConnectionLost, ProtocolError, JournalError) as error:
            run.stopped = str(error)


@contextmanager
def _using(client: Client, tube: str | None) -> Iterator[None]:
    """Use a tube meanwhile. The answer is awaited: were it refused, what follows would meet another tube."""
    if tube is not None:
        client.use(tube)
    yield
    if tube is not None:
        client.use("default")


@contextmanager
def _watching(client: Client, tube: str | None) -> Iterator[None]:
    """Watch one tube and no other meanwhile."""
    if tube is None or tube == "default":
        yield
        return
    client.watch(tube)
    client.ignore("default")
    yield
    client.watch("default")
    client.ignore(tube)


def _last_words(talk: Steps, error: BeanopsError) -> Fate:
    """Ask a talk that was cut off what it knows."""
    try:
        talk.throw(error)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    except BeanopsError:
        pass
    return Fate("unknown", str(error))


def _ahead(batches: Iterable[Sequence[Order]]) -> Generator[Sequence[Order], None, None]:
    """Look up the next batch in a thread while this one is acted on: the server need not wait for either."""
    source = iter(batches)
    with ThreadPoolExecutor(1, "beanops-lookup") as thread:
        coming = thread.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield batch
