"""The page without JupyterLab does what a notebook does, so that other tests may rely on it."""

from __future__ import annotations

from typing import Any

from beanops.notebook.widgets.table import Grid
from beanops.session.session import Session
from beanops.ui.columns.column import Column
from tests.notebook.bare import bare_page


def test_a_view_is_live(browser: Any, server: Session) -> None:
    server.put(b'{"user": 1}', tube="mail")
    with server.dashboard() as view, bare_page(browser, view) as bare:
        bare.row(0, "mail").click()
        bare.row(1, "1").click()
        bare.until(lambda: view.tubes.selected == ("mail",))
        bare.until(lambda: '"user": 1' in bare.grid(1).locator(".beanops-detail").text_content())
        bare.grid(1).locator("[data-action=bury]").click()
        bare.until(lambda: server.tube("mail").current_jobs_buried == 1)
        bare.row(2, "2").get_by_text("bury").wait_for()
        bare.picture("bare")
        assert bare.errors == []


def test_a_reload_shows_the_present_state_and_a_second_view_follows(browser: Any, server: Session) -> None:
    with server.dashboard() as view, bare_page(browser, view) as bare, bare_page(browser, view) as other:
        server.put(b"x", tube="mail")
        for page in (bare, other):
            page.row(0, "mail").wait_for()
        other.reload()
        other.row(0, "mail").wait_for()
        other.show(view)
        other.row(3, "mail").wait_for()
        other.remove(1)
        assert other.page.locator(".beanops").count() == 1
        view.close()
        for page in (bare, other):
            page.until(lambda page=page: page.page.locator(".beanops").count() == 0)
            assert page.errors == []


def test_a_dead_kernel_hears_and_says_nothing(browser: Any, server: Session) -> None:
    with server.dashboard() as view, bare_page(browser, view) as bare:
        bare.row(0, "default").wait_for()
        bare.kill("silent")
        server.put(b"x", tube="mail")
        with bare_page(browser, view) as other:
            other.row(0, "mail").wait_for()
        assert bare.keys(0) == ["default"]
        bare.revive()
        server.put(b"x", tube="later")  # the message that shows it the gap
        bare.row(0, "mail").wait_for()
        assert bare.errors == []


def test_the_network_is_an_error(browser: Any) -> None:
    with bare_page(browser) as bare:
        bare.page.evaluate("() => fetch('https://example.org/font.css').catch(() => null)")
        assert bare.errors == ["network: https://example.org/font.css"]


def test_a_part_needs_no_view(browser: Any) -> None:
    table = Grid("letters", [Column("letter", "letter", str)], noun="letter")
    with bare_page(browser, table) as bare:
        table.update({"a": ("a",), "b": ("b",)})
        bare.row(0, "b").click()
        bare.until(lambda: table.selected == ("b",))
        assert bare.errors == []
