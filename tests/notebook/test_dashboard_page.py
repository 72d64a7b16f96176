"""The dashboard on a page: the card of the server, problems first, idle tubes in one row, and nothing empty."""

from __future__ import annotations

from typing import Any

from beanops.embedded.process import Beanstalkd
from beanops.session.session import Session
from tests.notebook.bare import BarePage, bare_page


def concern(bare: BarePage, place: str) -> Any:
    return bare.page.locator(".beanops-concern", has_text=place)


def test_a_press_on_a_problem_selects_its_tubes(browser: Any, server: Session) -> None:
    for number in range(4):
        server.put(b"x", tube=f"old-{number}")
    server.put_many([b"x"] * 3, tube="mail")
    server.bury([5, 6])
    with server.dashboard() as view, bare_page(browser, view) as bare:
        tile = bare.page.locator(".beanops-tile[data-state=buried] .beanops-tile-value")
        bare.until(lambda: tile.text_content() == "2")
        assert "▲ 2 warnings" in bare.page.locator(".beanops-verdict").text_content()
        concern(bare, "idle tubes").press("Enter")
        bare.until(lambda: len(view.tubes.selected) == 5)
        concern(bare, "2 jobs buried").click()
        bare.until(lambda: view.tubes.selected == ("mail",))
        bare.page.locator(".beanops-part-heads").get_by_text("Next jobs of mail").wait_for()
        bare.kill()
        bare.page.locator(".beanops-notlive").wait_for()
        assert concern(bare, "2 jobs buried").is_disabled()
        assert bare.page.locator(".beanops-card-state").text_content() == ""
        assert bare.errors == []


def test_nothing_that_is_empty_takes_room(browser: Any, server: Session) -> None:
    with server.dashboard() as view, bare_page(browser, view) as bare:
        bare.row(0, "default").wait_for()
        heads, log = (bare.page.locator(f".beanops-part-{name}") for name in ("heads", "log"))
        assert (heads.is_visible(), log.is_visible()) == (False, False)
        assert not bare.page.locator(".beanops-concern-list").is_visible()
        assert bare.page.locator(".beanops-verdict").text_content() == "✓ no problems"
        server.put(b"x", tube="mail")
        log.wait_for()
        bare.row(0, "mail").click()
        heads.wait_for()
        bare.row(0, "mail").click(modifiers=["Control"])
        heads.wait_for(state="hidden")
        bare.row(0, "default").click()
        heads.get_by_text("No next jobs in default").wait_for()
        assert not heads.locator(".beanops-view").is_visible()
        server.put(b"x", tube="default")
        heads.locator(".beanops-view").wait_for()


def test_a_lost_server_is_named_and_its_values_fade(browser: Any, server: Session, beanstalkd: Beanstalkd) -> None:
    server.put(b"x", tube="mail")
    with server.dashboard() as view, bare_page(browser, view) as bare:
        concern(bare, "mail").wait_for()
        beanstalkd.stop(kill=True)
        bare.page.locator(".beanops-card-state", has_text="lost: ").wait_for()
        assert bare.page.locator(".beanops-verdict").text_content() == "not known: the server does not answer"
        assert bare.keys(0) == ["mail", "default"]
        assert bare.errors == []


def test_problems_keep_their_place_under_the_pointer(browser: Any, server: Session) -> None:
    for tube in ("a", "b"):
        server.put(b"x", tube=tube)
        server.bury(server.put(b"y", tube=tube))
    with server.dashboard() as view, bare_page(browser, view) as bare:
        places = bare.page.locator("li:not(.beanops-gone) .beanops-concern-title")
        bare.until(lambda: places.all_text_contents().count("buried") == 2)
        bare.page.locator(".beanops-concern", has_text="buried").first.hover()
        server.drain("a", state="buried")
        bare.page.locator(".beanops-gone").wait_for()
        bare.page.locator(".beanops-view").first.hover()
        bare.page.locator(".beanops-gone").wait_for(state="detached")


def test_a_tube_with_a_long_name_keeps_the_page_in_its_width(browser: Any, server: Session) -> None:
    long = "x" * 200
    server.put(b"x", tube=long)
    with server.dashboard() as view, bare_page(browser, view, width=1400) as bare:
        bare.row(0, long).click()
        bare.page.locator(".beanops-part-heads").get_by_text(f"Next jobs of {long}").wait_for()
        assert bare.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
