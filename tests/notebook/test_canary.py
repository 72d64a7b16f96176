"""A canary in a notebook: nothing before a click, waves as they come, its questions, its ends, and its page."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import beanops
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import Refused
from beanops.notebook.views.canary import CanaryView
from beanops.protocol.errors import ArgumentError, TimedOut, UsageError
from beanops.session.investigation.canary import Hooks, stages_of
from beanops.session.options import Options
from beanops.session.session import Session
from tests.cli.conftest import bury
from tests.notebook.bare import bare_page
from tests.notebook.pages import Page, Still, lost
from tests.waits import PATIENCE, until

Views = Callable[..., CanaryView]


class Work:
    """A clock that goes on only while the canary waits; a worker does something at each wait."""

    def __init__(self, worker: Client) -> None:
        self.now = 0.0
        self.fails = False
        self._worker = worker

    def wait(self, seconds: float) -> None:
        self.now += seconds
        with suppress(TimedOut):
            while True:
                job = self._worker.reserve(0)
                self._worker.bury(job.id) if self.fails else self._worker.delete(job)

    @property
    def hooks(self) -> Hooks:
        return Hooks(clock=lambda: self.now, wait=self.wait)


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session, Client(beanstalkd.address) as client:
        bury(client, "mail", *(b"%d" % number for number in range(12)))
        yield session


@pytest.fixture
def work(beanstalkd: Beanstalkd) -> Iterator[Work]:
    with Client(beanstalkd.address) as worker:
        worker.watch("mail")
        yield Work(worker)


@pytest.fixture
def views(session: Session, work: Work) -> Iterator[Views]:
    opened: list[CanaryView] = []

    def open_view(jobs: Any = "mail", condition: str | None = None, **options: Any) -> CanaryView:
        stages = stages_of(options.pop("first", 3), "60s", condition, options.pop("waves", [4]))
        name = options.pop("name", "canary mail")
        view = CanaryView(session, Still(), name, jobs, stages, Options(**options), work.hooks)  # type: ignore[arg-type]
        opened.append(view)
        view.wait()
        return view

    yield open_view
    for view in opened:
        view.close()


def buried(session: Session) -> int:
    return session.tube("mail").current_jobs_buried


def test_nothing_is_kicked_before_it_is_confirmed(views: Views, session: Session) -> None:
    view = views()
    assert view.title == (
        "canary of tube mail · kick 3 of 12 jobs, watch them for up to 1m00s, and ask before the next ones"
    )
    assert view.waves.offers == {"kick": "Kick the first 3 of 12 jobs", "look": "Look again"}
    assert view.waves.shown["next"] == [3, 4, 5]
    assert (buried(session), view.result) == (12, None)


def test_waves_then_a_question_then_the_end(views: Views, session: Session) -> None:
    view = views()
    view.start()
    view.wait()
    assert view.question == (4, 9)
    assert view.title == "canary of tube mail · wave 1 is over: kick the next 4 of 9 other jobs?"
    assert view.waves.offers == {"go_on": "Kick the next 4 of 9 other jobs", "stop": "Stop"}
    (wave,) = view.waves.shown["waves"]
    assert (wave["mark"], wave["jobs"], wave["said"]) == ("passed", 3, "gone = jobs is true")
    assert [(one["verdict"], one["tone"], one["jobs"]) for one in wave["verdicts"]] == [("unseen", "ready", 3)]
    view.go_on()
    view.wait()
    assert view.question == (5, 5)
    view.stop()
    view.wait()
    assert view.title == "canary of tube mail · not confirmed: 5 jobs left untouched"
    assert view.waves.offers.keys() == {"look", "undo"}
    assert buried(session) == 5
    assert view.result is not None
    assert view.result.wave.tolist() == [1, 1, 1, 2, 2, 2, 2]
    with pytest.raises(UsageError, match="no question to answer"):
        view.go_on()


def test_a_condition_goes_on_by_itself_and_stops_at_a_bad_wave(views: Views, session: Session, work: Work) -> None:
    view = views(condition="buried = 0", waves=[])
    assert view.title.endswith("and go on while buried = 0")
    work.fails = True
    view.start()
    view.wait()
    assert view.title == "canary of tube mail · stopped, as buried = 0 is false: 9 jobs left untouched"
    assert [wave["mark"] for wave in view.waves.shown["waves"]] == ["failed"]
    work.fails = False
    view.look_again()
    view.wait()
    view.start()
    view.wait()
    assert view.title == "canary of tube mail · no jobs left to kick"
    assert session.jobs("mail").empty


def test_clicks_do_the_same_and_one_for_an_earlier_wave_is_rejected(views: Views, session: Session) -> None:
    view = views()
    page = Page(view.waves)
    page.clicks("kick", "wave 1", clicked=time.monotonic())
    view.wait()
    page.clicks("go_on", "wave 1", clicked=time.monotonic())
    assert view.status == "go_on was refused: it was for an earlier wave"
    page.clicks("go_on", "wave 2", clicked=time.monotonic())
    view.wait()
    assert len(view.waves.shown["waves"]) == 2
    page.clicks("stop", "wave 3", clicked=time.monotonic())
    view.wait()
    assert buried(session) == 5


def test_on_a_strict_server_its_name_is_typed_for_more_than_a_hundred_jobs(session: Session, work: Work) -> None:
    config = Path(os.environ["BEANOPS_CONFIG"])
    config.write_text(f'[servers.prod]\naddress = "{session.address}"\nconfirm = "type-name"\n')
    stages = stages_of(5, "60s", "buried = 0", None)
    with beanops.connect("prod") as prod:
        view = CanaryView(prod, Still(), "canary", "mail", stages, Options(), work.hooks)  # type: ignore[arg-type]
        confirm_all(view, session)


def confirm_all(view: CanaryView, session: Session) -> None:
    view.wait()
    assert view.waves._bar.offers["kick"].needed.kind == "nothing"
    with Client(session.address) as client:
        bury(client, "mail", *(b"%d" % number for number in range(100)))
    view.look_again()
    view.wait()
    assert view.waves._bar.offers["kick"].needed.kind == "name", "with a condition all 112 may be kicked"
    Page(view.waves).clicks("kick", "wave 1", clicked=time.monotonic(), typed="other")
    assert view.status == "kick was refused: type prod to confirm"
    assert buried(session) == 112


def test_jobs_that_come_later_are_left_alone_and_undo_buries_again(views: Views, session: Session, work: Work) -> None:
    view = views(first=100, waves=[])
    with Client(session.address) as client:
        bury(client, "mail", b"later")
    work._worker.ignore("mail")
    work.wait = lambda seconds: setattr(work, "now", work.now + seconds)  # type: ignore[method-assign]
    view.start()
    view.wait()
    assert buried(session) == 1
    assert view.waves.shown["waves"][0]["mark"] == "failed"
    assert view.waves.offers["undo"] == "Undo kick (12)"
    view.undo()
    assert buried(session) == 13


def test_cancelling_ends_a_question_and_so_does_closing_or_losing_the_view(
    views: Views, session: Session, work: Work
) -> None:
    view = views()
    view.start()
    view.wait()
    with pytest.raises(UsageError, match="canary is under way"):
        view.start()
    with pytest.raises(UsageError, match="canary is under way"):
        view.look_again()
    thread = view._actions._thread
    view.close()
    assert thread is not None
    until(lambda: not thread.is_alive())
    stages = stages_of(1, 60, None, None)
    gone = CanaryView(session, Still(), "another", "mail", stages, Options(), work.hooks)  # type: ignore[arg-type]
    gone.start()
    gone.wait()
    thread = gone._actions._thread
    assert gone.question is not None
    assert thread is not None
    del gone
    gc.collect()
    until(lambda: not thread.is_alive())


def test_what_cannot_begin_says_why(views: Views, session: Session) -> None:
    view = views([999])
    assert view.title == "canary of the given jobs · no jobs to kick"
    with pytest.raises(UsageError, match="nothing to canary"):
        view.start()
    assert views("nowhere").status == "no tube 'nowhere'; did you mean 'mail'?"
    with pytest.raises(ArgumentError, match="waves"):
        session.canary_widget("mail", waves="5")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="takes no dry_run"):
        session.canary_widget("mail", dry_run=True)
    with beanops.connect(session.address, read_only=True) as looking, pytest.raises(Refused, match="read-only"):
        looking.canary_widget("mail")


def test_a_lost_server_is_said_and_a_file_keeps_the_waves_as_a_table(views: Views) -> None:
    view = views()
    view.start()
    view.wait()
    view.show(lost("it closed the connection"))
    assert "is lost: it closed the connection" in view.title
    view.show(lost("it closed the connection"))
    bundle = view._repr_mimebundle_()
    assert "deleted between two looks" in bundle["text/plain"]
    assert [message["kind"] for message in view.waves.snapshot()] == ["shown", "say"]


def test_a_file_has_the_plan_and_not_that_it_is_being_made(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beanops.notebook.views.planned.PATIENCE", PATIENCE)
    with session.canary_widget("mail", state="buried") as view:
        assert "kick 10 of 12 jobs" in view._repr_mimebundle_()["text/plain"]


def test_its_page_arms_the_first_kick_and_shows_waves(browser: Any, views: Views, session: Session) -> None:
    view = views()
    with bare_page(browser, view) as page:
        kick = page.page.locator("[data-action=kick]")
        kick.click()
        assert page.page.locator(".beanops-armed").text_content() == "Kick the first 3 of 12 jobs: sure?"
        assert buried(session) == 12
        kick.click()
        page.page.locator("[data-action=go_on]:visible").click()
        page.page.locator(".beanops-wave[data-mark=passed]").nth(1).wait_for()
        page.page.locator("[data-action=go_on]:visible", has_text="Kick the other 5 jobs").wait_for()
        view._repr_mimebundle_()  # saves a snapshot
        page.kill("throws")
        page.page.locator(".beanops-dead").wait_for()
        assert page.page.locator("[data-action=go_on]").is_disabled()
        assert page.page.locator("[data-action=stop]").is_disabled()
        assert page.page.locator(".beanops-verdicts").first.text_content() == "7 unseen5 not kicked"
        page.reopen()
        page.page.locator(".beanops-wave[data-mark=passed]").nth(1).wait_for()
        assert not page.page.locator("[data-action=go_on]:visible").count()
        assert page.errors == []
