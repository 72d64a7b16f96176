"""What fires now, for dashboards and scripts: read from the state file of the daemon. It imports nothing heavy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from beanops.alerts.files import state_path
from beanops.alerts.rules import severity_rank
from beanops.alerts.state import Saved, StateError, load


class FiringAlert(NamedTuple):
    """An alert that fires.

    Attributes
    ----------
    rule : str
        Its rule.
    server : str
        The server, as rules call it.
    tube : str
        The tube; empty where it is about the server.
    severity : str
        ``"critical"``, ``"warning"`` or ``"info"``.
    since : datetime
        When it began to fire, UTC.
    value : str
        What the rule reads, such as ``"ready 1,204, age 12m05s"``.
    summary : str
        The text of the rule.
    silenced : bool
        Whether a silence covers it.
    look_at : str
        The command that shows more.
    key : str
        Identifies it as long as it exists.
    """

    rule: str
    server: str
    tube: str
    severity: str
    since: datetime
    value: str
    summary: str
    silenced: bool = False
    look_at: str = ""
    key: str = ""


class AlertStatus(NamedTuple):
    """What the daemon knows.

    Attributes
    ----------
    at : datetime or None
        When it last said so; None where it never ran.
    is_running : bool
        Whether that is recent enough for a daemon that runs.
    firing : tuple of FiringAlert
        The worst first, then the oldest.
    pending : int
        Alerts whose condition has not held for long enough yet.
    errors : tuple of str
        What does not work: servers that do not answer, rules that fail, notifiers that are not reached.
    """

    at: datetime | None = None
    is_running: bool = False
    firing: tuple[FiringAlert, ...] = ()
    pending: int = 0
    errors: tuple[str, ...] = ()


def alert_status(path: Path | None = None, now: datetime | None = None) -> AlertStatus:
    """Return what fires now.

    Parameters
    ----------
    path : Path or None
        The state file; None is the usual one.
    now : datetime or None
        The time; None is the present.

    Raises
    ------
    StateError
        The file is damaged.

    Examples
    --------
    >>> alert_status(Path("no-such-file.json")).firing
    ()
    """
    path = path or state_path()
    now = now or datetime.now(UTC)
    saved = load(path)
    return AlertStatus() if saved.at is None else _status(saved, saved.at, now)


class StatusReader:
    """Reads what fires again and again: a file that has not changed is not read again.

    Parameters
    ----------
    path : Path or None
        The state file; None is the usual one.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or state_path()
        self._stamp: tuple[int, ...] | None = None
        self._saved = Saved({})

    def read(self, now: datetime) -> AlertStatus:
        """Return what fires at a moment; a file that cannot be read is one of its errors."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            try:
                self._saved = load(self._path)
            except StateError as error:
                self._stamp = None
                return AlertStatus(errors=(str(error),))
            self._stamp = stamp
        saved = self._saved
        return AlertStatus() if saved.at is None else _status(saved, saved.at, now)


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def _status(saved: Saved, at: datetime, now: datetime) -> AlertStatus:
    firing = [
        FiringAlert(
            alert.rule,
            alert.server,
            alert.tube,
            alert.severity,
            alert.since or at,
            ", ".join(f"{name} {value}" for name, value in alert.values.items()),
            alert.summary,
            alert.silenced,
            alert.look_at,
            alert.key,
        )
        for alert in saved.alerts.values()
        if alert.status == "firing"
    ]
    firing.sort(key=lambda alert: (severity_rank(alert.severity), alert.since, alert.server, alert.tube))
    errors = [f"{name} does not answer: {one.error}" for name, one in saved.servers.items() if one.error]
    errors += [f"rule {name} cannot be evaluated: {error}" for name, error in saved.failing.items()]
    errors += [f"notifier {name}: {way.error}" for name, way in saved.channels.items() if way.error]
    return AlertStatus(
        at,
        (now - at).total_seconds() < max(60.0, 3 * saved.interval),
        tuple(firing),
        sum(alert.status == "pending" for alert in saved.alerts.values()),
        tuple(errors),
    )
