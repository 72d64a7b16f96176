"""The screen of one job: its statistics, and its body in several forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import NotFound
from beanops.session.files.samples import settings_of
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions import catalogue
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Field, Request, Target
from beanops.tui.body_forms import Body, as_it_came, by_each_decoder, decoded, hexadecimal
from beanops.tui.dialogs.form import Answers, Form
from beanops.tui.download import save
from beanops.tui.screens.base import FullScreen
from beanops.tui.screens.compare import Compare
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.body_tree import BodyTree
from beanops.tui.widgets.job_summary import history, identity
from beanops.tui.widgets.job_table import JobTable
from beanops.tui.widgets.line import Line
from beanops.ui.poller import Live, Look

FORMS: dict[str, Callable[[Session, bytes], Body]] = {
    "data": decoded,
    "tree": decoded,
    "raw": as_it_came,
    "hex": hexadecimal,
}
#: Maximum characters to copy: terminals drop longer texts.
COPIED = 65_536


class Read(Message):
    """The result of reading a job; None if it no longer exists."""

    def __init__(self, id: int, job: FoundJob | None) -> None:
        super().__init__()
        self.id = id
        self.job = job


class JobList(Protocol):
    """The list that a job was opened from."""

    tube: str

    @property
    def table(self) -> JobTable:
        """The jobs."""

    def pair(self, id: int | None) -> tuple[int, int] | None:
        """Return the two jobs to compare."""


class JobScreen(FullScreen):
    """One job.

    Parameters
    ----------
    jobs : JobList
        The list that it was opened from.
    id : int
        The job's id.
    """

    TITLE = "Job"
    topic = "bodies"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.JOB,
        *catalogue.bindings("jobs"),
        *catalogue.bindings("tube"),
        *keys.UNDO,
        *keys.BACK,
    ]

    def __init__(self, jobs: JobList, id: int) -> None:
        super().__init__()
        self._jobs = jobs
        self._form = "data"
        self._reader = 0
        self._turn_to(id)

    def _turn_to(self, id: int) -> None:
        self._job = id
        self._stats: JobStats | None = None
        self._raw: bytes | None = None
        self._hidden_size: int | None = None
        self._gone = False
        self._seen_at = 0.0
        self._body: Body | None = None
        self._readings: list[Body] = []

    def body(self) -> ComposeResult:
        """Yield its statistics and its body."""
        yield Line(id="tube")
        yield Line(id="job")
        yield Line(id="history")
        yield Line(id="form")
        yield BodyView(id="body")
        yield BodyTree(id="tree")

    def on_mount(self) -> None:
        """Show the decoded body, and update ages every second."""
        self.query_one(BodyTree).display = False
        self.query_one(BodyView).focus()
        self.set_interval(1.0, self._show_facts)
        self.host.action_refresh()

    # -- show --------------------------------------------------------------------------------------------------------

    def wanted(self) -> tuple[str, ...]:
        """Return the job's tube."""
        return (self._stats.tube if self._stats else self._jobs.tube,)

    def looking(self) -> Look:
        """Return a look at this job; its body is read once, because bodies never change."""
        id, known = self._job, self._raw is not None

        def look(session: Session) -> Read:
            try:
                if not known:
                    return Read(id, session.job(id))
                (found,) = session._lookups.jobs_by_id([id], bodies=False)
                return Read(id, found)
            except NotFound:
                return Read(id, None)

        return look

    def show(self, live: Live) -> None:
        """Show the job if the look included it."""
        looked = live.looked
        if isinstance(looked, Read) and looked.id == self._job:
            self._gone = looked.job is None
            self._seen_at = self.host.clock()
            if looked.job is not None:
                self._stats = looked.job.stats
                if looked.job.body is not None:
                    self._raw = looked.job.body
                    self._hidden_size = looked.job.size if looked.job.original else None
                    self._show_body()
        self._show_facts()
        self.refresh_offers()

    def restarted(self) -> None:
        """Read the job that has this id now."""
        self._go_to(self._job)

    def _show_facts(self) -> None:
        """Show the statistics, with their current age."""
        stats, live = self._stats, self.host.live
        passed = 0.0 if live.stale else max(0.0, self.host.clock() - self._seen_at)
        held = self._job in live.held and stats is not None and stats.state == "reserved"
        tube = stats.tube if stats is not None else self._jobs.tube
        self.query_one("#tube", Line).say([("tube ", "$muted"), (safe_text(tube), "bold $primary")])
        known = stats if not self._gone else None
        if stats is None and not self._gone:
            return
        self.query_one("#job", Line).say(identity(self._job, known, self._body, held=held, passed=passed))
        self.query_one("#history", Line).say(history(stats, passed) if stats is not None else [])

    def _show_body(self) -> None:
        if self._raw is None:
            return
        tree = self._form == "tree"
        session = self.host.session
        body = self._readings[self._reader - 1] if self._reader else FORMS[self._form](session, self._raw)
        self._body = body = body._replace(size=self._hidden_size)
        view, folded = self.query_one(BodyView), self.query_one(BodyTree)
        focused = view.has_focus or folded.has_focus
        view.display, folded.display = not tree, tree
        view.show(body)
        if tree:
            folded.show(body)
        if focused:
            (folded if tree else view).focus()
        names = [(f" {name} ", "bold $background on $primary" if name == self._form else "$muted") for name in FORMS]
        if self._reader:
            names.append((f" {safe_text(body.kind)}: {self._reader} of {len(self._readings)} ", "bold reverse"))
        self.query_one("#form", Line).say(names)
        self._show_facts()
        self.refresh_offers()

    def action_show_as(self, form: str) -> None:
        """Show the body in another form."""
        self._form, self._reader = form, 0
        self._show_body()

    def action_decoder(self) -> None:
        """Show the body as the next decoder reads it."""
        if self._raw is None:
            return
        if not self._readings:
            self._readings = by_each_decoder(self.host.session, self._raw)
        self._reader = (self._reader + 1) % (len(self._readings) + 1)
        self._form = "" if self._reader else "data"
        self._show_body()

    def action_step(self, step: int) -> None:
        """Go to the next or previous job of the list that it was opened from."""
        table = self._jobs.table
        table.action_cursor(step)
        if table.row is not None and table.row.id != self._job:
            self._go_to(table.row.id)
            self.host.action_refresh()

    def _go_to(self, id: int) -> None:
        """Show another job; nothing of the former one stays on the screen."""
        self._turn_to(id)
        self._form, self._reader = self._form or "data", 0
        self.host.thaw(self)
        self.query_one(BodyView).show(None)
        self.query_one(BodyTree).show(None)
        self.query_one("#job", Line).say([("job ", "$muted"), (str(id), "bold $primary")])
        self.query_one("#history", Line).say([])
        self.refresh_offers()

    # -- take away ---------------------------------------------------------------------------------------------------

    def action_yank(self) -> None:
        """Copy the shown body to the clipboard of the terminal."""
        if self._body is not None:
            text = self._body.text[:COPIED]
            self.app.copy_to_clipboard(text)
            self.host.say(f"copied {plural(len(text), 'character')}, if your terminal supports it")

    def action_save(self) -> None:
        """Save the redacted body: ask for a file, or send it to the browser."""
        if self._raw is None:
            return
        raw = self._raw
        form = decoded(self.host.session, raw).form
        suffix = ("json" if form == "json" else "txt") if raw.isascii() else "bin"
        name = f"job-{self._job}.{suffix}"
        if self.app.is_web:
            save(self.host, name, raw)
            return

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                save(self.host, answers["path"], raw)

        field = Field("path", "File", name, "path")
        self.app.push_screen(Form(f"Save the body of job {self._job}, {plural(len(raw), 'byte')}", (field,)), answered)

    def action_compare(self) -> None:
        """Compare it with the selected job."""
        pair = self._jobs.pair(self._job)
        if pair is None:
            self.host.say("select another job in the list to compare with (space)", done=False)
        else:
            self.app.push_screen(Compare(*pair))

    # -- act ---------------------------------------------------------------------------------------------------------

    def target(self) -> Target | None:
        """Return this job."""
        stats = self._stats
        if self.passive or stats is None:
            return None
        seen = self.host.live.tubes.get(stats.tube)
        if seen is None:
            return None
        # A copy of a redacted body would be another body.
        raw = self._raw if self._hidden_size is None else None
        if self._gone:
            return Target((seen.stats,), body=raw, settings=settings_of(stats))
        state = "held" if stats.state == "reserved" and self._job in self.host.live.held else stats.state
        body = self._body
        sample = f"{stats.state}: {safe_text(body.text, limit=100)}" if body is not None else ""
        return Target((seen.stats,), (self._job,), {state: 1}, (sample,), raw, settings_of(stats))

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Show the job that was put or reserved."""
        if outcome.id is not None and not request.ids:
            self._go_to(outcome.id)
        self.refresh_offers()

    def action_back(self) -> None:
        """Go back to the jobs."""
        self.app.pop_screen()
