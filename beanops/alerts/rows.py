"""The tables that rules ask: ``tubes``, ``problems`` and ``servers``, and their rows from what was seen of a server."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from beanops.jobs.sql.row_predicates import PredicateTable
from beanops.monitor.survey import Seen, Survey
from beanops.monitor.sweep import TUBE_COUNTS

#: One row of a table, by column.
Row = dict[str, Any]

_counts = attrgetter(*TUBE_COUNTS.values())

TUBES = PredicateTable(
    "tubes",
    {
        "server": "text",
        "tube": "text",
        **dict.fromkeys(TUBE_COUNTS, "count"),
        **dict.fromkeys(("age", "drain", "seen", "pause", "pause_left"), "span"),
        "puts_per_s": "number",
        "deletes_per_s": "number",
    },
)
PROBLEMS = PredicateTable(
    "problems",
    {
        "server": "text",
        "problem": "text",
        "severity": "text",
        "tube": "text",
        "reason": "text",
        "lasting": "span",
        "look_at": "text",
    },
)
SERVERS = PredicateTable(
    "servers",
    {
        "server": "text",
        "up": "flag",
        "error": "text",
        "silent": "span",
        **dict.fromkeys(("ready", "reserved", "delayed", "buried", "urgent"), "count"),
        **dict.fromkeys(("tubes", "connections", "workers", "producers", "waiting", "timeouts"), "count"),
        "draining": "flag",
        "uptime": "span",
        "version": "text",
        "puts_per_s": "number",
        "deletes_per_s": "number",
        "cpu": "number",
    },
)
TABLES = {table.name: table for table in (TUBES, PROBLEMS, SERVERS)}


def tube_rows(server: str, survey: Survey) -> list[Row]:
    """Return the rows of ``tubes`` of one server."""
    return [_tube_row(server, survey.at, seen) for seen in survey.tubes.values()]


def _tube_row(server: str, at: float, seen: Seen) -> Row:
    stats = seen.stats
    return {
        "server": server,
        "tube": stats.name,
        **dict(zip(TUBE_COUNTS, _counts(stats), strict=True)),
        # Without ready jobs both are known: nothing waits, and nothing is left to drain.
        "age": seen.age if stats.current_jobs_ready else 0,
        "drain": seen.drain if stats.current_jobs_ready else 0,
        "seen": at - seen.at,
        "pause": stats.pause,
        "pause_left": stats.pause_time_left,
        "puts_per_s": seen.rates.puts,
        "deletes_per_s": seen.rates.deletes,
    }


def problem_rows(server: str, survey: Survey) -> list[Row]:
    """Return the rows of ``problems`` of one server: those of each tube, and those of the server itself."""
    of_tubes = (problem for seen in survey.tubes.values() for problem in seen.problems)
    # The survey sums up idle tubes in one line; a rule can ask about each of them.
    of_server = (problem for problem in survey.problems if problem.tube is None and not problem.tubes)
    return [
        {
            "server": server,
            "problem": problem.name,
            "severity": problem.severity,
            "tube": problem.tube,
            "reason": problem.reason,
            "lasting": survey.at - problem.since,
            "look_at": problem.look_at,
        }
        for problem in (*of_server, *of_tubes)
    ]


def server_row(server: str, survey: Survey) -> Row:
    """Return the row of ``servers`` of a server that answered."""
    stats = survey.server
    return {
        "server": server,
        "up": True,
        "error": None,
        "silent": 0.0,
        "ready": stats.current_jobs_ready,
        "reserved": stats.current_jobs_reserved,
        "delayed": stats.current_jobs_delayed,
        "buried": stats.current_jobs_buried,
        "urgent": stats.current_jobs_urgent,
        "tubes": stats.current_tubes,
        "connections": stats.current_connections,
        "workers": stats.current_workers,
        "producers": stats.current_producers,
        "waiting": stats.current_waiting,
        "timeouts": survey.timeouts,
        "draining": stats.draining,
        "uptime": stats.uptime,
        "version": stats.version,
        "puts_per_s": survey.rates.puts,
        "deletes_per_s": survey.rates.deletes,
        "cpu": survey.cpu,
    }


def lost_row(server: str, error: str, silent: float) -> Row:
    """Return the row of ``servers`` of a server that does not answer.

    Parameters
    ----------
    error : str
        Why not.
    silent : float
        Seconds since its last answer.
    """
    return {**dict.fromkeys(SERVERS.columns), "server": server, "up": False, "error": error, "silent": silent}
