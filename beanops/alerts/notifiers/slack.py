"""Slack, and chats with the same incoming webhooks: one message for all alerts of a moment."""

from __future__ import annotations

from collections.abc import Sequence

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import Notice, Notifier
from beanops.alerts.notifiers.webhook import HttpTarget
from beanops.alerts.secret import Secret
from beanops.text import plural, safe_text

_COLORS = {"critical": "#a4262c", "warning": "#c08000", "info": "#4a6fa5", "resolved": "#2e7d32"}
#: Alerts that a message shows; the rest is counted.
_MOST = 20
_LONGEST = 2500


class Slack(Notifier):
    """Posts to an incoming webhook."""

    kind = "slack"

    def __init__(self, fields: Fields) -> None:
        self._target = HttpTarget.read(fields)
        self._channel = fields.text("channel", "")

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return self._target.secrets

    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; see `Notifier.send`."""
        self._target.post({**({"channel": self._channel} if self._channel else {}), **message(notices)})


def message(notices: Sequence[Notice]) -> dict[str, object]:
    """Return the message about some alerts; a single one is in the text itself."""
    shown = [_attachment(notice) for notice in notices[:_MOST]]
    if len(notices) > _MOST:
        shown.append({"color": _COLORS["info"], "text": f"and {plural(len(notices) - _MOST, 'more alert')}"})
    if len(notices) == 1:
        return {"text": _title(notices[0]), "attachments": shown}
    firing = sum(notice.status == "firing" for notice in notices)
    counts = [
        f"{number:,} {word}" for number, word in ((firing, "firing"), (len(notices) - firing, "resolved")) if number
    ]
    return {"text": f"beanops: {', '.join(counts)}", "attachments": shown}


def _title(notice: Notice) -> str:
    word = "RESOLVED" if notice.status == "resolved" else notice.severity.upper()
    return escaped(f"{'TEST ' if notice.test else ''}{word}: {notice.summary}")


def _attachment(notice: Notice) -> dict[str, object]:
    color = _COLORS["resolved" if notice.status == "resolved" else notice.severity]
    title = _title(notice)
    lines = [f"*{title}*", escaped(safe_text(notice.description, multiline=True))]
    if notice.look_at and notice.status == "firing":
        lines.append(f"`{escaped(notice.look_at)}`")
    text = "\n".join(line for line in lines if line)
    return {"color": color, "fallback": title, "text": text[:_LONGEST], "mrkdwn_in": ["text"]}


def escaped(text: str) -> str:
    """Return a text in which Slack sees no links or mentions.

    Examples
    --------
    >>> escaped("<!channel> & co")
    '&lt;!channel&gt; &amp; co'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
