"""What is known of a job, in lines: its error, its state and body, its counts, and its `Timeline`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from beanops.jobs.bodies.errors import error_line, find_error
from beanops.protocol import JobStats
from beanops.protocol.states import STATES
from beanops.session.investigation.job_events import JobEvent
from beanops.text import plural, safe_text, span
from beanops.tui.bodies.forms import Body
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.line import Part
from beanops.ui.formatting import moment


def error_of(body: Body | None) -> list[Part]:
    """Return the error that a body says; nothing where it says none."""
    error = find_error(body.data) if body is not None and isinstance(body.data, dict | list) else None
    return [] if error is None else [("✖ ", "bold $buried"), (safe_text(error_line(error)), "bold $buried")]


#: Shown of a job that nothing is known of.
GONE = "no longer exists (deleted, or finished by a worker)"


def identity(
    id: int, stats: JobStats | None, body: Body | None, *, held: bool, passed: float = 0, ended_by: str = ""
) -> list[Part]:
    """Return id, state with the time left, and kind of body.

    `passed` are the seconds since the look, `ended_by` is the action of this session that deleted or moved the job.
    """
    parts: list[Part] = [("job ", "$muted"), (str(id), "bold $primary"), ("  ", "")]
    if stats is None:
        gone = f"no longer exists: your {ended_by} ended it; undo puts it again" if ended_by else GONE
        parts.append((gone, "bold" if ended_by else "$muted"))
    else:
        holder = " by you" if held else ""
        parts += [(f"{safe_text(stats.state)}{holder}", f"bold ${stats.state}" if stats.state in STATES else "")]
        if stats.time_left:
            what = "times out in" if stats.state == "reserved" else "ready in"
            parts.append((f" ({what} {span(stats.time_left - passed)})", "$muted"))
    if body is not None:
        size = len(body.raw) if body.size is None else body.size
        parts += [("  ", ""), (plural(size, "byte"), ""), (f"  {safe_text(body.kind)}", "$muted")]
    return parts


def history(stats: JobStats, passed: float = 0) -> list[Part]:
    """Return its settings and counts; `passed` seconds since the look."""
    facts = {
        "priority": str(stats.priority),
        "age": span(stats.age + passed),
        "ttr": span(stats.ttr),
        "delay": span(stats.delay) if stats.delay else "0",
        **{field: str(getattr(stats, field)) for field in ("reserves", "timeouts", "releases", "buries", "kicks")},
    }
    parts: list[Part] = []
    for name, value in facts.items():
        parts += [(f"{name} ", "$muted"), (value, "" if value != "0" else "$muted"), ("  ", "")]
    return parts


class Timeline(BodyView):
    """What has happened to a job, the newest first; it scrolls."""

    def show_events(self, events: Sequence[JobEvent], now: datetime) -> None:
        """Show events; those of today without their day."""
        lines = [_line(event, now) for event in reversed(events)]
        self.show(Body(b"", "timeline", "\n".join(lines)))


def _line(event: JobEvent, now: datetime) -> str:
    when = moment(event.time, 8) if event.time.date() == now.date() else f"{event.time:%m-%d %H:%M}"
    return safe_text(f"{when}  {event.event}  {event.about}".rstrip())
