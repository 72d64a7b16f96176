"""The servers with their counts and problems, each as it answers; Enter switches to another one."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from beanops.text import plural, safe_text, span
from beanops.tui import keys
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.line import Line, Part
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.servers import ServerRow, server_columns
from beanops.ui.poller import Live
from beanops.ui.server_pollers import ServerState


class ServerTable(RowTable[ServerRow]):
    """The servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SORT]


class Answered(Message):
    """One of the servers has answered, or has failed to."""


class SeveralServers(FullScreen):
    """A screen that asks several servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.BACK]
    topic = "servers"

    def tick(self) -> None:
        """Ask the other servers, and show which of them do not answer."""
        self.host.servers.look(self._answered, self.wanted_elsewhere())
        self.fill()

    def _answered(self) -> None:
        self.post_message(Answered())

    def wanted_elsewhere(self) -> dict[str, set[str]]:
        """Return the tubes in view, by the name of another server."""
        return {}

    @on(Answered)
    def _show_answer(self) -> None:
        if self.host.frozen is None:
            self.fill()

    def show(self, live: Live) -> None:
        """Show what is known now."""
        self.fill()

    def fill(self) -> None:
        """Show what is known of the servers."""
        self._show_status()

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()


class ServersScreen(SeveralServers):
    """All servers of the configuration, or those that were chosen."""

    TITLE = "Servers"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.SERVERS]

    def body(self) -> ComposeResult:
        """Yield the table, and the details of the server under the cursor."""
        yield Line(id="title")
        yield ServerTable(
            server_columns(self.host.clock),
            lambda row: row.name,
            self.host.clock,
            sort="name",
            empty="no servers configured: add them under [servers] in config.toml",
            id="servers",
        )
        yield Line(id="about", grows=True)

    @property
    def table(self) -> ServerTable:
        """The servers."""
        return self.query_one(ServerTable)

    def on_mount(self) -> None:
        """Put the cursor on the current server."""
        hint = f"  {self.host.key_of('app.all-tubes')} shows the tubes of all"
        of = "chosen servers" if self.host.servers.chosen else "servers of the configuration"
        self.query_one("#title", Line).say([(of, "bold $primary"), (hint, "$muted")])
        self.host.servers.read()
        self.tick()
        if self.host.profile.name in self.host.servers.configured:
            self.table.select(self.host.profile.name)
        self.table.focus()

    def fill(self) -> None:
        """Show the servers with their counts and problems."""
        self.table.show(ServerRow(state, self._alerts(state)) for state in self.host.servers.all())
        self._show_about()
        super().fill()

    def _alerts(self, state: ServerState) -> int | None:
        alerts = self.host.alerts
        if alerts is None or alerts.at is None:
            return None
        names = {state.profile.name, state.profile.address}
        return sum(not one.silenced for one in alerts.every if one.server in names)

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row, about = self.table.row, self.query_one("#about", Line)
        if row is None:
            error = self.host.servers.error
            about.say([(safe_text(error), "bold $buried")] if error else [])
            return
        profile, survey = row.state.profile, row.state.live.survey
        parts: list[Part] = [
            (safe_text(profile.name), "bold $primary"),
            (f"  {safe_text(profile.address)}  ", "$muted"),
        ]
        if row.state.silence:
            parts.append((safe_text(row.state.silence_text()), "bold $buried"))
        elif survey is not None:
            parts.append((f"beanstalkd {safe_text(survey.server.version, limit=16)}  ", ""))
            for problem in row.problems[:3]:
                lasts = span(max(0.0, self.host.clock() - problem.since))
                parts += [
                    (f"{safe_text(problem.place)}, {problem.title}, for {lasts}: ", "bold $buried"),
                    (f"{safe_text(problem.reason)}  ", ""),
                ]
            parts += [(f"and {len(row.problems) - 3:,} more", "$muted")] if len(row.problems) > 3 else []
        about.say(parts)

    def caption(self) -> str:
        """Return the number of servers, of silent ones, and of problems."""
        states = self.host.servers.all()
        silent = sum(bool(state.silence) for state in states)
        found = sum(len(state.live.survey.problems) for state in states if state.live.survey and not state.silence)
        parts = [plural(len(states), "server")]
        parts += [f"{silent:,} without an answer"] if silent else []
        parts += [plural(found, "problem")] if found else []
        return ", ".join(parts)

    def action_open(self) -> None:
        """Switch to the server under the cursor."""
        row = self.table.row
        if row is None:
            return
        if row.state.here:
            self.host.action_tubes()
        else:
            self.host.switch(row.state.profile)

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()
