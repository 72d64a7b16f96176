"""One reserved job in a notebook: its time left, and its buttons."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterator

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.notebook.refresher import Tick, Watched
from beanops.notebook.views import reservation
from beanops.notebook.views.reservation import ReservationView
from beanops.protocol.errors import ConnectionLost, NotFound, UsageError
from beanops.session.execution.run import Run
from beanops.session.lookups import Lookups
from beanops.session.session import Session
from beanops.ui.poller import Live
from tests.notebook.pages import Page, Still
from tests.waits import until


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give reservations a clock that the test moves."""
    now = [1000.0]
    monkeypatch.setattr("beanops.session.reservation.monotonic", lambda: now[0])
    return now


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        session.put(b'{"user": 1}', tube="mail", ttr=90, priority=7)
        session.put(b'{"user": 2}', tube="mail", ttr=90)
        yield session


@pytest.fixture
def view(session: Session, now: list[float]) -> Iterator[ReservationView]:
    with ReservationView(session, Still(), "reserve mail", "mail") as view:  # type: ignore[arg-type]
        yield view


def offered(page: Page) -> dict[str, str]:
    return {message["name"]: message["label"] for message in page.heard if message["kind"] == "offer"}


def test_a_touch_is_not_offered_to_be_undone(view: ReservationView) -> None:
    view.touch()
    assert view.status.startswith("touch: 1 done")
    assert "undo" not in view.job._bar.offers
    view.bury()
    assert view.job._bar.offers["undo"][0] == "Undo bury (1)"


def test_it_reserves_a_job_and_shows_its_time_left(view: ReservationView, session: Session) -> None:
    assert session.tube("mail").current_jobs_reserved == 1
    assert view.reservation is not None
    left = view.reservation.time_left
    assert left in (89, 90)  # the server says whole seconds
    assert view.job.said("title") == f"job 1 of mail is reserved · {left:.0f} s left, touched automatically"
    assert view.job.said("detail") == '{\n  "user": 1\n}'
    assert view.job.rows["1"][:4] == ("reserved", "1", "mail", 0)


@pytest.mark.parametrize(("verb", "state"), [("release", "ready"), ("bury", "buried"), ("delete", None)])
@pytest.mark.parametrize("by", ["method", "button"])
def test_each_button_then_the_next_job(
    view: ReservationView, session: Session, verb: str, state: str | None, by: str
) -> None:
    page = Page(view.job)
    page.says("hello")
    assert offered(page)["touch"] == "Touch"
    if by == "method":
        assert getattr(view, verb)().complete
    else:
        page.clicks(verb, "1", clicked=time.monotonic())
        view.wait()
    (found,) = session._lookups.jobs_by_id([1])
    assert (found.stats.state if found else None) == state
    assert view.status == f"{verb}: 1 done"
    assert view.job.said("title") == "no job of mail is reserved"
    assert (offered(page)["touch"], offered(page)["reserve"]) == ("", "Reserve the next of mail")
    with pytest.raises(UsageError, match="no job is reserved"):
        view.touch()
    page.clicks("reserve", clicked=time.monotonic())
    assert view.reservation is not None
    assert view.reservation.id == (1 if verb == "release" else 2)


def test_a_touch_restarts_its_time(view: ReservationView, now: list[float]) -> None:
    assert view.reservation is not None
    left = view.reservation.time_left
    now[0] += 60
    assert view.reservation.time_left == left - 60
    Page(view.job).clicks("touch", "1", clicked=time.monotonic())
    view.wait()
    assert view.reservation.time_left == 90
    assert " is reserved · 90 s left" in view.job.said("title")


def test_a_click_for_a_job_that_is_no_longer_reserved_does_nothing(view: ReservationView, session: Session) -> None:
    view.release()
    view.reserve()
    Page(view.job).clicks("delete", "5", clicked=time.monotonic())
    view.wait()
    assert session.tube("mail").cmd_delete == 0


def test_closing_releases_the_job_with_its_own_priority(session: Session) -> None:
    session.reserve_widget("mail").close()
    assert session.job(1).stats[2:4] == ("ready", 7)


def test_a_tube_without_a_ready_job_is_reported_and_a_missing_one_raises(session: Session) -> None:
    session.bury([1, 2])
    with session.reserve_widget("mail") as view:
        assert view.status == "no job of mail is ready"
        session.pause("mail", 60)
        view.reserve()
        assert re.fullmatch("mail is paused for another (60|59) s", view.status)
        session.unpause("mail")
        session.kick(2)
        view.reserve()
        assert view.held
    with pytest.raises(NotFound):
        session.reserve_widget("nowhere")


def test_two_tubes_can_be_reserved_from_side_by_side(session: Session) -> None:
    session.put(b"x", tube="sms")
    with session.reserve_widget("mail") as mail, session.reserve_widget("sms") as sms:
        mail._repr_mimebundle_()
        sms._repr_mimebundle_()
        assert (mail.held, sms.held) == (True, True)
        with session.reserve_widget("mail") as again:
            assert (mail.aside, mail.held, again.held) == (True, False, True)


def test_its_age_is_refreshed_while_its_body_is_not_read_again(view: ReservationView, session: Session) -> None:
    job = session.job(1)
    view.show(Tick(Live(), Watched(jobs={1: job._replace(stats=job.stats._replace(age=77))})))
    assert view.job.rows["1"][3] == 77
    assert '"user":1' in view.job.rows["1"][-1].replace(" ", "")


def test_nothing_of_the_job_before_is_shown_for_the_next(
    view: ReservationView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.bury()

    def lost(self: Lookups, ids: list[int], *, bodies: bool) -> None:
        raise ConnectionLost("it closed the connection")

    monkeypatch.setattr(Lookups, "jobs_by_id", lost)
    view.reserve()
    assert view.status == "it closed the connection"
    assert view.job.said("title").startswith("job 2 of mail is reserved")
    assert '"user": 2' in view.job.said("detail")
    assert view.job.rows.keys() <= {"2"}


def test_a_job_that_no_page_shows_is_released(
    view: ReservationView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(view.job)
    page.says("hello", page="1")
    page.says("bye", page="1")
    page.says("hello", page="1")  # a page that reloads
    monkeypatch.setattr(reservation, "GRACE", 0.0)
    assert view.held
    page.says("bye", page="1")
    until(lambda: session.job(1).stats.state == "ready")
    until(lambda: view.status == "job 1 was released: no page showed it")


def test_a_failed_release_is_tried_again(
    view: ReservationView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(view.job)
    page.says("hello", page="1")
    monkeypatch.setattr(reservation, "GRACE", 0.0)
    tried: list[None] = []
    release = ReservationView.release

    def fails_once(self: ReservationView) -> Run:
        tried.append(None)
        if len(tried) == 1:
            raise UsageError("release was refused: touch is still under way")
        return release(self)

    monkeypatch.setattr(ReservationView, "release", fails_once)
    page.says("bye", page="1")
    until(lambda: session.job(1).stats.state == "ready")
    until(lambda: view.status == "job 1 was released: no page showed it")
    assert len(tried) == 2


def test_a_collected_view_releases_its_job(session: Session) -> None:
    view = ReservationView(session, Still(), "reserve mail", "mail")  # type: ignore[arg-type]
    assert view.held
    del view
    gc.collect()
    until(lambda: session.job(1).stats[2:4] == ("ready", 7))


def test_a_read_only_session_reserves_nothing(session: Session) -> None:
    with beanops.connect(session.address, read_only=True) as looking, pytest.raises(Refused, match="read-only"):
        looking.reserve_widget("mail")
