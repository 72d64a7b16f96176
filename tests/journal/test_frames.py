"""Actions in columns are the same as the records of actions, whatever is in the journal."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice

import pandas as pd
import pytest

import beanops.journal.journal as journal_module
from beanops.frames import STATES, TIME, frame
from beanops.journal.filters import EVERYTHING, Filter
from beanops.journal.frames import actions_frame, newest_frame
from beanops.journal.journal import Journal
from beanops.journal.records import OUTCOMES, Action, Fate, Intent, RunRow
from beanops.journal.storage import columns

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DTYPES = {
    "time": TIME,
    "id": "UInt64",
    "new_id": "UInt64",
    "state_before": STATES,
    "priority": "Int64",
    "delay": "seconds",
    "jobs": "int64",
}
FILTERS = [
    EVERYTHING,
    Filter(server="there:1"),
    Filter(runs=["run-1", "run-3"]),
    Filter(since=NOW + timedelta(seconds=3), until=NOW + timedelta(seconds=6)),
    Filter(actions=["put", "kick"]),
    Filter(tubes=["mail", "größer"]),
    Filter(jobs={None: [1, 2, 2**64 - 1]}),
    Filter(tubes=["none"]),
]


def as_records(journal: Journal, which: Filter, limit: int | None) -> pd.DataFrame:
    """Make a frame of the records of actions."""
    rows = list(islice(journal.actions(which), limit))
    return frame(rows, {name: (DTYPES.get(name, "str"), name) for name in Action._fields})


def fill(journal: Journal, chance: random.Random) -> list[RunRow]:
    """Write runs that overlap, with all that columns may lack, outcomes told twice, and a clock set back."""
    runs = []
    for number in range(6):
        facts = (chance.choice(["here:1", "there:1"]), "one", "ben@there", "script", "kick")
        run = RunRow(f"run-{number}", NOW, *facts, chance.choice([None, "INC-4,2"]), None, {})
        journal.begin(run)
        runs.append(run)
        place = 0
        for _ in range(chance.randrange(6)):
            time = NOW + timedelta(seconds=chance.randrange(-2, 9), microseconds=chance.randrange(2))
            intents = [_intent(chance) for _ in range(chance.randrange(1, 9))]
            ends = [chance.randrange(place + 1) for _ in range(2)] if place else [0, 0]
            fates = [(n, _fate(chance)) for n in range(min(ends), max(ends))]
            journal.write(run.id, time, intents, place, fates)
            place += len(intents)
    return runs


def _intent(chance: random.Random) -> Intent:
    def one(*values: int) -> int | None:
        return chance.choice([None, *values])

    state = chance.choice([None, "ready", "buried", "invalid"])
    tube = chance.choice([None, "mail", "größer", "a,b"])
    id = one(1, 2, 2**63 - 1, 2**63, 2**64 - 1)
    return Intent(chance.choice(["put", "kick", "delete"]), tube, id, state, one(0, 2**32 - 1), one(0, 7, 2**32 - 1))


def _fate(chance: random.Random) -> Fate:
    error, new_id = chance.choice([None, "gone", "it's, gone"]), chance.choice([None, None, 7, 2**64 - 1])
    return Fate(chance.choice(OUTCOMES), error, new_id, chance.choice([1, 1, 3]))


@pytest.mark.parametrize("joining", [columns.JOINING, frozenset()], ids=["joined", "in rows"])
def test_a_frame_has_what_the_records_have(
    journal_url: str, joining: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_LARGE_PAGE", 5)
    monkeypatch.setattr(columns, "JOINING", joining)
    journal, chance = Journal(journal_url), random.Random(len(joining))
    runs = fill(journal, chance)
    for which in FILTERS:
        for limit in (None, 0, 1, 5, 11) if which == EVERYTHING else (None, 4):
            made, expected = newest_frame(journal, which, limit), as_records(journal, which, limit)
            pd.testing.assert_frame_equal(made, expected, obj=f"{which} {limit}")
    for run in runs:
        pd.testing.assert_frame_equal(
            actions_frame(journal.pages(run)), as_records(journal, Filter(runs=[run.id]), None)
        )
    journal.close()


def test_what_is_done_keeps_the_new_ids_recorded_before(journal_url: str) -> None:
    journal = Journal(journal_url)
    run = RunRow("r1", NOW, "here:1", "one", "ben@there", "script", "edit", None, None, {})
    journal.begin(run)
    journal.write("r1", NOW, [Intent("edit", "mail", id) for id in range(1, 6)])
    journal.write("r1", NOW, fates=[(n, Fate("unknown", "not yet", 11 + n)) for n in range(4)])
    journal.write("r1", NOW, fates=[*((n, Fate("done")) for n in range(3)), (3, Fate("skipped", "gone"))])
    fates = [entry.fate for entry in journal.entries("r1")]
    assert fates == [Fate("done", None, 11), Fate("done", None, 12), Fate("done", None, 13), Fate("skipped", "gone"),
                     Fate("unknown")]  # fmt: skip
    assert [entry.fate for entry in journal.entries("r1", start=1, stop=3)] == fates[1:3]
    pd.testing.assert_frame_equal(actions_frame(journal.pages(run)), as_records(journal, EVERYTHING, None))
    assert [action.new_id for action in journal.of_job("one", 12)] == [12]
    assert journal.counts(["r1"])["r1"] == {"done": 3, "skipped": 1, "unknown": 1}
    journal.close()


def test_a_frame_of_nothing_has_the_dtypes_of_a_full_one(journal_url: str) -> None:
    journal = Journal(journal_url)
    pd.testing.assert_frame_equal(newest_frame(journal), as_records(journal, EVERYTHING, None))
    pd.testing.assert_frame_equal(actions_frame(()), as_records(journal, EVERYTHING, None))
    journal.close()
