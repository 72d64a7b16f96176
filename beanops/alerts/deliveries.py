"""What is due to which channel. Nothing is queued: it follows from what alerts are and what channels were told last.

So a restart sends nothing twice, and an alert that ends before anybody was told of it is never sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from beanops.alerts.alert import Alert, Told
from beanops.alerts.notifiers.notice import Notice
from beanops.alerts.rules import NotifierChannel, Rule, Silence, severity_rank

#: Notices that a channel gets in one go.
MOST = 500
#: Seconds of the first wait after a failure, which doubles, and of the longest.
_FIRST, _LONGEST = 1.0, 300.0


def is_silenced(alert: Alert, rule: Rule | None, silences: Iterable[Silence], now: datetime) -> bool:
    """Whether an alert is not to be sent now.

    Parameters
    ----------
    alert : Alert
        The alert.
    rule : Rule or None
        Its rule.
    silences : iterable of Silence
        Those for all rules.
    now : datetime
        The time.
    """
    own = () if rule is None else rule.silences
    return any(one.covers(alert.rule, alert.tube, alert.server, now) for one in (*own, *silences))


def due(channel: NotifierChannel, alerts: Iterable[Alert], rules: Mapping[str, Rule], now: datetime) -> list[Notice]:
    """Return what is due to a channel now: ends first, then the worst."""
    found = [alert for alert in alerts if _is_due(channel, alert, rules.get(alert.rule), now)]
    found.sort(key=lambda alert: (alert.status != "resolved", severity_rank(alert.severity)))
    return [alert.notice(now) for alert in found[:MOST]]


def _is_due(channel: NotifierChannel, alert: Alert, rule: Rule | None, now: datetime) -> bool:
    told = alert.told.get(channel.name)
    if alert.status == "resolved":
        return channel.resolves and told is not None and told.status == "firing"
    if alert.status != "firing" or alert.silenced or rule is None or channel.name not in rule.notify:
        return False
    if alert.severity not in channel.severities:
        return False
    if told is None or told.status != "firing" or severity_rank(alert.severity) < severity_rank(told.severity):
        return True
    repeat = rule.repeat if channel.repeat is None else channel.repeat
    passed = (now - told.at).total_seconds()
    # A clock that was set back would otherwise delay it.
    return bool(repeat) and (passed >= repeat or passed < -1)


def mark(alerts: dict[str, Alert], channel: str, notices: Iterable[Notice], now: datetime) -> None:
    """Note what a channel was told."""
    for notice in notices:
        alert = alerts.get(notice.key)
        if alert is None and notice.status == "firing":
            # It ended while its first notice was under way, and the channel is still to hear of its end.
            alert = alerts[notice.key] = Alert.of(notice)
            alert.status, alert.ended = "resolved", now
        if alert is not None:
            alert.told[channel] = Told(notice.status, notice.severity, now)


def forget(alerts: dict[str, Alert], channels: Mapping[str, NotifierChannel]) -> None:
    """Forget ended alerts that no channel waits to hear of."""
    for alert in list(alerts.values()):
        waiting = (
            name in channels and channels[name].resolves and told.status == "firing"
            for name, told in alert.told.items()
        )
        if alert.status == "resolved" and not any(waiting):
            del alerts[alert.key]


class BackOff(NamedTuple):
    """How a channel's last deliveries went.

    Attributes
    ----------
    failures : int
        How many failed in a row.
    until : float
        Until when it is left alone, in seconds of the daemon's clock.
    error : str
        Why the last one failed.
    """

    failures: int = 0
    until: float = 0.0
    error: str = ""

    def failed(
        self, error: str, wait: float | None, clock: float, spread: Callable[[], float] = random.random
    ) -> BackOff:
        """Return it after one more failure: the wait doubles, and is never less than the receiver asks for."""
        seconds = min(_LONGEST, _FIRST * 2.0 ** min(self.failures, 30))
        # Spread, so that several daemons do not come back at the same moment.
        seconds *= 0.75 + spread() / 2
        return BackOff(self.failures + 1, clock + max(seconds, wait or 0.0), error)
