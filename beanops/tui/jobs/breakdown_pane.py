"""`BreakdownPane`: the groups and the facets of a tube's jobs, one of them at a time; and the columns of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.worker import Worker, WorkerState

from beanops.text import percentage, safe_text, span
from beanops.tui.actions.outcome import fault
from beanops.tui.actions.selected import where_words
from beanops.tui.host import Host
from beanops.tui.jobs.breakdown import Breakdown, BreakdownChanged, FacetBreakdown, FacetRow, GroupBreakdown
from beanops.tui.jobs.feed import Wanted
from beanops.tui.widgets.columns import WIDE
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.column import Column

if TYPE_CHECKING:
    from beanops.session.investigation.groups import JobGroup

#: Cells of a bar.
BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_KINDS: dict[str, type[Breakdown]] = {"groups": GroupBreakdown, "facets": FacetBreakdown}


def bar(share: float, cells: int = BAR) -> str:
    """Return a share as a bar; the least one is still seen.

    Examples
    --------
    >>> bar(0.5, 4), bar(0.001, 4)
    ('██', '▏')
    """
    eighths = max(1, round(share * cells * 8)) if share > 0 else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def group_table_columns(now: Callable[[], datetime], cause: Callable[[JobGroup], str]) -> tuple[Column[JobGroup], ...]:
    """Return the columns of groups in the pane.

    Parameters
    ----------
    now : callable
        The time, UTC.
    cause : callable
        Returns the cause of a group as it is shown.
    """

    def ago(name: str) -> Callable[[JobGroup, int], str]:
        def written(row: JobGroup, width: int) -> str:
            at = getattr(row, name)
            return "" if at is None else span(max(0.0, (now() - at).total_seconds()))

        return written

    return (
        Column("count", "jobs", lambda row: row.count, "count", 8, tone="strong"),
        Column("share", "share", lambda row: row.share, "count", 5, write=lambda row, width: percentage(row.share, 1)),
        Column(
            "bar",
            "",
            lambda row: row.share,
            "text",
            BAR,
            6,
            tone="strong",
            write=lambda row, width: bar(row.share, width),
        ),
        Column("cause", "cause", cause, "text", 30, grows=True, colour=lambda row: ""),
        # Times of puts: how long ago the first and the last of these jobs came.
        Column("first", "first", lambda row: row.oldest, "time", 6, write=ago("oldest"), optional=1),
        Column("last", "last", lambda row: row.newest, "time", 6, write=ago("newest"), optional=2),
        Column("name", "group", lambda row: row.name, "text", 9, tone="muted", optional=3),
    )


def common_start(causes: Sequence[str]) -> str:
    """Return what all causes begin with, such as the name of the job, up to a colon.

    Examples
    --------
    >>> common_start(["Mail: KeyError: 'id'", "Mail: ValueError: <n>"]), common_start(["Mail: KeyError: 'id'"])
    ('Mail: ', '')
    """
    start = ""
    for part in causes[0].split(": ")[:-1] if len(causes) > 1 else ():
        if not all(cause.startswith(f"{start}{part}: ") for cause in causes):
            break
        start += f"{part}: "
    return start


#: Columns of groups that only a wide terminal has room for.
_WIDE_ONLY = "name"

FACET_COLUMNS: tuple[Column[FacetRow], ...] = (
    Column("path", "path", lambda row: row.path if row.first else "", "text", 24, 18, tone="strong"),
    Column("count", "jobs", lambda row: row.count, "count", 8),
    Column("share", "share", lambda row: row.share, "count", 5, write=lambda row, width: percentage(row.share, 1)),
    Column(
        "bar", "", lambda row: row.share, "text", BAR, 6, tone="strong", write=lambda row, width: bar(row.share, width)
    ),
    Column("value", "value", lambda row: row.value, "text", 30, grows=True, colour=lambda row: ""),
    Column("note", "", lambda row: row.note, "text", 16, tone="muted", optional=1),
)


class BreakdownPane(Vertical):
    """Groups by cause, or facets."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._known: dict[str, Breakdown] = {}
        self._kind = ""
        self._start = ""

    def on_resize(self) -> None:
        """Leave out what there is no room for: the causes need it."""
        groups = self.query_one("#groups", RowTable)
        groups.choose(
            column.name for column in groups.every if column.name != _WIDE_ONLY or self.app.size.width >= WIDE
        )

    def _cause(self, row: JobGroup) -> str:
        """Return the cause of a group, without what all causes begin with."""
        cause = (row.cause or "").removeprefix(self._start)
        return f"{cause} ({row.hint})" if row.hint else cause

    @property
    def host(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the title, and both tables."""
        yield Line(id="breakdown")
        yield RowTable(
            group_table_columns(self.host.now, self._cause), lambda row: row.name, self.host.clock, id="groups"
        )
        yield RowTable(FACET_COLUMNS, lambda row: (row.path, row.value), self.host.clock, id="facets")

    def on_mount(self) -> None:
        """Begin closed."""
        self.display = False

    # -- open and close ----------------------------------------------------------------------------------------------

    @property
    def table(self) -> RowTable[Any]:
        """The table that is shown."""
        return self.query_one(f"#{self._kind or 'groups'}", RowTable)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self.display

    @property
    def has_cursor(self) -> bool:
        """Whether keys act on the row under its cursor."""
        return self.is_open and self.table.has_focus

    @property
    def breakdown(self) -> Breakdown | None:
        """What is shown."""
        return self._known.get(self._kind) if self.is_open else None

    @property
    def group(self) -> JobGroup | None:
        """The group under the cursor, where keys act on it."""
        return self.table.row if self._kind == "groups" and self.has_cursor else None

    @property
    def facet(self) -> FacetRow | None:
        """The value under the cursor, where keys act on it."""
        return self.table.row if self._kind == "facets" and self.has_cursor else None

    def toggle(self, kind: str, wanted: Wanted) -> None:
        """Show groups or facets and focus them; close the pane if they have the focus."""
        if self.has_cursor and self._kind == kind:
            self.close()
            return
        was_open, self._kind = self.is_open and self._kind == kind, kind
        self.display = True
        for name in _KINDS:
            self.query_one(f"#{name}").display = name == kind
        self.table.focus()
        if not was_open:
            known = self._known.get(kind)
            if known is None or known.outdated or known.error or known.wanted != wanted:
                self._begin(wanted)
        self._show()

    def close(self) -> None:
        """Hide it, and stop counting."""
        for breakdown in self._known.values():
            breakdown.stop()
        self.display = False

    def follow(self, wanted: Wanted) -> None:
        """Count other jobs, if it is open."""
        shown = self.breakdown
        if shown is not None and shown.wanted != wanted:
            self._begin(wanted)

    def outdate(self, *, again: bool) -> None:
        """Note that an action has changed jobs; count `again` at once if it is open."""
        for breakdown in self._known.values():
            breakdown.outdated = True
        if again and (shown := self.breakdown) is not None:
            self._begin(shown.wanted)
        self._show()

    def more(self) -> None:
        """Stop counting, go on, or count again."""
        shown = self.breakdown
        if shown is None:
            return
        if shown.running:
            shown.stop()
        elif shown.over or shown.outdated:
            self._begin(shown.wanted)
        else:
            shown.go_on()
            self._run(shown)
        self._show()

    # -- count -------------------------------------------------------------------------------------------------------

    def _begin(self, wanted: Wanted) -> None:
        before = self._known.get(self._kind)
        if before is not None:
            before.stop()
        begun = self._known[self._kind] = _KINDS[self._kind](wanted)
        if before is not None and before.wanted != wanted:
            self.table.show((), requested=True)
        self._run(begun)

    @work(thread=True, exit_on_error=False, group="breakdown")
    def _run(self, breakdown: Breakdown) -> None:
        breakdown.run(self.host.session, self.post_message)

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.host.status = fault(changed.worker.error)

    @on(BreakdownChanged)
    def _changed(self, changed: BreakdownChanged) -> None:
        changed.stop()
        if changed.breakdown is self.breakdown:
            self._show()

    def on_unmount(self) -> None:
        """Stop counting."""
        self.close()

    def _show(self) -> None:
        shown = self.breakdown
        if shown is None:
            return
        self._start = common_start([row.cause or "" for row in shown.rows]) if self._kind == "groups" else ""
        if shown.rows or not shown.running:
            self.table.show(shown.rows)
        self.table.empty = "counting ..." if shown.running else shown.error or "no jobs"
        count = f"{len(shown.rows):,} " if shown.rows and self._kind == "groups" else ""
        title = shown.title.replace("groups", "group", 1) if count == "1 " else shown.title
        about: list[Part] = [(f"{count}{title}", "bold $primary"), (f" of {_jobs_of(shown.wanted)}", "$muted")]
        about += [(f"  {safe_text(self._start.removesuffix(': '), limit=40)}", "")] if self._start else []
        hint = "outdated, " if shown.outdated and not shown.running else ""
        loud = shown.error or shown.outdated
        line = self.query_one("#breakdown", Line)
        line.say(line.spread(about, [(f"{hint}{shown.caption}", "$warning" if loud else "$muted")]))
        self.post_message(RowTable.Moved())


def _jobs_of(wanted: Wanted) -> str:
    state = f"{wanted.state} jobs" if wanted.state else "all jobs"
    return f"{state} {where_words(wanted.where)}" if wanted.where else state
