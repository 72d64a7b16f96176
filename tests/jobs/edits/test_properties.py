"""Whatever the data, its style and its layers: an edit changes one value, and every other byte stays."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.edits import (
    Change,
    EditRefused,
    Splicer,
    differences,
    edit,
    from_data,
    from_pretty,
    pretty,
    quick,
)
from beanops.protocol.errors import UsageError

#: Texts that are no layer themselves.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["a", "b", "id", "user", "x y", "body"]) | TEXTS
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
CONTAINERS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5) | st.lists(VALUES, min_size=1, max_size=5)
EXAMPLES = settings(max_examples=150, deadline=None)


def paths_in(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = []
    for step, value in pairs:
        found += [(*path, step), *paths_in(value, (*path, step))]
    return found


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        data = data[step]
    return data


def written(data: Any, style: random.Random) -> str:
    """Return JSON in a style of its own: blanks, escapes, and how numbers are written."""
    dense = style.random() < 0.3

    def blank() -> str:
        return "" if dense else style.choice(["", "", " ", "\n", "\t", "\r\n  "])

    def text(value: str) -> str:
        if style.random() < 0.5:
            return json.dumps(value, ensure_ascii=style.random() < 0.5)
        escaped = (
            f"\\u{ord(c):04X}" if ord(c) < 0x10000 and style.random() < 0.2 else json.dumps(c)[1:-1] for c in value
        )
        return f'"{"".join(escaped)}"'.replace("/", style.choice(["/", "\\/"]))

    def write(value: Any) -> str:
        if isinstance(value, dict):
            members = (f"{blank()}{text(key)}{blank()}:{blank()}{write(item)}{blank()}" for key, item in value.items())
            return "{" + (",".join(members) or blank()) + "}"
        if isinstance(value, list):
            return "[" + (",".join(f"{blank()}{write(item)}{blank()}" for item in value) or blank()) + "]"
        if isinstance(value, str):
            return text(value)
        return json.dumps(value)

    return write(data)


def strict(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def outcome(body: bytes, changes: list[Change]) -> bytes | None:
    try:
        return edit(body, changes)
    except EditRefused:
        return None


@given(CONTAINERS, VALUES, st.randoms(use_true_random=False), st.data())
@EXAMPLES
def test_a_set_of_any_value_in_any_style(data: Any, value: Any, style: random.Random, draw: st.DataObject) -> None:
    path = draw.draw(st.sampled_from(paths_in(data)))
    body = written(data, style).encode()
    assume(decode(body).chain == ("json",) and strict(decode(body).data) == strict(data))
    new = edit(body, [Change.set(path, value)])
    expected = copy.deepcopy(data)
    at(expected, path[:-1])[path[-1]] = value
    assert strict(json.loads(new)) == strict(expected)
    # What comes before the value, and what comes after it, is as it was.
    before = len(json_prefix(body, new))
    after = len(json_prefix(body[::-1], new[::-1]))
    removed = body[before : max(before, len(body) - after)]
    if strict(at(data, path)) == strict(value):
        assert new == body
    else:
        old = value_text(body.decode(), path)
        assert len(removed) <= len(old.encode())
    # The same again changes nothing, and back again is the same data.
    assert edit(new, [Change.set(path, value)]) == new
    assert strict(json.loads(edit(new, [Change.set(path, at(data, path))]))) == strict(data)


def json_prefix(one: bytes, two: bytes) -> bytes:
    count = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return one[:count]


def value_text(text: str, path: tuple[str | int, ...]) -> str:
    """Return the text of the value at a path, found by a reader that knows where each value is."""
    position = 0
    decoder = json.JSONDecoder()

    def skip(place: int) -> int:
        while text[place] in " \t\r\n":
            place += 1
        return place

    for step in path:
        position = skip(position) + 1
        count = 0
        while True:
            position = skip(position)
            key: str | int = count
            if isinstance(step, str):
                key, position = decoder.raw_decode(text, position)
                position = skip(skip(position) + 1)
            if key == step:
                break
            _, position = decoder.raw_decode(text, position)
            position = skip(position) + 1
            count += 1
    return text[position : decoder.raw_decode(text, position)[1]]


@given(CONTAINERS, st.randoms(use_true_random=False), st.data())
@EXAMPLES
def test_an_unset_in_any_style(data: Any, style: random.Random, draw: st.DataObject) -> None:
    paths = paths_in(data)
    path = draw.draw(st.sampled_from(paths))
    body = written(data, style).encode()
    assume(decode(body).chain == ("json",))
    new = edit(body, [Change.remove(path)])
    expected = copy.deepcopy(data)
    del at(expected, path[:-1])[path[-1]]
    assert strict(json.loads(new)) == strict(expected)
    assert sorted(set(new) - set(body)) == []
    assert edit(new, [Change.remove(("no such key",) if isinstance(data, dict) else (99,))]) == new


@given(CONTAINERS, TEXTS, VALUES, st.randoms(use_true_random=False), st.data())
@EXAMPLES
def test_a_new_key_or_element_in_any_style(
    data: Any, key: str, value: Any, style: random.Random, draw: st.DataObject
) -> None:
    holders = [(), *(path for path in paths_in(data) if isinstance(at(data, path), dict | list))]
    path = draw.draw(st.sampled_from(holders))
    holder = at(data, path)
    step = key if isinstance(holder, dict) else len(holder)
    assume(isinstance(holder, list) or key not in holder)
    body = written(data, style).encode()
    assume(decode(body).chain == ("json",))
    new = edit(body, [Change.set((*path, step), value)])
    expected = copy.deepcopy(data)
    if isinstance(holder, list):
        at(expected, path).append(value)
    else:
        at(expected, path)[key] = value
    assert strict(json.loads(new)) == strict(expected)
    assert strict(json.loads(edit(new, [Change.remove((*path, step))]))) == strict(data)


@given(CONTAINERS, CONTAINERS, st.randoms(use_true_random=False))
@EXAMPLES
def test_data_changed_in_any_way_is_the_result_or_refused(old: Any, new: Any, style: random.Random) -> None:
    body = written(old, style).encode()
    assume(decode(body).chain == ("json",))
    assert from_data(body, decode(body).data) == body
    try:
        result = from_data(body, new)
    except EditRefused:
        return
    assert strict(json.loads(result)) == strict(new)
    if type(old) is type(new):
        assert from_pretty(body, pretty(result)) == result
    assert bool(differences(body, result)) is (body != result)


@given(CONTAINERS, st.lists(VALUES, min_size=3, max_size=3), st.randoms(use_true_random=False), st.data())
@settings(max_examples=300, deadline=None)
def test_a_body_is_edited_in_the_same_way_with_and_without_decoding_it(
    data: Any, values: list[Any], style: random.Random, draw: st.DataObject
) -> None:
    body = draw.draw(st.sampled_from(["", "\ufeff", " "])).encode() + written(data, style).encode()
    if draw.draw(st.booleans()):
        body = json.dumps(data).encode()
    if draw.draw(st.booleans()):
        body = body.replace(b'"b"', b'"a"')  # two values under one key, or in two objects
    known = [*paths_in(data), *((*path, "new") for path in paths_in(data))]
    paths = draw.draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
    changes = [
        Change.remove(path) if value is None else Change.set(path, value)
        for path, value in zip(paths, values, strict=False)
    ]
    try:
        splicer = Splicer(changes)
    except UsageError:
        return  # one path is inside another
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "reads_json_first", lambda: False)
        slowly = result_of(splicer, body)
    assert result_of(splicer, body) == slowly


def result_of(splicer: Splicer, body: bytes) -> bytes | str:
    try:
        return splicer.edit(body)
    except EditRefused as refused:
        return refused.reason


def php(value: Any) -> bytes:
    match value:
        case None:
            return b"N;"
        case bool():
            return b"b:%d;" % value
        case int():
            return b"i:%d;" % value
        case float():
            return b"d:%b;" % repr(value).encode()
        case str():
            return b's:%d:"%b";' % (len(value.encode()), value.encode())
        case list():
            return b"a:%d:{%b}" % (len(value), b"".join(php(n) + php(item) for n, item in enumerate(value)))
    inner = b"".join(php(key) + php(item) for key, item in value.items())
    return b'O:5:"App\\J":%d:{%b}' % (len(value), inner)


WRAP: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "lines": base64.encodebytes,
    "zlib": zlib.compress,
    "gzip": lambda body: gzip.compress(body, mtime=7),
    "php": lambda body: b's:%d:"%b";' % (len(body), body),
    "json": lambda body: json.dumps({"id": 1, "inner": body.decode(), "last": [1.50]}).encode(),
    "php object": lambda body: php({"id": 1, "inner": body.decode(), "last": [1.5]}),
}


@given(st.lists(st.sampled_from(sorted(WRAP)), max_size=4), st.integers(0, 10**6), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_nesting_of_layers(names: list[str], number: int, serialized: bool) -> None:
    def build(value: int) -> bytes:
        core = {"task": "app.mail", "args": [1, value, "Zoë"]}
        body = php(core) if serialized else json.dumps(core).encode()
        for name in names:
            body = WRAP[name](body)
        return body

    path: tuple[str | int, ...] = ("args", 1)
    for name in names:
        path = ("inner", *path) if name in ("json", "php object") else path
    try:
        body = build(42)
    except UnicodeDecodeError:
        return  # compressed data is no text in JSON
    found = decode(body)
    try:
        seen = at(found.data, path)
    except (KeyError, TypeError, IndexError):
        return  # a short text in the middle is not read as a layer
    assert seen == 42
    new = edit(body, [Change.set(path, number)])
    if "gzip" not in names and "zlib" not in names:
        assert new == build(number)
    assert decode(new).chain == found.chain
    assert decode(new).data == decode(build(number)).data
    assert edit(new, [Change.set(path, 42)]) == body or "gzip" in names


@given(st.lists(KEYS | KEYS.map(lambda key: key * 2000), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_layers_under_any_keys(keys: list[str]) -> None:
    def build(value: int) -> bytes:
        body = json.dumps({"to": value, "more": [1, 2]})
        for key in keys:
            body = json.dumps({"id": 1, key: body}, ensure_ascii=False)
        return body.encode()

    path = (*reversed(keys), "to")
    assert edit(build(1), [Change.set(path, 22)]) == build(22)


def envelope(number: int) -> tuple[bytes, tuple[str | int, ...]]:
    """Return a body of one of the usual frameworks, and the path of a number in it."""
    rng = random.Random(number)
    job = {
        "customer": number,
        "name": rng.choice(["Ann", "Zoë", "O'Hara", "<b>&"]),
        "tags": ["a", "b/c"][: rng.randrange(3)],
    }
    ascii, separators = rng.random() < 0.5, rng.choice([(",", ":"), (", ", ": ")])

    def dump(data: Any) -> str:
        text = json.dumps(data, ensure_ascii=ascii, separators=separators)
        return text.replace("/", "\\/") if number % 3 == 0 else text

    command = php(job).decode()
    match number % 8:
        case 0:
            data = {"commandName": "App\\J", "command": command}
            return dump({"uuid": f"{number:032x}", "job": "Q@call", "data": data}).encode(), (
                "data",
                "command",
                "customer",
            )
        case 1:
            slashed = command.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
            return dump({"body": slashed, "headers": []}).encode(), ("body", "customer")
        case 2:
            body = base64.b64encode(dump([[job["name"]], job, {"callbacks": None}]).encode()).decode()
            properties = {"body_encoding": "base64", "delivery_tag": f"{number}"}
            return dump({"body": body, "content-type": "application/json", "properties": properties}).encode(), (
                "body",
                1,
                "customer",
            )
        case 3:
            return dump({"class": "Hard::Job", "args": [job, None], "retry": True, "jid": "ab"}).encode(), (
                "args",
                0,
                "customer",
            )
        case 4:
            return dump({"class": "Archive", "args": [44, dump(job)]}).encode() + b"\n", ("args", 1, "customer")
        case 5:
            return gzip.compress(dump({"job_class": "J", "arguments": [job]}).encode(), mtime=number), (
                "arguments",
                0,
                "customer",
            )
        case 6:
            return b"\xef\xbb\xbf" + dump({"task": "t", "args": [], "kwargs": job}).encode(), ("kwargs", "customer")
    return php(job), ("customer",)


def test_a_thousand_envelopes_of_the_usual_frameworks_go_there_and_back() -> None:
    started = time.process_time()
    for number in range(1000):
        body, path = envelope(number)
        there = edit(body, [Change.set(path, 1_000_000_007)])
        assert at(decode(there).data, path) == 1_000_000_007
        back = edit(there, [Change.set(path, number)])
        assert back == body or gzip.decompress(back) == gzip.decompress(body), body
    assert time.process_time() - started < 30


HOSTILE = {
    "open brackets": b"[" * 200_000,
    "brackets": b"[" * 50_000 + b"]" * 50_000,
    "objects": b'{"a":' * 60 + b"1" + b"}" * 60,
    "one key many times": b"{" + b",".join(b'"a":{"a":1}' for _ in range(50_000)) + b"}",
    "backslashes": b'{"a":"' + b"\\\\" * 500_000 + b'"}',
    "open text": b'{"a":"' + b"\\" * 500_001,
    "blanks": b'{"a"' + b" " * 500_000 + b":1" + b" " * 500_000 + b"}",
    "blanks and no end": b'{"a":1' + b" " * 500_000,
    "commas": b"[" + b"1," * 500_000 + b"1]",
    "digits": b'{"a":' + b"9" * 500_000 + b"}",
    "floats": b'{"a":[' + b"1.5," * 100_000 + b"1e5]}",
    "php": b"a:1:{i:0;" * 50_000 + b"N;" + b"}" * 50_000,
    "php texts": b"a:10000:{" + b"".join(b'i:%d;s:1:"x";' % n for n in range(10_000)) + b"}",
    "a bomb": gzip.compress(b'{"a":"' + b" " * 50_000_000 + b'"}'),
    "layers": json.dumps({"a": json.dumps({"a": json.dumps({"a": [json.dumps({"a": 1})] * 20_000})})}).encode(),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_body_is_edited_or_refused_in_bounded_time(name: str) -> None:
    body = HOSTILE[name]
    started = time.process_time()
    for path in (("a",), ("a", "a"), (0, 0), ("a", "a", "a", 7, "a"), ("a",) * 60):
        for change in (Change.set(path, 7), Change.remove(path), Change.set((*path, "new"), {"x": [1]})):
            outcome(body, [change])
    assert time.process_time() - started < 60
    assert differences(body[:100_000], b"x") != []


def test_one_splicer_edits_bodies_of_any_kind_in_any_order() -> None:
    splicer = Splicer([Change.set("$.a", 7)])
    bodies = [
        b'{"a":1}',
        b"text",
        json.dumps({"a": '{"b":[1,2]}'}).encode(),
        b'{"a":1,"a":2}',
        gzip.compress(b'{"a":1}'),
    ]
    for body in bodies * 3:
        alone = outcome(body, [Change.set("$.a", 7)])
        try:
            assert splicer.edit(body) == alone
        except EditRefused:
            assert alone is None
