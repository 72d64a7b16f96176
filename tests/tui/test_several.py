"""The dashboard of several servers: all tubes first, and actions on the selected ones of all servers at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.fleet.servers import servers_of
from beanops.protocol.errors import ConnectFailed
from beanops.tui.server_states import first_of
from tests.tui.conftest import Clock, Desk, dashboard, fill

WIDE = (160, 50)
Servers = dict[str, Beanstalkd]


@pytest.fixture
def servers(beanstalkd: Beanstalkd) -> Iterator[Servers]:
    with Beanstalkd() as b, Beanstalkd() as c, Beanstalkd() as other:
        named = {"prod-a": beanstalkd, "prod-b": b, "prod-c": c, "other": other}
        configure(named)
        yield {name: server for name, server in named.items() if name != "other"}


def configure(named: Servers, **rules: str) -> None:
    lines = [f'[servers.{name}]\naddress = "{server.address}"\n{rules.get(name, "")}' for name, server in named.items()]
    Path(os.environ["BEANOPS_CONFIG"]).write_text("\n".join(lines))


def opened(session: Session, clock: Clock, **options: Any) -> Any:
    among = servers_of("prod-*")
    return dashboard(session, clock, WIDE, profile=among[0], among=among, **options)


def fill_all(servers: Servers) -> None:
    for n, server in enumerate(servers.values(), 1):
        with Client(server.address) as client:
            fill(client, "mail", *[b"x"] * (10 * n), bury=2 * n)


def buried(servers: Servers) -> list[int]:
    found = []
    for server in servers.values():
        with Client(server.address) as client:
            found.append(client.stats().current_jobs_buried)
    return found


async def select_mail(desk: Desk) -> None:
    await desk.press("/", *"mail", "enter", "*")


async def test_it_begins_with_all_tubes_of_these_servers(session: Session, clock: Clock, servers: Servers) -> None:
    fill_all(servers)
    async with opened(session, clock) as desk:
        painted = await desk.shows("6 tubes")
        assert desk.app.view.TITLE == "All tubes"
        assert "3 servers" in painted
        assert {row[0] for row in desk.rows("#all-tubes")} == {"prod-a", "prod-b", "prod-c"}
        await desk.press("s")
        assert [row[0] for row in desk.rows("#servers")] == ["prod-a", "prod-b", "prod-c"]
        assert "chosen servers" in await desk.painted()


async def test_a_verb_acts_on_the_selected_tubes_of_all_servers_and_is_undone_on_all(
    session: Session, clock: Clock, servers: Servers
) -> None:
    fill_all(servers)
    async with opened(session, clock) as desk:
        await desk.shows("6 tubes")
        await select_mail(desk)
        assert "3 selected" in desk.line("#status")
        await desk.press("k")
        painted = await desk.painted()
        assert "Kick 12 buried jobs of 3 tubes on 3 servers?" in painted
        assert all(f"{place} mail ({number})" in painted for place, number in zip(servers, (2, 4, 6), strict=True))
        await desk.press("y")
        await desk.shows("kick of 3 tubes: 12 done")
        assert buried(servers) == [0, 0, 0]
        with connect(session.address) as other:
            runs = other.journal.runs()
            assert runs["action"].tolist() == ["kick"]
        await desk.press("u")
        assert "Undo kick (12)?" in await desk.painted()
        await desk.press("y")
        await desk.shows("undo: 12 done on 3 servers")
        assert buried(servers) == [2, 4, 6]
        await desk.press("u")
        assert "nothing to undo" in desk.line("#status")


async def test_tubes_of_one_name_are_paused_where_they_are_selected(
    session: Session, clock: Clock, servers: Servers
) -> None:
    fill_all(servers)
    async with opened(session, clock) as desk:
        await desk.shows("6 tubes")
        desk.app.view.table.select(("prod-b", "mail"))
        await desk.settle()
        await desk.press("p", "enter")
        assert "Pause tube mail on server prod-b for 600 seconds?" in await desk.painted()
        await desk.press("y")
        await desk.shows("pause: 1 done")
    paused = []
    for server in servers.values():
        with Client(server.address) as client:
            paused.append(client.stats_tube("mail").pause)
    assert paused == [0, 600, 0]


async def test_a_frozen_and_a_dead_server_are_named_and_the_others_are_acted_on(
    session: Session, clock: Clock, servers: Servers
) -> None:
    fill_all(servers)
    async with opened(session, clock) as desk:
        desk.app.fleet()._dispatch.patience = 5.0
        await desk.shows("6 tubes")
        await select_mail(desk)
        await desk.press("k")
        await desk.shows("Kick 12 buried jobs")
        os.kill(servers["prod-b"].pid, signal.SIGSTOP)
        try:
            servers["prod-c"].stop()
            await desk.press("y")
            painted = await desk.shows("2 done")
            assert "2 not begun" in painted
            assert "prod-b" in painted
        finally:
            os.kill(servers["prod-b"].pid, signal.SIGCONT)
        clock.seconds += 2
        desk.app.tick()
        await desk.shows("prod-c LOST since")
        await desk.settle()
    assert buried({name: servers[name] for name in ("prod-a", "prod-b")}) == [0, 4]


async def test_a_server_that_was_restarted_under_the_question_is_left_alone(
    session: Session, clock: Clock, servers: Servers, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    fill_all(servers)
    async with opened(session, clock) as desk:
        await desk.shows("6 tubes")
        await select_mail(desk)
        await desk.press("k")
        await desk.shows("Kick 12 buried jobs")
        servers["prod-c"].stop()
        again = start_beanstalkd(port=servers["prod-c"].port)
        with Client(again.address) as client:
            fill(client, "mail", b"new", bury=1)
        await desk.press("y")
        painted = await desk.shows("6 done")
        assert "the server was restarted" in painted
        assert buried({"prod-c": again}) == [1]


async def test_the_strictest_server_says_what_is_typed(session: Session, clock: Clock, servers: Servers) -> None:
    configure(servers, **{"prod-b": 'confirm = "type-name"'})
    fill_all(servers)
    async with opened(session, clock) as desk:
        await desk.shows("6 tubes")
        await select_mail(desk)
        await desk.press("X", "enter")
        assert "Delete 12 buried jobs of 3 tubes on 3 servers?" in await desk.painted()
        await desk.press(*"prod-a", "enter")
        assert "Text does not match" in await desk.painted()
        await desk.press(*["backspace"] * 6, *"prod-b", "enter")
        await desk.shows("12 done")
    assert buried(servers) == [0, 0, 0]


async def test_a_read_only_server_is_named(session: Session, clock: Clock, servers: Servers) -> None:
    configure(servers, **{"prod-b": "read_only = true"})
    fill_all(servers)
    async with opened(session, clock) as desk:
        await desk.shows("6 tubes")
        await select_mail(desk)
        await desk.press("k", "y")
        await desk.shows("8 done, 1 not begun (tube prod-b mail: ")
    assert buried(servers) == [0, 4, 0]


def test_the_first_server_that_answers_is_shown_and_none_is_waited_for(servers: Servers) -> None:
    os.kill(servers["prod-a"].pid, signal.SIGSTOP)
    try:
        name, session = first_of(["prod-a", "prod-b"], lambda name: connect(name, read_timeout=30))
    finally:
        os.kill(servers["prod-a"].pid, signal.SIGCONT)
    with session:
        assert name == "prod-b"
    with pytest.raises(ConnectFailed, match=r"no server answers: 127\.0\.0\.1:1: .*; 127\.0\.0\.1:2: "):
        first_of(["127.0.0.1:1", "127.0.0.1:2"], connect)
