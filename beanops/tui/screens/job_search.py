"""`JobSearch`: a screen that finds the jobs of a tube, with their filter by text, and its progress.

The search itself is a `Feed`, the list a `JobTable`. `beanops.tui.screens.tube` adds the rest of the screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from textual import on, work
from textual.widgets import Input, Static

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats, TubeStats
from beanops.protocol.errors import NotFound
from beanops.protocol.states import AT_REST, STATES
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.actions.selected import Selected, where_words
from beanops.tui.jobs.feed import Feed, Found, Wanted
from beanops.tui.screens.listed_jobs import ListedJobs
from beanops.tui.widgets.job_table import JobTable, passes


class TubeLook(NamedTuple):
    """The result of one look at a tube.

    Attributes
    ----------
    tube : str
        The tube.
    top : Mapping of int to (str, FoundJob)
        By id: the next job of each state and the jobs reserved here, with their place (`JobRow.place`).
    fresh : Mapping of int to JobStats or None
        The statistics of the jobs on the screen; None for those that no longer exist.
    gone : bool
        Whether the tube does not exist.
    turn : int
        The number of actions that had ended when it began: an earlier look misses their changes.
    """

    tube: str
    top: Mapping[int, tuple[str, FoundJob]]
    fresh: Mapping[int, JobStats | None]
    gone: bool = False
    turn: int = 0


def look_at(session: Session, tube: str, seen: Iterable[int], turn: int, *, exists: bool = False) -> TubeLook:
    """Look at a tube and at jobs seen before; a job that left the tube counts as gone.

    `exists` says whether the tube existed a moment ago, which saves a round trip.
    """
    try:
        heads = session._lookups.next_jobs(tube, exists=exists)
        gone = False
    except NotFound:
        heads, gone = {}, True
    top = {head.id: (state, head) for state in AT_REST if (head := heads.get(state)) is not None}
    held = sorted(session.held)
    for job in session._lookups.jobs_by_id(held) if held else ():
        if job is not None and job.stats.tube == tube and job.stats.state == "reserved":
            top[job.id] = ("held", job)
    wanted = [id for id in seen if id not in top]
    now = session._lookups.jobs_by_id(wanted, bodies=False) if wanted else ()
    fresh = {
        id: job.stats if job is not None and job.stats.tube == tube else None
        for id, job in zip(wanted, now, strict=True)
    }
    return TubeLook(tube, top, fresh, gone, turn)


class JobSearch(ListedJobs):
    """A screen with the jobs of a tube.

    Parameters
    ----------
    session : Session
        Redacts bodies.
    tube : str
        Its name.
    """

    def __init__(self, session: Session, tube: str) -> None:
        super().__init__(session, tube)
        self._stats: TubeStats | None = None
        self._feed = Feed(Wanted(tube), self._reader, self._key_of)
        # The text that jobs must contain.
        self._text = ""
        # Whether the user started the search under way, and whether it continues by itself because all jobs that it had
        # found are gone.
        self._asked, self._refilling = False, False

    @property
    def listed(self) -> Wanted:
        """The jobs that are searched for."""
        return self._feed.wanted

    def search_again(self) -> None:
        """Search for the same jobs once more."""
        self._begin(self._feed.wanted, asked=False)

    @property
    def seek(self) -> Input:
        """The input of the text."""
        return self.query_one(Input)

    def caption(self) -> str:
        """Return the number of jobs shown and selected, and the progress of the search."""
        table = self.table
        parts = [*self.live_caption, *([f"{len(table.selected):,} selected"] if len(table.selection) else [])]
        if table.selection.everything:
            number = self.selection().number
            parts = [f"all {number:,} selected" if number else "all selected, not only these"]
        if self._text:
            parts.append(
                f"{len(table.rows):,} of {plural(table.given, 'job')} with '{safe_text(self._text, limit=24)}'"
            )
        else:
            parts.append(plural(table.alive, "job"))
            parts += [f"{table.given - table.alive:,} gone"] if table.given > table.alive else []
        wanted = self._feed.wanted
        parts += [wanted.state] if wanted.state else []
        parts += ["where"] if wanted.where else []
        parts += [wanted.group.name] if wanted.group else []
        parts += ["oldest first"] if wanted.order == "oldest" else []
        searched = self._feed.caption or self._outdated()
        return ", ".join([*parts, searched] if searched else parts)

    def _key_of(self, name: str) -> str:
        return self.host.key_of(name)

    @property
    def _key(self) -> str:
        """How the key that continues the search is shown."""
        return self._key_of("tube.more")

    def _outdated(self) -> str:
        """Return a hint when the tube has more or fewer jobs than were found."""
        stats, wanted = self._stats, self._feed.wanted
        if stats is None or wanted.is_narrow:
            return ""
        states = (wanted.state,) if wanted.state else STATES
        here = sum(int(getattr(stats, f"current_jobs_{state}")) for state in states)
        return f"{here:,} now: {self._key} searches again" if here != self.table.alive else ""

    def selection(self) -> Selected:
        """Return all jobs of the list, also those that its search has not found yet."""
        wanted, stats = self._feed.wanted, self._stats
        states = (wanted.state,) if wanted.state else STATES
        if wanted.is_narrow:
            words = [f"in group {wanted.group.name}"] if wanted.group else []
            words += [where_words(wanted.where)] if wanted.where else []
            return Selected(self.tube, states, wanted.where, wanted.group, words=" ".join(words))
        counts = {state: int(getattr(stats, f"current_jobs_{state}")) for state in states} if stats else None
        return Selected(self.tube, states, counts=counts)

    def _show_status(self, _: Any = None) -> None:
        self.table.partial = not self._feed.over
        self.table.empty = self._nothing()
        super()._show_status()

    def _nothing(self) -> str:
        """Return the text of a list without rows: no jobs, or the progress of the search."""
        feed, here = self._feed, self.table.alive
        if feed.running:
            return "searching ..."
        if feed.error:
            return f"search failed: {feed.error}"
        if self._text and here:
            more = "" if feed.over or feed.full else f"; {self._key} finds more"
            return f"none of {plural(here, 'job')} contains '{safe_text(self._text, limit=24)}'{more}"
        if not feed.over:
            return f"no jobs among {plural(feed.looked, 'id')} so far; {self._key} continues"
        found = f"all jobs found are gone; {self._key} searches again" if feed.found else "no jobs found"
        return "; ".join(filter(None, (found, feed.left_out)))

    @work(thread=True, exit_on_error=False, group="scan")
    def _run(self, feed: Feed, *, page: bool) -> None:
        feed.run(self.host.session, self.post_message, page=page)

    @on(Found)
    def _found(self, found: Found) -> None:
        if found.feed is self._feed:
            self.table.extend(found.rows)
            if not self._feed.running:
                if self._asked:
                    self._asked = False
                    self.table.settle()
                self._refill()
                self.found()
            self._show_status()
            self.table.refresh()

    def _begin(self, wanted: Wanted, *, asked: bool = True) -> None:
        """Search for other jobs, or for the same ones again; `asked` if the user did it."""
        self._feed.stop()
        self._feed = Feed(wanted, self._reader, self._key_of)
        self._asked, self._refilling = asked, False
        self.table.restart()
        self.table.jobs_layout.one_state = wanted.state is not None
        self.tail_again()
        self.host.action_refresh()
        self._run(self._feed, page=True)
        self._show_status()

    def _more(self) -> None:
        """Find the next page, if there is one."""
        feed = self._feed
        if not (feed.running or feed.over or feed.full or feed.error):
            feed.go_on()
            self._run(feed, page=True)

    def _refill(self) -> None:
        """Find the next pages as long as all jobs found are gone."""
        self._refilling = self._refilling and self.table.bare
        if self._refilling:
            self._more()

    def action_scan(self) -> None:
        """Continue the search to its end, or stop it."""
        feed = self._feed
        self._refilling = False
        if feed.running:
            feed.stop()
        elif feed.over:
            self._begin(feed.wanted)
        elif not feed.full:
            feed.go_on()
            self._run(feed, page=False)
        self._show_status()

    def action_order(self) -> None:
        """Search from the other end."""
        wanted = self._feed.wanted
        self._begin(wanted._replace(order="newest" if wanted.order == "oldest" else "oldest"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer filter and predicate where the filter has no focus."""
        if action in ("filter", "where"):
            return not (self.is_mounted and self.focused is self.seek)
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Ask for a text that jobs must contain."""
        self.query_one("#search").display = True
        self.query_one("#sought", Static).update(" / ")
        self.seek.placeholder = "part of an id, state or body"
        with self.prevent(Input.Changed):
            self.seek.value = self._text
        self.seek.cursor_position = len(self._text)
        self.set_focus(self.seek)

    def action_where(self) -> None:
        """Ask for a SQL predicate."""
        from beanops.tui.dialogs.where import WhereEntry  # the first paint must not wait for it

        wanted = self._feed.wanted

        def answered(where: str | None) -> None:
            if where is not None and (where or None) != self._feed.wanted.where:
                self._begin(self._feed.wanted._replace(where=where or None))

        self.app.push_screen(WhereEntry(wanted, self.table.rows), answered)

    @on(Input.Changed, "#seek")
    def _typed(self, changed: Input.Changed) -> None:
        self._text = changed.value
        self.table.keep(passes(self._text))
        self._show_status()

    @on(JobTable.Filtered)
    def _filtered(self) -> None:
        self._show_status()

    @on(Input.Submitted, "#seek")
    def _close_search(self) -> None:
        self.set_focus(self.table)
        self.query_one("#search").display = False

    def found(self) -> None:
        """Update the screen after the search has stopped."""
