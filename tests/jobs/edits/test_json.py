"""Edits of bodies that are JSON: what is asked for changes, in the style of the body, and nothing else."""

from __future__ import annotations

import json

import pytest

from beanops.jobs.bodies.edits import Change, EditRefused, edit, parse_set, parse_unset
from beanops.protocol.errors import UsageError


def changed(body: bytes, *changes: str) -> bytes:
    return edit(body, [parse_set(text) if "=" in text else parse_unset(text) for text in changes])


@pytest.mark.parametrize(
    ("body", "changes", "result"),
    [
        (b'{"a":1,"b":2}', ["$.a=7"], b'{"a":7,"b":2}'),
        (b'{"a": 1, "b": 2}\n', ["$.b=seven"], b'{"a": 1, "b": "seven"}\n'),
        (b'\xef\xbb\xbf{"a":1.50}\0', ["$.b=7"], b'\xef\xbb\xbf{"a":1.50,"b":7}\0'),
        (b'{"a":1}\0\n', ["$.a=2"], b'{"a":2}\0\n'),
        (b'{"a": 1}', ["$.b=[1, {}]"], b'{"a": 1, "b": [1, {}]}'),
        (b'{"a":1,"b":2,"c":3}', ["$.a"], b'{"b":2,"c":3}'),
        (b'{"a":1,"b":2,"c":3}', ["$.b"], b'{"a":1,"c":3}'),
        (b'{"a":1,"b":2,"c":3}', ["$.c"], b'{"a":1,"b":2}'),
        (b'{"a":1,"b":2,"c":3}', ["$.a", "$.b"], b'{"c":3}'),
        (b'{"a":1,"b":2,"c":3}', ["$.a", "$.c"], b'{"b":2}'),
        (b'{"a":1,"b":2}', ["$.a", "$.b"], b"{}"),
        (b'{"a":1,"b":2}', ["$.a", "$.b", "$.c=3"], b'{"c":3}'),
        (b'{"a": 1}', ["$.a", "$.c=3", "$.d=4"], b'{"c": 3, "d": 4}'),
        (b"{ }", ["$.c=3"], b'{"c":3}'),
        (b'{"a":[1, 2,  3]}', ["$.a[1]"], b'{"a":[1,  3]}'),
        (b'{"a":[1,2,3]}', ["$.a[-1]=x", "$.a[0]"], b'{"a":[2,"x"]}'),
        (b'{"a":[1,2,3]}', ["$.a[3]=4", "$.a[4]=5"], b'{"a":[1,2,3,4,5]}'),
        (b'{"a":[]}', ["$.a[0]=4"], b'{"a":[4]}'),
        (b"[[1],[2]]", ["$[1][0]=null"], b"[[1],[null]]"),
        (b'{"odd key":{"a.b":1}}', ['$."odd key"."a.b"=true'], b'{"odd key":{"a.b":true}}'),
        (b'{"\\u0061":1,"b":2}', ["$.a=2"], b'{"\\u0061":2,"b":2}'),
        # Style: ASCII or not, slashes, HTML, digits in upper case.
        (b'{"a":"\\u00e9"}', ["$.a=\u00e8/<"], b'{"a":"\\u00e8/<"}'),
        ('{"a":"é"}'.encode(), ["$.a=è"], '{"a":"è"}'.encode()),
        (b'{"a":"caf\xe9"}', ["$.b=\u4e2d"], b'{"a":"caf\xe9","b":"\\u4e2d"}'),
        (b'{"a":"x\\/y"}', ["$.b=a/b"], b'{"a":"x\\/y","b":"a\\/b"}'),
        (b'{"a":"\\u003cb\\u003e"}', ["$.b=<&'"], b'{"a":"\\u003cb\\u003e","b":"\\u003c\\u0026\'"}'),
        (b'{"a":"\\u00E9"}', ["$.b=\u00e8\\u00e9"], b'{"a":"\\u00E9","b":"\\u00E8\\\\u00e9"}'),
        # Indented.
        (b'{\n  "a": 1\n}\n', ["$.b={}"], b'{\n  "a": 1,\n  "b": {}\n}\n'),
        (b'{\n  "a": {}\n}', ["$.a.b=[1]"], b'{\n  "a": {\n    "b": [\n      1\n    ]\n  }\n}'),
        (b'{\r\n\t"a": [\r\n\t\t1\r\n\t]\r\n}', ["$.a[1]=2"], b'{\r\n\t"a": [\r\n\t\t1,\r\n\t\t2\r\n\t]\r\n}'),
        (b'{\n  "a": 1,\n  "b": 2\n}', ["$.a"], b'{\n  "b": 2\n}'),
    ],
)
def test_only_what_is_asked_for_changes(body: bytes, changes: list[str], result: bytes) -> None:
    assert changed(body, *changes) == result


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (b'{"a": 7, "b": 1.0}', ["$.a=7", "$.b=1.0"]),
        (b'{"a":"\\u0062"}', ["$.a=b"]),
        (b'{"a":1}', ["$.b", "$.b.c", "$.a.b", "$.a[0]", "$[0]"]),
        (b'{"a":[1]}', ["$.a[1]", "$.a[-2]", "$.a.b"]),
    ],
)
def test_nothing_to_change_leaves_the_same_bytes(body: bytes, changes: list[str]) -> None:
    for change in changes:
        assert changed(body, change) == body


