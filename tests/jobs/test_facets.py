"""What bodies have in common: exact where values are few, bounded whatever they are, and never a secret."""

from __future__ import annotations

import base64
import gzip
import json
import random
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import Reader, decode
from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.facets import FacetCounter, Facets, PathFacet
from beanops.jobs.facets.distinct import Distinct
from beanops.jobs.facets.spelling import float_text
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.where import Where
from beanops.protocol import JobStats
from tests.rounds import rounds

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}


def job(id: int, body: bytes, **stats: int) -> FoundJob:
    known = JobStats(id, "mail", "ready", 0, 5, 0, 60, 0, 0, 0, 0, 0, 0, 0)
    return FoundJob(known._replace(**stats), body)


def jobs_of(*bodies: bytes) -> list[FoundJob]:
    return [job(id, body) for id, body in enumerate(bodies, 1)]


def facets_of(*bodies: bytes, redact: tuple[str, ...] = (), top: int = 10) -> Facets:
    counter = FacetCounter(Reader(redact))
    counter.add(jobs_of(*bodies))
    return counter.result(top)


def by_path(facets: Facets) -> dict[str, PathFacet]:
    return {facet.path: facet for facet in facets.paths}


def _walk(data: Any, path: tuple[str | None, ...] = ()) -> Iterator[tuple[tuple[str | None, ...], Any]]:
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _walk(value, (*path, key))
    elif isinstance(data, list):
        for value in data:
            yield from _walk(value, (*path, None))


def _written(value: Any) -> str:
    """Return a scalar as it is written in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return float_text(value) if isinstance(value, float) else str(value)


def _counted(bodies: list[bytes]) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]], int]:
    """Count the values and the types of jobs at each path, one body after the other."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    types: dict[str, Counter[str]] = defaultdict(Counter)
    decoded = 0
    for body in bodies:
        found = decode(body)
        if not found.whole:
            continue
        decoded += 1
        seen = {(spell_path(path), TYPES.get(type(value), "null")) for path, value in _walk(found.data)}
        for path, kind in seen:
            types[path][kind] += 1
        for path, text in {
            (spell_path(path), _written(value))
            for path, value in _walk(found.data)
            if value is not None and not isinstance(value, dict | list)
        }:
            values[path][text] += 1
    return values, types, decoded


