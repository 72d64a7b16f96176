"""What a page shows of an edit, as JSON, and what a notebook file keeps of it as a table. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beanops.jobs.bodies import redact_body
from beanops.journal.records import Intent
from beanops.notebook.static import StaticTable
from beanops.session.execution.run import Run
from beanops.text import safe_text
from beanops.ui.columns.column import Column
from beanops.ui.edits import difference, what_changes

#: Reasons, lines of a difference, and characters of a line that are shown.
MOST_REASONS, MOST_LINES, MOST_OF_LINE = 8, 80, 400


def shown_edit(plan: Run | None, run: Run | None, secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return an edit for its page: how many jobs it changes, why not the others, and the first ones before and after.

    Parameters
    ----------
    plan : Run or None
        The dry run.
    run : Run or None
        The edit itself, once it is over.
    secrets : sequence of str
        Patterns of keys whose values are hidden besides those that the session hides.
    """
    counted = run or plan
    if plan is None or counted is None:
        return {"counts": [], "reasons": [], "jobs": [], "more": 0}
    left_out = counted.unchanged if run is None else max(counted.unchanged, plan.unchanged)
    counts = [
        ["changed" if run else "to change", counted.done, "done"],
        ["unchanged", left_out, "muted"],
        ["skipped", counted.skipped, "skipped"],
        ["failed", counted.failed + counted.unknown, "failed"],
    ]
    reasons = sorted(counted.reasons.items(), key=lambda reason: -reason[1][0])
    return {
        "counts": counts,
        "reasons": [[safe_text(why), times, safe_text(first)] for why, (times, first) in reasons[:MOST_REASONS]],
        "jobs": [_job(_hidden(intent, secrets)) for intent in plan.sample],
        "more": plan.done - len(plan.sample),
    }


def _hidden(intent: Intent, secrets: Sequence[str]) -> Intent:
    """Return a change with more values of its bodies hidden."""
    old, new = (None if body is None else redact_body(body, secrets) for body in (intent.body, intent.new_body))
    if (old, new) == (intent.body, intent.new_body):
        return intent
    return intent._replace(body=old, new_body=new, digest=None)  # what is hidden may be all that differs


def _job(intent: Intent) -> dict[str, Any]:
    lines = difference(intent)
    shown = [safe_text(line, limit=MOST_OF_LINE) for line in lines[:MOST_LINES]]
    return {
        "id": str(intent.job_id),
        "where": safe_text(f"{intent.state_before} in {intent.tube}"),
        "changes": [safe_text(change.replace("->", "→")) for change in what_changes(intent)],
        "kicked": intent.action == "kick",
        "lines": shown,
        "more": len(lines) - len(shown),
    }


_COLUMNS = (
    Column[dict[str, Any]]("job", "job", lambda job: job["id"], "text"),
    Column[dict[str, Any]]("where", "where", lambda job: job["where"], "text"),
    Column[dict[str, Any]]("change", "change", lambda job: _in_words(job), "text"),
)


def _in_words(job: dict[str, Any]) -> str:
    lines = [line for line in job["lines"] if line[:1] in "+-"]
    return "; ".join([*job["changes"], *(["kicked"] if job["kicked"] else []), *lines])


def static_edit(title: str, shown: dict[str, Any]) -> StaticTable:
    """Return the first changes as a table."""
    jobs = shown.get("jobs", [])
    rows = [tuple(column.value(job) for column in _COLUMNS) for job in jobs]
    return StaticTable(title, _COLUMNS, rows, len(rows) + shown.get("more", 0))
