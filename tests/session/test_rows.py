"""Rows of frames, and what else a person of pandas has in hand, wherever a tube or a job is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import ArgumentError, NotFound, UsageError

FORMS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "series": lambda frame: frame.iloc[0],
    "named tuple": lambda frame: next(frame.itertuples()),
    "dict": lambda frame: frame.to_dict("records")[0],
}
LOOKS: dict[str, Callable[[Session, Any], Any]] = {
    "jobs": lambda session, tube: list(session.jobs(tube).id),
    "scan": lambda session, tube: [job.id for batch in session.scan(tube) for job in batch],
    "sql": lambda session, tube: session.sql("select count(*) from jobs", tube).iloc[0, 0],
    "tube": lambda session, tube: session.tube(tube).name,
    "next_jobs": lambda session, tube: repr(session.next_jobs(tube)["buried"]),
    "rates": lambda session, tube: session.rates(tube, seconds="20ms", every=0.01).buried.iloc[0],
    "getitem": lambda session, tube: list(session[tube].id),
    "record": lambda session, tube: list(session.journal.actions(tube=tube)["action"]),
    "runs": lambda session, tube: list(session.journal.runs(tube=tube)["action"]),
}
VERBS: dict[str, Callable[[Session, Any], Any]] = {
    "kick": lambda session, tube: session.kick(tube),
    "kick_next": lambda session, tube: session.kick_next(tube, 9),
    "bury": lambda session, tube: session.bury(tube),
    "release": lambda session, tube: session.release(tube, state="buried"),
    "delete": lambda session, tube: session.delete(tube, state="buried"),
    "drain": lambda session, tube: session.drain(tube, state="buried"),
    "move": lambda session, tube: session.move(tube, "post", state="buried"),
    "move to": lambda session, tube: session.move("other", tube),
    "copy": lambda session, tube: session.copy(tube, "post", state="buried"),
    "copy to": lambda session, tube: session.copy("other", tube),
    "put": lambda session, tube: session.put("x", tube=tube),
    "put_many": lambda session, tube: session.put_many(["x"], tube=tube),
    "pause": lambda session, tube: session.pause(tube, "1m"),
    "unpause": lambda session, tube: session.unpause(tube),
}


@pytest.fixture
def tube(session: Session) -> pd.DataFrame:
    session.bury(session.put_many(["a", "b"], tube="mail").ids)
    session.put_many(["c", "d"], tube="mail")
    session.put_many(["e"], tube="other")
    return session.tubes("mail")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("look", LOOKS)
def test_a_row_of_tubes_is_looked_at_as_its_name(session: Session, tube: pd.DataFrame, look: str, form: str) -> None:
    row = FORMS[form](tube)
    assert LOOKS[look](session, row) == LOOKS[look](session, "mail") == LOOKS[look](session, session.tube("mail"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_row_of_tubes_is_acted_on_as_its_name(session: Session, tube: pd.DataFrame, verb: str, form: str) -> None:
    by_row = VERBS[verb](session, FORMS[form](tube))
    session.undo(by_row)
    by_name = VERBS[verb](session, "mail")
    assert by_row.done
    assert verb == "kick_next" or by_row.done == by_name.done
    assert set(by_row.outcomes.tube) == set(by_name.outcomes.tube)


def test_a_row_of_tubes_is_exported_and_reserved(session: Session, tube: pd.DataFrame, tmp_path: Path) -> None:
    assert session.export(tmp_path / "jobs", tube.iloc[0]).done == 4
    with session.reserve(tube.iloc[0], timeout="1s") as job:
        assert job.tube == "mail"


def test_only_counts_make_a_row_one_of_a_tube(session: Session, tube: pd.DataFrame) -> None:
    with pytest.raises(ArgumentError, match="rows with an 'id'"):
        session.kick({"tube": "mail", "body": "a"})
    with pytest.raises(UsageError, match="missing the jobs: pass state, where or group"):
        session.delete(tube.iloc[0])
    assert session.tube("mail").current_jobs_buried == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_job_is_found_by_its_row(session: Session, tube: pd.DataFrame, form: str) -> None:
    jobs = session.jobs("mail", order="oldest")
    assert session.job(FORMS[form](jobs)).id == 1
    with pytest.raises(NotFound, match="stats-job 1"):
        session.job(FORMS[form](jobs.assign(created=jobs.created - pd.Timedelta("1h"), instance="0123456789abcdef")))
    for wrong in ("1", [1], None, 1.5):
        with pytest.raises(ArgumentError):
            session.job(wrong)


def test_a_run_and_a_reservation_name_their_jobs(session: Session, tube: pd.DataFrame) -> None:
    run = session.bury(session.put_many(["x", "y"], tube="mail"))
    assert run.done == 2
    assert list(session.jobs(ids=run, order="oldest").id) == run.ids
    assert set(session.journal.actions(job=run)["id"]) == set(run.ids)
    assert session.kick(session.kick(run, dry_run=True)).ids == run.ids
    with session.reserve("other") as first, session.reserve("mail") as second:
        assert session.touch(first).done == 1
        assert session.touch([first, second]).done == 2
        assert session.job(first).stats.state == "reserved"
        assert list(session.jobs(ids=[second]).id) == [second.id]


@pytest.mark.parametrize("wrong", [5, 1.5, object(), [5]])
@pytest.mark.parametrize("argument", ["tube", "actor", "action"])
def test_a_filter_that_is_no_name_says_so(session: Session, argument: str, wrong: Any) -> None:
    for record in (session.journal.actions, session.journal.runs):
        with pytest.raises(ArgumentError, match=f"{argument}: .* given"):
            record(**{argument: wrong})


@pytest.mark.parametrize("wrong", [{"state": 5}, {"state": [5]}, {"rate": "fast"}, {"rate": 0}, {"rate": float("nan")}])
def test_an_option_of_the_wrong_type_says_so(session: Session, tube: pd.DataFrame, wrong: dict[str, Any]) -> None:
    (name,) = wrong
    for call in (session.jobs, session.bury, session.snapshot):
        with pytest.raises(ArgumentError, match=f"{name}: .* given"):
            call("mail", **wrong)


TIMEOUTS = ["connect_timeout", "read_timeout", "query_timeout"]


@pytest.mark.parametrize("argument", TIMEOUTS)
@pytest.mark.parametrize("span", ["10s", 10, 10.0, pd.Timedelta("10s"), "10000ms"])
def test_timeouts_are_spans_of_time(beanstalkd: Beanstalkd, argument: str, span: Any) -> None:
    with connect(beanstalkd.address, **{argument: span}) as session:
        client = session._context.looking()
        timeouts = (client.connect_timeout, client.read_timeout, session._context.query_timeout)
        assert timeouts[TIMEOUTS.index(argument)] == 10


@pytest.mark.parametrize("argument", TIMEOUTS)
@pytest.mark.parametrize("wrong", ["soon", 0, -1, float("inf"), float("nan"), True])
def test_a_timeout_that_is_no_span_says_so(beanstalkd: Beanstalkd, argument: str, wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=f"{argument}: .* given"):
        connect(beanstalkd.address, **{argument: wrong})


def test_the_server_and_its_tubes_have_cards(session: Session, tube: pd.DataFrame, client: Client) -> None:
    client.pause_tube("mail", 60)
    of_tube, of_server = session.tube("mail")._repr_html_(), session.server()._repr_html_()
    for text in ("Tube mail", ">buried<", ">2<", "of 60 s left"):
        assert text in of_tube
    for text in (f"beanstalkd {session.server().version}", ">buried<", ">2<", ">uptime<", ">65,535 bytes<"):
        assert text in of_server
