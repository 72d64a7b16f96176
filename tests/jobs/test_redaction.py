"""No secret under a matching key is in anything that is shown, whatever the format; what cannot be read is hidden."""

from __future__ import annotations

import base64
import doctest
import gzip
import json
import pickle
import plistlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import cbor2
import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops.jobs.bodies import Reader, decode, reader, redact, redact_body, registry
from tests.rounds import rounds


@pytest.fixture(autouse=True, scope="module")
def _built_in() -> Iterator[None]:
    """Read by the built-in decoders alone, whatever other tests have added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("beanops.jobs.bodies.layers.registry", registry.Registry())
        yield


SECRET = "hUnter2-S3cret"
PATTERNS = ("*token*", "api?key", "/^card/")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _seen(body: bytes) -> str:
    """Return all that is shown of a body, with what is packed in it unpacked."""
    shown = redact_body(body, PATTERNS)
    again = decode(body).redacted(PATTERNS)
    forms = [shown.decode(), again.json, again.text, again.summary, repr(again), decode(shown).json]
    return "\n".join(forms)


def _is_hidden(body: bytes, secret: str = SECRET) -> bool:
    seen = _seen(body)
    ways = {secret, json.dumps(secret)[1:-1], secret.encode().hex(), quote(secret), _b64(secret.encode()).rstrip("=")}
    return not any(way in seen for way in ways)


ROW = json.dumps({"token": SECRET, "n": 1}).encode()
UNREADABLE = [
    b'{"token":"%s","token":null}' % SECRET.encode(),
    b'{"x":{"token":"%s"},"x":1}' % SECRET.encode(),
    zlib.compress(ROW) + b"more",
    zlib.compress(ROW, 0) + b"more",
    gzip.compress(ROW, mtime=0) + b"more",
    gzip.compress(ROW, 0, mtime=0)[:-4],
    msgpack.packb({"token": SECRET}) + b"\x00",
    b"\x00\xff\x01" + ROW,
    pickle.dumps({"token": SECRET}),
    pickle.dumps({"token": SECRET}, 0),
    b'a:2:{s:5:"token";s:14:"%s";s:5:"token";N;}' % SECRET.encode(),
    b'a:2:{s:1:"a";s:14:"%s";s:5:"token";R:2;}' % SECRET.encode(),
    b'C:3:"Old":34:{s:5:"token";s:14:"%s";}' % SECRET.encode(),
    json.dumps([_b64(b'{"number": "%d"}' % n) for n in range(1000)] + [_b64(ROW)]).encode(),
    b"[" * 70 + b'{"token":"%s"}' % SECRET.encode() + b"]" * 70,
    b'["' + b"x" * (4 * 2**20) + SECRET.encode() + b'"]',
    msgpack.packb({"token": "x", b"token\xff": SECRET}),
]


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_was_not_decoded_whole_is_its_format_and_size(body: bytes) -> None:
    shown = redact_body(body, PATTERNS).decode()
    assert shown.startswith("[hidden: ")
    assert shown.endswith(f" {len(body):,} bytes]")
    assert _is_hidden(body)
    assert redact_body(body, ()) == body


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        ('{"a":1,"a":2}', False),
        ('{"a" :1,"a" :2}', False),
        ('{"a"\n:1,"a":2}', False),
        ('[{"b":{"a":1,"a":1}}]', False),
        ('{"a":1,"\\u0061":2}', False),
        ('{"a":"x\\":","a":2,"b":1}', False),
        ('{"x":[{"a":1},{"a":2}],"a":{"a":1}}', True),
        ('{"a":"x\\":y","b":"12:30"}', True),
        ('{\n "a": "x",\n "b": "y"\n}', True),
        ("[]", True),
        ('"text"', True),
    ],
)
def test_a_key_that_stands_twice_is_noticed(body: str, whole: bool) -> None:
    assert decode(body.encode()).whole is whole


def _multipart(secret: str) -> str:
    return f'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n{secret}\r\n--x--\r\n'


def _xml_escaped(text: str) -> str:
    return "".join(f"&#{ord(letter)};" for letter in text)


TEXTS: dict[str, Callable[[str], str]] = {
    "xml element": lambda s: f"<job><token>{s}</token></job>",
    "xml element with attributes": lambda s: f'<a:token id="1">{s}</a:token>',
    "xml attribute": lambda s: f'<job token="{s}" id="1"/>',
    "xml name attribute": lambda s: f'<input name="token" value="{s}"/>',
    "xml cdata": lambda s: f"<x><api-token><![CDATA[{s}]]></api-token></x>",
    "xml entities": lambda s: f'<x {_xml_escaped("token")}="{s}"/>',
    "plist": lambda s: plistlib.dumps({"token": s}).decode(),
    "form": lambda s: urlencode({"user": "7", "token": s, "b": "1"}),
    "form array": lambda s: urlencode({"user[token]": s}),
    "form in a form": lambda s: urlencode({"next": f"/login?token={s}"}),
    "multipart": _multipart,
    "csv": lambda s: f"id,token\n1,{s}\n",
    "csv, quoted": lambda s: f'"id";"token"\n1;"{s}"\n',
    "tsv": lambda s: f"id\ttoken\tn\n1\t{s}\t2",
    "table": lambda s: f"id token\n1 {s}",
    "yaml": lambda s: f"user: 7\ntoken: {s}\n",
    "yaml block": lambda s: f"token: |\n  {s}\n  more\nuser: 7\n",
    "yaml list": lambda s: f"token:\n  - {s}\n  - {s}\n",
    "yaml alias": lambda s: f"shared: &t {s}\ntoken: *t\n",
    "yaml alias in a flow": lambda s: "{a: &t " + s + ", token: *t}",
    "yaml complex key": lambda s: f"? token\n: {s}\n",
    "yaml escaped key": lambda s: f'"to\\x6ben": {s}\n',
    "yaml continued": lambda s: f"token: first\n  {s}\nuser: 7",
    "pem": lambda s: f"token: -----BEGIN KEY-----\n{s}\n-----END KEY-----",
    "edn": lambda s: f'{{:token "{s}" :id 7}}',
    "edn, bare": lambda s: f"{{:token {s} :id 7}}",
    "ndjson": lambda s: f'{{"token":"{s}"}}\n{{"a":1}}\n',
    "ndjson, escaped": lambda s: f'{{"to\\u006ben":"{s}"}}\n{{"a":1}}\n',
    "json, cut": lambda s: f'{{"a": {{"token": "{s}", "b": "x',
    "json5": lambda s: f"{{token: '{s}', id: 7}}",
    "python": lambda s: str({b"token": s.encode(), "id": 7}),
    "logfmt": lambda s: f'level=info token="{s}" msg=x',
    "ini": lambda s: f"[db]\nhost = x\ntoken = {s}\n",
    "ini section": lambda s: f"[token]\nvalue = {s}\n",
    "properties": lambda s: f"db.token={s}\n",
    "properties, continued": lambda s: f"db.token=first\\\n  {s}\n",
    "environment": lambda s: f"export API_TOKEN={s}; run",
    "command line": lambda s: f"mysql --token {s} -v",
    "url": lambda s: f"GET https://host/login?a=1&token={s}&b=2",
    "header": lambda s: f"Host: x\nX-Auth-Token: {s}\n  {s}\n",
    "words as a name": lambda s: f"API Key: {s}",
    "php, cut": lambda s: f's:5:"token";s:{len(s)}:"{s}',
    "php array, cut": lambda s: f's:5:"token";a:1:{{i:0;s:{len(s)}:"{s}"',
    "base64": lambda s: _b64(f"token={s}".encode()),
    "base64 within": lambda s: f"data:application/json;base64,{_b64(json.dumps({'token': s}).encode())}",
    "base64url": lambda s: base64.urlsafe_b64encode(json.dumps({"token": s, "x": "ÿÿ?"}).encode()).decode(),
    "jwt": lambda s: ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (b'{"alg":"HS256"}', json.dumps({"token": s}).encode(), b"signed-signed-signed")
    ),
    "hex": lambda s: json.dumps({"token": s}).encode().hex(),
    "gzip in base64 within": lambda s: f"payload {_b64(gzip.compress(json.dumps({'token': s}).encode()))}",
    "zlib in base64 within": lambda s: f"payload {_b64(zlib.compress(json.dumps({'token': s}).encode()))}",
    "full width": lambda s: f"ｔｏｋｅｎ={s}",
    "zero width": lambda s: f"to\u200bken={s}",
    "odd quotes": lambda s: f'token="a"{s}"',
    "quoted printable": lambda s: f"=74oken={s}",
    "sentence": lambda s: f"the token {s} is wrong",
    "json as text": lambda s: json.dumps(json.dumps(json.dumps(json.dumps({"token": s})))),
}


@pytest.mark.parametrize("form", TEXTS)
def test_texts_are_read_by_key_or_hidden(form: str) -> None:
    text = TEXTS[form](SECRET)
    for body in (
        text.encode(),
        json.dumps({"log": text}).encode(),
        json.dumps([text], ensure_ascii=False).encode(),
        msgpack.packb({"a": {"log": text}}),
        gzip.compress(text.encode(), mtime=0),
        json.dumps({text: 1}).encode(),
        json.dumps({"more": _b64(text.encode())}).encode(),
    ):
        assert _is_hidden(body)
    assert SECRET not in redact(text, PATTERNS)


@pytest.mark.parametrize(
    "data",
    [
        {"a": {"API Key": SECRET}},
        {"card": [SECRET], "cards": {"x": SECRET}},
        ["Host", "x", "X-Token", SECRET],
        [["token", SECRET], ["a", "b"]],
        {"name": "token", "value": SECRET},
        {"Key": "token", "Value": SECRET},
        {"k": "api-token", "what": SECRET},
        {"columns": ["id", "token"], "rows": [[1, SECRET]]},
        {"columns": [{"name": "id"}, {"name": "token"}], "rows": [[1, SECRET]]},
        {"keys": ["token"], "values": [SECRET]},
        [["id", "token"], [1, SECRET], [2, SECRET]],
        {"field": "token", "old": SECRET, "new": SECRET, "by": SECRET},
        {"lines": ["id,token", f"1,{SECRET}"]},
        {"lines": ["user: 7", "token: |", f"  {SECRET}"]},
        ["mysql", "--token", SECRET],
        ["mysql", f"--token={SECRET}"],
        {"user[token]": SECRET, "db.token": SECRET, "\0*\0token": SECRET},
        {f"token={SECRET}": 1, f"token: {SECRET}": {}},
        {json.dumps({"token": SECRET}): ""},
    ],
)
def test_data_that_names_a_secret_in_another_way(data: Any) -> None:
    assert _is_hidden(json.dumps(data).encode())
    assert _is_hidden(msgpack.packb(data))


def test_php_properties_are_keys_whatever_their_visibility() -> None:
    body = f'O:1:"A":3:{{s:8:"\0*\0token";s:14:"{SECRET}";s:8:"\0A\0token";s:14:"{SECRET}";s:4:"\0A\0a";i:1;}}'
    assert decode(body.encode()).data["token"] == SECRET
    assert _is_hidden(body.encode())
    array = f'a:1:{{s:8:"\0*\0token";s:14:"{SECRET}";}}'
    assert _is_hidden(array.encode())


def test_binary_values_are_hidden_and_the_rest_stays() -> None:
    body = msgpack.packb({"job": "mail", "blob": b"\xff\x00" + SECRET.encode()})
    assert json.loads(redact_body(body, PATTERNS)) == {
        "job": "mail",
        "blob": f"[hidden: binary, {2 + len(SECRET)} bytes]",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"hello wide world",
        b'{"user": 7, "name": "Zo\xc3\xab", "tags": ["a", null, 1.5]}',
        b'{"user":7,"path":"/var/log/messages","id":"d41d8cd98f00b204e9800998ecf8427e"}',
        b'{"error":"the token is lost","job":"App\\\\Jobs\\\\RefreshTokens"}',
        b"GET /jobs?page=2&state=buried",
        b"level=info msg=done n=3",
        b"550e8400-e29b-41d4-a716-446655440000",
        b"<job><id>7</id></job>",
        b"id,name\n1,x\n",
        b'"quoted"',
        b"",
    ],
)
def test_what_holds_no_secret_is_shown_as_it_came(body: bytes) -> None:
    assert redact_body(body, PATTERNS) == body


def test_what_is_shown_is_made_of_the_data() -> None:
    assert redact_body(b'{ "a" :1}', PATTERNS) == b'{"a":1}'
    assert redact_body(gzip.compress(b'{"a": 1}'), PATTERNS) == b'{"a":1}'


@pytest.mark.parametrize("body", [ROW, *UNREADABLE[:6], TEXTS["yaml"](SECRET).encode(), TEXTS["csv"](SECRET).encode()])
def test_what_was_hidden_stays_as_it_is_when_it_is_read_again(body: bytes) -> None:
    shown = redact_body(body, PATTERNS)
    assert redact_body(shown, PATTERNS) == shown


def test_a_reader_without_patterns_shows_all() -> None:
    assert Reader().shown(b"\x00\xff") == b"\x00\xff"
    assert Reader().decode(ROW) == decode(ROW)


def test_the_examples_of_the_documentation_are_true() -> None:
    failed, tried = doctest.testmod(reader)
    assert tried
    assert not failed


secrets = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=8, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("abc xyz", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["token", "x_token", "API-Token", "api_key", "cardNo", "userToken"])


@st.composite
def structures(draw: st.DrawFn, secret: str) -> Any:
    """Return data with a secret somewhere in it, under a key that says so."""
    held = draw(st.sampled_from([secret, [secret], {"deep": [secret]}, [{"x": secret}, 1]]))
    data: Any = {**draw(st.dictionaries(st.text("abc", max_size=5), values, max_size=3)), draw(keys): held}
    for wrap in draw(st.lists(st.sampled_from("ldjb"), max_size=3)):
        match wrap:
            case "l":
                data = [draw(values), data]
            case "d":
                data = {"in": data, "more": draw(values)}
            case "j":
                data = {"nested": json.dumps(data, ensure_ascii=draw(st.booleans()))}
            case "b":
                data = {"packed": _b64(zlib.compress(json.dumps(data).encode()))}
    return data


def _php(value: Any) -> bytes:
    if value is None:
        return b"N;"
    if isinstance(value, bool):
        return b"b:%d;" % value
    if isinstance(value, int):
        return b"i:%d;" % value
    if isinstance(value, str):
        return b's:%d:"%s";' % (len(value.encode()), value.encode())
    pairs = list(enumerate(value)) if isinstance(value, list) else list(value.items())
    return b"a:%d:{%s}" % (len(pairs), b"".join(_php(part) for pair in pairs for part in pair))


def _logfmt(data: Any) -> bytes:
    return " ".join(f"{key}={json.dumps(value)}" for key, value in data.items()).encode()


WRITERS: list[Callable[[Any], bytes]] = [
    lambda data: json.dumps(data).encode(),
    lambda data: json.dumps(data, ensure_ascii=False, indent=1).encode(),
    lambda data: json.dumps(json.dumps(data)).encode(),
    lambda data: gzip.compress(json.dumps(data).encode()),
    lambda data: base64.b64encode(json.dumps(data).encode()),
    lambda data: base64.urlsafe_b64encode(json.dumps(data).encode()),
    lambda data: msgpack.packb(data),
    lambda data: base64.b64encode(msgpack.packb(data)),
    cbor2.dumps,
    lambda data: cbor2.dumps(data) + b"\0",
    lambda data: cbor2.dumps(data)[:-1],
    lambda data: json.dumps(data).encode("utf-32"),
    lambda data: json.dumps(data, ensure_ascii=False).encode("cp1252", "replace") + b"\x80",
    _php,
    pickle.dumps,
    lambda data: json.dumps(data).encode("utf-16"),
    lambda data: json.dumps(data).encode() + b"\0",
    lambda data: json.dumps(data).encode() + b"\n" + json.dumps(data).encode(),
    lambda data: str(data).encode(),
    lambda data: json.dumps(data)[:-1].encode(),
    lambda data: _logfmt(data) if isinstance(data, dict) else json.dumps(data).encode(),
]


@rounds(100, 2000)
def test_no_secret_under_its_key_is_ever_shown(rounds: int) -> None:
    examples = settings(max_examples=rounds, deadline=None)
    examples(given(st.data(), secrets, st.sampled_from(WRITERS))(_hides))()


def _hides(draw: st.DataObject, secret: str, write: Callable[[Any], bytes]) -> None:
    secret = f"Q{secret}9"
    assert _is_hidden(write(draw.draw(structures(secret))), secret)
