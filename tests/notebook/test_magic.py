"""``%beans`` at the keyboard: what Tab offers, cells of SQL, and its help."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

import beanops
from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.notebook import magic_completion
from beanops.session.session import Session

pytest.importorskip("IPython")
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def session(beanstalkd: Beanstalkd, journal: str) -> Iterator[Session]:
    with Client(beanstalkd.address) as client, beanops.connect(beanstalkd.address, journal=journal) as session:
        client.put(b'{"user": {"id": 7}, "plan": "gold"}', tube="mail")
        client.put(b"x", tube="billing")
        yield session


@pytest.fixture
def shell(session: Session) -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.user_ns["session"] = session
    shell.run_line_magic("load_ext", "beanops")
    yield shell
    shell.run_line_magic("reset", "-f")
    InteractiveShell.clear_instance()


@pytest.fixture
def offered(shell: InteractiveShell) -> Callable[[str], set[str]]:
    """Return what Tab offers at the end of a line, as the whole words that it would make."""

    def offers(line: str) -> set[str]:
        with provisionalcompleter():
            found = list(shell.Completer.completions(line, len(line)))
        start = max(line.rfind(" ") + 1, 0)
        return {line[start : one.start] + one.text for one in found}

    return offers


def test_tab_completes_what_the_session_knows(offered: Callable[[str], set[str]], session: Session) -> None:
    assert {"jobs", "kick", "undo", "sql", "connect"} <= offered("%beans ")
    assert offered("%beans p") == {"peek", "problems"}
    for line in ("%beans jobs ma", "jobs = %beans jobs ma", "%beans browse ma", "%beans move 1 ma", "%%beans sql ma"):
        assert offered(line) == {"mail"}, line
    assert offered("%beans jobs mail prio") == {"priority"}
    assert offered("%beans jobs mail data->>'$.u") == {"data->>'$.user'", "data->>'$.user.id'"}
    assert offered("%beans jobs mail age > interval 1 day and data->>'$.pl") == {"data->>'$.plan'"}
    runs = [session.bury([1]).id, session.kick([1]).id]
    assert offered(f"%beans undo {runs[0][:8]}") == {*runs}
    assert "parked" in offered(f"%beans undo {runs[0]} pa")


def test_tab_never_complains_and_never_waits_long(
    offered: Callable[[str], set[str]],
    shell: InteractiveShell,
    beanstalkd: Beanstalkd,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(magic_completion, "PATIENCE", 0.01)
    monkeypatch.setattr(magic_completion, "_tubes", lambda session: time.sleep(0.5) or ["mail"])
    assert offered("%beans jobs mai") == set()
    monkeypatch.undo()
    beanstalkd.stop(kill=True)
    assert offered("%beans jobs mai") == set()
    del shell.user_ns["session"]
    assert offered("%beans jobs mai") == set()
    assert capsys.readouterr() == ("", "")


def test_a_cell_of_sql_becomes_a_frame(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    frame = shell.run_cell_magic("beans", "sql found << mail", "select id,\n  tube from jobs")
    assert frame.to_dict("list") == {"id": [1], "tube": ["mail"]}
    assert shell.user_ns["found"] is frame
    assert len(shell.run_cell_magic("beans", "sql", "from jobs select id")) == 2
    in_a_line = shell.run_line_magic("beans", "sql select tube from tubes where tube = 'mail'")
    assert list(in_a_line.tube) == ["mail"]
    for line, cell, said in (
        ("sql", "selec id", "%beans: the query at character 1: syntax error"),
        ("jobs mail", "x", "%beans: expected %%beans sql [NAME <<] [TUBE], got 'jobs mail'"),
        ("sql 1x <<", "select 1", "%beans: expected %%beans sql [NAME <<] [TUBE], got 'sql 1x <<'"),
    ):
        assert shell.run_cell_magic("beans", line, cell) is None
        assert capsys.readouterr().out.startswith(said)


def test_its_help_is_its_docstring(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%beans?")
    assert "%beans jobs TUBE [WHERE]" in capsys.readouterr().out
