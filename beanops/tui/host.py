"""What screens and dialogs need of the app, as types: they never import the app itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Protocol, runtime_checkable

from beanops.session.config import Profile
from beanops.session.session import Session
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import NOTHING, Offer, Request, Target
from beanops.tui.server_states import ServerStates
from beanops.tui.state import StateFile
from beanops.ui.alerts import Alerts
from beanops.ui.poller import Live, Look
from beanops.ui.runner import LastAction


@runtime_checkable
class LiveScreen(Protocol):
    """A full screen that follows the server."""

    def looking(self) -> Look | None:
        """Return what to ask besides the survey with each look."""

    def wanted(self) -> Collection[str]:
        """Return the tubes that each look asks for."""

    def tick(self) -> None:
        """Ask for what it shows of other servers."""

    def show_profile(self) -> None:
        """Show the server's profile."""


class TubeList(Protocol):
    """The screen of all tubes, as typed commands change it."""

    @property
    def column_names(self) -> Sequence[str]:
        """The columns that there are."""

    def choose_columns(self, columns: tuple[str, ...]) -> None:
        """Show these columns; none means all."""

    def sort(self, column: str) -> None:
        """Sort by a column."""

    def fold(self, glob: str) -> None:
        """Fold the tubes that match a glob into one row, or unfold them."""

    def set_filter(self, text: str) -> None:
        """Show only the tubes that match."""


class Front(Protocol):
    """The full screen in front, as typed actions need it."""

    @property
    def tube_in_front(self) -> str | None:
        """The tube that is shown, or under the cursor."""

    def target(self) -> Target | None:
        """Return what an action would be for now."""

    def hindrance(self, offer: Offer | None = None) -> str:
        """Return why an action is not possible now; empty where it is."""

    def undoable(self) -> LastAction:
        """Return what an undo from here reverts."""

    def undo(self, undone: LastAction) -> None:
        """Have an undo confirmed, then carried out."""


class Host(Protocol):
    """The app: the server that is shown, the status line, actions, and the way to other screens."""

    session: Session
    profile: Profile
    interval: float
    rings: bool
    state_file: StateFile | None
    #: The lines typed in this session, oldest first.
    typed: list[str]
    alone: bool
    read_only: bool
    signed_in: str
    clock: Callable[[], float]
    now: Callable[[], datetime]
    frozen: float | None
    live: Live
    alerts: Alerts | None
    status: Outcome | None
    last: LastAction

    @property
    def servers(self) -> ServerStates:
        """What is known of all configured servers."""

    @property
    def held_elsewhere(self) -> Mapping[str, int]:
        """The number of jobs that the user holds on other servers, by the name of the server."""

    @property
    def is_web(self) -> bool:
        """Whether it runs in a browser."""

    @property
    def view(self) -> Front | None:
        """The full screen in front."""

    @property
    def tube_list(self) -> TubeList:
        """The screen of all tubes."""

    def key_of(self, name: str) -> str:
        """Return how the key of a binding is shown, the user's own if it was changed."""

    def say(self, text: str, done: bool = True) -> None:
        """Show a safe text in the status line."""

    def perform(self, request: Request) -> None:
        """Carry out an action."""

    def switch(self, profile: Profile, then: Callable[[], None] | None = None) -> None:
        """Show another server as soon as it answers, then do something."""

    def set_pace(self, seconds: float) -> None:
        """Set the refresh interval."""

    def thaw(self, screen: LiveScreen) -> None:
        """Update a screen once although the dashboard is frozen."""

    def quit(self) -> None:
        """Quit as soon as no action is under way."""

    def deliver_binary(self, file: BinaryIO, *, save_filename: str | None = None) -> str | None:
        """Send a file to the browser."""

    def act(self, offer: Offer, target: Target, given: Mapping[str, Any] = NOTHING) -> None:
        """Start an action on a target, with the answers that were typed."""

    def open_jobs(self, tube: str, state: str | None, where: str | None, *, pane: str = "") -> None:
        """Show jobs of a tube, and its groups or facets if a pane is named."""

    def open_tube(self, name: str, job: int | None = None) -> None:
        """Show a tube, or a job of it."""

    def open_tube_from_all(self, name: str) -> None:
        """Show a tube over the list of the tubes of all servers."""

    def action_problems(self) -> None:
        """Show the problems."""

    def action_alerts(self) -> None:
        """Show the alerts that fire."""

    def action_refresh(self) -> None:
        """Ask the server now."""

    def action_freeze(self) -> None:
        """Pause or resume updates."""

    def action_tubes(self) -> None:
        """Go back to the tubes."""

    def action_all_tubes(self) -> None:
        """Show the tubes of all configured servers."""

    def action_servers(self) -> None:
        """Show the servers of the configuration."""

    def action_record(self) -> None:
        """Show the journal."""

    def action_help(self) -> None:
        """Show the keys of the screen in front."""

    def action_manual(self, topic: str = "") -> None:
        """Open the manual at a topic."""

    def action_theme(self, name: str) -> None:
        """Change the colours."""

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen."""
