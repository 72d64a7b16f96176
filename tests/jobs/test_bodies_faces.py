"""What people see of a body: its job's name, its text, users' decoders, and what is hidden."""

from __future__ import annotations

import base64
import doctest
import importlib
import importlib.metadata
import json
import pickle
import subprocess
import sys
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest

from beanops.jobs.bodies import Limits, decode, decoder, redact, registry
from beanops.protocol.errors import ArgumentError

COMMAND = 'O:14:"App\\Jobs\\Greet":2:{s:4:"user";i:42;s:8:"\0*\0token";s:3:"abc";}'
LARAVEL = {
    "displayName": "App\\Jobs\\Greet",
    "job": "Illuminate\\Queue\\CallQueuedHandler@call",
    "data": {"commandName": "App\\Jobs\\Greet", "command": COMMAND},
}
ENVELOPE = (
    'O:36:"Symfony\\Component\\Messenger\\Envelope":2:{s:44:"\0Symfony\\Component\\Messenger\\Envelope\0stamps";a:0:{}'
    's:45:"\0Symfony\\Component\\Messenger\\Envelope\0message";O:15:"App\\Message\\Pay":1:{s:2:"id";i:7;}}'
)
SLASHED = ENVELOPE.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\\0")


@pytest.mark.parametrize(
    ("data", "summary"),
    [
        (LARAVEL, "App\\Jobs\\Greet"),
        ({"job": "Illuminate\\Queue\\CallQueuedHandler@call", "data": LARAVEL["data"]}, "App\\Jobs\\Greet"),
        ({"job": "SendMail@fire", "data": {"to": "x"}}, "SendMail@fire"),
        ({"body": SLASHED, "headers": []}, "App\\Message\\Pay"),
        ({"body": '{"id": 7}', "headers": {"type": "App\\Message\\Pay"}}, "App\\Message\\Pay"),
        ({"body": "W1sxXSwge30sIG51bGxd", "headers": {"task": "shop.pay", "id": "1"}}, "shop.pay"),
        ({"task": "shop.pay", "args": [1], "kwargs": {}}, "shop.pay"),
        ({"body": base64.b64encode(b'{"task": "shop.pay", "args": []}').decode()}, "shop.pay"),
        ({"class": "NewsletterJob", "args": [5]}, "NewsletterJob"),
        ({"type": "emailer", "payload": {}}, "emailer"),
        ({"task": "shop.pay", "error": "card declined\nat line 5"}, "shop.pay (error: card declined)"),
        ({"class": "A", "exception": {"class": "E", "message": "no route"}}, "A (error: E: no route)"),
        ({"user": 42, "x": [1]}, '{"user": 42, "x": [1]}'),
        ([1, "a"], '[1, "a"]'),
        ({"displayName": "a\x1b[31m\nb"}, "a\\x1b[31m\\nb"),
    ],
)
def test_the_summary_names_the_job(data: Any, summary: str) -> None:
    assert decode(json.dumps(data).encode()).summary == summary


def test_the_summary_shows_the_error_beside_a_long_name() -> None:
    summary = decode(json.dumps({"task": "app." + "x" * 500, "error": "card declined"}).encode()).summary
    assert summary.startswith("app.xxx")
    assert summary.endswith("(error: card declined)")


def test_the_summary_of_other_bodies_is_their_beginning() -> None:
    assert decode(b"hello\nworld").summary == "hello\\nworld"
    assert decode(b"\x00\xff").summary == "2 bytes: 00ff"
    assert decode(pickle.dumps({"task": "shop.pay"})).summary == "shop.pay"
    assert decode(json.dumps({"x": "y" * 500}).encode()).summary.endswith(" chars]")
    assert decode(ENVELOPE.encode()).summary == decode(SLASHED.encode()).summary == "App\\Message\\Pay"


def test_text_instead_of_bytes_is_refused() -> None:
    with pytest.raises(ArgumentError, match="bytes"):
        decode("text")  # type: ignore[arg-type]


def test_a_serialized_command_in_json_is_data_that_sql_can_reach() -> None:
    decoded = decode(json.dumps(LARAVEL).encode())
    assert decoded.chain == ("json",)
    assert decoded.inner == (("$.data.command", ("php",)),)
    assert decoded.data["data"]["command"] == {"$class": "App\\Jobs\\Greet", "user": 42, "token": "abc"}
    nested = decode(json.dumps({"a b": [{"c": json.dumps({"d": "[1, [2]]"})}]}).encode())
    assert nested.data == {"a b": [{"c": {"d": [1, [2]]}}]}
    assert nested.inner == (('$."a b"[0].c.d', ("json",)), ('$."a b"[0].c', ("json",)))


