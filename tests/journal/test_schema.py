"""The versions of the journal: those of before are migrated with their data, newer ones are refused."""

from __future__ import annotations

import json
import logging
import multiprocessing
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.journal import Journal
from beanops.journal.records import Fate, Intent, JournalError, RunRow
from beanops.journal.storage import schema
from beanops.session.connect import connect
from beanops.session.session import Session
from tests.session.conftest import fill

# What was made before there were versions.
_VERSION_1 = """
create table runs (id varchar(40) not null primary key, time bigint not null, server text not null,
  instance varchar(32) not null, actor text not null, source varchar(16) not null, action varchar(16) not null,
  reason text, undoes varchar(40), request text not null);
create index ix_runs_time on runs (time);
create table asked (run varchar(40) not null primary key, ids text not null);
create table actions (run varchar(40) not null, n integer not null, time bigint not null, action varchar(16) not null,
  tube text, job_id bigint, state_before varchar(10), priority bigint, delay bigint, priority_before bigint,
  time_left bigint, ttr bigint, target text, body {bytes}, primary key (run, n));
create table outcomes (seq {serial}, run varchar(40) not null, first_n integer not null, last_n integer not null,
  time bigint not null, outcome varchar(10) not null, error text, new_id bigint, jobs bigint not null);
create index outcomes_of_run on outcomes (run, last_n, first_n);
"""
_TYPES = {
    "sqlite": {"bytes": "blob", "serial": "integer not null primary key"},
    "postgresql": {"bytes": "bytea", "serial": "bigserial not null primary key"},
}
_REQUEST = {
    "jobs": "mail",
    "state": "buried",
    "settings": {"priority": None, "delay": 0, "target": None, "there": False},
}
#: The columns that may lack a value. A run without its server, or an action without its time, is no record.
_OPTIONAL = {
    "schema_version": set(),
    "runs": {"reason", "undoes", "fleet"},
    "leases": {"ended"},
    "asked": set(),
    "actions": {"tube", "job_id", "state_before", "priority", "delay", "priority_before", "time_left", "ttr", "target"}
    | {"created", "digest", "body", "delay_before", "new_state", "new_body"},
    "outcomes": {"error", "new_id"},
    "pauses": set(),
}


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url if "://" in url else f"sqlite:///{url}")


def _before(url: str, server: str, instance: str, deleted: int = 3) -> None:
    """Make a journal as beanops made it before there were versions, with runs that deleted jobs."""
    engine = _engine(url)
    with engine.begin() as connection:
        for statement in _VERSION_1.format(**_TYPES[engine.dialect.name]).split(";")[:-1]:
            connection.exec_driver_sql(statement)
        for number, id in enumerate(("r1", "r2", "r3")):
            request = _REQUEST | ({"resumes": f"r{number}"} if number else {})
            connection.execute(
                sa.text("insert into runs values (:id, :time, :server, :instance, 'me@here', 'cli', 'delete',"
                        " 'INC-42', null, :request)"),
                {"id": id, "time": 1_000_000 * (number + 1), "server": server, "instance": instance,
                 "request": json.dumps(request)},
            )  # fmt: skip
        for n in range(deleted):
            connection.execute(
                sa.text("insert into actions values ('r1', :n, 1000000, 'delete', 'mail', :id, 'buried', 5, 0, 5, 0,"
                        " 60, null, :body)"),
                {"n": n, "id": n + 1, "body": b"job %d \xff" % n},
            )  # fmt: skip
        connection.execute(
            sa.text("insert into outcomes (run, first_n, last_n, time, outcome, jobs)"
                    " values ('r1', 0, :last, 2000000, 'done', 1)"),
            {"last": deleted - 1},
        )  # fmt: skip
    engine.dispose()


def test_a_journal_of_before_there_were_versions_keeps_its_data(
    journal_url: str, open_session: Callable[..., Session], beanstalkd: Beanstalkd, worker: Client
) -> None:
    _before(journal_url, beanstalkd.address, worker.stats().id)
    record = Journal(journal_url)
    entries = record.entries("r1", bodies=True)
    assert [entry.intent.body for entry in entries] == [b"job 0 \xff", b"job 1 \xff", b"job 2 \xff"]
    assert [entry.intent.created for entry in entries] == [None] * 3
    assert [entry.fate for entry in entries] == [Fate("done")] * 3
    assert {entry.settled for entry in entries} == {datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)}
    assert [run.id for run in record.runs()] == ["r3", "r2", "r1"]
    session = open_session(journal=record)
    fill(worker, "mail", "buried", 3)
    run = session.undo("r1")
    assert (run.done, session.tube("mail").current_jobs_buried) == (3, 6)
    record.begin(record.run("r1")._replace(id="r9"))
    record.write("r9", session._context.now(), [Intent("delete", "mail", 1, body=b"x", created=12.5, digest="abc")])
    (entry,) = record.entries("r9")
    assert (entry.intent.created, entry.intent.digest, entry.intent.body) == (12.5, "abc", None)
    assert entry.settled is None
    record.close()


