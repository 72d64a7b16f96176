"""Rules, silences and channels, as read from the rules file. `reading` makes them; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from beanops.alerts.notifiers.notice import Notifier
from beanops.jobs.sql.row_predicates import PredicateTable

#: Severities, the worst first.
SEVERITIES = ("critical", "warning", "info")
#: Days of the week, Monday first.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def severity_rank(severity: str) -> int:
    """Return the place of a severity, 0 for the worst; unknown ones come last.

    Examples
    --------
    >>> sorted(["info", "critical", "warning"], key=severity_rank)
    ['critical', 'warning', 'info']
    """
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


class Silence(NamedTuple):
    """When and where alerts are not sent. Each condition that is given must hold.

    Attributes
    ----------
    rule, tube, server : str
        Names, or patterns such as ``"batch-*"``.
    start, end : datetime or None
        From when until when; None is without limit.
    daily : tuple of two times, or None
        From when until when each day; a silence that ends before it begins lasts over midnight.
    days : tuple of int
        Days of the week on which `daily` begins, 0 for Monday.
    zone : ZoneInfo
        Time zone of `daily` and `days`.
    reason : str
        Why, for people.
    """

    rule: str = "*"
    tube: str = "*"
    server: str = "*"
    start: datetime | None = None
    end: datetime | None = None
    daily: tuple[time, time] | None = None
    days: tuple[int, ...] = tuple(range(7))
    zone: ZoneInfo = ZoneInfo("UTC")
    reason: str = ""

    def covers(self, rule: str, tube: str, server: str, now: datetime) -> bool:
        """Whether it silences an alert now.

        Examples
        --------
        >>> from datetime import UTC
        >>> night = Silence(tube="batch-*", daily=(time(22), time(6)))
        >>> night.covers("backlog", "batch-1", "prod", datetime(2026, 1, 31, 23, tzinfo=UTC))
        True
        """
        named = fnmatchcase(rule, self.rule) and fnmatchcase(tube, self.tube) and fnmatchcase(server, self.server)
        return named and self.is_on(now)

    def is_on(self, now: datetime) -> bool:
        """Whether it is in effect at a moment."""
        if (self.start is not None and now < self.start) or (self.end is not None and now >= self.end):
            return False
        there = now.astimezone(self.zone)
        today = there.weekday()
        if self.daily is None:
            return today in self.days
        begins, ends = self.daily
        clock = there.time()
        if begins < ends:
            return begins <= clock < ends and today in self.days
        # Over midnight: what began yesterday counts as yesterday's.
        return (clock >= begins and today in self.days) or (clock < ends and (today - 1) % 7 in self.days)


class Rule(NamedTuple):
    """One rule.

    Attributes
    ----------
    name : str
        Its name.
    table : PredicateTable
        What it is on.
    when : str
        The predicate of rows that are wrong.
    until : str or None
        The predicate of rows that are right again; None: as soon as `when` is false.
    hold : float
        Seconds for which `when` must hold before the alert fires.
    keep : float
        Seconds for which a firing alert stays after its condition has ended.
    severity : str or None
        One of `SEVERITIES`; None takes that of the problem.
    summary, description : str
        Texts with fields in braces.
    labels : mapping of str to str
        Labels that notifiers pass on.
    notify : tuple of str
        Names of channels.
    repeat : float
        Seconds after which a firing alert is sent again; 0 is never.
    per : str
        ``"tube"``: an alert for each row; ``"server"``: one for all rows of a server.
    silences : tuple of Silence
        Those of this rule.
    reads : frozenset of str
        Columns that `when` and `until` read.
    """

    name: str
    table: PredicateTable
    when: str
    until: str | None = None
    hold: float = 0.0
    keep: float = 0.0
    severity: str | None = "warning"
    summary: str = ""
    description: str = ""
    labels: Mapping[str, str] = {}
    notify: tuple[str, ...] = ()
    repeat: float = 0.0
    per: str = "tube"
    silences: tuple[Silence, ...] = ()
    reads: frozenset[str] = frozenset()


class NotifierChannel(NamedTuple):
    """A notifier with what it is to get.

    Attributes
    ----------
    name : str
        Its name in the file.
    notifier : Notifier
        Sends to it.
    repeat : float or None
        Seconds after which it gets a firing alert again, instead of those of the rule.
    resolves : bool
        Whether it is told when an alert ends.
    severities : tuple of str
        Severities that it gets.
    """

    name: str
    notifier: Notifier
    repeat: float | None = None
    resolves: bool = True
    severities: tuple[str, ...] = SEVERITIES


class Rules(NamedTuple):
    """The content of a rules file.

    Attributes
    ----------
    path : Path
        The file.
    rules : tuple of Rule
        The rules, with ``unreachable``.
    channels : mapping of str to NotifierChannel
        By name.
    silences : tuple of Silence
        Those for all rules.
    servers : tuple of str
        Names or addresses of the servers; empty for the one of the command line.
    interval : float
        Seconds between two looks at a server.
    patience : float
        Seconds to wait for a server's answer.
    """

    path: Path
    rules: tuple[Rule, ...] = ()
    channels: Mapping[str, NotifierChannel] = {}
    silences: tuple[Silence, ...] = ()
    servers: tuple[str, ...] = ()
    interval: float = 10.0
    patience: float = 3.0
