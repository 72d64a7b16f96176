"""A wait in a notebook: its progress and pace, its ends, and its page."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.notebook.views.waiting import WaitArguments, WaitView
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.investigation.condition import Condition, ConditionError
from beanops.session.investigation.wait import DRAINED, Waited
from beanops.session.session import Session
from beanops.ui.waits import MOST_LOOKS, WaitTrail
from tests.notebook.bare import bare_page
from tests.notebook.pages import Still
from tests.waits import until

Work = Callable[[], object]


class Naps:
    """A clock that goes on while the view sleeps; at each sleep the next piece of work is done."""

    def __init__(self, *work: Work) -> None:
        self.now = 100.0
        self._work = list(work)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self._work:
            self._work.pop(0)()


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        session.put_many([b"%d" % number for number in range(10)], tube="mail")
        yield session


def view_of(session: Session, naps: Naps, condition: str = DRAINED, timeout: float | None = None) -> WaitView:
    asked = WaitArguments("mail", condition, timeout, 1.0, False)
    return WaitView(session, Still(), "wait mail", asked, lambda: naps.now, naps.sleep)  # type: ignore[arg-type]


def looked(seconds: float, remaining: int, **more: Any) -> Waited:
    return Waited("mail", DRAINED, seconds=seconds, remaining=remaining, **more)


def test_it_shows_how_far_it_is_until_the_condition_is_true(session: Session) -> None:
    seen: list[dict[str, Any]] = []
    views: list[WaitView] = []

    def look() -> None:
        until(lambda: bool(views))  # its thread may be here before the view is
        seen.append(views[0].panel.shown)

    naps = Naps(lambda: session.delete([1, 2]), look, lambda: session.delete([*range(3, 11)]))
    view = view_of(session, naps)
    views.append(view)
    found = view.wait()
    assert found is not None
    assert found.is_true
    assert view.result == found
    assert view.status == f"mail: {DRAINED} is true after 3s; no jobs; the tube no longer exists"
    (half,) = seen
    assert (half["share"], half["remaining"], half["over"]) == (0.2, 8, False)
    assert ["2.0/s", "fewer"] in [list(fact) for fact in half["facts"]]
    assert view.panel.shown["share"] == 1
    assert [jobs for _, jobs in view.panel.shown["points"]] == [10, 8, 8, 0]
    assert view.panel.offers == {"again": "Wait again"}
    view.close()


def test_it_gives_up_and_can_wait_again(session: Session) -> None:
    view = view_of(session, Naps(), "jobs = 0", timeout=5.0)
    view.wait()
    assert view.status == "mail: jobs = 0 is not true after 5s; 10 ready"
    assert view.panel.shown["over"]
    session.delete("mail", state="ready")
    view.again()
    view.wait()
    assert "is true" in view.status
    assert "mail" in view._repr_mimebundle_()["text/plain"]
    view.close()
    with pytest.raises(UsageError, match="closed"):
        view.again()


def test_cancelling_closing_and_losing_the_view_end_it(session: Session) -> None:
    def open_view() -> WaitView:
        asked = WaitArguments("mail", "jobs = 0", None, 1000.0, False)
        return WaitView(session, Still(), "wait mail", asked)  # type: ignore[arg-type]

    view = open_view()
    with pytest.raises(UsageError, match="waits already"):
        view.again()
    view.cancel()
    assert view.wait() is None
    assert view.status == "cancelled"
    closed = open_view()
    closed.close()
    closed.wait()
    lost = open_view()
    thread = lost._thread
    assert thread is not None
    del lost
    gc.collect()
    until(lambda: not thread.is_alive())


def test_what_cannot_be_waited_for_says_why(session: Session) -> None:
    with pytest.raises(ConditionError):
        session.wait_widget("mail", until="redy = 0")
    with pytest.raises(ArgumentError, match="every"):
        session.wait_widget("mail", every="soon")
    with session.wait_widget("maill") as view:
        view.wait()
        assert view.status == "no tube 'maill'; did you mean 'mail'?"


def test_a_trail_keeps_few_points_of_a_long_wait_and_no_pace_of_a_lost_server() -> None:
    trail = WaitTrail()
    for second in range(3000):
        trail.add(looked(float(second), 6000 - second))
    assert len(trail.points) <= MOST_LOOKS
    assert trail.points[0] == (0.0, 6000)
    assert trail.pace == 1
    trail.add(looked(3001.0, 3001, error="it closed the connection"))
    assert trail.pace is None
    assert trail.share == pytest.approx(1 - 3001 / 6000)


def test_its_page_shows_the_progress_and_cancels(browser: Any, session: Session) -> None:
    asked = WaitArguments("mail", "jobs = 0", None, 1000.0, False)
    with WaitView(session, Still(), "wait mail", asked) as view, bare_page(browser, view) as page:  # type: ignore[arg-type]
        meter = page.page.locator(".beanops-meter")
        meter.wait_for()
        assert meter.get_attribute("aria-valuetext") == "0 %, 10 left"
        page.page.locator("[data-action=cancel]:visible").click()
        page.page.locator(".beanops-status", has_text="cancelled").wait_for()
        page.page.locator("[data-action=again]:visible").wait_for()
        view._repr_mimebundle_()
        page.kill("throws")
        page.page.locator(".beanops-dead").wait_for()
        assert page.page.locator("[data-action=again]").is_disabled()
        page.reopen()
        meter.wait_for()
        assert page.errors == []


def test_a_condition_that_is_no_text_is_refused() -> None:
    wrong: Any = 5
    with pytest.raises(ConditionError, match="condition '5': it is no text"):
        Condition(wrong, ["jobs"])
