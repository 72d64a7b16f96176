"""The screen of one tube: its charts, its jobs as they are found, and the body of the one under the cursor."""

from __future__ import annotations

import gc
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Static

from beanops.jobs.read import FoundJob
from beanops.protocol.errors import BeanopsError
from beanops.session.files.samples import PutSettings, settings_of
from beanops.session.session import Session
from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.actions import catalogue
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import SAMPLE, Request, Target
from beanops.tui.bodies.forms import Body, decoded
from beanops.tui.jobs.breakdown_pane import BreakdownPane
from beanops.tui.screens.body_actions import BodyActions
from beanops.tui.screens.compare import Compare
from beanops.tui.screens.job import JobScreen, Read
from beanops.tui.screens.job_search import TubeLook, look_at
from beanops.tui.screens.narrowed_search import NarrowedSearch
from beanops.tui.widgets.charts import Charts
from beanops.tui.widgets.columns import TALL
from beanops.tui.widgets.job_body import JobBody
from beanops.tui.widgets.job_rows import JobRow
from beanops.tui.widgets.job_summary import history, identity
from beanops.tui.widgets.job_table import JobTable
from beanops.tui.widgets.line import Line, Part, flow
from beanops.tui.widgets.state_tabs import StateTabs
from beanops.tui.widgets.table import RowTable
from beanops.ui.poller import Live, Look

#: The first place of the cursor: on a buried job, else on the next one.
FIRST = ("buried", "held", "ready", "delayed")
#: Shown while the job under the cursor is not in the list.
MISSING = "no longer in the list: move the cursor to another job"
#: Maximum jobs whose new state is asked for after an action; after more of them the search is repeated.
ASKED = 2000


