"""What the page shows of one job that a user opened: its error, its numbers, and what its body has. No widgets."""

from __future__ import annotations

from itertools import islice
from typing import Any

from beanops.jobs.bins.body_values import written
from beanops.jobs.bodies import Decoded
from beanops.jobs.bodies.errors import error_line, find_error
from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.bodies.summary import job_class
from beanops.jobs.read import FoundJob
from beanops.notebook.shown_rows import cut
from beanops.notebook.widgets.body import MOST_FIELDS, ShownBody, leaves
from beanops.session.session import Session
from beanops.text import plural, safe_text, span

#: Characters of a value in the list of fields, and of a value that can be chosen.
_SHOWN, _CHOSEN = 400, 100


def opened_job(session: Session, job: FoundJob) -> ShownBody:
    """Return what is shown of a job."""
    decoded, stats = session._context.decode(job.body or b""), job.stats
    error = find_error(decoded.data) if isinstance(decoded.data, dict | list) else None
    named = job_class(decoded.data)
    form = ", ".join(decoded.chain) or "raw"
    title = [f"job {job.id}", *([safe_text(named, limit=80)] if named else []), f"{plural(job.size, 'byte')} {form}"]
    counts = ("reserves", "timeouts", "releases", "buries", "kicks")
    facts = [
        ("tube", safe_text(stats.tube)),
        ("age", span(stats.age)),
        ("priority", f"{stats.priority:,}"),
        ("ttr", span(stats.ttr)),
        *([("delay", span(stats.delay))] if stats.delay else []),
        *([("time left", span(stats.time_left))] if stats.time_left else []),
        *((name, f"{number:,}") for name in counts if (number := getattr(stats, name))),
    ]
    return ShownBody(
        id=str(job.id),
        title=" · ".join(title),
        state=stats.state,
        error=safe_text(error_line(error), limit=1000) if error is not None else "",
        facts=tuple(facts),
        fields=tuple(_fields(decoded)),
        text=cut(decoded.text),
        notes="; ".join(safe_text(note, limit=200) for note in decoded.notes),
    )


def _fields(decoded: Decoded) -> list[tuple[str, str, str | None]]:
    if not isinstance(decoded.data, dict):
        return []
    return [_field(path, value) for path, value in islice(leaves(decoded.data), MOST_FIELDS)]


def _field(path: tuple[str | int, ...], value: Any) -> tuple[str, str, str | None]:
    spelled = safe_text(spell_path(path), limit=200)
    if value is None or isinstance(value, dict | list):
        return spelled, "null" if value is None else "{}" if isinstance(value, dict) else "[]", None
    text = written(value)
    return spelled, safe_text(text, limit=_SHOWN), text if len(text) <= _CHOSEN and safe_text(text) == text else None
