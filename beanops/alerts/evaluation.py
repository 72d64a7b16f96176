"""Apply rules to the rows of one server, and change its alerts: pending, firing, resolved.

A condition is true, false, or unknown where it is null because a value is unknown; unknown changes nothing. Time counts
only where it was watched: the seconds between two looks, and none while a server did not answer.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime

from beanops.alerts import templates
from beanops.alerts.alert import Alert, key_of
from beanops.alerts.rows import Row
from beanops.alerts.rules import SEVERITIES, Rule
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.row_predicates import RowPredicates

#: Tubes that a summary names; the rest is counted.
_NAMES = 5
#: Columns that identify a row.
_IDENTITY = ("problem", "tube")


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
    mine: dict[str, dict[str, Alert]] = {}
    for alert in alerts.values():
        if alert.server == server:
            mine.setdefault(alert.rule, {})[alert.key] = alert
    for rule in rules:
        if rule.table.name in rows:
            try:
                _apply(alerts, mine.get(rule.name, {}), rule, predicates, server, rows[rule.table.name], elapsed, now)
            except PredicateError as error:
                failed[rule.name] = str(error)
    return failed


def _apply(
    alerts: dict[str, Alert],
    known: dict[str, Alert],
    rule: Rule,
    predicates: RowPredicates,
    server: str,
    rows: Sequence[Row],
    elapsed: float,
    now: datetime,
) -> None:
    judged = predicates.judge(rule.table, rule.when, rows)
    over = None if rule.until is None else predicates.judge(rule.table, rule.until, rows)
    groups: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        identity = (str(row.get(name) or "") for name in _IDENTITY) if rule.per == "tube" else ()
        groups.setdefault(key_of(rule.name, server, identity), []).append(place)
    for key, places in groups.items():
        wrong = [place for place in places if judged[place]]
        unknown = any(judged[place] is None for place in places)
        alert = known.pop(key, None)
        if wrong:
            if alert is None:
                alert = alerts[key] = Alert(key, rule.name, server)
            _describe(alert, rule, [rows[place] for place in wrong])
            _hold(alert, rule, elapsed, now)
        elif alert is not None and not unknown:
            if alert.status == "firing" and over is not None and not over[places[0]]:
                alert.clear = None  # it stays between the two conditions of its rule, and where `until` is unknown
            else:
                _lift(alerts, alert, rule, elapsed, now)
    for alert in known.values():  # what they were about is gone
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
    alert.severity = min(severities, key=lambda name: SEVERITIES.index(name) if name in SEVERITIES else len(SEVERITIES))
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
    alert.look_at = facts.get("look_at") or (f"beanops -s {alert.server} stats {alert.tube}" if alert.tube else "")
