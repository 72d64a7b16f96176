"""Edits of MessagePack and CBOR: lengths and counts follow, and values keep the width that they had."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cbor2
import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.edits import Change, EditRefused, edit, parse_set, parse_unset
from tests.jobs.edits.test_properties import VALUES, at, paths_in, strict

ROW = {"user": 42, "name": "Zoë", "tags": ["a", None, True], "more": {"x": []}, "f": 0.5}
Pack = Callable[[Any], bytes]


def changed(body: bytes, *changes: str) -> bytes:
    return edit(body, [parse_set(text) if "=" in text else parse_unset(text) for text in changes])


@pytest.mark.parametrize("pack", [msgpack.packb, cbor2.dumps])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["$.user=70000"], {**ROW, "user": 70000}),
        (["$.name=" + "x" * 300], {**ROW, "name": "x" * 300}),
        (["$.tags[1]"], {**ROW, "tags": ["a", True]}),
        (["$.tags[3]=1.25"], {**ROW, "tags": ["a", None, True, 1.25]}),
        (["$.more.x[0]={}"], {**ROW, "more": {"x": [{}]}}),
        (["$.user", "$.f=1.1"], {"name": "Zoë", "tags": ["a", None, True], "more": {"x": []}, "f": 1.1}),
        ([f"$.k{n}={n}" for n in range(300)], ROW | {f"k{n}": n for n in range(300)}),
        (["$.user=42", "$.nothing", "$.user.x", "$.tags[9]"], ROW),
    ],
)
def test_what_is_written_is_what_the_library_writes(pack: Pack, changes: list[str], expected: Any) -> None:
    if changes[0] == "$.user=42":
        for change in changes:
            assert changed(pack(ROW), change) == pack(ROW)
    else:
        assert changed(pack(ROW), *changes) == pack(expected)


def test_values_keep_their_width_and_family() -> None:
    packed = msgpack.packb({"f": 0.5, "b": b"bytes", "t": "text"}, use_single_float=True)
    expected = msgpack.packb({"f": 1.5, "b": b"other", "t": "words"}, use_single_float=True)
    assert changed(packed, "$.f=1.5", "$.b=other", "$.t=words") == expected
    # What a short float cannot hold becomes a long one.
    assert decode(changed(packed, "$.f=1.1")).data["f"] == 1.1
    half = cbor2.dumps({"f": 0.5, "b": b"bytes"}, canonical=True)
    assert changed(half, "$.f=1.5", "$.b=other") == cbor2.dumps({"f": 1.5, "b": b"other"}, canonical=True)
    assert decode(changed(half, "$.f=1e300")).data["f"] == 1e300
    wide = b"\xde\x00\x01\xa1a\xdc\x00\x01\x01"
    assert changed(wide, "$.a[1]=2", "$.b=3") == b"\xde\x00\x02\xa1a\xdc\x00\x02\x01\x02\xa1b\x03"


def test_cbor_of_indefinite_length_and_with_tags() -> None:
    assert changed(bytes.fromhex("bf616101 61629f0102ff ff"), "$.b[2]=3", "$.a") == bytes.fromhex(
        "bf 61629f010203ff ff"
    )
    assert changed(cbor2.dumps(cbor2.CBORTag(55799, {"a": 1})), "$.a=2") == cbor2.dumps(cbor2.CBORTag(55799, {"a": 2}))
    times = {"at": datetime(2026, 1, 1, tzinfo=UTC)}
    later = {"at": datetime(2027, 1, 1, tzinfo=UTC)}
    assert changed(cbor2.dumps(times), "$.at=2027-01-01T00:00:00Z") == cbor2.dumps(later)


@pytest.mark.parametrize(
    ("body", "change", "reason"),
    [
        (cbor2.dumps({"at": datetime(2026, 1, 1, tzinfo=UTC)}), "$.at=5", "$.at: a time, which is a text here"),
        (cbor2.dumps({"x": cbor2.CBORTag(99, [1])}), "$.x=5", "$.x: a value with a tag, which says what it is"),
        (cbor2.dumps({"x": cbor2.CBORTag(99, [1])}), "$.x.value[0]=5", "$.x: a value without parts"),
        (cbor2.dumps([cbor2.CBORTag(28, ["a"]), cbor2.CBORTag(29, 0)]), "$[2]=1", "CBOR with references"),
        (
            msgpack.packb({"a": 1}),
            "$.a=18446744073709551616",
            "$.a: a number beyond 64 bits, which MessagePack does not",
        ),
        (msgpack.packb({"a": 1}), "$.a", "the result would be read as"),
        (msgpack.packb({"a": 1}), "$.b.c=1", "$.b: missing; set it to an object or a list first"),
        (b"\x82\xa1a\x01\xa1a\x02", "$.a=3", "$.a: the object has two values under this key"),
    ],
)
def test_refusals_say_why(body: bytes, change: str, reason: str) -> None:
    with pytest.raises(EditRefused) as refused:
        changed(body, change)
    assert refused.value.reason.startswith(reason)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, min_size=1, max_size=20),
    VALUES,
    st.sampled_from([msgpack.packb, cbor2.dumps]),
    st.booleans(),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_any_change_of_any_data(data: Any, value: Any, pack: Pack, unset: bool, draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(paths_in(data)))
    body = base64.b64encode(pack({"job": 1, "inner": json.dumps([1, {"x": 2}]), "data": data}))
    assume(_is_read_as(body, data))
    expected = copy.deepcopy(data)
    holder = at(expected, path[:-1])
    if unset:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    edited = base64.b64encode(pack({"job": 1, "inner": json.dumps([1, {"x": 7}]), "data": expected}))
    # Control characters are read as bytes.
    assume(_is_read_as(edited, expected))
    change = Change.remove(("data", *path)) if unset else Change.set(("data", *path), value)
    assert edit(body, [change, Change.set(("inner", 1, "x"), 7)]) == edited


def _is_read_as(body: bytes, data: Any) -> bool:
    found = decode(body)
    return found.chain[0] == "base64" and strict(found.data.get("data")) == strict(data)
