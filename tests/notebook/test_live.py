"""A view that no kernel answers says so, and works again as soon as one does."""

from __future__ import annotations

from typing import Any

import pytest

from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.table import Grid
from beanops.session.session import Session
from beanops.ui.columns.column import Column
from tests.notebook.bare import BarePage, Death, bare_page


def not_live(bare: BarePage) -> Any:
    return bare.page.locator(".beanops-notlive")


@pytest.mark.parametrize("death", ["hung", "silent", "throws"])
def test_a_dead_kernel_is_told_and_a_living_one_is_heard_again(browser: Any, server: Session, death: Death) -> None:
    server.put(b"x", tube="mail")
    with server.dashboard() as view, bare_page(browser, view) as bare:
        bare.row(0, "mail").wait_for()
        assert not_live(bare).is_hidden()
        bare.kill(death)
        if death == "throws":
            bare.row(0, "mail").click()
        not_live(bare).wait_for()
        assert "not live as of " in not_live(bare).text_content()
        bare.row(0, "default").click()
        assert bare.row(0, "default").get_attribute("aria-selected") == "true"
        bare.grid(0).locator(".beanops-filter").fill("mail")
        bare.until(lambda: bare.keys(0) == ["mail"])
        bare.picture(f"dead {death}")

        server.put(b"x", tube="later")
        bare.revive()
        not_live(bare).wait_for(state="hidden")
        bare.grid(0).locator(".beanops-filter").fill("")
        bare.row(0, "later").wait_for()
        bare.row(0, "later").click()
        bare.until(lambda: view.tubes.selected == ("later",))
        assert bare.errors == []


def test_a_file_opened_without_a_kernel_is_not_live(browser: Any, server: Session) -> None:
    with server.dashboard() as view, bare_page(browser, view) as bare:
        bare.row(0, "default").wait_for()
        bare.reopen()
        not_live(bare).wait_for()
        assert "run the cell to make it live" in not_live(bare).text_content()
        assert bare.errors == []


def test_python_answers_pings_and_shows_that_it_lives_only_where_it_said_nothing_else() -> None:
    table = Grid("letters", [Column("letter", "letter", str)], noun="letter")
    root, said = Root("part", [table]), list[str]()
    root.widget.send = lambda message, _: said.append(message["kind"])
    root._receive(None, {"kind": "ping"}, [])
    assert said == ["pong"]
    root.show_life()
    root.show_life()
    assert said == ["pong", "alive"]
    table.say("title", "letters")
    root.show_life()
    assert said == ["pong", "alive", "say"]
    root.close()
