"""What an analyst asks the journal: filters that the database applies, newest first, prune and verify."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from beanops.client.sync import Client
from beanops.jobs.identity import JobRef
from beanops.journal.filters import Filter
from beanops.journal.journal import Journal
from beanops.journal.records import Fate, Intent, JournalError, RunRow
from beanops.protocol.errors import ArgumentError
from beanops.session.past_runs.journal_reader import JournalReader
from beanops.session.session import Session
from tests.session.conftest import fill

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HERE = "127.0.0.1:1"


def _write(
    journal: Journal,
    id: str,
    at: timedelta,
    *intents: Intent,
    server: str = HERE,
    instance: str = "one",
    actor: str = "ann@here",
    action: str = "delete",
    new_id: int | None = None,
    request: dict[str, Any] | None = None,
) -> None:
    """Write a run whose actions are half an hour apart."""
    begun = NOW - at
    journal.begin(RunRow(id, begun, server, instance, actor, "script", action, None, None, request or {}))
    for n, intent in enumerate(intents):
        journal.write(id, begun + timedelta(minutes=30 * n), [intent], n)
        journal.write(id, begun + timedelta(minutes=30 * n), fates=[(n, Fate("done", None, new_id))])


@pytest.fixture
def record(journal_url: str) -> Iterator[Journal]:
    """Give a journal of several servers, people and verbs."""
    journal = Journal(journal_url)
    hours = timedelta(hours=1)
    _write(journal, "old", 100 * hours, *(Intent("delete", "mail", n) for n in (1, 2, 3)))
    # It goes on while others begin and end.
    _write(journal, "long", 3 * hours, *(Intent("kick", "sms", n) for n in range(100, 104)), action="kick")
    _write(journal, "ben", 2 * hours, Intent("bury", "mail-eu", 2), actor="ben@there", action="bury")
    _write(journal, "put", 1 * hours, Intent("put", "mail-us"), action="put", new_id=2**63 + 7)
    _write(journal, "undo", 1 * hours, Intent("delete", "mail", 5), action="undo", instance="two")
    _write(journal, "else", 1 * hours, Intent("delete", "mail", 1), server="127.0.0.1:2")
    there = {"server": "127.0.0.1:2"}
    _write(journal, "copy", 1 * hours, Intent("copy", "mail", 8), action="copy", new_id=9, request=there)
    yield journal
    journal.close()


@pytest.fixture
def reader(record: Journal) -> JournalReader:
    """Read it as one server's."""

    def verify(run: str) -> Any:
        raise AssertionError(run)

    return JournalReader(lambda: record, HERE, actor="me@here", source="script", clock=lambda: NOW, verify=verify)


#: Filters, and the runs that the actions of are found.
FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"old", "long", "ben", "put", "undo", "copy"}),
    ({"since": "2h"}, {"long", "ben", "put", "undo", "copy"}),
    ({"since": timedelta(hours=1)}, {"put", "undo", "copy"}),
    ({"since": pd.Timedelta("1h")}, {"put", "undo", "copy"}),
    ({"since": 3600}, {"put", "undo", "copy"}),
    ({"since": date(2026, 1, 31)}, {"long", "ben", "put", "undo", "copy"}),
    ({"since": "2026-01-31 11:00"}, {"put", "undo", "copy"}),
    ({"since": pd.Timestamp("2026-01-31 12:00", tz="Europe/Berlin")}, {"put", "undo", "copy"}),
    ({"until": "1d"}, {"old"}),
    ({"since": "2h", "until": "1h"}, {"long", "ben"}),
    ({"action": "delete"}, {"old", "undo"}),
    ({"action": ["kick", "bury"]}, {"long", "ben"}),
    ({"action": "kick,bury"}, {"long", "ben"}),
    ({"run": "ben"}, {"ben"}),
    ({"run": ["ben", "else"]}, {"ben", "else"}),
    ({"run": pd.DataFrame({"run": ["ben", "ben", "old"]})}, {"ben", "old"}),
    ({"run": []}, set()),
    ({"job": 2}, {"old", "ben"}),
    ({"job": JobRef(5, "one")}, set()),
    ({"job": [JobRef(5, "two"), JobRef(2, "one")]}, {"undo", "old", "ben"}),
    ({"job": 2**63 + 7}, {"put"}),
    ({"job": 9}, set()),
    ({"job": "7-9"}, {"copy"}),
    ({"job": []}, set()),
    ({"tube": "mail"}, {"old", "undo", "copy"}),
    ({"tube": "mail*"}, {"old", "undo", "copy", "ben", "put"}),
    ({"tube": ["sms", "mail-?s"]}, {"long", "put"}),
    ({"tube": "none"}, set()),
    ({"actor": "ben@there"}, {"ben"}),
    ({"actor": "ann@*", "tube": "mail", "action": "delete", "job": "1-4", "since": "200h"}, {"old"}),
    ({"job": 2, "tube": "mail"}, {"old"}),
]


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"since": "yesterday"}, "since: 'yesterday' given, allowed is a date or time"),
    ({"until": pd.NaT}, "until"),
    ({"since": -1}, "since"),
    ({"since": True}, "since"),
    ({"action": "kik"}, "action: 'kik' given, allowed is one of kick"),
    ({"job": "five"}, "five"),
    ({"job": range(2000)}, "at most 1,000"),
    ({"run": 5}, "run: 5 given"),
    ({"since": 1e300}, "since"),
    ({"run": pd.DataFrame({"id": [1]})}, "a frame with a column 'run'"),
    ({"limit": -1}, "limit"),
]


