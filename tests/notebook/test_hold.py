"""One job held in a notebook: its time left, and the ways out."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.notebook.holder import Holder
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.session import Session
from tests.notebook.pages import Page


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        session.put("mail", b'{"user": 1}', ttr=90, priority=7)
        session.put("mail", b'{"user": 2}', ttr=90)
        yield session


@pytest.fixture
def view(session: Session) -> Iterator[Holder]:
    with session.reserve_widget("mail") as view:
        yield view


def offered(page: Page) -> dict[str, str]:
    return {message["name"]: message["label"] for message in page.heard if message["kind"] == "offer"}


def test_it_holds_a_job_and_tells_its_time_left(view: Holder, session: Session) -> None:
    assert session.tube("mail").current_jobs_reserved == 1
    assert re.fullmatch("job 1 of mail is held · (90|89) s left, touched by itself", view.job.said("title"))
    assert view.job.said("detail") == '{\n  "user": 1\n}'
    assert view.job.rows["1"][:4] == ("reserved", "1", "mail", 0)


@pytest.mark.parametrize(("verb", "state"), [("release", "ready"), ("bury", "buried"), ("delete", None)])
@pytest.mark.parametrize("by", ["method", "button"])
def test_the_ways_out_then_the_next(view: Holder, session: Session, verb: str, state: str | None, by: str) -> None:
    page = Page(view.job)
    page.says("hello")
    assert offered(page)["touch"] == "Touch"
    if by == "method":
        assert getattr(view, verb)().complete
    else:
        page.clicks(verb, "1", clicked=time.monotonic())
        view.wait()
    (found,) = session.jobs_by_id([1])
    assert (found.stats.state if found else None) == state
    assert view.status == f"{verb}: 1 done"
    assert view.job.said("title") == "no job of mail is held"
    assert (offered(page)["touch"], offered(page)["reserve"]) == ("", "Reserve the next of mail")
    with pytest.raises(UsageError, match="it holds no job"):
        view.touch()
    page.clicks("reserve", clicked=time.monotonic())
    assert view.reservation is not None
    assert view.reservation.id == (1 if verb == "release" else 2)


def test_a_touch_starts_its_time_anew(view: Holder) -> None:
    assert view.reservation is not None
    view.reservation._touched -= 60
    assert 28 < view.reservation.time_left < 30
    Page(view.job).clicks("touch", "1", clicked=time.monotonic())
    view.wait()
    assert view.reservation.time_left > 89
    assert " is held · 90 s left" in view.job.said("title")


def test_a_click_for_a_job_that_it_no_longer_holds_does_nothing(view: Holder, session: Session) -> None:
    view.release()
    view.reserve()
    Page(view.job).clicks("delete", "5", clicked=time.monotonic())
    view.wait()
    assert session.tube("mail").cmd_delete == 0


def test_closing_gives_the_job_back_with_its_own_priority(session: Session) -> None:
    session.reserve_widget("mail").close()
    assert session.job(1).stats[2:4] == ("ready", 7)


def test_a_tube_without_a_ready_job_is_said_and_one_that_does_not_exist_raised(session: Session) -> None:
    session.bury([1, 2])
    with session.reserve_widget("mail") as view:
        assert view.status == "no job of mail is ready"
        session.kick(2)
        view.reserve()
        assert view.held
    with pytest.raises(NotFound):
        session.reserve_widget("nowhere")
