"""How a view lives: what a notebook file keeps of it, and what happens when a later view takes its place."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import HBox

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.notebook.refresher import first_look
from beanops.notebook.views import base
from beanops.notebook.views.browser import BrowserView
from beanops.notebook.views.dashboard import DashboardView
from beanops.session.session import Session
from tests.notebook.bare import bare_page
from tests.notebook.pages import Page, Still
from tests.waits import until


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        for number in range(60):
            session.put(b'{"user": %d, "password": "hunter2", "note": "%s"}' % (number, b"x" * 500), tube="mail")
        session.put(b"y", tube="sms")
        yield session


def dashboard(session: Session) -> DashboardView:
    view = DashboardView(session, Still(), "dashboard")  # type: ignore[arg-type]
    view.show(first_look(session))
    return view


def saved(view: Any) -> dict[str, Any]:
    snapshot: dict[str, Any] = json.loads(json.dumps(view.widget.snapshot))
    return snapshot


def test_a_snapshot_has_what_a_page_gets_cut_and_without_secrets(session: Session) -> None:
    with session.browse("mail") as view:
        view.wait().select(7)
        assert "hunter2" in str(view.body.shown)
        view._repr_mimebundle_()
        rows, *lines = saved(view)["parts"]["jobs"]
        assert (rows["kind"], rows["seq"], len(rows["keys"]["list"]), rows["total"]) == ("rows", None, 50, 60)
        assert max(len(str(cell)) for column in rows["cells"] for cell in column["list"]) <= 200
        assert "detail" not in {line["line"] for line in lines}
        said = {line["line"]: line["text"] for line in saved(view)["parts"]["facets"] if line["kind"] == "say"}
        assert "complete: 60 found" in said["title"]
        text = json.dumps(view.get_state(), default=str)
        assert "hunter2" not in text
        assert "[redacted]" in text


def test_a_dashboard_keeps_charts_and_next_jobs_in_a_small_snapshot(session: Session) -> None:
    with dashboard(session) as view:
        view.select("mail")
        view._repr_mimebundle_()
        parts = saved(view)["parts"]
        assert parts["chart"]
        assert parts["heads"][0]["keys"]["list"] == ["1"]
        assert "hunter2" not in json.dumps(parts)
        assert len(json.dumps(parts)) < 8_000


def test_a_snapshot_is_taken_again_while_it_is_shown_and_when_it_is_closed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dashboard(session) as view:
        view.show(first_look(session))
        assert saved(view) == {}  # no notebook shows it
        view._repr_mimebundle_()
        before = saved(view)
        session.put(b"z", tube="billing")
        view.show(first_look(session))
        assert saved(view) == before
        monkeypatch.setattr(base, "SAVE_INTERVAL", 0.0)
        view.show(first_look(session))
        assert "billing" in saved(view)["parts"]["tubes"][0]["keys"]["list"]
        view.tubes.say("status", "the last words")
    assert "the last words" in json.dumps(view.widget.snapshot)


def test_a_notebook_gets_a_table_first_and_then_the_widget_alone(session: Session) -> None:
    shell = InteractiveShell.instance()
    try:
        outputs: list[dict[str, Any]] = []
        shell.display_pub.publish = lambda data, **_: outputs.append(data)  # type: ignore[method-assign]
        with dashboard(session) as view:
            shell.display_formatter.format(view)
            table, widget = outputs
            assert list(widget) == ["application/vnd.jupyter.widget-view+json"]
            assert f'class="beanops-static beanops-static-{view.widget.key}"' in table["text/html"]
            assert " · as of " in table["text/plain"].splitlines()[0]
            assert saved(view)["parts"]["tubes"][0]["keys"]["list"] == ["mail", "sms", "default"]
        shell.display_formatter.format(view)
        assert [*outputs[2]] == ["text/html", "text/plain"]  # a closed view is a table
    finally:
        InteractiveShell.clear_instance()


def test_a_later_view_says_so_in_the_earlier_one_which_can_go_on(session: Session) -> None:
    first = dashboard(session)
    first._repr_mimebundle_()
    page = Page(first.tubes)
    page.says("hello", page="1")
    second = dashboard(session)
    second._repr_mimebundle_()
    assert first.aside
    assert first.widget.aside.startswith("a later view of this name has taken over at ")
    assert not first.closed
    page.says("resume")
    assert (first.aside, second.aside) == (False, True)
    second.resume()
    assert (first.aside, second.aside) == (True, False)
    page.says("bye", page="1")  # its cell was run again
    assert (first.closed, second.closed) == (True, False)
    second.close()


def test_a_view_that_is_displayed_again_goes_on(session: Session) -> None:
    with dashboard(session) as first:
        first._repr_mimebundle_()
        with dashboard(session) as second:
            second._repr_mimebundle_()
            first._repr_mimebundle_()
            assert (first.aside, second.aside) == (False, True)


def test_views_stand_in_boxes_without_variables(session: Session) -> None:
    box = HBox([session.browse("mail"), session.browse("sms")])
    gc.collect()
    mail, sms = box.children
    assert isinstance(mail, BrowserView)
    assert isinstance(sms, BrowserView)
    assert box.get_state("children")["children"] == [f"IPY_MODEL_{view.widget.model_id}" for view in (mail, sms)]
    until(lambda: (len(mail.jobs.rows), len(sms.jobs.rows)) == (60, 1))
    assert saved(mail)["parts"]
    for view in (mail, sms, box):
        view.close()


def test_the_layout_of_a_view_is_that_of_its_widget(session: Session) -> None:
    with dashboard(session) as view:
        view.layout.width = "50%"
        assert view.widget.layout.width == "50%"


def test_a_view_whose_connection_the_front_end_closed_is_closed(session: Session) -> None:
    with dashboard(session) as view:
        view.widget.comm.close()
        view.show(first_look(session))
        assert view.closed


def test_its_state_can_be_set_as_a_page_does(session: Session) -> None:
    with dashboard(session) as view:
        view.set_state({"selected": {"tubes": {"keys": ["mail"], "focus": "mail"}}})
        assert view.tubes.selected == ("mail",)
        assert view.get_state()["selected"]["tubes"]["keys"] == ["mail"]


def test_a_page_says_that_a_view_stands_aside_and_resumes_it(browser: Any, session: Session) -> None:
    with session.dashboard() as first:
        first._repr_mimebundle_()
        with bare_page(browser, first) as bare:
            bare.row(0, "mail").click()
            with session.dashboard() as second:
                second._repr_mimebundle_()
                bare.page.get_by_text("a later view of this name has taken over").wait_for()
                assert bare.grid(0).locator("[data-action=pause]").is_disabled()
                session.put(b"x", tube="billing")
                bare.picture("aside")
                bare.page.get_by_role("button", name="Resume here").click()
                bare.row(0, "billing").wait_for()
                bare.until(lambda: bare.grid(0).locator("[data-action=pause]").is_enabled())
                assert bare.page.locator(".beanops-aside").is_hidden()
                assert (first.aside, second.aside) == (False, True)
                assert bare.errors == []


def test_views_beside_each_other_share_the_width(browser: Any, session: Session) -> None:
    with session.browse("mail") as mail, session.browse("sms") as sms:
        box = HBox([mail.wait(), sms.wait()])
        assert [child.layout.width for child in box.children] == ["100%", "100%"]
        with bare_page(browser, mail, sms, width=1600) as bare:
            bare.page.evaluate(
                """() => {
                  const places = [...document.querySelectorAll(".bare-output")];
                  places.forEach((place) => Object.assign(place.style, { width: "100%", minWidth: 0 }));
                  Object.assign(places[0].parentElement.style, { display: "flex" });
                  places[0].parentElement.classList.add("widget-hbox");
                }"""
            )
            views = bare.page.locator(".beanops")
            bare.until(lambda: views.count() == 2 and all(view.bounding_box()["width"] > 700 for view in views.all()))
            left, right = (view.bounding_box() for view in views.all())
            assert right["x"] - left["x"] - left["width"] == 24
            bare.picture("beside each other")
            assert bare.errors == []


def test_a_view_that_is_shown_twice_is_the_same_in_both_places(browser: Any, session: Session) -> None:
    with session.dashboard() as view, bare_page(browser, view, view, width=1600) as bare:
        for place in (0, 1):
            bare.page.locator(".beanops").nth(place).locator('[data-key="mail"]').first.wait_for()
        rows = bare.page.locator('.beanops-part-tubes [data-key="sms"]:not([hidden])')
        rows.nth(0).click()
        bare.until(lambda: rows.nth(1).get_attribute("aria-selected") == "true")
        rows.nth(1).click(modifiers=["Control"])
        bare.until(lambda: rows.nth(0).get_attribute("aria-selected") == "false")
        assert view.tubes.selected == ()
        assert bare.errors == []


def test_a_page_shows_the_snapshot_at_once(browser: Any, session: Session) -> None:
    with session.browse("mail") as view, bare_page(browser, view.wait()) as bare:
        view._repr_mimebundle_()
        bare.row(0, "60").wait_for()
        bare.reopen()
        bare.row(0, "60").wait_for()
        assert "[redacted]" in bare.row(0, "60").text_content()
        assert bare.grid(0).locator(".beanops-empty").is_hidden()
        assert bare.grid(0).locator(".beanops-total").text_content() == "50 of 60 jobs"
        bare.picture("snapshot")
        assert bare.errors == []


@pytest.mark.parametrize("reopened", [False, True])
def test_a_job_is_not_called_reserved_without_a_kernel(browser: Any, session: Session, reopened: bool) -> None:
    with session.reserve_widget("mail") as view, bare_page(browser, view) as bare:
        view._repr_mimebundle_()
        title = bare.grid(0).locator(".beanops-title")
        bare.until(lambda: title.text_content().startswith("job 1 of mail is reserved · "))
        assert title.get_attribute("data-tone") == "live"
        bare.reopen() if reopened else bare.kill()
        said = "job 1 of mail was reserved: the server releases it when its kernel ends"
        bare.until(lambda: title.text_content() == said)
        assert title.get_attribute("data-tone") == ""
        bare.picture(f"orphaned {reopened}")
        assert bare.errors == []