@pytest.mark.parametrize("migrated", [False, True], ids=["new", "migrated"])
def test_what_a_record_needs_cannot_be_left_out(journal_url: str, migrated: bool) -> None:
    if migrated:
        _before(journal_url, "here", "abc")
    Journal(journal_url).close()
    engine = _engine(journal_url)
    known = sa.inspect(engine)
    optional = {
        table: {column["name"] for column in known.get_columns(table) if column["nullable"]}
        for table in known.get_table_names()
    }
    engine.dispose()
    assert optional == _OPTIONAL


def test_the_end_of_a_pause_is_called_unpause_in_older_journals_too(journal_url: str) -> None:
    record = Journal(journal_url)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    record.begin(RunRow("r1", now, "here", "one", "me", "cli", "resume", None, None, {"tube": "mail", "seconds": 0}))
    record.write("r1", now, [Intent("resume", "mail"), Intent("kick", "mail", 1)])
    record.close()
    engine = _engine(journal_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update schema_version set version = 2")
    engine.dispose()
    record = Journal(journal_url)
    assert record.run("r1").action == "unpause"
    assert [entry.intent.action for entry in record.entries("r1")] == ["unpause", "kick"]
    record.close()


def test_a_file_is_kept_as_it_was_before_it_is_migrated(
    journal: str, beanstalkd: Beanstalkd, caplog: pytest.LogCaptureFixture
) -> None:
    _before(journal, beanstalkd.address, "abc")
    open_still = sqlite3.connect(journal)
    with open_still:  # what is in the WAL alone
        open_still.execute("pragma journal_mode = wal")
        open_still.execute("update runs set reason = 'in the WAL'")
    with caplog.at_level(logging.WARNING):
        Journal(journal).close()
    open_still.close()
    (saved,) = Path(journal).parent.glob("*.bak")
    assert saved.name.startswith(f"journal.sqlite.v1-{datetime.now(UTC):%Y%m}")
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    with closing(sqlite3.connect(saved)) as copy:
        assert copy.execute("select distinct reason from runs").fetchall() == [("in the WAL",)]
        assert copy.execute("select count(*) from actions").fetchall() == [(3,)]
        tables = {name for (name,) in copy.execute("select name from sqlite_master where type = 'table'")}
    assert "schema_version" not in tables
    (told,) = (message for message in caplog.messages if "migrated" in message)
    assert told == (
        f"beanops: the journal at {journal} was migrated from version 1 to {schema.CURRENT};"
        f" a copy of the old file is {saved}"
    )
    caplog.clear()
    Journal(journal).close()  # once
    assert not caplog.messages
    assert list(Path(journal).parent.glob("*.bak")) == [saved]


def test_a_journal_of_a_newer_beanops_is_refused(
    journal_url: str, open_session: Callable[..., Session], worker: Client
) -> None:
    Journal(journal_url).close()
    engine = _engine(journal_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update schema_version set version = 99")
    engine.dispose()
    ids = fill(worker, "mail")
    with pytest.raises(JournalError) as caught:
        open_session(journal=journal_url).delete(ids)
    told = str(caught.value)
    assert f"has version 99, and this beanops knows versions up to {schema.CURRENT}: upgrade beanops" in told
    assert "\n" not in told
    assert worker.stats_job(ids[0]).state == "ready"


def test_a_journal_that_cannot_be_copied_is_left_as_it_is(
    journal: str, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    _before(journal, beanstalkd.address, "abc")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(schema.os, "fsync", full)
    with pytest.raises(JournalError, match=r"was not migrated .*No space left on device\): make room"):
        Journal(journal)
    assert not list(Path(journal).parent.glob("*.bak*"))
    with closing(sqlite3.connect(journal)) as old:
        assert len(old.execute("select * from actions").fetchone()) == 14
    monkeypatch.undo()
    Journal(journal).close()


def test_a_step_that_fails_changes_nothing(
    journal_url: str, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    _before(journal_url, beanstalkd.address, "abc")

    def broken(connection: sa.Connection) -> None:
        schema._to_2(connection)
        connection.exec_driver_sql("select nonsense from nowhere")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "_STEPS", {2: broken})
        with pytest.raises(JournalError, match="nowhere"):
            Journal(journal_url)
    engine = _engine(journal_url)
    assert set(sa.inspect(engine).get_table_names()) == {"runs", "asked", "actions", "outcomes"}
    assert "created" not in {column["name"] for column in sa.inspect(engine).get_columns("actions")}
    engine.dispose()
    record = Journal(journal_url)
    assert len(record.entries("r1")) == 3
    record.close()


def _open(address: str, url: str, tube: str) -> None:
    with connect(address, journal=url) as session:
        session.put(b"x", tube=tube)


def test_processes_that_open_it_at_once_migrate_it_once(
    journal_url: str, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    _before(journal_url, beanstalkd.address, "abc", deleted=2000)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_open, args=(beanstalkd.address, journal_url, tube)) for tube in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    record = Journal(journal_url)
    assert len(record.entries("r1")) == 2000
    assert len(record.runs()) == 6
    record.close()
    if "://" not in journal_url:
        assert len(list(Path(journal_url).parent.glob("*.bak"))) == 1
