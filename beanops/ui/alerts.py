"""What the alert daemon says, for all faces: one reader, the alerts of the server that is shown, and when to ring.

Reading blocks on files, so faces call it from a thread of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from beanops.client.address import Address
from beanops.client.places import places
from beanops.protocol.errors import ArgumentError, BeanopsError
from beanops.session.config import profiles
from beanops.text import plural, safe_text, span

if TYPE_CHECKING:
    from beanops.alerts.status import AlertStatus, FiringAlert, StatusReader


class Alerts(NamedTuple):
    """What fires, as a face shows it.

    Attributes
    ----------
    here, elsewhere : tuple of FiringAlert
        Those of the server that is shown, and of others; the worst first, silenced ones last.
    at : datetime or None
        When the daemon last said so; None where it never ran.
    is_running : bool
        Whether the daemon runs.
    errors : tuple of str
        What does not work, such as a notifier that cannot be reached.
    """

    here: tuple[FiringAlert, ...] = ()
    elsewhere: tuple[FiringAlert, ...] = ()
    at: datetime | None = None
    is_running: bool = False
    errors: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[FiringAlert, ...]:
        """All alerts, those of the server that is shown first."""
        return (*self.here, *self.elsewhere)

    def age(self, now: datetime) -> str:
        """Return in words that the daemon does not run, and since when; empty while it runs.

        Examples
        --------
        >>> Alerts(at=datetime(2026, 1, 31, 12)).age(datetime(2026, 1, 31, 12, 5))
        'beanops alert is not running: alerts as of 5m00s ago'
        """
        if self.is_running or self.at is None:
            return ""
        return f"beanops alert is not running: alerts as of {span((now - self.at).total_seconds())} ago"


class AlertReader:
    """Reads what the alert daemon says, again and again.

    Parameters
    ----------
    now : callable
        The time, UTC.
    path : Path or None
        The state file; None is the usual one.
    alone : bool
        Whether it tells of the server that is shown only, as for the visitor of a page.
    """

    def __init__(
        self, now: Callable[[], datetime] = lambda: datetime.now(UTC), path: Path | None = None, *, alone: bool = False
    ) -> None:
        self._now = now
        self._path = path
        self._alone = alone
        self._reader: StatusReader | None = None
        # Which servers of rules are the one at an address, as long as the alerts stay the same.
        self._status: AlertStatus | None = None
        self._of: dict[tuple[str, Address], bool] = {}

    def read(self, address: Address) -> Alerts:
        """Return what fires now; `address` is that of the server that is shown."""
        if self._reader is None:
            from beanops.alerts.status import StatusReader  # not before the first paint

            self._reader = StatusReader(self._path)
        status = self._reader.read(self._now())
        if self._status is None or status.at != self._status.at:
            self._of.clear()  # the configuration may have changed too
        self._status = status
        firing = sorted(status.firing, key=lambda alert: alert.silenced)
        here = tuple(alert for alert in firing if self._is_of(alert.server, address))
        if self._alone:
            return Alerts(here, (), status.at, status.is_running)
        elsewhere = tuple(alert for alert in firing if not self._is_of(alert.server, address))
        return Alerts(here, elsewhere, status.at, status.is_running, status.errors)

    def _is_of(self, server: str, address: Address) -> bool:
        known = self._of.get((server, address))
        if known is None:
            known = self._of[server, address] = bool(places(address) & _places_of(server))
        return known


def _places_of(server: str) -> frozenset[tuple[str, int]]:
    """Return the places of a server as rules call it: a profile or an address."""
    try:
        named = profiles().get(server)
    except BeanopsError:
        named = None
    try:
        return places(Address.parse(server)) if named is None else named.places()
    except ArgumentError:  # a profile of another configuration
        return frozenset()


class NewAlerts:
    """Says whether there is a new alert: one that fires since the look before, and that no silence covers."""

    def __init__(self) -> None:
        self._known: set[tuple[str, datetime]] | None = None

    def come(self, alerts: Alerts) -> bool:
        """Take what fires now, and return whether any of it is new. What fires at first is not.

        Examples
        --------
        >>> NewAlerts().come(Alerts())
        False
        """
        if alerts.at is None:
            return False  # nothing is known
        firing = {(alert.key, alert.since) for alert in alerts.every}
        loud = {(alert.key, alert.since) for alert in alerts.every if not alert.silenced}
        first, known = self._known is None, self._known or set()
        self._known = (known | loud) & firing
        return not first and bool(loud - known)


def alert_count(alerts: Alerts) -> tuple[str, str]:
    """Return how many alerts of the server fire, without silenced ones, and the worst severity; empty for none."""
    loud = [alert.severity for alert in alerts.here if not alert.silenced]
    if not loud:
        return "", ""
    critical = loud.count("critical")
    worst = next(severity for severity in ("critical", "warning", *loud) if severity in loud)
    return f"{plural(len(loud), 'alert')}{f', {critical:,} critical' if critical else ''}", worst


def alert_line(alert: FiringAlert, now: datetime) -> str:
    """Return an alert on one line: rule, tube, how long, and the values that the rule reads."""
    place = alert.tube or "server"
    lasting = span(max(0.0, (now - alert.since).total_seconds()))
    silenced = ", silenced" if alert.silenced else ""
    return safe_text(f"{alert.rule}, {place}, for {lasting}{silenced}: {alert.value or alert.summary}")
