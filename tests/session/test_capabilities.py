"""What a server can do is found out once, by asking it, and said by every face."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command, ServerStats, commands
from beanops.protocol.errors import BadFormat, InternalError, NotFound, ProtocolError, ReplyError, UnknownCommand
from beanops.protocol.payloads import Layout
from beanops.session.old_servers.capabilities import Capabilities, probe


@pytest.mark.parametrize("dialect", ["1.10", "1.11", "1.12", "1.13"])
def test_a_session_knows_what_its_server_can_do(dialect: str, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd(dialect=dialect)
    with connect(server.address) as session:
        can = session.capabilities
        assert can == Capabilities(dialect, reserve_job=dialect not in ("1.10", "1.11"))
        assert bool(can.lacks) is not can.reserve_job
        assert session.server().current_workers == 0, "asking makes no worker of anybody"


def test_each_process_is_asked_once(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd(dialect="1.11")
    with connect(server.address) as session:
        assert session.capabilities is session.capabilities


def _stats(version: str) -> ServerStats:
    return ServerStats(**dict.fromkeys(ServerStats._fields[:48], 0) | {"version": version, "id": "a", "hostname": "h"})  # type: ignore[arg-type]


class _Server:
    """Answers whatever it is asked with one thing."""

    def __init__(self, answer: type[ReplyError]) -> None:
        self._answer = answer

    def pipeline(self, asked: list[Command[object]]) -> list[ReplyError]:
        return [self._answer(command.line) for command in asked]


@pytest.mark.parametrize(
    ("version", "answer", "can"),
    [
        ("1.13", NotFound, True),
        ("1.13", UnknownCommand, False),  # a fork that took the number
        ("1.4-mine", NotFound, True),
        ("2024.1-fork", BadFormat, False),
        ("1.11", InternalError, False),  # no clear answer: the version decides
        ("1.12+3", InternalError, True),
        ("mine", InternalError, True),
    ],
)
def test_a_server_is_asked_rather_than_believed(version: str, answer: type[ReplyError], can: bool) -> None:
    assert probe(_Server(answer), _stats(version)).reserve_job is can  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [BadFormat, UnknownCommand])
def test_a_command_that_is_too_new_names_the_release_that_has_it(error: type[ReplyError]) -> None:
    assert str(error("reserve-job 5")).endswith("it needs beanstalkd 1.12 or newer")
    assert "1.12" not in str(error("touch 5"))


def test_the_client_says_so_too(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    with Client(start_beanstalkd(dialect="1.10").address) as client:
        with pytest.raises(BadFormat, match=r"needs beanstalkd 1\.12 or newer"):
            client.reserve_job(5)
        with pytest.raises(BadFormat, match=r"1\.12"):
            client.execute(commands.reserve_job(5))


@pytest.mark.parametrize(("version", "too_old"), [("1.8", True), ('"1.4.6"', True), ("1.9", False), ("mine", False)])
def test_a_server_that_is_too_old_is_named(version: str, too_old: bool) -> None:
    lines = [f"{name.replace('_', '-')}: 0" for name in ServerStats._fields[:46]]
    text = "\n".join(lines).replace("version: 0", f"version: {version}").replace("time: 0", "time: 0.0")
    wanted = f"needs beanstalkd 1.9 or newer (this is {version.strip(chr(34))})" if too_old else "lack the field 'id'"
    with pytest.raises(ProtocolError) as error:
        Layout(ServerStats).read(f"---\n{text.replace('uptime: 0.0', 'uptime: 0')}\n".encode())
    assert wanted in str(error.value)
