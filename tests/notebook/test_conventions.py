"""What a notebook expects of objects: reprs without network traffic, completed keys, and a magic."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import beanops
from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.monitor.frames import rates_frame
from beanops.monitor.rates import Point, point
from beanops.protocol.errors import ArgumentError, NotFound
from beanops.session.past_runs.journal_reader import JournalReader
from beanops.session.session import Session
from beanops.session.watching.rates import record


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        session.put(b'{"user": "<script>alert(1)</script>", "password": "hunter2"}', tube="mail", ttr=90)
        session.put(b"y" * 3000, tube="main")
        session.put(b"", tube="main", delay=60)
        yield session


def test_reprs_are_compact_escaped_redacted_and_send_nothing(
    session: Session, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.session.reservation.monotonic", lambda: 1000.0)
    job = session.job(1)
    done = session.kick([1, 99])
    held = session.reserve("mail")
    with Client(session.address) as client:
        peeked = client.peek(2)
    values = [session, job, peeked, session.job(3), done, held]
    assert re.fullmatch(r"<Reservation of job 1 in mail, (90|89) s left>", repr(held))
    still = held._repr_html_()
    beanstalkd.stop(kill=True)
    assert repr(held) == "<Reservation of job 1 in mail, no longer held>"  # the server ended the connection
    assert [repr(value) for value in values[:-1]] == [
        f"<Session {session.address}>",
        "<FoundJob 1, ready in mail, 60 bytes>",
        "<Job 2, 3,000 bytes>",
        "<FoundJob 3, delayed in main, 0 bytes>",
        f"<Run {done.id} kick: 0 done, 2 skipped "
        "(job 1: it is ready; kick takes buried or delayed jobs; job 99: it does not exist)>",
    ]
    html = "".join([*(value._repr_html_() for value in values[:-1]), still])
    assert "b&#x27;" not in html
    assert re.search(r">age</th><td [^>]*>[0-9] s<", html)
    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert "hunter2" not in html
    for said in (str(session.address), "Job 1", "Job 2", "3,000 bytes", "0 bytes", "it does not exist", "s of 90 s"):
        assert said in html
    assert len(html) < 4000


def test_a_session_with_many_reserved_jobs_shows_their_number(session: Session) -> None:
    ids = [session.put(b"x", tube="many").ids[0] for _ in range(12)]
    for _ in ids:
        session.reserve("many")
    assert f"{ids[9]} and 2 more" in session._repr_html_()


def test_recorded_rates_are_a_frame_that_can_be_plotted(session: Session) -> None:
    now, moments = [0.0], iter([0, 2, 4])

    def look(at: float) -> Point:
        if next(moments) == 2:
            session.put(b"x", tube="mail")
        return point(at, session.tube("mail"))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    points = record(look, 4, 2, lambda: now[0], sleep)
    frame = rates_frame([*points, points[0]._replace(at=6)], 6)
    assert frame["ready"].tolist() == [1, 2, 2, 1]
    assert frame["puts_per_s"].fillna(-1).tolist() == [-1, 0.5, 0, -1]  # the last is another tube of that name
    assert frame.dtypes.astype(str).unique().tolist() == ["int64", "float64"]
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert frame.index.to_series().diff().dt.total_seconds().tolist()[1:] == pytest.approx([2, 2, 2])
    assert len(session.rates(seconds=0.02, every=0.01)) == 3
    with pytest.raises(NotFound):
        session.rates("nowhere")
    with pytest.raises(ArgumentError):
        session.rates(seconds=0)


def test_rates_can_be_recorded_until_an_interrupt() -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    points = record(lambda at: Point(at, 0, 0, 0, 0, 0, 0), float("inf"), 1, lambda: 0.0, sleep)
    assert len(points) == 3


def test_what_people_call_has_an_example() -> None:
    verbs = "kick kick_next bury release delete drain move copy touch put put_many pause unpause reserve export import_"
    looks = "tubes jobs scan sql snapshot rates dashboard browse reserve_widget actions runs undo resume"
    called = [getattr(Session, name) for name in f"{verbs} {looks}".split()]
    called += [getattr(JournalReader, name) for name in ("actions", "runs", "verify", "prune")]
    assert [method for method in called if ">>> " not in (method.__doc__ or "")] == []


def test_a_tube_is_found_by_its_name_and_its_name_completed(session: Session, shell: InteractiveShell) -> None:
    assert session["mail"]["id"].tolist() == [1]
    with pytest.raises(NotFound):
        session["mial"]
    typed = 'session["ma'
    with provisionalcompleter():
        offered = {completion.text for completion in shell.Completer.completions(typed, len(typed))}
    assert {text.strip("\"']") for text in offered} == {"mail", "main"}


def test_a_lost_server_completes_nothing(session: Session, beanstalkd: Beanstalkd) -> None:
    beanstalkd.stop(kill=True)
    assert session._ipython_key_completions_() == []


@pytest.fixture
def shell(session: Session) -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.user_ns["session"] = session
    shell.run_line_magic("load_ext", "beanops")
    yield shell
    shell.run_line_magic("reset", "-f")
    InteractiveShell.clear_instance()


def test_the_magic_does_what_people_type_most(
    shell: InteractiveShell, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    def beans(line: str) -> object:
        return shell.run_line_magic("beans", line)

    assert beans("")["tube"].tolist() == ["default", "mail", "main"]  # type: ignore[index]
    assert repr(beans("peek 2")) == "<FoundJob 2, ready in main, 3,000 bytes>"
    assert beans("bury 1 2").done == 2  # type: ignore[attr-defined]
    assert beans("jobs mail state = 'buried'")["id"].tolist() == [1]  # type: ignore[index]
    for line in ("jobs mial", "browse mial"):
        assert beans(line) is None
        assert capsys.readouterr().out == "%beans: no tube 'mial'; did you mean 'mail'?\n"
    assert beans("kick 1").done == 1  # type: ignore[attr-defined]
    with beanops.connect(session.address, actor="cron") as other:
        other.pause("mail", 60)
    assert beans("undo").done == 1  # type: ignore[attr-defined]
    assert session.job(1).stats.state == "buried"
    assert session.tube("mail").pause == 60  # what others did since is theirs
    last = beans("bury 2")
    with session._context.journal()._database.transaction() as connection:  # as if the connection had broken
        connection.exec_driver_sql("delete from outcomes where run = ?", (last.id,))  # type: ignore[attr-defined]
    for _ in range(2):
        assert "verify the run first" in beans("undo").summary  # type: ignore[attr-defined]
    assert beans("move 1 2 default").done == 2  # type: ignore[attr-defined]
    assert set(beans("actions")["source"]) == {"script", "notebook"}  # type: ignore[index]
    beans(f"connect {session.address}")
    assert shell.user_ns["session"] is not session
    capsys.readouterr()
    for line, answer in {
        "dance": "%beans: unknown command 'dance'; %beans help lists the commands",
        "dashbord": "%beans: unknown command 'dashbord'; did you mean 'dashboard'?",
        'kick "17': "%beans: cannot parse '\"17': No closing quotation",
        "tubes mial": "%beans: expected no arguments, got 'mial'",
        "actions mail": "%beans: expected no arguments, got 'mail'",
        "dashboard mail": "%beans: expected no arguments, got 'mail'",
        "kick mail": "%beans: expected job ids such as 17 18, got 'mail'",
        "peek 77": "%beans: NOT_FOUND to 'stats-job 77': the job does not exist, or is in another state or not yours",
    }.items():
        assert beans(line) is None
        assert capsys.readouterr().out.startswith(answer[:30])
    assert beans("undo") is None
    assert "nothing to undo in this session" in capsys.readouterr().out
    assert beans("actions").empty  # type: ignore[attr-defined]
    told = "%beans: no actions in this session yet; session.journal.actions() has those of everybody"
    assert capsys.readouterr().out.strip() == told
    with shell.user_ns["session"]._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update runs set server = 'elsewhere:1'")
    beans("actions")
    assert "has no runs on" in (said := capsys.readouterr().out)
    assert "it has some on elsewhere:1 (" in said
    beans("dashboard").close()  # type: ignore[attr-defined]
    shell.user_ns.pop("session").close()
    beans("tubes")
    assert "no session; use %beans connect SERVER" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "left"), [("y", 1), ("", 1), ("prod", 0)])
def test_the_magic_asks_for_the_name_of_a_guarded_server(
    shell: InteractiveShell, session: Session, monkeypatch: pytest.MonkeyPatch, typed: str, left: int
) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        if not typed:
            raise EOFError
        return typed

    monkeypatch.setattr("builtins.input", answer)
    config = Path(os.environ["BEANOPS_CONFIG"])
    config.write_text(f'[servers.prod]\naddress = "{session.address}"\nconfirm = "type-name"\n')
    (id,) = session.put(b"x", tube="guarded").ids
    shell.run_line_magic("beans", "connect prod")
    shell.run_line_magic("beans", f"bury {id}")
    assert asked == []
    shell.run_line_magic("beans", f"delete {id}")
    assert asked == ["Delete 1 job? Type the profile's name, prod, to go on: "]
    assert len(session.jobs("guarded")) == left
    shell.user_ns.pop("session").close()
