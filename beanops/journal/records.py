"""What the journal holds, as values: runs, intents, fates, and the actions that users see. `journal` keeps them."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, NamedTuple

from beanops.protocol.errors import BeanopsError


class Refused(BeanopsError):
    """beanops itself refused to act, such as in a read-only session; nothing was sent."""


class JournalError(BeanopsError):
    """The journal could not be written or read; nothing that was to be written down was sent."""


#: What can become of an action. As long as its outcome is not on record it reads `unknown`, never `done`.
OUTCOMES = ("done", "skipped", "failed", "unknown")


class RunRow(NamedTuple):
    """One call of a verb.

    Attributes
    ----------
    id : str
        Sorts by time.
    time : datetime
        When it began, UTC.
    server, instance : str
        Address of the server, and its own name for the process that answered; empty for what was done to the journal.
    actor : str
        User and host.
    source : str
        ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    action : str
        The verb.
    reason : str or None
        Why, in the operator's words.
    undoes : str or None
        The run that it takes back.
    request : dict
        What was asked for, all that is needed to go on with it. A list of runs leaves out the ids where they are many.
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

    @property
    def named(self) -> int:
        """How many jobs it names by their ids."""
        ids = self.request.get("ids", ())
        if isinstance(ids, dict):
            return int(ids["count"]) if "count" in ids else len(range(*ids["range"]))
        return len(ids)

    @property
    def at_its_end(self) -> str | None:
        """Why nothing can go on with it and what to do instead, None where it can be resumed."""
        request = self.request
        if self.action == "import":
            again = f"run {self.id} read standard input: import the same lines again, none is put twice"
            return again if request["file"] == "-" else None
        if self.action == "export" or "settings" not in request:
            return f"run {self.id} cannot be resumed, as no {self.action} can: ask for it again"
        if "server" in request:
            return f"run {self.id} copies to {request['server']}: ask for the rest by a copy of its own"
        return None


class Intent(NamedTuple):
    """What is about to be done to one job or tube, and what taking it back needs.

    Attributes
    ----------
    action : str
        The verb.
    tube : str or None
        The tube; None when the job was already gone.
    job_id : int or None
        The job; None for an action on a tube and for a put.
    state_before : str or None
        The job's state before.
    priority, delay : int or None
        The job's priority after, and seconds: of its delay after, or of a pause.
    priority_before, time_left, ttr : int or None
        The job's priority before; seconds of its delay (or of the tube's pause) that were left; its ttr.
    target : str or None
        The tube that a move or copy puts into; the number of the line that an import reads.
    body : bytes or None
        The job's body, where undo needs it and the configuration allows it.
    created : float or None
        When the job was put, in seconds since 1970.
    digest : str or None
        A digest of the job's body.
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

    @property
    def put_into(self) -> str | None:
        """The tube of the job that was put for it."""
        return self.tube if self.action == "import" else self.target or self.tube


class Fate(NamedTuple):
    """What became of one action.

    Attributes
    ----------
    outcome : str
        One of `OUTCOMES`.
    error : str or None
        Why it was not done.
    new_id : int or None
        Id of the job that was put or reserved.
    jobs : int
        How many jobs an action on a tube moved.
    """

    outcome: str
    error: str | None = None
    new_id: int | None = None
    jobs: int = 1


UNKNOWN = Fate("unknown")


class Entry(NamedTuple):
    """One action of a run, as the journal has it: its place in the run, when it was begun and when it was settled."""

    n: int
    time: datetime
    intent: Intent
    fate: Fate
    settled: datetime | None = None


class Need(NamedTuple):
    """That a run needs a tube of a server process to stay paused."""

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
    done: int
    skipped: int
    failed: int
    unknown: int


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
    """Return a name for a run that begins now; names sort by time."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def action_of(run: RunRow, entry: Entry) -> Action:
    """Return an entry of the journal as users see it."""
    intent, fate = entry.intent, entry.fate
    puts = intent.job_id is None and fate.new_id is not None
    return Action(
        entry.time, run.id, run.server, run.actor, run.source, intent.action, intent.tube,
        fate.new_id if puts else intent.job_id, intent.state_before, intent.priority, intent.delay,
        fate.outcome, fate.error, run.reason, run.instance, fate.new_id, fate.jobs,
    )  # fmt: skip