@pytest.mark.parametrize(
    ("body", "change", "reason"),
    [
        (b'{"a":1,"a":2}', "$.a=3", "$.a: the object has two values under this key"),
        (b'{"a":{"b":1},"a":{"b":1}}', "$.a.b=3", "$.a: the object has two values under this key"),
        (b'{"a":1}', "$.b.c=3", "$.b: missing; set it to an object or a list first"),
        (b'{"a":1}', "$.a.b=3", "$.a: a value without parts"),
        (b'{"a":"text"}', "$.a.b=3", "$.a: a text, without parts"),
        (b'{"a":[1]}', "$.a.b=3", "$.a: a list, not an object"),
        (b'{"a":{}}', "$.a[0]=3", "$.a: an object, not a list"),
        (b'{"a":[1]}', "$.a[2]=3", "$.a[2]: the list has 1 element"),
        (b'{"a":[1]}', "$.a[1].b=3", "$.a[1]: missing; set it to an object or a list first"),
        (b'{"a":[1]}', "$.a[-2]=3", "$.a[-2]: the list has 1 element"),
    ],
)
def test_refusals_say_where_and_why(body: bytes, change: str, reason: str) -> None:
    with pytest.raises(EditRefused) as refused:
        changed(body, change)
    assert str(refused.value) == refused.value.reason == reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$.a", "'$.a': expected PATH=VALUE, such as $.customer=7"),
        ("a=7", "path 'a=7': a path begins with $, such as $.customer or $.items[0]"),
        ("$.a..b=7", "path '$.a..b=7', character 4: one path is one value; wildcards are not supported"),
        ("$.a[x]=7", "path '$.a[x]=7', character 4: expected a number and ], such as [0] or [-1]"),
        ('$."a=7', "path '$.\"a=7', character 3: the quoted name does not end, or has an unknown escape"),
        ('$.a={"b":1,"b":2}', "an object has two values under one key"),
    ],
)
def test_what_is_no_change_is_reported_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_set(text)
    assert str(error.value) == message


def test_changes_of_one_value_twice_are_an_error() -> None:
    for one, two in [("$.a", "$.a"), ("$.a", "$.a.b"), ("$.a.b", "$.a"), ("$", "$.a"), ("$.a", "$")]:
        with pytest.raises(UsageError, match=r"twice|inside"):
            edit(b"{}", [Change.set(one, 1), Change.set(two, 2)])
    with pytest.raises(UsageError, match="nothing to change"):
        edit(b"{}", [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {"a": {1, 2}}, b"x", "\ud800", (1, 2)])
def test_a_value_that_json_cannot_hold_is_an_error(value: object) -> None:
    with pytest.raises(UsageError, match="value"):
        Change.set("$.a", value)


def test_an_element_is_added_where_none_is_removed() -> None:
    with pytest.raises(EditRefused, match="elements are removed from this list; add to it in another edit"):
        changed(b'{"a":[1,2]}', "$.a[0]", "$.a[2]=3")
    with pytest.raises(EditRefused, match="changed twice"):
        changed(b'{"a":[1,2]}', "$.a[1]", "$.a[-1]=3")


def test_the_whole_body_can_be_set() -> None:
    assert changed(b'{"a": 1}\n', "$=[1, 2]") == b"[1, 2]\n"
    assert json.loads(changed(b"[1]", '$={"a":"x"}')) == {"a": "x"}
