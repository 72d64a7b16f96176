"""`Alert`: one thing that a rule has found, from its first sight until everybody knows that it is over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

from beanops.alerts.notifiers.notice import Notice, iso


class Told(NamedTuple):
    """What a channel was told last about an alert.

    Attributes
    ----------
    status : str
        ``"firing"`` or ``"resolved"``.
    severity : str
        The severity then.
    at : datetime
        When.
    """

    status: str
    severity: str
    at: datetime


@dataclass(slots=True)
class Alert:
    """One alert.

    Attributes
    ----------
    key : str
        Identifies it, also after a restart.
    rule, server, tube, problem : str
        What it is about; tube and problem may be empty.
    status : str
        ``"pending"`` until its condition has held for long enough, then ``"firing"``, then ``"resolved"``.
    held : float or None
        Seconds for which the condition is known to have held without a break.
    clear : float or None
        Seconds for which the condition of a firing alert has not held; None while it holds.
    since, ended : datetime or None
        When it began to fire, and when it ended.
    severity, summary, description, look_at : str
        As of the last look.
    labels : dict of str to str
        Labels of the rule.
    values : dict of str to str
        The values that the rule reads, for people.
    told : dict of str to Told
        By channel.
    silenced : bool
        Whether a silence covers it.
    """

    key: str
    rule: str
    server: str
    tube: str = ""
    problem: str = ""
    status: str = "pending"
    held: float | None = None
    clear: float | None = None
    since: datetime | None = None
    ended: datetime | None = None
    severity: str = "warning"
    summary: str = ""
    description: str = ""
    look_at: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    silenced: bool = False

    def notice(self, now: datetime) -> Notice:
        """Return what is sent about it."""
        return Notice(
            self.key,
            self.status,
            self.rule,
            self.server,
            self.tube,
            self.severity,
            self.summary,
            self.description,
            dict(self.labels),
            dict(self.values),
            self.since or now,
            self.ended,
            self.look_at,
        )

    @classmethod
    def of(cls, notice: Notice) -> Alert:
        """Return the alert that a notice is about."""
        shared = {one.name for one in fields(cls)} & set(Notice._fields)
        return cls(**{name: getattr(notice, name) for name in shared})

    def to_json(self) -> dict[str, Any]:
        """Return it for the state file."""
        found = asdict(self)
        for name in ("since", "ended"):
            found[name] = None if found[name] is None else iso(found[name])
        found["told"] = {name: [told.status, told.severity, iso(told.at)] for name, told in self.told.items()}
        return found

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Alert:
        """Return it from the state file.

        Raises
        ------
        ValueError, KeyError, TypeError
            It is none.
        """
        known = {one.name: found[one.name] for one in fields(cls) if one.name in found}
        for name in ("since", "ended"):
            if known.get(name) is not None:
                known[name] = datetime.fromisoformat(known[name])
        known["told"] = {
            name: Told(status, severity, datetime.fromisoformat(at))
            for name, (status, severity, at) in known.get("told", {}).items()
        }
        return cls(**known)


def key_of(rule: str, server: str, parts: Iterable[str]) -> str:
    """Return the key of an alert, which depends on nothing but what it is about.

    Examples
    --------
    >>> key_of("backlog", "prod", ["mail"])
    'beanops-faf68333165850a027705a3c8b7f1878'
    """
    digest = hashlib.sha256("\0".join((rule, server, *parts)).encode("utf-8", "surrogatepass")).hexdigest()
    return f"beanops-{digest[:32]}"
