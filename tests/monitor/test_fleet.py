"""Several servers at a glance: one that is not there says why, and holds up nobody."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from beanops import Client
from beanops.embedded import serve
from beanops.embedded.process import Beanstalkd
from beanops.monitor import fleet
from beanops.monitor.fleet import Fleet


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        return int(nobody.getsockname()[1])


def test_each_server_says_how_it_is_and_what_is_lost_says_why(beanstalkd: Beanstalkd, client: Client) -> None:
    client.put(b"x", tube="mail")
    with serve() as other:
        servers = {"prod": beanstalkd.address, "other": other, "lost": f"127.0.0.1:{closed_port()}"}
        watched = Fleet(servers)
        seen = watched.look()
        assert list(seen) == list(servers)
        assert seen["prod"].stats is not None
        assert seen["other"].stats is not None
        assert seen["prod"].stats.current_jobs_ready == 1
        assert seen["other"].stats.current_jobs_ready == 0
        assert seen["lost"].stats is None
        assert servers["lost"] in seen["lost"].error
        connections = client.stats().total_connections
        watched.look()
        assert client.stats().total_connections == connections  # they are kept
        watched.close()
    assert Fleet({}).look() == {}


def test_a_fleet_that_is_closed_during_a_look_keeps_no_connection(
    beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Client] = []

    class Closing(Client):
        """Found while the fleet is closed."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)
            watched.close()

    monkeypatch.setattr(fleet, "Client", Closing)
    watched = Fleet(dict.fromkeys("abc", beanstalkd.address))
    watched.look()
    assert [client.closed for client in made] == [True] * 3


def test_a_fleet_can_be_closed_while_servers_are_still_being_found() -> None:
    watched = Fleet({})

    class Found:
        """Another server is found while this one is closed."""

        def close(self) -> None:
            """Close it."""
            watched._clients["late"] = self  # type: ignore[assignment]

    watched._clients["early"] = Found()  # type: ignore[assignment]
    watched.close()
