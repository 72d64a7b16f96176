"""The servers of the configuration, with their counts; Enter switches to another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from beanops.monitor.fleet import Fleet, Glance
from beanops.protocol.errors import BeanopsError
from beanops.session.config import Profile, profiles
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.line import Line
from beanops.tui.widgets.table import RowTable
from beanops.ui.columns.column import Column


class ServerRow(NamedTuple):
    """One server of the configuration, with its newest answer; None before it was asked."""

    profile: Profile
    glance: Glance | None
    here: bool


def _state(row: ServerRow) -> str:
    if row.glance is None:
        return "..."
    if row.glance.stats is None:
        return "LOST"
    return "draining" if row.glance.stats.draining else "up"


def _stat(field: str) -> Callable[[ServerRow], int | None]:
    return lambda row: getattr(row.glance.stats, field) if row.glance and row.glance.stats else None


def _jobs(state: str, short: str, narrow: int) -> Column[ServerRow]:
    return Column(state, state, _stat(f"current_jobs_{state}"), narrow=narrow, short=short, tone=state)


COLUMNS: list[Column[ServerRow]] = [
    Column(
        "name", "server", lambda row: row.profile.name, "text", 16, 14, grows=True,
        write=lambda row, width: f"{row.profile.name}{' ←' if row.here else ''}",
        colour=lambda row: "loud" if row.profile.label or row.profile.color else "strong",
    ),
    Column("label", "label", lambda row: row.profile.label, "text", 14, 12, tone="loud"),
    Column(
        "state", "state", _state, "state", 8,
        colour=lambda row: "ready" if _state(row) == "up" else "muted" if row.glance is None else "warn",
    ),
    _jobs("ready", "ready", 6),
    _jobs("reserved", "resvd", 5),
    _jobs("delayed", "delay", 5),
    _jobs("buried", "buried", 6),
    Column("workers", "workers", _stat("current_workers"), width=8, narrow=5, short="work", optional=1),
    Column("up", "up", _stat("uptime"), "seconds", 8, 6, optional=2, colour=lambda row: "muted"),
    Column(
        "access", "access", lambda row: "read-only" if row.profile.read_only else "", "text", 9, tone="delayed",
        optional=3,
    ),
]  # fmt: skip


class ServerTable(RowTable[ServerRow]):
    """The servers."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.SORT]


class Glanced(Message):
    """The answers of all servers."""

    def __init__(self, glances: dict[str, Glance]) -> None:
        super().__init__()
        self.glances = glances


class ServersScreen(FullScreen):
    """All servers of the configuration."""

    TITLE = "Servers"
    topic = "servers"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.SERVERS, *keys.BACK]

    def __init__(self) -> None:
        super().__init__()
        self._profiles: dict[str, Profile] = {}
        self._error = ""
        try:
            self._profiles = profiles()
        except BeanopsError as error:
            self._error = str(error)
        self._fleet = Fleet({name: profile.address for name, profile in self._profiles.items()})
        self._glances: dict[str, Glance] = {}
        self._looking = False

    def body(self) -> ComposeResult:
        """Yield the table, and the details of the server under the cursor."""
        yield Line(id="title")
        yield ServerTable(
            COLUMNS,
            lambda row: row.profile.name,
            self.host.clock,
            sort="name",
            empty="no servers configured: add them under [servers] in config.toml",
            id="servers",
        )
        yield Line(id="about")

    @property
    def table(self) -> ServerTable:
        """The servers."""
        return self.query_one(ServerTable)

    def on_mount(self) -> None:
        """Put the cursor on the current server."""
        self.query_one("#title", Line).say([("servers of the configuration", "bold $primary")])
        self._fill()
        if self.host.profile.name in self._profiles:
            self.table.select(self.host.profile.name)
        self.table.focus()

    def show(self, live: object) -> None:
        """Ask all servers, unless they are being asked."""
        if not self._looking:
            self._looking = True
            self._look()

    @work(thread=True, exit_on_error=False, group="fleet")
    def _look(self) -> None:
        self.post_message(Glanced(self._fleet.look()))

    @on(Glanced)
    def _glanced(self, glanced: Glanced) -> None:
        self._looking = False
        self._glances = glanced.glances
        self._fill()

    def faulted(self) -> None:
        """Ask again at the next refresh."""
        self._looking = False

    def _fill(self) -> None:
        here = self.host.profile.name
        self.table.show(
            ServerRow(profile, self._glances.get(name), name == here) for name, profile in self._profiles.items()
        )
        self._show_about()
        self._show_status()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row, about = self.table.row, self.query_one("#about", Line)
        if row is None:
            about.say([(safe_text(self._error), "bold $buried")] if self._error else [])
            return
        glance = row.glance or Glance()
        version = f"beanstalkd {safe_text(glance.stats.version, limit=16)}" if glance.stats else ""
        about.say(
            [
                (safe_text(row.profile.name), "bold $primary"),
                (f"  {safe_text(row.profile.address)}  ", "$muted"),
                (version, ""),
                (safe_text(glance.error), "$buried"),
            ]
        )

    def caption(self) -> str:
        """Return the number of servers, and of lost ones."""
        lost = sum(glance.stats is None for glance in self._glances.values())
        return plural(len(self._profiles), "server") + (f", {lost} lost" if lost else "")

    def action_open(self) -> None:
        """Switch to the server under the cursor."""
        row = self.table.row
        if row is None:
            return
        if row.here:
            self.host.action_tubes()
        else:
            self.host.switch(row.profile)

    @on(RowTable.Opened)
    def _clicked(self) -> None:
        self.action_open()

    def action_back(self) -> None:
        """Go back to the screen that it was opened from."""
        self.app.pop_screen()

    def on_unmount(self) -> None:
        """Close the connections."""
        self._fleet.close()
