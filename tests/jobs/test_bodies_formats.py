"""Each format by example: what is taken for it, and what only looks like it."""

from __future__ import annotations

import base64
import collections
import datetime
import gzip
import hashlib
import json
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import decode

WORDS = (
    "test 12345678 123 007 1e5 3.14 true null NaN password= aaaa abcdefgh deadbeef d41d8cd98f00b204e9800998ecf8427e "
    "550e8400-e29b-41d4-a716-446655440000 internationalization ThisIsACamelCaseName user:42 N; i:5; b:1; a:1 O:8 a:1:{ "
    "]. N. (l. I42\n. (see). }. {broken [x] [/x] x^2 x=1 /var/log/messages/today hello/world/path12 AAAAAAAAAAAAAAAA "
    "1234567890123456 abcdefghi SGVsbG8= Zm9v 2026-01-01T00:00:00Z gzip 0x1f8b 7b2261223a317d "
    "hE8wYnCmo8ptMLwU721u dFgnIk4zJ2RqREpf glcvzwdvfznssmzzqxsiqnwweygcelco gq3GLbnAvrTsPtorORjhLvM3"
)
MARK = {"$bytes": "ff00", "$size": 2}
ROW = {"user": 42, "name": "Zoë", "tags": ["a", None, True, 1.5], "nested": {"x": []}}


