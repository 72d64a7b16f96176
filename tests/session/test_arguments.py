"""What verbs take from people who work with frames: seconds of all kinds, bodies that are no bytes, rows."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from beanops import Client, Session
from beanops.protocol.errors import ArgumentError
from beanops.session import arguments
from beanops.session.arguments import body_of, seconds_of, whole_seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        *((90, 90), (90.5, 90.5), (np.int64(90), 90), (np.float32(0.5), 0.5), (0, 0)),
        *(
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("1h 30 min", 5400),
            ("2 days", 172_800),
            ("1w", 604_800),
        ),
        *(("1.5h", 5400), (" 10 M ", 600)),
        *((timedelta(minutes=2), 120), (pd.Timedelta("2m"), 120), (np.timedelta64(2, "m"), 120)),
    ],
)
def test_a_span_of_time_is_given_in_many_ways(given: Any, seconds: float) -> None:
    assert seconds_of("delay", given) == seconds


@pytest.mark.parametrize(
    "given",
    [-1, -0.5, True, None, float("nan"), "", "m", "10 parsecs", "-5m", "10mm", "1h x", pd.NaT, [5], timedelta(-1)],
)
def test_what_is_no_span_of_time_is_refused(given: Any) -> None:
    with pytest.raises(ArgumentError, match=r"delay: .* given, allowed is whole seconds .* or text such as '10m'"):
        whole_seconds("delay", given)


def test_the_protocol_knows_whole_seconds() -> None:
    assert whole_seconds("ttr", "90.0") == 90
    for given in (1.5, "0.5s", float("inf"), 2**32, "200000 d"):
        with pytest.raises(ArgumentError):
            whole_seconds("ttr", given)


def test_bodies_are_text_bytes_or_what_json_holds() -> None:
    assert body_of("é") == b"\xc3\xa9"
    assert body_of(memoryview(b"\xff")) == b"\xff"
    assert body_of({"user": np.int64(7), "at": pd.Timestamp(datetime(2026, 1, 1, tzinfo=UTC))}) == (
        b'{"user":7,"at":"2026-01-01T00:00:00+00:00"}'
    )
    for body in (7, None, {"set": {1}}, "\ud800", pd.DataFrame()):
        with pytest.raises(ArgumentError, match=r"^body: "):
            body_of(body)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="at most 3 bytes"):
        body_of("four", 3)


def test_verbs_take_spans_and_bodies(session: Session) -> None:
    id = session.put({"user": 7}, tube="mail", delay="2m", ttr=pd.Timedelta("1h")).ids[0]
    job = session.job(id)
    assert (job.body, job.stats.delay, job.stats.ttr) == (b'{"user":7}', 120, 3600)
    assert session.release(id, delay=timedelta(minutes=5)).done == 1
    assert session.job(id).stats.delay == 300
    session.pause("mail", "10m")
    assert session.tube("mail").pause == 600
    assert len(session.rates("mail", seconds="0.02s", every=timedelta(milliseconds=10))) == 3


ROWS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "Series": lambda frame: frame.iloc[0],
    "tuple": lambda frame: next(frame.itertuples()),
    "bare tuple": lambda frame: next(frame.itertuples(index=False)),
    "dict": lambda frame: frame.to_dict("records")[0],
    "list of rows": lambda frame: [row for _, row in frame.iterrows()],
    "frame": lambda frame: frame,
}


@pytest.mark.parametrize("shape", ROWS)
def test_rows_of_frames_are_what_they_are_rows_of(session: Session, shape: str) -> None:
    """Jobs, actions, runs and tubes: whatever a frame shows can be acted on as it comes out of it."""
    row = ROWS[shape]
    put = session.put(b"\xff\x00", tube="mail")
    assert session.bury(row(session.jobs("mail"))).done == 1
    assert session.jobs(ids=row(session.jobs("mail", columns=["id", "body"])))["id"].tolist() == put.ids
    # A dict may be a line of a file, which has the body as it is: that of a frame is what can be shown of it.
    columns = ["id", "tube"] if shape == "dict" else ["body", "id"]
    assert session.kick(row(session.jobs("mail", columns=columns))).done == 1
    assert session.bury(row(session.actions.query("action == 'put'"))).done == 1
    if shape not in ("list of rows", "frame"):
        buried = session.runs.query("action == 'bury'").head(1)
        assert session.undo(row(buried)).done == 1
        assert len(session.journal.actions(run=row(buried))) == 1
        assert len(session.journal.actions(run=buried["run"])) == len(session.journal.actions(run=buried)) == 1
        assert session.journal.verify(row(buried)).unknown == 0
        session.pause(row(session.tubes("mail")), 60)
        assert session.tube("mail").pause == 60
        session.unpause(row(session.tubes("mail")))
        assert session.tube("mail").pause == 0


def test_what_names_no_job_tube_or_run_is_refused(session: Session, client: Client) -> None:
    client.put(b"x", tube="mail")
    session.pause("mail", 5)
    with pytest.raises(ArgumentError, match=r"'1 row without an id' given, allowed is an id in each row: frame.dropna"):
        session.kick(session.actions)
    with pytest.raises(ArgumentError, match="rows with an 'id'"):
        session.kick(session.tubes().to_dict("records"))
    with pytest.raises(ArgumentError, match=r"^tube: .* given, allowed is the name of a tube, or a row"):
        session.pause(session.tubes(), 5)
    with pytest.raises(ArgumentError, match=r"^run: .* given, allowed is a run, its id, or a row"):
        session.undo(session.runs)  # type: ignore[arg-type]


def test_the_examples_are_true() -> None:
    assert doctest.testmod(arguments).failed == 0


def test_many_bodies_are_put_as_one_run(session: Session) -> None:
    bodies = [{"user": 1}, "two", b"\x03"]
    run = session.put_many(iter(bodies), tube="mail", priority=7, ttr="2m")
    assert (run.action, run.done, run.ids) == ("put", 3, [1, 2, 3])
    assert session.jobs("mail", order="oldest", bodies="bytes")["body"].tolist() == [b'{"user":1}', b"two", b"\x03"]
    stats = session.job(2).stats
    assert (stats.priority, stats.ttr, stats.state, stats.delay) == (7, 120, "ready", 0)
    assert session.put_many(pd.Series(["a"]), tube="mail", delay=30).ids == [4]
    assert (session.job(4).stats.state, session.job(4).stats.delay) == ("delayed", 30)
    assert session.actions["tube"].tolist() == ["mail"] * 4
    assert session.undo(run).done == 3
    assert session.put_many([]).summary == "put: 0 done"
    assert session.put_many(["x"], dry_run=True).done == 1


@pytest.mark.parametrize("bodies", [["x", 7], "text", b"bytes", {"user": 7}, pd.DataFrame({"data": ["x"]})])
def test_no_body_is_put_where_one_cannot_be(session: Session, bodies: Any) -> None:
    with pytest.raises(ArgumentError):
        session.put_many(bodies, tube="mail")
    assert "mail" not in list(session.tubes().tube)


def test_choices_name_what_is_near(session: Session, tmp_path: Path) -> None:
    run = session.put("x", tube="mail")
    said = "'unknwon' given, allowed is one of unknown.*; did you mean 'unknown'"
    with pytest.raises(ArgumentError, match=rf"^repeat: {said}"):
        session.undo(run, repeat="unknwon")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=rf"^repeat: {said}"):
        session.import_(tmp_path / "none", repeat="unknwon")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^buried_as: 'park' given, allowed is one of parked, ready; did you mean"):
        session.move("mail", "post", buried_as="park")  # type: ignore[typeddict-item]
    with pytest.raises(ArgumentError, match=r"^action: 'kik' given, allowed is one of .*; did you mean 'kick'"):
        session.journal.actions(action="kik")
