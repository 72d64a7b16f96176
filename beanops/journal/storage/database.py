"""The database of a journal: opening it, transactions, and errors without passwords. The tables are in `tables`."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import sqlalchemy as sa

from beanops import private
from beanops.journal.records import JournalError
from beanops.journal.storage.schema import bring_up_to_date, lock_for_writing
from beanops.journal.storage.url import DatabaseUrl

#: Seconds to wait for another process that writes.
_PATIENCE = 30.0
#: Seconds to wait for the connection to a database server.
_CONNECT = 10


class Database:
    """An open database with today's tables. Threads may share it.

    Parameters
    ----------
    url : str
        A path of a SQLite file, or a URL that SQLAlchemy takes.

    Attributes
    ----------
    where : str
        The same, without a password.

    Raises
    ------
    JournalError
        It cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._url = DatabaseUrl(url)
        self.where = self._url.shown
        if self._url.problem is not None:
            raise self._unusable(self._url.problem)
        try:
            if "://" not in url:
                path = Path(url).expanduser()
                private.make_folder(path.parent)
                url = sa.URL.create("sqlite", database=str(path))  # type: ignore[assignment]
            self.engine = engine_for(url)
            if self.engine.dialect.name == "sqlite":
                private.database(self.engine.url.database)
        except (sa.exc.SQLAlchemyError, ImportError, OSError, TypeError, ValueError) as error:
            raise self._unusable(self._url.said(error)) from None
        # A database that nobody closes is closed when it is collected, or with the process.
        self._closing = weakref.finalize(self, self.engine.dispose)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _harden_sqlite)
        try:
            with self._as_journal_errors():
                bring_up_to_date(self.engine, self.where)
        except BaseException as error:
            self.close()
            if not isinstance(error, TypeError | ValueError):
                raise
            # The driver does not know a parameter of the URL, or cannot read its value.
            raise self._unusable(self._url.said(error)) from None

    @property
    def url(self) -> str:
        """The path of a SQLite file, empty in memory, or the URL with its password."""
        url = self.engine.url
        return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Close the connections; a later transaction raises `JournalError`."""
        self._closing()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give a transaction that is committed at the end, or rolled back by an exception."""
        if not self._closing.alive:
            raise JournalError(f"the journal at {self.where} is closed: open another, or use it before close()")
        with self._as_journal_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def exclusive(self) -> Iterator[sa.Connection]:
        """Give a transaction beside which nobody else writes."""
        with self.transaction() as connection:
            lock_for_writing(connection)
            yield connection

    @contextmanager
    def _as_journal_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise JournalError(f"the journal at {self.where} failed: {self._url.said(error)}") from None

    def _unusable(self, why: str) -> JournalError:
        return JournalError(f"cannot use the journal at {self.where}: {why}")


def engine_for(url: str | sa.URL) -> sa.Engine:
    """Return an engine; that of a database server notices a restart, and limits the wait for a connection."""
    url = sa.make_url(url)
    if url.get_backend_name() == "sqlite":
        return sa.create_engine(url)
    limited = url.drivername in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")
    limits = {"connect_timeout": _CONNECT} if limited and "connect_timeout" not in url.query else {}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=limits)


def _harden_sqlite(connection: Any, _: Any) -> None:
    """Commit to disk, not to the page cache; let several processes write, one after the other."""
    connection.execute(f"pragma busy_timeout = {int(_PATIENCE * 1000)}")
    give_up = monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            # When several processes switch a file to WAL at once, SQLite fails all but one without waiting.
            if "locked" not in str(error) or monotonic() > give_up:
                raise
            sleep(0.02)
    connection.execute("pragma synchronous = full")
