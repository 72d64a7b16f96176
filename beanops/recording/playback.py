"""Where a player is in a recording, and the times in it without a gap; for faces that may never open one."""

from __future__ import annotations

from typing import NamedTuple


class Stretch(NamedTuple):
    """Time without a gap, on one server process.

    Attributes
    ----------
    began, ended : float
        Its first and last look, in seconds since 1970.
    texts : str
        The statistics of the server that are texts, as JSON.
    cause : str
        Why nothing is known of the time before.
    """

    began: float
    ended: float
    texts: str
    cause: str


class Playback(NamedTuple):
    """Where a player is.

    Attributes
    ----------
    at : float
        The moment that is shown, in seconds since 1970.
    speed : float
        Seconds of the recording that pass in a second.
    playing : bool
        Whether time passes.
    began, ended : float
        The first and the last look.
    gap : Stretch or None
        The next stretch where nothing is known of this moment.
    gap_since : float
        When the gap began.
    """

    at: float
    speed: float
    playing: bool
    began: float
    ended: float
    gap: Stretch | None = None
    gap_since: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is at the end."""
        return self.at >= self.ended
