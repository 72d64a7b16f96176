"""The verbs: what can be done to a job, in which states, and by which commands. `executor` executes and records them.

The steps of a verb are a generator for one job: it yields commands and is sent their answers. The executor runs a
thousand of them in parallel, each round of all in one pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from beanops.jobs.identity import JobRef, digest_of, ref_of
from beanops.jobs.read import FoundJob
from beanops.journal.records import WATCH, Fate, Intent
from beanops.protocol import Command, JobStats, commands
from beanops.protocol.errors import Buried, NotFound, ReplyError
from beanops.protocol.states import AT_REST
from beanops.session.execution.conversation import Ask, Putting, Steps
from beanops.session.execution.putting import PUT, NewJob


class Settings(NamedTuple):
    """What a verb sets on a job.

    Attributes
    ----------
    priority : int or None
        New priority, None to keep the job's own.
    delay : int
        Seconds until a released job is ready.
    target : str or None
        Destination tube of a move or copy; None keeps the job's own.
    there : bool
        Whether a copy goes to another server.
    buried_as : str or None
        State of new jobs for buried ones: ``"parked"``, which is delayed by 136 years, or ``"ready"``; None buries.
    """

    priority: int | None = None
    delay: int = 0
    target: str | None = None
    there: bool = False
    buried_as: str | None = None


KEEP = Settings()


class TubeStep(NamedTuple):
    """One command on a tube, and what is recorded for it.

    Attributes
    ----------
    command : Command
        The command.
    intent : Intent
        The record.
    jobs : int
        Maximum number of jobs that it kicks or truncates; 1 for other commands.
    refusal : str or None
        Why it is not sent; None to send it.
    """

    command: Command[Any]
    intent: Intent
    jobs: int = 1
    refusal: str | None = None


class Order(NamedTuple):
    """One job, and what to do to it.

    Attributes
    ----------
    verb : Verb
        What to do.
    id : int
        The job's id; 0 if it was put and its id did not arrive.
    job : FoundJob or None
        The job as the server has it; None if it does not exist.
    settings : Settings
        Priority, delay and destination to set.
    refusal : str or None
        Why it is skipped; None to execute it.
    line : int or None
        The line of a file that the job comes from; it has no id yet.
    ref : JobRef or None
        The job as it was seen before; None if `job` is all that is known of it.
    instead : NewJob or None
        The job that an edit puts in its place.
    """

    verb: Verb
    id: int
    job: FoundJob | None
    settings: Settings = KEEP
    refusal: str | None = None
    line: int | None = None
    ref: JobRef | None = None
    instead: NewJob | None = None

    @property
    def expected(self) -> JobRef:
        """The job as it was seen before."""
        assert self.job is not None
        return self.ref or ref_of(self.job)

    @property
    def stats(self) -> JobStats:
        """The job's statistics."""
        assert self.job is not None
        return self.job.stats

    @property
    def priority(self) -> int:
        """The job's priority afterwards."""
        return self.stats.priority if self.settings.priority is None else self.settings.priority

    @property
    def put_as(self) -> str:
        """The state in which a job is put for it."""
        return self.stats.state if self.instead is None else self.instead.state

    @property
    def put_into(self) -> str:
        """The tube into which a job is put for it."""
        return (self.settings.target or self.stats.tube) if self.instead is None else self.instead.tube


class Verb(NamedTuple):
    """One way to act on a job.

    Attributes
    ----------
    name : str
        Such as ``"kick"``.
    done : str
        Its past tense, for messages.
    states : frozenset of str
        States of a job in which it does something.
    destroys : bool
        Whether the job is gone afterwards.
    puts : bool
        Whether it puts a new job with the body.
    takes_held : bool
        Whether it takes jobs that this session has reserved.
    commands : int
        Maximum number of commands for a job.
    steps : callable
        Makes the generator of an order's commands; it updates the set of held jobs that it is given.
    """

    name: str
    done: str
    states: frozenset[str]
    destroys: bool
    puts: bool
    takes_held: bool
    commands: int
    steps: Callable[[Order, set[int]], Steps]

    def refuses(self, state: str, held: bool = False) -> str | None:
        """Return why a job in `state` is skipped, None if it is not; `held` if this session has reserved it."""
        if state in self.states or (held and self.takes_held):
            return None
        if held:
            return f"this session has reserved it, and {self.name} takes no reserved jobs: release it first"
        if state == "reserved":
            return "a worker has reserved it"
        return f"it is {state}; {self.takes}"

    @property
    def takes(self) -> str:
        """The states in which it takes jobs, in words."""
        return f"{self.name} takes {' or '.join(sorted(self.states))} jobs"


