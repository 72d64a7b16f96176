"""The screen of one tube: its counts, its jobs in sight, the body of the one under the cursor, and what can be done."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.monitor.rates import UNKNOWN
from beanops.protocol import JobStats, TubeStats
from beanops.text import safe_text
from beanops.tui import columns, keys, offers
from beanops.tui.body import BodyView
from beanops.tui.columns import JobRow
from beanops.tui.dialogs import Ask, Confirm
from beanops.tui.heads import Body, TubeLook, look_at
from beanops.tui.offers import OFFERS, Outcome, Request, Target
from beanops.tui.table import Table
from beanops.tui.view import STATES, Line, Part, View, by_state, flow
from beanops.tui.watch import Live, Look
from beanops.tui.words import plural, span

#: Where the cursor is put at first: on what is stuck, then on what comes next.
FIRST = ("buried", "held", "ready", "delayed")


class JobTable(Table[JobRow]):
    """The jobs in sight."""


class TubeScreen(View):
    """One tube.

    Parameters
    ----------
    tube : str
        Its name.
    """

    TITLE = "Tube"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.TUBE, *offers.bindings(), *keys.BACK]

    def __init__(self, tube: str) -> None:
        super().__init__()
        self.tube = tube
        self._stats: TubeStats | None = None
        self._look = TubeLook(tube, (), {})
        # Where the cursor goes with the next look: to the job in this place.
        self._follow: tuple[str, ...] = FIRST
        self._offered: tuple[str, ...] = ()

    def body(self) -> ComposeResult:
        """Yield the counts, the jobs, and what there is to know of one of them."""
        yield Line(id="tube")
        yield Line(id="counts")
        yield JobTable(
            columns.JOBS,
            lambda row: row.id,
            self.dashboard.clock,
            empty="no job is ready, delayed or buried",
            id="heads",
        )
        yield Line(id="job")
        yield Line(id="history")
        yield BodyView(id="body")

    @property
    def table(self) -> JobTable:
        """The jobs in sight."""
        return self.query_one(JobTable)

    def on_mount(self) -> None:
        """Begin with the jobs, and look at once."""
        self.table.focus()
        self.dashboard.action_refresh()

    # -- show --------------------------------------------------------------------------------------------------------

    def looking(self) -> Look:
        """Return the look at this tube that keeps the job under the cursor in sight."""
        tube, seen, known = self.tube, self.table.row, self._look.bodies
        return lambda session: look_at(session, tube, seen, known)

    def show(self, live: Live) -> None:
        """Show the tube's counts, and its jobs when they were looked at."""
        self.table.stale = live.stale
        if live.snapshot is not None:
            self._stats = next((tube for tube in live.snapshot.tubes if tube.name == self.tube), None)
        if isinstance(live.looked, TubeLook) and live.looked.tube == self.tube:
            self._look = live.looked
            self.table.show(self._look.rows)
            self._go()
        self._show_counts(live)
        self._show_job()

    def _go(self) -> None:
        """Put the cursor where it was meant to go."""
        places = {row.place: row.id for row in self._look.rows}
        goal = next((places[place] for place in self._follow if place in places), None)
        if goal is not None:
            self.table.select(goal)
            self._follow = ()

    def _show_counts(self, live: Live) -> None:
        tube, counts = self.query_one("#tube", Line), self.query_one("#counts", Line)
        title: list[Part] = [("tube ", "$muted"), (safe_text(self.tube), "bold $primary")]
        stats = self._stats
        if stats is None:
            gone = self._look.gone or live.snapshot is not None
            tube.say([*title, ("  it is gone: a tube without jobs and users vanishes" if gone else "", "$muted")])
            counts.say([])
            return
        if stats.pause_time_left:
            title += [("  ", ""), (f" PAUSED for {span(stats.pause_time_left)} ", "bold $background on $paused")]
        tube.say(tube.spread(title, flow(live.rates.get(self.tube, UNKNOWN))))
        lonely = stats.current_jobs_ready and not stats.current_watching
        workers: list[Part] = [
            (plural(stats.current_watching, "worker"), "bold $buried" if lonely else ""),
            (f" ({stats.current_waiting:,} waiting)  {stats.current_using:,} using", "$muted"),
        ]
        counts.say(counts.spread(by_state(stats), workers))

    @on(Table.Moved)
    def _show_job(self) -> None:
        job, history = self.query_one("#job", Line), self.query_one("#history", Line)
        row = self.table.row
        body = self._look.bodies.get(row.id) if row else None
        job.say(_identity(row, body) if row else [])
        history.say(_history(row.stats) if row and row.stats else [])
        self.query_one(BodyView).show(body)
        self._refresh_offers()

    # -- act ---------------------------------------------------------------------------------------------------------

    def _target(self) -> Target | None:
        """Return what an action would be for now; None when nothing can be done."""
        live = self.dashboard.live
        if self.dashboard.session.read_only or live.stale or self._stats is None:
            return None
        row = self.table.row
        return Target(self._stats, row.stats if row else None, row is not None and row.place == "held")

    def _refresh_offers(self) -> None:
        target = self._target()
        offered = tuple(offer.name for offer in OFFERS.values() if target is not None and offer.applies(target))
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done to the job under the cursor and to the tube."""
        return action != "act" or parameters[0] in self._offered

    def action_act(self, name: str) -> None:
        """Ask what is needed for an action, have it confirmed, and have it done to what it was asked for."""
        target = self._target()
        if target is None:
            return
        offer = OFFERS[name]
        request = offer.request(target)
        body = self._look.bodies.get(request.id) if request.id is not None else None
        if offer.ask is None:
            self._confirm(request, body)
            return

        def answered(number: int | None) -> None:
            if number is not None:
                self._confirm(request._replace(number=number), body)

        self.app.push_screen(Ask(offer.ask(target)), answered)

    def _confirm(self, request: Request, body: Body | None) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.dashboard.perform(request)

        self.app.push_screen(Confirm(request, body.summary if body else ""), answered)

    def acted(self, request: Request, outcome: Outcome) -> None:
        """Go on to the job that was reserved, or to the next one in the place of the one that was acted on."""
        row = self.table.row
        if outcome.id is not None:
            self.table.select(outcome.id)
        elif outcome.done and row is not None and request.id == row.id:
            self._follow = (row.place,)

    def action_switch(self) -> None:
        """Go between the jobs and the body."""
        (self.table if self.query_one(BodyView).has_focus else self.query_one(BodyView)).focus()

    @on(Table.Opened)
    def _clicked(self) -> None:
        self.action_switch()

    def action_back(self) -> None:
        """Go back to the jobs, or to the tubes."""
        if self.query_one(BodyView).has_focus:
            self.table.focus()
        else:
            self.app.pop_screen()


def _identity(row: JobRow, body: Body | None) -> list[Part]:
    parts: list[Part] = [("job ", "$muted"), (str(row.id), "bold $primary"), ("  ", "")]
    if row.stats is None:
        parts.append(("is gone: deleted, or finished by a worker", "$muted"))
    else:
        holder = " by you" if row.place == "held" else ""
        parts += [(f"{safe_text(row.state)}{holder}", f"bold ${row.state}" if row.state in STATES else "")]
        if row.stats.time_left:
            what = "times out in" if row.state == "reserved" else "ready in"
            parts.append((f" ({what} {span(row.stats.time_left)})", "$muted"))
    if body is not None:
        parts += [("  ", ""), (plural(len(body.raw), "byte"), ""), (f"  {safe_text(body.kind)}", "$muted")]
    return parts


def _history(stats: JobStats) -> list[Part]:
    facts = {
        "priority": str(stats.priority),
        "age": span(stats.age),
        "ttr": span(stats.ttr),
        "delay": span(stats.delay) if stats.delay else "0",
        **{field: str(getattr(stats, field)) for field in ("reserves", "timeouts", "releases", "buries", "kicks")},
    }
    parts: list[Part] = []
    for name, value in facts.items():
        parts += [(f"{name} ", "$muted"), (value, "" if value != "0" else "$muted"), ("  ", "")]
    return parts
