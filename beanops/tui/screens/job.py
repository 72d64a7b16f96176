"""The screen of one job: its error, its body in several forms, and what has happened to it."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.message import Message

from beanops.jobs.causes import Cause
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import NotFound
from beanops.session.files.samples import settings_of
from beanops.session.investigation.follow import Follow
from beanops.session.investigation.job_events import JobEvent
from beanops.session.investigation.same_cause import CauseCounts, JobsAlike
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.actions import catalogue
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Request, Target
from beanops.tui.bodies.forms import Body, decoded
from beanops.tui.screens.body_actions import BodyActions
from beanops.tui.screens.compare import Compare
from beanops.tui.widgets.job_body import JobBody
from beanops.tui.widgets.job_summary import Timeline, error_of, history, identity
from beanops.tui.widgets.job_table import JobTable
from beanops.tui.widgets.line import Line
from beanops.ui.poller import Live, Look


class Read(Message):
    """The result of reading a job; None if it no longer exists."""

    def __init__(self, id: int, job: FoundJob | None) -> None:
        super().__init__()
        self.id = id
        self.job = job


class AlikeCounted(Message):
    """The jobs with the cause of a job were counted."""

    def __init__(self, id: int, alike: JobsAlike) -> None:
        super().__init__()
        self.id = id
        self.alike = alike


class JobList(Protocol):
    """The list that a job was opened from."""

    tube: str

    @property
    def table(self) -> JobTable:
        """The jobs."""

    def pair(self, id: int | None) -> tuple[int, int] | None:
        """Return the two jobs to compare."""

    def list_alike(self, cause: Cause, state: str) -> None:
        """List only the jobs with a cause that are in a state."""


class JobScreen(BodyActions):
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
        self._counts: CauseCounts | None = None
        self._counting = False
        self._turn_to(id)

    def _turn_to(self, id: int) -> None:
        self._job = id
        self._stats: JobStats | None = None
        self._raw: bytes | None = None
        self._hidden_size: int | None = None
        self._gone = False
        # The action of this session that deleted or moved it.
        self._ended_by = ""
        self._seen_at = 0.0
        self._decoded: Body | None = None
        self._follow: Follow | None = None
        self._events: list[JobEvent] = []
        self._alike: JobsAlike | None = None

    def body(self) -> ComposeResult:
        """Yield the place, the error, the statistics, the body, and what has happened to the job."""
        yield Line(id="tube")
        yield Line(id="error", grows=True)
        yield Line(id="job")
        with Container(id="parts"):
            yield JobBody(id="job-body")
            with Vertical(id="side"):
                yield Line(id="history")
                yield Timeline(id="timeline")
                yield Line(id="alike")

    def on_mount(self) -> None:
        """Read the job, and update ages every second."""
        self.query_one("#error").display = False
        self.query_one(JobBody).scrolling.focus()
        self.set_interval(1.0, self._show_facts)
        self.host.action_refresh()

    # -- show --------------------------------------------------------------------------------------------------------

    def wanted(self) -> tuple[str, ...]:
        """Return the job's tube."""
        return (self._stats.tube if self._stats else self._jobs.tube,)

    def looking(self) -> Look:
        """Return a look at this job; its body is read once, because bodies never change."""
        id, known, events = self._job, self._raw is not None, self._events
        follow = self._follow = self._follow or Follow(self.host.session._context, id, unwanted=lambda: True)

        def look(session: Session) -> Read:
            try:
                events.extend(follow.news())
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
                before, self._stats = self._stats, looked.job.stats
                if looked.job.body is not None:
                    self._raw = looked.job.body
                    self._hidden_size = looked.job.size if looked.job.original else None
                    self._show_body()
                if before is None or before.state != self._stats.state:
                    self._count_cause()
            self.query_one(Timeline).show_events(self._events, self.host.now())
        self._show_facts()
        self.refresh_offers()

    def restarted(self) -> None:
        """Read the job that has this id now."""
        self._counts = None
        self._go_to(self._job)

    def _show_facts(self) -> None:
        """Show the statistics, with their current age."""
        stats, live = self._stats, self.host.live
        passed = 0.0 if live.stale else max(0.0, self.host.clock() - self._seen_at)
        held = self._job in live.held and stats is not None and stats.state == "reserved"
        tube = stats.tube if stats is not None else self._jobs.tube
        place, line = self._jobs.table.position(self._job), self.query_one("#tube", Line)
        parts = [
            ("tube ", "$muted"),
            (safe_text(tube), "bold $primary"),
            (" › job ", "$muted"),
            (str(self._job), "bold"),
        ]
        line.say(line.spread(parts, [(f"{place}  n N" if place else "", "$muted")]))
        known = stats if not self._gone else None
        if stats is None and not self._gone:
            return
        shown, ended_by = self.query_one(JobBody).shown, self._ended_by if self.undoable().runs else ""
        parts = identity(self._job, known, shown, held=held, passed=passed, ended_by=ended_by)
        self.query_one("#job", Line).say(parts)
        self.query_one("#history", Line).say(history(stats, passed) if stats is not None else [])

    def _show_body(self) -> None:
        """Show a body that was read, and the error that it says."""
        if self._raw is not None:
            self._decoded = decoded(self.host.session, self._raw)._replace(size=self._hidden_size)
        self.query_one(JobBody).show(self.host.session, self._decoded)
        error = self.query_one("#error", Line)
        error.say(error_of(self._decoded))
        error.display = bool(error_of(self._decoded))

    @property
    def body_of(self) -> int:
        """The job."""
        return self._job

    def form_changed(self) -> None:
        """Say what the body is in this form."""
        self._show_facts()

    def action_step(self, step: int) -> None:
        """Go to the next or previous job of the list that it was opened from."""
        table = self._jobs.table
        table.action_cursor(step)
        if table.row is not None and table.row.id != self._job:
            self._go_to(table.row.id)
            self.host.action_refresh()
        else:
            self.host.say(f"no {'next' if step > 0 else 'previous'} job in the list", False)

    def _go_to(self, id: int) -> None:
        """Show another job; nothing of the former one stays on the screen."""
        self._turn_to(id)
        self.host.thaw(self)
        self._show_body()
        self.query_one(Timeline).show_events((), self.host.now())
        self.query_one("#job", Line).say([("job ", "$muted"), (str(id), "bold $primary")])
        for name in ("#history", "#alike"):
            self.query_one(name, Line).say([])
        self._show_facts()
        self.refresh_offers()

    # -- jobs with the same cause --------------------------------------------------------------------------------------

    def _count_cause(self) -> None:
        """Count the jobs with the cause of this one, unless a count is under way."""
        stats, raw = self._stats, self._raw
        if stats is None or raw is None or self._counting:
            return
        if self._counts is None or self._counts.place != (stats.tube, stats.state):
            session = self.host.session
            self._counts = CauseCounts(session._context, session._lookups, stats.tube, stats.state)
        self._counting = True
        self._count_alike(self._job, raw, self._counts)

    @work(thread=True, exit_on_error=False, group="alike")
    def _count_alike(self, id: int, raw: bytes, counts: CauseCounts) -> None:
        self.post_message(AlikeCounted(id, counts.alike(raw)))

    @on(AlikeCounted)
    def _alike_counted(self, counted: AlikeCounted) -> None:
        self._counting = False
        if counted.id != self._job:  # another job was chosen in the meantime
            self._count_cause()
            return
        self._alike = counted.alike
        hint = [("  G", "bold $primary"), (" lists them", "$muted")] if counted.alike.others else []
        self.query_one("#alike", Line).say([(counted.alike.words, "bold" if hint else "$muted"), *hint])

    def faulted(self) -> None:
        """Count again for the next job."""
        self._counting = False

    def action_groups(self) -> None:
        """List the jobs with the cause of this one."""
        if self._alike is None or self._counts is None:
            self.host.say("the jobs with this error are not counted yet", False)
            return
        self.app.pop_screen()
        self._jobs.list_alike(self._alike.cause, self._counts.place[1])

    def action_compare(self) -> None:
        """Compare it with the selected job."""
        pair = self._jobs.pair(self._job)
        if pair is None:
            self.host.say(
                f"select another job in the list to compare with ({self.host.key_of('selection.select')})", done=False
            )
        else:
            self.app.push_screen(Compare(*pair))

    # -- act ---------------------------------------------------------------------------------------------------------

    def target(self) -> Target | None:
        """Return this job."""
        stats = self._stats
        if self.host.live.stale or stats is None:
            return None
        seen = self.host.live.tubes.get(stats.tube)
        if seen is None:
            return None
        # A copy of a redacted body would be another body.
        raw = self._raw if self._hidden_size is None else None
        if self._gone:
            return Target((seen.stats,), body=raw, settings=settings_of(stats))
        state = "held" if stats.state == "reserved" and self._job in self.host.live.held else stats.state
        body = self._decoded
        sample = f"{stats.state}: {safe_text(body.text, limit=100)}" if body is not None else ""
        return Target((seen.stats,), (self._job,), {state: 1}, (sample,), raw, settings_of(stats))

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Show the job that was put or reserved, and count jobs with its cause again."""
        self._counts = None
        if self._job in request.ids and outcome.results.undoable:
            self._ended_by = request.offer.name
        if outcome.id is not None and (not request.ids or request.offer.name == "edit"):
            self._go_to(outcome.id)
        self.refresh_offers()

    def action_back(self) -> None:
        """Go back to the jobs."""
        self.app.pop_screen()
