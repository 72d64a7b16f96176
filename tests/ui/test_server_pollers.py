"""Several servers, each by itself: one that hangs, is lost or is broken holds up no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.session.config import Profile
from beanops.session.session import Session
from beanops.ui.server_pollers import ServerPollers, ServerState
from tests.proxies import Proxy
from tests.waits import until


def reach(profile: Profile) -> Session:
    return connect(profile.address, source="tui", read_only=True)


@pytest.fixture
def fleet() -> Iterator[ServerPollers]:
    fleet = ServerPollers(reach, monotonic, lambda: datetime.now(UTC))
    yield fleet
    fleet.close()


def nothing() -> None:
    """Do nothing after a look."""


def test_one_that_hangs_and_one_that_is_gone_hold_up_no_other(
    fleet: ServerPollers, beanstalkd: Beanstalkd, client: Client
) -> None:
    client.put(b"x", tube="mail")
    with Proxy(beanstalkd.port) as frozen:
        frozen.held = True
        good, hangs, gone = (Profile(name, address) for name, address in (
            ("good", beanstalkd.address), ("hangs", frozen.address), ("gone", "127.0.0.1:1")))  # fmt: skip
        answers: list[int] = []
        fleet.look([hangs, gone, good], lambda: answers.append(1))
        until(lambda: len(answers) == 2)
        assert set(fleet.live(good).tubes) == {"default", "mail"}
        lost = ServerState(gone, fleet.live(gone))
        assert lost.silence == "LOST"
        assert "127.0.0.1:1" in lost.silence_text()
        assert fleet.live(hangs).survey is None
        connections = client.stats().total_connections
        for looks in (3, 4):
            fleet.look([hangs, gone, good], lambda: answers.append(1))  # only the one that answers is due
            until(lambda: len(answers) == looks)  # noqa: B023
        assert client.stats().total_connections == connections, "a connection is kept"
        frozen.held = False
        until(lambda: len(answers) == 5)
        assert "mail" in fleet.live(hangs).tubes


def test_a_server_that_comes_back_is_reached_again(fleet: ServerPollers, beanstalkd: Beanstalkd) -> None:
    with Proxy(beanstalkd.port) as proxy:
        prod = Profile("prod", proxy.address)
        for _ in range(2):
            answered = threading.Event()
            fleet.look([prod], answered.set)
            until(answered.is_set)
            assert not ServerState(prod, fleet.live(prod)).silence
            proxy.drop()


def test_a_fault_is_that_of_its_server(beanstalkd: Beanstalkd) -> None:
    def broken(profile: Profile) -> Session:
        raise RuntimeError("oh")

    fleet, answered = ServerPollers(broken, monotonic, lambda: datetime.now(UTC)), threading.Event()
    prod = Profile("prod", beanstalkd.address)
    fleet.look([prod], answered.set)
    until(answered.is_set)
    assert "fault in beanops: RuntimeError: oh" in ServerState(prod, fleet.live(prod)).silence_text()


def test_what_is_closed_during_a_look_keeps_no_connection(beanstalkd: Beanstalkd) -> None:
    made: list[Any] = []

    def late(profile: Profile) -> Session:
        made.append(reach(profile))
        fleet.close()
        return made[0]

    fleet, answered = ServerPollers(late, monotonic, lambda: datetime.now(UTC)), threading.Event()
    fleet.look([Profile("prod", beanstalkd.address)], answered.set)
    until(answered.is_set)
    assert made[0]._context._clients["looking"].closed
    fleet.look([Profile("prod", beanstalkd.address)], nothing)
    assert len(made) == 1