@pytest.mark.parametrize(
    ("body", "chain", "data"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', ("json",), {"a": [1, 2.5, None, True, "x"]}),
        (b'  \n["a"]\n', ("json",), ["a"]),
        (b'\xef\xbb\xbf{"bom": 1}', ("json",), {"bom": 1}),
        (b'"quoted"', ("json",), "quoted"),
        (b'{"caf\xe9": 1}', ("json",), {"café": 1}),
        (gzip.compress(b'{"a": 1}', mtime=0), ("gzip", "json"), {"a": 1}),
        (gzip.compress(b'{"a":', mtime=0) + gzip.compress(b" 1}", mtime=0), ("gzip", "json"), {"a": 1}),
        (gzip.compress(b"hello", mtime=0), ("gzip", "text"), "hello"),
        (zlib.compress(b"[1]"), ("zlib", "json"), [1]),
        (base64.b64encode(b'{"a": 1}'), ("base64", "json"), {"a": 1}),
        (base64.encodebytes(b'{"a": "%s"}' % (b" -" * 100)), ("base64", "json"), {"a": " -" * 100}),
        (base64.b64encode(b"hello wide world"), ("base64", "text"), "hello wide world"),
        (base64.b64encode(zlib.compress(b"[1]")), ("base64", "zlib", "json"), [1]),
        (base64.b64encode(msgpack.packb(ROW)), ("base64", "msgpack"), ROW),
        (msgpack.packb(ROW), ("msgpack",), ROW),
        (msgpack.packb([1, -1, "x", b"\xff\x00"]), ("msgpack",), [1, -1, "x", {"$bytes": "ff00", "$size": 2}]),
        (msgpack.packb({1: "a", "1": "b"}), ("msgpack",), {"1": "a", "1 (bytes)": "b"}),
        (msgpack.packb({(1, 2): "a"}), ("msgpack",), {"[1, 2]": "a"}),
        (b'a:2:{i:0;s:5:"Zo\xc3\xab!";i:1;d:0.5;}', ("php",), ["Zoë!", 0.5]),
        (b'a:2:{s:1:"a";b:1;i:5;N;}', ("php",), {"a": True, "5": None}),
        (b'O:8:"App\\Mail":1:{s:2:"to";s:1:"x";}', ("php",), {"$class": "App\\Mail", "to": "x"}),
        (b's:4:"test";', ("php", "text"), "test"),
        (b's:8:"{"a": 1}";', ("php", "json"), {"a": 1}),
        (b'E:11:"Suit:Hearts";', ("php",), {"$enum": "Suit:Hearts"}),
        (b'C:3:"Old":6:{a;b{c}}', ("php",), {"$class": "Old", "$serialized": "a;b{c}"}),
        (b"a:2:{i:0;a:0:{}i:1;R:2;}", ("php",), [[], {"$ref": 2}]),
        (b'a:1:{i:0;S:2:"\\41b";}', ("php",), ["Ab"]),
        (b"a:2:{i:0;d:NAN;i:1;d:-INF;}", ("php",), ["NaN", "-Infinity"]),
        ("naïve".encode(), ("text",), "naïve"),
        (b"", ("text",), ""),
        (b"caf\xe9 au lait", ("latin-1",), "café au lait"),
        (b"\x93quoted\x94 \x96 5 \x80", ("cp1252",), "“quoted” – 5 €"),
        (b"\x93hi\x94", ("cp1252",), "“hi”"),
        (b"\x82 5", ("cp1252",), "‚ 5"),
        (b"\xa3 10.50", ("latin-1",), "£ 10.50"),
        (b"\xa1hola mundo feliz!", ("latin-1",), "¡hola mundo feliz!"),
        (b"\xe9\xe8ab", ("latin-1",), "éèab"),
        (b"\xe9\xe8\xe0\xe7\xf1\xfcab", ("hex",), {"$bytes": "e9e8e0e7f1fc6162", "$size": 8}),  # hardly any ASCII
        (b"10\xa0000 km", ("latin-1",), "10\u00a0000 km"),
        (b"HA\x9f-LES-ROSES", ("cp1252",), "HAŸ-LES-ROSES"),
        (b'{"a": 1}\0', ("json",), {"a": 1}),
        (b"[1]\0\0\0", ("json",), [1]),
        (b'{"a": 1}\0\n', ("json",), {"a": 1}),
        (b'{"price": "5 \x80 caf\xe9"}', ("json",), {"price": "5 € café"}),
        (b'["\x81\xe9"]', ("json",), ["\x81é"]),
        (json.dumps(json.dumps({"a": 1}, separators=(",", ":"))).encode(), ("json",), {"a": 1}),
        (json.dumps(json.dumps(json.dumps([1]))).encode(), ("json",), [1]),
        ('{"é": 1}'.encode("utf-16"), ("utf-16", "json"), {"é": 1}),
        (b"\xfe\xff" + "naïve".encode("utf-16-be"), ("utf-16", "text"), "naïve"),
        ("Вопросы и ответы".encode("utf-16"), ("utf-16", "text"), "Вопросы и ответы"),
        ('{"a": 1}'.encode("utf-32"), ("utf-32", "json"), {"a": 1}),
        (b"\0\0\xfe\xff" + "hi".encode("utf-32-be"), ("utf-32", "text"), "hi"),
        (b"\xff\xfe\x01\x42", ("hex",), {"$bytes": "fffe0142", "$size": 4}),
        (b"eyJhIjogIsO_w7_Dvz4-In0", ("base64url", "json"), {"a": "ÿÿÿ>>"}),
        (b"eyJhIjogIsO_w7_Dvz4-In0\n", ("base64url", "json"), {"a": "ÿÿÿ>>"}),
        (base64.urlsafe_b64encode(b'{"a": 1}').rstrip(b"="), ("base64url", "json"), {"a": 1}),
        (base64.urlsafe_b64encode("wüste Welt überall?".encode()), ("base64url", "text"), "wüste Welt überall?"),
        (cbor2.dumps(ROW), ("cbor",), ROW),
        (cbor2.dumps(["a", "b"]), ("cbor",), ["a", "b"]),
        (cbor2.dumps([1, 2]), ("cbor",), [1, 2]),
        (cbor2.dumps(cbor2.CBORTag(55799, {"a": 1})), ("cbor",), {"a": 1}),
        (base64.b64encode(cbor2.dumps(ROW)), ("base64", "cbor"), ROW),
        (gzip.compress(cbor2.dumps(ROW), mtime=0), ("gzip", "cbor"), ROW),
        (cbor2.dumps({"n": 2**70, "b": b"\xff\x00"}), ("cbor",), {"n": str(2**70), "b": MARK}),
        (b"\x00\x01\x02\xff", ("hex",), {"$bytes": "000102ff", "$size": 4}),
    ],
)
def test_formats_are_told_apart_and_read(body: bytes, chain: tuple[str, ...], data: Any) -> None:
    decoded = decode(body)
    assert (decoded.chain, decoded.data) == (chain, data)


