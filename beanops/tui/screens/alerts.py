"""The alerts that fire, as the alert daemon says; Enter goes to where one is."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from beanops.alerts.status import FiringAlert
from beanops.protocol.errors import BeanopsError
from beanops.session.config import profile
from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.line import Line
from beanops.tui.widgets.table import RowTable
from beanops.ui.alerts import Alerts
from beanops.ui.columns.alerts import alert_columns
from beanops.ui.poller import Live

#: Shown while there is no alert daemon.
NO_DAEMON = "no alerts: beanops alert has not run yet"


class AlertTable(RowTable[FiringAlert]):
    """The alerts."""


class AlertsScreen(FullScreen):
    """All alerts that fire, those of the server that is shown first."""

    TITLE = "Alerts"
    topic = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.ALERTS, *keys.BACK]

    def body(self) -> ComposeResult:
        """Yield the table, and all that is known of the alert under the cursor."""
        yield Line(id="title")
        yield AlertTable(
            alert_columns(self.host.now),
            lambda row: (row.key, row.server, row.tube, row.rule),
            self.host.clock,
            empty="loading ...",
            id="alert-list",
        )
        yield Line(id="about", grows=True)
        yield Line(id="look")

    @property
    def table(self) -> AlertTable:
        """The alerts."""
        return self.query_one(AlertTable)

    def on_mount(self) -> None:
        """Focus the table."""
        self.table.focus()

    def show(self, live: Live) -> None:
        """Show how long alerts last by now."""
        self.show_alerts()

    def show_alerts(self, _: Any = None) -> None:
        """Show what the daemon says now."""
        super().show_alerts()
        alerts = self.host.alerts
        known = Alerts() if alerts is None else alerts
        age = known.age(self.host.now())
        problem = age or safe_text("; ".join(known.errors))
        self.query_one("#title", Line).say([("alerts", "bold $primary"), (f"  {problem}", "$delayed")])
        self.table.stale = bool(age)
        self.table.empty = "loading ..." if alerts is None else "no alerts firing" if alerts.at else NO_DAEMON
        self.table.show(known.every)
        self._show_about()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row, about, look = self.table.row, self.query_one("#about", Line), self.query_one("#look", Line)
        if row is None:
            about.say([("resolved", "$muted")] if self.table.lost else [])
            look.say([])
            return
        lasted = span(max(0.0, (self.host.now() - row.since).total_seconds()))
        place = " ".join(filter(None, (row.server, row.tube)))
        about.say(
            [
                (safe_text(row.rule), "bold $primary"),
                (f"  {safe_text(place)}, for {lasted}{', silenced' if row.silenced else ''}: ", "$muted"),
                (safe_text(row.summary or row.value), ""),
            ]
        )
        look.say([(safe_text(f"{row.value}  " if row.summary else ""), "$muted"), (safe_text(row.look_at), "$ready")])

    def caption(self) -> str:
        """Return the number of alerts."""
        alerts = self.host.alerts
        if alerts is None or alerts.at is None:
            return ""
        total = plural(len(alerts.every), "alert")
        return f"{total}, {len(alerts.elsewhere):,} on other servers" if alerts.elsewhere else total

    def action_open(self) -> None:
        """Go to the tube of the alert, to the problems of the server, or to the other server."""
        row, alerts = self.table.row, self.host.alerts
        if row is None or alerts is None:
            return
        if row in alerts.elsewhere:
            try:
                self.host.switch(profile(row.server))
            except BeanopsError:
                self.host.say(f"{safe_text(row.server)} is not in your configuration", False)
        elif row.tube:
            self.host.open_tube(row.tube)
        else:
            self.host.action_tubes()
            self.host.action_problems()

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()