def test_filters_narrow_actions_and_runs_down(reader: JournalReader) -> None:
    for filters, runs in FILTERS:
        actions = reader.actions(**filters)
        assert set(actions["run"]) == runs, filters
        assert actions["time"].is_monotonic_decreasing, filters
        assert list(actions.columns) == list(reader.actions(limit=0).columns)
        if "action" not in filters:
            assert set(reader.runs(**filters)["run"]) == runs, filters


def test_actions_of_runs_that_overlap_are_newest_first(reader: JournalReader, record: Journal) -> None:
    actions = reader.actions(since="2h", until="90m")
    assert set(actions["run"]) == {"long", "ben"}
    assert list(reader.actions(limit=5)["run"]) == list(reader.actions()["run"])[:5]
    assert len(reader.actions(run="long")) == 4
    newest = list(record.actions())
    assert newest == sorted(newest, key=lambda action: action.time, reverse=True)
    assert len(newest) == 3 + 4 + 5


def test_runs_are_chosen_by_their_verb_and_counted(reader: JournalReader) -> None:
    assert list(reader.runs(action="undo")["run"]) == ["undo"]
    assert list(reader.runs(action="delete")["run"]) == ["old"]
    runs = reader.runs(limit=3)
    assert runs["time"].is_monotonic_decreasing
    assert list(reader.runs(run="long")["done"]) == [4]
    assert set(reader.runs(since=timedelta(hours=2))["run"]) == {"long", "ben", "put", "undo", "copy"}


def test_a_filter_that_cannot_be_says_what_can(reader: JournalReader) -> None:
    for filters, said in ERRORS:
        for read in (reader.actions, reader.runs):
            with pytest.raises(ArgumentError, match=said):
                read(**filters)


def test_a_run_that_does_not_exist_is_an_error(reader: JournalReader) -> None:
    with pytest.raises(JournalError, match="no run never"):
        reader.actions(run=["ben", "never"])
    with pytest.raises(TypeError, match="sinse"):
        reader.actions(sinse="2h")  # type: ignore[call-arg]


def test_prune_is_recorded_with_its_actor(reader: JournalReader, record: Journal) -> None:
    pruned = reader.prune("2d", reason="retention")
    assert pruned.runs == 1
    assert "old" not in set(reader.runs()["run"])
    told = reader.actions(action="prune").iloc[0]
    assert (told["run"], told["actor"], told["reason"], told["outcome"]) == (pruned.run, "me@here", "retention", "done")
    assert [run.id for run in record.find_runs(Filter(actors=["me@here"]))] == [pruned.run]


def test_prune_takes_a_period_alone(reader: JournalReader) -> None:
    for older_than in (-1, "soon", None, timedelta(days=-1), float("nan"), float("inf"), pd.NaT):
        with pytest.raises(ArgumentError, match="older_than"):
            reader.prune(older_than)  # type: ignore[arg-type]
    for older_than in (timedelta(days=9), pd.Timedelta("9D"), 777_600):
        assert reader.prune(older_than).runs == 0


def test_jobs_and_runs_of_a_session_are_filters(open_session: Callable[..., Session], worker: Client) -> None:
    session = open_session()
    fill(worker, "mail", "buried", 3)
    kicked = session.kick(session.jobs("mail", limit=2))
    session.delete("mail", state="ready")
    reader = session.journal
    assert set(reader.actions(run=kicked)["action"]) == {"kick"}
    assert list(reader.actions(job=kicked.refs)["action"]) == ["delete", "delete", "kick", "kick"]
    assert list(reader.runs(run=kicked)["done"]) == [2]
    assert reader.verify(kicked).unknown == 0