@pytest.mark.parametrize(
    "body",
    WORDS.split(" "),
)
def test_short_ascii_text_is_text(body: str) -> None:
    decoded = decode(body.encode())
    assert (decoded.chain, decoded.data, decoded.notes) == (("text",), body, ())


def test_words_of_a_language_are_never_taken_for_a_format() -> None:
    words = {word for path in Path(json.__file__).parent.glob("*.py") for word in path.read_text().split()}
    taken = {word: decode(word.encode()).chain for word in words if word.isalnum()}
    assert set(taken.values()) == {("text",)}


@pytest.mark.parametrize("folds", range(1, 6))
def test_json_in_json_in_json_is_read(folds: int) -> None:
    data: Any = {"user": 7, "path": "C:\\x"}
    text: Any = data
    for _ in range(folds):
        text = json.dumps(text)
    assert decode(text.encode()).data == data
    assert decode(json.dumps({"in": [text]}).encode()).data == {"in": [data]}


def test_a_quoted_string_inside_data_stays_a_string() -> None:
    data = ['"quoted" and more', '"a quoted sentence"', '"[not] json"']
    assert decode(json.dumps(data).encode()).data == data


@pytest.mark.parametrize(
    "body",
    [
        "a1d8236128f5",
        "81d81c81d81d00",  # a list that holds itself
        "81d90100826161d81900",
        "81c11a514b67b0",
        "81d8276161",
        "81f0",
        "81f7",
        "a1616181d9010282c1010 2".replace(" ", ""),
    ],
)
def test_cbor_makes_no_objects(body: str) -> None:
    decoded = decode(bytes.fromhex(body))
    assert decoded.notes == ()
    json.loads(decoded.json)


def test_tags_of_cbor_are_data() -> None:
    # A regular expression, a reference, a time, a tag that nobody knows.
    wire = bytes.fromhex("84d8236128d81d00c11a514b67b0d90fff01")
    assert decode(wire).data == [{"$tag": 35, "value": "("}, {"$ref": 0}, 1363896240, {"$tag": 4095, "value": 1}]


@pytest.mark.parametrize(
    "claim", ["9bffffffffffffffff", "9a7fffffff01", "bb00000000ffffffff61", "815b0000007fffffffff"]
)
def test_what_cbor_only_claims_costs_nothing(claim: str) -> None:
    assert decode(bytes.fromhex(claim)).chain[-1] in ("hex", "latin-1", "cp1252")


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_read_without_loading(protocol: int) -> None:
    row = {
        "user": 42,
        "big": 2**40,
        "neg": -3,
        "f": 1.5,
        "t": (1, "é", None),
        "l": [True, False],
        "d": {1: {}},
        "e": (),
    }
    decoded = decode(pickle.dumps(row, protocol))
    assert decoded.chain == ("pickle",)
    plain = {"user": 42, "big": 2**40, "neg": -3, "f": 1.5, "t": [1, "é", None], "l": [True, False], "d": {"1": {}}}
    assert decoded.data == plain | {"e": []}


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_bytes_are_bytes(protocol: int) -> None:
    assert decode(pickle.dumps([b"\xff\x00"], protocol)).data == [{"$bytes": "ff00", "$size": 2}]


class Mail:
    def __init__(self) -> None:
        self.to = "x"


@pytest.mark.parametrize("protocol", [2, 4])
def test_pickled_objects_are_names_and_data(protocol: int) -> None:
    assert decode(pickle.dumps(Mail(), protocol)).data == {"$class": f"{__name__}.Mail", "$state": {"to": "x"}}
    counted = decode(pickle.dumps(collections.OrderedDict(a=1), protocol)).data
    assert counted == {"$class": "collections.OrderedDict", "$items": {"a": 1}}
    day = decode(pickle.dumps([datetime.date(2026, 1, 2), {3}], protocol))
    assert "datetime.date" in day.json


class Text:
    def __reduce__(self) -> Any:
        return str, ("café", "latin1")


