"""Edits through layers: the value changes in the innermost one, and each one around it stays as it was written."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.edits import Change, EditRefused, edit, parse_set, parse_unset

DOCUMENT = b'{"user": {"id": 42, "name": "Zo\\u00eb"}, "sum": 1.5}\n'
EDITED = b'{"user": {"id": 7, "name": "Zo\\u00eb"}, "sum": 1.5}\n'


def changed(body: bytes, *changes: str) -> bytes:
    return edit(body, [parse_set(text) if "=" in text else parse_unset(text) for text in changes])


def wrapped(body: bytes, width: int, end: bytes, *, last: bytes = b"") -> bytes:
    letters = base64.b64encode(body)
    return end.join(letters[at : at + width] for at in range(0, len(letters), width)) + last


WRAPPINGS: list[Callable[[bytes], bytes]] = [
    base64.b64encode,
    base64.urlsafe_b64encode,
    base64.encodebytes,
    lambda body: base64.urlsafe_b64encode(body).rstrip(b"="),
    lambda body: base64.b64encode(body) + b"\r\n",
    lambda body: wrapped(body, 20, b"\r\n"),
    lambda body: wrapped(body, 64, b"\n", last=b"\n"),
    zlib.compress,
    lambda body: zlib.compress(body, 1),
    lambda body: zlib.compress(body, 9),
    lambda body: "\ufeff".encode("utf-16-le") + body.decode().encode("utf-16-le"),
    lambda body: "\ufeff".encode("utf-32-be") + body.decode().encode("utf-32-be"),
    lambda body: b's:%d:"%b";' % (len(body), body),
    lambda body: base64.b64encode(zlib.compress(base64.b64encode(body))),
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_wrapping_is_made_again_in_its_variant(wrap: Callable[[bytes], bytes]) -> None:
    assert changed(wrap(DOCUMENT), "$.user.id=7") == wrap(EDITED)
    assert changed(wrap(DOCUMENT), "$.user.id=42") == wrap(DOCUMENT)


def test_gzip_keeps_its_header() -> None:
    """Which has the time, the system and the name of the file."""
    head = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 0b11110, 1_700_000_000, 2, 11)
    head += struct.pack("<H", 5) + b"extra" + b"job.json\0" + b"a comment\0" + b"\0\0"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = head + packer.compress(DOCUMENT) + packer.flush() + struct.pack("<II", zlib.crc32(DOCUMENT), len(DOCUMENT))
    # The checksum of the header.
    body = body.replace(head, head[:-2] + struct.pack("<H", zlib.crc32(head[:-2]) & 0xFFFF))
    edited = changed(body, "$.user.id=7")
    assert gzip.decompress(edited) == EDITED
    assert edited[: len(head)] == body[: len(head)]


PHP = (
    b'O:8:"App\\Mail":4:{s:2:"to";s:4:"Zo\xc3\xab";s:6:"\0*\0ttl";i:60;s:12:"\0App\\Mail\0id";i:5;'
    b's:4:"tags";a:2:{i:0;s:1:"a";i:1;s:1:"b";}}'
)


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        ("$.to=\u4e2d\u6587!", b's:4:"Zo\xc3\xab"', b's:7:"\xe4\xb8\xad\xe6\x96\x87!"'),
        ("$.ttl=1.0e30", b"i:60;", b"d:1.0E+30;"),
        ("$.id=null", b"i:5;", b"N;"),
        ("$.tags[0]=true", b's:1:"a"', b"b:1"),
        ("$.tags[0]", b'a:2:{i:0;s:1:"a";i:1;s:1:"b";}', b'a:1:{i:0;s:1:"b";}'),
        ("$.tags[2]=[0.5]", b'a:2:{i:0;s:1:"a";i:1;s:1:"b";}', b'a:3:{i:0;s:1:"a";i:1;s:1:"b";i:2;a:1:{i:0;d:0.5;}}'),
        ("$.ttl", b's:6:"\0*\0ttl";i:60;', b""),
        ('$.tags={"x": 1, "7": "y"}', b'a:2:{i:0;s:1:"a";i:1;s:1:"b";}', b'a:2:{s:1:"x";i:1;i:7;s:1:"y";}'),
        ("$.new=-5", b'i:1;s:1:"b";}}', b'i:1;s:1:"b";}s:3:"new";i:-5;}'),
    ],
)
def test_php_is_spliced_with_its_counts(change: str, old: bytes, new: bytes) -> None:
    assert PHP.count(old) == 1
    expected = PHP.replace(old, new)
    if change == "$.ttl":
        expected = expected.replace(b'Mail":4:', b'Mail":3:')
    if change == "$.new=-5":
        expected = expected.replace(b'Mail":4:', b'Mail":5:')
    assert changed(PHP, change) == expected


def laravel(command: Any) -> bytes:
    return json.dumps({"displayName": "App\\Mail", "data": {"commandName": "App\\Mail", "command": command}}).encode()


def test_laravel_symfony_and_texts_in_texts_are_reached() -> None:
    body = laravel('O:8:"App\\Mail":2:{s:2:"to";s:3:"ann";s:4:"more";s:11:"{"a":[1,2]}";}')
    expected = laravel('O:8:"App\\Mail":2:{s:2:"to";s:3:"ann";s:4:"more";s:12:"{"a":[1,27]}";}')
    assert changed(body, "$.data.command.more.a[1]=27") == expected

    message = b'O:8:"Envelope":1:{s:17:"\0Envelope\0message";O:3:"Job":1:{s:2:"id";s:6:"it\'s 1";}}'
    slashed = message.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"'", b"\\'").replace(b"\0", b"\\0")
    result = changed(slashed, "$.message.id=0'0\"1\\")
    assert decode(result).data["message"]["id"] == "0'0\"1\\"
    assert result.startswith(slashed[: slashed.index(b"s:6:")])
    assert result.endswith(b'\\";}}')


@pytest.mark.parametrize(
    ("body", "change", "reason"),
    [
        (pickle.dumps({"a": [1]}), "$.a[0]=2", "a pickle, which is a program, cannot be edited"),
        (gzip.compress(DOCUMENT, mtime=0) + gzip.compress(b" ", mtime=0), "$.sum=2", "gzip of several members"),
        (b"\xff\x00\xfe\x01", "$=x", "a binary body cannot be edited"),
        (b'{"a": 1', "$=x", "a body that is damaged or cut off cannot be edited"),
        (b"[" * 100 + b"]" * 100, "$[0]=1", "not decoded: json: nested deeper than 64 levels"),
        (b"a" * (2**22 + 1), "$=1", "not decoded: a body of 4,194,305 bytes, at most 4,194,304 are decoded"),
        (b"plain text", "$.a=1", "$: a text, without parts"),
        (b"plain text", "$=1", "$: a text, which only another text can replace"),
        (b"caf\xe9 au lait", "$=\u4e2d", "$: the text has characters that are not in latin-1"),
        (
            b"a:3:{i:0;a:0:{}i:1;R:2;i:2;i:5;}",
            "$[2]=[]",
            "$[2]: in PHP data with references, whose numbers would change",
        ),
        (b"a:2:{i:0;i:5;i:1;R:2;}", "$[0]=6", "$[0]: in PHP data with references, whose numbers would change"),
        (b'a:1:{i:0;O:1:"A":0:{}}', '$[0]."$class"=B', '$[0]."$class": the class of a PHP object stays'),
        (b'a:1:{s:1:"a";i:1;}', "$.a=18446744073709551615", "$.a: a number beyond 64 bits, which PHP does not have"),
        (b'a:1:{s:1:"a";i:1;}', "$.a={}", "$.a: an object that PHP would take for a list"),
        (b'a:2:{i:1;N;s:1:"a";i:1;}', "$.a", None),
        (b'a:2:{i:0;N;s:1:"a";i:1;}', "$.a", "the result would be read as other data"),
        (base64.b64encode(DOCUMENT)[:-1] + b"=", "$.sum=1", None),
        (
            laravel('O:1:"A":0:{}'),
            '$.data.command={"a":1}',
            "$.data.command: a text (php), no object; change the values",
        ),
        (
            laravel(base64.b64encode(b'{"iv":"aa","value":"bb","mac":"cc","tag":""}').decode()),
            "$.data.command.value=x",
            "$.data.command: encrypted by Laravel, with a MAC over the content",
        ),
        (
            json.dumps({"body": base64.b64encode(b'{"a": 1}').decode(), "content-type": "application/data"}).encode(),
            "$.body.a=2",
            "$: a body that is signed by Celery's auth",
        ),
        (
            json.dumps({"body": '{"a": 1}', "headers": {"type": "A", "Body-Sign": "00"}}).encode(),
            "$.body.a=2",
            "$: a body that is signed by Symfony Messenger",
        ),
        (
            laravel('O:1:"S":2:{s:12:"serializable";s:14:"a:1:{i:0;i:1;}";s:4:"hash";s:1:"x";}'),
            "$.data.command.serializable[0]=2",
            "$.data.command: a closure that is signed by its hash",
        ),
    ],
)
def test_refusals_say_why_in_one_line(body: bytes, change: str, reason: str | None) -> None:
    if reason is None:
        assert decode(changed(body, change)).whole
        return
    with pytest.raises(EditRefused) as refused:
        changed(body, change)
    assert refused.value.reason.startswith(reason)
    assert "\n" not in refused.value.reason


def test_a_sealed_envelope_can_be_changed_beside_what_is_sealed() -> None:
    body = laravel(base64.b64encode(b'{"iv":"aa","value":"bb","mac":"cc","tag":""}').decode())
    assert changed(body, "$.displayName=X") == body.replace(b'"displayName": "App\\\\Mail"', b'"displayName": "X"')
    assert decode(changed(body, "$.data.command=null")).data["data"]["command"] is None


def test_a_text_that_reads_as_a_layer_can_be_set() -> None:
    body = edit(b'{"a": "x"}', [Change.set("$.a", '{"b": [1]}')])
    assert json.loads(body) == {"a": '{"b": [1]}'}
    assert changed(body, "$.a.b[0]=2") == b'{"a": "{\\"b\\": [2]}"}'
