"""A server is protected by every profile that means it, whatever it is called."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops.client.address import Address
from beanops.client.places import places
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.protocol.errors import BeanopsError
from beanops.session import protection
from beanops.session.config import profile
from beanops.session.connect import connect
from tests.proxies import Proxy
from tests.session.conftest import fill

SPELLINGS = (
    "LOCALHOST", "127.0.0.1", "[::ffff:127.0.0.1]", "127.1", "0x7f000001", "2130706433", "017700000001",
    "0.0.0.0", "[::FFFF:7F00:1]", "１２７.0.0.1", "beanstalk://LocalHost", "127.0.0.2",
)  # fmt: skip


def _configure(text: str) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(text)


@pytest.fixture
def everywhere(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a server that listens on every address of the machine."""
    return start_beanstalkd("-l", "0.0.0.0")


@pytest.fixture
def tunnel(beanstalkd: Beanstalkd) -> Iterator[str]:
    """Lead to the server from a port of its own."""
    with Proxy(beanstalkd.port) as proxy:
        yield proxy.address


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_read_only_holds_by_any_spelling(spelling: str, everywhere: Beanstalkd) -> None:
    port = everywhere.port
    _configure(
        f'[servers.prod]\naddress = "localhost:{port}"\nread_only = true\nredact = ["*token*"]\nlabel = "PROD"\n'
    )
    with connect(f"{spelling}:{port}", read_only=False) as session:
        with pytest.raises(Refused, match="read-only"):
            session.put(b"x", tube="mail")
        assert (session.read_only, session.profile.label) == (True, "PROD")
        assert b"s3cret" not in session._context.shown(b'{"token": "s3cret"}')
        assert not session.tubes()["tube"].isin(["mail"]).any()


@pytest.mark.parametrize(
    "spelling", ["LOCALHOST", "localhost.", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "beanstalk://localhost"]
)
def test_an_address_needs_no_server_to_be_known(spelling: str) -> None:
    _configure('[servers.prod]\naddress = "localhost:11300"\nread_only = true\nconfirm = "type-name"\n')
    known = profile(spelling)
    assert (known.name, known.read_only, known.confirm) == ("prod", True, "type-name")
    assert profile(f"{spelling}:11301").read_only is False


def test_the_strictest_profile_protects_also_who_names_another_one(beanstalkd: Beanstalkd) -> None:
    _configure(
        f'[servers.prod]\naddress = "localhost:{beanstalkd.port}"\nread_only = true\nconfirm = "type-name"\n'
        f'redact = ["*token*"]\ncolor = "red"\n[servers.rw]\naddress = "{beanstalkd.address}"\nredact = ["*card*"]\n'
    )
    with connect("rw") as session:
        known = session.profile
        assert (known.name, known.read_only, known.confirm, known.color) == ("rw", True, "type-name", "red")
        assert set(session._context.redact) == {"*token*", "*card*"}
        with pytest.raises(Refused):
            session.kick(1)


def test_a_tunnel_leads_to_the_same_protected_server(tunnel: str, beanstalkd: Beanstalkd) -> None:
    _configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\nread_only = true\nredact = ["*token*"]\n')
    with connect(tunnel) as session:
        assert not session._context.protection.now.read_only
        with pytest.raises(Refused):
            session.put(b"x", tube="mail")
        assert session._context.redact == ("*token*",)
    with connect(tunnel) as there, Client(beanstalkd.address) as client:
        ids = fill(client, "mail")
        with connect(beanstalkd.address, read_only=True) as session, pytest.raises(Refused):
            session.copy(ids, server=there)


def test_a_socket_is_known_by_any_path(tmp_path: Path) -> None:
    (tmp_path / "other.sock").symlink_to(tmp_path / "bean.sock")
    _configure(f'[servers.prod]\naddress = "unix:{tmp_path}/bean.sock"\nread_only = true\n')
    for path in (f"{tmp_path}/other.sock", f"{tmp_path}/../{tmp_path.name}/bean.sock"):
        assert profile(f"unix:{path}").read_only


def test_another_server_is_left_alone_and_a_dead_profile_is_not_waited_for(
    beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    other = start_beanstalkd()
    with socket.create_server(("127.0.0.1", 0), backlog=1) as mute:
        at = f"127.0.0.1:{mute.getsockname()[1]}"
        _configure(
            "".join(
                f'[servers.{name}]\naddress = "{address}"\nread_only = true\n'
                for name, address in {"other": other.address, "mute": at, "dead": "127.0.0.1:1"}.items()
            )
        )
        with connect(beanstalkd.address) as session:
            started = time.monotonic()
            session.tubes()
            assert session.put(b"x", tube="mail").done == 1
            assert session.put(b"x", tube="mail").done == 1  # who did not answer is not asked again at once
            assert time.monotonic() - started < 2 * protection.PATIENCE + 1


def test_a_server_that_is_found_later_to_be_protected_is_protected_then(
    beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    _configure(f'[servers.prod]\naddress = "{start_beanstalkd().address}"\nread_only = true\n')
    seconds, instance = [0.0], ["another"]
    with Client(profile("prod").address) as client:
        known = protection.Protection(profile(beanstalkd.address), (), lambda: instance[0], clock=lambda: seconds[0])
        assert not known.settled.read_only
        instance[0] = client.stats().id  # as when a tunnel is led elsewhere
        assert not known.settled.read_only
        seconds[0] += protection.AGAIN
        assert known.settled.read_only


def test_who_cannot_be_compared_is_not_acted_on(beanstalkd: Beanstalkd) -> None:
    _configure('[servers.prod]\naddress = "127.0.0.1:1"\nread_only = true\n')

    def gone() -> str:
        raise BeanopsError("gone")

    known = protection.Protection(profile(beanstalkd.address), (), gone)
    with pytest.raises(BeanopsError, match="gone"):
        _ = known.settled


def test_places_are_compared_without_asking_anybody() -> None:
    assert places(Address.parse("no-such-name.invalid:1")) == {("no-such-name.invalid", 1)}
    assert places(Address.parse("Queue.Example.")) == places(Address.parse("queue.example"))
    assert not places(Address.parse("127.0.0.1:1")) & places(Address.parse("127.0.0.1:2"))


def test_a_tunnel_has_the_name_of_the_profile_that_wants_it_typed(tunnel: str, beanstalkd: Beanstalkd) -> None:
    _configure(f'[servers.prod]\naddress = "{beanstalkd.address}"\nconfirm = "type-name"\n')
    with connect(tunnel) as session:
        assert (session.profile.name, session.profile.address) == ("prod", tunnel)
