"""The one funnel: everything that changes a queue is guarded, written down, sent and settled by `Actor.perform`."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.read import read_stats
from beanops.protocol import Command, Job, JobStats, commands
from beanops.protocol.errors import (
    BadFormat,
    BeanopsError,
    ConnectionLost,
    NotFound,
    ProtocolError,
    ReplyError,
    TimedOut,
)
from beanops.session.record import Action, Record
from beanops.session.run import Run
from beanops.session.verbs import Settings, Verb

#: Jobs that are looked at, written down and acted on together.
BATCH = 512


class Refused(BeanopsError):
    """beanops itself refused to act, such as in a read-only session; nothing was sent."""


class Who(NamedTuple):
    """Whose actions these are: what each row of the record repeats."""

    server: str
    actor: str
    source: str


class Step(NamedTuple):
    """One action: the row that the record gets, and what to send, or why nothing is sent."""

    row: Action
    commands: tuple[Command[Any], ...]
    refusal: str | None = None


class Fate(NamedTuple):
    """What became of one action; `job_id` where only the answer tells it, `jobs` where it is not about one."""

    outcome: str
    error: str | None = None
    job_id: int | None = None
    jobs: int = 1


class Actor:
    """Acts on one server and writes down what it does.

    Parameters
    ----------
    who : Who
        For the record.
    record : Record
        Where actions are written down.
    looking : callable
        Returns a connected client that never reserves.
    acting : callable
        Returns the connected client that reserves and acts.
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
        record: Record,
        looking: Callable[[], Client],
        acting: Callable[[], Client],
        clock: Callable[[], datetime],
        read_only: bool,
    ) -> None:
        self.read_only = read_only
        self.held: set[int] = set()
        self._who = who
        self._record = record
        self._looking = looking
        self._acting = acting
        self._clock = clock
        # What is used and watched belongs to one action at a time.
        self._turn = threading.Lock()

    def through(self, source: str) -> Actor:
        """Return an actor with the same connections, reservations and record, whose rows say `source`."""
        other = copy(self)
        other._who = self._who._replace(source=source)
        return other

    def act_on_jobs(self, verb: Verb, ids: Iterable[int], settings: Settings) -> Run:
        """Do `verb` to each job, in batches. A job that is gone or taken is skipped and ends nothing."""
        run = self._begin(verb.name)
        remaining = iter(ids)
        while run.stopped is None and (batch := list(islice(remaining, BATCH))):
            with self._turn, self._stopping(run):
                stats = read_stats(self._looking(), batch)
                steps = [self._step(run, verb, *job, settings) for job in zip(batch, stats, strict=True)]
                self._perform(run, self._acting(), steps)
        return run

    def act_on_tube(self, action: str, tube: str, command: Command[Any], use: bool = False, **details: Any) -> Run:
        """Send one command that is about a tube, with the tube used for it where the command needs that."""
        run = self._begin(action)
        with self._turn, self._stopping(run):
            client = self._acting()
            if use:
                # Awaited, not pipelined: were it refused, the command would meet another tube.
                client.use(tube)
            self._perform(run, client, [Step(self._row(run, tube=tube, **details), (command,))])
            if use:
                client.use("default")
        return run

    def reserve(self, tube: str, timeout: int) -> Job:
        """Reserve the next job of a tube on the acting connection, which watches nothing else meanwhile."""
        run = self._begin("reserve")
        with self._turn:
            client = self._acting()
            if tube != "default":
                client.watch(tube)
                client.ignore("default")
            step = Step(self._row(run, tube=tube, state_before="ready"), (commands.reserve(timeout),))
            (result,) = self._perform(run, client, [step])
            if tube != "default":
                client.watch("default")
                client.ignore(tube)
        if isinstance(result, ReplyError):
            raise result
        assert isinstance(result, Job)
        return result

    def _begin(self, action: str) -> Run:
        if self.read_only:
            raise Refused(f"{action} was refused: this session on {self._who.server} is read-only")
        id = f"{self._clock():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        return Run(id, action, lambda: self._record.rows(id))

    @contextmanager
    def _stopping(self, run: Run) -> Iterator[None]:
        """Let a lost connection end the run instead of the program: its rows already say what is known."""
        try:
            yield
        except (ConnectionLost, ProtocolError) as error:
            run.stopped = str(error)

    def _row(self, run: Run, **details: Any) -> Action:
        return Action(self._clock(), run.id, *self._who, run.action, **details)

    def _step(self, run: Run, verb: Verb, id: int, stats: JobStats | None, settings: Settings) -> Step:
        if stats is None:
            return Step(self._row(run, job_id=id), (), "it does not exist")
        row = self._row(
            run,
            tube=stats.tube,
            job_id=id,
            state_before=stats.state,
            priority=stats.priority if settings.priority is None else settings.priority,
            delay=settings.delay if verb.name == "release" else stats.delay,
        )
        if id in self.held:
            return Step(row, (verb.command(stats, settings),))
        if refusal := verb.refuses(stats.state):
            return Step(row, (), refusal)
        reserving = (commands.reserve_job(id),) if verb.reserves else ()
        return Step(row, (*reserving, verb.command(stats, settings)))

    def _perform(self, run: Run, client: Client, steps: list[Step]) -> list[Any]:
        """Write down what is intended, send it, write down what came of it; return the last answer of each step."""
        places = self._record.intend([step.row for step in steps])
        todo = []
        for place, step in zip(places, steps, strict=True):
            if step.refusal is None:
                todo.append((place, step))
            else:
                self._settle(run, place, Fate("skipped", step.refusal))
        answers: list[Any] = []
        try:
            with closing(client.pipeline(command for _, step in todo for command in step.commands)) as results:
                for place, step in todo:
                    answer = list(islice(results, len(step.commands)))
                    self._settle(run, place, self._fate(step, answer))
                    answers.append(answer[-1])
        except (ConnectionLost, ProtocolError) as error:
            for place, _ in todo[len(answers) :]:
                self._settle(run, place, Fate("unknown", str(error)))
            raise
        return answers

    def _settle(self, run: Run, place: int, fate: Fate) -> None:
        self._record.settle(place, fate.outcome, fate.error, fate.job_id)
        run.count(fate.outcome, fate.jobs)

    def _fate(self, step: Step, answer: list[Any]) -> Fate:
        first, last = answer[0], answer[-1]
        if not isinstance(last, ReplyError):
            return self._success(step.row, last)
        if first is not last and isinstance(first, Job):
            # Reserved, but not buried or released: it stays held here rather than being lost to a guess.
            self.held.add(first.id)
            return Fate("failed", f"{last}; this session holds the job until it acts on it or closes")
        if first is not last and isinstance(first, BadFormat):
            return Fate("failed", "this server cannot reserve a chosen job, which this needs; 1.12 and later can")
        if isinstance(first, NotFound):
            return Fate("skipped", self._why_not_found(step.row))
        return Fate("skipped" if isinstance(first, TimedOut) else "failed", str(first))

    def _why_not_found(self, row: Action) -> str:
        if row.job_id is None:
            return "there is no such tube"
        if row.job_id in self.held:
            self.held.discard(row.job_id)
            return "its reservation timed out"
        return "a worker took it meanwhile"

    def _success(self, row: Action, result: Any) -> Fate:
        if row.action == "reserve":
            self.held.add(result.id)
            return Fate("done", job_id=result.id)
        if row.action == "put":
            return Fate("done", job_id=result)
        if row.job_id is None and row.action == "kick":
            return Fate("done", jobs=result) if result else Fate("skipped", "no job is buried or delayed")
        if row.job_id is not None:
            self.held.discard(row.job_id)
        return Fate("done")
