"""The journal dies in the middle of a run: what is told is what it knows when it is there again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beanops.client.sync import Client
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from beanops.session.execution import targets
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.journal.postgres import Postgres, postgresql
from tests.session.conftest import fill


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """Start a PostgreSQL that may be killed."""
    with postgresql() as server:
        yield server


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "BATCH", 100)
    monkeypatch.setattr(targets, "_HELD_BATCH", 50)


def _counts(run: Run) -> dict[str, int]:
    counts = {outcome: getattr(run, outcome) for outcome in ("done", "skipped", "failed", "unknown")}
    return {outcome: count for outcome, count in counts.items() if count}


@pytest.mark.parametrize("verb", ["delete", "kick", "bury", "move"])
def test_the_summary_says_what_the_journal_says_when_postgresql_dies(
    verb: str, database: Postgres, open_session: Callable[..., Session], worker: Client
) -> None:
    ids = fill(worker, "mail", "buried", 400)
    worker.kick_job(ids[0])
    session = open_session(journal=database.url)
    told: list[int] = []

    def kill(run: Run) -> None:
        told.append(run.done)
        if run.done and len(told) == 3:
            database.kill()

    settings: dict[str, Any] = {"move": {"to": "post"}, "bury": {"priority": 5}}.get(verb, {})
    run = getattr(session, verb)(ids, progress=kill, **settings)
    database.start()
    assert told[2] > run.done > 0
    assert _counts(run) == dict(session._context.journal().counts([run.id])[run.id])
    assert run.unknown
    assert "its outcome could not be recorded" in run.summary
    assert str(run.stopped).startswith("the journal at postgresql")
    assert "\n" not in run.summary
    rest = session.resume(run)
    assert rest.stopped is None


@pytest.mark.parametrize("act", ["put", "pause"])
def test_one_action_whose_outcome_is_lost_is_not_called_done(
    act: str, database: Postgres, open_session: Callable[..., Session], worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(worker, "mail")
    session = open_session(journal=database.url)
    pipeline = Client.pipeline

    def killed(client: Client, commands: Any, **options: Any) -> Any:
        results = list(pipeline(client, commands, **options))
        if client is session._context._clients.get("acting"):
            database.kill()
        return (result for result in results)

    session._context.journal()
    session._context.acting()
    monkeypatch.setattr(Client, "pipeline", killed)
    run = session.put(b"x", tube="mail") if act == "put" else session.pause("mail", 60)
    monkeypatch.undo()
    database.start()
    assert _counts(run) == {"unknown": 1} == dict(session._context.journal().counts([run.id])[run.id])
    assert not run.complete


def test_the_summary_says_what_the_journal_says_when_the_disk_is_full(
    open_session: Callable[..., Session], worker: Client, journal: str
) -> None:
    ids = fill(worker, "mail", jobs=1000, body=b"x" * 500)
    record = Journal(journal)
    session = open_session(journal=record)
    full = []

    @sa.event.listens_for(record._database.engine, "before_cursor_execute")
    def fail(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if full and statement.lower().startswith(("insert", "update")):
            raise sqlite3.OperationalError("database or disk is full")

    def fill_up(run: Run) -> None:
        if run.done == 300:
            full.append(True)

    try:
        run = session.delete(ids, progress=fill_up)
    except JournalError as error:
        pytest.fail(str(error))
    full.clear()
    assert _counts(run) == {"done": 200, "unknown": 100} == dict(record.counts([run.id])[run.id])
    assert worker.stats_tube("mail").current_jobs_ready == 700
    record.close()


def test_a_dry_run_needs_no_journal(open_session: Callable[..., Session], worker: Client, tmp_path: Path) -> None:
    ids = fill(worker, "mail", "buried", 3)
    (tmp_path / "file").touch()
    session = open_session(journal=str(tmp_path / "file" / "journal.sqlite"))
    assert session.kick(ids, dry_run=True).done == 3
    assert session.kick_next("mail", 2, dry_run=True).done == 2
    with pytest.raises(JournalError):
        session.kick(ids)
    assert session.tube("mail").current_jobs_buried == 3
