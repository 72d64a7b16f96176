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

_LATER = ["draining", "os", "platform"]
_BINLOG = ["binlog-records-migrated", "binlog-records-written"]


@pytest.mark.parametrize(
    ("dialect", "missing"),
    [
        ("1.4", ["id", *_BINLOG, "hostname", *_LATER, "cmd-delete of tubes", "file of jobs"]),
        ("1.5", ["id", "hostname", *_LATER]),
        ("1.8", ["id", "hostname", *_LATER]),
        ("1.9", _LATER),
        ("1.11", _LATER),
        ("1.12", []),
        ("1.13", []),
    ],
)
def test_a_session_knows_what_its_server_can_do(
    dialect: str, missing: list[str], start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server = start_beanstalkd(dialect=dialect)
    with connect(server.address) as session:
        can = session.capabilities
        version = "1.4.6" if dialect == "1.4" else dialect
        can_kick, can_reserve = dialect not in ("1.4", "1.5"), dialect in ("1.12", "1.13")
        assert can == Capabilities(version, can_reserve, can_kick, missing=tuple(missing))
        assert bool(can.lacks) is not can.reserve_job
        assert ("delete of delayed jobs" in can.lacks) is (dialect == "1.4")
        assert session.server().current_workers == 0, "asking makes no worker of anybody"


def test_each_process_is_asked_once(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd(dialect="1.11")
    with connect(server.address) as session:
        assert session.capabilities is session.capabilities


def test_a_fork_that_truncates_and_caches_is_known(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd(dialect="truncate")
    with connect(server.address) as session:
        can = session.capabilities
        assert (can.truncate, can.cached_stats, can.clamped_time_left, can.shared) == (True, True, False, False)
        assert not can.lacks
        assert "drain --no-bodies" in can.in_words("can")
        assert "half a second old" in can.in_words("differs")
        assert session.tubes()["tube"].to_list() == ["default"], "asking makes no tube"


@pytest.mark.parametrize("same", [True, False])
def test_a_node_of_a_cluster_is_known(same: bool, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    server = start_beanstalkd(*(() if same else ("--nodes", "3")), dialect="cluster")
    with connect(server.address) as session:
        can = session.capabilities
        assert (can.truncate, can.cached_stats, can.clamped_time_left, can.shared) == (False, False, True, not same)
        assert ("share their jobs" in can.in_words("differs")) is not same
        assert session.server().current_connections == 1, "the connections that it opened are closed"


def _stats(version: str) -> ServerStats:
    values = dict.fromkeys(ServerStats._fields[:48], 1) | {"version": version, "id": "a", "hostname": "h"}
    return ServerStats(**values)  # type: ignore[arg-type]


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


@pytest.mark.parametrize(("version", "too_old"), [("1.3", True), ('"1.0.1"', True), ("1.4.6", False), ("mine", False)])
def test_a_server_that_is_too_old_is_named(version: str, too_old: bool) -> None:
    lines = [f"{name.replace('_', '-')}: 0" for name in ServerStats._fields[:46] if name != "uptime"]
    text = "\n".join(lines).replace("version: 0", f"version: {version}").replace("time: 0", "time: 0.0")
    needs = f"needs beanstalkd 1.4 or newer (this is {version.strip(chr(34))})"
    wanted = needs if too_old else "lack the field 'uptime'"
    with pytest.raises(ProtocolError) as error:
        Layout(ServerStats).read(f"---\n{text.replace('uptime: 0.0', 'uptime: 0')}\n".encode())
    assert wanted in str(error.value)
