"""The journal: true before and after, shared by processes, pruned on the record; where it fails, nothing is sent."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal import journal as journal_module
from beanops.journal.filters import Filter
from beanops.journal.journal import Journal
from beanops.journal.records import Fate, Intent, JournalError, RunRow
from beanops.journal.storage import database
from beanops.session.connect import connect
from beanops.session.execution import executor
from beanops.session.session import Session
from tests.session.conftest import fill, population

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def _row(id: str, time: datetime = NOW, **values: Any) -> RunRow:
    row = RunRow(id, time, "127.0.0.1:1", "abc", "me@here", "script", "delete", None, None, {"ids": [1]})
    return row._replace(**values)


def test_what_is_written_is_read_again(journal_url: str) -> None:
    journal = Journal(journal_url)
    row = _row("r1", reason="INC-42 \u202e", request={"where": "body = '\x00'"})
    intents = [
        Intent("delete", "mail", 2**64 - 1, "buried", 2**32 - 1, 2**32 - 1, 0, 7, 120, None, bytes(range(256))),
        Intent("delete", None, 2**63),
        Intent("delete", "mail", 5, "ready"),
        Intent("delete", "mail", 6, "ready"),
    ]
    journal.begin(row)
    journal.write("r1", NOW, intents)
    assert [entry.fate.outcome for entry in journal.entries("r1")] == ["unknown"] * 4
    fates = [Fate("done"), Fate("done"), Fate("failed", "why", 2**64 - 2), Fate("unknown", "cut")]
    journal.write("r1", NOW, fates=enumerate(fates))
    entries = journal.entries("r1", bodies=True)
    assert [entry.intent for entry in entries] == intents
    assert [entry.fate for entry in entries] == fates
    assert journal.entries("r1")[0].intent.body is None
    assert [entry.n for entry in journal.entries("r1", start=1, stop=3)] == [1, 2]
    assert [entry.fate for entry in journal.entries("r1", start=1, stop=3)] == fates[1:3]
    assert journal.run("r1") == row
    assert journal.counts(["r1", "r2"]) == {"r1": {"done": 2, "failed": 1, "unknown": 1}, "r2": {}}
    assert journal.highest_id("another") == 0
    with pytest.raises(JournalError, match="no run r2"):
        journal.run("r2")
    journal.close()


def test_pruning_is_on_the_record_itself(journal_url: str) -> None:
    journal = Journal(journal_url)
    for number in range(3):
        then = NOW + timedelta(days=number)
        journal.begin(_row(f"r{number}", then, request={"ids": list(range(1000))}))
        journal.write(f"r{number}", then, [Intent("delete", "mail", number, body=b"x")])
        journal.write(f"r{number}", then, fates=[(0, Fate("done"))])
    pruning = _row("p", NOW + timedelta(days=9), server="", action="prune", request={})
    assert journal.prune(NOW + timedelta(days=2), pruning) == 2
    assert [run.id for run in journal.runs("127.0.0.1:1")] == ["p", "r2"]
    assert [row.action for row in journal.actions(Filter("127.0.0.1:1"))] == ["prune", "delete"]
    (told,) = journal.actions(Filter(runs=["p"]))
    assert (told.outcome, told.error) == ("done", "deleted 2 runs that ended before 2026-01-04 03:04:05 UTC")
    assert journal.entries("r0") == []
    assert len(journal.entries("r2")) == 1
    with journal._database.engine.connect() as connection:
        assert connection.exec_driver_sql("select run from asked").scalars().all() == ["r2"]
    journal.close()


def test_a_run_that_goes_on_is_not_pruned(journal_url: str) -> None:
    journal = Journal(journal_url)
    later = NOW + timedelta(days=5)
    for name in ("acting", "settled", "over"):
        journal.begin(_row(name))
        journal.write(name, NOW, [Intent("delete", "mail", 1), Intent("delete", "mail", 2)])
    journal.write("acting", later, [Intent("delete", "mail", 3)], 2)
    journal.write("settled", later, fates=[(0, Fate("done"))])
    assert journal.prune(NOW + timedelta(days=2), _row("p", later + timedelta(days=1), action="prune")) == 1
    assert {run.id for run in journal.runs()} == {"p", "acting", "settled"}
    assert journal.counts(["acting", "settled"]) == {"acting": {"unknown": 3}, "settled": {"done": 1, "unknown": 1}}
    journal.close()


def test_runs_are_read_a_page_at_a_time_and_without_the_ids_that_they_name(journal_url: str) -> None:
    journal = Journal(journal_url)
    for number in range(5):
        request = {"ids": list(range(number * 1000)), "where": "true"}
        journal.begin(_row(f"r{number}", NOW + timedelta(days=number), request=request))
    assert [run.id for run in journal.runs("127.0.0.1:1", limit=2, offset=1)] == ["r3", "r2"]
    assert [run.id for run in journal.find_runs(Filter(since=NOW + timedelta(days=3)))] == ["r4", "r3"]
    assert journal.runs("127.0.0.1:2") == []
    assert (journal.count_runs("127.0.0.1:1"), journal.count_runs("127.0.0.1:2")) == (5, 0)
    assert [run.named for run in journal.runs()] == [4000, 3000, 2000, 1000, 0]
    assert all(len(str(run)) < 400 for run in journal.runs())
    assert journal.run("r4").request == {"ids": list(range(4000)), "where": "true"}
    journal.close()


def test_a_journal_of_before_is_written_on(journal: str) -> None:
    Journal(journal).close()
    with sqlite3.connect(journal) as before:
        before.execute("drop table asked")
        before.execute("insert into runs values ('r0', 0, 's', 'i', 'me', 'cli', 'kick', null, null, ?, null)",
                       (json.dumps({"ids": list(range(200))}),))  # fmt: skip
    before.close()
    record = Journal(journal)
    record.begin(_row("r1", request={"ids": list(range(300))}))
    assert [run.named for run in record.runs()] == [300, 200]
    assert [len(record.run(run).request["ids"]) for run in ("r0", "r1")] == [200, 300]
    record.close()


def test_actions_are_read_newest_first_and_chosen_by_the_database(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_PAGE", 3)
    journal = Journal(journal_url)
    journal.begin(_row("r1"))
    for n in range(8):
        intent = Intent("release" if n % 2 else "bury", "mail", n)
        journal.write("r1", NOW + timedelta(minutes=n), [intent], n, [(n - 1, Fate("done", str(n - 1)))] if n else [])
    rows = list(journal.actions(Filter(runs=["r1"])))
    assert [row.id for row in rows] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [row.error for row in rows] == [None, "6", "5", "4", "3", "2", "1", "0"]
    assert [row.id for row in journal.actions(Filter(actions=["bury"]))] == [6, 4, 2, 0]
    assert [row.id for row in journal.actions(Filter(since=NOW + timedelta(minutes=3)))] == [7, 6, 5, 4, 3]
    assert [entry.n for entry in journal.entries("r1", last=2)] == [6, 7]
    journal.close()


def test_an_action_is_counted_once_however_often_its_outcome_is_told(journal_url: str) -> None:
    journal = Journal(journal_url)
    journal.begin(_row("r1"))
    journal.write("r1", NOW, [Intent("move", "mail", n) for n in range(10)])
    journal.write("r1", NOW, fates=[(n, Fate("unknown", "put", n)) for n in range(4)])
    journal.write("r1", NOW, fates=[(n, Fate("done", None, n)) for n in range(3)])
    journal.write("r1", NOW, fates=[(n, Fate("failed", "full")) for n in (4, 5)])
    journal.write("r1", NOW, fates=[(n, Fate("failed", "full")) for n in (5, 6)])
    journal.write("r1", NOW, fates=[(7, Fate("done", jobs=500))])
    journal.write("r1", NOW, fates=[(3, Fate("skipped", "taken"))])
    assert journal.counts(["r1"]) == {"r1": {"done": 503, "failed": 3, "skipped": 1, "unknown": 2}}
    journal.close()


def _act_apart(address: str, url: str, tube: str) -> None:
    with connect(address, journal=url) as session:
        for _ in range(5):
            run = session.put(b"x", tube=tube)
            session.delete(run.ids)


def test_processes_share_a_journal_that_none_of_them_found(
    journal_url: str, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where IPython ran in this process before, the main module is its own, of which spawning makes nothing.
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)
    spawn = multiprocessing.get_context("spawn")
    tubes = ["a", "b", "c"]
    processes = [spawn.Process(target=_act_apart, args=(beanstalkd.address, journal_url, tube)) for tube in tubes]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with connect(beanstalkd.address, journal=journal_url) as session:
        assert session.actions.empty
        actions = session.journal.actions()
        assert len(actions) == 30
        assert set(actions.outcome) == {"done"}
        assert actions.groupby("tube").size().to_dict() == {"a": 10, "b": 10, "c": 10}


def test_a_session_acts_and_undoes_on_each_database(
    journal_url: str, open_session: Callable[..., Session], worker: Client
) -> None:
    session = open_session(journal=journal_url)
    fill(worker, "mail", "buried", 20)
    before = population(worker)
    run = session.delete("mail", state="buried", reason="INC-42")
    assert session.undo(run).done == 20
    assert population(worker) == before
    actions = session.actions
    assert list(actions.reason.iloc[-20:].unique()) == ["INC-42"]
    assert str(actions.time.dtype) == "datetime64[us, UTC]"
    assert list(session.runs.done) == [20, 20]
    assert len(session.journal.actions(run=run)) == 20
    assert "@" in actions.actor.iloc[0]


def test_nothing_is_sent_when_the_journal_cannot_be_opened(
    open_session: Callable[..., Session], worker: Client, tmp_path: Path
) -> None:
    ids = fill(worker, "mail", "buried", 2)
    (tmp_path / "file").write_text("")
    (tmp_path / "other.sqlite").write_text("this is no database, " * 100)
    places = ["nonsense://", "postgresql+psycopg://nobody@127.0.0.1:1/none", "postgresql+nosuch://x/y", "http://[bad"]
    for at in (*places, str(tmp_path / "file" / "journal.sqlite"), str(tmp_path), str(tmp_path / "other.sqlite")):
        with pytest.raises(JournalError) as caught:
            open_session(journal=at).delete(ids)
        assert "\n" not in str(caught.value)
        assert "journal" in str(caught.value)
    assert session_states(worker, ids) == ["buried", "buried"]


def session_states(client: Client, ids: list[int]) -> list[str]:
    return [client.stats_job(id).state for id in ids]


def test_no_password_is_shown() -> None:
    with pytest.raises(JournalError) as caught:
        Journal("postgresql+psycopg://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)


def test_a_full_disk_in_the_middle_of_a_run_ends_it_before_the_next_batch_is_sent(
    open_session: Callable[..., Session], worker: Client, journal: str
) -> None:
    ids = fill(worker, "mail", jobs=5000)
    record = Journal(journal)
    record._database.engine.dispose()

    @sa.event.listens_for(record._database.engine, "connect")
    def fill_up(connection: sqlite3.Connection, _: Any) -> None:
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count = {pages + 60}")

    session = open_session(journal=record)
    run = session.delete(ids)
    assert run.stopped is not None
    assert "disk is full" in run.stopped
    assert "\n" not in run.summary
    assert 0 < run.done < 5000
    assert session.tube("mail").current_jobs_ready == 5000 - run.done
    record.close()
    # What was sent is on record: done, or unknown where the outcome found no room.
    entries = Journal(journal).entries(run.id)
    assert run.done <= len(entries) < 5000
    assert {entry.fate.outcome for entry in entries} <= {"done", "unknown"}
    full = open_session(journal=record)
    assert full.tube("mail").current_jobs_ready == 5000 - run.done


def test_a_locked_journal_says_so(
    open_session: Callable[..., Session], worker: Client, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0.05)
    ids = fill(worker, "mail")
    session = open_session()
    session._context.journal()
    other = sqlite3.connect(journal)
    other.execute("begin immediate")
    with pytest.raises(JournalError, match="locked"):
        session.delete(ids)
    assert worker.stats_job(ids[0]).state == "ready"
    other.rollback()
    other.close()
    assert session.delete(ids).done == 1


def test_the_intent_is_on_disk_before_the_command_goes_out(
    session: Session, worker: Client, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(worker, "mail", jobs=3)
    carry_out = executor.carry_out
    seen: list[int] = []

    def look_first(*batch: Any) -> None:
        with sqlite3.connect(journal) as other:
            seen.append(other.execute("select count(*) from actions where body is not null").fetchone()[0])
        other.close()
        carry_out(*batch)

    monkeypatch.setattr(executor, "carry_out", look_first)
    assert session.delete(ids).done == 3
    assert seen == [3]


def test_what_the_journal_knows_bounds_scans_after_a_restart_from_the_binlog(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    server = start_beanstalkd("-b", str(tmp_path / "log"))
    session = open_session(server.address)
    with Client(server.address) as client:
        ids = fill(client, "mail", "delayed", 3)
        session.delete(ids[-1])
    again = open_session(server.address, journal=session._context.journal())
    scan = again.scan("mail", bodies=False)
    assert sum(map(len, scan)) == 2
    assert scan.bound is not None
    assert scan.bound.top == ids[-1]
