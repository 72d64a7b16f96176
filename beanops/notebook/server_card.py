"""What the card at the top of a dashboard shows of a server: its jobs, its pace, and what is wrong, as JSON.

No widgets. `widgets/card.py` sends it, and ``page/card/card.js`` draws it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from beanops.monitor.problems.problem import Problem
from beanops.monitor.rates import Trail
from beanops.monitor.survey import Survey
from beanops.protocol.states import STATES
from beanops.session.session import Session
from beanops.text import percentage, plural, safe_text, span
from beanops.ui.alerts import Alerts, alert_line
from beanops.ui.columns.why import IDLE, MARKS, lasted
from beanops.ui.formatting import rate

#: Most problems that are listed, and most alerts.
MOST_PROBLEMS = 20
#: Tubes of a problem that a click on it selects.
MOST_SELECTED = 100
#: The states whose growth says something: reserved jobs come and go.
GROWING = ("ready", "delayed", "buried")
#: Seconds of the past from which a growth can be told.
SHORTEST = 10.0


class CardLine(NamedTuple):
    """A problem or an alert.

    Attributes
    ----------
    tone : str
        Its colour: ``"buried"`` where it is critical, ``"delayed"`` where it is a warning, else ``"zero"``.
    mark : str
        The same as a mark, for those who do not see the colour.
    place : str
        What it is about: a tube, several tubes, or the server.
    title, reason : str
        What it is, and one line with its numbers.
    since : str
        For how long it lasts; empty where the reason says it.
    tubes : tuple of str
        The tubes that it is about.
    """

    tone: str
    mark: str
    place: str
    title: str
    reason: str
    since: str
    tubes: tuple[str, ...]


def about(session: Session, survey: Survey, tubes: str | None = None) -> dict[str, Any]:
    """Return who the server is, which seldom changes; `tubes` is the name or glob of those that are shown."""
    server = survey.server
    flags = [
        f"tubes {safe_text(tubes)}" if tubes is not None else "",
        "draining: accepts no new jobs" if server.draining else "",
        can.in_short if (can := session._lookups.known_capabilities(server.id)) else "",
        "read-only" if session.read_only else "",
    ]
    host = " ".join(filter(None, (server.hostname, server.os, server.platform)))
    return {
        "address": session._context.where,
        "version": f"beanstalkd {safe_text(server.version)}",
        "host": ", ".join(filter(None, (safe_text(host), f"process {server.pid}"))),
        "flags": [flag for flag in flags if flag],
    }


def unknown(session: Session) -> dict[str, Any]:
    """Return the same of a server that never answered."""
    flags = ["read-only"] if session.read_only else []
    return {"address": session._context.where, "version": "", "host": "", "flags": flags}


def figures(survey: Survey, whole: bool = True) -> dict[str, Any]:
    """Return the numbers of the whole server, or the sums over the tubes of a survey that has only some.

    The growth is that of jobs per minute, where it is known and not zero.
    """
    server, seen = survey.server, survey.tubes.values()
    if whole:
        jobs = {state: getattr(server, f"current_jobs_{state}") for state in STATES}
        rates, growth = list(survey.rates), _growth(survey.trail)
    else:
        jobs = {state: sum(getattr(one.stats, f"current_jobs_{state}") for one in seen) for state in STATES}
        rates = [_sum([one.rates.puts for one in seen]), _sum([one.rates.deletes for one in seen])]
        each = [_growth(one.trail) for one in seen]
        growth = {state: _sum([one[state] for one in each]) for state in GROWING}
    return {
        "jobs": jobs,
        "growth": {state: value for state, value in growth.items() if value},
        "rates": [f"{rate(value)}/s" for value in rates],
        "tubes": server.current_tubes if whole else len(seen),
        "workers": server.current_workers,
        "connections": f"{server.current_waiting:,} waiting; {plural(server.current_connections, 'connection')}",
        "cpu": "" if survey.cpu is None else percentage(survey.cpu, 1),
        "uptime": span(server.uptime),
    }


def _growth(trail: Trail) -> dict[str, int | None]:
    """Return how many jobs there are more in each of these states, per minute, over the last minute."""
    seconds = trail[-1].at - trail[0].at if trail else 0.0
    if seconds < SHORTEST:
        return dict.fromkeys(GROWING)
    return {state: round((getattr(trail[-1], state) - getattr(trail[0], state)) / seconds * 60) for state in GROWING}


def _sum(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]  # a tube that is new has none yet
    return sum(known) if known else None


def problems(survey: Survey) -> dict[str, Any]:
    """Return how many problems there are, and the worst; idle tubes are one of them."""
    critical = sum(one.severity == "critical" for one in survey.problems)
    # Idle tubes are the last: nothing there is urgent.
    first = sorted(survey.problems[:MOST_PROBLEMS], key=lambda one: bool(one.tubes) and one.severity != "critical")
    lines = [_problem_line(one, survey)._asdict() for one in first]
    return {"critical": critical, "warning": len(survey.problems) - critical, "lines": lines}


def _problem_line(one: Problem, survey: Survey) -> CardLine:
    seen = survey.tubes.get(one.tube) if one.tube is not None else None
    known = max(0.0, (seen.at if seen is not None else survey.at) - one.since)
    # Where the reason says for how long, it does so at its end: as a number of its own it can be compared.
    reason = one.reason.replace(f" for {span(known)}", "", 1)
    place = safe_text(one.place)
    if one.tubes:
        place, (_, _, reason) = plural(len(one.tubes), "idle tube"), reason.partition(": ")
    critical = one.severity == "critical"
    return CardLine(
        "buried" if critical else "zero" if one.tubes else "delayed",
        IDLE if one.tubes and not critical else MARKS[one.severity],
        place,
        one.title,
        safe_text(reason),
        lasted(known) if known >= 1 else "",
        ((one.tube,) if one.tube is not None else one.tubes)[:MOST_SELECTED],
    )


def alerts(firing: Alerts, now: datetime) -> dict[str, Any]:
    """Return the alerts that fire on the server, and a note where the alert daemon does not run."""
    old = firing.age(now)
    lines = [
        CardLine(
            "zero" if old or one.silenced else "buried" if one.severity == "critical" else "delayed",
            "◇" if one.silenced else "◆",
            safe_text(one.tube or "server"),
            f"{one.severity} alert",
            alert_line(one, now),
            "",
            (one.tube,) if one.tube else (),
        )._asdict()
        for one in firing.here[:MOST_PROBLEMS]
    ]
    return {"note": old, "lines": lines, "number": len(firing.here)}
