"""Tokens, with both clients: where they come from, what a refusal looks like, and that nobody sees them."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Reach, commands, errors
from beanops.client import tokens
from beanops.client.reach import TokenSource
from beanops.embedded.process import Beanstalkd
from tests.client.adapter import Connector
from tests.scripted import Scripted

SECRET = "s3cret-token-of-the-tests"


@pytest.fixture(autouse=True)
def _unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no token from another test."""
    monkeypatch.setattr(tokens, "_known", {})


@pytest.fixture
def server(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that wants the token."""
    return start_beanstalkd(token=SECRET)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Give a program that counts its runs and prints what is in a file."""
    path = tmp_path / "print-token"
    path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\ncat {tmp_path}/token\necho {SECRET} >&2\n")
    path.chmod(0o755)
    (tmp_path / "token").write_text(SECRET + "\n")
    return path


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a keyring with one entry."""
    entries = {("beanops/prod", "ops"): SECRET}
    module: Any = types.ModuleType("keyring")
    module.get_password = lambda service, user: entries.get((service, user))
    monkeypatch.setitem(sys.modules, "keyring", module)


def failure(connect: Connector, reach: Reach) -> errors.BeanopsError:
    """Return the error of a connection that fails; it is one line without the token."""
    with pytest.raises(errors.BeanopsError) as caught:
        connect(reach).stats()
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value) + repr(reach) + str(reach)
    return caught.value


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize("kind", ["file", "command", "keyring"])
def test_where_a_token_comes_from(connect: Connector, server: Beanstalkd, script: Path, kind: str) -> None:
    places = {"file": str(script.with_name("token")), "command": f"'{script}'", "keyring": "beanops/prod/ops"}
    client = connect(Reach.of(server.address, **{f"token_{kind}": places[kind]}))
    client.use("mail")
    client.reconnect()
    assert client.peek(client.put(b"x")).body == b"x"
    assert client.list_tube_used() == "mail"
    assert SECRET not in repr(client)


def test_a_server_that_wants_a_token(connect: Connector, server: Beanstalkd) -> None:
    error = failure(connect, Reach.of(server.address))
    assert isinstance(error, errors.Unauthorized)
    assert str(error).endswith("the server requires a token; it answered 'stats' with UNAUTHORIZED")


def test_a_token_that_is_refused_is_read_again(connect: Connector, server: Beanstalkd, script: Path) -> None:
    reach = Reach.of(server.address, token_command=str(script))
    token, runs = script.with_name("token"), script.with_name("runs")
    token.write_text("other")
    error = failure(connect, reach)
    assert isinstance(error, errors.Unauthorized)
    assert str(error) == f"{server.address}: the server refused the token (token_command)"
    token.write_text(SECRET)
    assert connect(reach).put(b"x") == 1
    connect(reach)
    # Once for the refused one, once for all connections since.
    assert runs.read_text() == "run\n" * 2


def test_a_server_without_tokens(connect: Connector, beanstalkd: Beanstalkd, script: Path) -> None:
    error = failure(connect, Reach.of(beanstalkd.address, token_file=str(script.with_name("token"))))
    assert "the server takes no tokens: it answered UNKNOWN_COMMAND to 'auth' (token_file " in str(error)


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize(
    ("kind", "place", "complaint"),
    [
        ("file", "{folder}/none", "token_file .*/none: No such file"),
        ("file", "{folder}/empty", "token_file .*/empty: the token is empty"),
        ("file", "{folder}/long", "allowed is 1 to 4,096 ASCII characters without blanks"),
        ("file", "{folder}/words", "allowed is 1 to 4,096 ASCII"),
        ("command", "sh -c 'echo {secret} >&2; exit 3'", "token_command: exit code 3; run the command to see why"),
        ("command", "no-such-program {secret}", "token_command: No such file"),
        ("command", "'unclosed {secret}", "token_command: not a command"),
        (
            "keyring",
            "beanops/none",
            "token_keyring beanops/none: no such entry; make it with 'keyring set beanops none'",
        ),
    ],
)
def test_tokens_that_cannot_be_had(connect: Connector, tmp_path: Path, kind: str, place: str, complaint: str) -> None:
    for name, text in {"empty": "\n", "long": SECRET * 1000, "words": f"{SECRET} quit"}.items():
        (tmp_path / name).write_text(text)
    with Scripted(hold=True) as server:
        place = place.format(folder=tmp_path, secret=SECRET)
        with pytest.raises(errors.ConnectFailed, match=complaint) as caught:
            connect(Reach.of(server.address, **{f"token_{kind}": place}))
        assert SECRET not in str(caught.value)
        assert not server.received


def test_a_pipe_is_read_once(server: Beanstalkd) -> None:
    """As one of a shell: ``--token-file <(pass show beanstalkd)``."""
    read, write = os.pipe()
    os.write(write, SECRET.encode())
    os.close(write)
    try:
        reach = Reach.of(server.address, token_file=f"/dev/fd/{read}")
        with Client(reach) as first, Client(reach) as second:
            assert first.instance == second.instance
    finally:
        os.close(read)


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_PATIENCE", 0.05)
    with pytest.raises(errors.ConnectFailed, match=r"token_command: no answer within 0\.05 s"):
        tokens.read_token(TokenSource("command", "sleep 60"))


def test_a_token_is_in_no_text() -> None:
    command = commands.auth(SECRET)
    assert command.data == f"auth {SECRET}\r\n".encode()
    assert SECRET not in f"{command!r} {command.line}"
    for wrong in ("", "a b", "a\r\nquit", "ü", "a" * 5000):
        with pytest.raises(errors.ArgumentError) as caught:
            commands.auth(wrong)
        assert not wrong or wrong not in str(caught.value)


def test_an_auth_that_is_never_answered(connect: Connector, script: Path) -> None:
    reach = Reach.of("127.0.0.1:1", token_file=str(script.with_name("token")))
    with Scripted(b"", hold=True) as server:
        reach = Reach.of(server.address, token_file=str(script.with_name("token")))
        with pytest.raises(errors.ConnectFailed, match="no answer to 'auth'"):
            connect(reach, connect_timeout=0.2)


def test_wrong_sources() -> None:
    with pytest.raises(errors.UsageError, match="give one of token_file and token_command"):
        Reach.of("queue", token_file="a", token_command="b")
    with pytest.raises(errors.UsageError, match="token_keyring must be service/user"):
        Reach.of("queue", token_keyring="prod")


def test_what_is_pipelined_before_a_refusal_is_not_sent_twice(server: Beanstalkd) -> None:
    with Client(server.address) as client, pytest.raises(errors.Unauthorized):
        list(client.pipeline(commands.put(b"x") for _ in range(10)))


@pytest.mark.parametrize(
    "answer",
    [
        b"500 unknown command: auth %b\r\n",
        b"auth %b\r\n",
        b"HTTP/1.1 400 no such method: auth %b\r\n",
        b"%b" * 20,
        b"AUTHENTICATED\r\nwelcome, %b\r\n",
    ],
)
def test_no_error_repeats_what_answers_a_token(connect: Connector, tmp_path: Path, answer: bytes) -> None:
    """A server of something else repeats what it does not understand."""
    (tmp_path / "token").write_text(SECRET)
    said = answer.replace(b"%b", SECRET.encode())
    with Scripted(said) as server:
        error = failure(connect, Reach.of(server.address, token_file=str(tmp_path / "token")))
    assert SECRET[:6] not in str(error)
