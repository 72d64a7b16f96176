"""Alerts of the daemon: in the header, in a list that leads to their tubes, and with the bell."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session
from beanops.alerts.files import state_path
from beanops.alerts.state import SeenServer
from beanops.session.web_access import ROLES
from beanops.tui import app as app_module
from beanops.tui.app import Dashboard
from beanops.ui.alerts import AlertReader
from tests.alerts.saved import firing, saves
from tests.tui.conftest import START, Clock, dashboard, fill

WIDE = (160, 50)


def reading(clock: Clock, **options: Any) -> dict[str, Any]:
    return {"alerts": AlertReader(clock.now, **options)}


async def test_the_header_says_what_fires_and_for_how_long(session: Session, clock: Clock) -> None:
    here = str(session.address)
    late = START - timedelta(minutes=4)
    backlog = firing("backlog", here, "mail", severity="critical", since=late, values={"ready": "1,204"})
    saves(START, [firing("old jobs", here, "sms", since=START), backlog])
    async with dashboard(session, clock, **reading(clock)) as desk:
        assert desk.line("#alerts").startswith("2 alerts, 1 critical  backlog, mail, for 4m00s: ready 1,204")
        assert desk.line("#alerts").endswith("A shows all")
        assert "2 alerts, 1 critical" in await desk.painted()
        saves(clock.now())
        await desk.tick()
        assert "alerts" not in await desk.painted()


async def test_without_a_daemon_there_is_no_line_and_the_list_says_so(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock, WIDE, **reading(clock)) as desk:
        assert "alert" not in await desk.painted()
        await desk.press("A")
        assert "beanops alert has not run yet" in await desk.painted()
        saves(clock.now())
        await desk.tick()
        assert "no alerts firing" in await desk.painted()


async def test_a_daemon_that_has_ended_is_noticed(session: Session, clock: Clock) -> None:
    saves(START, [firing("backlog", str(session.address), "mail", since=START)])
    async with dashboard(session, clock, WIDE, **reading(clock)) as desk:
        assert "not running" not in desk.line("#alerts")
        await desk.tick(300)
        assert "beanops alert is not running" in desk.line("#alerts")
        await desk.press("A")
        assert "beanops alert is not running: alerts as of 5m00s ago" in desk.line("#title")
        saves(clock.now())
        await desk.tick(120)
        assert desk.line("#alerts") == "beanops alert is not running: alerts as of 2m00s ago"


async def test_the_list_leads_to_the_tube_and_to_the_problems(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    here = str(session.address)
    saves(
        START,
        [
            firing("backlog", here, "mail", severity="critical", since=START, summary="3 jobs", look_at="beanops x"),
            firing("problems", here, since=START),
        ],
        {"staging": SeenServer(START, "connection refused")},
    )
    async with dashboard(session, clock, WIDE, **reading(clock)) as desk:
        await desk.command("alerts")
        assert [row[:2] for row in desk.rows("#alert-list")] == [["critical", "backlog"], ["warning", "problems"]]
        assert "staging does not answer: connection refused" in desk.line("#title")
        await desk.tick(59)
        assert f"backlog  {here} mail, for 59s: 3 jobs" in desk.line("#about")
        assert "beanops x" in desk.line("#look")
        assert "2 alerts" in desk.line("#status")
        await desk.press("enter")
        assert "tube mail" in desk.line("#tube")
        await desk.press("A", "down", "enter")
        assert desk.app.view is not None
        assert desk.app.view.TITLE == "Problems"


async def test_alerts_of_other_servers_lead_there_and_are_nothing_for_visitors(
    session: Session, client: Client, clock: Clock
) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        f"[servers.here]\naddress = '{session.address}'\n[servers.other]\naddress = '127.0.0.1:1'\n"
    )
    saves(START, [firing("backlog", "here", "mail", since=START), firing("restarted", "other", since=START)])
    async with dashboard(session, clock, WIDE, **reading(clock)) as desk:
        assert desk.line("#alerts").startswith("1 alert  backlog")
        await desk.press("A")
        assert [row[1:3] for row in desk.rows("#alert-list")] == [["backlog", "here"], ["restarted", "other"]]
        assert "2 alerts, 1 on other servers" in desk.line("#status")
        await desk.press("down", "enter")
        assert "other" in desk.line("#status")
    async with dashboard(session, clock, WIDE, alone=True, **reading(clock, alone=True)) as desk:
        await desk.press("A")
        assert [row[1:3] for row in desk.rows("#alert-list")] == [["backlog", "here"]]


async def test_the_bell_rings_once_for_each_new_alert(
    session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[object] = []
    monkeypatch.setattr(Dashboard, "bell", lambda app: rung.append(app))
    here = str(session.address)
    old, new = firing("old", here, "a", since=START), firing("new", here, "b", since=START)
    quiet = firing("quiet", here, "c", since=START, silenced=True)
    saves(START, [old])
    async with dashboard(session, clock, bell=True, **reading(clock)) as desk:
        assert not rung  # it is on the screen already
        for alerts, rings in (([old, quiet], 0), ([old, new], 1), ([old, new], 1), ([new], 1), ([], 1)):
            saves(clock.now(), alerts)
            await desk.tick()
            assert len(rung) == rings
        again = firing("new", here, "b", since=clock.now())
        saves(clock.now(), [again])
        await desk.tick()
        assert len(rung) == 2
    async with dashboard(session, clock, **reading(clock)) as desk:
        saves(clock.now(), [again, old])
        await desk.tick()
        assert len(rung) == 2


@pytest.mark.parametrize(("config", "visitor", "rings"), [("", False, False), ("bell = true", False, True),
                                                          ("bell = true", True, False)])  # fmt: skip
def test_the_bell_is_an_option_of_the_configuration(
    session: Session, monkeypatch: pytest.MonkeyPatch, config: str, visitor: bool, rings: bool
) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(config)
    made: list[dict[str, Any]] = []

    class Made:
        return_code = 0

        def __init__(self, session: Session, **options: Any) -> None:
            made.append(options)

        def fit_colours(self) -> None: ...

        def run(self) -> None: ...

    monkeypatch.setattr(app_module, "Dashboard", Made)
    monkeypatch.setattr(app_module.sys, "setswitchinterval", lambda seconds: None)
    monkeypatch.setattr(app_module.gc, "set_threshold", lambda *numbers: None)
    app_module.run(str(session.address), visitor=ROLES["view"] if visitor else None)
    assert made[0]["bell"] is rings


async def test_a_damaged_state_file_is_reported_and_nothing_else_is_lost(session: Session, clock: Clock) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text("{")
    async with dashboard(session, clock, WIDE, **reading(clock)) as desk:
        assert desk.names() == ["default"]
        await desk.press("A")
        assert "is damaged" in desk.line("#title")
