"""PagerDuty's Events API v2: an incident for each alert, which ends with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import Notice, Notifier, iso
from beanops.alerts.notifiers.webhook import HttpTarget
from beanops.alerts.secret import Secret

_URL = "https://events.pagerduty.com/v2/enqueue"
#: Characters of a summary that PagerDuty takes.
_LONGEST = 1024


class PagerDuty(Notifier):
    """Sends an event for each notice, with the alert's key as ``dedup_key``."""

    kind = "pagerduty"
    batch = 1
    stateful = True

    def __init__(self, fields: Fields) -> None:
        self._target = HttpTarget.read(fields, _URL)
        self._key = fields.secret("routing_key", inline=False) or Secret("text", "")

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return [*self._target.secrets, self._key]

    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; see `Notifier.send`."""
        for notice in notices:
            self._target.post({"routing_key": self._key.read(), **event(notice)})


def event(notice: Notice) -> dict[str, Any]:
    """Return the event of a notice, without the routing key."""
    if notice.status == "resolved":
        return {"event_action": "resolve", "dedup_key": notice.key}
    details = {"description": notice.description, "look_at": notice.look_at, **notice.values, **notice.labels}
    return {
        "event_action": "trigger",
        "dedup_key": notice.key,
        "client": "beanops",
        "payload": {
            "summary": notice.summary[:_LONGEST],
            "source": notice.server,
            "severity": notice.severity,
            "timestamp": iso(notice.since),
            "component": notice.tube or notice.server,
            "group": notice.server,
            "class": notice.rule,
            "custom_details": details,
        },
    }
