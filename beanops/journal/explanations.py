"""Explanations of empty results: no runs on a server, or a run with nothing to undo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from beanops.journal.records import RunRow
from beanops.text import plural

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: Maximum number of servers in a message, and of actions read for the most common reason.
_NAMED, _LOOKED_AT = 10, 1000


def no_runs_on(journal: Journal, server: str | Sequence[str]) -> str | None:
    """Return a sentence that names the servers with runs, where these have none; None where one has some."""
    runs, wanted = journal.servers(), [server] if isinstance(server, str) else server
    if any(name in runs for name in wanted):
        return None
    if not runs:
        return f"the journal at {journal.where} has no runs yet"
    named = [f"{name} ({plural(count, 'run')})" for name, count in runs.most_common(_NAMED)]
    more = f" and {len(runs) - _NAMED:,} more" if len(runs) > _NAMED else ""
    return f"the journal at {journal.where} has no runs on {', '.join(wanted)}; it has some on {', '.join(named)}{more}"


def nothing_to_undo(journal: Journal, row: RunRow, where: str | None = None) -> str:
    """Return a sentence that says why undoing a run, or its jobs that match `where`, has nothing to do."""
    counts = journal.counts([row.id])[row.id]
    if counts["done"] or counts["unknown"]:
        return f"run {row.id} acted on no job that matched before: {where}" if where else f"run {row.id} left nothing"
    if not counts:
        return f"run {row.id} did nothing: it found no jobs, or ended before it acted"
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
    reasons: Counter[str] = Counter()
    first: dict[str, str] = {}
    for entry in journal.entries(row.id, stop=_LOOKED_AT):
        reason, intent = entry.fate.error or "", entry.intent
        reasons[reason] += 1
        first.setdefault(reason, f"tube {intent.tube}" if intent.job_id is None else f"job {intent.job_id}")
    ((reason, _),) = reasons.most_common(1)
    return f"run {row.id} did nothing: {outcomes}" + (f" ({first[reason]}: {reason})" if reason else "")
