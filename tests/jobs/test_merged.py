"""Counts that tasks make of parts of the jobs are, merged, those of all jobs; where they are not exact, they say so."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Tally
from beanops.jobs.facets import FacetCounter, tree
from beanops.jobs.facets.tally import ValueTally
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats


def job(id: int, body: str = "", age: int = 0, **counts: int) -> FoundJob:
    stats = JobStats(id, "mail", "ready", 0, age, 0, 60, 0, 0, 0, 0, 0, 0, 0)._replace(**counts)
    return FoundJob(stats, body.encode(), (), "here", 1_000_000.0)


VALUES = st.sampled_from(["1", "2.5", '"a"', '"b"', "null", "true", "[1, 2]", '{"x": 7}', '{"x": "y", "z": [{}]}'])
BODIES = st.one_of(
    st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3).map(
        lambda known: "{" + ", ".join(f'"{key}": {value}' for key, value in known.items()) + "}"
    ),
    st.sampled_from(["no JSON", "", "7"]),
)


@settings(max_examples=40)
@given(st.lists(st.lists(BODIES, max_size=6), min_size=1, max_size=4))
def test_facets_of_parts_are_those_of_all_jobs(parts: list[list[str]]) -> None:
    whole, merged = FacetCounter(Reader()), FacetCounter(Reader())
    id = 0
    for part in parts:
        counter = FacetCounter(Reader())
        jobs = [job(id := id + 1, body) for body in part]
        whole.add(jobs)
        counter.add(jobs)
        merged.merge(pickle.loads(pickle.dumps(counter.counted)))
    one, other = whole.result(50), merged.result(50)
    assert {path.path: path for path in other.paths} == {path.path: path for path in one.paths}
    assert (other.jobs, other.decoded, other.histograms, other.other_paths) == (
        one.jobs, one.decoded, one.histograms, one.other_paths,
    )  # fmt: skip
    assert {known[:2] for known in other.undecoded} == {known[:2] for known in one.undecoded}


@settings(max_examples=60)
@given(st.lists(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=60), min_size=1, max_size=4))
def test_values_of_parts_that_are_not_all_kept_are_within_their_error(parts: list[list[str]]) -> None:
    most = 10
    merged = ValueTally()
    for part in parts:
        tally = ValueTally()
        for start in range(0, len(part), 7):
            tally.add_texts(Counter(part[start : start + 7]), most)
        merged.merge(tally, most)
    truth = Counter(value for part in parts for value in part)
    for value, count, late in merged.top(100):
        assert count <= truth[str(value)] <= count + (merged.error if late else 0)
    if merged.exact:
        assert {value: count for value, count, _ in merged.top(100)} == truth
    kept = {value for value, _, _ in merged.top(100)}
    assert all(count <= 2 * merged.error + 1 for value, count in truth.items() if value not in kept)


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 10_000)), max_size=30), max_size=4))
def test_groups_of_parts_are_those_of_all_jobs(parts: list[list[tuple[str, int]]]) -> None:
    whole: Tally[str] = Tally(50)
    merged: Tally[str] = Tally(50)
    id = 0
    for part in parts:
        tally: Tally[str] = Tally(50)
        for key, age in part:
            one = job(id := id + 1, age=age, timeouts=2, buries=1)
            whole.add(key, one)
            tally.add(key, one)
        merged.merge(pickle.loads(pickle.dumps(tally)))
    assert merged.count == whole.count
    for (key, group), (known, other) in zip(merged.groups(), whole.groups(), strict=True):
        assert key == known
        facts = ("count", "oldest", "newest", "timeouts", "buries", "exact")
        assert [getattr(group, name) for name in facts] == [getattr(other, name) for name in facts]
        assert group.trend(900_000, 1_100_000) == other.trend(900_000, 1_100_000)
        assert group.sample.stats.age == other.sample.stats.age


def test_groups_that_were_dropped_in_a_part_are_no_longer_exact() -> None:
    merged: Tally[str] = Tally(2)
    for first in (0, 10):
        tally: Tally[str] = Tally(2)
        for number in range(first, first + 10):
            tally.add(f"rare {number}", job(number))
            tally.add("often", job(number + 100))
        merged.merge(tally)
    (often, group), *_ = merged.groups()
    assert (often, group.count, merged.count) == ("often", 20, 40)
    assert merged.others == 40 - sum(group.count for _, group in merged.groups())
    assert not all(group.exact for _, group in merged.groups())


def test_paths_that_are_not_kept_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_PATHS", 3)
    merged = FacetCounter(Reader())
    for part in range(4):
        counter = FacetCounter(Reader())
        counter.add([job(n, '{"user": 1, "only %d": 2}' % (10 * part + n)) for n in range(5)])
        merged.merge(counter.counted)
    found = merged.result()
    assert found.paths[0][:1] == ("$.user",)
    assert found.paths[0].jobs == 20
    assert found.other_paths + sum(path.jobs for path in found.paths[1:]) == 20
