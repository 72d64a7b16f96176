"""`ReplayDashboard`: the dashboard on a recording, with keys to move about in its time; it changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from beanops.protocol.errors import ArgumentError
from beanops.recording.reader import Recording
from beanops.recording.replay import Player
from beanops.session.session import Session
from beanops.session.watching.recorded_session import recorded_session
from beanops.state_files import state_path
from beanops.text import safe_text
from beanops.tui.actions.catalogue import bindings
from beanops.tui.actions.request import Field
from beanops.tui.app import Dashboard, keys_of_user
from beanops.tui.dialogs.form import Answers, Form
from beanops.tui.keys import APP, REPLAY, UNDO
from beanops.tui.state import StateFile
from beanops.ui.defaults import INTERVAL
from beanops.ui.replay import TIMES, ReplayPoller, moment_of, speed_text, utc_text

#: Keys that make no sense here.
_WITHOUT = {"app.freeze", "app.slower", "app.faster", "app.actions"}


def _keys() -> list[BindingType]:
    known: list[BindingType] = [one for one in APP if one.id not in _WITHOUT]
    # Screens offer no action; pressing its key says why.
    refused: list[BindingType] = [Binding(one.key, "app.refuse", show=False) for one in (*bindings(), *UNDO)]
    return [*REPLAY, *known, *refused]


class ReplayDashboard(Dashboard, inherit_bindings=False):
    """The terminal dashboard on a recording.

    Parameters
    ----------
    player : Player
        What it plays.
    session : Session
        That of the recorded server.
    **options
        As those of `Dashboard`.
    """

    BINDINGS: ClassVar[list[BindingType]] = _keys()
    CSS_PATH = "dashboard.tcss"

    def __init__(self, player: Player, session: Session, **options: Any) -> None:
        super().__init__(
            session,
            poller=ReplayPoller(player, session),
            clock=lambda: player.at,
            now=lambda: datetime.fromtimestamp(player.at, UTC),
            alone=True,
            read_only=True,
            **options,
        )
        self._player = player

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to what the user types into, and to dialogs."""
        if action in ("skip", "jump"):
            return self.screen is self.view and not isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def action_play(self) -> None:
        """Play or pause."""
        player = self._player
        player.pause() if player.playing else player.play()
        self.say(f"plays at {speed_text(player.speed)}" if player.playing else "paused")
        self.action_refresh()

    def action_freeze(self) -> None:
        """Play or pause."""
        self.action_play()

    def action_speed(self, step: int) -> None:
        """Play faster or slower."""
        self._player.step_speed(step)
        self.say(f"speed: {speed_text(self._player.speed)}")
        self.action_refresh()

    def action_skip(self, seconds: int) -> None:
        """Jump back or forward."""
        self._player.jump(self._player.at + seconds)
        self.action_refresh()

    def action_to_problem(self, step: int) -> None:
        """Jump to where the next or the previous problem begins."""
        problem = self._player.jump_to_problem(step)
        if problem is None:
            self.say(f"no {'later' if step > 0 else 'earlier'} problem", False)
            return
        where = "server" if problem.tube is None else problem.tube
        self.say(safe_text(f"{utc_text(problem.began)} UTC  {where}: {problem.reason}"))
        self.action_refresh()

    def action_jump(self) -> None:
        """Ask for a time, and jump to it."""

        def answered(answers: Answers | None) -> None:
            if answers is None:
                return
            try:
                self._player.jump(moment_of(answers["time"], self._player))
            except ArgumentError as error:
                self.say(safe_text(f"{error.given!r} is not {TIMES}"), False)
            self.action_refresh()

        now = utc_text(self._player.at)
        self.push_screen(
            Form("Jump to a time", (Field("time", "time", now, "text", "UTC, or 2h before the end"),)), answered
        )

    def action_refuse(self) -> None:
        """Say why an action is not possible."""
        self.say("this is a recording: nothing can be changed", False)

    def action_record(self) -> None:
        """Say that there is no journal."""
        self.say("this is a recording: it has no journal of actions", False)


def run(
    path: Path, server: str | None = None, *, at: str | None = None, speed: float = 1.0, interval: float = INTERVAL
) -> int:
    """Show a recording until the user quits, and return the exit code.

    Parameters
    ----------
    path : Path
        The file.
    server : str or None
        Name or address of a recorded server; None is the first.
    at : str or None
        The time to begin with; None plays from the beginning.
    speed : float
        Seconds of the recording that pass in a second.
    interval : float
        Refresh interval in seconds.

    Raises
    ------
    RecordingError
        It cannot be read.
    ArgumentError
        The time is not one.
    """
    with Recording(path) as recording:
        player = Player(recording, server, speed=speed)
        player.jump(player.began if at is None else moment_of(at, player))
        player.play()
        session = recorded_session(player.server.address, "tui")
        profile = session.profile._replace(name=player.server.name, read_only=True)
        app = ReplayDashboard(
            player,
            session,
            profile=profile,
            interval=interval,
            state_file=StateFile(state_path("tui")),
            keys=keys_of_user(),
        )
        app.fit_colours()
        app.run()
    return app.return_code or 0
