"""`NarrowedSearch`: a list of jobs with state tabs, narrowed step by step to a group or to values of the bodies."""

from __future__ import annotations

from textual import on

from beanops.jobs.causes import Cause
from beanops.jobs.groups import GroupRow, both
from beanops.protocol.states import STATES
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.actions.request import Target
from beanops.tui.actions.selected import Selected, where_words
from beanops.tui.jobs.breakdown_pane import BreakdownPane
from beanops.tui.jobs.feed import Wanted
from beanops.tui.screens.job_search import JobSearch
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.state_tabs import StateTabs, next_tab

#: The state whose jobs are stuck: the one that waits longest comes first.
STUCK = "buried"


class NarrowedSearch(JobSearch):
    """A screen with the jobs of a tube, and the panes that narrow them.

    Parameters
    ----------
    session : Session
        Redacts bodies.
    tube : str
        Its name.
    """

    def __init__(self, session: Session, tube: str) -> None:
        super().__init__(session, tube)
        # What was wanted before each narrowing, and the cause of the group that the list is narrowed to.
        self._before: list[Wanted] = []
        self._cause = ""
        self._narrowing = False

    @property
    def pane(self) -> BreakdownPane:
        """The groups or facets."""
        return self.query_one(BreakdownPane)

    # -- what is listed ----------------------------------------------------------------------------------------------

    def _begin(self, wanted: Wanted, *, asked: bool = True) -> None:
        super()._begin(wanted, asked=asked)
        if not self._narrowing:
            self.pane.follow(self._counted)
        self.show_narrowing()

    @property
    def _counted(self) -> Wanted:
        """The jobs that groups and facets are counted of: those of the list, before it was narrowed to one of them."""
        return self._feed.wanted._replace(group=None, order="newest")

    def action_states(self) -> None:
        """List the jobs of the next state that has any."""
        self.choose_state(next_tab(self._stats, self._feed.wanted.state))

    @on(StateTabs.TabChosen)
    def _tab_chosen(self, chosen: StateTabs.TabChosen) -> None:
        self.choose_state(chosen.state)

    def choose_state(self, state: str | None) -> None:
        """List the jobs of a state; None lists all. Of stuck jobs the oldest come first."""
        wanted = self._feed.wanted
        if wanted.state == state:
            return
        order = "oldest" if state == STUCK else "newest" if wanted.state == STUCK else wanted.order
        self._begin(wanted._replace(state=state, order=order))
        self._show_tabs()

    def _show_tabs(self) -> None:
        """Show which tab is chosen."""

    def narrow(self) -> None:
        """List only the jobs of the group, or with the value, under the cursor of the pane."""
        pane, wanted = self.pane, self._feed.wanted
        group, facet = pane.group, pane.facet
        if group is not None:
            if wanted.group is None or wanted.group.name != group.name:
                self._cause = safe_text(group.cause or "", limit=200)
                self._narrow_to(wanted._replace(group=GroupRow.named(str(group.name))))
        elif facet is not None:
            if facet.where is None:
                self.host.say(f"no filter for {safe_text(facet.path)}: SQL cannot name this path", False)
                return
            where = both(wanted.where, facet.where) if facet.where not in (wanted.where or "") else wanted.where
            if where != wanted.where:
                self._narrow_to(wanted._replace(where=where))
        self.set_focus(self.table)

    def list_alike(self, cause: Cause, state: str) -> None:
        """List only the jobs with a cause that are in a state."""
        wanted = self._feed.wanted._replace(group=GroupRow.named(cause.name), where=None, state=state)
        if wanted != self._feed.wanted:
            self._cause = cause.text
            self._narrow_to(wanted)
            self._show_tabs()

    def list_jobs(self, state: str | None, where: str | None, pane: str = "") -> None:
        """List the jobs that were typed, and open a pane."""
        if (state, where) != (None, None) or not pane:
            self._begin(self._feed.wanted._replace(state=state, where=where, group=None))
            self._show_tabs()
        if pane == "groups":
            self.action_groups()
        elif pane:
            self.action_facets()

    def _narrow_to(self, wanted: Wanted) -> None:
        self._before.append(self._feed.wanted)
        self._narrowing = True
        self._begin(wanted)
        self._narrowing = False

    def widen(self) -> bool:
        """Take back the last narrowing; return whether there was any."""
        wanted = self._feed.wanted
        if not wanted.is_narrow:
            self._before.clear()
            return False
        before = self._before.pop() if self._before else wanted._replace(where=None, group=None)
        self._narrowing = True
        self._begin(wanted._replace(where=before.where, group=before.group))
        self._narrowing = False
        return True

    def show_narrowing(self) -> None:
        """Show loudly what the list is narrowed to."""
        wanted, line = self._feed.wanted, self.query_one("#narrowed", Line)
        line.display = wanted.is_narrow
        parts: list[Part] = []
        if wanted.group is not None:
            parts += [("group ", "$muted"), (wanted.group.name, "bold"), (f" {self._cause}", "")]
        if wanted.where is not None:
            parts += [("  and " if parts else "", "$muted"), (where_words(wanted.where), "bold")]
        line.say(
            [
                (" only ", "bold $background on $delayed"),
                (" ", ""),
                *parts,
                (f"  {self.host.key_of('back.back')} shows all", "$muted"),
            ]
        )

    # -- panes -------------------------------------------------------------------------------------------------------

    def action_groups(self) -> None:
        """Show the groups of the jobs by cause; of a tube with buried jobs, of these."""
        # The causes of failures are those of the buried jobs, among which those of waiting ones would be lost.
        if self._feed.wanted == Wanted(self.tube, order=self._feed.wanted.order) and not self.pane.is_open:
            stats = self._stats
            if stats is not None and stats.current_jobs_buried:
                self.choose_state(STUCK)
        self._toggle("groups")

    def action_facets(self) -> None:
        """Show the values in the bodies of the jobs."""
        self._toggle("facets")

    def _toggle(self, kind: str) -> None:
        self.pane.toggle(kind, self._counted)
        if not self.pane.is_open:
            self.set_focus(self.table)
        self.set_class(self.pane.is_open, "-broken-down")
        self.refresh_offers()

    def close_pane(self) -> None:
        """Close the pane."""
        self.pane.close()
        self.set_focus(self.table)
        self.set_class(False, "-broken-down")

    def on_descendant_focus(self) -> None:
        """Offer what can be done to the group or to the job under the cursor."""
        self.refresh_offers()

    def action_scan(self) -> None:
        """Continue the search, or the count of the pane in focus, to its end; or stop it."""
        if self.pane.has_cursor:
            self.pane.more()
        else:
            super().action_scan()

    def chosen_target(self) -> Target | None:
        """Return all jobs of the list, if they are selected, or those of the group under the cursor."""
        if self._stats is None:
            return None
        selection = self.table.selection
        if selection.everything:
            return Target((self._stats,), selected=(self.selection(),))
        group, breakdown = self.pane.group, self.pane.breakdown
        if len(selection) or group is None or breakdown is None:
            return None
        wanted = breakdown.wanted
        state = wanted.state
        # A count under way or of several states has to be done again before it is confirmed.
        known = {state: group.count} if state is not None and breakdown.over and not breakdown.outdated else None
        states = STATES if state is None else (state,)
        words = f"in group {group.name}"
        selected = Selected(self.tube, states, wanted.where, GroupRow.named(str(group.name)), known, words)
        samples = (safe_text(group.cause or "", limit=100), f"{group.sample_id} {safe_text(group.sample, limit=100)}")
        return Target((self._stats,), samples=samples, selected=(selected,))
