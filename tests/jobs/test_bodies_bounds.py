"""Hostile bodies: nothing raises, nothing runs, nothing grows without bound, everything can be stored and shown."""

from __future__ import annotations

import base64
import gzip
import inspect
import json
import pickle
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import Decoded, Limits, decode
from beanops.text import safe_text


def _zeros(mebibytes: int) -> bytes:
    """Return a gzip of that many zeros, but for its end: after a full flush each piece is the same again."""
    packer = zlib.compressobj(9, wbits=31)
    first, again = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (mebibytes - 1)


@pytest.fixture(scope="module")
def gzip_bomb() -> bytes:
    return _zeros(1024)


def _sound(decoded: Decoded) -> None:
    """Check what every face relies on."""
    assert decoded.json.encode()
    json.loads(decoded.json, parse_constant=pytest.fail)
    assert len(decoded.summary) <= 120
    assert len(decoded.text) <= 65_536
    assert decoded.summary == safe_text(decoded.summary)
    assert decoded.text == safe_text(decoded.text, multiline=True)


def _refused(decoded: Decoded) -> str:
    assert list(decoded.data) == ["$refused"]
    assert decoded.summary.startswith("not decoded: ")
    _sound(decoded)
    return str(decoded.data["$refused"])


def test_a_gzip_bomb_is_marked(gzip_bomb: bytes) -> None:
    decoded = decode(gzip_bomb)
    assert decoded.chain == ("gzip",)
    assert "unpacks to more" in _refused(decoded)


def test_a_bomb_in_a_field_leaves_the_other_fields(gzip_bomb: bytes) -> None:
    bomb = base64.b64encode(gzip_bomb).decode()
    decoded = decode(json.dumps({"task": "a.b", "bomb": bomb}).encode())
    assert decoded.data["task"] == decoded.summary == "a.b"
    assert "unpacks to more" in decoded.data["bomb"]["$refused"]


def test_many_small_bombs_share_one_allowance() -> None:
    bomb = base64.b64encode(_zeros(5)).decode()
    started = time.process_time()
    decoded = decode(json.dumps([bomb] * 300 + ["ABCDEFGHIJKLMNOP"]).encode())
    assert time.process_time() - started < 30
    assert "unpacks to more" in decoded.data[0]["$refused"]
    assert decoded.data[1:] == [bomb] * 299 + ["ABCDEFGHIJKLMNOP"]


DEEP: list[Callable[[int], bytes]] = [
    lambda n: b"[" * n + b"]" * n,
    lambda n: b'{"a":' * n + b"1" + b"}" * n,
    lambda n: b"\x91" * n + b"\x01",
    lambda n: b"\x81\xa1a" * n + b"\x01",
    lambda n: b"\xa1aa" * n + b"\x01",
    lambda n: b"a:1:{i:0;" * n + b"N;" + b"}" * n,
    lambda n: b'O:1:"A":1:{s:1:"b";' * n + b"N;" + b"}" * n,
    lambda n: b"\x80\x04" + b"]" * n + b"a" * (n - 1) + b".",
]


@pytest.mark.parametrize("nest", DEEP)
@pytest.mark.parametrize("depth", [65, 900, 100_000])
def test_a_deep_nest_is_marked(nest: Callable[[int], bytes], depth: int) -> None:
    assert "deep" in _refused(decode(nest(depth)))


@pytest.mark.parametrize("nest", DEEP)
def test_a_nest_within_the_bound_is_read(nest: Callable[[int], bytes]) -> None:
    assert "$refused" not in decode(nest(60)).json
    assert "deep" in _refused(decode(nest(9), limits=Limits(depth=8)))


def test_a_stack_that_is_nearly_full_is_no_error() -> None:
    def below(frames: int) -> Decoded:
        return below(frames - 1) if frames else decode(b'{"a":' * 60 + b'"[1,[2,[3]]]"' + b"}" * 60)

    free = sys.getrecursionlimit() - len(inspect.stack(0))
    assert "deep" in _refused(below(free - 40))
    assert "$refused" not in below(free - 300).json