def test_strings_that_only_look_like_layers_stay_strings() -> None:
    data = {
        "id": "ABCDEFGHIJKLMNOP",
        "hash": "d41d8cd98f00b204e9800998ecf8427e",
        "t": "[x] done",
        "n": "{}",
        "p": "a:1:{",
        "short": "[1,2,3]",
    }
    decoded = decode(json.dumps(data).encode())
    assert (decoded.data, decoded.inner) == (data, ())
    assert decode(b'{"long enough": "[1,2,34]"}').data == {"long enough": [1, 2, 34]}


def test_layers_of_a_guess_that_was_wrong_are_not_listed() -> None:
    inner = base64.b64encode(msgpack.packb([json.dumps({"a": 1})])).decode()
    decoded = decode(json.dumps({"x": inner}).encode())
    assert (decoded.data, decoded.inner) == ({"x": inner}, ())


def test_the_text_is_indented_and_binary_is_a_dump() -> None:
    assert decode(b'{"a": "\xc3\xa9", "b": [1]}').text == '{\n  "a": "é",\n  "b": [\n    1\n  ]\n}'
    assert decode(b"a\nb").text == "a\nb"
    assert decode(b"\x00\xffab").text == "00000000  00 ff 61 62                                      ..ab"
    assert decode(b"\x00\xff" * 2000).text.endswith("…[4,000 bytes]")


def test_numbers_that_json_readers_would_round_are_strings() -> None:
    wire = b'{"max": 18446744073709551615, "more": 18446744073709551616, "less": -9223372036854775809, "inf": 1e999}'
    plain = {"max": 2**64 - 1, "more": str(2**64), "less": str(-(2**63) - 1), "inf": "Infinity"}
    assert decode(wire).data == plain
    assert decode(pickle.dumps({"more": 2**64, "nan": float("nan")})).data == {"more": str(2**64), "nan": "NaN"}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> registry.Registry:
    """Give the test decoders of its own."""
    fresh = registry.Registry()
    monkeypatch.setattr(registry, "registry", fresh)
    monkeypatch.setattr("beanops.jobs.bodies.layers.registry", fresh)
    return fresh


@pytest.mark.usefixtures("own")
class TestOwnDecoders:
    def test_the_first_that_knows_the_body_decodes_it(self) -> None:
        @decoder
        def semicolons(body: bytes) -> object:
            return body.decode().split(";") if body.startswith(b"CSV;") else None

        @decoder("wrapped", priority=50)
        def unwrap(body: bytes) -> object:
            return body[3:] if body.startswith(b"W1:") else None

        assert decode(b"CSV;a;b").chain == ("semicolons",)
        assert decode(b'W1:{"a": 1}').chain == ("wrapped", "json")
        assert decode(b'W1:{"a": 1}').data == {"a": 1}
        assert semicolons(b"CSV;a") == ["CSV", "a"]
        assert decode(b"other").chain == ("text",)

    def test_what_it_returns_becomes_plain_data(self) -> None:
        import datetime

        @decoder("rich")
        def rich(_: bytes) -> object:
            return {"at": datetime.date(2026, 1, 2), 3: {4}, "raw": bytearray(b"\xff"), "pair": (1, "\ud800")}

        expected = {"at": "2026-01-02", "3": [4], "raw": {"$bytes": "ff", "$size": 1}, "pair": [1, "\\ud800"]}
        assert decode(b"any").data == expected

    def test_one_that_fails_is_passed_over_with_a_note(self) -> None:
        @decoder("broken")
        def broken(body: bytes) -> object:
            raise KeyError(body)

        decoded = decode(b'{"secret": 1}')
        assert decoded.data == {"secret": 1}
        assert decoded.notes == ("decoder 'broken' failed with KeyError",)

    def test_one_that_never_ends_is_stopped(self) -> None:
        @decoder("again")
        def again(body: bytes) -> object:
            return body + b"!"

        assert "more than 8 layers" in decode(b"x").json
        assert "unpacks to more" in decode(b"x" * 600, limits=Limits(size=1_000)).json

    def test_the_same_name_replaces_also_a_built_in_one(self) -> None:
        decoder("json", priority=100)(lambda _: ["mine"])
        assert decode(b"{}").data == ["mine"]

    @pytest.mark.parametrize("module", ["layers", "redaction", "registry"])
    def test_the_examples_of_the_documentation_are_true(self, module: str) -> None:
        failed, tried = doctest.testmod(importlib.import_module(f"beanops.jobs.bodies.{module}"))
        assert tried
        assert not failed

    @pytest.mark.parametrize(("name", "priority"), [("", 0), ("Two Words", 0), ("hex", 0), ("x", 1000), ("x", 0.5)])
    def test_a_bad_name_or_priority_is_refused(self, name: str, priority: Any) -> None:
        with pytest.raises(ArgumentError, match="allowed is"):
            decoder(name, priority=priority)(lambda body: body)

    def test_installed_packages_bring_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def points(group: str) -> list[importlib.metadata.EntryPoint]:
            return [
                importlib.metadata.EntryPoint("upper", f"{__name__}:read_upper", group),
                importlib.metadata.EntryPoint("gone", "no_such_module_here:read", group),
            ]

        monkeypatch.setattr(importlib.metadata, "entry_points", points)
        decoded = decode(b"UP:x")
        assert (decoded.chain, decoded.data) == (("upper",), ["x"])
        (note,) = decoded.notes
        assert note.startswith("decoder 'gone' (no_such_module_here:read) cannot be loaded")


