"""The notebook on servers without `reserve-job`: the header says so, and undo parks what it cannot bury."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.monitor.survey import Surveyor
from beanops.notebook import shown_rows
from beanops.notebook.magic import _undo
from beanops.notebook.widgets.table import Click


@pytest.fixture
def session(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Session]:
    with connect(start_beanstalkd(dialect="1.11").address, source="notebook") as session:
        yield session


@pytest.fixture
def worker(session: Session) -> Iterator[Client]:
    """Bury a job, and go on to watch its tube."""
    with Client(session.address) as worker:
        worker.watch("mail")
        worker.put(b"x", tube="mail")
        worker.bury(worker.reserve(0))
        yield worker


def test_the_header_says_what_the_server_cannot_do(session: Session) -> None:
    survey = session._lookups.survey(Surveyor(lambda: 1.0))
    assert "beanstalkd 1.11 · " in (title := shown_rows.title(session, survey))
    assert "no reserve-job (since 1.12)" in title


def test_undo_is_offered_as_what_it_can_do(session: Session, worker: Client) -> None:
    with session.dashboard() as view:
        view.select("mail")
        view.select_jobs(1)
        assert view.delete().done == 1
        label, runs, _ = view.tubes._bar.offers["undo"]
        assert label == "Undo delete (1), buried jobs parked"
        assert view.undo()[0].done == 0, "as it was, it cannot be buried"
        view._clicked(Click("undo", runs, None, ""))
        view.wait()
        assert worker.stats_tube("mail").current_jobs_delayed == 1


def test_the_magic_and_the_method_take_a_choice(session: Session, worker: Client) -> None:
    run = session.delete(1)
    assert _undo(session, [run.id]).done == 0
    assert _undo(session, [run.id, "ready"]).done == 1
    assert worker.stats_tube("mail").current_jobs_ready == 1
