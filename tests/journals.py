"""Fixtures of journals, on each database, for all rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.journal.postgres import postgresql


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """Name a journal of the test's own."""
    return str(tmp_path / "journal.sqlite")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a PostgreSQL for all tests that want one."""
    with postgresql() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, journal: str) -> Iterator[str]:
    """Name an empty journal, on each of the databases in turn."""
    if request.param == "sqlite":
        yield journal
        return
    url = request.getfixturevalue("postgresql_url")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("drop schema public cascade")
        connection.exec_driver_sql("create schema public")
    engine.dispose()
    yield url