@pytest.mark.parametrize("protocol", range(6))
def test_only_the_call_that_pickled_bytes_are_written_as_is_taken_for_bytes(protocol: int) -> None:
    data = decode(pickle.dumps(Text(), protocol)).data
    name = {"$class": "builtins.str"} if protocol > 2 else {"$class": "__builtin__.unicode"}
    assert data == name | {"$args": ["café", "latin1"]}


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        import os

        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_a_command_shows_the_command_and_does_not_run(protocol: int, tmp_path: Path) -> None:
    decoded = decode(pickle.dumps(Bomb(tmp_path / "ran"), protocol) if protocol else b"cos\nsystem\n(S'touch x'\ntR.")
    if protocol:
        assert decoded.data["$class"] in ("posix.system", "nt.system")
        assert decoded.data["$args"] == [f"touch {tmp_path / 'ran'}"]
    else:
        assert decoded.chain == ("text",)
    assert decoded.summary
    assert not (tmp_path / "ran").exists()


def test_php_properties_lose_their_visibility_but_never_each_other() -> None:
    body = b'O:1:"C":3:{s:4:"\0*\0a";i:1;s:4:"\0C\0b";i:2;s:4:"\0P\0b";i:3;}'
    assert decode(body).data == {"$class": "C", "a": 1, "b": 2, "P::b": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"a:999999999:{i:0;i:1;}",
        b's:999999999:"x";',
        b"a:1:{i:0;i:1;}x",
        b"a:1:{a:0:{}i:1;}",
        b'O:3:"A B":0:{}',
        b"a:-1:{}",
    ],
)
def test_broken_php_is_text(body: bytes) -> None:
    assert decode(body).chain == ("text",)


@pytest.mark.parametrize("bits", range(9, 16))
def test_zlib_is_read_whatever_its_window_is(bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    decoded = decode(packer.compress(b'{"a": 1}') + packer.flush())
    assert (decoded.chain, decoded.data) == (("zlib", "json"), {"a": 1})


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_text_may_repeat_what_is_far_back(pack: Callable[[bytes], bytes]) -> None:
    text = "".join(hashlib.sha256(b"%d" % number).hexdigest() for number in range(480)) * 2
    assert decode(pack(text.encode())).data == text


@pytest.mark.parametrize("cut", range(1, 26, 3))
def test_damaged_gzip_is_shown_as_it_is(cut: int) -> None:
    assert decode(gzip.compress(b'{"a": 1}', mtime=0)[:-cut]).chain in (("hex",), ("latin-1",))


numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
containers = st.lists(plain, min_size=1, max_size=5) | st.dictionaries(texts, plain, min_size=1, max_size=5)


def _php(value: Any) -> bytes:
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, float):
        return b"d:%s;" % repr(value).upper().encode()
    if isinstance(value, str):
        return b's:%d:"%s";' % (len(value.encode()), value.encode())
    pairs = list(enumerate(value)) if isinstance(value, list) else list(value.items())
    return b"a:%d:{%s}" % (len(pairs), b"".join(_php(part) for pair in pairs for part in pair))


def _textual(value: Any) -> bool:
    """Tell whether every string in it is text for bytes formats, where control characters mean binary."""
    if isinstance(value, str):
        return value.isprintable()
    if isinstance(value, dict):
        return all(_textual(part) for pair in value.items() for part in pair)
    return all(map(_textual, value)) if isinstance(value, list) else True


def _without_empty(value: Any) -> Any:
    """Return it as PHP can: an empty array is a list."""
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items()} or []
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


@settings(deadline=None)
@given(containers)
def test_what_was_written_is_read(data: Any) -> None:
    wire = json.dumps(data).encode()
    assert decode(wire).data == data
    assert decode(zlib.compress(wire)).data == data
    assert decode(pickle.dumps(data, 4)).data == data
    assert json.loads(decode(wire).json) == data
    if _textual(data):
        assert decode(msgpack.packb(data)).data == data
        if isinstance(data, dict) and all(data):
            assert decode(cbor2.dumps(data)).data == data
        assert decode(_php(data)).data == _without_empty(data)
