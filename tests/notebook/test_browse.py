"""The browser of jobs in Python, without a page: what it finds, what its methods and buttons do, how it ends."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import select
from beanops.jobs.sql.where import PredicateError
from beanops.notebook.refresher import Tick
from beanops.notebook.views import actions
from beanops.notebook.views.browser import BrowserView
from beanops.protocol import commands
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.poller import Live
from tests.notebook.pages import Page, Still, lost
from tests.waits import PATIENCE, until


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        for number in range(1, 7):
            session.put(b'{"user": %d, "password": "hunter2"}' % number, tube="mail", delay=60 if number == 6 else 0)
        session.bury([1, 2, 3])
        session.put(b"x", tube="other")
        yield session


@pytest.fixture
def view(session: Session) -> Iterator[BrowserView]:
    # Without the refresher: a look that began before an action would show what was before it for a moment.
    with BrowserView(session, Still(), "browse mail", select("mail")) as view:  # type: ignore[arg-type]
        yield view.wait()


def states(view: BrowserView) -> dict[str, str]:
    return {key: cells[0] for key, cells in view.jobs.rows.items()}


def click(view: BrowserView, name: str, *keys: str, text: str = "") -> None:
    Page(view.jobs).says("action", name=name, keys=list(keys), clicked=time.monotonic(), text=text)
    view.wait()


def test_it_shows_the_selected_jobs_and_whether_they_are_complete(view: BrowserView, session: Session) -> None:
    assert list(view.jobs.rows) == ["6", "5", "4", "3", "2", "1"]
    assert re.fullmatch(r"jobs of mail · complete: 6 found · \d\d:\d\d:\d\d UTC", view.facets.said("title"))
    with session.browse("mail", state="buried", where="data->>'$.user' = '2'", name="two") as some:
        assert list(some.wait().jobs.rows) == ["2"]
        found = "jobs of mail, buried, where data->>'$.user' = '2' · complete: 1 found · "
        assert some.facets.said("title").startswith(found)


def test_an_empty_table_explains_why(session: Session) -> None:
    with BrowserView(session, Still(), "some", select("mail", limit=2, order="oldest")) as view:  # type: ignore[arg-type]
        view.wait().select_all()
        view.delete()
        assert not view.jobs.rows
        assert session.tube("mail").current_jobs_buried == 1
        assert view.jobs.said("empty") == "none of the 2 jobs found is left; use Scan again to find more"
        view.refresh()
        assert list(view.wait().jobs.rows) == ["3", "4"]
        view.find("body = 'no such'")
        assert view.wait().jobs.said("empty").startswith("no jobs found; complete: 0 found")


def test_what_is_selected_stays_so_when_it_is_found_again(view: BrowserView, session: Session) -> None:
    view.select(2, 5)
    view.refresh()
    assert view.wait().jobs.selected == ("2", "5")
    assert '"user": 5' in view.body.text
    view.find("(data->>'$.user')::int < 4")
    assert view.wait().jobs.selected == ("2",)


def test_the_question_box_scans_again_and_a_wrong_question_changes_nothing(view: BrowserView) -> None:
    page = Page(view.facets)
    page.says("ask", text="(data->>'$.user')::int > 4")
    view.wait()
    assert list(view.jobs.rows) == ["6", "5"]
    page.says("ask", text="colour = 4")
    assert list(view.jobs.rows) == ["6", "5"]
    assert view.status.startswith("the predicate at character 1: there is no column")
    with pytest.raises(PredicateError):
        view.find("nonsense")
    page.says("ask", text="")
    assert len(view.wait().jobs.rows) == 6


def test_the_body_of_the_job_that_was_chosen_last_is_opened(view: BrowserView) -> None:
    Page(view.jobs).selects("1", "4", focus="4")
    assert '"user": 4' in view.body.text
    view.select(2)
    assert '"user": 2' in view.body.text
    with pytest.raises(UsageError, match="job 77 is not in the table"):
        view.select(77)


def test_the_selection_is_a_frame(view: BrowserView) -> None:
    assert view.selection.empty
    view.select(1, 4)
    assert view.selection.set_index("id")["state"].to_dict() == {4: "ready", 1: "buried"}
    view.select_all()
    assert len(view.selection) == 6


@pytest.mark.parametrize("by", ["method", "button"])
@pytest.mark.parametrize(
    ("verb", "jobs", "after"),
    [
        ("kick", (1, 2), {"1": "ready", "2": "ready"}),
        ("bury", (4, 6), {"4": "buried", "6": "buried"}),
        ("release", (1, 6), {"1": "ready", "6": "ready"}),
        ("delete", (1, 4), {"1": None, "4": None}),
        ("move", (1, 4), {"1": None, "4": None}),
    ],
)
def test_what_a_button_does_shows_and_can_be_undone(
    view: BrowserView, session: Session, by: str, verb: str, jobs: tuple[int, ...], after: dict[str, str | None]
) -> None:
    before = states(view)
    to = "elsewhere" if verb == "move" else ""
    if by == "button":
        click(view, verb, *map(str, jobs), text=to)
    else:
        view.select(*jobs)
        assert getattr(view, verb)(*([to] if to else [])).done == 2
    assert view.status == f"{verb}: 2 done"
    assert {key: states(view).get(key) for key in after} == after
    assert session.actions.iloc[0][["source", "action"]].tolist() == ["notebook", verb]
    if by == "button":
        click(view, "undo", session.runs.iloc[0]["run"])
    else:
        view.undo()
    assert sorted(states(view).values()) == sorted(before.values())
    assert session.tube("mail").current_jobs_buried == 3
    with pytest.raises(UsageError, match="nothing to undo"):
        view.undo()


def test_a_long_run_reports_progress_and_can_be_cancelled(
    view: BrowserView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REPORT_INTERVAL", 0.0)
    monkeypatch.setattr(actions, "PATIENCE", 0.0)
    reached, go_on = threading.Event(), threading.Event()
    kick = Session.kick

    def one_by_one(self: Session, jobs: list[int], **options: object) -> Run:
        def progress(run: Run) -> None:
            options["progress"](run)  # type: ignore[operator]
            if not run.done:
                return
            reached.set()
            go_on.wait(PATIENCE)
            options["progress"](run)  # type: ignore[operator]

        return kick(self, jobs, rate=4, progress=progress)

    monkeypatch.setattr(Session, "kick", one_by_one)
    page = Page(view.jobs)
    page.says("action", name="kick", keys=["1", "2", "3"], clicked=time.monotonic())
    assert reached.wait(PATIENCE)
    assert view.jobs.said("progress") == "kick: 1 done"
    page.says("action", name="bury", keys=["4"], clicked=time.monotonic())
    assert view.status == "bury was refused: kick is still under way; wait for it or cancel it"
    page.says("cancel")
    go_on.set()
    view.wait()
    assert view.status == "kick: 1 done; stopped: cancelled"
    assert view.jobs.said("progress") == ""
    assert session.tube("mail").current_jobs_buried == 2


def test_a_scan_reports_progress_and_can_be_cancelled(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, go_on = threading.Event(), threading.Event()
    next_batch = Scan._next_batch

    def slowly(self: Scan, wanted: int | None) -> object:
        if self.progress.looked > 256:
            reached.set()
            go_on.wait(PATIENCE)
        return next_batch(self, wanted)

    monkeypatch.setattr(Scan, "_next_batch", slowly)
    list(session._context.acting().pipeline(commands.put(b"x") for _ in range(3000)))
    with session.browse("default") as view:
        assert reached.wait(PATIENCE)
        assert re.match(r"[\d,]+ of 3,000 found, [\d,]+ ids to check", view.jobs.said("progress"))
        assert len(view.jobs.rows) == 256
        Page(view.jobs).says("cancel")
        go_on.set()
        view.wait()
        assert "incomplete: " in view.facets.said("title")
        assert 0 < len(view.jobs.rows) < 3000


def test_it_scans_for_jobs_that_are_far_to_find_and_can_be_cancelled(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    next_batch = Scan._next_batch

    def slowly(self: Scan, wanted: int | None) -> object:
        if self.progress.looked:
            reached.set()
            go_on.wait(PATIENCE)
        return next_batch(self, wanted)

    monkeypatch.setattr(Scan, "_next_batch", slowly)
    list(session._context.acting().pipeline(commands.put(b"x") for _ in range(3000)))
    with session.browse("mail", name="far") as view:
        assert reached.wait(PATIENCE)
        assert not view.jobs.rows
        assert view.facets.said("title") == "jobs of mail · scanning"
        assert re.match(r"0 of 6 found, [\d,]+ ids to check", view.jobs.said("progress"))
        Page(view.jobs).says("cancel")
        go_on.set()
        view.wait()
        assert "incomplete: 0 of 6 found" in view.facets.said("title")
        assert view.jobs.said("progress") == ""


def test_an_error_of_the_latest_scan_is_shown_and_of_earlier_ones_not(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    next_batch = Scan._next_batch
    scans: list[Scan] = []

    def fails(self: Scan, wanted: int | None) -> object:
        scans.append(self)
        if self is scans[0]:
            reached.set()
            go_on.wait(PATIENCE)
            raise ValueError("unexpected")
        return next_batch(self, wanted)

    monkeypatch.setattr(Scan, "_next_batch", fails)
    with session.browse("mail") as view:
        assert reached.wait(PATIENCE)
        first = view._thread
        view.find("id < 3")
        assert list(view.wait().jobs.rows) == ["2", "1"]
        go_on.set()
        assert first is not None
        first.join(PATIENCE)
        assert (list(view.jobs.rows), view.status) == (["2", "1"], "")
        scans.clear()
        view.find()
        assert view.wait().status == "ValueError: unexpected"
        assert view.jobs.said("progress") == ""


def test_a_predicate_that_is_none_leaves_the_earlier_view_as_it_is(session: Session) -> None:
    with session.browse("mail") as view:
        view._repr_mimebundle_()
        with pytest.raises(PredicateError):
            session.browse("mail", where="colour = 4")
        assert not view.closed
        assert len(view.wait().jobs.rows) == 6
        with session.browse("other") as another:
            another._repr_mimebundle_()
            assert not view.closed


def test_a_selected_job_follows_what_workers_do(session: Session) -> None:
    with session.browse("mail") as view:
        view.wait().select(4, 5)
        session.delete(4)
        session.bury(5)
        until(lambda: states(view).get("5") == "buried" and "4" not in states(view))
        assert '"user": 5' in view.jobs.rows["5"][-1] or '"user":5' in view.jobs.rows["5"][-1]


def test_a_lost_server_shows(view: BrowserView, session: Session) -> None:
    view.show(lost("it closed the connection"))
    assert view.facets.said("title") == f"{session.address} is lost: it closed the connection · trying again"
    view.show(Tick(Live()))
    assert view.facets.said("title") == "jobs of mail · values from before the connection was lost"


def test_what_a_notebook_file_keeps_is_cut_escaped_and_redacted(session: Session) -> None:
    session.put(b'{"name": "<script>alert(1)</script>", "token": "s3cret"}', tube="mail")
    with session.browse("mail") as view:
        bundle = view._repr_mimebundle_()
        view.select(8)
        assert "s3cret" in view.body.text
        saved = json.dumps([bundle, {**view.widget.get_state(), "_esm": "", "_css": ""}])
    for secret in ("hunter2", "s3cret"):
        assert secret not in saved
    assert "<script" not in bundle["text/html"]
    assert "&lt;script&gt;" in saved
    assert "[redacted]" in saved


def test_what_the_session_hides_is_in_no_view(beanstalkd: Beanstalkd) -> None:
    body = b'[{"name": "password", "value": "hunter2"}, {"card": "4111"}]'
    with beanops.connect(beanstalkd.address, redact="card") as session:
        session.put(body, tube="mail")
        with session.browse("mail") as view, session.dashboard() as board, session.reserve_widget("mail") as held:
            view.wait().select(1)
            board.select("mail")
            live = [view.jobs.rows["1"][-1], view.body.text, held.job.rows["1"][-1], held.job.said("detail")]
            assert all("hunter2" in said and "4111" not in said for said in live)
            kept = json.dumps([one._repr_mimebundle_() for one in (view, held)]) + held.reservation._repr_html_()
            held.release()
            board.select("mail")
            board.select_jobs(1)
            assert "4111" not in str((dict(board.heads.rows), board.heads.said("detail")))
        kept += session.job(1)._repr_html_() + str(session.next_jobs("mail")["ready"]._repr_html_())
        for secret in ("hunter2", "4111"):
            assert secret not in kept


def test_a_saved_table_counts_what_it_does_not_keep(session: Session) -> None:
    for _ in range(60):
        session.put(b"x", tube="many")
    with session.browse("many") as view:
        assert view._repr_mimebundle_()["text/plain"].endswith("and 10 more")
        view.wait().select(67, 66)
        view.delete()
        assert view._repr_mimebundle_()["text/plain"].endswith("and 10 more")
        assert " 0s " in view._repr_mimebundle_()["text/plain"]


def test_a_read_only_session_only_looks(beanstalkd: Beanstalkd) -> None:
    with beanops.connect(beanstalkd.address, read_only=True) as session, session.browse() as view:
        assert [action["name"] for action in view.jobs.options["actions"]] == ["refresh"]


def test_it_ends_with_its_threads(session: Session) -> None:
    before = set(threading.enumerate())
    view = session.browse("mail")
    assert any(thread.name.startswith("beanops-") for thread in {*threading.enumerate()} - before)
    view.close()
    until(lambda: not any(thread.name.startswith("beanops-") for thread in {*threading.enumerate()} - before))
