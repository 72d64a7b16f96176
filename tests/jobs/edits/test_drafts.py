"""A body in an editor, and changed by a function: what was changed is spliced, what was hidden stays."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from beanops.jobs.bodies import DEFAULT_PATTERNS, decode, redact
from beanops.jobs.bodies.edits import EditRefused, differences, from_data, from_pretty, pretty
from beanops.protocol.errors import UsageError

LARAVEL = json.dumps(
    {
        "data": {"command": 'O:1:"A":2:{s:2:"to";s:3:"ann";s:5:"token";s:6:"s3cret";}', "json": "[1, 2, 3]"},
        "tags": ["a", "b", "c"],
        "n": 1.5,
    }
).encode()


def applied(body: bytes, function: Callable[[Any], Any]) -> bytes:
    data = decode(body).data
    function(data)
    return from_data(body, data)


@pytest.mark.parametrize(
    ("function", "old", "new"),
    [
        (lambda data: data.update(n=2), b"1.5", b"2"),
        (lambda data: data["data"]["command"].update(to="bob!"), b's:3:\\"ann', b's:4:\\"bob!'),
        (lambda data: data["tags"].remove("b"), b'"b", ', b""),
        (lambda data: data["tags"].pop(), b', "c"', b""),
        (lambda data: data["tags"].append("d"), b'"c"]', b'"c", "d"]'),
        (lambda data: data["tags"].insert(0, "z"), b'["a", "b", "c"]', b'["z", "a", "b", "c"]'),
        (lambda data: data.update(tags=["a", "x"]), b'["a", "b", "c"]', b'["a", "x"]'),
        (lambda data: data.update(new={"a": []}), b'"n": 1.5', b'"n": 1.5, "new": {"a": []}'),
        (lambda data: data.pop("tags"), b', "tags": ["a", "b", "c"]', b""),
        (lambda data: data.update(tags={"a": 1}), b'["a", "b", "c"]', b'{"a": 1}'),
        (lambda data: None, b"", b""),
    ],
)
def test_what_a_function_changed_is_spliced(function: Callable[[Any], Any], old: bytes, new: bytes) -> None:
    assert applied(LARAVEL, function) == (LARAVEL.replace(old, new) if old else LARAVEL)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda data: data.update(copy=data["data"]["command"]), "$.copy: $class marks what JSON cannot hold"),
        (lambda data: data.update(copy=[data["data"]["json"]]), "$.copy: the content of a text of another place"),
        (lambda data: data["data"]["command"].update({"$class": "B"}), '"$class": $class marks what JSON cannot hold'),
        (lambda data: data.update(n=float("nan")), "the new data holds what JSON cannot (float)"),
        (lambda data: data["tags"].append({1}), "the new data holds what JSON cannot"),
        (lambda data: data.update(tags=[{1}]), "the new data holds what JSON cannot"),
        (lambda data: data.update(tags=("a", "b", "c")), "the new data holds what JSON cannot (tuple)"),
        (lambda data: data.update({5: 1}), "$: an object, not a list"),
        (lambda data: data.update(n=data), "the new data holds what JSON cannot (dict)"),
        (lambda data: data.update(n={1}), "the new data holds what JSON cannot (set)"),
    ],
)
def test_what_is_no_change_of_a_value_is_refused(function: Callable[[Any], Any], reason: str) -> None:
    with pytest.raises(EditRefused) as refused:
        applied(LARAVEL, function)
    assert reason in refused.value.reason


def test_data_that_was_hidden_is_not_written_back() -> None:
    body = b'{"token": "s3cret", "n": 1}'
    with pytest.raises(EditRefused, match=r"\$\.token: a part of this value is hidden"):
        from_data(body, redact(decode(body).data) | {"n": 2})
    assert from_data(b'{"a": "[redacted]", "n": 1}', {"a": "[redacted]!", "n": 1}) == b'{"a": "[redacted]!", "n": 1}'


def edited(body: bytes, old: str, new: str) -> bytes:
    text = pretty(body, DEFAULT_PATTERNS)
    assert old in text
    return from_pretty(body, text.replace(old, new), DEFAULT_PATTERNS)


def test_a_hidden_value_stays_when_others_are_edited() -> None:
    assert "s3cret" not in pretty(LARAVEL, DEFAULT_PATTERNS)
    assert edited(LARAVEL, '"ann"', '"bob!"') == LARAVEL.replace(b's:3:\\"ann', b's:4:\\"bob!')
    assert from_pretty(LARAVEL, pretty(LARAVEL, DEFAULT_PATTERNS), DEFAULT_PATTERNS) == LARAVEL
    # It can be replaced, and be removed.
    assert b's:3:\\"new' in edited(LARAVEL, '"[redacted]"', '"new"')
    assert b"s3cret" not in edited(LARAVEL, ',\n      "token": "[redacted]"', "")


TWO = b'{"users": [{"id": 1, "token": "one"}, {"id": 2, "token": "two"}], "url": "/x?token=abc&page=2"}'
FIRST = '    {\n      "id": 1,\n      "token": "[redacted]"\n    }'
SECOND = '    {\n      "id": 2,\n      "token": "[redacted]"\n    }'


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"token"', '"other"', "a part of this value is hidden"),
        ("page=2", "page=3", "a part of this value is hidden"),
        (f"{FIRST},\n{SECOND}", f"{SECOND},\n{FIRST}", "$.users: an element of which a part is hidden cannot be moved"),
        (f"{FIRST},\n{SECOND}", FIRST.replace("1", "3"), "$.users: an element of which a part is hidden cannot be"),
        (f"{FIRST},", f"{FIRST}, {FIRST},", "$.users: an element of which a part is hidden cannot be moved"),
    ],
)
def test_what_was_hidden_is_never_written_nor_moved(old: str, new: str, reason: str) -> None:
    with pytest.raises(EditRefused, match="hidden") as refused:
        edited(TWO, old, new)
    assert reason in refused.value.reason


def test_an_element_with_a_hidden_part_can_be_removed_if_it_is_certain_which() -> None:
    assert edited(TWO, f"{FIRST},\n", "") == TWO.replace(b'{"id": 1, "token": "one"}, ', b"")
    same = TWO.replace(b'"id": 2', b'"id": 1')
    with pytest.raises(EditRefused, match="cannot be moved"):
        edited(same, f"{FIRST},\n{FIRST}", FIRST)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\u202e\\u0000\xe2\x80\x8b\xf3\xa0\x80\x81", "b": [1.50, 1e400, 123456789012345678901234567890]}',
        b"one line",
        b"two\nlines\n",
        b"with \x1b[31m color and \r",
        b'"{not json"',
        b"",
        gzip.compress(base64.b64encode(b'[{"a": {}}, [], ""]'), mtime=0),
    ],
)
def test_a_body_that_is_not_edited_stays_as_it_is(body: bytes) -> None:
    text = pretty(body)
    assert text.endswith("\n")
    assert text.replace("\n", "").isprintable()
    assert from_pretty(body, text) == body


def test_a_text_is_edited_as_a_text() -> None:
    assert pretty(b"hello") == "hello\n"
    assert from_pretty(b"hello", "hello world\n") == b"hello world"
    assert from_pretty(b"hello\n", "hello world\n") == b"hello world\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n  "a": \n}', "not JSON, line 3, column 1: expecting value"),
        ('{"a": 1, "a": 2}', "an object has two values under one key"),
        ('{"a": NaN}', "not JSON: NaN is no value of JSON"),
        ("[" * 100_000, "not JSON: nested too deep"),
    ],
)
def test_a_text_that_is_not_json_is_reported_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        from_pretty(b'{"a": 1}', text)
    assert str(error.value) == message


def test_a_body_that_is_hidden_whole_is_not_edited() -> None:
    body = b'{"token": "a", "token": "b"}'
    assert pretty(body, DEFAULT_PATTERNS) == "[hidden: json, 28 bytes]\n"
    with pytest.raises(EditRefused, match=r"\$\.token: the object has two values"):
        from_pretty(body, '{"token": "c"}')
    with pytest.raises(EditRefused, match="hidden as a whole"):
        from_pretty(body, "x", DEFAULT_PATTERNS)


def test_a_difference_shows_what_changed_and_no_secret() -> None:
    new = LARAVEL.replace(b"1.5", b"2").replace(b"s3cret", b"other!")
    shown = "\n".join(differences(LARAVEL, new, DEFAULT_PATTERNS))
    assert '-  "n": 1.5' in shown
    assert '+  "n": 2' in shown
    assert "s3cret" not in shown
    assert "other" not in shown
    assert differences(LARAVEL, LARAVEL.replace(b"s3cret", b"other!"), DEFAULT_PATTERNS) == ["\\ hidden values differ"]
    assert differences(b'{"a":1}', b'{"a": 1}') == ["\\ the same data, written in another way"]
    assert differences(new, new) == []


def test_a_difference_of_long_bodies_takes_linear_time() -> None:
    old = json.dumps({"first": 1, "rows": [n % 7 for n in range(50_000)], "last": 1}).encode()
    new = old.replace(b'"first": 1', b'"first": 2').replace(b'"last": 1', b'"last": 2')
    assert differences(old, new) == ["set $.first to 2", "set $.last to 2"]
