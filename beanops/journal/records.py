"""The values that the journal stores: runs, intents, fates, and the actions that users see."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from beanops.protocol.errors import BeanopsError
from beanops.text import inflected, plural


class Refused(BeanopsError):
    """beanops refused to act, for example in a read-only session; nothing was sent."""


class JournalError(BeanopsError):
    """The journal could not be written or read; nothing that it did not record was sent."""


class AlreadyClaimed(JournalError):
    """Another execution of the same task has recorded some of these actions; nothing was recorded."""


#: Outcomes of an action. It is `unknown`, never `done`, until its outcome is recorded.
OUTCOMES = ("done", "skipped", "failed", "unknown")


#: The outcome of places of a run that no worker of an executor reached: they have no action.
NOT_SENT = "not sent"

#: The action in a canary's run that has the verdict on a wave. It is on no job, and leaves nothing to undo.
WATCH = "watch"


class RunRow(NamedTuple):
    """One call of a verb.

    Attributes
    ----------
    id : str
        Sorts by time.
    time : datetime
        When it began, UTC.
    server, instance : str
        Address of the server, and the id of its process; empty for a pruning of the journal.
    actor : str
        User and host.
    source : str
        ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    action : str
        The verb.
    reason : str or None
        Reason that the operator gave.
    undoes : str or None
        The run that it undoes.
    request : dict
        What was asked for: all that resuming it needs. A list of runs leaves out the ids where they are many.
    fleet : str or None
        The call on several servers that it is part of.
    """

    id: str
    time: datetime
    server: str
    instance: str
    actor: str
    source: str
    action: str
    reason: str | None
    undoes: str | None
    request: dict[str, Any]
    fleet: str | None = None

    @property
    def named(self) -> int:
        """The number of jobs that it names by id."""
        return named_in(self.request)

    @property
    def without_ids(self) -> RunRow:
        """The same with the number of ids alone."""
        request = {name: value for name, value in self.request.items() if name not in ("ids", "facts")}
        return self._replace(request=request | ({"ids": {"count": self.named}} if self.named else {}))

    @property
    def about(self) -> str:
        """What was asked for, in words."""
        request = self.request
        ids, named, groups = request.get("ids"), self.named, request.get("groups") or ()
        parts = [str(request[name]) for name in ("jobs", "tube", "run") if name in request]
        if named:
            parts.append(f"job {ids[0]}" if isinstance(ids, list) and named == 1 else plural(named, "job"))
        target = (request.get("settings") or {}).get("target")
        parts += [f"→ {target}"] if target else []
        parts += [f"→ {request['server']}"] if self.action == "migrate" else []
        parts += [f"{inflected(len(groups), 'group')} {', '.join(groups)}"] if groups else []
        where = request.get("where")
        # That of a group by its cause says no more than the name.
        parts += [f"where {where}"] if where and where != f"group_name = '{', '.join(groups)}'" else []
        parts += [f"canary of {request['canary']['first']:,}"] if "canary" in request else []
        counts = request.get("counts") or {}
        parts += [", ".join(f"{number:,} {state}" for state, number in counts.items() if number)]
        return " ".join(filter(None, parts))

    @property
    def at_its_end(self) -> str | None:
        """Why it cannot be resumed and what to do instead, None where it can."""
        request = self.request
        if self.action == "migrate":
            return None
        if self.action == "import":
            again = f"run {self.id} read standard input: import the same lines again, no line is put twice"
            return again if request["file"] == "-" else None
        if "function" in request.get("edit", ()):
            return f"run {self.id} edited jobs by a function and cannot be resumed: edit the same jobs again"
        if self.action == "export" or "settings" not in request:
            return f"run {self.id} is a {self.action}, which cannot be resumed: start it again"
        if "canary" in request:
            return f"run {self.id} is a canary, whose waves depend on what becomes of them: start another one"
        if "server" in request:
            return f"run {self.id} copies to {request['server']} and cannot be resumed: copy the rest"
        return None


def named_in(request: Mapping[str, Any]) -> int:
    """Return how many jobs a request names by their ids, 0 where it names a tube."""
    ids = request.get("ids", ())
    if isinstance(ids, dict):
        return int(ids["count"]) if "count" in ids else len(range(*ids["range"]))
    return len(ids)


class Intent(NamedTuple):
    """The next action on one job or tube, with what undoing it needs.

    Attributes
    ----------
    action : str
        The verb.
    tube : str or None
        The tube; None when the job did not exist.
    job_id : int or None
        The job; None for an action on a tube and for a put.
    state_before : str or None
        The job's state before.
    priority, delay : int or None
        The job's priority afterwards; seconds of its delay afterwards, or of a pause.
    priority_before, time_left, ttr : int or None
        The job's priority before; seconds left of its delay or of the tube's pause; its TTR.
    target : str or None
        Destination tube of a move or copy; line number of an import.
    body : bytes or None
        The job's body, where undo needs it and the configuration allows it.
    created : float or None
        Time of the put, in seconds since 1970.
    digest : str or None
        Digest of the job's body.
    delay_before : int or None
        Seconds of the job's delay before an edit.
    new_state : str or None
        State in which an edit puts the job.
    new_body : bytes or None
        The body after an edit, if it differs and the configuration allows to keep it.
    """

    action: str
    tube: str | None = None
    job_id: int | None = None
    state_before: str | None = None
    priority: int | None = None
    delay: int | None = None
    priority_before: int | None = None
    time_left: int | None = None
    ttr: int | None = None
    target: str | None = None
    body: bytes | None = None
    created: float | None = None
    digest: str | None = None
    delay_before: int | None = None
    new_state: str | None = None
    new_body: bytes | None = None

    @property
    def put_into(self) -> str | None:
        """The tube of the job that it puts."""
        return self.tube if self.action in ("import", "put") else self.target or self.tube


class Fate(NamedTuple):
    """The outcome of one action.

    Attributes
    ----------
    outcome : str
        One of `OUTCOMES`.
    error : str or None
        Why it failed or was skipped.
    new_id : int or None
        Id of the job that it put or reserved.
    jobs : int
        Number of jobs that an action on a tube kicked.
    """

    outcome: str
    error: str | None = None
    new_id: int | None = None
    jobs: int = 1


UNKNOWN = Fate("unknown")


class Entry(NamedTuple):
    """One action of a run as recorded: its position in the run, its times of intent and outcome."""

    n: int
    time: datetime
    intent: Intent
    fate: Fate
    settled: datetime | None = None


class Need(NamedTuple):
    """A run's need that a tube of a server process stays paused."""

    run: str
    instance: str
    tube: str


