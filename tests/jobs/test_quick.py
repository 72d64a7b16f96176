"""The quick way to read JSON for a predicate says what decoding says, whatever the bodies."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import decoder, may_hold_layers
from beanops.jobs.bodies.registry import registry
from beanops.jobs.sql.json_paths import quick_reader
from beanops.jobs.sql.parse_tree import paths_of
from beanops.jobs.sql.where import Where
from tests.jobs.test_undecoded import UNDECODED, job
from tests.rounds import rounds

PREDICATES = [
    "data->>'$.a' is null",
    "not (data->>'$.a' is null)",
    "data->>'a' = '1'",
    "coalesce(data->>'$.a', '') <> '1'",
    "try_cast(data->>'$.a' as double) > 0",
    "try_cast(data->>'$.a' as hugeint) > 4",
    "(data->'$.a')::varchar like '%1%'",
    "(data->'$.a')->>'$.b' = '1'",
    "json_extract_string(data, '$.a.b') is null",
    "data->>'$.a.b' is not null or data->>'$.b' = 'x'",
    "data->>'$.a[0].b' = '1'",
    "data->>'$.a[#-1]' = '1'",
    "data->>'/a/b' = '1'",
    "data->>'$.\"a:b\"' = '1'",
    "data->>'a:b' is null and id > 0",
    "json_exists(data, '$.b')",
    "(data->'$.a.*')::varchar like '%1%'",
    "length(data->>'$') > 12",
    "data->>0 = '1'",
    "data->>'$.e' = '😀é'",
    "data->>'$.a' is null and coalesce(columns(['data'])::varchar, '') <> '{\"b\":1}'",
    "data->>'$.a' is null and exists (select 1 from (select data as d) where d->>'$.b' = '1')",
]
WHERES = [(Where(predicate), Where(predicate)) for predicate in PREDICATES]
for _, slow in WHERES:
    slow._quick = None

_PHP = 'O:8:"stdClass":1:{s:1:"b";i:1;}'
# Values as they stand in a body.
_scalars = st.one_of(
    st.sampled_from(
        ["1", '"1"', "null", "true", "-0", "-0.0", "0.0", "1.0", "1e0", "1E2", "1e16", "0.00001", "1e-7", "1e400",
         "1e-400",
         "9223372036854775807", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "9" * 120,
         "NaN", "-Infinity", "01", "1.", '"\\ud800"', '"\\ud83d\\ude00\\u00e9"', '"\\u003a"', '"a:b"', '":"', '"\t"',
         '"\\u0000"', '"\x7f"', '"\\/"', '"e+1"', '"{"', '"[[["', '"}"', '"{\\"b\\":1}"', '"[1,2,3,4]"', '"{\\"b\\":1"',
         json.dumps(_PHP), json.dumps(_PHP[:-2]), json.dumps(base64.b64encode(b'{"b": 1, "c": [1]}').decode()),
         json.dumps('"{\\"b\\":1}"'), '"0123456789abcdef0123"', '"' + "a:1:{i:0;" * 70 + "i:1;" + "}" * 70 + '"']
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=False)),
)  # fmt: skip
_keys = st.sampled_from(["a", "b", "a", "b", "e", "a:b", "\\u0061", "a\\u003ab", "x", "", "é"])
_gaps = st.sampled_from(["", "", "", " ", "\n", "\t"])
_ends = st.sampled_from(["", "", "", "", ","])


def _object(items: list[tuple[str, str]], gap: str, end: str) -> str:
    return "{" + f",{gap}".join(f'"{key}"{gap}:{gap}{value}' for key, value in items) + end + "}"


_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.builds(lambda items, end: "[" + ",".join(items) + end + "]", st.lists(inner, max_size=4), _gaps),
        st.builds(_object, st.lists(st.tuples(_keys, inner), max_size=4), _gaps, _ends),
    ),
    max_leaves=12,
)
_objects = st.builds(_object, st.lists(st.tuples(_keys, _values), max_size=5), _gaps, _ends)
_deep = st.builds(
    lambda depth, wide: '{"a":' + "[" * depth + "1" + "]" * depth + ', "b":[' + ",".join(["{}"] * wide) + "]}",
    st.integers(58, 70),
    st.integers(0, 70),
)
_cuts = st.builds(lambda body, share: body[: int(len(body) * share)], _objects, st.floats(0, 1))
_texts = st.one_of(_objects, _objects, _values, _deep, _cuts, st.text(max_size=20))
_bodies = st.one_of(
    _texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(
        lambda before, text, after: before + text.encode("utf-8", "replace") + after,
        st.sampled_from([b"", b" ", b"\xef\xbb\xbf", b"\xff"]),
        _objects,
        st.sampled_from([b"", b"\n", b"\0", b"x", b"\xff"]),
    ),
    st.sampled_from([*UNDECODED.values()][3:]),
)


@rounds(8, 100)
def test_the_quick_way_selects_as_decoding_does(rounds: int) -> None:
    examples = settings(max_examples=rounds, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    examples(given(st.lists(_bodies, min_size=8, max_size=30))(_selects_alike))()


def _selects_alike(bodies: list[bytes]) -> None:
    jobs = [job(id, body) for id, body in enumerate(bodies, 1)]
    for quick, slow in WHERES:
        judged, decoded = quick.judge(jobs), slow.judge(jobs)
        assert [found.body for found in judged.matching] == [found.body for found in decoded.matching], quick.predicate
        for found in decoded.undecoded:
            # A layer that cannot be decoded does not count where a predicate does not reach it and is not true anyhow.
            assert found in judged.undecoded or may_hold_layers((found.body or b"").decode()), quick.predicate
        assert {found.id for found in judged.undecoded} <= {found.id for found in decoded.undecoded}


def _reach(predicate: str) -> Any:
    where = Where("true")
    from beanops.jobs.sql.parse_tree import parse

    return paths_of(parse(where._engine.connection, f"select 1 where {predicate}"))


@pytest.mark.parametrize(
    ("predicate", "paths"),
    [
        ("data->>'$.a.b' = '1'", {("a", "b")}),
        ("(data->'a')->>'b' = '1' and data->>'$.c' = 'x'", {("a", "b"), ("c",)}),
        ("data->>'a.b' = '1'", {("a.b",)}),
        ("data->>'$.\"a.b\".c' = '1'", {("a.b", "c")}),
        ("data->>'$.a-b[2].c' = '1'", {("a-b", 2, "c")}),
        ("data->>'$.a[#-1].c' = '1'", {("a", ...)}),
        ("data->>'$..a' = '1'", {(...,)}),
        ("data->>'$.a*' = '1'", {(...,)}),
        ("data->>'/a/b' = '1'", {(...,)}),
        ("data->>'$' = '1'", {()}),
        ("data->>tube = '1'", {()}),
        ("body like '%data%'", set()),
        ("data::varchar like '%x%'", None),
        ("data.a = 1", None),
        ("data is null or data->>'$.a' = '1'", None),
        ("json_array_length(data) = 2", None),
        ("jobs.data->>'$.a' = '1'", None),
        ("data->>'$.a' = '1' and columns(*) is not null", None),
        ("data->>'$.a' = '1' and jobs is not null", None),
        ("exists (select 1 from (select data as d) where d->>'$.a' = '1')", None),
    ],
)
def test_the_reach_of_a_predicate(predicate: str, paths: Any) -> None:
    assert _reach(predicate) == paths


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a":{"b":1,"c":2},"d":3}', '{"a":{"b":1},"d":3}'),
        (b'{"a":[1,2]}', '{"a":[1,2]}'),
        (b'{"x":1}', "{}"),
        (b"[1]", "[1]"),
        (b'{"a":1,"a":2}', None),
        (b'{"z":{"y":1,"y":2,"x":"12:00"}}', None),
        (b'[{"y":1,"y":2},3]', None),
        (b'{"a":18446744073709551616}', None),
        (b'{"a":1,"a":"\\u003a:"}', None),
        (b'{"a":{"b":"{\\"c\\":1}"}}', None),
        (b'{"z":"{\\"c\\":1}","d":1}', '{"d":1}'),
        (b'{"d":1' + b',"z":{"y":[{}]}' + b"}", '{"d":1}'),
        (b'{"d":1,"z":[' + b"{}," * 100 + b"{}]}", '{"d":1}'),
        (b'{"d":1,"z":' + b"[" * 70 + b"]" * 70 + b"}", None),
        # More layers than are decoded.
        (b'{"d":1,"z":[' + b",".join([b'"WzEsMiwzLDQsNSw2XQ=="'] * 1001) + b"]}", None),
        (b"x", None),
        (None, None),
    ],
)
def test_what_is_read_quickly(body: bytes | None, text: str | None) -> None:
    read = quick_reader([("a", "b"), ("d",)])
    assert read(body) == text


def test_decoders_that_come_first_are_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    where = Where("data->>'$.a' = '2'")
    assert not where.matching([job(1, b'{"a":"1"}')])
    monkeypatch.setattr(registry, "_decoders", dict(registry._decoders))
    monkeypatch.setattr(registry, "_functions", list(registry._functions))
    monkeypatch.setattr(registry, "_ordered", None)
    decoder("two")(lambda body: {"a": "2"})
    assert where.matching([job(1, b'{"a":"1"}')])
    registry._ordered = None
