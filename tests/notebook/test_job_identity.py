"""Reused ids: a server that restarted without its jobs gives their ids to others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

import beanops
from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.identity import JobRef
from beanops.jobs.read import FoundJob
from beanops.jobs.select import select
from beanops.notebook import job_identity as seen_module
from beanops.notebook.job_identity import ShownJobs
from beanops.notebook.refresher import Tick, poll
from beanops.notebook.views.base import WidgetView
from beanops.notebook.views.browser import BrowserView
from beanops.notebook.views.dashboard import DashboardView
from beanops.protocol.errors import UsageError
from beanops.session.session import Session
from beanops.ui.poller import Poller
from tests.notebook.pages import Page, Still
from tests.waits import until

ANOTHER = "id was reused by another job"


class Server:
    """A server whose tube mail has three jobs."""

    def __init__(self, start: Callable[..., Beanstalkd]) -> None:
        self._start = start
        self._process = start()
        self._fill("mail")
        self.session = beanops.connect(self._process.address)

    def _fill(self, tube: str) -> None:
        with Client(self._process.address) as client:
            for _ in range(3):
                client.put(b"x", tube=tube)

    def restart(self, tube: str) -> None:
        """Restart it without its jobs, and put three others into a tube."""
        self._process.stop(kill=True)
        self._process = self._start(port=self._process.port)
        self._fill(tube)
        self.session.server()  # reconnects the session


@pytest.fixture
def server(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Server]:
    server = Server(start_beanstalkd)
    with server.session:
        yield server


@pytest.fixture
def session(server: Server) -> Session:
    return server.session


def browser(session: Session) -> BrowserView:
    return BrowserView(session, Still(), "browse", select("mail")).wait()  # type: ignore[arg-type]


def dashboard(session: Session) -> DashboardView:
    view = DashboardView(session, Still(), "dashboard")  # type: ignore[arg-type]
    view.show(look(session, view))
    view.select("mail")
    return view


def look(session: Session, view: WidgetView) -> Tick:
    return poll(Poller(lambda: session), set(view.wanted), set(view.followed))


def test_a_selected_job_is_not_deleted_as_another_of_its_id(session: Session, server: Server) -> None:
    with browser(session) as view:
        view.select(1, 2)
        server.restart("other")
        run = view.delete()
        assert (run.done, run.skipped) == (0, 2)
        assert ANOTHER in run.summary
        assert view.jobs.rows.keys() == {"3"}
        assert session.tube("other").current_jobs_ready == 3


@pytest.mark.parametrize("open_view", [browser, dashboard])
def test_nor_by_a_button(
    session: Session, server: Server, open_view: Callable[[Session], BrowserView | DashboardView]
) -> None:
    with open_view(session) as view:
        grid = view.jobs if isinstance(view, BrowserView) else view.heads
        server.restart("mail")
        Page(grid).clicks("delete", "1", clicked=time.monotonic())
        view.wait()
        assert ANOTHER in view.status
        assert session.tube("mail").current_jobs_ready == 3
        Page(grid).clicks("delete", "77", clicked=time.monotonic())
        view.wait()
        assert view.status == "job 77 is no longer in the table; nothing was done"


def test_a_selected_row_does_not_turn_into_another_job(session: Session, server: Server) -> None:
    with browser(session) as view:
        view.select(1, 2)
        server.restart("other")
        assert view.selection.empty
        view.show(look(session, view))
        assert view.jobs.selected == ()
        assert view.jobs.rows.keys() == {"3"}
        assert view.body.text == ""
        view.select(3)
        assert view.body.text == ""
        assert not view.jobs.rows


def test_the_new_job_of_an_old_id_is_shown_but_not_selected(session: Session, server: Server) -> None:
    with dashboard(session) as view:
        view.select_jobs(1)
        server.restart("mail")
        page = Page(view.heads)
        page.says("hello")
        page.heard.clear()
        view.show(look(session, view))
        assert view.heads.rows.keys() == {"1"}
        assert view.heads.selected == ()
        # It went before it came: a button that was armed for it is armed no more.
        changes = [(message["keys"]["list"], message.get("gone")) for message in page.heard if "seq" in message]
        assert changes == [([], ["1"]), (["1"], [])]
        with pytest.raises(UsageError, match="no job is selected"):
            view.delete()


def test_so_many_jobs_are_remembered_and_no_more() -> None:
    with beanops.embedded.serve() as address, beanops.connect(address) as session:
        for _ in range(5):
            session.put(b"x", tube="mail")
        seen = ShownJobs(session._lookups.reused, most=3)
        seen.note(job for job in session._lookups.jobs_by_id(range(1, 6)) if job is not None)
        assert [ref.id for ref in seen.refs(["1", "4", "5"])] == [4, 5]


def test_a_button_pressed_while_jobs_are_noted_acts_on_all_of_them(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, acted_on = ShownJobs(session._lookups.reused), []
    jobs = [job for job in session._lookups.jobs_by_id([1, 2, 3]) if job is not None]
    seen.note(jobs)
    remember = seen_module.ref_of

    def pressed(job: FoundJob) -> JobRef:
        button = threading.Thread(target=lambda: acted_on.append([ref.id for ref in seen.refs("123")]))
        button.start()
        button.join(0.1)
        return remember(job)

    monkeypatch.setattr(seen_module, "ref_of", pressed)
    ShownJobs.note(seen, [job._replace(stats=job.stats._replace(tube="other")) for job in jobs])
    until(lambda: len(acted_on) == 3)
    assert acted_on == [[1, 2, 3]] * 3
