"""The comparison of two jobs: the statistics that differ, and a diff of their bodies."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from beanops.jobs.read import FoundJob
from beanops.protocol.errors import BeanopsError
from beanops.text import safe_text, span
from beanops.tui import keys
from beanops.tui.bodies.forms import decoded, difference
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.line import Line, Part

_FIELDS = ("tube", "state", "priority", "age", "delay", "ttr", "reserves", "timeouts", "releases", "buries", "kicks")


class Pair(Message):
    """The result of reading both jobs, None for one that no longer exists; or an error."""

    def __init__(self, jobs: list[FoundJob | None], error: str = "") -> None:
        super().__init__()
        self.jobs = jobs
        self.error = error


class Compare(FullScreen):
    """Two jobs.

    Parameters
    ----------
    one, other : int
        Their ids.
    """

    TITLE = "Compare"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BACK]

    def __init__(self, one: int, other: int) -> None:
        super().__init__()
        self._ids = one, other

    def body(self) -> ComposeResult:
        """Yield the title, the statistics that differ, and the bodies."""
        yield Line(id="title")
        yield Line(id="differs", grows=True)
        yield BodyView(id="body")

    def on_mount(self) -> None:
        """Read both."""
        one, other = self._ids
        title = [
            ("compare ", "$muted"),
            (f"− job {one}", "bold $buried"),
            ("  ", ""),
            (f"+ job {other}", "bold $ready"),
        ]
        self.query_one("#title", Line).say(title)
        self.query_one(BodyView).focus()
        self._read()

    @work(thread=True, exit_on_error=False, group="read")
    def _read(self) -> None:
        try:
            self.post_message(Pair(list(self.host.session._lookups.jobs_by_id(self._ids))))
        except BeanopsError as error:
            self.post_message(Pair([], str(error)))

    @on(Pair)
    def _compare(self, pair: Pair) -> None:
        if pair.error:
            self.host.say(safe_text(pair.error), False)
            return
        one, other = jobs = pair.jobs
        line = self.query_one("#differs", Line)
        if one is None or other is None:
            gone = [str(id) for id, job in zip(self._ids, jobs, strict=True) if job is None]
            line.say([(f"job {' and '.join(gone)} no longer exists (deleted, or finished by a worker)", "$muted")])
            return
        line.say(_differing(one, other) or [("equal statistics", "$muted")])
        names = f"job {one.id}", f"job {other.id}"
        before, after = (decoded(self.host.session, job.body or b"") for job in (one, other))
        self.query_one(BodyView).show(difference(before, after, names))

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()


def _differing(one: FoundJob, other: FoundJob) -> list[Part]:
    parts: list[Part] = []
    for field in _FIELDS:
        values = [getattr(job.stats, field) for job in (one, other)]
        if values[0] != values[1]:
            before, after = (
                span(value) if field in ("age", "delay", "ttr") else safe_text(str(value), limit=40) for value in values
            )
            parts += [(f"{field} ", "$muted"), (before, "$buried"), (" → ", "$muted"), (after, "$ready"), ("  ", "")]
    return parts
