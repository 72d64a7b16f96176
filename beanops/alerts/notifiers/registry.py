"""The types of notifiers by the name that the rules file has for them."""

from __future__ import annotations

from collections.abc import Callable

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.alertmanager import Alertmanager
from beanops.alerts.notifiers.command import RunCommand
from beanops.alerts.notifiers.mail import Mail
from beanops.alerts.notifiers.notice import Notifier
from beanops.alerts.notifiers.pagerduty import PagerDuty
from beanops.alerts.notifiers.slack import Slack
from beanops.alerts.notifiers.webhook import Webhook

#: Each makes a notifier of its table in the rules file.
KINDS: dict[str, Callable[[Fields], Notifier]] = {
    made.kind: made for made in (Webhook, Slack, PagerDuty, Alertmanager, RunCommand, Mail)
}