class Action(NamedTuple):
    """One action as users see it: a row of `Session.actions`, which describes the columns."""

    time: datetime
    run: str
    server: str
    actor: str
    source: str
    action: str
    tube: str | None
    id: int | None
    state_before: str | None
    priority: int | None
    delay: int | None
    outcome: str
    error: str | None
    reason: str | None
    instance: str
    new_id: int | None
    jobs: int


class RunCounts(NamedTuple):
    """One run as users see it: a row of `Session.runs`, which describes the columns."""

    time: datetime
    run: str
    server: str
    instance: str
    actor: str
    source: str
    action: str
    reason: str | None
    undoes: str | None
    about: str
    done: int
    skipped: int
    failed: int
    unknown: int
    fleet: str | None = None


class Pruned(NamedTuple):
    """What a pruning of the journal did.

    Attributes
    ----------
    run : str
        Id of the run that records it.
    runs : int
        Number of runs deleted.
    """

    run: str
    runs: int


def new_run_id(now: datetime) -> str:
    """Return an id for a run that begins now; ids sort by time."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def action_of(run: RunRow, entry: Entry) -> Action:
    """Return an action of a run as users see it."""
    intent, fate = entry.intent, entry.fate
    puts = intent.job_id is None and fate.new_id is not None
    return Action(
        entry.time, run.id, run.server, run.actor, run.source, intent.action, intent.tube,
        fate.new_id if puts else intent.job_id, intent.state_before, intent.priority, intent.delay,
        fate.outcome, fate.error, run.reason, run.instance, fate.new_id, fate.jobs,
    )  # fmt: skip


def counted_run(run: RunRow, counts: Mapping[str, int]) -> RunCounts:
    """Return a run as users see it, with the number of actions that ended in each outcome."""
    done, skipped, failed, unknown = (counts.get(outcome, 0) for outcome in OUTCOMES)
    return RunCounts(
        run.time, run.id, run.server, run.instance, run.actor, run.source, run.action, run.reason, run.undoes,
        run.about, done, skipped, failed, unknown, run.fleet,
    )  # fmt: skip


def gaps_between(places: Iterable[int], size: int) -> list[range]:
    """Return the ranges below a size that have none of some positions, which come in order.

    Examples
    --------
    >>> gaps_between([0, 1, 4], 6)
    [range(2, 4), range(5, 6)]
    """
    gaps, expected = [], 0
    for place in (*places, size):
        if place > expected:
            gaps.append(range(expected, place))
        expected = place + 1
    return gaps
