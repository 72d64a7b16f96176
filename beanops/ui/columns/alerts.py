"""The columns of alerts that fire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from beanops.text import span
from beanops.ui.columns.column import Column

if TYPE_CHECKING:
    from beanops.alerts.status import FiringAlert

_TONES = {"critical": "buried", "warning": "delayed"}


def alert_columns(now: Callable[[], datetime]) -> tuple[Column[FiringAlert], ...]:
    """Return the columns of alerts in a live face.

    Parameters
    ----------
    now : callable
        The time, UTC.
    """
    return (
        Column(
            "severity", "severity", lambda row: row.severity, "text", 8, 4, "sev",
            write=lambda row, width: row.severity if width >= 8 else row.severity[:4],
            colour=lambda row: "muted" if row.silenced else _TONES.get(row.severity, ""),
        ),
        Column("rule", "rule", lambda row: row.rule, "text", 16, 12, tone="strong"),
        Column("server", "server", lambda row: row.server, "text", 16, 10, optional=1),
        Column("tube", "tube", lambda row: row.tube, "text", 20, 12),
        Column(
            "since", "since", lambda row: row.since, "seconds", 6, 5,
            write=lambda row, width: span(max(0.0, (now() - row.since).total_seconds())),
        ),
        Column(
            "value", "value", lambda row: f"{'silenced: ' if row.silenced else ''}{row.value or row.summary}", "text",
            60, 20, grows=True,
        ),
    )  # fmt: skip