@pytest.mark.parametrize("nest", DEEP)
@pytest.mark.parametrize("depth", [200, 300, 4_000])
def test_no_limit_lets_data_nest_beyond_what_can_be_written(nest: Callable[[int], bytes], depth: int) -> None:
    _sound(decode(nest(depth), limits=Limits(depth=10**6)))


def test_layers_end_somewhere() -> None:
    body = b'{"a": 1}'
    for _ in range(30):
        body = gzip.compress(body)
    assert "layers" in json.dumps(decode(body).data)
    text = '{"a": 1}'
    for _ in range(12):
        text = json.dumps({"x": text})
    _sound(decode(text.encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"\xdd\xff\xff\xff\xff" + b"\x01" * 100,
        b"\xdd\x00\x00\xff\xff" * 1_000 + bytes(65_535),
        b"\x90" * 3,
        b"\x9f" + b"\x80" * 15,
        b'a:999999999:{i:0;s:99999999:"',
        b"a:200000:{" + b"".join(b"i:%d;N;" % number for number in range(200_000)) + b"}",
        b"[" + b"[]," * 400_000 + b"[]]",
        gzip.compress(b"\xdd\x00\x03\xff\xff" + b"\x80" * 0x3FFFF, mtime=0),
        b"\x80\x04" + b"]" * 300_000 + b".",
        b"\x80\x04]\x94" + b"(h\x00h\x00e" * 50 + b".",
        b"\x80\x04]\x94" + b"h\x00h\x00\x86\x94" + b"".join(b"h%ch%c\x86\x94" % (n, n) for n in range(1, 60)) + b".",
        b"\x80\x04\x8b\xff\xff\x00\x00" + b"\x7f" * 65_535 + b".",
        b'{"n": ' + b"9" * 100_000 + b"}",
        b'{"n": 1e999, "m": -1e999, "o": NaN, "p": [Infinity, -Infinity]}',
        b'{"u": "\\ud800", "\\udfff": "\\u0000"}',
        b'"\\ud800' * 5,
        b"(" * 60_000 + b".",
        b"{" * 60_000,
        b'"' * 60_000,
        b"A" * 65_536,
        b"QUFB" * 16_000,
        b"password:" * 7_000,
        b"\\" * 65_000,
        b"\x1f\x8b\x08" * 1000,
        gzip.compress(b"", mtime=0) * 3_000,
        b"x\x9c" + b"\x00" * 100,
    ],
)
def test_greedy_bodies_are_cheap(body: bytes) -> None:
    started = time.process_time()
    decoded = decode(body)
    _sound(decoded)
    _sound(decoded.redacted(["*pass*"]))
    assert time.process_time() - started < 30


def test_a_value_shared_a_million_times_is_not_written_out() -> None:
    row: list[Any] = ["x"]
    for _ in range(40):
        row = [row, row]
    assert "more values" in _refused(decode(pickle.dumps(row)))
    row.append(row)
    assert "more values" in _refused(decode(pickle.dumps(row)))
    itself: list[Any] = []
    itself.append(itself)
    assert "deep" in _refused(decode(pickle.dumps(itself)))


@pytest.mark.parametrize("value", ["x " * 50_000, "QUFB" * 25_000, b"\xff\0" * 50_000, {"x" * 100_000: 1}])
def test_a_text_shared_a_thousand_times_is_not_written_out(value: Any) -> None:
    started = time.process_time()
    decoded = decode(pickle.dumps([value, *([value] for _ in range(20_000))]))
    _sound(decoded)
    assert len(decoded.json) < 50 * 2**20
    assert time.process_time() - started < 30


