"""Logging in: by password, by a trusted proxy, by a ticket; what is wrong is limited, and says nothing of use."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from multidict import CIMultiDict

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.session.web_access import ROLES, WebAccess
from beanops.tui.web.login import TICKET, WINDOW, WRONG, FailedLogins, Login, NoEntry, Tickets, WebVisitor
from beanops.tui.web.passwords import hash_password, is_right
from tests.tui.conftest import Clock, dashboard, fill
from tests.tui.web.serving import KNOWN, PEOPLE, behind, served

ANN = WebVisitor("ann", ROLES["admin"])


def basic(name: str, password: str, **more: str) -> CIMultiDict[str]:
    return CIMultiDict({"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"} | more)


async def test_a_password_lets_in_and_a_wrong_one_does_not() -> None:
    login = Login(KNOWN)
    for _ in range(2):  # the second time it is remembered
        assert await login.identify("10.0.0.1", basic("ann", "ann1")) == ANN
    for headers in (
        basic("ann", "ann2"), basic("ann", ""), basic("zoe", "ann1"), basic("", ""), basic("bob", "ann1"),
        CIMultiDict({"Authorization": "Basic ???"}), CIMultiDict({"Authorization": "Bearer ann1"}),
    ):  # fmt: skip
        wrong = await login.identify("10.0.0.1", headers)
        assert wrong == NoEntry(401, "Wrong name or password.", asks=True)
    missing = await login.identify("10.0.0.1", CIMultiDict())
    assert isinstance(missing, NoEntry)
    assert (missing.status, missing.asks) == (401, True)


def test_a_hash_has_a_salt_and_a_broken_one_lets_nobody_in() -> None:
    assert hash_password("x") != hash_password("x")
    assert is_right("ÿ".encode(), hash_password("ÿ"))
    for hashed in (
        "",
        "x",
        "scrypt$0$8$5$" + "A" * 24 + "$" + "A" * 44,
        "scrypt$99999999$99$99$" + "A" * 24 + "$" + "A" * 44,
    ):
        assert not is_right(b"x", hashed)


async def test_wrong_passwords_are_limited_by_address_until_time_has_passed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = Login(KNOWN, clock=clock)
    monkeypatch.setattr("beanops.tui.web.passwords.is_right", lambda password, hashed: password == b"ann1")
    for number in range(WRONG):
        for _ in range(3):  # a page has other files: they do not count
            assert isinstance(await login.identify("10.0.0.1", basic("ann", str(number))), NoEntry)
    limited = await login.identify("10.0.0.1", basic("ann", "ann1"))
    assert isinstance(limited, NoEntry)
    assert (limited.status, limited.wait) == (429, int(WINDOW) + 1)
    assert await login.identify("10.0.0.2", basic("ann", "ann1")) == ANN
    clock.seconds += WINDOW
    assert await login.identify("10.0.0.1", basic("ann", "ann1")) == ANN


async def test_behind_a_proxy_the_last_forwarded_address_is_limited(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = Login(WebAccess(PEOPLE, behind("10.0.0.0/8", header="")), clock=clock)
    monkeypatch.setattr("beanops.tui.web.passwords.is_right", lambda password, hashed: password == b"ann1")
    for number in range(WRONG):
        forged = basic("ann", f"no{number}", **{"X-Forwarded-For": f"1.1.1.{number}, 192.0.2.1"})
        await login.identify("10.0.0.1", forged)
    other = basic("ann", "ann1", **{"X-Forwarded-For": "1.1.1.1, 192.0.2.2"})
    assert await login.identify("10.0.0.1", other) == ANN
    same = basic("ann", "ann1", **{"X-Forwarded-For": "192.0.2.1"})
    assert isinstance(await login.identify("10.0.0.1", same), NoEntry)


def test_the_count_of_wrong_passwords_stays_small(clock: Clock) -> None:
    failed = FailedLogins(clock)
    for number in range(12_000):
        failed.add(str(number))
    assert len(failed._times) <= 10_000


async def test_a_header_is_believed_from_the_proxy_alone() -> None:
    login = Login(WebAccess(PEOPLE, behind("10.0.0.5")))
    name = CIMultiDict({"X-Forwarded-User": "ann"})
    assert await login.identify("10.0.0.5", name) == ANN
    for address in ("10.0.0.6", "", "unknown"):
        assert isinstance(await login.identify(address, name), NoEntry)
    twice = CIMultiDict([("X-Forwarded-User", "ann"), ("X-Forwarded-User", "bob")])
    for headers, status in (
        (twice, 400),
        (CIMultiDict({"X-Forwarded-User": ""}), 400),
        (CIMultiDict({"X-Forwarded-User": "a" * 65}), 400),
        (CIMultiDict({"X-Forwarded-User": "a\x1b[2J"}), 400),
        (CIMultiDict({"X-Forwarded-User": "zoe"}), 403),  # known to the proxy, and without a role here
    ):
        found = await login.identify("10.0.0.5", headers)
        assert isinstance(found, NoEntry)
        assert found.status == status
    assert await Login(WebAccess(proxy=behind("::1", role="operate"))).identify(
        "::1", CIMultiDict({"X-Forwarded-User": "zoë"})
    ) == WebVisitor("zoë", ROLES["operate"])


async def test_without_login_everybody_has_one_role_and_read_only_binds_all() -> None:
    assert await Login(WebAccess()).identify("x", CIMultiDict()) == WebVisitor("", ROLES["view"])
    found = await Login(KNOWN, read_only=True).identify("x", basic("ann", "ann1"))
    assert found == WebVisitor("ann", ROLES["view"])


def test_a_ticket_is_good_once_and_for_a_while(clock: Clock) -> None:
    tickets = Tickets(clock)
    first, second = tickets.issue(ANN), tickets.issue(ANN)
    assert tickets.use(first) == ANN
    assert tickets.use(first) is None
    assert tickets.use("") is None
    clock.seconds += TICKET
    assert tickets.use(second) is None
    for _ in range(1100):
        tickets.issue(ANN)
    assert len(tickets._known) <= 1000


async def test_nothing_is_served_without_a_password(beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd, access=KNOWN) as (url, _), ClientSession() as browser:
        for path in ("/", "/static/js/textual.js", "/page/page.js", "/download/x", "/nothing"):
            for headers in (CIMultiDict(), basic("ann", "wrong")):
                async with browser.get(url + path, headers=headers) as answer:
                    assert (answer.status, path) == (401, path)
                    assert answer.headers["WWW-Authenticate"] == 'Basic realm="beanops", charset="UTF-8"'
                    assert beanstalkd.address not in await answer.text()
        for headers in ({}, {"X-Forwarded-User": "ann"}):
            with pytest.raises(WSServerHandshakeError, match="401"):
                await browser.ws_connect(f"{url}/ws", origin=url, headers=headers)
            with pytest.raises(WSServerHandshakeError, match="401"):
                await browser.ws_connect(f"{url}/ws?ticket=x", origin=url, headers=headers)


async def test_the_ticket_of_a_page_opens_one_websocket(beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd, access=KNOWN) as (url, _), ClientSession() as browser:
        async with browser.get(url, headers=basic("ann", "ann1")) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            page = await answer.text()
        (ticket,) = re.findall('data-ticket="([^"]+)"', page)
        async with browser.ws_connect(f"{url}/ws?ticket={ticket}", origin=url):
            pass
        with pytest.raises(WSServerHandshakeError, match="401"):
            await browser.ws_connect(f"{url}/ws?ticket={ticket}", origin=url)


@pytest.mark.parametrize("role", ["view", "operate"])
async def test_no_key_and_no_command_does_what_the_role_does_not_allow(
    role: str, beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b"x"] * 3, bury=2)
    from beanops import connect

    allowed = ROLES[role]
    with connect(beanstalkd.address, source="web", actor="eve", read_only=allowed.read_only) as session:
        session._context.denied = allowed.denied
        how: dict[str, Any] = {"alone": True, "signed_in": f"eve, {role}", "read_only": allowed.read_only}
        async with dashboard(session, clock, size=(110, 30), **how) as desk:
            assert f"eve, {role}" in await desk.painted()
            why = "read-only" if allowed.read_only else "your role does not allow it"
            await desk.press("X")
            assert why in desk.line("#status")
            await desk.press("enter", "D")
            assert why in desk.line("#status")
            for command in ("delete", "drain", "drain mail buried", "delete mail"):
                await desk.command(command)
                await desk.press("y", "enter", "escape", "escape")
        assert session.tube("mail").current_jobs_ready + session.tube("mail").current_jobs_buried == 3
        assert not [row for row in session._context.runs if row.action in ("delete", "drain")]


async def test_the_journal_names_the_visitor(beanstalkd: Beanstalkd, client: Client, session: Session) -> None:
    from tests.tui.web.test_server import drawn

    fill(client, "mail", b"x", bury=1)
    async with served(beanstalkd, access=KNOWN, read_only=False) as (url, browser):
        headers = basic("bob", "bob1")
        async with browser.ws_connect(f"{url}/ws?width=100&height=30", origin=url, headers=headers) as visit:
            assert "bob, operate" in await drawn(visit, "mail")
            await visit.send_json(["stdin", "p"])
            await drawn(visit, "Pause")
            await visit.send_json(["stdin", "\r"])
            await drawn(visit, "yes")
            await visit.send_json(["stdin", "y"])
            await drawn(visit, "1 done")
    (run,) = session.journal.runs()[["actor", "source", "action"]].itertuples(index=False)
    assert tuple(run) == ("bob", "web", "pause")