def intent_of(order: Order, keep_body: bool) -> Intent:
    """Return what is recorded before an order is executed."""
    verb, id, job, settings, *_ = order
    if job is None:
        return Intent(verb.name, job_id=id or None)
    if order.instead is not None:
        return _intent_of_edit(job, order.instead, keep_body)
    stats, body = job.stats, job.body
    kept = keep_body and verb.destroys
    priority = stats.priority
    return Intent(
        verb.name,
        stats.tube,
        stats.id if order.line is None else None,
        stats.state,
        priority if settings.priority is None else settings.priority,
        settings.delay if verb.name == "release" else stats.delay,
        priority,
        stats.time_left if stats.state == "delayed" else 0,
        stats.ttr,
        settings.target if order.line is None else str(order.line),
        body if kept else None,
        job.created,
        # The digest of a recorded body can be computed later.
        None if kept or body is None else digest_of(body),
    )


def _intent_of_edit(job: FoundJob, new: NewJob, keep_body: bool) -> Intent:
    """Return what is recorded before an edit. A digest without a body says that the body stays the same."""
    stats, body = job.stats, job.body
    same = new.body == body
    return Intent(
        "edit",
        stats.tube,
        stats.id,
        stats.state,
        new.priority,
        new.delay,
        stats.priority,
        stats.time_left if stats.state == "delayed" else 0,
        stats.ttr,
        None if new.tube == stats.tube else new.tube,
        body if keep_body else None,
        job.created,
        digest_of(body) if body is not None and same and not keep_body else None,
        stats.delay,
        new.state,
        new.body if keep_body and not same else None,
    )


def keeps_what_undo_needs(intent: Intent) -> bool:
    """Whether an undo does not miss a body that the journal was not to keep."""
    if intent.action == "edit":
        return intent.body is not None or intent.digest is not None
    return intent.action != "delete"


def fate_of(answer: Any, held: bool = False) -> Fate:
    """Return the outcome of an action from the server's answer."""
    if isinstance(answer, NotFound):
        return Fate("skipped", "its reservation timed out" if held else "no longer available (reserved or deleted)")
    if isinstance(answer, ReplyError):
        return Fate("failed", str(answer))
    return Fate("done")


def _kick(order: Order, held: set[int]) -> Steps:
    (answer,) = yield Ask((commands.kick_job(order.id),))
    return fate_of(answer)


def _delete(order: Order, held: set[int]) -> Steps:
    (answer,) = yield Ask((commands.delete(order.id),))
    was_held = order.id in held
    held.discard(order.id)
    return fate_of(answer, was_held)


def _touch(order: Order, held: set[int]) -> Steps:
    (answer,) = yield Ask((commands.touch(order.id),))
    if isinstance(answer, NotFound):
        held.discard(order.id)
    return fate_of(answer, held=True)


def _bury(order: Order, held: set[int]) -> Steps:
    return (yield from _with_reservation(order, held, commands.bury(order.id, priority=order.priority)))


def _release(order: Order, held: set[int]) -> Steps:
    command = commands.release(order.id, priority=order.priority, delay=order.settings.delay)
    return (yield from _with_reservation(order, held, command))


def _with_reservation(order: Order, held: set[int], command: Command[Any]) -> Steps:
    """Send a command that needs a reservation: of a held job alone, otherwise after a reserve in one pipeline."""
    if order.id in held:
        (answer,) = yield Ask((command,))
        if not isinstance(answer, ReplyError) or isinstance(answer, NotFound):
            held.discard(order.id)
        return fate_of(answer, held=True)
    reserved, answer = yield Ask((commands.reserve_job(order.id), command))
    if not isinstance(answer, ReplyError):
        return Fate("done")
    if isinstance(answer, Buried):
        return Fate("failed", f"{answer}; the job is buried")
    if isinstance(reserved, ReplyError):
        return fate_of(reserved)
    held.add(order.id)
    return Fate("failed", f"{answer}; this session holds the job until it acts on it or closes")


def new_job(order: Order) -> NewJob | Fate:
    """Return the job that an order puts, with its destination tube and priority, or why there is none."""
    stats, there = order.stats, order.settings.there
    if order.instead is not None:
        return order.instead
    if order.job is None or order.job.body is None:
        return Fate("failed", "its body is not known")
    delay, left = stats.delay, stats.time_left
    return NewJob(order.job.body, order.put_into, order.priority, stats.ttr, delay, left, there, stats.state)


