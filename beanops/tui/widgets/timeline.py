"""`Timeline`: what has happened to a job, the newest first; it scrolls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from beanops.session.investigation.job_events import JobEvent
from beanops.text import safe_text
from beanops.tui.body_forms import Body
from beanops.tui.widgets.body import BodyView
from beanops.ui.formatting import moment


class Timeline(BodyView):
    """The events of one job."""

    def show_events(self, events: Sequence[JobEvent], now: datetime) -> None:
        """Show events; those of today without their day."""
        lines = [_line(event, now) for event in reversed(events)]
        self.show(Body(b"", "timeline", "\n".join(lines)))


def _line(event: JobEvent, now: datetime) -> str:
    when = moment(event.time, 8) if event.time.date() == now.date() else f"{event.time:%m-%d %H:%M}"
    return safe_text(f"{when}  {event.event}  {event.about}".rstrip())
