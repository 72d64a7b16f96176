"""`Session.plot`: the plots of a real server."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from beanops import accessors, connect
from beanops.embedded.process import Beanstalkd
from beanops.plots.house import Style
from beanops.plots.methods import Plots
from beanops.protocol.errors import ArgumentError, NotFound, UsageError
from beanops.session.keywords import UnknownKeyword
from beanops.session.options import GroupOptions, ScanOptions
from beanops.session.session import Session
from tests.plots.test_plots import drawn, headline, texts


@pytest.fixture
def session(beanstalkd: Beanstalkd, journal: str) -> Iterator[Session]:
    """Open a session on a server with ten jobs, six of them buried for one of two causes."""
    with connect(beanstalkd.address, journal=journal) as session:
        errors = ["smtp timeout"] * 4 + ["no such mailbox"] * 2
        failed = session.put_many([{"error": error} for error in errors], tube="mail").ids
        session.bury(failed)
        session.put_many([{"user": user} for user in range(4)], tube="mail")
        yield session


def test_each_plot_looks_at_the_server(session: Session) -> None:
    plot = session.plot
    assert "jobs" in headline(plot.backlog("mail"))
    assert "10 jobs" in headline(plot.ages("mail"))
    assert "6 jobs" in headline(plot.ages("mail", state="buried"))
    assert headline(plot.groups("mail", state="buried")) == "mail: one cause makes 67% of 6 buried jobs"
    assert headline(plot.flow()) == "60% of 10 jobs are buried"
    assert "The server" in headline(plot.rates())
    for figure in (plot.backlog(), plot.rates("mail"), plot.flow("mail")):
        assert str(session.address) in texts(figure)[2]
        assert drawn(figure)


def test_frames_are_drawn_as_they_are(session: Session) -> None:
    plot = session.plot
    found = session.groups("mail", state="buried").head(1)
    past = session.trend("mail")
    session.delete(session.jobs("mail"))
    assert headline(plot.groups(found)) == "One cause for 4 buried jobs"
    assert headline(plot.flow(session.tubes())) == "No jobs"
    assert headline(plot.backlog(past)).startswith("6 jobs buried")


def test_the_runs_of_the_journal_are_marked(session: Session) -> None:
    list(zip(range(2), session.watch(0.05), strict=False))
    session.kick("mail")
    list(zip(range(2), session.watch(0.05), strict=False))
    assert "kick 6" in texts(session.plot.backlog("mail"))
    assert "kick 6" not in texts(session.plot.backlog("mail", actions=False))
    assert "kick 6" not in texts(session.plot.backlog("default"))


def test_what_is_wrong_is_said_before_anything_is_drawn(session: Session) -> None:
    with pytest.raises(NotFound, match="mail"):
        session.plot.backlog("mial")
    with pytest.raises(ArgumentError, match="theme"):
        session.plot.flow("mail", theme="blue")
    with pytest.raises(ArgumentError, match="since"):
        session.plot.rates("mail", since="soon")
    with pytest.raises(ArgumentError, match="state"):
        session.plot.flow(session.jobs(), state="buried")
    with pytest.raises(UnknownKeyword, match="did you mean 'state'"):
        session.plot.ages("mail", stat="buried")


def test_bodies_in_a_plot_are_redacted(session: Session) -> None:
    session.put({"error": "refused", "password": "hunter2"}, tube="mail")
    with connect(session.address, redact=["password"]) as careful:
        for by in (None, "data->>'$.password'"):
            assert "hunter2" not in "".join(texts(careful.plot.groups("mail", by=by)))


def test_without_matplotlib_the_extra_is_named(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accessors, "find_spec", lambda module: None)
    with pytest.raises(UsageError, match=r"a plot needs matplotlib: pip install 'beanops\[notebook\]'"):
        session.plot.flow()


@pytest.mark.parametrize("name", ["backlog", "rates", "ages", "groups", "flow"])
def test_a_plot_describes_each_argument(name: str) -> None:
    method = inspect.unwrap(getattr(Plots, name))
    options = {"ages": ScanOptions, "flow": ScanOptions, "groups": GroupOptions}.get(name)
    wanted = {*inspect.signature(method).parameters, *Style.__annotations__} - {"self", "style", "options"}
    wanted |= set(options.__annotations__) if options else set()
    section = (inspect.getdoc(method) or "").partition("Parameters\n")[2]
    named = {word for line in re.findall(r"^(\w[\w, ]*)(?: : |$)", section, re.M) for word in line.split(", ")}
    assert wanted - named == set()
