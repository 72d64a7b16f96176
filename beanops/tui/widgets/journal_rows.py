"""The rows of the journal's screens, runs and their actions, with their columns and what they say in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from beanops.journal.records import OUTCOMES, Action, RunRow
from beanops.text import plural, safe_text
from beanops.tui.widgets.columns import Column
from beanops.tui.widgets.line import Part
from beanops.ui.formatting import span
from beanops.ui.runner import LastAction

_SHORT = {"done": "done", "skipped": "skip", "failed": "fail", "unknown": "unkn"}
_STYLES = {"done": "ready", "skipped": "delayed", "failed": "buried", "unknown": "warn"}


class DoneRun(NamedTuple):
    """One run, how many of its actions ended in which outcome, and why it cannot be undone, None where it can."""

    run: RunRow
    counts: dict[str, int]
    lasting: str | None = None

    @property
    def about(self) -> str:
        """What it was asked for, in words."""
        request = self.run.request
        ids, named = request.get("ids"), self.run.named
        parts = [str(request["jobs"])] if "jobs" in request else []
        parts += [str(request["tube"])] if "tube" in request else []
        parts += [str(request["run"])] if "run" in request else []
        if named:
            parts.append(f"job {ids[0]}" if isinstance(ids, list) and named == 1 else plural(named, "job"))
        target = (request.get("settings") or {}).get("target")
        parts += [f"→ {target}"] if target else []
        parts += [f"where {request['where']}"] if request.get("where") else []
        return " ".join(parts)


class DoneAction(NamedTuple):
    """One action, and its place in its run."""

    number: int
    action: Action


def _text(
    title: str,
    width: int,
    narrow: int,
    text: Callable[[Any], str],
    style: Callable[[Any], str] = lambda row: "",
    **more: Any,
) -> Column[Any]:
    return Column(title, title, title, width, narrow, lambda row, width: text(row), text, style, left=True, **more)


def _count(name: str) -> Column[DoneRun]:
    def value(row: DoneRun) -> int:
        return row.counts.get(name, 0)

    return Column(
        name,
        name,
        _SHORT[name],
        8,
        6,
        lambda row, width: f"{value(row):,}" if value(row) else "",
        value,
        lambda row: _STYLES[name],
    )


RUN_COLUMNS: list[Column[DoneRun]] = [
    Column(
        "time",
        "time (UTC)",
        "UTC",
        19,
        14,
        lambda row, width: f"{row.run.time:%Y-%m-%d %H:%M:%S}"[-width:],
        lambda row: row.run.time,
        lambda row: "muted",
        left=True,
    ),
    _text("action", 9, 8, lambda row: row.run.action, lambda row: "strong"),
    *map(_count, OUTCOMES),
    _text("who", 30, 12, lambda row: f"{row.run.actor}, {row.run.source}", spare=1),
    _text("what", 20, 14, lambda row: row.about, grows=True),
]

ACTION_COLUMNS: list[Column[DoneAction]] = [
    Column(
        "time",
        "time (UTC)",
        "UTC",
        10,
        8,
        lambda row, width: f"{row.action.time:%H:%M:%S}",
        lambda row: row.number,
        lambda row: "muted",
        left=True,
    ),
    _text("action", 9, 8, lambda row: row.action.action, lambda row: "strong"),
    _text("outcome", 9, 7, lambda row: row.action.outcome, lambda row: _STYLES[row.action.outcome]),
    Column(
        "job",
        "job",
        "job",
        10,
        8,
        lambda row, width: "" if row.action.id is None else str(row.action.id),
        lambda row: row.action.id,
    ),
    _text(" was", 10, 9, lambda row: f" {row.action.state_before or ''}"),
    _text("tube", 24, 14, lambda row: row.action.tube or ""),
    _text("why not", 20, 20, lambda row: row.action.error or "", lambda row: "muted", grows=True),
]


def sentence(row: DoneRun) -> str:
    """Return a run and its counts, such as ``kick: 3 done``."""
    counts = ", ".join(f"{row.counts[name]:,} {name}" for name in OUTCOMES if row.counts.get(name))
    return f"{row.run.action}: {counts or '0 done'}"


def undoable_of(row: DoneRun) -> LastAction:
    """Return a run as an undo reverts it; an empty value where it cannot."""
    if row.lasting is not None:
        return LastAction(why_not=row.lasting)
    return LastAction((row.run.id,), safe_text(sentence(row)), action=row.run.action, jobs=row.counts.get("done", 0))


def _facts(facts: dict[str, str]) -> list[Part]:
    parts: list[Part] = []
    for name, value in facts.items():
        if value:
            parts += [(f"{name} ", "$muted"), (safe_text(value), ""), ("  ", "")]
    return parts


def about_run(run: RunRow) -> list[Part]:
    """Return which run it was, whose, and why."""
    return _facts(
        {
            "run": run.id,
            "by": f"{run.actor}, {run.source}",
            "undoes": run.undoes or "",
            "because": run.reason or "",
        }
    )


def about_action(action: Action) -> list[Part]:
    """Return what an action set, and why it was not done."""
    facts = {
        "priority": "" if action.priority is None else str(action.priority),
        "delay": "" if not action.delay else span(action.delay),
        "new id": "" if action.new_id is None else str(action.new_id),
    }
    return [*_facts(facts), (safe_text(action.error or ""), "")]
