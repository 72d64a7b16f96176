"""`ReplayPoller`: a recording in place of a server; and the times that users give."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

from beanops.protocol.errors import ArgumentError, BeanopsError
from beanops.recording.playback import Playback
from beanops.recording.replay import Player
from beanops.session.arguments import time_of
from beanops.session.session import Session
from beanops.text import span
from beanops.ui.poller import Live, Look, Poller

#: What is allowed as a time.
TIMES = "a time (UTC) such as '14:30' or '2026-01-31 14:30', or a span before the end such as '2h'"


class ReplayPoller(Poller):
    """Looks at the present moment of a player.

    Parameters
    ----------
    player : Player
        What it plays.
    session : Session
        That of the recorded server.
    """

    def __init__(self, player: Player, session: Session) -> None:
        super().__init__(lambda: session, lambda: player.at)
        self._player = player

    @property
    def due(self) -> bool:
        """Whether to look now: a file is never waited for."""
        return True

    def wait(self) -> Live:
        """Return what is known."""
        return self._live

    def look(
        self,
        look: Look | None = None,
        wanted: Collection[str] = (),
        early: Callable[[Live], object] | None = None,
    ) -> Live:
        """Return what was known at the present moment; a file that cannot be read is reported in the result."""
        try:
            survey, playback = self._player.look()
        except BeanopsError as error:
            return self.lose(str(error))
        self._live = Live(survey, at=playback.at, playback=playback)
        return self._live


def moment_of(text: str, player: Player) -> float:
    """Return a moment that a user gives, in seconds since 1970.

    Raises
    ------
    ArgumentError
        It is not a time.
    """
    text = text.strip().removesuffix("Z").strip()
    if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", text):
        day = datetime.fromtimestamp(player.at, UTC).date()
        try:
            moment = datetime.combine(day, clock_time.fromisoformat(text.zfill(5 if text.count(":") == 1 else 8)), UTC)
        except ValueError:
            raise ArgumentError("time", text, TIMES) from None
        # Of a recording that ended after midnight the evening before is meant.
        return (moment - timedelta(days=moment.timestamp() > player.ended)).timestamp()
    try:
        return time_of("time", text, datetime.fromtimestamp(player.ended, UTC)).timestamp()
    except ArgumentError:
        raise ArgumentError("time", text, TIMES) from None


def speed_text(speed: float) -> str:
    """Return a speed in words.

    Examples
    --------
    >>> speed_text(60.0), speed_text(0.5)
    ('60×', '0.5×')
    """
    return f"{speed:g}×"


def where_text(playback: Playback) -> str:
    """Return the moment that is shown, how it is played, and the end, in words."""
    how = "end" if playback.is_over else speed_text(playback.speed) if playback.playing else "paused"
    return f"{utc_text(playback.at)} UTC  {how}  ends {utc_text(playback.ended)} UTC"


def gap_text(playback: Playback) -> str:
    """Return why nothing is known of the moment, in words; empty where it is known."""
    gap = playback.gap
    if gap is None:
        return ""
    long = span(gap.began - playback.gap_since)
    return f"NOT RECORDED from {utc_text(playback.gap_since)} to {utc_text(gap.began)} UTC ({long}): {gap.cause}."


def utc_text(at: float) -> str:
    """Return a moment as UTC, to the second.

    Examples
    --------
    >>> utc_text(0.0)
    '1970-01-01 00:00:00'
    """
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