def _copy_of(order: Order, put: Mapping[str, Callable[[NewJob], Putting]]) -> Putting:
    job = new_job(order)
    if isinstance(job, Fate):
        return job
    return (yield from put[(order.settings.buried_as or job.state) if job.state == "buried" else job.state](job))


def put_copy(order: Order, held: set[int], put: Mapping[str, Callable[[NewJob], Putting]] = PUT) -> Steps:
    """Put a copy of a job; `put` has a function for each state."""
    new = yield from _copy_of(order, put)
    return new if isinstance(new, Fate) else Fate("done", new_id=new)


def move(
    order: Order, held: set[int], put: Mapping[str, Callable[[NewJob], Putting]] = PUT, reserve: bool = True
) -> Steps:
    """Put a copy, or the new job of an edit, then delete the job.

    It reserves a ready job first, so that no worker runs both, unless `reserve` is false.
    """
    reserves = reserve and order.stats.state == "ready" and order.id not in held
    if reserves:
        (reserved,) = yield Ask((commands.reserve_job(order.id),))
        if isinstance(reserved, ReplyError):
            return fate_of(reserved)
        held.add(order.id)
    new = yield from _copy_of(order, put)
    if isinstance(new, Fate):
        if reserves:
            yield Ask((commands.release(order.id, priority=order.stats.priority),), so_far=new)
            held.discard(order.id)
        return new
    so_far = not_yet_deleted(new)
    (gone,) = yield Ask((commands.delete(order.id),), so_far=so_far)
    held.discard(order.id)
    if not isinstance(gone, ReplyError):
        return Fate("done", new_id=new)
    (undone,) = yield Ask((commands.delete(new),), so_far=so_far)
    if isinstance(undone, ReplyError):
        return Fate("failed", f"{fate_of(gone).error}; job {new} was put in its place and is left twice", new)
    return fate_of(gone)


def not_yet_deleted(new: int) -> Fate:
    """Return the outcome of a move or an edit after its put, before its delete was answered."""
    return Fate("unknown", f"job {new} was put in its place, but it may still exist itself", new)


_AT_REST = frozenset(AT_REST)

#: Verbs that leave a job in its tube, or delete it.
VERBS = {
    verb.name: verb
    for verb in (
        Verb("kick", "kicked", frozenset({"buried", "delayed"}), False, False, False, 1, _kick),
        Verb("bury", "buried", frozenset({"ready", "delayed"}), False, False, True, 2, _bury),
        Verb("release", "released", _AT_REST, False, False, True, 2, _release),
        Verb("delete", "deleted", _AT_REST, True, False, True, 1, _delete),
    )
}
MOVE = Verb("move", "moved", _AT_REST, False, True, True, 7, move)
#: Puts the changed job of `Order.instead`, then deletes the old one.
EDIT = Verb("edit", "edited", _AT_REST, True, True, True, 7, move)
COPY = Verb("copy", "copied", _AT_REST, False, True, False, 5, put_copy)
#: Moves jobs to another server; `beanops.session.transfer` has its steps, which need what is known of both servers.
MIGRATE = COPY._replace(name="migrate", done="migrated", commands=6)
TOUCH = Verb("touch", "touched", frozenset(), False, False, True, 1, _touch)
_CHANGE_BURIED = VERBS["bury"]._replace(states=_AT_REST)
#: Puts a deleted job again: the order's job is from the journal.
RESTORE = Verb("restore", "put again", _AT_REST | {"reserved"}, False, True, False, 5, put_copy)
#: Puts a job of a file: the order's job is from its line.
IMPORT = RESTORE._replace(name="import", done="imported")
#: Puts one of several new jobs.
PUT_NEW = RESTORE._replace(name="put", done="put")
#: All verbs by name.
ALL = {verb.name: verb for verb in (*VERBS.values(), MOVE, EDIT, COPY, MIGRATE, TOUCH, RESTORE, IMPORT)}
#: A run is named as the user called it, its actions as what they do: a drain deletes.
ALL["drain"] = VERBS["delete"]
#: Names of runs and actions in the journal. The actions of a drain are deletes, those of an undo what undoes the run.
ACTIONS = (*ALL, "put", "pause", "unpause", "truncate", "reserve", "undo", "export", "prune", WATCH)


def verb_of(name: str, settings: Settings) -> Verb:
    """Return a verb by its name. A bury that sets the priority also takes buried jobs, which stay buried."""
    return _CHANGE_BURIED if name == "bury" and settings.priority is not None else ALL[name]