_keys = st.sampled_from(
    [
        "a",
        "b",
        "a b",
        "a.b",
        'q"x',
        "back\\slash",
        "it's",
        "sl/ash",
        "ti~lde",
        "é",
        "",
        "*",
        "[0]",
        "$",
        "0",
        "x\x1b[1m",
    ]
) | st.text(max_size=3)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**30, 0.0, -0.0, 1e16, 1e22, 1e-7, 1.5, 1e300]),
    st.floats(allow_nan=True),
    st.sampled_from(
        ["", "7", "true", "null", "NaN", "it's", "two\nlines", "nul\0byte", "rtl\u202e", "x" * 150, "é" * 120]
    ),
    st.sampled_from([json.dumps({"inner": [1, 2]}), 'O:1:"X":1:{s:1:"b";i:1;}', "SendMonthlyInvoiceJob", "a" * 20]),
    st.text(max_size=6),
)
_data = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4), max_leaves=8
)
_bodies = st.one_of(
    _data.map(lambda data: json.dumps(data).encode()),
    _data.map(lambda data: json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    _data.map(lambda data: gzip.compress(json.dumps(data).encode())),
    st.sampled_from([b"", b"plain", b"\x00\xff", b'{"a": 1, "a": 2}', b"[" * 70, base64.b64encode(b'{"a": "7"}')]),
)


@rounds(60, 1500)
def test_counts_are_those_of_a_plain_counter_and_of_the_predicates(rounds: int) -> None:
    @settings(max_examples=rounds, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(_bodies, max_size=8))
    def check(bodies: list[bytes]) -> None:
        facets = facets_of(*bodies, top=1000)
        values, types, decoded = _counted(bodies)
        assert facets.decoded == decoded
        assert facets.decoded + sum(one.jobs for one in facets.undecoded) == facets.jobs == len(bodies)
        jobs = jobs_of(*bodies)
        for facet in facets.paths:
            assert facet.types == dict(types[facet.path])
            assert {one.value for one in facet.top if not one.value.endswith("…")} <= values[facet.path].keys()
            assert sorted(one.jobs for one in facet.top) == sorted(values[facet.path].values())
            assert facet.distinct == len(values[facet.path])
            assert facet.jobs + facet.missing == decoded
            assert not facet.approximate
        # The root is left out where all bodies are objects.
        assert types.keys() - {facet.path for facet in facets.paths} <= {"$"}
        for facet in facets.paths[:3]:
            for one in facet.top[:2]:
                if one.where is None:
                    assert facet.sql is None
                else:
                    assert len(Where(one.where).matching(jobs)) == one.jobs, one.where
                    assert one.where.isprintable()

    check()


def test_a_number_is_written_as_duckdb_does() -> None:
    random.seed(5)
    numbers = [random.uniform(1, 10) * 10 ** random.randint(-30, 30) for _ in range(500)]
    numbers += [0.0, -0.0, 1e15, 1e16, 1e20, 1e21, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 123456789012345680.0]
    with duckdb.connect() as connection:
        for number in [*numbers, *(-number for number in numbers)]:
            row = connection.execute("select ?::json->>'$.n'", [json.dumps({"n": number})]).fetchone()
            assert row == (float_text(number),)


def test_paths_come_in_the_order_of_the_bodies() -> None:
    facets = facets_of(
        *[
            json.dumps({"customer": n % 3, "error": {"class": "Timeout"}, "tags": ["a", "a", "b"]}).encode()
            for n in range(9)
        ]
    )
    assert [facet.path for facet in facets.paths] == ["$.customer", "$.error", "$.error.class", "$.tags", "$.tags[*]"]
    found = by_path(facets)
    assert (found["$.customer"].min, found["$.customer"].max, found["$.customer"].distinct) == (0, 2, 3)
    # A job that has a value twice is one job.
    assert [(one.value, one.jobs) for one in found["$.tags[*]"].top] == [("a", 9), ("b", 9)]
    assert found["$.tags[*]"].top[0].where == "list_contains(data->>'$.tags[*]', 'a')"


def test_a_text_that_looks_like_a_layer_is_read_as_where_reads_it() -> None:
    inner = json.dumps({"user": 7})
    facets = by_path(facets_of(json.dumps({"data": inner, "name": "SendMonthlyInvoiceJob"}).encode(), b'{"data": "x"}'))
    assert facets["$.data.user"].top[0].value == "7"
    assert facets["$.data"].types == {"object": 1, "string": 1}
    assert facets["$.name"].top[0].value == "SendMonthlyInvoiceJob"


def test_numbers_beyond_64_bits_and_nan_are_texts_as_where_has_them() -> None:
    facets = by_path(facets_of(b'{"n": 18446744073709551616, "m": NaN}', b'{"n": 18446744073709551615, "m": 1e400}'))
    assert facets["$.n"].types == {"string": 1, "integer": 1}
    assert {one.value for one in facets["$.m"].top} == {"NaN", "Infinity"}


def test_bodies_that_are_not_decoded_are_counted_and_named() -> None:
    facets = facets_of(b"\x00\xff\xfe", b'{"a":1,"a":2}', b'{"a":1}', b'{"a":' * 70 + b"1" + b"}" * 70, b"\x00\xff\xfd")
    assert (facets.jobs, facets.decoded) == (5, 1)
    assert [tuple(one) for one in facets.undecoded] == [
        ("unknown format", 2, (1, 5)),
        ("json (in part)", 1, (2,)),
        ("json (over a limit)", 1, (4,)),
    ]


def test_a_redacted_value_is_nowhere() -> None:
    bodies = [
        json.dumps({"user": n, "token": f"s3cret-{n}", "url": f"/in?token=s3cret-{n}&page=2"}).encode()
        for n in range(30)
    ]
    bodies += [json.dumps({"headers": [["x-token", f"s3cret-{n}"]]}).encode() for n in range(30)]
    bodies += [json.dumps({"inner": json.dumps({"token": f"s3cret-{n}"})}).encode() for n in range(30)]
    facets = facets_of(*bodies, redact=("*token*",), top=1000)
    assert "s3cret" not in str(facets)
    assert by_path(facets)["$.token"].top[0][:2] == ("[redacted]", 30)
    assert "s3cret" in str(facets_of(*bodies))


def _megabytes(bodies: Iterator[bytes], jobs: int = 5000) -> tuple[Facets, float]:
    """Return the facets of many jobs, and how many megabytes they take besides a batch."""
    counter = FacetCounter(Reader())
    batch: list[FoundJob] = []
    tracemalloc.start()
    peak = 0.0
    for id, body in enumerate(bodies):
        batch.append(job(id, body))
        if len(batch) >= jobs:
            counter.add(batch)
            batch = []
            peak = max(peak, tracemalloc.get_traced_memory()[0] / 1e6)
    counter.add(batch)
    peak = max(peak, tracemalloc.get_traced_memory()[0] / 1e6)
    tracemalloc.stop()
    return counter.result(), peak


@pytest.mark.parametrize(
    ("make", "count"),
    [
        pytest.param(lambda n: json.dumps({f"k{n}-{k}": k for k in range(50)}).encode(), 2000, id="100,000 paths"),
        pytest.param(
            lambda n: json.dumps({f"v{k}": f"{n}-{k}" for k in range(20)}).encode(), 5000, id="100,000 values"
        ),
        pytest.param(lambda n: json.dumps({"text": f"{n}" * 20_000}).encode(), 300, id="giant texts"),
        pytest.param(lambda n: json.dumps({f"{n}" * 20_000: 1}).encode(), 300, id="giant keys"),
        pytest.param(lambda n: b'{"a":' * 40 + b"%d" % n + b"}" * 40, 2000, id="deep"),
        pytest.param(lambda n: gzip.compress(b"[" + b'{"a":1},' * 50_000 + b"1]"), 6, id="unpacks"),
        pytest.param(lambda n: (f'{{"k{n % 700}": ' * 30 + "1" + "}" * 30).encode(), 2000, id="deep and different"),
    ],
)
def test_memory_is_bounded_whatever_the_bodies_are(make: Any, count: int) -> None:
    facets, megabytes = _megabytes(map(make, range(count)), jobs=500)
    assert facets.jobs == count
    assert megabytes < 60
    assert len(facets.paths) <= 1000
    assert all(len(facet.path) < 20_000 for facet in facets.paths)


def test_what_is_frequent_is_found_among_many_paths_and_values() -> None:
    random.seed(3)
    bodies = [
        json.dumps(
            {f"k{n}-{k}": k for k in range(20)}
            | {"id": f"user-{n}", "customer": random.choice(["big"] * 3 + ["middle"] + [f"c{n}"] * 6), "kind": "mail"}
        ).encode()
        for n in range(15_000)
    ]
    random.shuffle(bodies)
    facets, _ = _megabytes(iter(bodies))
    found = by_path(facets)
    assert facets.other_paths > 200_000
    assert (found["$.kind"].jobs, found["$.kind"].missing) == (15_000, 0)
    assert found["$.id"].approximate
    assert found["$.id"].distinct == pytest.approx(15_000, rel=0.12)
    customers = Counter(json.loads(body)["customer"] for body in bodies)
    assert [(one.value, one.jobs) for one in found["$.customer"].top[:2]] == customers.most_common(2)


@pytest.mark.parametrize("name", ["user-{:06d}", "{}", "{}@example.com", "f47ac10b-58cc-4372-a567-{:012x}"])
def test_the_number_of_different_values_is_estimated_whatever_their_pattern(name: str) -> None:
    estimate = Distinct()
    for start in range(0, 60_000, 5000):
        estimate.add([name.format(n) for n in range(start, start + 10_000)])
    assert estimate.estimate == pytest.approx(65_000, rel=0.12)


def test_histograms_have_bins_that_select_their_jobs() -> None:
    random.seed(1)
    jobs = [
        job(n, b"x" * random.randint(1, 5000), age=random.randint(0, 10**6), timeouts=n % 3, buries=1)
        for n in range(1, 1500)
    ]
    counter = FacetCounter(Reader())
    counter.add(jobs)
    histograms = {one.column: one for one in counter.result().histograms}
    # What is alike in all jobs is left out, unless it is of interest also then.
    assert histograms.keys() == {"age", "size", "priority", "timeouts"}
    assert [one[:3] for one in histograms["timeouts"].bins] == [(0, 1, 499), (1, 2, 500), (2, 3, 500)]
    for histogram in histograms.values():
        assert sum(one.jobs for one in histogram.bins) == len(jobs)
        for one in histogram.bins:
            assert len(Where(one.where).matching(jobs)) == one.jobs
    assert histograms["age"].min == min(one.stats.age for one in jobs)


def test_nothing_is_known_of_no_jobs() -> None:
    assert facets_of() == Facets(0, 0, (), 0, (), ())
