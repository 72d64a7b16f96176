"""Alertmanager's API v2, which wants each firing alert again and again and ends those that it no longer gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import Notice, Notifier, iso, later
from beanops.alerts.notifiers.webhook import HttpTarget
from beanops.alerts.secret import Secret

_PATH = "/api/v2/alerts"
#: Seconds after which a firing alert is sent again, and those after which Alertmanager ends it without that.
_AGAIN, _ENDS = 60.0, 300.0


class Alertmanager(Notifier):
    """Posts alerts with labels; the URL is that of the server, such as ``http://alertmanager:9093``."""

    kind = "alertmanager"
    repeat = _AGAIN
    stateful = True

    def __init__(self, fields: Fields, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._target = HttpTarget.read(fields)
        self._now = now

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return self._target.secrets

    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; see `Notifier.send`."""
        ends = later(self._now(), _ENDS)
        self._target.post([alert(notice, ends) for notice in notices], _PATH)


def alert(notice: Notice, ends: datetime) -> dict[str, Any]:
    """Return the alert of a notice; one that fires ends at `ends` unless it is sent again."""
    labels = {
        **notice.labels,
        "alertname": notice.rule,
        "severity": notice.severity,
        "server": notice.server,
        "beanops_key": notice.key,
        **({"tube": notice.tube} if notice.tube else {}),
    }
    annotations = {"summary": notice.summary, "description": notice.description, "look_at": notice.look_at}
    return {
        "labels": labels,
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": iso(notice.since),
        "endsAt": iso(notice.ended or ends),
    }
