"""The details of a run and of an action, in words."""

from __future__ import annotations

from collections.abc import Sequence

from beanops.journal.journal import Journal
from beanops.journal.records import OUTCOMES, Action, RunRow
from beanops.session.execution.undoable import lasting
from beanops.text import safe_text, span
from beanops.tui.widgets.line import Part
from beanops.ui.columns.journal import DoneRun
from beanops.ui.runner import LastAction


def done_runs(journal: Journal, server: str, runs: Sequence[RunRow]) -> tuple[DoneRun, ...]:
    """Return runs on a server with their counts, and why those that cannot be undone cannot."""
    counts, why = journal.counts(run.id for run in runs), lasting(journal, runs, server)
    return tuple(DoneRun(run, counts[run.id], why[run.id]) for run in runs)


def sentence(row: DoneRun) -> str:
    """Return a run and its counts, such as ``kick: 3 done``."""
    counts = ", ".join(f"{row.counts[name]:,} {name}" for name in OUTCOMES if row.counts.get(name))
    return f"{row.run.action}: {counts or '0 done'}"


def undoable_of(row: DoneRun) -> LastAction:
    """Return a run as an undo reverts it; an empty value where it cannot."""
    if row.lasting is not None:
        return LastAction(why_not=row.lasting)
    return LastAction((row.run.id,), row.run.action, row.counts.get("done", 0))


def _facts(facts: dict[str, str]) -> list[Part]:
    parts: list[Part] = []
    for name, value in facts.items():
        if value:
            parts += [(f"{name} ", "$muted"), (safe_text(value), ""), ("  ", "")]
    return parts


def about_run(run: RunRow) -> list[Part]:
    """Return a run's id, actor and reason."""
    return _facts(
        {
            "run": run.id,
            "by": f"{run.actor}, {run.source}",
            "undoes": run.undoes or "",
            "because": run.reason or "",
        }
    )


def about_action(action: Action) -> list[Part]:
    """Return the values that an action set, and its error."""
    facts = {
        "priority": "" if action.priority is None else str(action.priority),
        "delay": "" if not action.delay else span(action.delay),
        "new id": "" if action.new_id is None else str(action.new_id),
    }
    return [*_facts(facts), (safe_text(action.error or ""), "")]