def read_upper(body: bytes) -> object:
    return [body[3:].decode()] if body.startswith(b"UP:") else None


def test_importing_costs_little() -> None:
    code = "import sys, beanops.jobs.bodies; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    heavy = ["msgpack", "cbor2", "pickletools", "pickle", "importlib.metadata", "pandas", "duckdb", "dataclasses"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_secret_values_are_hidden_in_every_form() -> None:
    data = {
        "displayName": "Login",
        "user": {"PassWord": "hunter2", "api_key": {"deep": ["hunter2"]}, "token": None, "id": 7},
        "headers": [["Authorization", "Bearer hunter2"], {"name": "Cookie", "value": "hunter2"}],
        "command": 'O:1:"A":1:{s:11:"accessToken";s:7:"hunter2";}',
        "body": base64.b64encode(b'{"client_secret": "hunter2"}').decode(),
        "error": "login with password=hunter2 failed",
        "log": '{"cut": {"password": "hunter2", "a',
    }
    hidden = decode(json.dumps(data).encode()).redacted(
        ["*password*", "*token*", "authorization", "cookie", "*secret*", "api?key"]
    )
    for form in (hidden.json, hidden.text, hidden.summary, repr(hidden)):
        assert "hunter2" not in form
    assert hidden.data["user"] == {"PassWord": "[redacted]", "api_key": "[redacted]", "token": None, "id": 7}
    assert hidden.data["displayName"] == "Login"
    assert hidden.summary.startswith("Login (error: login with password=[redacted]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2", "password=[redacted]"),
        ("PASSWORD : hunter2 and more\nuser: me", "PASSWORD : [redacted]\nuser: me"),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: [redacted]"),
        ("GET /?a=1&access_token=abc&b=2", "GET /?a=1&access_token=[redacted]&b=2"),
        ('say "token": "a\\"b", "id": 7', 'say "token": [redacted], "id": 7'),
        ('{\\"token\\": \\"abc\\", \\"id\\": 7', '{\\"token\\": [redacted], \\"id\\": 7'),
        ("['token' => 'abc', 'id' => 7]", "['token' => [redacted], 'id' => 7]"),
        ('s:5:"token";s:3:"abc";s:2:"id";i:7;', 's:5:"token";s:3:[redacted];s:2:"id";i:7;'),
        ("note: the token=abc", "note: the token=[redacted]"),
        ("the token is lost", "the token is lost"),
        ("user=me", "user=me"),
    ],
)
def test_secrets_in_text_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_patterns_are_globs_or_expressions() -> None:
    data = {"card": 1, "cards": 2, "Iban_DE": 3, "x.iban": 4}
    hidden = "[redacted]"
    assert redact(data, ["card"]) == data | {"card": hidden}
    assert redact(data, ["card?"]) == data | {"cards": hidden}
    assert redact(data, ["/^iban/"]) == data | {"Iban_DE": hidden}
    assert redact(data, ["/iban/", "c*"]) == dict.fromkeys(data, hidden)
    assert redact(data, []) == data
    with pytest.raises(ArgumentError, match="regular expression"):
        redact(data, ["/(/"])
    with pytest.raises(ArgumentError, match="glob"):
        redact(data, [""])