class TubeScreen(BodyActions, NarrowedSearch):
    """One tube.

    Parameters
    ----------
    session : Session
        Redacts bodies.
    tube : str
        Its name.
    job : int or None
        The job of it to open.
    """

    TITLE = "Tube"
    topic = "finding-jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.TUBE,
        *keys.BODY_FORMS,
        *catalogue.bindings(),
        *keys.UNDO,
        *keys.BACK,
    ]

    def __init__(self, session: Session, tube: str, job: int | None = None) -> None:
        super().__init__(session, tube)
        self._first = job
        self._gone = False
        # The cursor goes to the job in the first of these places.
        self._follow: tuple[str, ...] = FIRST
        self._acted: tuple[int, ...] = ()
        self._turn = 0
        self._bodies: dict[int, FoundJob] = {}
        self._reading = False
        self._body: Body | None = None

    def body(self) -> ComposeResult:
        """Yield the counts, the charts, the jobs, and the details of the one under the cursor."""
        yield Line(id="tube")
        yield StateTabs(id="counts")
        yield Line(id="times")
        yield Charts(id="charts")
        with Horizontal(id="search"):
            yield Static("", id="sought", markup=False)
            yield Input(id="seek", compact=True, select_on_focus=False)
        yield BreakdownPane()
        yield Line(id="narrowed")
        yield JobTable(self._reader, self.host.clock, id="heads")
        yield Line(id="job")
        yield Line(id="history")
        yield JobBody(id="preview")

    def on_mount(self) -> None:
        """Ask the server now, and search for jobs."""
        self.query_one("#search").display = False
        self.query_one("#narrowed").display = False
        self.show_columns()
        self.table.focus()
        self.host.action_refresh()
        self._run(self._feed, page=True)
        if self._first is not None:
            self.app.push_screen(JobScreen(self, self._first))

    def on_unmount(self) -> None:
        """Stop the search."""
        self._feed.stop()
        self.end_tail()
        gc.unfreeze()

    # -- show --------------------------------------------------------------------------------------------------------

    def wanted(self) -> tuple[str, ...]:
        """Return this tube."""
        return (self.tube,)

    def looking(self) -> Look:
        """Return a look at this tube and at the jobs on the screen."""
        tube, table, turn = self.tube, self.table, self._turn
        seen = {*table.ids_in_sight(), *self._acted, *([table.row.id] if table.row else [])}
        exists = tube in self.host.live.tubes
        return lambda session: look_at(session, tube, seen, turn, exists=exists)

    def show(self, live: Live) -> None:
        """Show the tube's counts, and its jobs if the look included them."""
        self.table.stale = live.stale
        seen = live.tubes.get(self.tube)
        self._stats = seen.stats if seen else None
        if isinstance(live.looked, TubeLook) and (live.looked.tube, live.looked.turn) == (self.tube, self._turn):
            self._looked(live.looked)
        at = live.survey.at if live.survey is not None else 0.0
        self.query_one(Charts).show(seen, at)
        self._show_counts(live)
        self.show_new()
        self._show_job()

    def restarted(self) -> None:
        """Search again: ids now belong to other jobs."""
        self._turn += 1
        self._acted, self._bodies, self._follow = (), {}, FIRST
        self.table.clear_selection()
        self.table.select(None)
        self.pane.outdate(again=True)
        self._begin(self._feed.wanted, asked=False)

    def _looked(self, look: TubeLook) -> None:
        self._gone = look.gone
        wanted = self._feed.wanted
        # The jobs at the top obey predicate and state too.
        top = {
            id: (place, job)
            for id, (place, job) in look.top.items()
            if not wanted.is_narrow and wanted.state in (None, job.stats.state)
        }
        self.table.update_stats({**look.fresh, **{id: job.stats for id, (_, job) in look.top.items()}})
        self.table.pin(top)
        if self._acted:
            several, self._acted = len(self._acted) > 1, ()
            self.table.prune(here=several)
            self._refilling = True
            self._refill()
        self._go({place: id for id, (place, _) in top.items()})

    def _go(self, places: dict[str, int]) -> None:
        """Put the cursor on the first place that has a job."""
        goal = next((places[place] for place in self._follow if place in places), None)
        if goal is not None:
            self.table.select(goal)
            self._follow = ()

    def _show_counts(self, live: Live) -> None:
        tube, counts = self.query_one("#tube", Line), self.query_one("#counts", StateTabs)
        title: list[Part] = [("tube ", "$muted"), (safe_text(self.tube), "bold $primary")]
        stats, times = self._stats, self.query_one("#times", Line)
        # Only where something is known, and there is room.
        times.display = stats is not None and bool(live.tubes[self.tube].times.jobs) and self.size.height >= TALL
        if stats is None:
            gone = self._gone or live.survey is not None
            tube.say([*title, ("  tube no longer exists (empty and unused)" if gone else "", "$muted")])
            counts.say([])
            return
        if stats.pause_time_left:
            title += [("  ", ""), (f" PAUSED for {span(stats.pause_time_left)} ", "bold $background on $paused")]
        seen = live.tubes[self.tube]
        problems = [one.title for one in seen.problems if one.name != "paused"]
        title += [("  ", ""), (", ".join(problems), "bold $buried")] if problems else []
        rates, reach = flow(seen.rates), f"  {self.query_one(Charts).reach}"
        if sum(len(text) for text, _ in (*title, *rates)) + len(reach) < self.app.size.width - 3:
            title.append((reach, "$muted"))
        tube.say(tube.spread(title, rates))
        lonely = stats.current_jobs_ready and not stats.current_watching
        workers: list[Part] = [
            (plural(stats.current_watching, "worker"), "bold $buried" if lonely else ""),
            (f" ({stats.current_waiting:,} waiting)  {stats.current_using:,} using", "$muted"),
        ]
        tabs = counts.parts(stats, self._feed.wanted.state)
        if sum(len(text) for text, _ in (*tabs, *workers)) > self.app.size.width - 4:
            workers = workers[:1]
        counts.say(counts.spread(tabs, workers))
        times.say([(str(live.tubes[self.tube].times), "$muted")])

    def found(self) -> None:
        """Show the job under the cursor."""
        self._show_job()

    @property
    def body_of(self) -> int | None:
        """The job under the cursor."""
        return self.table.row.id if self.table.row is not None else None

    def _show_tabs(self) -> None:
        if self._stats is not None:
            self._show_counts(self.host.live)

    @on(RowTable.Moved)
    def _show_job(self) -> None:
        row = self.table.row
        self._body = self._body_of(row) if row is not None else None
        job, history_line = self.query_one("#job", Line), self.query_one("#history", Line)
        held = row is not None and row.place == "held"
        if row is None and self.table.lost is not None:
            job.say([("job ", "$muted"), (str(self.table.lost), "bold $primary"), (f"  {MISSING}", "$muted")])
        else:
            job.say(identity(row.id, row.stats, self._body, held=held) if row else [])
        history_line.say(history(row.stats) if row and row.stats else [])
        self.query_one(JobBody).show(self.host.session, self._body)
        self.refresh_offers()
        if row is not None and self.table.at_end and len(self.table.rows) > 1 and not self._feed.wanted.is_narrow:
            self._more()

    def _body_of(self, row: JobRow) -> Body | None:
        raw = row.body
        if raw is None:
            job = self._bodies.get(row.id)
            if job is None:
                # One at a time: scrolling reads only the body where it stops.
                if not self._reading and row.stats is not None:
                    self._reading = True
                    self._read(row.id)
                return None
            raw = job.body or b""
        if self._body is not None and self._body.raw == raw:
            return self._body
        return decoded(self.host.session, raw)._replace(size=row.size)

    @work(thread=True, exit_on_error=False, group="read")
    def _read(self, id: int) -> None:
        """Read a body that is too large to keep in its row."""
        try:
            self.post_message(Read(id, self.host.session.job(id)))
        except BeanopsError:
            self.post_message(Read(id, None))  # the next look shows its state

    def faulted(self) -> None:
        """Read bodies again."""
        self._reading = False

    @on(Read)
    def _was_read(self, read: Read) -> None:
        self._reading = False
        # One that was read before a restart is no longer the job that has its id in the list.
        if read.job is not None and read.job.instance == self.instance:
            self._bodies = {read.id: read.job}
            if self.table.get(read.id) is None and read.job.stats.tube == self.tube:
                self.table.extend([JobRow(read.job, self._reader)])
            self._show_job()

    # -- act ---------------------------------------------------------------------------------------------------------

    def target(self) -> Target | None:
        """Return the selected jobs, else the one under the cursor, and the tube."""
        if self.host.live.stale or self._stats is None:
            return None
        if (chosen := self.chosen_target()) is not None:
            return chosen
        table, row = self.table, self.table.row
        selected = table.selected
        ids = selected or ((row.id,) if row is not None else ())
        states = table.states(ids, self.host.live.held)
        samples = []
        for id in ids[:SAMPLE]:
            known = table.get(id)
            if known is not None:
                samples.append(f"{known.state}: {known.summary}" if len(ids) == 1 else f"{id} {known.summary}")
        # A copy of a redacted body would be another body.
        whole = row is not None and row.stats is not None and row.size is None
        raw = self._body.raw if self._body is not None and whole else None
        settings = settings_of(row.stats) if row is not None and row.stats is not None else PutSettings()
        each = tuple(table.state_of(id, self.host.live.held) for id in ids)
        return Target((self._stats,), ids, states, tuple(samples), raw, settings, each)

    @on(RowTable.SelectionChanged)
    def _selection_changed(self) -> None:
        self.refresh_offers()
        self._show_status()

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Move the cursor to the job that was put or reserved; after other actions it stays on its job."""
        table = self.table
        self._turn += 1
        # Jobs that an undo brought back are found only by another search.
        several = bool(request.selected or request.offer.scope == "runs" or len(request.ids) > ASKED)
        self.pane.outdate(again=several)
        if several:
            self._begin(self._feed.wanted, asked=False)
        else:
            self._acted = request.ids
        # The marks have done their work, also those on jobs that the action left out.
        if request.selected or (request.ids and set(request.ids) <= set(table.selected)):
            table.clear_selection()
        elif outcome.id is not None:
            table.select(outcome.id)
            if table.get(outcome.id) is None:
                self._read(outcome.id)
        self.refresh_offers()

    # -- screens -----------------------------------------------------------------------------------------------------

    def action_open(self) -> None:
        """Open the job under the cursor; in the pane, list only the jobs of the group or with the value."""
        if self.pane.has_cursor:
            self.narrow()
            return
        row = self.table.row
        if row is not None:
            self.app.push_screen(JobScreen(self, row.id))

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    def action_span(self) -> None:
        """Show another time in the charts."""
        self.query_one(Charts).next_span()
        self._show_counts(self.host.live)

    def action_compare(self) -> None:
        """Compare two selected jobs, or the selected one with the one under the cursor."""
        pair = self.pair(self.table.row.id if self.table.row else None)
        if pair is None:
            self.host.say(f"select one or two jobs to compare ({self.host.key_of('selection.select')})", done=False)
        else:
            self.app.push_screen(Compare(*pair))

    def pair(self, id: int | None) -> tuple[int, int] | None:
        """Return the two jobs to compare: those selected, or the selected one and `id`."""
        selected = self.table.selected
        if len(selected) == 2:
            return selected[0], selected[1]
        others = [one for one in selected if one != id]
        return (others[0], id) if id is not None and len(others) == 1 else None

    def action_back(self) -> None:
        """Close the input, leave the body, clear selection, drop text or predicate, or go back to the tubes."""
        if self.query_one(JobBody).scrolling.has_focus:
            self.table.focus()
        elif self.query_one("#search").display:
            self.seek.value = ""
            self._close_search()
        elif self._text:
            self._text = ""
            self.table.keep(None)
            self._show_status()
        elif len(self.table.selection) or self.table.selection.everything:
            self.table.clear_selection()
        elif self.pane.has_cursor:
            self.close_pane()
        elif self.widen():
            pass
        elif self.pane.is_open:
            self.close_pane()
        elif self._feed.wanted.state:
            self.choose_state(None)
        else:
            self.app.pop_screen()
