"""Bins of jobs: each job is in the bin whose predicate is true for it, whatever its body is."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.jobs.bins import NO_BIN, Dimension, JobBins, KeptBodies, RangeBins, ValueBins
from beanops.jobs.bins.body_values import BodyValues
from beanops.jobs.bins.edges import number_edges, time_edges
from beanops.jobs.bodies import Reader
from beanops.jobs.bodies.paths import PathError
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.where import Where
from beanops.protocol import JobStats
from beanops.session.session import Session

NOW = 1_800_000_000.0
STATS = JobStats(1, "mail", "ready", 0, 5, 0, 60, 0, 0, 0, 0, 0, 0, 0)
#: Values that are hard to write in SQL or look alike.
VALUES = [
    "free", "it's", 'say "x"', "", "7", 7, 7.0, 0.1, True, False, None, "true", [], {"a": 1}, "two\nlines", "é" * 300,
    "\x1b[31m", "other values", "none", -3, 1e21, 2**63,
]  # fmt: skip


def jobs_of(*bodies: bytes | None) -> list[FoundJob]:
    return [
        FoundJob(STATS._replace(id=id, age=id, priority=id % 3), body, (), "x", NOW) for id, body in enumerate(bodies)
    ]


def binned(jobs: list[FoundJob], *paths: str) -> dict[str, Dimension]:
    bins = JobBins(Reader())
    for start in range(0, len(jobs), 7):
        bins.add(jobs[start : start + 7])
    for path in paths:
        bins.add_path(path)
    return bins.dimensions(NOW)


def check(jobs: list[FoundJob], bins: Dimension, *chosen: int) -> None:
    """Check that the predicate of bins is true for the jobs that have one of these codes."""
    matching = {job.id for job in Where(bins.where(chosen)).judge(jobs).matching}
    codes = bins.codes
    assert matching == {job.id for job, code in zip(jobs, codes, strict=True) if code in chosen}, bins.where(chosen)


@pytest.mark.parametrize("seed", range(2))
def test_the_predicate_of_a_bin_is_true_for_its_jobs_and_no_others(seed: int) -> None:
    chance = random.Random(seed)
    bodies = [
        json.dumps({"v": chance.choice(VALUES), "n": chance.randrange(10 ** chance.randrange(1, 6))})
        for _ in range(200)
    ]
    bodies += ["{}", "[1]", "plain text"]
    jobs = jobs_of(*(body.encode() for body in bodies))
    found = binned(jobs, "$.v", "$.n")
    assert isinstance(found["$.v"], ValueBins)
    assert isinstance(found["$.n"], RangeBins)
    for bins in found.values():
        for code in range(bins.size):
            check(jobs, bins, code)
        for _ in range(3):
            some = sorted(chance.sample(range(bins.size), chance.randint(1, bins.size)))
            if some == [*range(bins.size)] or some[:1] + some[-1:] == [0, bins.size - 1]:
                continue  # all of a range is no choice
            check(jobs, bins, *(range(some[0], some[-1] + 1) if isinstance(bins, RangeBins) else some))


def test_a_bin_says_what_is_in_it() -> None:
    jobs = jobs_of(
        *(
            b'{"plan": "%s", "error": "no such customer %d"}' % (plan, n)
            for n, plan in enumerate([b"free", b"pro", b"free"] * 2)
        )
    )
    found = binned(jobs)
    assert list(found) == ["age", "cause", "size", "priority", "$.plan"]
    plans = found["$.plan"]
    assert isinstance(plans, ValueBins)
    assert (plans.labels, plans.counts) == (("free", "pro"), [4, 2])
    assert plans.where([0]) == "(data->>'$.plan') = 'free'"
    assert found["cause"].counts == [6]
    assert found["priority"].where([1, 2]) == "priority >= 1"
    ages = found["age"]
    assert isinstance(ages, RangeBins)
    assert ages.unit == "time"
    assert ages.where([0]) == "created < '2027-01-15 07:59:56+00'"


def test_bodies_that_are_not_decoded_are_in_no_bin() -> None:
    jobs = jobs_of(b'{"v": 1}', b'{"v": 2}', b"\xff\xfe\x00\x01", None)
    bins = binned(jobs, "$.v")["$.v"]
    assert bins.codes.tolist()[:2] == [0, 1]
    assert set(bins.codes.tolist()[3:]) == {NO_BIN}


def test_secrets_have_no_values() -> None:
    bins = JobBins(Reader(["token"]))
    bins.add(jobs_of(*(b'{"token": "s%d", "v": %d}' % (n, n) for n in range(4))))
    bins.add_path("$.token")
    assert "s1" not in str(bins.dimensions(NOW).get("$.token"))


def test_bounds_stay_while_they_are_chosen() -> None:
    bins = JobBins(Reader())
    bins.add(jobs_of(*(b"x" * n for n in range(1, 60))))
    first = bins.dimensions(NOW)
    bins.add([FoundJob(STATS._replace(id=100), b"y" * 5000, (), "x", NOW)])
    again = bins.dimensions(NOW, {"size": first["size"]})
    assert again["size"].where([3]) == first["size"].where([3])
    assert again["size"].codes[-1] == first["size"].size - 1
    assert bins.dimensions(NOW)["size"].where([3]) != first["size"].where([3])


def test_a_job_that_changed_moves_and_one_that_went_is_in_no_bin() -> None:
    bins = JobBins(Reader())
    jobs = jobs_of(b"1", b"2", b"3", b"4")
    bins.add(jobs)
    kicked = jobs[1]._replace(stats=jobs[1].stats._replace(state="buried"))
    new = jobs[1]._replace(stats=jobs[1].stats._replace(id=77))
    assert bins.update([kicked, new]) == [new]
    states = bins.dimensions(NOW)["state"]
    assert isinstance(states, ValueBins)
    assert (states.labels, states.counts) == (("ready", "buried"), [3, 1])
    bins.gone.add(1)
    assert bins.dimensions(NOW)["state"].codes.tolist() == [0, NO_BIN, 0, 0]


@pytest.mark.parametrize(
    ("numbers", "edges"),
    [
        ([0, 3], [0, 1, 2, 3, 4]),
        ([0.0, 0.5], [0.0, 0.02, 0.04, 0.06]),
        ([2**62, 2**62 + 100], [2.0**62]),
        ([2**62, 2**62 + 4000], [2.0**62]),
    ],
)
def test_edges_are_round(numbers: list[float], edges: list[float]) -> None:
    found = number_edges(np.array(numbers))
    assert found[: len(edges)] == edges
    assert found == sorted(set(found))
    assert found[0] <= float(min(numbers)) < found[-1]


def test_times_are_parted_by_the_clock_and_by_age_where_a_few_are_far_older() -> None:
    even = time_edges(NOW - np.arange(0, 3600, 10), NOW)
    assert {(b - a) for a, b in pairwise(even)} == {120.0}
    assert all(edge % 120 == 0 for edge in even)
    skewed = time_edges(np.concatenate((NOW - np.arange(1000) % 60, [NOW - 90 * 86_400])), NOW)
    assert [NOW - edge for edge in skewed[-5:]] == [10, 5, 2, 1, 0]
    assert skewed[0] <= NOW - 90 * 86_400


def test_kept_bodies_come_back_in_order_and_end_at_a_bound() -> None:
    bodies = KeptBodies(most=2_000)
    parts: list[list[bytes | None]] = [[b"a" * 1000, None, b""], [random.Random(1).randbytes(5000)], [b"c"]]
    for part in parts:
        bodies.add(part)
    assert list(bodies.parts()) == [parts[0], [None], [None]]
    assert bodies.full


def test_a_path_is_a_path() -> None:
    with pytest.raises(PathError):
        JobBins(Reader()).add_path("customer")
    values = BodyValues(Reader(), [("a", 0, "b"), ("a", -1), ("a", 5)]).of([b'{"a": [{"b": "x"}, 7]}'])
    assert values == [["x"], [7], [None]]


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        session.put_many([{"plan": plan, "n": n} for n, plan in enumerate(["free", "pro", "it's"] * 5)], tube="mail")
        session.bury([1, 2, 3])
        yield session


def test_predicates_find_the_same_jobs_on_a_server(session: Session) -> None:
    jobs: list[Any] = [job for batch in session.scan("mail") for job in batch]
    for bins in binned(jobs).values():
        for code in range(bins.size if bins.size > 1 else 0):
            found = session.jobs("mail", where=bins.where([code]))["id"].tolist()
            assert sorted(found) == sorted(job.id for job, its in zip(jobs, bins.codes, strict=True) if its == code)
