"""The pages in a real browser: keyboard focus, a phone, the end page, no link outside."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from tests.needs import chromium, missing
from tests.tui.conftest import fill
from tests.tui.web.serving import configure, web
from tests.waits import PATIENCE

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Tab:
    """A page, and what its terminal was given to draw, which is on a canvas."""

    def __init__(self, browser: Any, url: str, name: str = "", **how: Any) -> None:
        credentials = {"username": name, "password": f"{name}1"} if name else None
        self.context = browser.new_context(
            **{"viewport": {"width": 1100, "height": 700}, "http_credentials": credentials, **how}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.url, self.asked, self.faults = url, list[str](), list[str]()
        self._drawn = bytearray()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("websocket", lambda one: one.on("framereceived", self._receive))
        self.page.goto(url)

    def _receive(self, frame: str | bytes) -> None:
        self._drawn.extend(frame if isinstance(frame, bytes) else frame.encode())

    def shows(self, text: str, pressing: str = "") -> str:
        """Wait until a text was drawn since the last call, pressing a key; return everything that was."""
        give_up, again = time.monotonic() + PATIENCE, 0.0
        while text not in (seen := re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._drawn.decode(errors="replace"))):
            assert time.monotonic() < give_up, f"{text!r} is not shown, but {seen[-5000:]}"
            if pressing and time.monotonic() > again:
                self.press(pressing)
                again = time.monotonic() + 2
            self.page.wait_for_timeout(50)
        self._drawn.clear()
        return seen

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tap(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).tap()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = chromium() or missing("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE * 1000)
        yield browser
        browser.close()


@pytest.fixture
def address(beanstalkd: Beanstalkd, client: Client) -> str:
    for tube in ("billing", "mail"):
        fill(client, tube, b"x", bury=1)
    return beanstalkd.address


def test_keys_work_on_load_without_a_click_and_a_file_is_downloaded(browser: Any, address: str, tmp_path: Path) -> None:
    with web(address, tmp_path / "tui.json") as (url, *_):
        tab = Tab(browser, url)
        assert "READ-ONLY" in tab.shows("billing")
        tab.page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
        tab.press("Enter")
        assert "Delete" not in tab.shows("tube billing")
        with tab.page.expect_download() as download:
            tab.press("Enter")
            tab.shows("› job 1")
            # The screen has its keys before it has the body: until then the key says so.
            tab.shows("to the browser", pressing="Y")
        assert download.value.suggested_filename == "job-1.txt"
        assert Path(download.value.path()).read_bytes() == b"x"
        assert all(one.startswith((url, url.replace("http", "ws"), "blob:", "data:")) for one in tab.asked)
        assert tab.faults == []


def test_no_page_leads_outside(browser: Any, address: str, tmp_path: Path) -> None:
    with web(address, tmp_path / "tui.json") as (url, *_):
        tab = Tab(browser, url)
        tab.shows("billing")
        for page in (tab.page, Tab(browser, f"{url}/nothing").page):
            links = page.eval_on_selector_all("[href], [src]", "all => all.map(one => one.href || one.src)")
            assert links
            assert all(link.startswith(url) for link in links)
            assert page.get_attribute("meta[name=viewport]", "content").startswith("width=device-width")
        assert tab.page.evaluate("window.open('http://evil.example/')") is None
        assert "evil.example" not in tab.page.url
        policy = tab.page.request.get(url).headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy


def test_a_phone_goes_to_a_tube_and_back_by_buttons(browser: Any, address: str, tmp_path: Path) -> None:
    with web(address, tmp_path / "tui.json") as (url, *_):
        tab = Tab(browser, url, **PHONE)
        tab.shows("mail")
        tab.tap("Open")
        tab.shows("tube billing")
        tab.tap("‹ Back")
        tab.shows("mail")
        tab.tap("?")
        tab.shows("Keys")
        wide = tab.page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390
        for button in tab.page.get_by_role("button").all():
            box = button.bounding_box()
            if box is not None:
                assert min(box["width"], box["height"]) >= 44
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 390
                assert box["y"] + box["height"] <= 844
        tab.page.set_viewport_size({"width": 844, "height": 390})
        held_sideways = tab.page.locator("#terminal").bounding_box()
        assert held_sideways is not None
        assert held_sideways["height"] > 300
        # The keyboard of the phone comes when it is asked for, not with each tap.
        assert tab.page.get_attribute("textarea", "inputmode") == "none"
        tab.tap("Keyboard")
        assert tab.page.get_attribute("textarea", "inputmode") == "text"


def test_the_end_has_a_page_that_starts_again(browser: Any, address: str, tmp_path: Path) -> None:
    with web(address, tmp_path / "tui.json") as (url, *_):
        tab = Tab(browser, url)
        tab.shows("billing")
        tab.page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
        tab.press("q")
        tab.page.get_by_text("The dashboard was closed.").wait_for()
        tab.press("Enter")  # the button has the keyboard
        tab.shows("billing")


def test_two_visitors_have_their_own_roles_and_a_third_has_to_wait(
    browser: Any, address: str, tmp_path: Path, session: Session
) -> None:
    configure()
    with web(address, tmp_path / "tui.json", "--max-visitors", "2") as (url, *_):
        ann, eve = Tab(browser, url, "ann"), Tab(browser, url, "eve")
        assert "ann, admin" in ann.shows("billing")
        seen = eve.shows("billing")
        assert "eve, view" in seen
        assert "READ-ONLY" in seen
        third = Tab(browser, url, "bob")
        assert "2 visitors are connected" in third.page.inner_text("main")
        eve.context.close()
        assert "bob, operate" in third.shows("billing")
        for tab, to in ((ann, "Home"), (third, "ArrowDown")):
            tab.page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
            tab.press(to, "p")
            tab.shows("For")
            tab.press("Enter")
            tab.shows("y yes")
            tab.press("y")
            tab.shows("1 done")
    runs = session.journal.runs()
    assert sorted(zip(runs["actor"], runs["action"], strict=True)) == [
        ("ann", "pause"),
        ("bob", "pause"),
    ]
    assert set(runs["source"]) == {"web"}


def test_a_wrong_password_gets_a_page_of_ours(browser: Any, address: str, tmp_path: Path) -> None:
    configure()
    with web(address, tmp_path / "tui.json") as (url, lines, _):
        tab = Tab(browser, url, http_credentials={"username": "ann", "password": "no"})
        assert "Wrong name or password" in tab.page.inner_text("main")
    assert lines[1:] == ["beanops web: wrong name or password from 127.0.0.1, as ann"]
