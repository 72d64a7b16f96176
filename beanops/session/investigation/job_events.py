"""`JobEvent`: what happened to one job; and what its counters show of the time between two looks. It sends nothing."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from beanops.journal.records import Action
from beanops.protocol import JobStats
from beanops.session.execution.verbs import ALL
from beanops.text import span

#: What a counter of a job says has happened.
_COUNTERS = {
    "kicks": "kicked",
    "reserves": "reserved",
    "timeouts": "timed out",
    "releases": "released",
    "buries": "buried",
}
#: The counters that an action of beanops adds to, at most once each.
_ADDS = {
    "kick": ("kicks",),
    "bury": ("reserves", "buries"),
    "release": ("reserves", "releases"),
    "reserve": ("reserves",),
    "move": ("reserves",),
    "edit": ("reserves",),
    "delete": ("reserves",),
}
#: The state that each event ends in, where it ends in one.
_ENDS = {"reserved": "reserved", "buried": "buried", "kicked": "ready", "timed out": "ready"}
#: Actions after which a job is gone, by what they put in its place.
REMOVES = ("delete", "move", "edit")


class JobEvent(NamedTuple):
    """One event in the life of a job.

    Attributes
    ----------
    time : datetime
        When it happened, or when beanops saw it, UTC.
    event : str
        What happened: ``"put"``, ``"reserved"``, ``"released"``, ``"timed out"``, ``"buried"``, ``"kicked"``,
        ``"ready"``, ``"touched"``, ``"priority"``, ``"seen"``, ``"restart"``, ``"connection"``, the name of an action
        of beanops, or ``"gone"``.
    times : int
        How often, since the job was last seen.
    state : str or None
        The job's state then; None where it is not known.
    run, actor, source, outcome, reason : str or None
        The run of beanops that did it, its user and face, its outcome and reason; None for what others did.
    text : str
        More about it, in words.
    """

    time: datetime
    event: str
    times: int = 1
    state: str | None = None
    run: str | None = None
    actor: str | None = None
    source: str | None = None
    outcome: str | None = None
    reason: str | None = None
    text: str = ""

    @property
    def about(self) -> str:
        """What it says beside its name and time, in words."""
        parts = []
        if self.times > 1:
            parts.append(f"{self.times:,} times")
        if self.run is not None and self.event != "gone":
            parts.append(f"{self.outcome} by {self.actor}, run {self.run}")
        elif self.state is not None and self.state != self.event:
            parts.append(f"now {self.state}" if self.event != "seen" else self.state)
        parts.append(self.text)
        if self.reason:
            parts.append(f"({self.reason})")
        return "  ".join(filter(None, parts))


def of_action(action: Action) -> JobEvent:
    """Return an action of the journal as an event."""
    parts = [action.error or ""]
    if action.action in REMOVES[1:] and action.new_id is not None:
        parts.append(f"as job {action.new_id}")
    if action.action == "release" and action.delay:
        parts.append(f"for {span(action.delay)}")
    return JobEvent(
        action.time,
        action.action,
        state=action.state_before,
        run=action.run,
        actor=action.actor,
        source=action.source,
        outcome=action.outcome,
        reason=action.reason,
        text=", ".join(filter(None, parts)),
    )


def added_by(action: Action) -> Counter[str]:
    """Return the counters that an action of beanops may have added to."""
    return Counter() if action.outcome in ("skipped", "failed") else Counter(_ADDS.get(action.action, ()))


def first_look(job: JobStats, at: datetime) -> JobEvent:
    """Return how a job is when it is first seen."""
    counts = (f"{name} {number:,}" for name in _COUNTERS if (number := getattr(job, name)))
    return JobEvent(at, "seen", state=job.state, text=", ".join([f"priority {job.priority}", *counts, *_left(job)]))


def _left(job: JobStats) -> list[str]:
    if job.state == "delayed":
        return [f"ready in {span(max(0, job.time_left))}"]
    if job.state == "reserved":
        overdue = f"overdue for {span(-job.time_left)}" if job.time_left < 0 else f"{span(job.time_left)} left"
        return [overdue]
    return []


def changes(before: JobStats, after: JobStats, at: datetime, known: Counter[str]) -> list[JobEvent]:
    """Return what happened between two looks at a job, as far as its counters and its state tell.

    Parameters
    ----------
    before, after : JobStats
        The two looks.
    at : datetime
        When the second one was.
    known : Counter
        What actions in the journal may have added to the counters in between.
    """
    found = []
    for name, event in _COUNTERS.items():
        grown = getattr(after, name) - getattr(before, name)
        if (others := grown - min(known[name], grown)) > 0:
            found.append(JobEvent(at, event, others, _ENDS.get(event), text=_more(event, after)))
    if after.state == "reserved":  # it is reserved now, so this was the last of them
        found.sort(key=lambda one: one.event == "reserved")
    elif before.state not in ("buried", "delayed"):  # it was kicked after it came there
        found.sort(key=lambda one: one.event == "kicked" and after.state == "ready")
    if found and not any(known.values()):
        found[-1] = found[-1]._replace(state=after.state)
    if not found and after.state != before.state and not any(known.values()):
        found.append(JobEvent(at, after.state, state=after.state, text=_why(before, after)))
    touched = after.time_left > before.time_left and after.reserves == before.reserves
    if before.state == after.state == "reserved" and touched:
        found.append(JobEvent(at, "touched", state="reserved", text=f"{span(after.time_left)} left"))
    if after.priority != before.priority:
        found.append(JobEvent(at, "priority", state=after.state, text=f"from {before.priority} to {after.priority}"))
    return found


def _more(event: str, after: JobStats) -> str:
    if event == "released" and after.state == "delayed":
        return f"for {span(after.delay)}"
    if event == "reserved" and after.state == "reserved":
        return f"{span(max(0, after.time_left))} left"
    return ""


def _why(before: JobStats, after: JobStats) -> str:
    """Return why a state changed that no counter explains."""
    match before.state, after.state:
        case "delayed", "ready":
            return "its delay is over"
        case "reserved", "ready":
            return "the connection of its worker ended"
        case "invalid", _:
            return "its body has arrived"
    return f"it was {before.state}"


def removal(action: Action) -> str:
    """Return how an action of beanops removed a job, in words."""
    done = ALL[action.action].done if action.action in ALL else action.action
    new = f" as job {action.new_id}" if action.action != "delete" and action.new_id is not None else ""
    perhaps = "perhaps " if action.outcome == "unknown" else ""
    return f"{perhaps}{done}{new} by run {action.run} of {action.actor}"
