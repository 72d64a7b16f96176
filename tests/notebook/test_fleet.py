"""The dashboard of several servers in a notebook."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import beanops
from beanops import Client, Fleet
from beanops.embedded.process import Beanstalkd
from beanops.notebook.fleet.view import FleetDashboardView
from beanops.protocol.errors import BeanopsError, NotFound, UsageError
from tests.notebook.bare import bare_page
from tests.waits import until

Servers = dict[str, Beanstalkd]


@pytest.fixture
def servers(beanstalkd: Beanstalkd) -> Iterator[Servers]:
    with Beanstalkd() as b, Beanstalkd() as c:
        named = {"prod-a": beanstalkd, "prod-b": b, "prod-c": c}
        lines = [f'[servers.{name}]\naddress = "{server.address}"\n' for name, server in named.items()]
        Path(os.environ["BEANOPS_CONFIG"]).write_text("".join(lines))
        for n, server in enumerate(named.values(), 1):
            with Client(server.address) as client:
                client.put(b"x", tube="mail")
                client.watch("mail")
                for _ in range(n):
                    client.bury(client.put(b"x", tube="mail") and client.reserve())
                client.put(b"x", tube="orders")
        yield named


@pytest.fixture
def fleet(servers: Servers) -> Iterator[Fleet]:
    with beanops.connect("prod-*") as fleet:
        yield fleet


@pytest.fixture
def view(fleet: Fleet) -> Iterator[FleetDashboardView]:
    with fleet.dashboard() as view:
        yield view


def counts(servers: Servers, field: str) -> list[int]:
    found = []
    for server in servers.values():
        with Client(server.address) as client:
            found.append(getattr(client.stats_tube("mail"), field))
    return found


def test_it_shows_all_tubes_of_all_servers(view: FleetDashboardView) -> None:
    until(lambda: len(view.tubes.rows) == 9)
    assert {cells[0] for cells in view.tubes.rows.values()} == {"prod-a", "prod-b", "prod-c"}
    assert list(view.servers.rows) == ["prod-a", "prod-b", "prod-c"]
    assert view.servers.said("title") == "3 servers"


def test_a_button_acts_on_the_tubes_of_all_servers_under_one_id(
    view: FleetDashboardView, fleet: Fleet, servers: Servers
) -> None:
    until(lambda: len(view.tubes.rows) == 9)
    view.select("mail")
    assert view.selection["server"].tolist() == ["prod-a", "prod-b", "prod-c"]
    runs = view.kick_next(10)
    assert sum(run.done for run in runs) == 6
    assert counts(servers, "current_jobs_buried") == [0, 0, 0]
    made = fleet.runs
    assert len(set(made["fleet"])) == 1
    assert set(made["source"]) == {"notebook"}
    view.select("mail", server="prod-b")
    (run,) = view.pause(60)
    assert run.done == 1
    assert counts(servers, "pause") == [0, 60, 0]
    view.undo()
    assert counts(servers, "pause") == [0, 0, 0]


def test_a_frozen_and_a_dead_server_hold_up_no_other(view: FleetDashboardView, fleet: Fleet, servers: Servers) -> None:
    until(lambda: len(view.tubes.rows) == 9)
    fleet._dispatch.patience = 5.0
    view.select("mail")
    servers["prod-c"].stop()
    os.kill(servers["prod-b"].pid, signal.SIGSTOP)
    try:
        with pytest.raises(BeanopsError):
            view.pause(60)
        until(lambda: "prod-c LOST since" in view.servers.said("title"))
        until(lambda: {cells[0] for cells in view.tubes.rows.values()} == {"prod-a"})
        assert "pause: 1 done" in view.status
        assert "tube mail on prod-c" in view.status or "127.0.0.1" in view.status
    finally:
        os.kill(servers["prod-b"].pid, signal.SIGCONT)
    assert counts({"prod-a": servers["prod-a"]}, "pause") == [60]


def test_a_glob_shows_some_and_wrong_names_are_refused(fleet: Fleet) -> None:
    with fleet.dashboard("mai*") as view:
        until(lambda: len(view.tubes.rows) == 3)
        with pytest.raises(UsageError, match="no tube 'orders' in this dashboard"):
            view.select("orders")
        with pytest.raises(UsageError, match="no tube is selected"):
            view.pause()
    with fleet.dashboard() as whole:
        until(lambda: len(whole.tubes.rows) == 9)
        with pytest.raises(NotFound, match="did you mean 'mail'"):
            whole.select("mial")


def test_a_saved_notebook_keeps_a_table(view: FleetDashboardView) -> None:
    until(lambda: len(view.tubes.rows) == 9)
    bundle: dict[str, Any] = view._repr_mimebundle_()
    assert ">prod-b</td>" in bundle["text/html"]
    assert "3 servers · as of " in bundle["text/plain"]


def test_it_ends_with_the_fleet(servers: Servers) -> None:
    fleet = beanops.connect("prod-*")
    view = fleet.dashboard()
    fleet.close()
    assert view.closed


def test_its_page_shows_tubes_and_acts(browser: Any, view: FleetDashboardView, servers: Servers) -> None:
    until(lambda: len(view.tubes.rows) == 9)
    with bare_page(browser, view, host="jupyterlab") as page:
        page.row(1, "prod-b mail").wait_for()
        page.row(1, "prod-b mail").click()
        page.grid(1).get_by_role("button", name="Pause", exact=True).click()
        page.until(lambda: counts(servers, "pause") == [0, 60, 0])
        page.page.wait_for_timeout(700)
        page.picture("fleet")
        assert page.errors == []
