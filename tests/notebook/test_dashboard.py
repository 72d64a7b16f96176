"""The dashboard in Python, without a page: what it shows, what its methods and buttons do, and how it lives."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ipywidgets
import pytest

import beanops
from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.journal.records import JournalError
from beanops.notebook import refresher, shown_rows
from beanops.notebook.chart_samples import values_now
from beanops.notebook.refresher import first_look, poll, refresher_of
from beanops.notebook.tube_rows import COLUMNS, TubeRows
from beanops.notebook.views import actions
from beanops.notebook.views.dashboard import DashboardView
from beanops.protocol.errors import NotFound, UsageError
from beanops.session.context import Context
from beanops.session.session import Session
from beanops.ui.alerts import AlertReader
from beanops.ui.poller import Poller
from tests.alerts.saved import firing, saves
from tests.certificates import Certificates
from tests.notebook.pages import Page, Still, lost
from tests.waits import until

PUTS = [column.name for column in COLUMNS].index("puts_per_s")


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        for number in range(4):
            session.put(b'{"user": %d}' % number, tube="mail", delay=60 if number == 3 else 0)
        session.bury([1, 2])
        yield session


@pytest.fixture
def view(session: Session) -> Iterator[DashboardView]:
    with DashboardView(session, Still(), "dashboard") as view:  # type: ignore[arg-type]
        view.show(first_look(session))
        yield view


def shown(view: DashboardView, tube: str) -> tuple[object, ...]:
    cells = row_of(view, tube)
    return tuple(cells[state] for state in ("ready", "reserved", "delayed", "buried"))


def row_of(view: DashboardView, tube: str) -> dict[str, object]:
    """Return the cells of a tube by the names of their columns."""
    return dict(zip([column.name for column in view.tubes.columns], view.tubes.rows[tube], strict=True))


def test_it_shows_the_tubes_and_who_the_server_is(view: DashboardView, session: Session) -> None:
    assert shown(view, "mail") == (1, 0, 1, 2)
    about = view.card.shown["about"]
    assert about["address"] == str(session.address)
    assert about["version"].startswith("beanstalkd 1.")
    assert view.card.shown["figures"]["jobs"] == {"ready": 1, "reserved": 0, "delayed": 1, "buried": 2}


def concerns(view: DashboardView) -> list[str]:
    """Return the problems of the card, one a line."""
    return [
        f"{one['mark']} {one['place']}: {one['title']}: {one['reason']}" for one in view.card.shown["problems"]["lines"]
    ]


def test_it_lists_what_is_wrong(view: DashboardView, session: Session) -> None:
    assert concerns(view) == [
        "▲ mail: no workers: 1 job ready and no worker watches it",
        "▲ mail: buried: 2 jobs buried, the next one put 0s ago",
    ]
    session.drain("mail", state="buried")
    session.pause("mail", 60)
    session.kick_next("mail", 1)
    session.delete([3, 4])
    view.show(first_look(session))
    assert concerns(view) == []
    assert view.card.shown["lost"] is None
    view.show(lost("it closed the connection"))
    assert view.card.shown["lost"] == "lost: it closed the connection · trying again"


def test_a_problem_on_the_card_selects_its_tubes(view: DashboardView, session: Session) -> None:
    problem = view.card.shown["problems"]["lines"][0]
    Page(view.card).says("tubes", tubes=[*problem["tubes"], "vanished"])
    assert view.tubes.selected == ("mail",)
    assert view.heads.said("title") == "Next jobs of mail"


def test_it_lists_the_alerts_of_its_server(session: Session) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    now = [start]
    with DashboardView(session, Still(), "dashboard", now=lambda: now[0]) as view:  # type: ignore[arg-type]
        tick = first_look(session)
        view.show(tick)
        assert view.card.shown["alerts"] == {"note": "", "lines": [], "number": 0}
        here = str(session.address)
        saves(start, [firing("backlog", here, "mail", since=start, values={"ready": "7"}), firing("far", "prod")])
        read = AlertReader(lambda: now[0], alone=True).read
        view.show(tick._replace(alerts=read(session.address)))
        (alert,) = view.card.shown["alerts"]["lines"]
        assert (alert["title"], alert["reason"]) == ("warning alert", "backlog, mail, for 0s: ready 7")
        now[0] += timedelta(minutes=5)
        view.show(lost("it closed the connection")._replace(alerts=read(session.address)))
        alerts = view.card.shown["alerts"]
        assert alerts["note"] == "beanops alert is not running: alerts as of 5m00s ago"
        assert alerts["lines"][0]["reason"] == "backlog, mail, for 5m00s: ready 7"


def test_selecting_a_tube_shows_its_heads_and_one_job_its_body(view: DashboardView) -> None:
    view.select("mail")
    assert {cells[0]: key for key, cells in view.heads.rows.items()} == {"ready": "3", "delayed": "4", "buried": "1"}
    view.select_jobs(1)
    assert view.heads.said("detail") == '{\n  "user": 0\n}'
    assert view.selection["tube"].tolist() == ["mail"]


def test_a_selected_job_stays_when_it_heads_its_tube_no_more(session: Session) -> None:
    with session.dashboard() as view:
        view.select("mail")
        view.select_jobs(1)
        session.kick([1])
        until(lambda: view.heads.rows["1"][0] == "ready")
        session.put(b"urgent", tube="mail", priority=0)
        until(lambda: "5" in view.heads.rows)
        assert {"1", "5"} <= set(view.heads.rows)
        session.delete([1])
        until(lambda: "1" not in view.heads.rows)
        assert view.heads.said("detail") == ""


@pytest.mark.parametrize(
    ("verb", "job", "state"),
    [("kick", 1, "ready"), ("kick", 4, "ready"), ("bury", 3, "buried"), ("release", 1, "ready"), ("delete", 4, None)],
)
@pytest.mark.parametrize("by", ["method", "button"])
def test_a_button_and_its_method_do_the_same(
    view: DashboardView, session: Session, verb: str, job: int, state: str | None, by: str
) -> None:
    view.select("mail")
    view.select_jobs(job)
    if by == "method":
        assert getattr(view, verb)().complete
    else:
        Page(view.heads).clicks(verb, str(job), clicked=time.monotonic())
        view.wait()
    (found,) = session._lookups.jobs_by_id([job])
    assert (found.stats.state if found else None) == state
    done = session.actions.iloc[0]
    assert (done["source"], done["action"], done["id"], done["outcome"]) == ("notebook", verb, job, "done")
    assert view.status == f"{verb}: 1 done"


@pytest.mark.parametrize("by", ["method", "button"])
def test_tubes_are_paused_resumed_and_kicked(view: DashboardView, session: Session, by: str) -> None:
    page = Page(view.tubes)

    def do(name: str, amount: int | None) -> None:
        if by == "button":
            page.clicks(name, "mail", amount=amount, clicked=time.monotonic())
            view.wait()
        else:
            getattr(view, name)(*([] if amount is None else [amount]))

    view.select("mail")
    do("pause", 90)
    assert session.tube("mail").pause == 90
    do("unpause", None)
    assert session.tube("mail").pause == 0
    do("kick_next", 1)
    assert session.tube("mail").current_jobs_buried == 1
    assert [cells[3] for cells in view.log.rows.values()][-3:] == ["pause", "unpause", "kick"]


def test_what_it_did_last_can_be_undone_and_jobs_moved(view: DashboardView, session: Session) -> None:
    view.select("mail")
    view.select_jobs(1)
    assert view.move("elsewhere").complete
    assert session.tube("mail").current_jobs_buried == 1
    (run,) = view.undo()
    assert run.done == 1
    assert session.tube("mail").current_jobs_buried == 2
    view.pause(90)
    view.undo()
    assert session.tube("mail").pause == 0
    assert [cells[3] for cells in view.log.rows.values()][-4:] == ["move", "move", "pause", "unpause"]


def test_unknown_values_of_a_server_are_not_shown_as_empty(view: DashboardView, session: Session) -> None:
    with DashboardView(session, Still(), "another") as never:  # type: ignore[arg-type]
        never.show(lost("no answer"))
        assert "the server does not answer" in never.tubes.said("empty")
        assert not never.tubes.rows
        never.show(first_look(session))
        assert never.tubes.said("empty") == ""
    view.select("mail")
    survey = first_look(session).live.survey
    assert survey is not None
    view.show(lost("no answer", survey, after=7))
    assert view.heads.said("title") == "Next jobs of mail · the values are 7 s old"
    assert view.heads._said["title"][1] == "lost"


def test_dashboards_of_several_servers_show_each_its_own(
    view: DashboardView, session: Session, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    other = start_beanstalkd()
    with beanops.connect(other.address) as there, DashboardView(there, Still(), "dashboard") as elsewhere:  # type: ignore[arg-type]
        there.put(b"x", tube="billing")
        elsewhere.show(first_look(there))
        assert set(elsewhere.tubes.rows) == {"default", "billing"}
        elsewhere.show(lost("no answer"))
        view.show(first_look(session))
        assert elsewhere.card.shown["about"]["address"] == str(other.address)
        assert elsewhere.card.shown["lost"] is not None
        assert set(elsewhere.tubes.rows) == {"default", "billing"}
        assert view.card.shown["about"]["address"] == str(session.address)
        assert view.card.shown["lost"] is None
        assert set(view.tubes.rows) == {"default", "mail"}


def test_undo_is_not_offered_after_what_nothing_takes_back(view: DashboardView, session: Session) -> None:
    view.select("mail")
    view.pause(90)
    assert view.tubes._bar.offers["undo"][0] == "Undo pause (1)"
    view.kick_next(1)
    assert view.tubes._bar.offers["undo"][:2] == ("", ())
    with pytest.raises(UsageError, match="the server chose the jobs that it kicked"):
        view.undo()
    assert session.tube("mail").pause == 90


def test_a_view_is_polled_while_a_page_shows_it(session: Session) -> None:
    thread = refresher_of(session)
    with session.dashboard() as view:
        parts = (view.card, view.chart, view.tubes, view.heads, view.log)
        pages = [Page(part) for part in parts]
        for number in "12":
            for page in pages:
                page.says("hello", page=number)
        for page in pages:
            page.says("bye", page="1")
        assert thread.running
        for page in pages:
            page.says("bye", page="2")
        until(lambda: not thread.running)
        pages[0].says("hello", page="3")
        assert thread.running


def test_without_a_selection_a_method_says_what_to_do(view: DashboardView) -> None:
    with pytest.raises(UsageError, match="no job is selected"):
        view.delete()
    with pytest.raises(UsageError, match="no tube is selected"):
        view.pause()
    with pytest.raises(UsageError, match="no job is selected"):
        view.kick()
    assert view.tubes.selected == ()


def test_an_unknown_tube_is_an_error_that_suggests_another(view: DashboardView, session: Session) -> None:
    with pytest.raises(NotFound, match="no tube 'mial'; did you mean 'mail'"):
        view.select("mial")
    with pytest.raises(NotFound, match=r"no tube matches sms-\*"):
        view.select("sms-*")
    with pytest.raises(NotFound, match="no tube 'mial'; did you mean 'mail'"):
        session.dashboard("mial")
    view.select("m*")
    assert view.tubes.selected == ("mail",)


def test_a_dashboard_of_some_tubes_shows_these_alone(session: Session) -> None:
    session.put(b"x", tube="mail-eu")
    session.put(b"x", tube="sms")
    with session.dashboard("mail*") as view, session.dashboard():
        assert not view.closed
        assert set(view.tubes.rows) == {"mail", "mail-eu"}
        assert {one["place"] for one in view.card.shown["problems"]["lines"]} == {"mail", "2 idle tubes"}
        assert view.card.shown["figures"]["jobs"]["ready"] == 2
        assert view.card.shown["about"]["flags"] == ["tubes mail*"]
        with pytest.raises(UsageError, match=r"no tube 'sms' in this dashboard, which shows mail\*"):
            view.select("sms")
    with session.dashboard("mail") as view:
        assert set(view.tubes.rows) == {"mail"}
        session.drain("mail", state=["ready", "delayed", "buried"])
        view.show(first_look(session))
        assert view.tubes.said("empty") == "no tube is called mail"


def test_a_job_that_a_worker_deleted_is_skipped_and_reported(view: DashboardView, session: Session) -> None:
    view.select("mail")
    session.delete(1)
    Page(view.heads).clicks("kick", "1", clicked=time.monotonic())
    view.wait()
    assert view.status == "kick: 0 done, 1 skipped (job 1: it does not exist)"


def test_an_error_of_a_click_is_shown_in_the_status_line(view: DashboardView) -> None:
    Page(view.tubes).clicks("kick_next", "vanished", amount=1, clicked=time.monotonic())
    view.wait()
    assert view.status == "no tube 'vanished'; did you mean 'mail'?"


def test_a_read_only_session_offers_no_buttons(beanstalkd: Beanstalkd) -> None:
    with beanops.connect(beanstalkd.address, read_only=True) as session, session.dashboard() as view:
        assert view.tubes.options["actions"] == view.heads.options["actions"] == []
        assert view.card.shown["about"]["flags"] == ["read-only"]


def test_a_lost_server_shows_with_the_age_of_the_values(view: DashboardView, session: Session) -> None:
    tick = first_look(session)
    view.show(tick)
    view.show(lost("it closed the connection", tick.live.survey, after=12))
    assert view.card.shown["lost"] == "lost: it closed the connection · the values are 12 s old · trying again"
    assert view.heads.said("title") == ""  # no tube is selected, so no table of next jobs
    assert shown(view, "mail") == (1, 0, 1, 2)


def test_a_view_survives_a_restart_of_the_server(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    first = start_beanstalkd()
    with beanops.connect(first.address) as session, session.dashboard() as view:
        first.stop(kill=True)
        until(lambda: view.card.shown["lost"] is not None)
        start_beanstalkd(port=first.port)
        until(lambda: view.card.shown["lost"] is None)


def test_a_server_with_tls_and_a_token(
    start_beanstalkd: Callable[..., Beanstalkd], certificates: Certificates, tmp_path: Path
) -> None:
    """The view has a connection of its own."""
    server = start_beanstalkd(tls=certificates, token="s3cret")
    (tmp_path / "token").write_text("s3cret")
    reach = beanops.Reach.of(server.address, tls_ca=str(certificates.ca), token_file=str(tmp_path / "token"))
    with beanops.connect(reach) as session, session.dashboard() as view, beanops.Client(reach) as other:
        other.put(b"x", tube="mail")
        until(lambda: "mail" in view.tubes.rows)
        assert view.card.shown["lost"] is None


def test_a_server_that_hangs_does_not_look_live_for_long(
    session: Session, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresher, "ANSWER", 0.2)
    with session.dashboard() as view:
        until(lambda: refresher_of(session)._poller._session is not None)
        os.kill(beanstalkd.pid, signal.SIGSTOP)
        try:
            until(lambda: view.card.shown["lost"] is not None)
        finally:
            os.kill(beanstalkd.pid, signal.SIGCONT)
        until(lambda: view.card.shown["lost"] is None)


def test_a_cell_that_runs_again_replaces_its_view(session: Session) -> None:
    first = session.dashboard()
    first._repr_mimebundle_()
    with session.dashboard() as second, session.dashboard(name="another"):
        second._repr_mimebundle_()
        assert (first.aside, second.aside) == (True, False)


def test_one_thread_polls_for_all_views_and_ends_with_the_last(session: Session) -> None:
    thread = refresher_of(session)
    connections = session.server().current_connections
    with session.dashboard(), session.dashboard(name="another"):
        until(lambda: session.server().current_connections == connections + 1)
        assert thread.running
    until(lambda: not thread.running)
    until(lambda: session.server().current_connections == connections)


def test_a_view_that_was_never_shown_goes_with_its_last_reference(session: Session) -> None:
    view = session.dashboard()
    gone = weakref.ref(view)
    model = view.widget.model_id
    del view
    until(lambda: gc.collect() >= 0 and gone() is None and not refresher_of(session).running)
    assert model not in ipywidgets.widgets.widget._instances


def test_a_view_that_is_shown_stays_without_a_name(session: Session) -> None:
    view = session.dashboard()
    view._repr_mimebundle_()
    kept = weakref.ref(view)
    del view
    gc.collect()
    still = kept()
    assert still is not None
    still.close()


def test_close_frees_every_widget(session: Session) -> None:
    view = session.dashboard()
    mine = {view.widget.model_id, view.widget.layout.model_id}
    assert mine <= set(ipywidgets.widgets.widget._instances)
    view.close()
    assert mine.isdisjoint(ipywidgets.widgets.widget._instances)


def test_a_notebook_without_a_kernel_shows_escaped_tables(session: Session, view: DashboardView) -> None:
    bundle = view._repr_mimebundle_()
    assert ">mail</td>" in bundle["text/html"]
    assert "mail" in bundle["text/plain"]
    view.tubes.update({"x": ("<script>alert(1)</script>", "", *[0] * (len(COLUMNS) - 2))})
    assert "<script" not in view._repr_mimebundle_()["text/html"]
    json.dumps(bundle)


def test_a_missing_library_names_the_extra(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beanops.accessors.find_spec", lambda name: None if name == "anywidget" else object())
    with pytest.raises(UsageError, match=r"needs anywidget: pip install 'beanops\[notebook\]'"):
        session.dashboard()


def test_rates_cover_seconds_and_restart_with_another_server(session: Session) -> None:
    now = [0.0]
    poller = Poller(lambda: session, lambda: now[0])
    first = poller.look().survey
    assert first is not None
    assert TubeRows().of(first)["mail"][PUTS] is None
    assert "rates not yet known" in shown_rows.title(session, first)
    assert values_now(first, [])[-2:] == values_now(first, ["mail"])[-2:] == (None, None)
    session.put(b"x", tube="mail")
    now[0] = 2.0
    then = poller.look(wanted={"mail"}).survey
    assert then is not None
    assert TubeRows().of(then)["mail"][PUTS] == 0.5
    assert "0.5 puts/s, 0 deletes/s over 10s" in shown_rows.title(session, then)
    # A tube of yesterday does not make the rate of the server unknown, nor does a new one count from nothing.
    assert values_now(then, [])[-2:] == values_now(then, ["mail"])[-2:] == (0.5, 0.0)


def test_many_tubes_are_asked_for_in_turn_and_say_how_old_they_are(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.monitor.survey.FULL", 2)
    monkeypatch.setattr("beanops.monitor.survey.IN_TURN", 1)
    for tube in "abcd":
        session.put(b"x", tube=tube)
    now = [0.0]
    poller = Poller(lambda: session, lambda: now[0])
    poller.look()
    now[0] = 7.0
    with DashboardView(session, Still(), "dashboard") as view:  # type: ignore[arg-type]
        view.show(poll(poller, {"mail"}))
        said = "6 tubes are refreshed in turn: rows that are not selected are up to 7s old"
        assert view.tubes.said("title") == said
        assert len(view.tubes.rows) == 6


def test_a_journal_that_cannot_be_read_does_not_stop_the_view(
    view: DashboardView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Context) -> None:
        raise JournalError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Context, "journal", broken)
        with Client(session.address) as client:
            client.put(b"x", tube="mail")
        view.show(first_look(session))
        assert shown(view, "mail") == (2, 0, 1, 2)
        assert view.log.said("title") == "Last actions · the journal cannot be read: the disk is full"
    view.show(first_look(session))
    assert view.log.said("title") == "Last actions"


@pytest.mark.parametrize("amount", [None, 0])
def test_an_emptied_number_box_neither_ends_a_pause_nor_kicks(
    view: DashboardView, session: Session, amount: int | None
) -> None:
    view.select("mail")
    view.pause(90)
    for name, what in (("pause", "seconds"), ("kick_next", "limit")):
        Page(view.tubes).clicks(name, "mail", amount=amount, clicked=time.monotonic())
        view.wait()
        assert view.status == f"{what}: {amount!r} given, allowed is a whole number from 1 on"
        with pytest.raises(UsageError):
            getattr(view, name)(0)
    assert session.tube("mail").pause == 90
    assert session.tube("mail").current_jobs_buried == 2


def test_for_several_tubes_results_are_shown_beside_errors(view: DashboardView, session: Session) -> None:
    Page(view.tubes).clicks("kick_next", "mail", "vanished", amount=1, clicked=time.monotonic())
    view.wait()
    assert view.status == "kick: 1 done; no tube 'vanished'; did you mean 'mail'?"


def test_a_run_is_not_lost_when_what_it_came_to_cannot_be_shown(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DashboardView, "_done", lambda self, runs: 1 / 0)
    with DashboardView(session, Still(), "dashboard") as view:  # type: ignore[arg-type]
        view.show(first_look(session))
        view.select("mail")
        view.select_jobs(1)
        assert view.kick().done == 1
        assert view.status == "kick: 1 done; cannot show the result: ZeroDivisionError: division by zero"
        assert view.undo()[0].done == 1


def test_a_cancelled_undo_can_be_continued(
    view: DashboardView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.select("mail")
    view.select_jobs(1)
    assert view.kick().done == 1
    undo = Session.undo
    with monkeypatch.context() as patched:
        patched.setattr(Session, "undo", lambda self, run, progress: undo(self, run, progress=lambda run: run.cancel()))
        assert view.undo()[0].stopped == "cancelled"
    assert view.undo()[0].done == 1
    with pytest.raises(UsageError, match="nothing to undo"):
        view.undo()


def test_closing_a_view_ends_its_run_after_the_batch_under_way(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "PATIENCE", 0.0)
    kick = Session.kick
    monkeypatch.setattr(Session, "kick", lambda self, jobs, **how: kick(self, jobs, **how, rate=1))
    with Client(session.address) as client:
        client.use("many")
        ids = list(client.pipeline(commands.put(b"x") for _ in range(20)))
    session.bury(ids)
    with session.browse("many") as view:
        view.wait().select_all()
        page = Page(view.jobs)
        page.clicks("kick", *map(str, ids), clicked=time.monotonic())
        until(lambda: session.tube("many").current_jobs_ready > 0)
    view.wait()
    assert 0 < session.tube("many").current_jobs_ready < 20
    assert "stopped: cancelled" in view.status


def test_views_end_with_their_session(beanstalkd: Beanstalkd) -> None:
    session = beanops.connect(beanstalkd.address)
    views = [session.dashboard(), session._through("other").browse("default")]
    session.close()
    assert [view.closed for view in views] == [True, True]
    with pytest.raises(UsageError, match="the view is closed"):
        views[1].refresh()


def test_a_session_and_those_made_of_it_share_the_refresher_and_the_journal(session: Session) -> None:
    other = session._through("other")
    assert refresher_of(other) is refresher_of(session)
    assert other._context.journal() is session._context.journal()


def test_a_server_that_must_be_confirmed_by_name_says_which_it_is(session: Session) -> None:
    config = Path(os.environ["BEANOPS_CONFIG"])
    config.write_text(
        f'[servers.prod]\naddress = "{session.address}"\nlabel = "PRODUCTION"\ncolor = "red"\nconfirm = "type-name"\n'
    )
    with beanops.connect("prod") as prod, prod.dashboard() as view:
        page = Page(view.card)
        page.says("hello")
        label = next(said for said in page.heard if said.get("line") == "label")
        assert (label["text"], label["tone"]) == ("PRODUCTION", "red")
        assert view._repr_mimebundle_()["text/plain"].startswith("PRODUCTION · ")
        view.select("mail")
        tubes, heads = Page(view.tubes), Page(view.heads)
        tubes.clicks("kick_next", "mail", amount=2, clicked=time.monotonic(), typed="pord")
        assert view.status == "kick_next was refused: type prod to confirm"
        heads.clicks("kick", "1", clicked=time.monotonic(), typed=None)  # one that is not destroyed asks for nothing
        view.wait()
        assert view.status == "kick: 1 done"
        heads.clicks("delete", "1", clicked=time.monotonic(), typed="yes")
        assert view.status == "delete was refused: type prod to confirm"
        tubes.clicks("kick_next", "mail", amount=2, clicked=time.monotonic(), typed="prod")
        view.wait()
        assert view.status == "kick: 1 done"
        assert session.tube("mail").current_jobs_buried == 0
