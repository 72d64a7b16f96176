"""Apply rules to the rows of one server, and change its alerts: pending, firing, resolved.

A condition is true, false, or unknown where it is null because a value is unknown; unknown changes nothing. Time counts
only where it was watched: the seconds between two looks, and none while a server did not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from shlex import quote
from typing import NamedTuple

from beanops.alerts import templates
from beanops.alerts.alert import Alert, key_of
from beanops.alerts.rows import TABLES, Row
from beanops.alerts.rules import Rule, severity_rank
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.row_predicates import PredicateTable, RowBatch, RowPredicates

#: Tubes that a summary names; the rest is counted.
_NAMES = 5
#: What tells the alerts of a rule on a server apart: problem and tube.
_Identity = tuple[str, str]
_WHOLE: _Identity = ("", "")


def evaluate(
    alerts: dict[str, Alert],
    rules: Iterable[Rule],
    predicates: RowPredicates,
    server: str,
    rows: Mapping[str, Sequence[Row]],
    elapsed: float,
    now: datetime,
) -> dict[str, str]:
    """Apply rules to the rows of a server.

    Parameters
    ----------
    alerts : dict of str to Alert
        All alerts by key; those of the server are changed.
    rules : iterable of Rule
        The rules.
    predicates : RowPredicates
        Evaluates them.
    server : str
        Its name.
    rows : mapping of str to sequence of Row
        By table; rules on other tables are left alone.
    elapsed : float
        Seconds since the look before, through which the conditions count as unchanged.
    now : datetime
        The time.

    Returns
    -------
    dict of str to str
        By name, why a rule could not be evaluated; its alerts stay as they are.
    """
    failed = {}
    mine: dict[str, dict[_Identity, Alert]] = {}
    for alert in alerts.values():
        if alert.server == server:
            mine.setdefault(alert.rule, {})[alert.problem, alert.tube] = alert
    seen = {name: _SeenRows(TABLES[name], found) for name, found in rows.items()}
    for rule in rules:
        name = rule.table.name
        if name in rows:
            try:
                found = _find(rule, predicates, seen[name], mine.get(rule.name, {}))
            except PredicateError as error:
                failed[rule.name] = str(error)
            else:
                _change(alerts, mine.get(rule.name, {}), rule, server, found, elapsed, now)
    return failed


class _SeenRows:
    """The rows of a table, for many rules."""

    def __init__(self, table: PredicateTable, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.batch = RowBatch(table, rows)

    @cached_property
    def places(self) -> dict[_Identity, list[int]]:
        """Where the rows of each identity are."""
        places: dict[_Identity, list[int]] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(_identity(row), []).append(place)
        return places


def _identity(row: Row) -> _Identity:
    return row.get("problem") or "", row.get("tube") or ""


class _Found(NamedTuple):
    """What a rule finds about one alert: rows that are wrong; and where none is, whether it stays, None for unknown."""

    wrong: list[Row]
    stays: bool | None


def _find(
    rule: Rule, predicates: RowPredicates, seen: _SeenRows, known: Collection[_Identity]
) -> dict[_Identity, _Found]:
    """Return what a rule finds, for rows that are wrong and for those of known alerts."""
    judged = predicates.judge(rule.when, seen.batch)
    over = None if rule.until is None else predicates.judge(rule.until, seen.batch)
    found: dict[_Identity, _Found] = {}
    for place, true in judged.items():
        row = seen.rows[place]
        identity = _identity(row) if rule.per == "tube" else _WHOLE
        if true or identity in known:
            one = found.setdefault(identity, _Found([], False))
            if true:
                one.wrong.append(row)
            elif over is None or not over.get(place):
                found[identity] = one._replace(stays=None)
    for identity in known:
        if identity not in found and rule.per == "tube" and (places := seen.places.get(identity)):
            found[identity] = _Found([], over is not None and not all(over.get(place) for place in places))
    return found


def _change(
    alerts: dict[str, Alert],
    known: dict[_Identity, Alert],
    rule: Rule,
    server: str,
    found: Mapping[_Identity, _Found],
    elapsed: float,
    now: datetime,
) -> None:
    """Change the alerts of a rule on a server by what it has found."""
    for identity, (wrong, stays) in found.items():
        alert = known.get(identity)
        if wrong:
            if alert is None:
                key = key_of(rule.name, server, identity if rule.per == "tube" else ())
                alert = alerts[key] = Alert(key, rule.name, server)
            _describe(alert, rule, wrong)
            _hold(alert, rule, elapsed, now)
        elif alert is not None and stays and alert.status == "firing":
            alert.clear = None  # between the two conditions of its rule, or where `until` is unknown
        elif alert is not None and stays is not None:
            _lift(alerts, alert, rule, elapsed, now)
    for identity, alert in known.items():
        if identity not in found:  # what it is about is gone
            _lift(alerts, alert, rule, elapsed, now)


def _hold(alert: Alert, rule: Rule, elapsed: float, now: datetime) -> None:
    """Change an alert whose condition holds."""
    alert.clear = None
    if alert.status == "resolved":
        alert.status, alert.held, alert.ended = "pending", None, None
    alert.held = 0.0 if alert.held is None else alert.held + elapsed
    if alert.status == "pending" and alert.held >= rule.hold:
        alert.status, alert.since = "firing", now


def _lift(alerts: dict[str, Alert], alert: Alert, rule: Rule, elapsed: float, now: datetime) -> None:
    """Change an alert whose condition does not hold."""
    if alert.status == "firing":
        alert.clear = 0.0 if alert.clear is None else alert.clear + elapsed
        if alert.clear < rule.keep:
            return
    end(alerts, alert, now)


def end(alerts: dict[str, Alert], alert: Alert, now: datetime) -> None:
    """End an alert; it is forgotten at once where no channel was told that it fires."""
    if alert.status != "resolved" and any(told.status == "firing" for told in alert.told.values()):
        alert.status, alert.ended = "resolved", now
        alert.since = alert.since or now
    elif alert.status != "resolved":
        alerts.pop(alert.key, None)


def end_stale(alerts: dict[str, Alert], rules: Container[str], servers: Container[str], now: datetime) -> None:
    """End the alerts of rules and servers that are no longer watched."""
    for alert in list(alerts.values()):
        if alert.rule not in rules or alert.server not in servers:
            end(alerts, alert, now)


def _describe(alert: Alert, rule: Rule, rows: Sequence[Row]) -> None:
    """Give an alert the values of its rows: of the first one, and how many there are."""
    row = rows[0]
    facts = templates.facts_of(row, rule.table)
    tubes = [str(one["tube"]) for one in rows if one.get("tube")]
    values = {name: facts[name] for name in rule.table.columns if name in rule.reads and name not in ("tube", "server")}
    one_row = rule.per == "tube"
    severities = [rule.severity or str(one["severity"]) for one in rows]
    alert.severity = min(severities, key=severity_rank)
    alert.tube = tubes[0] if tubes and one_row else ""
    alert.problem = str(row.get("problem") or "") if one_row else ""
    alert.labels = dict(rule.labels)
    alert.values = values if one_row else {"tubes": f"{len(rows):,}"}
    shown = ", ".join(tubes[:_NAMES]) + (f" and {len(tubes) - _NAMES:,} more" if len(tubes) > _NAMES else "")
    facts |= {
        "rule": rule.name,
        "severity": alert.severity,
        "values": ", ".join(f"{name} {value}" for name, value in values.items()),
        "count": f"{len(rows):,}",
        "names": shown,
    }
    # Where one row speaks for several, the text says so unless the rule's own does.
    alert.summary = templates.filled(rule.summary, facts)
    if len(rows) > 1 and "{count}" not in rule.summary and "{names}" not in rule.summary:
        alert.summary += f" (and {len(rows) - 1:,} more)"
    alert.description = templates.filled(rule.description, facts)
    alert.look_at = facts.get("look_at") or (
        f"beanops -s {quote(alert.server)} stats {quote(alert.tube)}" if alert.tube else ""
    )
