"""State files as the daemon leaves them, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from beanops.alerts.alert import Alert, key_of
from beanops.alerts.files import state_path
from beanops.alerts.state import Saved, SeenServer, save


def firing(rule: str, server: str, tube: str = "", **fields: Any) -> Alert:
    """Return an alert that fires."""
    return Alert(key_of(rule, server, [tube]), rule, server, tube, status="firing", **fields)


def saves(
    at: datetime,
    alerts: Iterable[Alert] = (),
    servers: Mapping[str, SeenServer] | None = None,
    path: Path | None = None,
) -> None:
    """Save alerts as a daemon does that looks each 10 seconds."""
    save(path or state_path(), Saved({alert.key: alert for alert in alerts}, servers or {}, at=at, rules="alerts.toml"))
