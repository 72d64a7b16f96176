"""What tests of alerts share: rules files, a clock, and rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from beanops.alerts.reading import read_rules
from beanops.alerts.rows import TABLES, Row
from beanops.alerts.rules import Rules
from beanops.jobs.sql.row_predicates import RowPredicates

#: One engine for all tests of a process: to start one takes half a second.
PREDICATES = RowPredicates()
START = datetime(2026, 1, 31, 12, tzinfo=UTC)

Read = Callable[[str], Rules]


class Clock:
    """A clock that stands still until it is moved, as monotonic seconds and as a time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as a rules file."""

    def read_text(text: str) -> Rules:
        path = tmp_path / "alerts.toml"
        path.write_text(text)
        return read_rules(path, PREDICATES)

    return read_text


def row(table: str, **values: Any) -> Row:
    """Return a row of a table in which all that is not given is 0, empty or true."""
    usual = {"text": "", "count": 0, "number": 0.0, "flag": True, "span": 0.0}
    columns = {name: usual[kind] for name, kind in TABLES[table].columns.items()}
    assert values.keys() <= columns.keys()
    return {**columns, "server": "prod", **values}
