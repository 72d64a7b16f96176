"""`Notice`, what is sent about one alert, and `Notifier`, which sends it; with the errors of sending."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from beanops.alerts.secret import Secret
from beanops.protocol.errors import BeanopsError


class Notice(NamedTuple):
    """What is sent about one alert.

    Attributes
    ----------
    key : str
        Identifies the alert: the same for each notice of it, also after a restart.
    status : str
        ``"firing"`` or ``"resolved"``.
    rule, server : str
        Names.
    tube : str
        The tube; empty where the alert is about the server.
    severity : str
        ``"critical"``, ``"warning"`` or ``"info"``.
    summary, description : str
        Texts for people; the summary is one line.
    labels : mapping of str to str
        Labels of the rule.
    values : mapping of str to Any
        The values that the rule reads.
    since : datetime
        When the alert began to fire.
    ended : datetime or None
        When it ended.
    look_at : str
        The command that shows more.
    test : bool
        Whether it only tests the way.
    """

    key: str
    status: str
    rule: str
    server: str
    tube: str
    severity: str
    summary: str
    description: str
    labels: Mapping[str, str]
    values: Mapping[str, Any]
    since: datetime
    ended: datetime | None = None
    look_at: str = ""
    test: bool = False

    def facts(self) -> dict[str, Any]:
        """Return it for JSON, with times in ISO format."""
        facts = self._asdict()
        facts["labels"], facts["values"] = dict(self.labels), dict(self.values)
        facts["since"] = iso(self.since)
        facts["ended"] = None if self.ended is None else iso(self.ended)
        return facts


class NotSent(BeanopsError):
    """A notice was not accepted; it is sent again later.

    Attributes
    ----------
    wait : float or None
        Seconds after which the receiver asks to try again.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Rejected(BeanopsError):
    """The receiver does not accept this notice, and would not accept it later."""


class Notifier(ABC):
    """Sends notices. Those of the rules file are made of its table there.

    Attributes
    ----------
    kind : str
        Its type in the rules file.
    batch : int
        Maximum number of notices at a time.
    repeat : float or None
        Seconds after which it needs a firing alert again.
    stateful : bool
        Whether the receiver keeps alerts until they are resolved.
    """

    kind: str
    batch: int = 100
    repeat: float | None = None
    stateful: bool = False

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return ()

    @abstractmethod
    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; return when the receiver has accepted them.

        Raises
        ------
        NotSent
            It did not; try again later.
        Rejected
            It never will.
        """


def iso(moment: datetime) -> str:
    """Return a time in ISO format, UTC with ``Z`` and whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def later(now: datetime, seconds: float) -> datetime:
    """Return the moment some seconds after another one; the last one that there is where that is too far."""
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=now.tzinfo)
