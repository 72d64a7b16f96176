"""An edit in a notebook: its difference before anything is sent, then the edit, its undo, and its page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import beanops
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.notebook.views.editing import EditView
from beanops.protocol.errors import UsageError
from beanops.session.session import Session
from tests.cli.conftest import bury
from tests.notebook.bare import bare_page
from tests.notebook.pages import Page

Views = Callable[..., EditView]


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address, redact=["password"]) as session, Client(beanstalkd.address) as client:
        bodies = [{"customer": customer, "password": "hunter2"} for customer in (1, 2, 7)]
        bury(client, "mail", *(json.dumps(body).encode() for body in bodies), b"no json")
        yield session


@pytest.fixture
def views(session: Session) -> Iterator[Views]:
    opened: list[EditView] = []

    def open_view(jobs: Any = "mail", changes: Any = None, **options: Any) -> EditView:
        view = session.edit_widget(jobs, {"$.customer": 7} if changes is None else changes, **options)
        opened.append(view)
        view.wait()
        return view

    yield open_view
    for view in opened:
        view.close()


def customers(session: Session) -> list[Any]:
    with Client(session.address) as client:
        bodies = [client.peek(id).body for id in session.jobs("mail").id]
    return sorted(json.loads(body)["customer"] for body in bodies if body.startswith(b"{"))


def test_the_difference_is_shown_before_anything_is_sent(views: Views, session: Session) -> None:
    view = views()
    assert view.title == "edit of tube mail · 2 jobs to change, nothing is sent yet"
    shown = view.diffs.shown
    assert [count[:2] for count in shown["counts"]] == [
        ["to change", 2],
        ["unchanged", 1],
        ["skipped", 1],
        ["failed", 0],
    ]
    ((why, times, first),) = shown["reasons"]
    assert (times, first) == (1, "job 4")
    assert why
    one = shown["jobs"][0]
    assert (one["id"], one["where"], one["changes"]) == ("1", "buried in mail", [])
    assert '-  "customer": 1,' in one["lines"]
    assert '+  "customer": 7,' in one["lines"]
    assert "hunter2" not in json.dumps([shown, view.diffs.snapshot(), view._repr_mimebundle_()])
    assert view.diffs.offers == {"edit": "Edit 2 jobs", "look": "Look again"}
    assert customers(session) == [1, 2, 7]


def test_a_file_keeps_no_secret_that_a_session_shows(session: Session) -> None:
    with beanops.connect(session.address) as other:
        view = other.edit_widget("mail", {"$.customer": 7, "$.password": "geheim"})
        view.wait()
        assert "hunter2" in json.dumps(view.diffs.shown)
        saved = json.dumps([view.diffs.snapshot(), view._repr_mimebundle_()])
        assert '+  \\"customer\\": 7,' in saved
        assert "only hidden values differ" in saved
        assert "hunter2" not in saved
        assert "geheim" not in saved
        view.close()


def test_it_edits_what_was_shown_and_undo_brings_it_back(views: Views, session: Session) -> None:
    view = views()
    with Client(session.address) as client:
        bury(client, "mail", b'{"customer": 3}')
    run = view.edit()
    assert (run.done, run.skipped) == (2, 0)
    assert customers(session) == [3, 7, 7, 7], "a job that came later stays as it is"
    assert view.status.startswith("edit: 2 done")
    assert [count[:2] for count in view.diffs.shown["counts"]][:2] == [["changed", 2], ["unchanged", 1]]
    assert view.diffs.offers.keys() == {"undo", "look"}
    view.undo()
    assert customers(session) == [1, 2, 3, 7]
    with pytest.raises(UsageError, match="look again"):
        view.edit()
    view.look_again()
    view.wait()
    assert view.plan is not None
    assert view.plan.done == 3


def test_a_click_for_an_earlier_look_is_rejected(views: Views, session: Session) -> None:
    view = views()
    page = Page(view.diffs)
    view.look_again()
    view.wait()
    page.clicks("edit", "look 1", clicked=time.monotonic())
    assert view.status == "edit was refused: it was for an earlier look"
    page.clicks("edit", "look 2", clicked=time.monotonic())
    view.wait()
    assert customers(session) == [7, 7, 7]


def test_many_jobs_need_their_number(views: Views, session: Session) -> None:
    with Client(session.address) as client:
        bury(client, "mail", *[b'{"customer": 3}'] * 100)
    view = views()
    page = Page(view.diffs)
    page.clicks("edit", "look 1", clicked=time.monotonic(), typed="12")
    assert view.status == "edit was refused: type 102 to confirm"
    assert view.diffs.shown["more"] == 92
    (saved, *_) = view.diffs.snapshot()
    assert (len(saved["jobs"]), saved["more"]) == (3, 99)
    page.clicks("edit", "look 1", clicked=time.monotonic(), typed="102")
    view.wait()
    assert set(customers(session)) == {7}


def test_settings_are_named_and_a_kick_alone_keeps_the_jobs(views: Views) -> None:
    view = views([1], {}, priority=5, to="other", kick=True)
    (job,) = view.diffs.shown["jobs"]
    assert job["changes"][:2] == ["state buried → ready", "tube mail → other"]
    assert job["lines"] == []
    (job,) = views([1], {}, kick=True, name="kick").diffs.shown["jobs"]
    assert job["kicked"]


def test_what_cannot_be_edited_says_why(views: Views, session: Session) -> None:
    with pytest.raises(UsageError, match="nothing to change"):
        session.edit_widget("mail")
    with pytest.raises(UsageError, match="takes no dry_run"):
        session.edit_widget("mail", {"$.a": 1}, dry_run=True)
    view = views([999])
    assert view.title == "edit of the given jobs · nothing to change"
    assert view.diffs.shown["reasons"] == [["it does not exist", 1, "job 999"]]
    with pytest.raises(UsageError, match="nothing to edit"):
        view.edit()
    with beanops.connect(session.address, read_only=True) as looking, pytest.raises(Refused, match="read-only"):
        looking.edit_widget("mail", {"$.a": 1})


def test_its_page_shows_the_difference_and_edits(browser: Any, views: Views, session: Session) -> None:
    view = views()
    with bare_page(browser, view) as page:
        line = page.page.locator(".beanops-diff-new").first
        assert (line.text_content() or "").strip() == '+  "customer": 7,'
        edit = page.page.locator("[data-action=edit]")
        edit.click()
        assert edit.text_content() == "Edit 2 jobs: sure?"
        assert customers(session) == [1, 2, 7]
        edit.click()
        page.page.locator(".beanops-status", has_text="edit: 2 done").wait_for()
        page.page.locator("[data-action=undo]:visible").click()
        page.page.locator(".beanops-status", has_text="undo: 2 done").wait_for()
        assert customers(session) == [1, 2, 7]
        view._repr_mimebundle_()
        page.kill("throws")
        page.page.locator(".beanops-dead").wait_for()
        assert page.page.locator("[data-action=look]").is_disabled()
        page.reopen()
        line.wait_for()
        assert page.errors == []