def test_a_long_number_shared_a_thousand_times_is_not_written_out() -> None:
    number = (2**9_000).to_bytes(1_200, "little")
    body = b"\x80\x04](\x8b\xb0\x04\x00\x00" + number + b"\x94" + b"h\x00" * 100_000 + b"e."
    assert "more than is allowed" in _refused(decode(body))


def test_as_much_text_as_a_body_may_have_is_written_out() -> None:
    text = "x y " * 2**20
    assert decode(gzip.compress(pickle.dumps(["a" * 32, text[:-1000]]))).data[1] == text[:-1000]
    body = json.dumps([{"key": "QUFB" * 8, "text": "words in a row"}] * 30_000).encode()
    assert decode(body).data[-1]["text"] == "words in a row"


def test_a_body_too_large_is_not_tried() -> None:
    decoded = decode(b"[" + b"1," * 600 + b"1]", limits=Limits(size=1_000))
    assert decoded.chain == ()
    assert _refused(decoded) == "a body of 1,203 bytes, at most 1,000 are decoded"


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x9b31m\x85",
    "\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "[/x] [@click=app.quit]quit[/]",
    "<script>alert(1)</script>",
    "line\nbreak\r\x00",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.encode(),
        lambda text: json.dumps({"displayName": text, "error": text, text: text}).encode(),
        lambda text: json.dumps([text], ensure_ascii=False).encode(),
        lambda text: msgpack.packb({"class": text, "x": {text: 1}}),
        lambda text: b'O:3:"App":1:{s:1:"x";s:%d:"%s";}' % (len(text.encode()), text.encode()),
        lambda text: pickle.dumps({"task": text}),
        lambda text: gzip.compress(text.encode()),
        lambda text: b"\xff\x00" + text.encode(),
    ],
)
def test_nothing_hostile_reaches_the_screen(text: str, wrap: Callable[[str], bytes]) -> None:
    decoded = decode(wrap(text))
    _sound(decoded)
    _sound(decoded.redacted(["x"]))
    assert not set(decoded.summary + decoded.text) & set("\x1b\x9b\x07\x85\x00\r\u202e\u200b\ufeff\u2066")


FRAMES = st.sampled_from(
    [
        b"",
        b"\x1f\x8b\x08",
        b"x\x9c",
        b"\x80\x04",
        b"\x80\x02",
        b"(",
        b"{",
        b"[",
        b'"',
        b"a:",
        b'O:1:"A":',
        b"\x91",
        b"\x82",
        b"\xdd",
        b"\xa1\x61a",
        b"\x9f",
        b"\xd9\xd9\xf7",
        b"\xff\xfe",
        b"\xff\xfe\0\0",
    ]
)


@settings(deadline=None)
@given(FRAMES, st.binary(max_size=300), st.sampled_from([b"", b".", b"}", b"]", b";", b'"', b"\0.", b"=="]))
def test_any_bytes_are_decoded(start: bytes, middle: bytes, end: bytes) -> None:
    body = start + middle + end
    for form in (body, zlib.compress(body), base64.b64encode(body), json.dumps({"x": body.decode("latin-1")}).encode()):
        decoded = decode(form)
        assert decoded.notes == ()
        _sound(decoded)
        _sound(decoded.redacted(["*"]))


OPCODES = st.lists(
    st.sampled_from(
        [bytes((code,)) for code in b"(.012]})abcdeghijlopqrstuRQNKMJGIXUC\x81\x85\x86\x87\x88\x8f\x90\x91\x93\x94"]
    )
    | st.sampled_from([b"cos\nsystem\n", b"K\x01", b"h\x00", b"q\x00", b"\x8c\x01a", b"I1\n"]),
    max_size=40,
)


@settings(deadline=None)
@given(OPCODES)
@example([b"}", b"K\x01", b"a"])
@example([b"}", b"(", b"K\x01", b"e"])
def test_any_pickle_program_is_only_read(program: list[bytes]) -> None:
    decoded = decode(b"\x80\x04" + b"".join(program) + b".")
    assert decoded.notes == ()
    _sound(decoded)
