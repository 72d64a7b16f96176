"""The problems of the server and its tubes, the worst first; Enter goes to where one is."""

from __future__ import annotations

import re
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.monitor.problems.problem import PROBLEMS, Problem
from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.line import Line
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.problems import problem_columns
from beanops.ui.poller import Live


class ProblemTable(RowTable[Problem]):
    """The problems."""


class ProblemsScreen(FullScreen):
    """All problems that are known now."""

    TITLE = "Problems"
    topic = "monitoring"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.PROBLEMS, *keys.BACK]

    def body(self) -> ComposeResult:
        """Yield the table, and the whole reason of the problem under the cursor."""
        yield Line(id="title")
        yield ProblemTable(
            problem_columns(self.host.clock),
            lambda row: (row.name, row.tube),
            self.host.clock,
            empty="loading ...",
            id="problems",
        )
        yield Line(id="about", grows=True)
        yield Line(id="look")

    @property
    def table(self) -> ProblemTable:
        """The problems."""
        return self.query_one(ProblemTable)

    def on_mount(self) -> None:
        """Focus the table."""
        self.query_one("#title", Line).say([("problems", "bold $primary"), ("  thresholds: config.toml", "$muted")])
        self.table.focus()

    def show(self, live: Live) -> None:
        """Show the problems of the newest survey."""
        self.table.stale = live.stale
        self.table.empty = "loading ..." if live.survey is None else "no problems"
        self.table.show(live.survey.problems if live.survey is not None else ())
        self._show_about()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row, about, look = self.table.row, self.query_one("#about", Line), self.query_one("#look", Line)
        if row is None:
            about.say([("solved", "$muted")] if self.table.lost else [])
            look.say([])
            return
        lasted = max(0.0, self.host.clock() - row.since)
        about.say(
            [
                (f"{row.title}", "bold $primary"),
                (f"  {safe_text(row.place)}, for {span(lasted)}: ", "$muted"),
                (safe_text(row.reason), ""),
            ]
        )
        look.say([(f"{PROBLEMS[row.name]}  ", "$muted"), (safe_text(row.look_at), "$ready")])

    def caption(self) -> str:
        """Return the number of problems of each severity."""
        survey = self.host.live.survey
        if survey is None:
            return ""
        critical = sum(one.severity == "critical" for one in survey.problems)
        total = plural(len(survey.problems), "problem")
        return f"{total}, {critical:,} critical" if critical else total

    def action_open(self) -> None:
        """Go to the job or the tube that the problem is about, or show those tubes alone."""
        row = self.table.row
        if row is None:
            return
        if row.job is not None and row.job_tube is not None:
            self.host.open_tube(row.job_tube, row.job)
        elif row.tube is not None:
            self.host.open_tube(row.tube)
        else:
            self.host.action_tubes()
            if row.tubes:
                self.host.tube_list.set_filter(f"/^(?:{'|'.join(map(re.escape, row.tubes))})$")

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()
