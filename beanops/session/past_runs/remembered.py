"""Jobs from entries of the journal: those that were acted on, and new jobs that were put for them; families of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.jobs.identity import JobRef, agree, digest_of
from beanops.jobs.read import FoundJob
from beanops.journal.records import Entry, Intent, RunRow
from beanops.protocol import JobStats

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: Why an action is skipped on a job that a predicate cannot be evaluated on.
CANNOT_JUDGE = "its body is not in the journal or was not decoded, and the predicate reads it"
#: Actions that may give a job a new id.
_GIVES_AN_ID = ("restore", "move", "edit", "release")


def acted_on(row: RunRow, entry: Entry) -> JobRef:
    """Return the job that an action changed."""
    intent = entry.intent
    # The entry was recorded after the lookup and before the action.
    created = None if intent.created is None else (intent.created, max(intent.created, entry.time.timestamp()))
    return JobRef(intent.job_id or 0, row.instance, intent.tube, created, _digest(entry))


def left_behind(row: RunRow, entry: Entry) -> JobRef:
    """Return the job that an action left: the new one if it put one, otherwise the job itself."""
    new = entry.fate.new_id
    if new is None or entry.intent.action == "reserve":
        return acted_on(row, entry)
    begun, settled = entry.time.timestamp(), (entry.settled or entry.time).timestamp()
    instance = row.request.get("server_instance", row.instance)
    body = entry.intent.new_body
    digest = _digest(entry) if body is None else digest_of(body)
    return JobRef(new, instance, entry.intent.put_into, (begun, settled), digest)


def _digest(entry: Entry) -> str | None:
    intent = entry.intent
    return digest_of(intent.body) if intent.digest is None and intent.body is not None else intent.digest


class Successors:
    """As which jobs others went on: those that were moved, or deleted and put again, since a run began."""

    def __init__(self, journal: Journal, row: RunRow) -> None:
        # For each id the steps of jobs that had it, oldest first, as (place among all steps, from, to).
        self._steps: dict[int, list[tuple[int, JobRef, JobRef]]] = {}
        place = 0
        for later in reversed(journal.runs(row.server)):
            if later.action in ("undo", *_GIVES_AN_ID) and later.time >= row.time:
                for entry in journal.entries(later.id):
                    intent, new = entry.intent, entry.fate.new_id
                    if intent.action in _GIVES_AN_ID and entry.fate.outcome == "done" and intent.job_id and new:
                        place += 1
                        step = place, acted_on(later, entry), left_behind(later, entry)
                        self._steps.setdefault(intent.job_id, []).append(step)

    def of(self, job: JobRef) -> list[JobRef]:
        """Return all that a job was known as, as what it is known now last."""
        known, last = [job], 0
        while step := self._next(known[-1], last):
            last, _, after = step
            known.append(after)
        return known

    def _next(self, job: JobRef, since: int) -> tuple[int, JobRef, JobRef] | None:
        steps = self._steps.get(job.id, ())
        return next((step for step in steps if step[0] > since and agree(step[1], job)), None)


def family(journal: Journal, row: RunRow) -> list[RunRow]:
    """Return a run with the runs that it resumed and those that resumed it, oldest first."""
    runs = {one.id: one for one in reversed(journal.runs(row.server))}

    def root(one: RunRow) -> str:
        while one.request.get("resumes") in runs:
            one = runs[one.request["resumes"]]
        return one.id

    return [one for one in runs.values() if root(one) == root(row)]


def job_before(intent: Intent) -> FoundJob:
    """Return the job before an action, as far as the journal has it."""
    priority = intent.priority_before if intent.priority_before is not None else intent.priority
    stats = JobStats(
        intent.job_id or 0,
        intent.tube or "",
        intent.state_before or "ready",
        priority or 0,
        0,
        (intent.delay if intent.delay_before is None else intent.delay_before) or 0,
        intent.ttr or 0,
        intent.time_left or 0,
        *(0,) * 6,
    )
    return FoundJob(stats, intent.body, seen=intent.created or 0.0)
