"""Progress bars: after a second, where somebody watches, and removed at the end."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from beanops import Session
from beanops.session import bars


class FakeTqdm:
    """What a bar was told."""

    made: list[FakeTqdm]

    def __init__(self, **look: Any) -> None:
        self.look, self.total, self.n, self.notes, self.open = look, look["total"], 0.0, [""], True
        self.made.append(self)

    def update(self, more: float) -> None:
        self.n += more

    def set_postfix_str(self, note: str, refresh: bool) -> None:
        self.notes.append(note)

    def close(self) -> None:
        self.open = False


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeTqdm]]:
    """Whatever is reported is a second late, and somebody watches."""
    FakeTqdm.made = []
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=FakeTqdm))
    monkeypatch.setattr(bars, "PATIENCE", 0)
    monkeypatch.setattr(bars, "is_watched", lambda: True)
    yield FakeTqdm.made
    assert [bar for bar in FakeTqdm.made if bar.open] == []


def test_verbs_show_how_many_jobs_they_have_done_of_how_many(session: Session, shown: list[FakeTqdm]) -> None:
    ids = [session.put(b"x", tube="mail").ids[0] for _ in range(3)]
    session.bury(ids)
    (bar,) = shown
    assert (bar.look["desc"], bar.look["unit"], bar.n, bar.total) == ("bury", " jobs", 3, 3)
    session.kick("mail")
    session.delete(ids, dry_run=True)
    session.undo(session.runs["run"].iloc[0])
    assert [bar.look["desc"] for bar in shown] == ["bury", "kick", "delete", "undo"]


#: Each verb that may take long.
LONG: dict[str, Callable[..., Any]] = {
    "put_many": lambda session, **how: session.put_many([b"x"], tube="mail", **how),
    "kick": lambda session, **how: session.kick([1], **how),
    "kick_next": lambda session, **how: session.kick_next("mail", 1, **how),
    "bury": lambda session, **how: session.bury([1], **how),
    "release": lambda session, **how: session.release([1], **how),
    "delete": lambda session, **how: session.delete([1], **how),
    "drain": lambda session, **how: session.drain("mail", state="ready", **how),
    "move": lambda session, **how: session.move([1], "post", **how),
    "copy": lambda session, **how: session.copy([1], "post", **how),
    "undo": lambda session, **how: session.undo(session.pause("mail", 0), **how),
    "export": lambda session, **how: session.export(io.BytesIO(), "mail", **how),
    "import": lambda session, **how: session.import_(io.BytesIO(b'{"tube": "mail", "body": "x"}\n'), **how),
}


@pytest.mark.parametrize("verb", LONG)
def test_each_verb_shows_a_bar_unless_told_not_to(verb: str, session: Session, shown: list[FakeTqdm]) -> None:
    session.put(b"x", tube="mail")
    LONG[verb](session, progress=False)
    assert shown == []
    session.put(b"x", tube="mail")  # a drained tube is gone
    LONG[verb](session)
    assert [bar.look["desc"] for bar in shown] == [verb]


def test_a_verb_that_does_not_know_how_many_there_are_shows_no_total(session: Session, shown: list[FakeTqdm]) -> None:
    session.put_many([b"x"] * 3, tube="mail", progress=False)
    session.export(io.BytesIO(), "mail")
    (bar,) = shown
    assert (bar.n, bar.total) == (3, None)


def test_searches_show_ids_and_what_they_found(session: Session, shown: list[FakeTqdm]) -> None:
    session.put_many([b"x"] * 5, tube="mail", progress=False)
    assert shown == []
    session.jobs("mail")
    session.sql("select 1 from jobs")
    assert [(bar.n, bar.total, bar.notes[-1]) for bar in shown] == [(5, 5, "5 of 5 jobs")] * 2


def test_rates_show_the_seconds(session: Session, shown: list[FakeTqdm]) -> None:
    session.rates(seconds=0.02, every=0.01)
    (bar,) = shown
    assert bar.total == 0.02
    assert bar.n == pytest.approx(0.02, abs=0.05)


def test_who_asks_for_it_is_told_and_sees_no_bar(session: Session, shown: list[FakeTqdm]) -> None:
    runs: list[Any] = []
    run = session.kick([1], progress=runs.append)
    session.kick([1], progress=False)
    session.jobs(progress=False)
    session.rates(seconds=0.01, every=0.01, progress=False)
    assert set(runs) == {run}
    assert shown == []


def test_a_bar_waits_for_a_second(session: Session, shown: list[FakeTqdm], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "PATIENCE", 60)
    session.kick([1])
    assert shown == []


def test_faces_show_progress_themselves(
    session: Session, shown: list[FakeTqdm], monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in ("cli", "tui"):
        session._through(source).kick([1])
    assert shown == []
    session._through("notebook").kick([1])
    assert len(shown) == 1


def test_a_bar_is_seen_on_a_terminal_and_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr(sys, "stderr", stderr)
    assert bars.is_watched()
    stderr.isatty = lambda: False
    assert not bars.is_watched()
    shell = SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert bars.is_watched()
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(bars.is_watched()))
    thread.start()
    thread.join()
    assert seen == [False]


def test_a_scan_shows_itself_while_it_is_iterated(session: Session, shown: list[FakeTqdm]) -> None:
    session.put_many([b"x"] * 5, tube="mail", progress=False)
    scan = session.scan("mail")
    assert shown == []
    for batch in scan:
        (bar,) = shown
        assert (len(batch), bar.look["desc"], bar.look["unit"], bar.open) == (5, "scan", " ids", True)
    for _ in session.scan("mail"):
        break
    list(session.scan("mail", progress=False))
    seen: list[int] = []
    list(session.scan("mail", progress=lambda progress: seen.append(progress.found)))
    session.jobs("mail", progress=False)
    assert (len(shown), seen[-1]) == (2, 5)
